//! Accepts drift into the YAML: a change made in Duo becomes the desired state.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::duo::catalogue::lookup;
use crate::duo::object::Object;
use crate::kinds::application::fields::field as field_of;
use crate::kinds::application::leaf::segment;
use crate::kinds::marker::Notes;
use crate::kinds::reference::Reference;
use crate::kinds::value::Setting;
use crate::names::bare_key;
use crate::reconcile::desired::Wanted;
use crate::reconcile::diff::{Change, Origin};
use crate::reconcile::plan::{Action, Plan};

use super::names::Names;
use super::scope::Live;
use super::settings;

/// One edit of an application's entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The keys below the application, e.g. `sso`, `saml_config`, `relaystate`.
    pub path: Vec<String>,
    /// The new value; `None` removes the key.
    pub value: Option<Value>,
}

/// The changes in a plan for an address that were made in Duo, not only in the YAML. Without a readable marker on the
/// `live` application, the side that changed is unknown, so every difference may have been made in Duo.
pub fn drifted<'p>(plan: &'p Plan, wanted: &Wanted, live: &Object) -> Vec<&'p Change> {
    let marker = Notes::parse(live.notes()).marker;
    let tells = marker.is_some_and(|marker| marker.address == wanted.address && !marker.applied.is_empty());
    let steps =
        plan.steps().iter().filter(|step| step.address == wanted.address && step.action == Action::Update);
    let moved = |change: &&Change| {
        !tells || matches!(change.origin, Some(Origin::Drift | Origin::Both | Origin::Unknown))
    };
    // `state` and `protect` are stored in the marker, not in Duo's fields.
    let settings = |change: &&Change| !matches!(change.field.as_str(), "state" | "protect");
    steps.flat_map(|step| &step.changes).filter(moved).filter(settings).collect()
}

/// The edits that set the changed fields in the YAML to Duo's values. The error names a field that the YAML cannot
/// express, and why.
pub fn edits(
    wanted: &Wanted,
    changes: &[&Change],
    integration: &Object,
    live: Live<'_>,
) -> Result<Vec<Edit>, String> {
    let names = Names::new(live.groups, live.policies);
    let kind = lookup(integration.variant());
    let mut fields: BTreeSet<&str> =
        changes.iter().filter_map(|change| change.field.split(['.', '[']).next()).collect();
    // Groups are valid only together with the access that they belong to.
    if fields.contains("user_access") {
        fields.insert("groups_allowed");
    }
    let mut edits = Vec::new();
    for field in fields {
        let whole = |value: Option<Value>| Edit { path: vec![field.to_owned()], value };
        match field {
            "name" => edits.push(whole(Some(json!(integration.name())))),
            "sso" => edits.extend(document(wanted, changes, integration, &names)?),
            _ => {
                let value = settings::value(field, integration, kind, &names)
                    .map_err(|why| format!("`{field}` {why}"))?;
                // Blanks alone count as empty everywhere else, and other YAML parsers read an empty value.
                let value =
                    value.filter(|value| value.as_str().is_none_or(|text| !bare_key(text).is_empty()));
                let value = value.map(|value| in_declared_order(value, wanted, field, &names));
                if value.is_some() || wanted.settings.contains_key(field) {
                    edits.push(whole(value));
                }
            }
        }
    }
    Ok(edits)
}

/// A list whose order has no meaning, based on the YAML: remaining items keep their position and spelling, new items are
/// added at the end.
fn in_declared_order(value: Value, wanted: &Wanted, field: &str, names: &Names<'_>) -> Value {
    let declared = wanted.settings.get(field).map(|setting| &setting.value);
    let Value::Array(mut items) = value else { return value };
    let mut ordered = Vec::with_capacity(items.len());
    let mut keep = |written: Value, is_it: &dyn Fn(&Value) -> bool| {
        if let Some(found) = items.iter().position(is_it) {
            items.remove(found);
            ordered.push(written);
        }
    };
    match (declared, field_of(field).and_then(|field| field.refers_to)) {
        (Some(Setting::References(declared)), Some(kind)) => {
            for reference in declared.iter().map(|item| &item.value) {
                let by_id = names.group(reference.text()).filter(|_| matches!(reference, Reference::Id(_)));
                let is_it = |live: &Value| match (&by_id, Reference::of(kind, live)) {
                    (Some(group), _) => group.value == *live,
                    (None, Some(live)) => live == *reference,
                    (None, None) => false,
                };
                keep(reference.json(kind), &is_it);
            }
        }
        (Some(Setting::List(declared)), _) => {
            for text in declared.iter().map(|item| json!(item.value)) {
                keep(text.clone(), &|live| *live == text);
            }
        }
        _ => {}
    }
    ordered.extend(items);
    Value::Array(ordered)
}

fn document(
    wanted: &Wanted,
    changes: &[&Change],
    integration: &Object,
    names: &Names<'_>,
) -> Result<Vec<Edit>, String> {
    let kind = lookup(integration.variant());
    let live = settings::value("sso", integration, kind, names).map_err(|why| format!("`sso` {why}"))?;
    let nothing = json!({});
    let declared = wanted.settings.get("sso").and_then(|setting| match &setting.value {
        Setting::Document(document) => Some(&**document),
        Setting::LeftOut => Some(&nothing),
        _ => None,
    });
    let mut edits = Vec::new();
    if let Some(declared) = declared {
        let path = &mut vec!["sso".to_owned()];
        leaves(declared, live.as_ref(), path, changes, &mut edits);
        if let (true, Some(live)) = (wanted.authoritative, &live) {
            additions(declared, live, path, changes, &mut edits);
        }
    }
    Ok(edits)
}

/// Descends into Duo's values to the parts that the YAML leaves out and a change names.
fn additions(
    declared: &Value,
    live: &Value,
    path: &mut Vec<String>,
    changes: &[&Change],
    edits: &mut Vec<Edit>,
) {
    let (Value::Object(declared), Value::Object(live)) = (declared, live) else { return };
    for (key, value) in live {
        path.push(key.clone());
        match declared.get(key) {
            Some(declared) => additions(declared, value, path, changes, edits),
            None => {
                let here = path.iter().map(|name| segment(name)).collect::<Vec<_>>().join(".");
                let within = |change: &&&Change| {
                    let rest = change.field.strip_prefix(&here);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                if changes.iter().any(|change| within(&change)) {
                    edits.push(Edit { path: path.clone(), value: Some(value.clone()) });
                }
            }
        }
        path.pop();
    }
}

/// Descends into the declared values to the places that a change names.
fn leaves(
    declared: &Value,
    live: Option<&Value>,
    path: &mut Vec<String>,
    changes: &[&Change],
    edits: &mut Vec<Edit>,
) {
    if let Value::Object(map) = declared
        && !map.is_empty()
    {
        for (key, value) in map {
            path.push(key.clone());
            leaves(value, live.and_then(|live| live.get(key)), path, changes, edits);
            path.pop();
        }
        return;
    }
    let here = path.join(".");
    let named = |change: &&Change| {
        change.field.strip_prefix(&here).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
    };
    if changes.iter().any(named) {
        // Values that the live document omits are off or empty.
        let empty = if declared.is_boolean() { json!(false) } else { Value::Null };
        edits.push(Edit { path: path.clone(), value: Some(live.cloned().unwrap_or(empty)) });
    }
}
