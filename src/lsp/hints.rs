//! What the last plan says, next to the addresses; and the explanations of findings.

use std::collections::BTreeSet;
use std::path::Path;

use gen_lsp_types as lsp;
use serde_json::json;

use crate::output::document::{PlanDocument, StepDocument};
use crate::output::explain::{self, plain};
use crate::output::human::affected;
use crate::output::paint::Paint;
use crate::text::{counted, safe};

use super::completion::markdown;
use super::documents::Text;
use super::names::{Name, Names};
use super::position::Encoding;

/// The command that explains a code.
pub(super) const EXPLAIN: &str = "duoctl.explain";

/// How many explanations are offered in one file.
const MOST: usize = 200;

/// For each code on a line, a command that explains it.
pub(super) fn lenses(diagnostics: &[lsp::Diagnostic]) -> Vec<lsp::CodeLens> {
    let mut seen = BTreeSet::new();
    let mut lenses = Vec::new();
    for diagnostic in diagnostics {
        let Some(lsp::Code::String(code)) = &diagnostic.code else { continue };
        if seen.insert((diagnostic.range.start.line, code.clone())) && lenses.len() < MOST {
            let command = lsp::Command {
                title: format!("explain {code}"),
                command: EXPLAIN.to_owned(),
                arguments: Some(vec![json!(code)]),
                ..lsp::Command::default()
            };
            lenses.push(lsp::CodeLens { range: diagnostic.range, command: Some(command), data: None });
        }
    }
    lenses
}

/// What `duoctl explain CODE` prints.
pub(super) fn explanation(code: &str) -> Option<String> {
    let (name, subject, entry) = explain::all().into_iter().find(|(name, ..)| *name == code)?;
    let words = subject.words();
    Some(format!(
        "{name}, {words}: {}\n\n{}\n\n{}",
        plain(entry.title),
        plain(entry.meaning),
        plain(entry.fix)
    ))
}

/// What a plan does with the addresses that a file declares.
pub(super) fn hints(
    plan: &PlanDocument,
    names: &Names,
    file: &Path,
    text: &Text,
    encoding: Encoding,
) -> Vec<lsp::InlayHint> {
    let mut hints = Vec::new();
    for step in &plan.steps {
        let name = super::rename::declared(&Name::Address(step.address.clone()));
        let place =
            names.places(&name).find(|(path, found)| *path == file && found.declares && found.name == name);
        let Some((_, found)) = place else { continue };
        let line = text.lines.line(found.range.start);
        let end = text.lines.begin(&text.text, line) + text.lines.text(&text.text, line).len();
        hints.push(lsp::InlayHint {
            position: text.lines.position(&text.text, end, encoding),
            label: lsp::Label::String(label(step)),
            tooltip: Some(lsp::Tooltip::MarkupContent(markdown(&tooltip(step)))),
            padding_left: Some(true),
            kind: None,
            text_edits: None,
            padding_right: None,
            data: None,
        });
    }
    hints
}

fn label(step: &StepDocument) -> String {
    let mut label = format!("plan: {}", step.action.name());
    if !step.changes.is_empty() {
        label.push_str(&format!(", {}", counted(step.changes.len(), "change", "changes")));
    }
    for risk in step.risks.iter().map(|risk| risk.risk.name()).collect::<BTreeSet<_>>() {
        if risk != "neutral" {
            label.push_str(&format!(", {risk}"));
        }
    }
    for line in people(step) {
        label.push_str(&format!(", {line}"));
    }
    label
}

/// Who gains or loses access, in one line each.
fn people(step: &StepDocument) -> Vec<String> {
    let mut text = String::new();
    if let Some(found) = &step.affected {
        affected::render(&mut text, found, Paint { on: false });
    }
    text.lines().map(|line| line.trim().trim_start_matches("@ ").to_owned()).collect()
}

fn tooltip(step: &StepDocument) -> String {
    let changes = step.changes.iter().map(|change| {
        format!(
            "- `{}`: `{}` → `{}`",
            change.field,
            safe(&change.before.to_string()),
            safe(&change.after.to_string())
        )
    });
    let people = people(step).into_iter().map(|line| format!("- {line}"));
    let lines: Vec<String> = changes.chain(people).collect();
    format!("`{}` {}\n\n{}", step.action.name(), step.address, lines.join("\n"))
}
