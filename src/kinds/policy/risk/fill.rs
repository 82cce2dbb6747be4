//! What Duo fills in: the defaults of a section, and the fields that depend on others.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::value::list;
use crate::duo::policy::{Default, Edition, Field, Section, Shape, section};

const CHECKING: &str = "trusted_endpoint_checking";
const MOBILE: &str = "trusted_endpoint_checking_mobile";
const ALLOWED: &str = "allowed_auth_list";
const BLOCKED: &str = "blocked_auth_list";

/// A section with its known defaults filled in. Without an edition, every field is filled in, except those whose default
/// depends on the edition.
pub(super) fn complete(
    section: &Section,
    value: &Map<String, Value>,
    edition: Option<Edition>,
) -> Map<String, Value> {
    let mut value = value.clone();
    if section.name == "remembered_devices" {
        choose_branch(&mut value);
    }
    let mut whole = filled(section.fields, &value, edition);
    // The check of mobile devices follows the other one if it is not given (policies.md, trap 6).
    if section.name == "trusted_endpoints"
        && !whole.contains_key(MOBILE)
        && let Some(checking) = whole.get(CHECKING).cloned()
    {
        whole.insert(MOBILE.to_owned(), checking);
    }
    whole
}

fn filled(
    fields: &'static [Field],
    value: &Map<String, Value>,
    edition: Option<Edition>,
) -> Map<String, Value> {
    let present = value.iter().filter(|(_, value)| !value.is_null());
    let mut whole: Map<String, Value> = present.map(|(name, value)| (name.clone(), value.clone())).collect();
    for field in fields {
        match (field.inner(), whole.get_mut(field.name)) {
            (Some(inner), Some(Value::Object(map))) => *map = filled(inner, map, edition),
            (_, Some(_)) => {}
            (_, None)
                if edition.is_some_and(|edition| edition < field.edition || field.replaced_by.is_some()) => {}
            (Some(_), None) if matches!(field.shape, Shape::Optional(_)) => {}
            (Some(inner), None) => {
                whole.insert(field.name.to_owned(), Value::Object(filled(inner, &Map::new(), edition)));
            }
            (None, None) if edition.is_none() && matches!(field.default, Default::ByEdition(..)) => {}
            (None, None) => {
                let default = field.default(edition.unwrap_or(Edition::Advantage));
                whole.extend(default.map(|default| (field.name.to_owned(), default)));
            }
        }
    }
    whole
}

/// Duo shows only the branch that is in force (policies.md, trap 8), so that branch tells the method.
fn choose_branch(value: &mut Map<String, Value>) {
    let Some(browser) = value.get_mut("browser_apps").and_then(Value::as_object_mut) else { return };
    let method = match (browser.contains_key("user_based"), browser.contains_key("risk_based")) {
        (true, false) => "user-based",
        (false, true) => "risk-based",
        _ => return,
    };
    browser.entry("remember_method").or_insert_with(|| json!(method));
}

/// What Duo holds after a section was added that was declared so: the defaults of the fields that are left out included,
/// those of branches that are not in force excluded. A section that duoctl does not know is returned unchanged.
pub fn whole(name: &str, declared: &Value, edition: Edition) -> Value {
    let (Some(section), Some(map)) = (section(name), declared.as_object()) else { return declared.clone() };
    let mut whole = complete(section, map, Some(edition));
    hide(section.fields, &mut whole);
    if section.name == "authentication_methods" && !map.contains_key(ALLOWED) {
        derive_allowed(&mut whole, &list(map, ALLOWED));
    }
    Value::Object(whole)
}

/// What Duo holds after a section that exists was written so: like [`whole`], but what a write cannot set keeps its value.
/// That is fields without a known default that are not declared, and fields that duoctl does not know.
pub fn rewritten(name: &str, declared: &Value, live: &Value, edition: Edition) -> Value {
    let (Some(section), Some(live)) = (section(name), live.as_object()) else {
        return overlaid(declared, live);
    };
    let Value::Object(mut whole) = whole(name, declared, edition) else { return declared.clone() };
    keep(section.fields, &mut whole, live);
    if section.name == "authentication_methods" && declared.get(ALLOWED).is_none() {
        derive_allowed(&mut whole, &list(live, ALLOWED).union(&list(live, BLOCKED)).cloned().collect());
    }
    Value::Object(whole)
}

/// The declared fields over the live ones, in a section whose fields are not known.
fn overlaid(declared: &Value, live: &Value) -> Value {
    match (declared, live) {
        (Value::Object(declared), Value::Object(live)) => {
            let mut fields = live.clone();
            fields.extend(declared.clone());
            Value::Object(fields)
        }
        _ => declared.clone(),
    }
}

/// Removes fields that Duo does not show because they have no effect (policies.md, trap 8).
fn hide(fields: &'static [Field], map: &mut Map<String, Value>) {
    for field in fields {
        let Some(inner) = field.inner() else { continue };
        let Some(Value::Object(object)) = map.get_mut(field.name) else { continue };
        hide(inner, object);
        if matches!(field.shape, Shape::Branches(_)) {
            let siblings = object.clone();
            let is_hidden =
                |name: &String| inner.iter().any(|field| field.name == *name && !field.applies(&siblings));
            object.retain(|name, _| !is_hidden(name));
        }
    }
}

fn keep(fields: &'static [Field], whole: &mut Map<String, Value>, live: &Map<String, Value>) {
    for (name, live) in live {
        let field = fields.iter().find(|field| field.name == *name);
        match (field.and_then(Field::inner), whole.get_mut(name), live) {
            (Some(inner), Some(Value::Object(whole)), Value::Object(live)) => keep(inner, whole, live),
            (_, Some(_), _) => {}
            (_, None, live) => {
                let stays = field
                    .is_none_or(|field| field.default == Default::Unknown || field.replaced_by.is_some());
                if stays && !live.is_null() {
                    whole.insert(name.clone(), live.clone());
                }
            }
        }
    }
}

/// The allowed methods only inform: they are those that are not blocked (policies.md, trap 9).
fn derive_allowed(whole: &mut Map<String, Value>, others: &BTreeSet<String>) {
    let fields = section("authentication_methods").map(|section| section.fields).unwrap_or_default();
    let defaults = crate::duo::policy::defaults(fields, Edition::Essentials);
    let names = [ALLOWED, BLOCKED].into_iter().flat_map(|name| list(&defaults, name));
    let blocked = list(whole, BLOCKED);
    let all: BTreeSet<String> =
        names.chain(others.iter().cloned()).filter(|name| !blocked.contains(name)).collect();
    whole.insert(ALLOWED.to_owned(), json!(all));
}
