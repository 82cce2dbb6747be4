//! A field: one row says how it is written, compared and sent, what its absence means, and what a change of it risks.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span};
use crate::duo::catalogue::{self, Family};
use crate::language::shape::{Key, Problem, Shape, TextRule};
use crate::language::similar::suggested;
use crate::language::texts;

use super::Kind;
use super::reference::Reference;
use super::risk::{Assessment, NEUTRAL};
use super::value::{FieldValue, Written};

/// One row of a kind's table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// How it is written: its name, the shape of its value, what it is for, an example.
    pub key: Key,
    /// Whether a family of types has it. Unknown types have every field.
    pub applies: fn(Family) -> bool,
    /// Where Duo keeps it.
    pub wire: Wire,
    /// The form of its values.
    pub form: Form,
    /// The kind of objects that it refers to.
    pub refers_to: Option<Kind>,
    /// The property and the value that it must have for the field to take effect.
    pub only_with: Option<(&'static str, &'static str)>,
    /// What `null` sends.
    pub clear: Clear,
    /// What it means if Duo omits it.
    pub silence: Silence,
    /// The risk of a change from one value to another.
    pub risk: fn(&FieldValue, &FieldValue) -> Assessment,
    /// The risk of a new object with this value.
    pub created: fn(&FieldValue) -> Assessment,
    /// Its other properties.
    pub roles: Roles,
    /// Its letter in a marker.
    pub letter: Option<char>,
}

/// Where Duo keeps a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Nowhere: it identifies the object, or controls how duoctl treats it.
    Nowhere,
    /// In one property.
    Property(&'static str),
    /// In several switches whose names share a prefix.
    Flags(&'static str),
}

/// What `null` sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// An empty text.
    Empty,
    /// The word that means unset. The YAML uses it, too, and does not accept `null`.
    Word(&'static str),
    /// Nothing: it cannot be cleared.
    Never,
}

/// What it means if Duo omits a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It is unset.
    Unset,
    /// Duo does not offer it on this object, so a change could not be verified (duo-api.md, trap 8).
    NotOffered,
    /// If the switch is wanted off, it is off; otherwise Duo does not offer it.
    Off,
}

