//! Types: known ones, those that the API cannot create, and those that are out of support.

use crate::config::model::{Application, Workspace};
use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::duo::catalogue::{Creation, Kind, kinds, lookup};
use crate::language::similar::nearest;
use crate::text::shown;

pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Diagnostic>) {
    for application in workspace.applications.values() {
        let Some(kind) = &application.kind else { continue };
        match lookup(&kind.value) {
            Some(known) => known_type(application, kind, known, findings),
            None if kind.value.trim().is_empty() => {}
            None => findings.push(unknown_type(kind)),
        }
    }
}

fn unknown_type(kind: &Spanned<String>) -> Diagnostic {
    let help = nearest(&kind.value, kinds().iter().map(|kind| kind.name)).map_or_else(
        || "check the spelling; a type that Duo added lately works all the same".to_owned(),
        |near| format!("did you mean `{near}`? A type that Duo added lately works all the same"),
    );
    Diagnostic::warning(
        Code::UnknownType,
        kind.span,
        format!("duoctl does not know the type {}", shown(&kind.value)),
    )
    .help(help)
}

fn known_type(
    application: &Application,
    kind: &Spanned<String>,
    known: &Kind,
    findings: &mut Vec<Diagnostic>,
) {
    let pinned = application.integration_key.is_some();
    let message = match (known.creation, known.end_of_life) {
        (Creation::Refused(reason), _) if !pinned => {
            format!("Duo's API cannot create an application of type `{}`: {reason}", known.name)
        }
        (_, Some(_)) => format!("the type `{}` is out of support", known.name),
        (Creation::Ok | Creation::Refused(_), None) => return,
    };
    let dated = known.end_of_life.map(|since| format!("{since}; ")).unwrap_or_default();
    let help = if pinned {
        format!("{dated}plan its replacement")
    } else {
        format!(
            "{dated}one that exists already is adopted and managed; pin it with `integration_key` to say so"
        )
    };
    findings.push(Diagnostic::warning(Code::TypeNotCreatable, kind.span, message).help(help));
}
