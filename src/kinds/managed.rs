//! A field of one object: the desired value, the live value, and what is sent (duo-api.md, sections 3.3 and 10). What
//! differs between fields is in their rows.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span, Spanned};
use crate::duo::object::Object;

use super::field::{Clear, Extent, Field, Form, Names, Roles, Silence, Wire};
use super::flags;
use super::marker::Notes;
use super::networks::Networks;
use super::reference::Reference;
use super::value::{FieldValue, Setting, flag, parts};

/// A managed field, with its names resolved.
#[derive(Clone, Debug)]
pub struct Managed {
    /// The row.
    pub field: &'static Field,
    /// The desired value, as it is compared.
    pub wanted: FieldValue,
    /// The desired value, as it is sent.
    sent: Value,
    /// How much of a document counts.
    extent: Extent,
    /// Whether the YAML leaves it out and it counts as unset.
    pub left_out: bool,
    /// Its place in the YAML.
    pub span: Span,
}

/// A field in the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// Its value.
    Value(FieldValue),
    /// Duo does not show the field on this object. A change could not be verified, so none is planned (trap 8).
    NotOffered,
}

/// Whether Duo may keep a value other than the one that was sent (trap 35).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// No: a wrong guess would hide who may log in.
    No,
    /// Yes, without a note.
    Quietly,
    /// Yes, and every plan notes that Duo did not change this part.
    Still(&'static str),
}

impl Managed {
    /// Resolves one setting of the YAML; `extent` says how much of a document counts.
    pub fn new(
        field: &'static Field,
        setting: &Spanned<Setting>,
        extent: Extent,
        names: &dyn Names,
    ) -> Result<Self, Vec<Diagnostic>> {
        let span = setting.span;
        let (wanted, sent) = match (&setting.value, field.clear) {
            (Setting::LeftOut, _) => unset(field),
            (Setting::Clear, Clear::Empty) => (FieldValue::Unset, json!("")),
            (Setting::Clear, Clear::Word(word)) => (FieldValue::text(word), json!(word)),
            (Setting::Clear, Clear::Never) => {
                let message = format!("`{}` cannot be cleared", field.name());
                let problem = Diagnostic::error(Code::InvalidValue, span, message);
                let instead = "write a value, or remove the key to leave the setting unmanaged";
                return Err(vec![problem.help(field.key.hint.unwrap_or(instead))]);
            }
            (setting, _) => wanted(field, setting, span, extent, names)?,
        };
        let left_out = setting.value == Setting::LeftOut;
        Ok(Self { field, wanted, sent, extent, left_out, span })
    }

    /// Whether a live value counts as unset for an authoritative object that leaves the field out. Duo shows unset values in
    /// several ways, or not at all.
    pub fn counts_as_unset(&self, live: &Live) -> bool {
        self.left_out
            && match live {
                Live::NotOffered | Live::Value(FieldValue::Unset) => true,
                Live::Value(value) => *value == self.wanted,
            }
    }

    /// The live value of this field.
    pub fn live(&self, live: &Object) -> Live {
        let off = FieldValue::Flag(false);
        match (self.read(live), self.field.silence) {
            (Some(value), _) => Live::Value(value),
            (None, Silence::Unset) => Live::Value(FieldValue::Unset),
            // A switch that Duo omits is off, unless its property has a value that cannot be read.
            (None, Silence::Off) if self.wanted == off && self.property(live).is_none() => Live::Value(off),
            (None, Silence::NotOffered | Silence::Off) => Live::NotOffered,
        }
    }

