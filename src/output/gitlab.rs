//! GitLab's code quality report: a JSON list that its merge requests show beside the lines.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::reconcile::fingerprint::hash;

use super::document::Document;
use super::findings::{Finding, Level, findings};
use super::json::text as json_text;
use super::paint::safe;
use super::repository;

/// The report of what has findings in files: `validate`, `plan` and `drift`, and a command that failed.
pub fn render(document: &Document, prefix: &str) -> Option<String> {
    match document {
        Document::Validate(_) | Document::Plan(_) | Document::Drift(_) | Document::Failure(_) => {}
        Document::Apply(_) | Document::Verify(_) => return None,
    }
    let mut seen = HashMap::new();
    let issues: Vec<Value> =
        findings(document).iter().map(|finding| issue(finding, prefix, &mut seen)).collect();
    Some(json_text(&json!(issues)))
}

fn issue(finding: &Finding, prefix: &str, seen: &mut HashMap<String, usize>) -> Value {
    let (file, line) = match &finding.place {
        Some(place) => (repository::path(prefix, &place.file), place.line),
        // A report without a file is refused.
        None => (repository::path(prefix, "duo.yaml"), 1),
    };
    let severity = match finding.level {
        Level::Error => "critical",
        Level::Warning => "minor",
        Level::Notice => "info",
    };
    let description: Vec<String> = finding.message.lines().map(safe).collect();
    json!({
        "description": description.join("; "),
        "check_name": finding.code,
        "fingerprint": fingerprint(&[&finding.code, &file, &finding.message], seen),
        "severity": severity,
        "location": {"path": file, "lines": {"begin": line}},
    })
}

/// The same for a finding wherever its line moves to; of findings that are alike the second and later ones are counted.
pub fn fingerprint(parts: &[&str], seen: &mut HashMap<String, usize>) -> String {
    let hashed = hash(parts.iter().copied());
    let count = seen.entry(hashed.clone()).or_default();
    *count += 1;
    match count {
        1 => hashed,
        count => hash([hashed.as_str(), &count.to_string()]),
    }
}
