//! `docs/reference/diagnostics.md` and the table of `docs/reference/exit-codes.md`: the texts of `duoctl explain`.

use duoctl::cli::exit::Exit;
use duoctl::output::explain::{Entry, Subject, all};

use super::row;

pub(crate) fn exits() -> String {
    let mut text = row(["Code", "Meaning", "What to do"]) + "|---|---|---|\n";
    for exit in Exit::ALL {
        let Entry { title, meaning, fix } = exit.explained();
        text += &row([&format!("`{}`", exit.code()), &format!("{}. {meaning}", capital(title)), fix]);
    }
    text
}

pub(crate) fn page() -> String {
    let mut text = format!(
        "# Findings, risks and guards\n\n{}\n\nThe text of `duoctl explain NAME` for every name that duoctl prints. See also [exit codes](exit-codes.md).\n",
        super::NOTICE
    );
    let sections = [
        (
            Subject::Diagnostic,
            "Findings",
            "Printed as `error[unknown-key]`, and as `code` in JSON, `ruleId` in SARIF and `check_name` for GitLab.",
        ),
        (
            Subject::Risk,
            "Risks",
            "What a change may do to people's access, mildest first. Shown as `!` in a plan and `risks` in JSON.",
        ),
        (
            Subject::Guard,
            "Guards",
            "In addition to risks that need a consent, these refuse a plan with exit code 5.",
        ),
    ];
    for (subject, title, about) in sections {
        text += &format!("\n## {title}\n\n{about}\n");
        for (name, _, Entry { title, meaning, fix }) in all().into_iter().filter(|(_, of, _)| *of == subject)
        {
            text += &format!("\n### {name}\n\n*{}.* {meaning}\n\n{fix}\n", capital(title));
        }
    }
    text
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
