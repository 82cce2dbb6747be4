//! Addresses under `removed` must not be declared.

use crate::config::model::{Removal, Workspace};
use crate::diagnostic::{Code, Diagnostic, Help, Span, Spanned};
use crate::kinds::Kind;
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
        findings.extend(place.and_then(|place| misdirected(address, place, removal)));
        let Some(declared) = place.and_then(|place| declared(workspace, place)) else { continue };
        let (message, help): (_, Help) = match &removal.value {
            Removal::Attested(text) if is_dated(text) => continue,
            Removal::Attested(_) => (
                format!("`{address}` is declared, but this attestation has no date"),
                Help::removing(
                    "remove this line or the declaration; a restored entry has to be attested again",
                ),
            ),
            Removal::Retain | Removal::Delete | Removal::DeletePolicy(_) => (
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

/// A policy carries no marker, so its name or ID has to say which one is meant.
fn misdirected(address: &str, place: Place<'_>, removal: &Spanned<Removal>) -> Option<Diagnostic> {
    let is_policy = matches!(place, Place::Object(Kind::Policy, key) if !key.is_empty());
    let (message, help) = match &removal.value {
        Removal::Delete if is_policy => (
            format!("`{address}` does not say which policy is deleted: nothing in Duo shows its address"),
            "write its name or ID: `{delete: NAME}` or `{delete: {id: ID}}`",
        ),
        Removal::DeletePolicy(_) if !is_policy => {
            (format!("`{address}` is no policy, and its marker shows which object it is"), "write `delete`")
        }
        _ => return None,
    };
    Some(Diagnostic::error(Code::InvalidValue, removal.span, message).help(help))
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
