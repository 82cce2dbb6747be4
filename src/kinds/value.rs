//! A field's value: as written in the YAML, and in the normalized form used for comparison, marker hashes and display
//! (duo-api.md, section 10).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde_json::{Value, json};

use crate::diagnostic::{Span, Spanned};
use crate::names::bare_key;

use super::networks::Networks;
use super::reference::Reference;

/// The value of one setting: `null` clears it, anything else sets it.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// `null`.
    Clear,
    /// A string.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A list of strings, each with its place.
    List(Vec<Spanned<String>>),
    /// Another object.
    Reference(Reference),
    /// Other objects, each with its place.
    References(Vec<Spanned<Reference>>),
    /// A document of any shape, e.g. `sso`.
    Document(Written),
    /// The key is left out and the object is authoritative: it counts as unset.
    LeftOut,
}

/// A document with the places of its texts. Two documents are equal if their values are.
#[derive(Clone, Debug)]
pub struct Written {
    value: Value,
    /// Keyed by JSON pointer.
    places: BTreeMap<String, Span>,
}

impl Written {
    /// Creates a document with the places of its texts, keyed by JSON pointer.
    pub fn new(value: Value, places: BTreeMap<String, Span>) -> Self {
        Self { value, places }
    }

    /// The place of one of its texts.
    pub fn place(&self, pointer: &str) -> Option<Span> {
        self.places.get(pointer).copied()
    }
}

impl From<Value> for Written {
    fn from(value: Value) -> Self {
        Self::new(value, BTreeMap::new())
    }
}

impl Deref for Written {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A normalized value. Two settings are the same exactly if their values are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// Absent, `null`, `""` and `[]` are equivalent (trap 6).
    Unset,
    /// Text, trimmed and in Unicode NFC (trap 35).
    Text(String),
    /// A switch; Duo's 0, "0" and `false` are equivalent (trap 5).
    Flag(bool),
    /// Ids or names without an order (trap 1).
    Set(BTreeSet<String>),
    /// Addresses, compared by the range they cover (trap 12).
    Networks(Networks),
    /// The declared leaves of a document by path (trap 24).
    Document(BTreeMap<String, Value>),
}

impl FieldValue {
    /// Normalized text.
    pub fn text(text: &str) -> Self {
        let text = bare_key(text);
        if text.is_empty() { Self::Unset } else { Self::Text(text) }
    }

    /// A set; an empty one is unset.
    pub fn set(items: BTreeSet<String>) -> Self {
        if items.is_empty() { Self::Unset } else { Self::Set(items) }
    }

    /// Whether a set contains an item.
    pub fn names(&self, item: &str) -> bool {
        matches!(self, Self::Set(items) if items.contains(item))
    }

    /// A set without one item; any other value unchanged.
    pub fn without(&self, item: &str) -> Self {
        match self {
            Self::Set(items) => Self::set(items.iter().filter(|name| *name != item).cloned().collect()),
            other => other.clone(),
        }
    }

    /// What a value has in addition to another one: for sets the extra items, for other values all of it if it differs.
    pub fn beyond(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Set(items), Self::Set(others)) => Self::set(items.difference(others).cloned().collect()),
            (value, other) if value == other => Self::Unset,
            (value, _) => value.clone(),
        }
    }

    /// Networks; an empty set is unset.
    pub fn networks(networks: Networks) -> Self {
        if networks.is_empty() { Self::Unset } else { Self::Networks(networks) }
    }

    /// The value as JSON for display, machines and hashes: equal values always give the same JSON.
    pub fn json(&self) -> Value {
        match self {
            Self::Unset => Value::Null,
            Self::Text(text) => json!(text),
            Self::Flag(flag) => json!(flag),
            Self::Set(items) => json!(items),
            Self::Networks(networks) => json!(networks.texts()),
            Self::Document(leaves) => {
                leaves.iter().map(|(path, leaf)| (path.clone(), leaf.clone())).collect()
            }
        }
    }

    /// A unique text for each value, for hashes.
    pub fn canonical(&self) -> String {
        self.json().to_string()
    }
}

/// A JSON number, boolean or string as a switch (trap 5); `None` if it is not one.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_f64()? != 0.0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" => Some(true),
            "0" | "false" | "" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A JSON array of strings, or a comma-separated string, as trimmed parts (traps 1 and 12). Anything else is kept as JSON:
/// a part that cannot be read must never look like a missing part.
pub fn parts(value: &Value) -> Vec<String> {
    let texts: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split(',').map(str::to_owned).collect(),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![value.to_string()],
    };
    texts.iter().map(|text| text.trim()).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_empty_and_blank_text_are_one_value() {
        assert_eq!(FieldValue::text(" \n"), FieldValue::Unset);
        assert_eq!(FieldValue::text(" VPN "), FieldValue::text("VPN"));
        assert_eq!(FieldValue::text("Cafe\u{301}"), FieldValue::text("Caf\u{e9}"));
        assert_eq!(FieldValue::set(BTreeSet::new()), FieldValue::Unset);
    }

    #[test]
    fn flags_come_in_every_spelling() {
        for yes in [json!(1), json!("1"), json!(true), json!("True"), json!(1.0)] {
            assert_eq!(flag(&yes), Some(true), "{yes}");
        }
        for no in [json!(0), json!("0"), json!(false), json!("False"), json!("")] {
            assert_eq!(flag(&no), Some(false), "{no}");
        }
        assert_eq!(flag(&json!("maybe")), None);
    }

    #[test]
    fn lists_come_as_arrays_and_as_text_with_commas() {
        assert_eq!(parts(&json!(" a, b,,")), ["a", "b"]);
        assert_eq!(parts(&json!(["b", " a "])), ["b", "a"]);
        assert_eq!(parts(&Value::Null), Vec::<String>::new());
        assert_eq!(parts(&json!(["a", {"id": 1}])), ["a", "{\"id\":1}"]);
        assert_eq!(parts(&json!({"id": 1})), ["{\"id\":1}"]);
    }
}
