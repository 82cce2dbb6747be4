//! Annotations for GitHub Actions: workflow commands, one per line. Text from outside cannot begin a new line or
//! another command: line breaks, `%` and the separators are encoded in the way that GitHub's runner decodes them.

use std::fmt::Write as _;

use crate::diagnostic::Severity;

use super::document::{Document, Place};
use super::findings::{Finding, findings};
use super::repository;
use crate::text::safe;

/// How many annotations of one type GitHub shows for one step of a job; it silently drops the others.
const SHOWN: usize = 10;

/// The maximum length of a message. GitHub cuts longer ones.
const MESSAGE: usize = 4_000;

/// The findings as annotations, the worst first, and the document's last line for the log. There are at most as many of
/// each type as GitHub shows; if there are more, the last one counts the rest.
pub fn render(document: &Document, prefix: &str) -> Option<String> {
    let found = findings(document)?;
    let mut text = String::new();
    for level in [Severity::Error, Severity::Warning, Severity::Note] {
        let of_level: Vec<&Finding> = found.iter().filter(|finding| finding.level == level).collect();
        let one_by_one = if of_level.len() > SHOWN { SHOWN - 1 } else { of_level.len() };
        for finding in of_level.iter().take(one_by_one) {
            text.push_str(&annotation(finding, prefix));
        }
        let rest = of_level.len() - one_by_one;
        if rest > 0 {
            let word = command(level);
            let _ = writeln!(
                text,
                "::{word} title=duoctl::and {rest} more of this kind, see the log or a report"
            );
        }
    }
    let _ = writeln!(text, "{}", document.last_line().unwrap_or_default());
    Some(text)
}

fn command(level: Severity) -> &'static str {
    match level {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

fn annotation(finding: &Finding, prefix: &str) -> String {
    let mut properties = Vec::new();
    if let Some(place) = &finding.place {
        properties.push(format!("file={}", property(&repository::path(prefix, &place.file))));
        properties.push(format!("line={}", place.line));
        properties.extend(columns(place));
    }
    properties.push(format!("title={}", property(&finding.title)));
    let lines: Vec<String> = finding.message.lines().map(safe).collect();
    let message: String = lines.join("\n").chars().take(MESSAGE).collect();
    format!("::{} {}::{}\n", command(finding.level), properties.join(","), data(&message))
}

/// GitHub accepts columns only if a finding ends on the line where it begins.
fn columns(place: &Place) -> Vec<String> {
    let end_line = place.end_line.unwrap_or(place.line);
    if end_line != place.line {
        return vec![format!("endLine={end_line}")];
    }
    let mut columns = vec![format!("col={}", place.column)];
    if let Some(end) = place.end_column.filter(|end| *end > place.column) {
        columns.push(format!("endColumn={end}"));
    }
    columns
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(&safe(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Severity, message: &str) -> Finding {
        Finding {
            level,
            code: "x".to_owned(),
            title: "a: b, c".to_owned(),
            message: message.to_owned(),
            place: Some(Place {
                file: "./a,b/duo.yaml".to_owned(),
                line: 3,
                column: 5,
                end_line: Some(3),
                end_column: Some(9),
            }),
        }
    }

    #[test]
    fn what_would_end_a_command_is_escaped() {
        let text = annotation(&finding(Severity::Error, "100% sure\n::error::forged"), "sub");
        assert_eq!(
            text,
            "::error file=sub/a%2Cb/duo.yaml,line=3,col=5,endColumn=9,title=a%3A b%2C c::100%25 sure%0A\\u{3a}:error::forged\n"
        );
    }

    #[test]
    fn a_finding_of_several_lines_has_no_columns() {
        let mut finding = finding(Severity::Warning, "x");
        if let Some(place) = &mut finding.place {
            place.end_line = Some(7);
        }
        assert!(annotation(&finding, "").contains(",line=3,endLine=7,title="));
    }
}
