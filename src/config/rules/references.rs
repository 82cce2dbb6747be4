//! References between parts of the YAML: addresses, names, pins.

use std::collections::HashMap;

use serde_json::Value;

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::Kind;
use crate::kinds::application::ROLE_ATTRS;
use crate::kinds::application::bindings::GroupPolicy;
use crate::kinds::reference::Reference;
use crate::kinds::value::Setting;
use crate::language::address::{Place, without_section};
use crate::language::similar::suggested;
use crate::names::alike_key;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    pins(workspace, findings);
    names(workspace, findings);
    addresses(workspace, findings);
}

/// Reports addresses that nothing declares.
fn addresses(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let mut check = |kind: Kind, reference: &Reference, span: Span| {
        let Reference::Address(address) = reference else { return };
        let declared = without_section(address).is_some_and(|key| workspace.of(kind).contains_key(key));
        if !declared {
            let known = workspace.of(kind).keys().map(|key| Place::Object(kind, key).to_string());
            let known: Vec<String> = known.collect();
            let finding = kind.undeclared(address, span);
            let near = suggested(address, known.iter().map(String::as_str));
            findings.push(match near {
                Some(near) => finding.help(near),
                None => finding,
            });
        }
    };
    for (kind, _, declared) in workspace.entries() {
        for GroupPolicy { policy, groups } in declared.group_policies.iter().map(|item| &item.value) {
            check(Kind::Policy, &policy.value, policy.span);
            groups.iter().for_each(|group| check(Kind::Group, &group.value, group.span));
        }
        for (name, setting) in &declared.settings {
            let refers_to = kind.field(name).and_then(|field| field.refers_to);
            match (&setting.value, refers_to) {
                (Setting::Reference(reference), Some(kind)) => check(kind, reference, setting.span),
                (Setting::References(references), Some(kind)) => {
                    references.iter().for_each(|reference| check(kind, &reference.value, reference.span));
                }
                (Setting::Document(document), None) => {
                    let mut references = Vec::new();
                    for roles in document.pointer(ROLE_ATTRS).and_then(Value::as_object).into_iter().flatten()
                    {
                        Reference::all(Kind::Group, roles.1, &mut references);
                    }
                    references.iter().for_each(|reference| check(Kind::Group, reference, setting.span));
                }
                _ => {}
            }
        }
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
                    format!("`{place}` pins the same live object as `{other}`"),
                )
                .help("remove one of the two: a live object can have only one address")
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
    let named = workspace.entries().filter_map(|(kind, key, declared)| {
        let name = declared.name.as_ref()?;
        let variant = declared.variant.as_ref().map(|variant| variant.value.as_str());
        let is_known = variant.is_some() || kind != Kind::Application;
        is_known.then_some((Place::Object(kind, key), (kind, variant), name, declared.pin.is_some()))
    });
    let mut seen: HashMap<_, (Place<'_>, Span, bool)> = HashMap::new();
    for (place, of, name, pinned) in in_order(named, |(_, _, name, _)| name.span) {
        match seen.get(&(of, alike_key(&name.value))) {
            Some((.., true)) if pinned => {}
            Some((other, first, _)) => findings.push(
                Diagnostic::error(
                    Code::AmbiguousName,
                    name.span,
                    if of.1.is_some() {
                        format!("`{place}` and `{other}` have the same type and names that look the same")
                    } else {
                        format!("`{place}` and `{other}` have names that look the same")
                    },
                )
                .help(format!("rename one of the two, or pin both with `{}`", of.0.endpoint().pin))
                .related(*first, "the other name is here"),
            ),
            None => {
                seen.insert((of, alike_key(&name.value)), (place, name.span, pinned));
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
