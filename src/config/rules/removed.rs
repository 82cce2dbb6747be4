//! What is removed must not be declared.

use crate::config::model::Workspace;
use crate::diagnostic::{Code, Diagnostic, Span};

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
    match address.split_once('.')? {
        ("applications", key) => workspace.applications.get(key).map(|application| application.span),
        (_, rest) => {
            let (name, part) = rest.split_once('.').map_or((rest, None), |(name, part)| (name, Some(part)));
            let entry = workspace.identity_intelligence.get(name)?;
            // Without push verification there is no Auth API application.
            let parted = part == Some("auth_api") && entry.push_application_name.is_none();
            (!parted).then_some(entry.span)
        }
    }
}