    fn property<'l>(&self, live: &'l Object) -> Option<&'l Value> {
        self.field.property(live)
    }

    fn read(&self, live: &Object) -> Option<FieldValue> {
        let (Form::Document(form), FieldValue::Document(_)) = (self.field.form, &self.wanted) else {
            return held(self.field, live);
        };
        let leaves = (form.leaves)(&self.sent, Some(self.property(live)?), self.extent);
        Some(FieldValue::Document(leaves.1))
    }

    /// Adds the field to the body of a create or, with the live object, of an update.
    pub fn send(&self, body: &mut Map<String, Value>, live: Option<&Object>) {
        let field = self.field;
        let sent = match field.form {
            Form::Flags { uncertain } => return self.send_flags(uncertain, body, live),
            // It is sent together with the marker.
            _ if field.is(Roles::MARKED) => return,
            // Duo rejects an empty list (trap 2), and a document clears nothing.
            Form::Document(_) | Form::Set if self.wanted == FieldValue::Unset => return,
            Form::Document(form) => {
                let held = live.and_then(|live| self.property(live));
                held.map_or_else(|| self.sent.clone(), |held| (form.outgoing)(&self.sent, held, self.extent))
            }
            Form::Text | Form::Word { .. } | Form::Switch | Form::Set | Form::Networks => self.sent.clone(),
        };
        body.insert(field.wire_name().to_owned(), sent);
    }

    /// To revoke a flag, 0 must be sent. An update never sends a flag that Duo does not show (traps 20, 21), and sends one
    /// that Duo may not be able to change only if it changes.
    fn send_flags(&self, uncertain: &str, body: &mut Map<String, Value>, live: Option<&Object>) {
        let prefix = self.field.wire_name();
        let empty = BTreeSet::new();
        let wanted = if let FieldValue::Set(names) = &self.wanted { names } else { &empty };
        let mut send = |name: &str| {
            let on = wanted.contains(name);
            let stays = live.is_some_and(|live| flags::is_set(live, prefix, name) == on);
            if name != uncertain || !stays {
                body.insert(format!("{prefix}{name}"), json!(switch(on)));
            }
        };
        match live {
            None => wanted.iter().for_each(|name| send(name)),
            Some(live) => flags::known(live, prefix).for_each(send),
        }
    }

    /// The part of the desired value that an update can set, and the parts that Duo does not show (trap 21).
    pub fn reachable(&self, live: &Object) -> (FieldValue, Vec<String>) {
        let (Form::Flags { .. }, FieldValue::Set(names)) = (self.field.form, &self.wanted) else {
            return (self.wanted.clone(), Vec::new());
        };
        let known: BTreeSet<&str> = flags::known(live, self.field.wire_name()).collect();
        let (reachable, hidden): (BTreeSet<_>, BTreeSet<_>) =
            names.iter().cloned().partition(|name| known.contains(name.as_str()));
        (FieldValue::set(reachable), hidden.into_iter().collect())
    }

    /// A part that Duo may not change from `value`. The change is attempted anyway.
    pub fn uncertain(&self, value: &FieldValue) -> Option<&'static str> {
        let Form::Flags { uncertain } = self.field.form else { return None };
        (self.wanted.names(uncertain) != value.names(uncertain)).then_some(uncertain)
    }

    /// Whether Duo may keep `value` after `target` was sent.
    pub fn kept(&self, target: &FieldValue, value: &FieldValue) -> Kept {
        match (self.field.form, value) {
            _ if self.field.is(Roles::PROSE) => Kept::Quietly,
            // Some types always answer with "" (trap 9).
            (Form::Word { .. }, FieldValue::Unset) if self.field.clear != Clear::Never => Kept::Quietly,
            (Form::Flags { uncertain }, _) if target.without(uncertain) == value.without(uncertain) => {
                Kept::Still(uncertain)
            }
            _ => Kept::No,
        }
    }

    /// The user's text that is sent together with the marker.
    pub fn notes_text(&self) -> Option<&str> {
        self.field.is(Roles::MARKED).then(|| self.sent.as_str().unwrap_or_default())
    }
}

/// The live value of a field, as it is compared; `None` if Duo does not show it. Documents have no value here: which
/// parts count depends on what is declared.
pub fn held(field: &Field, live: &Object) -> Option<FieldValue> {
    if let Some((property, value)) = field.only_with {
        match live.text(property) {
            "" => return None,
            other if other != value => return Some(FieldValue::Unset),
            _ => {}
        }
    }
    let property = field.property(live);
    let text = || property.and_then(Value::as_str);
    Some(match field.form {
        Form::Text if field.is(Roles::MARKED) => FieldValue::text(&Notes::parse(text()?).text),
        Form::Text => FieldValue::text(text()?),
        Form::Word { read, .. } => FieldValue::text(&read(text()?)),
        Form::Switch => FieldValue::Flag(property.and_then(flag)?),
        Form::Set => FieldValue::set(property.map(parts).unwrap_or_default().into_iter().collect()),
        Form::Flags { .. } => FieldValue::set(flags::set(live, field.wire_name())),
        // An unreadable value is kept as text, which never equals a set of networks.
        Form::Networks => {
            Networks::parse(parts(property?)).map_or_else(FieldValue::Text, FieldValue::networks)
        }
        Form::Document(_) => FieldValue::Unset,
    })
}

/// The value of a field that an authoritative object leaves out, as it is compared and as it is sent.
fn unset(field: &Field) -> (FieldValue, Value) {
    match (field.form, field.unset()) {
        (Form::Document(form), _) => {
            let nothing = Value::Object(Map::new());
            (FieldValue::Document((form.leaves)(&nothing, None, Extent::Whole).0), nothing)
        }
        (_, Some(FieldValue::Flag(on))) => (FieldValue::Flag(on), json!(switch(on))),
        (_, Some(FieldValue::Text(word))) => (FieldValue::text(&word), json!(word)),
        (_, _) => (FieldValue::Unset, json!("")),
    }
}

