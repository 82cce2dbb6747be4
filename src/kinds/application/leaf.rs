//! Values and lists of a single sign-on document in the normalized form used for comparison, and their paths.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kinds::value::flag;

/// The setting that is nested differently in the two known shapes of the reply.
pub const GRANTS: &str = "grant_types";

/// The member that identifies an item of a list of objects.
pub fn item_key(path: &str) -> Option<&'static str> {
    match path.rsplit('.').next()? {
        "acs_urls" => Some("url"),
        "scopes" if path.starts_with("oauth_config") => Some("id"),
        "scopes" => Some("name"),
        "clients" => Some("client_id"),
        "idp_attribute_claim_mapping" => Some("oidc_claim"),
        _ => None,
    }
}

/// A declared item of a list and its live counterpart.
pub struct Pair<'v> {
    /// Its segment in a path.
    pub place: String,
    /// The declared item.
    pub item: &'v Value,
    /// The live item, if there is one.
    pub live: Option<&'v Value>,
}

/// The declared items of a list in order, each with the live item that has the same key.
pub fn pairs<'v>(items: &'v [Value], key: &str, live: &'v [Value]) -> Vec<Pair<'v>> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let pair = |item: &'v Value| {
        let name = item.get(key);
        let text = name.and_then(Value::as_str).unwrap_or_default();
        // Items that share a key, such as one URL with two bindings, are compared in order.
        let nth = seen.entry(text).or_default();
        let found = live.iter().filter(|live| live.get(key) == name).nth(*nth);
        let place = if *nth == 0 { segment(text) } else { format!("{} #{}", segment(text), *nth + 1) };
        *nth += 1;
        Pair { place, item, live: found }
    };
    items.iter().map(pair).collect()
}

/// The keys of a list's items, sorted.
pub fn names(items: &[Value], key: &str) -> Value {
    let mut names: Vec<Value> = items.iter().map(|item| item.get(key).cloned().unwrap_or_default()).collect();
    names.sort_by_cached_key(Value::to_string);
    if names.is_empty() { Value::Null } else { Value::Array(names) }
}

/// A name in a path, quoted if it would be ambiguous: two leaves must never share a path.
pub fn segment(name: &str) -> String {
    let plain = !name.is_empty() && !name.contains(['.', '[', ']', '"', '#']);
    if plain { name.to_owned() } else { format!("{name:?}") }
}

/// Reduces a list with one text to that text: both mean the same setting.
pub fn as_scalar(value: &Value) -> Value {
    match value {
        Value::Array(items) => match items.as_slice() {
            [item] => scalar(item),
            _ => sorted(value),
        },
        other => scalar(other),
    }
}

/// The reverse of [`as_scalar`].
pub fn as_list(value: &Value) -> Value {
    match value {
        Value::String(text) if !text.is_empty() => sorted(&json!([text])),
        other => sorted(other),
    }
}

/// Absent, `null`, `""`, `[]` and `{}` are the same value; a number in a string is a number (traps 6 and 34).
pub fn scalar(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => json!(number),
            _ => value.clone(),
        },
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => {
                float.to_string().parse::<i64>().map_or_else(|_| value.clone(), |number| json!(number))
            }
            _ => value.clone(),
        },
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Object(map) if map.is_empty() => Value::Null,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.clone(),
    }
}

/// A switch. Duo may answer with the settings of the enabled feature instead of `true`.
pub fn as_flag(value: &Value) -> Value {
    match value {
        Value::Object(_) => json!(true),
        other => flag(other).map_or_else(|| other.clone(), Value::Bool),
    }
}

/// A list whose order does not matter.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(scalar).collect();
            items.sort_by_cached_key(Value::to_string);
            items.dedup();
            Value::Array(items)
        }
        other => scalar(other),
    }
}
