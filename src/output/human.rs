//! Documents for people: what the commands print on a terminal, and what `duoctl show` prints again.

pub(crate) mod affected;
pub(crate) mod apply;
pub(crate) mod change;
pub(crate) mod console;
pub(crate) mod edit;
mod graph;
pub(crate) mod keys;
pub(crate) mod list;
mod many;
pub(crate) mod plan;
mod style;
mod table;
mod verdict;
pub(crate) mod verify;

use std::collections::HashMap;
use std::fmt::Write as _;

use super::document::{DiagnosticDocument, Document, FailureDocument};
use super::printer::stdout_width;
use crate::text::safe;

pub use style::Style;

/// The width if the output does not go to a terminal.
const UNLIMITED: usize = 100_000;

/// The document as text, without its findings, which a command shows with the lines of their files. The last line comes
/// last, except after an apply, where remaining work and the verification may follow.
pub fn render(document: &Document, style: Style) -> String {
    let Style { paint, .. } = style;
    match document {
        Document::Plan(plan) => plan::render(plan, plan::WOULD_BE_REFUSED, paint),
        Document::Drift(plan) => {
            format!("{}{}", plan::who(plan, paint), plan::render(plan, plan::WOULD_BE_REFUSED, paint))
        }
        Document::Apply(apply) => apply::render(apply, style),
        Document::Verify(verify) => verify::render(verify, style),
        Document::Validate(validate) => format!("{}\n", validate.last_line()),
        Document::Failure(failure) => failed(failure),
        Document::Doctor(doctor) => list::doctor(doctor, paint),
        Document::Keys(keys) => list::keys(keys, paint),
        Document::List(list) => table::list(list, stdout_width().unwrap_or(UNLIMITED), paint),
        Document::Import(import) => list::import(import, paint),
        Document::Handoff(handoffs) => console::sheets(handoffs, &HashMap::new(), paint),
        Document::Rotations(rotations) => list::status(&rotations.rotations, paint),
        Document::KeyChanges(changes) => keys::render(changes, paint),
        Document::Edit(edit) => edit::render(edit, paint),
        Document::Graph(graph) => graph::render(graph, paint),
    }
}

/// The whole document with short findings, because their files may have moved.
pub fn whole(document: &Document, style: Style) -> String {
    let findings = match document {
        Document::Plan(plan) | Document::Drift(plan) => plan.diagnostics.as_slice(),
        Document::Apply(apply) => &apply.plan.diagnostics,
        Document::Validate(validate) => &validate.diagnostics,
        Document::Failure(failure) => &failure.diagnostics,
        Document::KeyChanges(changes) => &changes.diagnostics,
        Document::Verify(_)
        | Document::Doctor(_)
        | Document::Keys(_)
        | Document::List(_)
        | Document::Import(_)
        | Document::Handoff(_)
        | Document::Rotations(_)
        | Document::Edit(_)
        | Document::Graph(_) => &[],
    };
    // What a command says on stderr.
    let aside = match document {
        Document::KeyChanges(changes) => keys::refusals(changes, style.paint),
        Document::Edit(edit) => edit::left_alone(edit, style.paint),
        _ => String::new(),
    };
    format!("{}{aside}{}", diagnostics(findings), render(document, style))
}

fn diagnostics(diagnostics: &[DiagnosticDocument]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let (severity, code) = (diagnostic.severity, safe(&diagnostic.code));
        let _ = writeln!(text, "{severity}[{code}]: {}", safe(&diagnostic.message));
        if let Some(place) = &diagnostic.place {
            let _ = writeln!(text, " --> {}:{}:{}", safe(&place.file), place.line, place.column);
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  = help: {}", safe(help));
        }
        text.push('\n');
    }
    text
}

fn failed(failure: &FailureDocument) -> String {
    let mut text = format!("error: {}\n", safe(&failure.message));
    for line in &failure.help {
        let _ = writeln!(text, "  {}", safe(line));
    }
    let _ = writeln!(text, "{}", failure.last_line());
    text
}
