//! What was verified, for people.

use std::fmt::Write as _;

use crate::verify::report::{Ladder, Report, Subject, Verdict};

use super::paint::{Paint, quoted, safe};

/// The report as text. With `every` each check has a line; else what went well is summed up.
pub fn render(report: &Report, every: bool, paint: Paint) -> String {
    let mut text = String::new();
    for subject in &report.subjects {
        subject_text(&mut text, subject, every, paint);
    }
    for ladder in &report.ladders {
        ladder_text(&mut text, ladder, paint);
    }
    text.push_str(&last_line(report));
    text
}

fn ladder_text(text: &mut String, ladder: &Ladder, paint: Paint) {
    let address = paint.strong(ladder.address.as_str());
    let _ = writeln!(text, "ladder {address}  {}", quoted(&ladder.name));
    for (number, rung) in ladder.rungs.iter().enumerate() {
        let verdict = word(rung.verdict, paint);
        let _ = writeln!(text, "  {:2}. {}: {verdict}: {}", number + 1, rung.name, safe(&rung.detail));
        for line in rung.fix.iter().flat_map(|fix| fix.lines()) {
            let _ = writeln!(text, "        {}", safe(line));
        }
    }
    let highest = ladder.highest().map_or("none", |rung| rung.name.as_str());
    let _ = writeln!(text, "      highest rung reached: {}", paint.strong(highest));
}

/// The last line, one, stable.
pub fn last_line(report: &Report) -> String {
    if report.subjects.is_empty() {
        return "Verified: nothing to verify.\n".to_owned();
    }
    let mut line =
        format!("Verified: {} of {} applications", report.count(Verdict::Verified), report.subjects.len());
    for verdict in [Verdict::Failed, Verdict::Inconclusive, Verdict::NotTestable] {
        match report.count(verdict) {
            0 => {}
            count => {
                let _ = write!(line, ", {count} {}", verdict.words());
            }
        }
    }
    for verdict in [Verdict::Failed, Verdict::Inconclusive, Verdict::Pending] {
        let count = report.ladders.iter().filter(|ladder| ladder.verdict() == verdict).count();
        let ladders = if count == 1 { "ladder" } else { "ladders" };
        if count > 0 {
            let _ = write!(line, ", {count} {ladders} {}", verdict.words());
        }
    }
    line.push_str(".\n");
    line
}

fn subject_text(text: &mut String, subject: &Subject, every: bool, paint: Paint) {
    let verdict = word(subject.verdict(), paint);
    let address = paint.strong(subject.address.as_str());
    let _ = writeln!(text, "{verdict} {address}  {} ({})", quoted(&subject.name), safe(&subject.kind));
    let shown = |verdict: Verdict| every || matches!(verdict, Verdict::Failed | Verdict::Inconclusive);
    for check in subject.checks.iter().filter(|check| shown(check.verdict)) {
        let _ = writeln!(text, "    {}: {}: {}", check.name, word(check.verdict, paint), safe(&check.detail));
        if let Some(fix) = &check.fix {
            let _ = writeln!(text, "      {}", safe(fix));
        }
    }
    if every {
        return;
    }
    let names = |verdict: Verdict, begins: &str| {
        let matching = subject
            .checks
            .iter()
            .filter(|check| check.verdict == verdict && check.detail.starts_with(begins));
        // Two calls may prove one permission.
        let mut names: Vec<&str> =
            matching.map(|check| check.name.trim_start_matches("permission ")).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let permissions = subject.checks.iter().any(|check| check.name.starts_with("permission "));
    let lines = if permissions {
        vec![
            ("held", names(Verdict::Verified, "held")),
            ("refused as it should", names(Verdict::Verified, "not held")),
            ("not testable", names(Verdict::NotTestable, "")),
        ]
    } else {
        subject
            .checks
            .iter()
            .filter(|check| !shown(check.verdict))
            .map(|check| (check.name.as_str(), check.detail.clone()))
            .collect()
    };
    for (label, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "    {label}: {}", safe(value));
    }
}

/// A verdict in its colour.
pub fn word(verdict: Verdict, paint: Paint) -> String {
    match verdict {
        Verdict::Verified => paint.good(verdict.words()),
        Verdict::Shown => paint.calm(verdict.words()),
        Verdict::Attested => paint.calm(verdict.words()),
        Verdict::NotTestable | Verdict::NotVerifiable | Verdict::Unsupported => paint.faint(verdict.words()),
        Verdict::Pending | Verdict::Inconclusive => paint.notice(verdict.words()),
        Verdict::Failed => paint.bad(verdict.words()),
    }
}
