//! A field's value: as the YAML says it, and in the one form that comparison, marker hash and display share
//! (duo-api.md, section 10).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use serde_json::{Value, json};

use crate::diagnostic::{Span, Spanned};
use crate::names::bare_key;

use super::networks::Networks;
use super::reference::Reference;

/// The value of one setting: `null` clears, anything else sets.
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
    /// Nothing is written, and the object is authoritative: it counts as unset.
    LeftOut,
}

/// A document with the places of its texts. Two are the same if their values are.
#[derive(Clone, Debug)]
pub struct Written {
    value: Value,
    /// By JSON pointers.
    places: BTreeMap<String, Span>,
}

impl Written {
    /// With the places of its texts, by JSON pointers.
    pub fn new(value: Value, places: BTreeMap<String, Span>) -> Self {
        Self { value, places }
    }

    /// Where a text of it is.
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

/// A normalised value. Two values are the same setting exactly when they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// Absent, `null`, `""` and `[]` are one thing (trap 6).
    Unset,
    /// Text, trimmed and in Unicode NFC (trap 35).
    Text(String),
    /// A switch; Duo's 0, "0" and `false` are one thing (trap 5).
    Flag(bool),
    /// Ids or names without an order (trap 1).
    Set(BTreeSet<String>),
    /// Addresses, compared by what they cover (trap 12).
    Networks(Networks),
    /// The declared leaves of a document, each by its path (trap 24).
    Document(BTreeMap<String, Value>),
}

impl FieldValue {
    /// Normalised text.
    pub fn text(text: &str) -> Self {
        let text = bare_key(text);
        if text.is_empty() { Self::Unset } else { Self::Text(text) }
    }

    /// A set; an empty one is unset.
    pub fn set(items: BTreeSet<String>) -> Self {
        if items.is_empty() { Self::Unset } else { Self::Set(items) }
    }

    /// Whether a set has an item.
    pub fn names(&self, item: &str) -> bool {
        matches!(self, Self::Set(items) if items.contains(item))
    }

    /// A set without an item; every other value as it is.
    pub fn without(&self, item: &str) -> Self {
        match self {
            Self::Set(items) => Self::set(items.iter().filter(|name| *name != item).cloned().collect()),
            other => other.clone(),
        }
    }

    /// What a value has beyond another one: of a set the other items, of everything else all of it where it differs.
    pub fn beyond(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Set(items), Self::Set(others)) => Self::set(items.difference(others).cloned().collect()),
            (value, other) if value == other => Self::Unset,
            (value, _) => value.clone(),
        }
    }

    /// Networks; none is unset.
    pub fn networks(networks: Networks) -> Self {
        if networks.is_empty() { Self::Unset } else { Self::Networks(networks) }
    }

    /// The value as JSON, for people, machines and hashes: the same value always gives the same JSON.
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

    /// One text per value, for hashes.
    pub fn canonical(&self) -> String {
        self.json().to_string()
    }
}

/// A JSON number, boolean or string as a switch (trap 5); `None` where it is none.
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

/// A JSON array of strings, or one string with commas, as trimmed parts (traps 1 and 12). What is neither is kept as
/// its JSON: a part that is not understood must never look like a part that is not there.
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
