//! SARIF 2.1.0 for code scanning: the findings of `validate`, each with a rule that explains it.

use std::collections::{BTreeMap, HashMap};

use percent_encoding::utf8_percent_encode;
use serde::Serialize;

use crate::diagnostic::{Code, Severity};

use super::document::{DiagnosticDocument, Document, Place};
use super::gitlab::fingerprint;
use super::{explain, json, repository};
use crate::text::safe;

/// The project's page.
const HOMEPAGE: &str = env!("CARGO_PKG_HOMEPAGE");

/// The page of the repository that has a heading for each code.
const EXPLAINED: &str = "docs/reference/diagnostics.md";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'d> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'d>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'d> {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Finding<'d>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message,
    full_description: Message,
    help: Message,
    help_uri: String,
    properties: Tags,
}

#[derive(Serialize)]
struct Tags {
    tags: [&'static str; 2],
}

#[derive(Serialize)]
struct Message {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'d> {
    rule_id: &'d str,
    level: Severity,
    message: Message,
    locations: [Location; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

/// The log of `validate`, or of a command that found errors in the YAML; other documents have no SARIF form.
pub fn render(document: &Document, prefix: &str) -> Option<String> {
    let diagnostics = match document {
        Document::Validate(validate) => &validate.diagnostics,
        Document::Failure(failure) => &failure.diagnostics,
        Document::Plan(_)
        | Document::Drift(_)
        | Document::Apply(_)
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
    };
    let mut seen = HashMap::new();
    let version = env!("CARGO_PKG_VERSION");
    let rules = Code::ALL.iter().map(|code| rule(*code)).collect();
    let driver =
        Driver { name: "duoctl", version, semantic_version: version, information_uri: HOMEPAGE, rules };
    let results = diagnostics.iter().map(|diagnostic| finding(diagnostic, prefix, &mut seen)).collect();
    let run = Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results };
    let schema = "https://json.schemastore.org/sarif-2.1.0.json";
    Some(json::text(&Log { schema, version: "2.1.0", runs: [run] }))
}

fn plain(text: String) -> Message {
    Message { text, markdown: None }
}

fn rule(code: Code) -> Rule {
    let entry = explain::code(code);
    let (meaning, fix) = (explain::plain(entry.meaning), explain::plain(entry.fix));
    let same = format!("`duoctl explain {}` shows the same text.", code.name());
    Rule {
        id: code.name(),
        short_description: plain(explain::plain(entry.title)),
        help: Message {
            text: format!("{meaning}\n\n{fix}"),
            markdown: Some(format!("{}\n\n{}\n\n{same}", entry.meaning, entry.fix)),
        },
        full_description: plain(meaning),
        help_uri: explained_at(code.name()),
        properties: Tags { tags: ["duo", "configuration"] },
    }
}

/// The page that explains a code.
pub(crate) fn explained_at(code: &str) -> String {
    format!("{HOMEPAGE}/blob/main/{EXPLAINED}#{code}")
}

fn finding<'d>(
    diagnostic: &'d DiagnosticDocument,
    prefix: &str,
    seen: &mut HashMap<String, usize>,
) -> Finding<'d> {
    let help = diagnostic.help.as_ref().map(|help| format!("; {}", safe(help))).unwrap_or_default();
    // Code scanning drops results without a location.
    let nowhere = Place { file: "duo.yaml".to_owned(), line: 1, column: 1, end_line: None, end_column: None };
    let place = diagnostic.place.as_ref().unwrap_or(&nowhere);
    let file = repository::path(prefix, &place.file);
    let print = fingerprint(&[&diagnostic.code, &file, &diagnostic.message], seen);
    let related = diagnostic.related.iter().filter_map(|related| {
        Some(location(related.place.as_ref()?, prefix, Some(plain(safe(&related.label)))))
    });
    Finding {
        rule_id: &diagnostic.code,
        rule_index: Code::ALL.iter().position(|code| code.name() == diagnostic.code),
        level: diagnostic.severity,
        message: plain(format!("{}{help}", safe(&diagnostic.message))),
        locations: [location(place, prefix, None)],
        partial_fingerprints: BTreeMap::from([("duoctlFinding/v1", print)]),
        related_locations: related.collect(),
    }
}

fn location(place: &Place, prefix: &str, message: Option<Message>) -> Location {
    let path = repository::path(prefix, &place.file);
    let encoded = utf8_percent_encode(&path, repository::PATH).to_string();
    let artifact_location = match path.starts_with('/') {
        true => Artifact { uri: format!("file://{encoded}"), uri_base_id: None },
        false => Artifact { uri: encoded, uri_base_id: Some("%SRCROOT%") },
    };
    let region = Region {
        start_line: place.line,
        start_column: place.column,
        end_line: place.end_line.filter(|_| place.end_column.is_some()),
        end_column: place.end_column.filter(|_| place.end_line.is_some()),
    };
    Location { physical_location: PhysicalLocation { artifact_location, region }, message }
}
