//! A field: one row says how it is written, compared and sent, what its absence means, and what changing it risks.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span};
use crate::duo::catalogue::{self, Family};
use crate::language::shape::{Key, Shape};

use super::Kind;
use super::reference::Reference;
use super::risk::{Assessment, NEUTRAL};
use super::value::{FieldValue, Written};

/// One row of a kind's table.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// How it is written: its name, the shape of its value, what it is for, an example.
    pub key: Key,
    /// Whether a family of types has it; a type that is not known has every field.
    pub applies: fn(Family) -> bool,
    /// Where Duo keeps it.
    pub wire: Wire,
    /// What its values are made of.
    pub form: Form,
    /// The kind of objects that it names.
    pub refers_to: Option<Kind>,
    /// The property, and its value, without which the field counts for nothing.
    pub only_with: Option<(&'static str, &'static str)>,
    /// What `null` sends.
    pub clear: Clear,
    /// What it means that Duo does not mention it.
    pub silence: Silence,
    /// What a change from one value to another risks.
    pub risk: fn(&FieldValue, &FieldValue) -> Assessment,
    /// What a new object with this value risks.
    pub created: fn(&FieldValue) -> Assessment,
    /// What else is done with it.
    pub roles: Roles,
    /// Its letter in a marker.
    pub letter: Option<char>,
}

/// Where Duo keeps a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Nowhere: it says which object is meant, or how duoctl deals with it.
    Nowhere,
    /// In one property.
    Property(&'static str),
    /// In several switches whose names begin alike.
    Flags(&'static str),
}

/// What `null` sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// An empty text.
    Empty,
    /// The word that stands for nothing; the YAML writes it, too, and takes no `null`.
    Word(&'static str),
    /// Nothing: it cannot be cleared.
    Never,
}

/// What it means that Duo does not mention a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It holds nothing.
    Unset,
    /// Duo does not offer it on this object, so a change could never be seen (duo-api.md, trap 8).
    NotOffered,
    /// A switch that is wanted off is off; otherwise Duo does not offer it.
    Off,
}

/// What else is done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// It says which object is meant.
    pub const IDENTIFYING: Self = Self(1);
    /// It may stand under `defaults`. Who may do what is said at the object itself.
    pub const DEFAULTABLE: Self = Self(2);
    /// It shares its place in Duo with the marker, and travels with it.
    pub const MARKED: Self = Self(4);
    /// Duo takes it on modify only (duo-api.md, section 3.3).
    pub const LATE: Self = Self(8);
    /// It opens the object: set last when one is created.
    pub const OPENS: Self = Self(16);
    /// Not every object has the same, so that it tells one from another.
    pub const TELLING: Self = Self(32);
    /// Only people read it, and Duo may keep it in another form.
    pub const PROSE: Self = Self(64);
    /// People rename and overwrite it.
    pub const REWRITTEN: Self = Self(128);

    /// Several roles.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Field {
    /// A key of the YAML that Duo does not hold.
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

    /// A field that Duo holds under the same name, with its letter in markers.
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

    /// Whether Duo holds it, so that it can differ.
    pub const fn is_compared(&self) -> bool {
        !matches!(self.wire, Wire::Nowhere)
    }

    /// Whether it is a setting of the object, and not what identifies it.
    pub const fn is_setting(&self) -> bool {
        self.is_compared() && !self.is(Roles::IDENTIFYING)
    }

    /// Whether a type has it.
    pub fn applies_to(&self, kind: Option<&catalogue::Kind>) -> bool {
        kind.is_none_or(|kind| (self.applies)(kind.family))
    }

    /// Its property, or what the names of its switches begin with; empty for what Duo does not hold.
    pub const fn wire_name(&self) -> &'static str {
        match self.wire {
            Wire::Nowhere => "",
            Wire::Property(name) | Wire::Flags(name) => name,
        }
    }

    /// What it counts as where an authoritative object leaves it out: what a new object has. `None` for what every
    /// object has in some form, so that nothing could be put in its place.
    pub fn unset(&self) -> Option<FieldValue> {
        match (self.form, self.clear) {
            _ if !self.is_setting() || self.only_with.is_some() => None,
            (Form::Switch, _) => Some(FieldValue::Flag(false)),
            (Form::Flags { .. } | Form::Document(_), _) | (_, Clear::Empty) => Some(FieldValue::Unset),
            (_, Clear::Word(word)) => Some(FieldValue::text(word)),
            (_, Clear::Never) => None,
        }
    }

    /// Whether a property of the object belongs to it.
    pub fn owns(&self, property: &str) -> bool {
        match self.wire {
            Wire::Nowhere => false,
            Wire::Property(name) => property == name,
            Wire::Flags(prefix) => property.starts_with(prefix),
        }
    }
}

/// How the fields with a role are written, or all of them: `N` is how many there are. Links stand once, where all are.
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

/// How many fields have a role.
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

/// What the values of a field are made of: how they are read, compared and sent ([`managed`](super::managed)).
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Free text.
    Text,
    /// A word of a closed set.
    Word {
        /// The YAML's word as Duo takes it.
        sent: fn(&str) -> String,
        /// Duo's word as it is compared.
        read: fn(&str) -> String,
    },
    /// A switch.
    Switch,
    /// Ids or names in no order.
    Set,
    /// Switches with names of their own, of which the YAML names those that are on.
    Flags {
        /// The one that Duo may not change after the creation.
        uncertain: &'static str,
    },
    /// Addresses, compared by what they cover.
    Networks,
    /// A document of which only what the YAML declares is compared.
    Document(&'static Document),
}

/// How documents of one sort are compared and sent.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// The document with the names of other objects replaced by their ids.
    pub resolve: fn(&Written, &dyn Names, Span) -> Resolved,
    /// The declared leaves, and what a live document holds at the same places.
    pub leaves: fn(&Value, Option<&Value>, Extent) -> (Leaves, Leaves),
    /// What an update sends of a declared document, given the live one.
    pub outgoing: fn(&Value, &Value, Extent) -> Value,
    /// What a live document sets and a declared one leaves out.
    pub left_out: fn(&Value, &Value) -> Vec<LeftOut>,
    /// A live document as it is sent to have it once more.
    pub again: fn(&Value) -> Value,
    /// The value of a leaf for people.
    pub shown: fn(&str, Value, &dyn Names) -> Value,
}

/// How much of a document counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Only what the YAML declares.
    Declared,
    /// All that the language knows: what the YAML leaves out counts as unset.
    Whole,
}

/// A part of a document that is set in Duo and that the YAML leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path, as in [`Leaves`].
    pub path: String,
    /// Its place in the document that is sent, as a JSON pointer.
    pub pointer: String,
    /// What Duo holds.
    pub value: Value,
    /// What is sent there to clear it; `None` where Duo does not let it be cleared.
    pub clear: Option<Value>,
}

/// A document with ids in place of names, or what could not be resolved.
pub type Resolved = Result<Value, Vec<Diagnostic>>;

/// Leaves of a document by their paths, e.g. `saml_config.entity_id`.
pub type Leaves = BTreeMap<String, Value>;

/// Names of other objects, as the account knows them.
pub trait Names {
    /// The id of an object. What cannot be resolved is a problem.
    fn id(&self, kind: Kind, wanted: &Reference, span: Span) -> Result<String, Diagnostic>;
    /// The name of an object, for people; its id where the account does not list it.
    fn name<'a>(&'a self, kind: Kind, id: &'a str) -> &'a str;
}
