//! An entry of `suppress` must be able to take effect.

use crate::config::model::{Suppression, Workspace};
use crate::diagnostic::{Code, Diagnostic, Fix, Help};
use crate::language::address::{Pattern, Place};
use crate::text::shown;

/// Reports entries that can never take effect.
pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for suppression in &workspace.suppress {
        let Suppression { address, pattern, code, .. } = &suppression.value;
        // An invalid address is reported elsewhere.
        if address.is_some() && !pattern.as_ref().is_some_and(Pattern::is_address_or_glob) {
            continue;
        }
        let is_meant = |declared: &String| pattern.as_ref().is_none_or(|pattern| pattern.matches(declared));
        if subjects(workspace, *code).iter().any(is_meant) {
            continue;
        }
        let is_declared = every(workspace).any(|declared| is_meant(&declared));
        let message = match address {
            Some(address) if !is_declared => {
                format!("no address in the YAML matches {}, so nothing is suppressed", shown(address))
            }
            Some(address) => {
                format!("`{code}` cannot occur at {}, so nothing is suppressed", shown(address))
            }
            None => format!("`{code}` cannot occur in this workspace, so nothing is suppressed"),
        };
        findings.push(
            Diagnostic::warning(Code::UnusedIgnore, suppression.span, message)
                .help(Help::from("correct or remove it").by(Fix::RemoveItem)),
        );
    }
}

/// Every address that the YAML declares, including `identity_intelligence` entries.
pub(super) fn every(workspace: &Workspace) -> impl Iterator<Item = String> {
    let applications = workspace.every_declared().map(|declared| declared.place.to_string());
    let entries = workspace.identity_intelligence.keys();
    applications.chain(entries.map(|key| Place::Entry(key).to_string()))
}

/// The addresses that a finding can be about.
fn subjects(workspace: &Workspace, code: Code) -> Vec<String> {
    match code {
        Code::Recommended => {
            workspace.identity_intelligence.keys().map(|key| Place::Entry(key).to_string()).collect()
        }
        Code::NotCompared => {
            let whole = workspace.every_declared().filter(|declared| declared.authoritative);
            whole.map(|declared| declared.place.to_string()).collect()
        }
        _ => every(workspace).collect(),
    }
}
