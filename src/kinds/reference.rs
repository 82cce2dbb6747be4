//! References to other objects: by address in this workspace, by name in Duo, or by id.

use serde_json::{Map, Value, json};

use super::Kind;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::shape::{Findings, Key, Object, Shape, Whole, one_of};
use crate::language::texts;
use crate::names::same;
use crate::text::shown;
use crate::yaml::{Data, Entry, Node};

/// A reference to an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// The address of an object of this workspace, such as `policies.strict`.
    Address(String),
    /// A name in Duo.
    Name(String),
    /// An id in Duo.
    Id(String),
}

/// The forms of a reference.
pub const REFERENCE: Shape = Shape::Either(&[Shape::Text(&texts::FILLED), Shape::Object(&EXPLICIT)]);

/// A reference that is explicitly a name or an id.
pub static EXPLICIT: Object = Object {
    whole: Some(Whole { check: one_of_both, schema: one_of_both_schema }),
    ..Object::new(
        "a reference",
        &[
            Key::optional(
                "name",
                Shape::Text(&texts::FILLED),
                "The name in Duo, even if it looks like an address.",
                "VPN Users",
            ),
            Key::optional("id", Shape::Text(&texts::FILLED), "The ID in Duo.", "DGXXXXXXXXXXXXXXXXXX"),
        ],
    )
};

fn one_of_both(entries: &[Entry], at: Span, findings: &mut Findings) {
    let known = entries.iter().all(|entry| matches!(entry.key.value.as_str(), "name" | "id"));
    if known && entries.len() != 1 {
        let message = "a reference needs either a `name` or an `id`";
        let help = "write `{name: NAME}` or `{id: ID}`; plain text is also a name";
        findings.push(Diagnostic::error(Code::InvalidValue, at, message).help(help));
    }
}

fn one_of_both_schema(schema: &mut Map<String, Value>) {
    let message = "A reference needs either a `name` or an `id`: `{name: NAME}` or `{id: ID}`. Plain text is also a name.";
    schema.insert("allOf".to_owned(), json!(one_of(&["name", "id"], message)));
}

impl Kind {
    /// The section that declares objects of this kind; their addresses begin with it.
    pub fn section(self) -> &'static str {
        self.endpoint().section
    }

    /// The finding about an address that is not declared.
    pub fn undeclared(self, address: &str, span: Span) -> Diagnostic {
        Diagnostic::error(Code::UnknownReference, span, format!("{} is not declared", shown(address))).help(format!(
            "declare it under `{}`, or write its name in Duo; if `{address}` is its name, write `{{name: {address}}}`",
            self.section()
        ))
    }
}

impl Reference {
    /// Reads plain text: an address if it has that form, otherwise a name.
    pub fn written(kind: Kind, text: &str) -> Self {
        let key = text.strip_prefix(kind.section()).and_then(|rest| rest.strip_prefix('.'));
        match key {
            Some(key) if (texts::ADDRESS_KEY.check)(key).is_ok() => Self::Address(text.to_owned()),
            _ => Self::Name(text.to_owned()),
        }
    }

    /// The reference in a document; `None` if the value is not a reference.
    pub fn of(kind: Kind, value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::written(kind, text)),
            Value::Object(map) => {
                let mut members = map.iter();
                match (members.next(), members.next()) {
                    (Some((key, Value::String(text))), None) => Self::explicit(key, text),
                    _ => None,
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        }
    }

    /// The reference in the YAML; `None` if the value is not a reference.
    pub fn read(kind: Kind, node: &Node) -> Option<Self> {
        match &node.data {
            Data::Text(text) => Some(Self::written(kind, text)),
            Data::Mapping(entries) => match entries.as_slice() {
                [Entry { key, value: Node { data: Data::Text(text), .. } }] => {
                    Self::explicit(&key.value, text)
                }
                _ => None,
            },
            Data::Null | Data::Flag(_) | Data::Number(..) | Data::List(_) => None,
        }
    }

    fn explicit(key: &str, text: &str) -> Option<Self> {
        match key {
            "name" => Some(Self::Name(text.to_owned())),
            "id" => Some(Self::Id(text.to_owned())),
            _ => None,
        }
    }

    /// Its text: the address, name or id.
    pub fn text(&self) -> &str {
        match self {
            Self::Address(text) | Self::Name(text) | Self::Id(text) => text,
        }
    }

    /// Its shortest written form.
    pub fn json(&self, kind: Kind) -> Value {
        match self {
            Self::Id(id) => json!({"id": id}),
            Self::Name(name) if Self::written(kind, name) != *self => json!({"name": name}),
            Self::Name(text) | Self::Address(text) => json!(text),
        }
    }

    /// Whether it refers to an object of the account.
    pub fn means(&self, id: &str, name: &str) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Name(wanted) => same(wanted, name),
            Self::Id(wanted) => wanted == id,
        }
    }

    /// Every reference in a part of a document that consists of references.
    pub fn all(kind: Kind, value: &Value, found: &mut Vec<Self>) {
        match (Self::of(kind, value), value) {
            (Some(reference), _) => found.push(reference),
            (None, Value::Array(items)) => items.iter().for_each(|item| Self::all(kind, item, found)),
            (None, Value::Object(members)) => {
                members.values().for_each(|member| Self::all(kind, member, found));
            }
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read_and_written() {
        let (address, name, id) = (Reference::Address, Reference::Name, Reference::Id);
        for (written, read) in [
            (json!("VPN Users"), name("VPN Users".into())),
            (json!("groups.staff"), address("groups.staff".into())),
            (json!("groups.Staff"), name("groups.Staff".into())),
            (json!("groups."), name("groups.".into())),
            (json!("groups.a.b"), name("groups.a.b".into())),
            (json!("policies.strict"), name("policies.strict".into())),
            (json!({"name": "groups.staff"}), name("groups.staff".into())),
            (json!({"id": "DG1"}), id("DG1".into())),
        ] {
            assert_eq!(Reference::of(Kind::Group, &written).as_ref(), Some(&read), "{written}");
            assert_eq!(read.json(Kind::Group), written);
        }
        for other in [json!({}), json!({"id": 1}), json!({"id": "a", "name": "b"}), json!([]), json!(null)] {
            assert_eq!(Reference::of(Kind::Group, &other), None, "{other}");
        }
    }
}
