//! References between parts of the YAML: addresses, names, pins.

use std::collections::HashMap;

use serde_json::Value;

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Span, Spanned};
use crate::kinds::Kind;
use crate::kinds::application::ROLE_ATTRS;
use crate::kinds::application::fields::field as field_of;
use crate::kinds::reference::Reference;
use crate::kinds::value::Setting;
use crate::language::address::Place;
use crate::names::alike_key;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    pins(workspace, findings);
    names(workspace, findings);
    addresses(workspace, findings);
}

/// Reports addresses of groups and policies: a workspace cannot declare any.
fn addresses(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for application in workspace.applications.values() {
        for (field, setting) in &application.settings {
            let Some(kind) = field_of(field).and_then(|field| field.refers_to) else {
                in_roles(setting, findings);
                continue;
            };
            match &setting.value {
                Setting::Reference(reference) => undeclared(kind, reference, setting.span, findings),
                Setting::References(references) => {
                    references
                        .iter()
                        .for_each(|reference| undeclared(kind, &reference.value, reference.span, findings));
                }
                _ => {}
            }
        }
    }
}

/// Checks the groups of role attributes.
fn in_roles(setting: &Spanned<Setting>, findings: &mut Vec<Diagnostic>) {
    let Setting::Document(document) = &setting.value else { return };
    let mut references = Vec::new();
    for roles in document.pointer(ROLE_ATTRS).and_then(Value::as_object).into_iter().flatten() {
        Reference::all(Kind::Group, roles.1, &mut references);
    }
    references.iter().for_each(|reference| undeclared(Kind::Group, reference, setting.span, findings));
}

fn undeclared(kind: Kind, reference: &Reference, span: Span, findings: &mut Vec<Diagnostic>) {
    if let Reference::Address(address) = reference {
        findings.push(kind.undeclared(address, span));
    }
}

fn pins(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let pins = workspace.every_declared().filter_map(|declared| Some((declared.place, declared.pin?)));
    let mut seen: HashMap<&str, (Place<'_>, Span)> = HashMap::new();
    for (place, pin) in in_order(pins, |(_, pin)| pin.span) {
        match seen.get(pin.value.as_str()) {
            Some((other, first)) => findings.push(
                Diagnostic::error(
                    Code::DuplicateAddress,
                    pin.span,
                    format!("`{place}` pins the same live application as `{other}`"),
                )
                .help("remove one of the two: a live application can have only one address")
                .related(*first, "first pinned here"),
            ),
            None => {
                seen.insert(&pin.value, (place, pin.span));
            }
        }
    }
}

/// Without pins, live applications are found by type and name, so similar names would be ambiguous.
fn names(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let named = workspace.applications.iter().filter_map(|(key, application)| {
        let name = application.name.as_ref()?;
        Some((key, application.kind.as_ref()?.value.as_str(), name, application.integration_key.is_some()))
    });
    let mut seen: HashMap<(&str, String), (&str, Span, bool)> = HashMap::new();
    for (key, kind, name, pinned) in in_order(named, |(_, _, name, _)| name.span) {
        match seen.get(&(kind, alike_key(&name.value))) {
            Some((.., true)) if pinned => {}
            Some((other, first, _)) => findings.push(
                Diagnostic::error(
                    Code::AmbiguousName,
                    name.span,
                    format!(
                        "`applications.{key}` and `applications.{other}` have the same type and names that look the same"
                    ),
                )
                .help("rename one of the two, or pin both with `integration_key`")
                .related(*first, "the other name is here"),
            ),
            None => {
                seen.insert((kind, alike_key(&name.value)), (key, name.span, pinned));
            }
        }
    }
}

/// Sorts by place in the files, so that the first one is the first for a reader.
fn in_order<T>(items: impl Iterator<Item = T>, place: impl Fn(&T) -> Span) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_by_key(place);
    items
}
