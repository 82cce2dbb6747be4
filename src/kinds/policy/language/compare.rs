//! How a section is compared with the one in Duo, and what an update sends.

use serde_json::{Map, Value, json};

use crate::kinds::field::{Document, Extent, Leaves, LeftOut};
use crate::kinds::networks::Networks;
use crate::kinds::value::parts;
use crate::text::member;

use super::names::MAX_TIME;

/// A section. Its lists are sets, its networks are sets of addresses, and 24 hours are 1 day (policies.md, section 5).
pub(super) static SECTION: Document = Document {
    resolve: |written, _, _| Ok((**written).clone()),
    leaves,
    outgoing,
    left_out,
    again: Value::clone,
    references: None,
    shown: |_, value, _| value,
};

/// The declared fields, and the live ones at the same paths.
fn leaves(declared: &Value, live: Option<&Value>, extent: Extent) -> (Leaves, Leaves) {
    let (mut wanted, mut held) = (Leaves::new(), Leaves::new());
    flatten("", declared, &mut wanted);
    if let Some(live) = live {
        flatten("", live, &mut held);
    }
    if extent == Extent::Declared {
        held.retain(|path, _| wanted.contains_key(path));
    }
    if live.is_some() {
        for path in wanted.keys() {
            held.entry(path.clone()).or_insert(Value::Null);
        }
    }
    (wanted, held)
}

fn flatten(path: &str, value: &Value, leaves: &mut Leaves) {
    let Value::Object(map) = value else {
        leaves.insert(path.to_owned(), compared(path, value));
        return;
    };
    if map.is_empty() && !path.is_empty() {
        leaves.insert(path.to_owned(), value.clone());
    }
    let of = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let time = time(map);
    for (name, value) in map {
        match (name.as_str(), &time) {
            ("max_time_units", Some(_)) => {}
            ("max_time_value", Some(time)) => drop(leaves.insert(of(MAX_TIME), json!(time))),
            _ => flatten(&of(name), value, leaves),
        }
    }
}

/// A length of time in its shortest form: days if it is a number of whole days.
fn time(map: &Map<String, Value>) -> Option<String> {
    let amount = map.get("max_time_value")?.as_i64()?;
    let hours = match map.get("max_time_units")?.as_str()? {
        "days" => amount.checked_mul(24)?,
        "hours" => amount,
        _ => return None,
    };
    Some(if hours % 24 == 0 { format!("{}d", hours / 24) } else { format!("{hours}h") })
}

/// A value without what makes no difference.
fn compared(path: &str, value: &Value) -> Value {
    if !value.is_array() {
        return value.clone();
    }
    let mut items = parts(value);
    if path.ends_with("ip_list")
        && let Ok(networks) = Networks::parse(&items)
    {
        items = networks.texts();
    }
    items.sort();
    items.dedup();
    json!(items)
}

/// The fields that differ. An inner object is sent whole, with what only Duo has (policies.md, section 3.7).
fn outgoing(declared: &Value, live: &Value, _: Extent) -> Value {
    const TRUSTED: [&str; 2] = ["trusted_endpoint_checking", "trusted_endpoint_checking_mobile"];
    let Value::Object(wanted) = declared else { return declared.clone() };
    let differs = |name: &str| {
        let field =
            |section: &Value| section.get(name).map_or_else(|| json!({}), |value| json!({name: value}));
        let (wanted, held) = leaves(&field(declared), Some(&field(live)), Extent::Declared);
        wanted != held
    };
    // Duo changes the second when the first is sent alone (trap 6).
    let both = TRUSTED.iter().any(|name| wanted.contains_key(*name) && differs(name));
    let sent = wanted.iter().filter(|(name, _)| differs(name) || (both && TRUSTED.contains(&name.as_str())));
    sent.map(|(name, value)| {
        let mut whole = live.get(name).cloned().unwrap_or_default();
        overlay(&mut whole, value);
        (name.clone(), whole)
    })
    .collect()
}

