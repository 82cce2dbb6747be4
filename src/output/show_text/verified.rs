//! What was verified, for people.

use std::fmt::Write as _;

use super::super::document::{ApplicationDocument, LadderDocument, VerifyDocument};
use super::super::paint::{quoted, safe};

/// Every application and every ladder, and the line that sums them up.
pub(super) fn verify_text(verify: &VerifyDocument) -> String {
    let mut text = String::new();
    for application in &verify.applications {
        application_text(&mut text, application);
    }
    for ladder in &verify.identity_intelligence {
        ladder_text(&mut text, ladder);
    }
    text.push_str(&verify_line(verify));
    text
}

fn application_text(text: &mut String, application: &ApplicationDocument) {
    let _ = writeln!(
        text,
        "{} {}  {} ({})",
        application.verdict.words(),
        safe(&application.address),
        quoted(&application.name),
        safe(&application.kind)
    );
    for check in &application.checks {
        let _ =
            writeln!(text, "    {}: {}: {}", safe(&check.name), check.verdict.words(), safe(&check.detail));
        for line in check.fix.iter().flat_map(|fix| fix.lines()) {
            let _ = writeln!(text, "      {}", safe(line));
        }
    }
}

fn ladder_text(text: &mut String, ladder: &LadderDocument) {
    let _ = writeln!(text, "ladder {}  {}", safe(&ladder.address), quoted(&ladder.display_name));
    for (number, rung) in ladder.rungs.iter().enumerate() {
        let (name, verdict, detail) = (safe(&rung.name), rung.verdict.words(), safe(&rung.detail));
        let _ = writeln!(text, "  {:2}. {name}: {verdict}: {detail}", number + 1);
        for line in rung.fix.iter().flat_map(|fix| fix.lines()) {
            let _ = writeln!(text, "        {}", safe(line));
        }
    }
    let highest = ladder.highest_rung.as_deref().unwrap_or("none");
    let _ = writeln!(text, "      highest rung reached: {}", safe(highest));
}

/// How many applications were verified.
pub fn verify_line(verify: &VerifyDocument) -> String {
    if verify.applications.is_empty() {
        return "Verified: nothing to verify.\n".to_owned();
    }
    let summary = verify.summary;
    let mut line = format!("Verified: {} of {} applications", summary.verified, verify.applications.len());
    let others = [
        (summary.failed, "failed"),
        (summary.inconclusive, "inconclusive"),
        (summary.not_testable, "not testable"),
    ];
    for (count, words) in others.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(line, ", {count} {words}");
    }
    line.push_str(".\n");
    line
}
