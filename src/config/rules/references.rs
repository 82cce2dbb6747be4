//! What one part of the YAML says of another: stores, names, pins.

use std::collections::HashMap;

use crate::config::diagnostic::{Code, Diagnostic, Span, Spanned};
use crate::config::model::{SecretTarget, Workspace};
use crate::config::similar::did_you_mean;
use crate::config::texts::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    stores(workspace, findings);
    pins(workspace, findings);
    names(workspace, findings);
}

fn stores(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let applications = workspace.applications.values().filter_map(|application| application.secret.as_ref());
    let intelligence = workspace.identity_intelligence.values().filter_map(|entry| entry.secrets.as_ref());
    let mut places: HashMap<(&str, &str), Span> = HashMap::new();
    for Spanned { value: SecretTarget { store, path, .. }, span } in applications.chain(intelligence) {
        if !workspace.secret_stores.contains_key(store) {
            let names = || workspace.secret_stores.keys().map(String::as_str);
            let help = did_you_mean(store, names()).unwrap_or_else(|| match names().next() {
                None => "declare it under `secret_stores`".to_owned(),
                Some(_) => format!(
                    "declare it under `secret_stores`, which has {}",
                    names().collect::<Vec<_>>().join(", ")
                ),
            });
            findings.push(
                Diagnostic::error(
                    Code::UnknownStore,
                    *span,
                    format!("there is no secret store {}", shown(store)),
                )
                .help(help),
            );
        } else if let Some(first) = places.insert((store, path), *span) {
            let (first, second) = if first < *span { (first, *span) } else { (*span, first) };
            findings.push(
                Diagnostic::error(Code::InvalidValue, second, "two secrets are delivered to one place")
                    .help("give each its own `path`: the second would overwrite the first")
                    .related(first, "the other one"),
            );
        }
    }
}

fn pins(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let pins = workspace
        .applications
        .iter()
        .filter_map(|(key, application)| Some((key, application.integration_key.as_ref()?)));
    let mut seen: HashMap<&str, (&str, Span)> = HashMap::new();
    for (key, pin) in in_order(pins, |(_, pin)| pin.span) {
        match seen.get(pin.value.as_str()) {
            Some((other, first)) => findings.push(
                Diagnostic::error(
                    Code::DuplicateAddress,
                    pin.span,
                    format!("`applications.{key}` pins the same live application as `applications.{other}`"),
                )
                .help("a live application has one address: remove one of the two")
                .related(*first, "pinned here first"),
            ),
            None => {
                seen.insert(&pin.value, (key, pin.span));
            }
        }
    }
}

/// Without a pin, a live application is found by type and name, so two of both cannot be told apart.
fn names(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let named = workspace
        .applications
        .iter()
        .filter(|(_, application)| application.integration_key.is_none())
        .filter_map(|(key, application)| {
            Some((key, application.kind.as_ref()?.value.as_str(), application.name.as_ref()?))
        });
    let mut seen: HashMap<(&str, &str), (&str, Span)> = HashMap::new();
    for (key, kind, name) in in_order(named, |(_, _, name)| name.span) {
        match seen.get(&(kind, name.value.as_str())) {
            Some((other, first)) => findings.push(
                Diagnostic::error(
                    Code::AmbiguousName,
                    name.span,
                    format!("`applications.{key}` and `applications.{other}` have the same type and name"),
                )
                .help("rename one of the two, or pin both with `integration_key`")
                .related(*first, "the same name stands here"),
            ),
            None => {
                seen.insert((kind, &name.value), (key, name.span));
            }
        }
    }
}

/// In the order of the files, so that the first one is what a reader would call the first.
fn in_order<T>(items: impl Iterator<Item = T>, place: impl Fn(&T) -> Span) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_by_key(place);
    items
}
