//! GitLab's code quality report: a JSON list that merge requests show next to the lines.

use std::collections::HashMap;

use serde::Serialize;

use crate::diagnostic::Severity;
use crate::reconcile::fingerprint::hash;

use super::document::Document;
use super::findings::{Finding, findings};
use super::{json, repository};
use crate::text::safe;

#[derive(Serialize)]
struct Issue<'f> {
    description: String,
    check_name: &'f str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// The report of documents with findings in files: `validate`, `plan`, `drift`, and a command that failed.
pub fn render(document: &Document, prefix: &str) -> Option<String> {
    match document {
        Document::Validate(_) | Document::Plan(_) | Document::Drift(_) | Document::Failure(_) => {}
        Document::Apply(_)
        | Document::Verify(_)
        | Document::Doctor(_)
        | Document::Keys(_)
        | Document::List(_)
        | Document::Import(_)
        | Document::Handoff(_)
        | Document::Rotations(_)
        | Document::KeyChanges(_)
        | Document::Edit(_)
        | Document::Graph(_) => return None,
    }
    let mut seen = HashMap::new();
    let found = findings(document)?;
    let issues: Vec<Issue<'_>> = found.iter().map(|finding| issue(finding, prefix, &mut seen)).collect();
    Some(json::text(&issues))
}

fn issue<'f>(finding: &'f Finding, prefix: &str, seen: &mut HashMap<String, usize>) -> Issue<'f> {
    let (path, begin) = match &finding.place {
        Some(place) => (repository::path(prefix, &place.file), place.line),
        // GitLab refuses a report entry without a file.
        None => (repository::path(prefix, "duo.yaml"), 1),
    };
    let description: Vec<String> = finding.message.lines().map(safe).collect();
    Issue {
        description: description.join("; "),
        check_name: &finding.code,
        fingerprint: fingerprint(&[&finding.code, &path, &finding.message], seen),
        severity: match finding.level {
            Severity::Error => "critical",
            Severity::Warning => "minor",
            Severity::Note => "info",
        },
        location: Location { path, lines: Lines { begin } },
    }
}

/// Stays the same for a finding when its line moves; identical findings are told apart by a counter.
pub fn fingerprint(parts: &[&str], seen: &mut HashMap<String, usize>) -> String {
    let hashed = hash(parts.iter().copied());
    let count = seen.entry(hashed.clone()).or_default();
    *count += 1;
    match count {
        1 => hashed,
        count => hash([hashed.as_str(), &count.to_string()]),
    }
}
