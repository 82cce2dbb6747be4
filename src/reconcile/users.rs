//! Which objects of an account refer to another one, managed or not.

use serde_json::Value;

use crate::duo::object::{Kind, Object, ObjectId};
use crate::kinds::application::{GROUPS, ROLE_ATTRS};
use crate::kinds::value::parts;

use super::observed::Objects;

/// The objects that refer to a group or a policy, as far as their lists were read (policies.md, section 2).
pub(super) fn users_of<'a>(used: &ObjectId, objects: &'a Objects) -> Vec<&'a Object> {
    let lives = Kind::ALL.into_iter().flat_map(|kind| objects.present(kind));
    lives.filter(|live| refers_to(live, used)).collect()
}

fn refers_to(live: &Object, used: &ObjectId) -> bool {
    let is_used = |text: &str| text == used.as_str();
    match (live.kind, used.kind) {
        (Kind::Application, Kind::Group) => {
            let allowed = live.property(GROUPS).map(parts).unwrap_or_default();
            allowed.iter().any(|id| is_used(id)) || names_in_roles(live, used)
        }
        (Kind::Application, Kind::Policy) => is_used(live.text("policy_key")),
        (Kind::Policy, Kind::Group) => {
            live.property("policy_applies_to").is_some_and(|bound| names(bound, used.as_str()))
        }
        _ => false,
    }
}

/// Whether the role attributes of an application name a group.
pub(super) fn names_in_roles(live: &Object, group: &ObjectId) -> bool {
    let roles = live.property("sso").and_then(|sso| sso.pointer(ROLE_ATTRS));
    roles.is_some_and(|roles| names(roles, group.as_str()))
}

/// Whether a text occurs anywhere in a value.
fn names(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(items) => items.iter().any(|item| names(item, text)),
        Value::Object(map) => map.values().any(|item| names(item, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
