//! Parts of the language that are read and checked, and not acted on by this version.

use crate::config::diagnostic::{Code, Diagnostic, Span};
use crate::config::model::Workspace;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    let secrets = workspace.applications.values().filter_map(|application| application.secret.as_ref());
    let delivered =
        secrets.chain(workspace.identity_intelligence.values().filter_map(|entry| entry.secrets.as_ref()));
    for target in delivered {
        findings.push(note(target.span, "this version does not deliver secrets yet"));
    }
}

fn note(place: Span, message: &str) -> Diagnostic {
    Diagnostic::note(Code::NotYetActive, place, message).help("it is checked and otherwise ignored")
}
