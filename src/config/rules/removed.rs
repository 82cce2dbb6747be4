//! What is removed must not be declared.

use crate::config::model::{Removal, Workspace};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::language::address::Place;
use crate::language::attestation::Attestation;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (address, removal) in &workspace.removed {
        let place = Place::parse(address);
        if let (Removal::Attested(_), Some(Place::Application(_) | Place::Part { .. })) =
            (&removal.value, place)
        {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    removal.span,
                    format!("`{address}` is an application, and only entries of `identity_intelligence` are attested"),
                )
                .help("write `retain` or `delete`, or the address of the entry"),
            );
        }
        let Some(declared) = place.and_then(|place| declared(workspace, place)) else { continue };
        let (message, help) = match &removal.value {
            Removal::Attested(text) if is_dated(text) => continue,
            Removal::Attested(_) => (
                format!("`{address}` is declared, and what is attested here has no date"),
                "remove the entry here, or the declaration; an entry that is back has to be attested again",
            ),
            Removal::Retain | Removal::Delete => (
                format!("`{address}` is declared, so it did not leave the YAML"),
                "remove the entry here, or the declaration",
            ),
        };
        findings.push(
            Diagnostic::error(Code::DuplicateAddress, removal.span, message)
                .help(help)
                .related(declared, "declared here"),
        );
    }
}

/// An entry that is back keeps the line by which a person said that the console let it go, until it is attested again:
/// what was attested before does not count. Without a date nothing could be newer.
fn is_dated(text: &str) -> bool {
    Attestation::parse(text).is_some_and(|attestation| attestation.at.is_some())
}

fn declared(workspace: &Workspace, place: Place<'_>) -> Option<Span> {
    match place {
        Place::Entry(key) => workspace.identity_intelligence.get(key).map(|entry| entry.span),
        place => workspace.declared(place).map(|declared| declared.span),
    }
}
