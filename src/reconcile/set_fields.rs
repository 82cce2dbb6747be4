//! Fields that are set in Duo but absent from the YAML: no one would see them change.

use serde_json::{Value, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::catalogue::lookup;
use crate::duo::object::Object;
use crate::kinds::address::Address;
use crate::kinds::field::{Field, Form};
use crate::kinds::managed::{held, shown};
use crate::kinds::value::{FieldValue, Setting};
use crate::text::secret_runs;

use super::desired::Wanted;
use super::references::References;
use super::unmanaged;

/// What is shown of a value that looks like a secret.
const LIKE_A_SECRET: &str = "(hidden: looks like a secret)";

/// A field of a managed application that is set in Duo but neither mentioned nor ignored in the YAML.
#[derive(Clone, Debug, PartialEq)]
pub struct SetField {
    /// The address of the application.
    pub address: Address,
    /// The field's YAML key; for a part of a document, followed by its path.
    pub field: String,
    /// What Duo holds, for people.
    pub value: Value,
}

/// All such fields of an application, in table order. For an authoritative application, only those that Duo cannot
/// clear: all others are differences.
pub(super) fn of(wanted: &Wanted, live: &Object, references: &References) -> Vec<SetField> {
    let kind = lookup(live.variant());
    let fields = wanted.kind.fields().iter().filter(|field| field.is_compared() && field.applies_to(kind));
    let found = |(field, value): (String, Value)| {
        // People keep secrets in text fields, and no one asked to see this one.
        let is_secret = !secret_runs(&value.to_string()).is_empty();
        let value = if is_secret { json!(LIKE_A_SECRET) } else { value };
        SetField { address: wanted.address.clone(), field, value }
    };
    fields
        .filter(|field| !is_ignored(wanted, field.name()))
        .flat_map(|field| unmentioned(field, wanted, live, references))
        .map(found)
        .collect()
}

fn is_ignored(wanted: &Wanted, field: &str) -> bool {
    wanted.ignore.iter().any(|ignored| ignored == field)
}

/// What the YAML sets for a field.
fn setting<'w>(wanted: &'w Wanted, field: &str) -> Option<&'w Setting> {
    let written = wanted.settings.get(field).map(|setting| &setting.value);
    written.filter(|setting| **setting != Setting::LeftOut)
}

fn unmentioned(
    field: &Field,
    wanted: &Wanted,
    live: &Object,
    references: &References,
) -> Vec<(String, Value)> {
    let name = field.name();
    let written = setting(wanted, name);
    if let Form::Document(form) = field.form {
        let nothing = json!({});
        let declared = match written {
            Some(Setting::Document(document)) => document,
            Some(_) => return Vec::new(),
            None => &nothing,
        };
        let Some(document) = live.property(field.wire_name()) else { return Vec::new() };
        let found = (form.left_out)(declared, document).into_iter();
        let stays = found.filter(|found| !wanted.authoritative || found.clear.is_none());
        return stays
            .map(|found| {
                let value = shown(field, found.value, &found.path, references);
                (format!("{name}.{}", found.path), value)
            })
            .collect();
    }
    let is_written = written.is_some() || (!field.is_setting() && wanted.name.is_some());
    // The setting of the other field decides what happens to this one.
    let follows = field
        .only_with
        .is_some_and(|(other, _)| setting(wanted, other).is_some() && !is_ignored(wanted, other));
    let covered = wanted.authoritative && field.unset().is_some();
    if is_written || follows || covered {
        return Vec::new();
    }
    let value = held(field, live).filter(|value| is_set(field, value));
    value.map(|value| (name.to_owned(), shown(field, value.json(), "", references))).into_iter().collect()
}

fn is_set(field: &Field, value: &FieldValue) -> bool {
    *value != FieldValue::Unset && field.unset().is_none_or(|unset| unset != *value)
}

/// What an authoritative application still does not compare: fields that Duo cannot clear, and fields that duoctl does
/// not know.
pub(super) fn gaps(wanted: &Wanted, set: &[SetField], live: &Object) -> Vec<Diagnostic> {
    if !wanted.authoritative {
        return Vec::new();
    }
    let address = &wanted.address;
    let list = |names: Vec<String>| names.join(", ");
    let mut found = Vec::new();
    if !set.is_empty() {
        let names = list(set.iter().map(|set| format!("`{}`", set.field)).collect());
        let message = format!("{address}: Duo cannot clear {names}; not compared while absent from the YAML");
        found.push(
            Diagnostic::warning(Code::NotCompared, wanted.span, message)
                .help("set the value in the YAML, or ignore the field")
                .about(address),
        );
    }
    let known = live.kind == crate::kinds::Kind::Application;
    let unknown = unmanaged::of(live).into_iter().filter(|_| known).filter(|(field, _)| !field.is_empty());
    let unknown: Vec<String> = unknown.filter(|(_, value)| value.is_none()).map(|(field, _)| field).collect();
    if !unknown.is_empty() {
        let mut names: Vec<String> = unknown.into_iter().map(|name| format!("`{name}`")).collect();
        names.dedup();
        let message = format!("{address}: duoctl does not know {}; not compared", list(names));
        found.push(
            Diagnostic::note(Code::NotCompared, wanted.span, message)
                .help("check it in the Duo Admin Panel, or hide this note with `suppress`")
                .about(address),
        );
    }
    found
}
