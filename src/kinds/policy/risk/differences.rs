//! What of a declared section Duo does not hold. The section is meant whole: a field that is not declared has Duo's default.

use serde_json::{Map, Value};

use super::fill::complete;
use super::methods;
use super::walk::{Leaf, walk};
use crate::duo::policy::{Default, Risk, Rule, Shape, section};

/// A field that differs: its path in the section, the declared value, and the live one. JSON `null` is an absent value.
pub type Difference = (String, Value, Value);

/// Whether Duo holds a section as it is declared.
pub fn same_section(name: &str, declared: &Value, live: &Value) -> bool {
    differences(name, declared, live).is_empty()
}

/// The fields of a declared section that differ from the live one. An empty path is the section as a whole.
pub fn differences(name: &str, declared: &Value, live: &Value) -> Vec<Difference> {
    let (Some(declared_map), Some(live_map)) = (declared.as_object(), live.as_object()) else {
        return if declared == live {
            Vec::new()
        } else {
            vec![(String::new(), declared.clone(), live.clone())]
        };
    };
    let mut found = Vec::new();
    let Some(section) = section(name) else {
        unknown(declared_map, live_map, &mut found);
        return found;
    };
    if !is_available(name, live) {
        return found;
    }
    let (full, live) = (complete(section, declared_map, None), complete(section, live_map, None));
    walk(section.fields, (&full, &live), &mut |leaf| {
        let path = leaf.path();
        let given =
            declared.pointer(&format!("/{}", path.replace('.', "/"))).is_some_and(|value| !value.is_null());
        if differs(leaf, given, declared_map) {
            let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
            found.push((path, value(leaf.one), value(leaf.other)));
        }
    });
    found
}

/// Whether the account can hold other values of a section. Duo shows `not-configured` for trusted endpoints until the
/// account has a management integration, and keeps nothing else (policies.md, trap 7).
pub fn is_available(name: &str, live: &Value) -> bool {
    let checking = live.get("trusted_endpoint_checking").and_then(Value::as_str);
    name != "trusted_endpoints" || checking != Some("not-configured")
}

/// Whether a field that is not equal as JSON differs in a way that a write can change.
fn differs(leaf: &Leaf<'_>, given: bool, declared: &Map<String, Value>) -> bool {
    // Fields that duoctl does not know are kept as they are unless they are declared.
    let Some(field) = leaf.field else { return given };
    let has_known_default =
        !matches!(field.default, Default::Unknown | Default::ByEdition(..)) && field.replaced_by.is_none();
    let is_compared = match (field.shape, field.risk) {
        (_, Risk::ReadOnly) => false,
        // Duo fills in or empties a version that is not in force (trap 2).
        (Shape::Version, _) => given && leaf.applies.0,
        // The allowed methods follow from the blocked ones (trap 9).
        (_, Risk::By(Rule::AuthMethods)) if field.name == methods::ALLOWED => {
            given && !declared.contains_key(methods::BLOCKED)
        }
        _ => given || (has_known_default && leaf.applies.0),
    };
    is_compared && (leaf.applies.0 || !leaf.hidden) && !leaf.is_same()
}

/// Of a section that duoctl does not know, only the declared fields are compared.
fn unknown(declared: &Map<String, Value>, live: &Map<String, Value>, found: &mut Vec<Difference>) {
    for (name, value) in declared {
        let live = live.get(name).unwrap_or(&Value::Null);
        if value != live {
            found.push((name.clone(), value.clone(), live.clone()));
        }
    }
}
