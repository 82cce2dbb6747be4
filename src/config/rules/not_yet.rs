//! Parts of the language that are read and checked, and not acted on by this version.

use crate::config::diagnostic::{Code, Diagnostic, Span};
use crate::config::model::Workspace;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    if let Some(api) = &workspace.identity_intelligence_api {
        findings.push(note(api.span, "this version does not call the Identity Intelligence API yet"));
    }
}

fn note(place: Span, message: &str) -> Diagnostic {
    Diagnostic::note(Code::NotYetActive, place, message).help("it is checked and otherwise ignored")
}