/// A YAML value, as it is compared and as it is sent.
fn wanted(
    field: &Field,
    setting: &Setting,
    span: Span,
    extent: Extent,
    names: &dyn Names,
) -> Result<(FieldValue, Value), Vec<Diagnostic>> {
    let text = if let Setting::Text(text) = setting { text.as_str() } else { "" };
    Ok(match field.form {
        Form::Text => {
            let text = match (setting, field.refers_to) {
                (Setting::Reference(wanted), Some(kind)) => {
                    names.id(kind, wanted, span).map_err(|problem| vec![problem])?
                }
                _ => text.to_owned(),
            };
            (FieldValue::text(&text), json!(text))
        }
        Form::Word { sent, .. } => (FieldValue::Text(sent(text)), json!(sent(text))),
        Form::Switch => {
            let on = *setting == Setting::Flag(true);
            (FieldValue::Flag(on), json!(switch(on)))
        }
        Form::Set | Form::Flags { .. } => {
            let ids = match (setting, field.refers_to) {
                (Setting::List(items), _) => items.iter().map(|item| item.value.clone()).collect(),
                (Setting::References(items), Some(kind)) => resolved(kind, items, names)?,
                _ => return Ok((FieldValue::Unset, json!(""))),
            };
            let sent = json!(joined(&ids));
            (FieldValue::set(ids), sent)
        }
        Form::Networks => {
            let Setting::List(items) = setting else { return Ok((FieldValue::Unset, json!(""))) };
            let networks =
                Networks::parse(items.iter().map(|item| item.value.as_str())).map_err(|entry| {
                    let message = format!("`{entry}` is not an address, range or network");
                    vec![Diagnostic::error(Code::InvalidValue, span, message)]
                })?;
            let sent = json!(networks.texts().join(","));
            (FieldValue::networks(networks), sent)
        }
        Form::Document(form) => {
            let Setting::Document(document) = setting else { return Ok((FieldValue::Unset, Value::Null)) };
            let resolved = (form.resolve)(document, names, span)?;
            (FieldValue::Document((form.leaves)(&resolved, None, extent).0), resolved)
        }
    })
}

/// The ids of several objects, or all references that cannot be resolved.
fn resolved(
    kind: super::Kind,
    items: &[Spanned<Reference>],
    names: &dyn Names,
) -> Result<BTreeSet<String>, Vec<Diagnostic>> {
    let (mut ids, mut problems) = (BTreeSet::new(), Vec::new());
    for item in items {
        match names.id(kind, &item.value, item.span) {
            Ok(id) => {
                ids.insert(id);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(ids) } else { Err(problems) }
}

/// A live field in the form that recreates it; an unset field as the value that clears it.
pub fn again(field: &Field, live: &Object) -> Map<String, Value> {
    let name = field.wire_name();
    let property = field.property(live);
    let counts = field.only_with.is_none_or(|(property, value)| live.text(property) == value);
    let text = live.text(name);
    let value = match field.form {
        _ if !counts || field.wire == Wire::Nowhere => None,
        Form::Text => Some(json!(text)),
        Form::Word { read, .. } => match (text, field.clear) {
            ("", Clear::Word(word)) => Some(json!(word)),
            _ => Some(json!(read(text))),
        },
        Form::Switch => property.and_then(flag).map(|on| json!(switch(on))),
        // Duo does not keep an order (trap 1).
        Form::Set | Form::Networks => {
            Some(json!(joined(&property.map(parts).unwrap_or_default().into_iter().collect())))
        }
        Form::Flags { .. } => {
            let flags = flags::known(live, name);
            return flags
                .map(|flag| (format!("{name}{flag}"), json!(switch(flags::is_set(live, name, flag)))))
                .collect();
        }
        Form::Document(form) => property.map(|document| (form.again)(document)),
    };
    value.map(|value| (name.to_owned(), value)).into_iter().collect()
}

fn switch(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}

fn joined(items: &BTreeSet<String>) -> String {
    items.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// A value for display: spelled as in the YAML, with names in place of ids. `path` selects a part of a document.
pub fn shown(field: &Field, value: Value, path: &str, names: &dyn Names) -> Value {
    match (field.form, field.refers_to) {
        (Form::Document(form), _) => (form.shown)(path, value, names),
        (Form::Word { .. }, _) => value.as_str().map_or(value.clone(), |word| json!(word.to_lowercase())),
        (_, Some(kind)) => named(kind, value, names),
        _ => value,
    }
}

/// Replaces ids by names; a list is sorted by name.
pub(super) fn named(kind: super::Kind, value: Value, names: &dyn Names) -> Value {
    match value {
        Value::String(id) => json!(names.name(kind, &id)),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(|item| named(kind, item, names)).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        other => other,
    }
}
