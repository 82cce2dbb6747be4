//! Comments for `verify`, `validate` and failed commands.

use std::fmt::Write as _;

use crate::output::document::{FailureDocument, ValidateDocument, VerifyDocument};
use crate::verify::report::{Check, Verdict};

use super::comment::{Comment, Detail, Section};
use super::sections::{ROWS, failed_checks, marker, problems};
use super::text::{code, html_code, prose, summary};

pub(super) fn verify_comment(verify: &VerifyDocument) -> Comment {
    let workspace = verify.workspace.as_deref().unwrap_or_default();
    let title = if workspace.is_empty() { String::new() } else { format!(": {}", code(workspace)) };
    let head = format!("### duoctl verify{title}\n\n{}\n", summary(&verify.last_line()));
    let applications = verify.applications.iter().map(|it| {
        let name = format!("{} {}", html_code(&it.address), html_code(&it.name));
        checks_detail(it.verdict, &name, &it.checks)
    });
    let connections = verify.identity_intelligence.iter().map(|it| {
        let name = format!("connection {} {}", html_code(&it.address), html_code(&it.display_name));
        checks_detail(it.verdict, &name, &it.checks)
    });
    Comment {
        marker: marker("verify", workspace),
        head,
        sections: vec![Section { title: "Not verified", alert: None, items: failed_checks(verify) }],
        details: applications.chain(connections).collect(),
        foot: tool(),
    }
}

fn tool() -> String {
    format!("<sub>duoctl {}</sub>", env!("CARGO_PKG_VERSION"))
}

fn checks_detail(verdict: Verdict, name: &str, checks: &[Check]) -> Detail {
    let mut body = "| Check | Outcome | Seen |\n|---|---|---|\n".to_owned();
    for check in checks.iter().take(ROWS) {
        let _ = writeln!(
            body,
            "| {} | {} | {} |",
            code(&check.name),
            check.verdict.words(),
            prose(&check.detail)
        );
    }
    if checks.len() > ROWS {
        let _ = writeln!(body, "\nand {} more", checks.len() - ROWS);
    }
    let weight = match verdict {
        Verdict::Failed => 3,
        Verdict::Inconclusive => 2,
        Verdict::Pending => 1,
        Verdict::Verified
        | Verdict::Shown
        | Verdict::Attested
        | Verdict::NotTestable
        | Verdict::NotVerifiable
        | Verdict::Unsupported
        | Verdict::Skipped => 0,
    };
    Detail { weight, summary: format!("{} {name}", verdict.words()), body }
}

pub(super) fn validate_comment(validate: &ValidateDocument) -> Comment {
    let workspace = validate.workspace.as_deref().unwrap_or_default();
    let title = if workspace.is_empty() { String::new() } else { format!(": {}", code(workspace)) };
    Comment {
        marker: marker("validate", workspace),
        head: format!("### duoctl validate{title}\n\n{}\n", summary(&validate.last_line())),
        sections: vec![problems(&validate.diagnostics)],
        details: Vec::new(),
        foot: tool(),
    }
}

pub(super) fn failure_comment(failure: &FailureDocument) -> Comment {
    let workspace = failure.workspace.as_deref().unwrap_or_default();
    let command: String = failure.command.chars().filter(char::is_ascii_lowercase).take(20).collect();
    let title = if workspace.is_empty() { String::new() } else { format!(": {}", code(workspace)) };
    let mut head = format!(
        "### duoctl {command}{title}\n\n{} (exit code {})\n",
        code(&failure.last_line()),
        failure.exit_code
    );
    if !failure.help.is_empty() {
        head.push('\n');
    }
    for line in failure.help.iter().take(ROWS) {
        let _ = writeln!(head, "- {}", prose(line));
    }
    Comment {
        marker: marker(&command, workspace),
        head,
        sections: vec![problems(&failure.diagnostics)],
        details: Vec::new(),
        foot: tool(),
    }
}
