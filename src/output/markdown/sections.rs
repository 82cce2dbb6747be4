//! Parts that several comments share.

use std::fmt::Write as _;

use crate::output::document::{DiagnosticDocument, VerifyDocument};
use crate::verify::report::{Check, Verdict};

use super::comment::Section;
use super::text::{code, prose};

/// How many fields of one step, and how many findings, are shown.
pub(super) const ROWS: usize = 40;

/// `<!-- duoctl:plan acme -->`. Text from outside must not end it.
pub(super) fn marker(command: &str, workspace: &str) -> String {
    let word = |text: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(32).collect()
    };
    let (command, workspace) = (word(command), word(workspace));
    // Two dashes may end a comment.
    let workspace = workspace.replace("--", "-");
    if workspace.is_empty() {
        format!("<!-- duoctl:{command} -->")
    } else {
        format!("<!-- duoctl:{command} {workspace} -->")
    }
}

/// The findings, the most serious first.
pub(super) fn problems(diagnostics: &[DiagnosticDocument]) -> Section {
    let mut sorted: Vec<&DiagnosticDocument> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    let items = sorted.into_iter().map(|diagnostic| {
        let mut item = format!("**{}** {}", diagnostic.severity, code(&diagnostic.code));
        if let Some(place) = &diagnostic.place {
            let _ = write!(item, " at {}", code(&format!("{}:{}:{}", place.file, place.line, place.column)));
        }
        let _ = write!(item, ": {}", prose(&diagnostic.message));
        if let Some(help) = &diagnostic.help {
            let _ = write!(item, "<br>{}", prose(help));
        }
        item
    });
    Section { title: "Problems", alert: None, items: items.collect() }
}

/// The checks that failed or were inconclusive, with what to do.
pub(super) fn failed_checks(verify: &VerifyDocument) -> Vec<String> {
    let applications =
        verify.applications.iter().map(|application| (&application.address, &application.checks));
    let connections =
        verify.identity_intelligence.iter().map(|connection| (&connection.address, &connection.checks));
    let open = |check: &&Check| matches!(check.verdict, Verdict::Failed | Verdict::Inconclusive);
    let mut items = Vec::new();
    for (address, checks) in applications.chain(connections) {
        for check in checks.iter().filter(open) {
            let mut item = format!(
                "**{}** {} {}: {}",
                check.verdict.words(),
                code(address),
                code(&check.name),
                prose(&check.detail)
            );
            for line in check.fix.iter().flat_map(|fix| fix.lines()) {
                let _ = write!(item, "<br>{}", prose(line));
            }
            items.push(item);
        }
    }
    items
}
