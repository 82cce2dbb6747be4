//! What is removed must not be declared.

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::address::Place;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (address, removal) in &workspace.removed {
        if let Some(declared) = declared(workspace, address) {
            findings.push(
                Diagnostic::error(
                    Code::DuplicateAddress,
                    removal.span,
                    format!("`{address}` is declared, so it did not leave the YAML"),
                )
                .help("remove the entry here, or the declaration")
                .related(declared, "declared here"),
            );
        }
    }
}

fn declared(workspace: &Workspace, address: &str) -> Option<Span> {
    match Place::parse(address)? {
        Place::Entry(key) => workspace.identity_intelligence.get(key).map(|entry| entry.span),
        place => workspace.declared(place).map(|declared| declared.span),
    }
}