/// Other properties of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// It identifies the object.
    pub const IDENTIFYING: Self = Self(1);
    /// It may be set in `defaults`. Access and permissions may not: they are set on the object itself.
    pub const DEFAULTABLE: Self = Self(2);
    /// It shares its property in Duo with the marker and is sent together with it.
    pub const MARKED: Self = Self(4);
    /// Duo accepts it only when an object is modified (duo-api.md, section 3.3).
    pub const LATE: Self = Self(8);
    /// It opens access to the object, so it is set last when one is created.
    pub const OPENS: Self = Self(16);
    /// It differs between objects, so it helps to recognize one.
    pub const TELLING: Self = Self(32);
    /// Only people read it, and Duo may store it in a different form.
    pub const PROSE: Self = Self(64);
    /// Administrators often rename or overwrite it.
    pub const REWRITTEN: Self = Self(128);

    /// Several roles.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Field {
    /// A YAML key that does not exist in Duo.
    pub(super) const fn own(key: Key) -> Self {
        Self {
            key,
            applies: |_| true,
            wire: Wire::Nowhere,
            form: Form::Text,
            refers_to: None,
            only_with: None,
            clear: Clear::Never,
            silence: Silence::Unset,
            risk: |_, _| NEUTRAL,
            created: |_| NEUTRAL,
            roles: Roles(0),
            letter: None,
        }
    }

    /// A field that has the same name in Duo, with its letter in markers.
    pub(super) const fn held(key: Key, letter: char, form: Form) -> Self {
        Self { wire: Wire::Property(key.name), form, letter: Some(letter), ..Self::own(key) }
    }

    pub(super) const fn wire(self, wire: Wire) -> Self {
        Self { wire, ..self }
    }

    pub(super) const fn refers_to(self, kind: Kind) -> Self {
        Self { refers_to: Some(kind), ..self }
    }

    pub(super) const fn only_with(self, property: &'static str, value: &'static str) -> Self {
        Self { only_with: Some((property, value)), ..self }
    }

    pub(super) const fn hint(self, hint: &'static str) -> Self {
        Self { key: self.key.hint(hint), ..self }
    }

    pub(super) const fn applies(self, applies: fn(Family) -> bool) -> Self {
        Self { applies, ..self }
    }

    pub(super) const fn clears(self, clear: Clear) -> Self {
        let key = if let Clear::Empty = clear { self.key.nullable() } else { self.key };
        Self { key, clear, ..self }
    }

    pub(super) const fn silence(self, silence: Silence) -> Self {
        Self { silence, ..self }
    }

    pub(super) const fn risk(self, risk: fn(&FieldValue, &FieldValue) -> Assessment) -> Self {
        Self { risk, ..self }
    }

    pub(super) const fn created(self, created: fn(&FieldValue) -> Assessment) -> Self {
        Self { created, ..self }
    }

    pub(super) const fn roles(self, roles: Roles) -> Self {
        Self { roles, ..self }
    }

    /// Whether it has a role.
    pub const fn is(&self, role: Roles) -> bool {
        self.roles.0 & role.0 != 0
    }

    /// Its name in the YAML.
    pub const fn name(&self) -> &'static str {
        self.key.name
    }

    /// Whether it exists in Duo and can differ.
    pub const fn is_compared(&self) -> bool {
        !matches!(self.wire, Wire::Nowhere)
    }

    /// Whether it is a setting of the object and not part of its identity.
    pub const fn is_setting(&self) -> bool {
        self.is_compared() && !self.is(Roles::IDENTIFYING)
    }

    /// Whether a type has it.
    pub fn applies_to(&self, kind: Option<&catalogue::Variant>) -> bool {
        kind.is_none_or(|kind| (self.applies)(kind.family))
    }

    /// Its property, or the prefix of its switches; empty if it does not exist in Duo.
    pub const fn wire_name(&self) -> &'static str {
        match self.wire {
            Wire::Nowhere => "",
            Wire::Property(name) | Wire::Flags(name) => name,
        }
    }

    /// Its value if an authoritative object leaves it out: that of a new object. `None` if every object has a value, so that
    /// it cannot be unset.
    pub fn unset(&self) -> Option<FieldValue> {
        match (self.form, self.clear) {
            _ if !self.is_setting() || self.only_with.is_some() => None,
            (Form::Switch, _) => Some(FieldValue::Flag(false)),
            (Form::Flags { .. } | Form::Document(_), _) | (_, Clear::Empty) => Some(FieldValue::Unset),
            (_, Clear::Word(word)) => Some(FieldValue::text(word)),
            (_, Clear::Never) => None,
        }
    }

    /// Whether it is stored in a property of the object.
    pub fn owns(&self, property: &str) -> bool {
        match self.wire {
            Wire::Nowhere => false,
            Wire::Property(name) => property == name,
            Wire::Flags(prefix) => property.starts_with(prefix),
        }
    }
}

/// The last day of an exception.
pub const UNTIL: Key = Key::optional(
    "until",
    Shape::Text(&texts::DATE),
    "Last day on which the entry counts. duoctl warns from two weeks before.",
    "2027-06-30",
);

/// The keys of an entry of `ignore`; `rule` accepts the fields of the kind.
pub(super) const fn ignored(rule: &'static TextRule, example: &'static str) -> [Key; 3] {
    [
        Key::required("field", Shape::Text(rule), "YAML key of the field.", example),
        Key::required(
            "reason",
            Shape::Text(&texts::FILLED),
            "Why the entry is needed.",
            "help desk edits it",
        ),
        UNTIL,
    ]
}