fn overlay(below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) if !above.is_empty() => {
            for (name, value) in above {
                overlay(below.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above.clone(),
    }
}

/// What the section in Duo sets and the YAML leaves out. Only removing the section clears a field.
fn left_out(declared: &Value, live: &Value) -> Vec<LeftOut> {
    let (wanted, _) = leaves(declared, None, Extent::Declared);
    let (_, held) = leaves(declared, Some(live), Extent::Whole);
    let extra = held.into_iter().filter(|(path, value)| !wanted.contains_key(path) && !value.is_null());
    extra
        .map(|(path, value)| LeftOut {
            pointer: path.split('.').fold(String::new(), |pointer, name| member(&pointer, name)),
            path,
            value,
            clear: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: Value, other: Value) -> bool {
        let (wanted, held) = leaves(&one, Some(&other), Extent::Declared);
        wanted == held
    }

    #[test]
    fn spelling_makes_no_difference_and_values_do() {
        for (one, other, equal) in [
            (
                json!({"blocked_auth_list": ["sms", "bypass"]}),
                json!({"blocked_auth_list": "bypass,sms"}),
                false,
            ),
            (
                json!({"blocked_auth_list": ["sms", "bypass"]}),
                json!({"blocked_auth_list": ["bypass", "sms"]}),
                true,
            ),
            (json!({"blocked_auth_list": ["sms"]}), json!({"blocked_auth_list": ["bypass", "sms"]}), false),
            (
                json!({"mfa_required": {"ip_list": ["192.0.2.0/31"]}}),
                json!({"mfa_required": {"ip_list": ["192.0.2.0-192.0.2.1"]}}),
                true,
            ),
            (
                json!({"mfa_required": {"ip_list": ["192.0.2.0/31"]}}),
                json!({"mfa_required": {"ip_list": ["192.0.2.0/30"]}}),
                false,
            ),
            (
                json!({"a": {"max_time_units": "hours", "max_time_value": 24}}),
                json!({"a": {"max_time_units": "days", "max_time_value": 1}}),
                true,
            ),
            (
                json!({"a": {"max_time_units": "hours", "max_time_value": 25}}),
                json!({"a": {"max_time_units": "days", "max_time_value": 25}}),
                false,
            ),
            (
                json!({"os_restrictions": {}}),
                json!({"os_restrictions": {"ios": {"block_policy": "end-of-life"}}}),
                false,
            ),
            (json!({"os_restrictions": {}}), json!({"os_restrictions": {}}), true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), true),
            (json!({"a": 1}), json!({}), false),
        ] {
            assert_eq!(same(one.clone(), other.clone()), equal, "{one} {other}");
        }
    }

    #[test]
    fn an_update_sends_what_differs_and_inner_objects_whole() {
        let live = json!({
            "new": 1, "same": 1,
            "browser_apps": {"enabled": true, "user_based": {"max_time_units": "hours", "max_time_value": 12, "confirm_per_app": true}},
        });
        let declared = json!({
            "new": 2, "same": 1,
            "browser_apps": {"user_based": {"max_time_units": "days", "max_time_value": 2}},
        });
        assert_eq!(
            outgoing(&declared, &live, Extent::Declared),
            json!({
                "new": 2,
                "browser_apps": {"enabled": true, "user_based": {"max_time_units": "days", "max_time_value": 2, "confirm_per_app": true}},
            })
        );
        let trusted =
            |one, two| json!({"trusted_endpoint_checking": one, "trusted_endpoint_checking_mobile": two});
        let (wanted, held) = (trusted("require-trusted", "allow-all"), trusted("allow-all", "allow-all"));
        assert_eq!(outgoing(&wanted, &held, Extent::Declared), wanted);
        assert_eq!(outgoing(&wanted, &wanted, Extent::Declared), json!({}));
    }

    #[test]
    fn what_is_left_out_is_found_by_its_place() {
        let found = left_out(&json!({"a": 1}), &json!({"a": 1, "b": {"c": 2}}));
        let found: Vec<(&str, &str)> =
            found.iter().map(|one| (one.path.as_str(), one.pointer.as_str())).collect();
        assert_eq!(found, [("b.c", "/b/c")]);
    }
}
