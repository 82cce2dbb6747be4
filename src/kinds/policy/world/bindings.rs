//! What a policy says that it applies to, in every form that Duo has had (policies.md, section 2).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::duo::object::{Id, Object};

/// One entry of `policy_applies_to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// The policy of an application.
    Application { application: Id, name: String },
    /// The policy of some groups in an application.
    Groups { application: Id, name: String, groups: BTreeSet<Id>, position: Option<i64> },
    /// Something that duoctl does not know, of one application or of any.
    Unknown(Option<Id>),
}

/// The ids of groups by their names; some forms show only a name. A name that several groups have is of none.
pub(super) type Names<'a> = BTreeMap<&'a str, Option<&'a Id>>;

/// The entries of a policy. A policy that does not show them may apply to anything.
pub(super) fn bounds(policy: &Object, names: &Names<'_>) -> Vec<Bound> {
    match policy.property("policy_applies_to") {
        Some(Value::Array(entries)) => entries.iter().map(|entry| bound(entry, names)).collect(),
        _ => vec![Bound::Unknown(None)],
    }
}

fn bound(entry: &Value, names: &Names<'_>) -> Bound {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(application) = text("app_integration_key").map(Id::new) else { return Bound::Unknown(None) };
    let name = text("app_name").unwrap_or_default().to_owned();
    match text("apply_type") {
        Some("app") => Bound::Application { application, name },
        Some("group_app") => match groups(entry, names) {
            Some(groups) if !groups.is_empty() => {
                let position = entry.get("group_position").and_then(Value::as_i64);
                Bound::Groups { application, name, groups, position }
            }
            _ => Bound::Unknown(Some(application)),
        },
        _ => Bound::Unknown(Some(application)),
    }
}

/// The groups of an entry; `None` if one of them is not known.
fn groups(entry: &Value, names: &Names<'_>) -> Option<BTreeSet<Id>> {
    match entry.get("groups") {
        Some(Value::Array(groups)) => groups.iter().map(|group| group_of(group, names)).collect(),
        Some(Value::String(groups)) => groups.split(',').map(|group| named(group.trim(), names)).collect(),
        _ => Some(BTreeSet::from([group_of(entry, names)?])),
    }
}

fn group_of(group: &Value, names: &Names<'_>) -> Option<Id> {
    let text = |name: &str| group.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (group.as_str(), text("group_id")) {
        (Some(text), _) => named(text, names),
        (None, Some(id)) => Some(Id::new(id)),
        (None, None) => named(text("group_name")?, names),
    }
}

/// A group by a text that is its id or its name.
fn named(text: &str, names: &Names<'_>) -> Option<Id> {
    let is_id = names.values().flatten().any(|id| id.as_str() == text);
    if is_id { Some(Id::new(text)) } else { names.get(text).copied().flatten().cloned() }
}