/// Whether a kind has a field of this name that is compared with Duo.
pub(super) fn can_be_ignored(fields: &[Field], name: &str) -> Result<(), Problem> {
    let known = || fields.iter().filter(|field| field.is_compared()).map(Field::name);
    if known().any(|known| known == name) {
        return Ok(());
    }
    let help = suggested(name, known())
        .unwrap_or_else(|| format!("the fields are {}", known().collect::<Vec<_>>().join(", ")).into());
    Err(Problem::invalid("is not a field that can be ignored", help))
}

/// The keys of the `N` fields with a role, or of all fields. Only the list of all fields has links.
pub(super) const fn keys<const N: usize>(mut fields: &[Field], role: Option<Roles>) -> [Key; N] {
    let mut keys = [Key::optional("", Shape::Flag, "", ""); N];
    let mut left = keys.as_mut_slice();
    while let [field, rest @ ..] = fields {
        fields = rest;
        if has(field, role)
            && let [key, more @ ..] = left
        {
            *key = if role.is_none() { field.key } else { Key { link: None, ..field.key } };
            left = more;
        }
    }
    keys
}

/// The number of fields with a role.
pub(super) const fn count(mut fields: &[Field], role: Option<Roles>) -> usize {
    let mut count = 0;
    while let [field, rest @ ..] = fields {
        fields = rest;
        if has(field, role) {
            count += 1;
        }
    }
    count
}

const fn has(field: &Field, role: Option<Roles>) -> bool {
    match role {
        Some(role) => field.is(role),
        None => true,
    }
}

/// The form of a field's values: how they are read, compared and sent ([`managed`](super::managed)).
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Free text.
    Text,
    /// A word of a closed set.
    Word {
        /// Converts the YAML's word to Duo's.
        sent: fn(&str) -> String,
        /// Converts Duo's word to the one that is compared.
        read: fn(&str) -> String,
    },
    /// A switch.
    Switch,
    /// Ids or names without an order.
    Set,
    /// Named switches; the YAML lists those that are on.
    Flags {
        /// The switch that Duo may not change after creation.
        uncertain: &'static str,
    },
    /// Addresses, compared by the range they cover.
    Networks,
    /// A document, compared only where the YAML declares something.
    Document(&'static Document),
}

/// How a type of document is compared and sent.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// Replaces the names of other objects by their ids.
    pub resolve: fn(&Written, &dyn Names, Span) -> Resolved,
    /// The declared leaves, and the live values at the same paths.
    pub leaves: fn(&Value, Option<&Value>, Extent) -> (Leaves, Leaves),
    /// What an update sends, given the declared and the live document.
    pub outgoing: fn(&Value, &Value, Extent) -> Value,
    /// What a live document sets and the declared one leaves out.
    pub left_out: fn(&Value, &Value) -> Vec<LeftOut>,
    /// A live document in the form that recreates it.
    pub again: fn(&Value) -> Value,
    /// Where it has references to other objects, as a JSON pointer.
    pub references: Option<&'static str>,
    /// The value of a leaf for display.
    pub shown: fn(&str, Value, &dyn Names) -> Value,
}

/// How much of a document counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Only what the YAML declares.
    Declared,
    /// Everything that the language knows; what the YAML leaves out counts as unset.
    Whole,
}

/// A part of a document that is set in Duo and left out of the YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path, as in [`Leaves`].
    pub path: String,
    /// A JSON pointer to it in the document that is sent.
    pub pointer: String,
    /// The value in Duo.
    pub value: Value,
    /// The value that clears it; `None` if Duo cannot clear it.
    pub clear: Option<Value>,
}

/// A document with ids in place of names, or the names that could not be resolved.
pub type Resolved = Result<Value, Vec<Diagnostic>>;

/// Leaves of a document by path, e.g. `saml_config.entity_id`.
pub type Leaves = BTreeMap<String, Value>;

/// Names of other objects in the account.
pub trait Names {
    /// The id of an object, or a finding if it cannot be resolved.
    fn id(&self, kind: Kind, wanted: &Reference, span: Span) -> Result<String, Diagnostic>;
    /// The name of an object for display, or its id if the account does not list it.
    fn name<'a>(&'a self, kind: Kind, id: &'a str) -> &'a str;
}
