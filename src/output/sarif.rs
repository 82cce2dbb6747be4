//! SARIF 2.1.0 for code scanning: the findings of `validate`, each with a rule that explains it.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::config::diagnostic::Code;

use super::document::{DiagnosticDocument, Document, Place};
use super::explain;
use super::gitlab::fingerprint;
use super::json::text as json_text;
use super::paint::safe;
use super::repository;

/// Where the published schema is.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What stays as it is in a URI's path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// The log of a `validate`, or of a command that found errors in the YAML; other documents have no place in it.
pub fn render(document: &Document, prefix: &str) -> Option<String> {
    let diagnostics = match document {
        Document::Validate(validate) => &validate.diagnostics,
        Document::Failure(failure) => &failure.diagnostics,
        Document::Plan(_) | Document::Drift(_) | Document::Apply(_) | Document::Verify(_) => return None,
    };
    let mut seen = HashMap::new();
    let results: Vec<Value> =
        diagnostics.iter().map(|diagnostic| result(diagnostic, prefix, &mut seen)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "duoctl",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Some(json_text(&log))
}

fn rule(code: Code) -> Value {
    let entry = explain::code(code);
    let (meaning, fix) = (explain::plain(entry.meaning), explain::plain(entry.fix));
    json!({
        "id": code.name(),
        "shortDescription": {"text": explain::plain(entry.title)},
        "fullDescription": {"text": meaning},
        "help": {
            "text": format!("{meaning}\n\n{fix}"),
            "markdown": format!("{}\n\n{}\n\n`duoctl explain {}` says the same.", entry.meaning, entry.fix, code.name()),
        },
        "properties": {"tags": ["duo", "configuration"]},
    })
}

fn result(diagnostic: &DiagnosticDocument, prefix: &str, seen: &mut HashMap<String, usize>) -> Value {
    let level = match diagnostic.severity.as_str() {
        "error" => "error",
        "warning" => "warning",
        _ => "note",
    };
    let help = diagnostic.help.as_ref().map(|help| format!("; {}", safe(help))).unwrap_or_default();
    // Code scanning drops a result without a place.
    let nowhere = Place { file: "duo.yaml".to_owned(), line: 1, column: 1, end_line: None, end_column: None };
    let place = diagnostic.place.as_ref().unwrap_or(&nowhere);
    let file = repository::path(prefix, &place.file);
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": level,
        "message": {"text": format!("{}{help}", safe(&diagnostic.message))},
        "locations": [location(place, prefix)],
        "partialFingerprints": {
            "duoctlFinding/v1": fingerprint(&[&diagnostic.code, &file, &diagnostic.message], seen),
        },
    });
    let position = Code::ALL.iter().position(|code| code.name() == diagnostic.code);
    let related: Vec<Value> = diagnostic
        .related
        .iter()
        .filter_map(|related| {
            let mut location = location(related.place.as_ref()?, prefix);
            if let Value::Object(location) = &mut location {
                location.insert("message".to_owned(), json!({"text": safe(&related.label)}));
            }
            Some(location)
        })
        .collect();
    if let Value::Object(result) = &mut result {
        if let Some(position) = position {
            result.insert("ruleIndex".to_owned(), json!(position));
        }
        if !related.is_empty() {
            result.insert("relatedLocations".to_owned(), json!(related));
        }
    }
    result
}

fn location(place: &Place, prefix: &str) -> Value {
    let path = repository::path(prefix, &place.file);
    let encoded = utf8_percent_encode(&path, PATH).to_string();
    let artifact = if path.starts_with('/') {
        json!({"uri": format!("file://{encoded}")})
    } else {
        json!({"uri": encoded, "uriBaseId": "%SRCROOT%"})
    };
    let mut region = json!({"startLine": place.line, "startColumn": place.column});
    if let (Some(line), Some(column), Value::Object(region)) = (place.end_line, place.end_column, &mut region)
    {
        region.insert("endLine".to_owned(), json!(line));
        region.insert("endColumn".to_owned(), json!(column));
    }
    json!({"physicalLocation": {"artifactLocation": artifact, "region": region}})
}
