//! Addresses under `removed` must not be declared.

use crate::config::model::{Removal, Workspace};
use crate::diagnostic::{Code, Diagnostic, Help, Span};
use crate::language::address::Place;
use crate::language::attestation::Attestation;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for (address, removal) in &workspace.removed {
        let place = Place::parse(address);
        if let (Removal::Attested(_), Some(Place::Object(..) | Place::Part { .. })) = (&removal.value, place)
        {
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    removal.span,
                    format!("`{address}` is an application, but only `identity_intelligence` entries can be attested"),
                )
                .help("write `retain` or `delete`, or the address of the entry"),
            );
        }
        let Some(declared) = place.and_then(|place| declared(workspace, place)) else { continue };
        let (message, help): (_, Help) = match &removal.value {
            Removal::Attested(text) if is_dated(text) => continue,
            Removal::Attested(_) => (
                format!("`{address}` is declared, but this attestation has no date"),
                Help::removing(
                    "remove this line or the declaration; a restored entry has to be attested again",
                ),
            ),
            Removal::Retain | Removal::Delete => (
                format!("`{address}` is removed here but still declared"),
                Help::removing("remove this line or the declaration"),
            ),
        };
        findings.push(
            Diagnostic::error(Code::DuplicateAddress, removal.span, message)
                .help(help)
                .related(declared, "declared here"),
        );
    }
}

/// A restored entry keeps the attestation of its removal until it is attested again, because older attestations do not
/// count. Without a date, nothing could be newer.
fn is_dated(text: &str) -> bool {
    Attestation::parse(text).is_some_and(|attestation| attestation.at.is_some())
}

fn declared(workspace: &Workspace, place: Place<'_>) -> Option<Span> {
    match place {
        Place::Entry(key) => workspace.identity_intelligence.get(key).map(|entry| entry.span),
        place => workspace.declared(place).map(|declared| declared.span),
    }
}
