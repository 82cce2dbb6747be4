//! Values with their places.

use serde_json::{Map, Number, Value};

use crate::diagnostic::{Span, Spanned};

/// The maximum nesting depth of values, including aliases.
pub(super) const MAX_DEPTH: usize = 64;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub data: Data,
    /// From its first to its last byte; for an implied value (`key:`), the place of its key.
    pub span: Span,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Data {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number, with its original text.
    Number(Number, String),
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping with unique keys.
    Mapping(Vec<Entry>),
}

/// One key of a mapping, with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The type of the value, for messages: `text`, `a list`, ...
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Flag(_) => "a boolean",
            Data::Number(..) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Mapping(_) => "a mapping",
        }
    }

    /// The value as JSON, as seen by an editor's schema check.
    pub fn json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Flag(flag) => Value::Bool(*flag),
            Data::Number(number, _) => Value::Number(number.clone()),
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => items.iter().map(Self::json).collect(),
            Data::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.value.clone(), entry.value.json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// Whether it equals a JSON value, ignoring the order of keys and the spelling of numbers.
    pub fn means(&self, value: &Value) -> bool {
        match (&self.data, value) {
            (Data::Null, Value::Null) => true,
            (Data::Flag(flag), Value::Bool(value)) => flag == value,
            (Data::Number(number, _), Value::Number(value)) => {
                number == value || number.as_f64().is_some() && number.as_f64() == value.as_f64()
            }
            (Data::Text(text), Value::String(value)) => text == value,
            (Data::List(items), Value::Array(values)) => {
                items.len() == values.len() && items.iter().zip(values).all(|(item, value)| item.means(value))
            }
            (Data::Mapping(entries), Value::Object(map)) => {
                let same =
                    |entry: &Entry| map.get(&entry.key.value).is_some_and(|value| entry.value.means(value));
                entries.len() == map.len() && entries.iter().all(same)
            }
            _ => false,
        }
    }

    /// Moves all places to another file with the same text.
    pub fn move_to(&mut self, file: usize) {
        self.span.file = file;
        match &mut self.data {
            Data::List(items) => items.iter_mut().for_each(|item| item.move_to(file)),
            Data::Mapping(entries) => {
                for entry in entries {
                    entry.key.span.file = file;
                    entry.value.move_to(file);
                }
            }
            Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => {}
        }
    }
}

/// The number of values in a tree, including itself.
pub fn size(node: &Node) -> usize {
    1 + match &node.data {
        Data::List(items) => items.iter().map(size).sum(),
        Data::Mapping(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => 0,
    }
}

/// The first entry of a mapping with a key.
pub fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key.value == key)
}
