//! Findings with their places, and the documents built from them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Severity, Sources, Span, has_errors};
use crate::reconcile::desired::Desired;

use super::kind::{FORMAT_VERSION, Kind};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosticDocument {
    /// The code of the finding; `duoctl explain` describes it.
    pub code: String,
    /// Its severity.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, if it has a place.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<RelatedDocument>,
}

impl DiagnosticDocument {
    /// Each finding with its places.
    pub fn all(found: &[Diagnostic], sources: &Sources) -> Vec<Self> {
        let related = |(span, label): &(Span, String)| RelatedDocument {
            place: Place::of(*span, sources),
            label: label.clone(),
        };
        let document = |found: &Diagnostic| Self {
            code: found.code.name().to_owned(),
            severity: found.severity,
            message: found.message.clone(),
            place: found.span.and_then(|span| Place::of(span, sources)),
            help: found.help.clone(),
            related: found.related.iter().map(related).collect(),
        };
        found.iter().map(document).collect()
    }
}

/// Another place that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RelatedDocument {
    /// Where.
    pub place: Option<Place>,
    /// What is there.
    pub label: String,
}

/// A place in a file. Lines and columns begin at 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file as the command was given it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The line of the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<usize>,
    /// The column after the last character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
}

impl Place {
    /// Where a span begins and ends.
    pub fn of(span: Span, sources: &Sources) -> Option<Self> {
        let (path, begin) = sources.locate(span)?;
        let end = sources.locate_end(span);
        Some(Self {
            file: path.display().to_string(),
            line: begin.line,
            column: begin.column,
            end_line: end.map(|end| end.line),
            end_column: end.map(|end| end.column),
        })
    }
}

/// Where each address is declared; of an entry of which applications are made, where the first of them is.
pub(super) fn places(desired: &Desired, sources: &Sources) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for wanted in &desired.objects {
        let Some(place) = wanted.span.and_then(|span| Place::of(span, sources)) else { continue };
        if let Some((entry, _)) = wanted.address.composite() {
            places.entry(entry.to_string()).or_insert_with(|| place.clone());
        }
        places.insert(wanted.address.to_string(), place);
    }
    places
}

/// The outcome of `validate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidateDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `validate`.
    #[schemars(with = "String", extend("const" = "validate"))]
    pub kind: Kind,
    /// The workspace, if it is known and the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// How many workspaces were validated, if several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<usize>,
    /// Whether there are no errors.
    pub valid: bool,
    /// What was read, if there are no errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<DeclaredCounts>,
    /// Everything that was found, by file and place.
    pub diagnostics: Vec<DiagnosticDocument>,
}

/// How much a workspace declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredCounts {
    /// Entries of `applications`.
    pub applications: usize,
    /// Entries of `identity_intelligence`.
    pub identity_intelligence: usize,
    /// The files that were read.
    pub files: usize,
}

impl ValidateDocument {
    /// A document of the findings, with the workspace if it is known.
    pub fn new(
        workspace: Option<String>,
        declared: Option<DeclaredCounts>,
        found: &[Diagnostic],
        sources: &Sources,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Validate,
            workspace,
            workspaces: None,
            valid: !has_errors(found),
            declared,
            diagnostics: DiagnosticDocument::all(found, sources),
        }
    }

    /// Together with another workspace.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.diagnostics.extend(other.diagnostics);
        let declared = self.declared.zip(other.declared);
        Self {
            workspace: None,
            workspaces: Some(self.workspaces.unwrap_or(1) + other.workspaces.unwrap_or(1)),
            valid: self.valid && other.valid,
            declared: declared.map(|(one, other)| DeclaredCounts {
                applications: one.applications + other.applications,
                identity_intelligence: one.identity_intelligence + other.identity_intelligence,
                files: one.files + other.files,
            }),
            ..self
        }
    }
}

/// A command that could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `failure`.
    #[schemars(with = "String", extend("const" = "failure"))]
    pub kind: Kind,
    /// The command.
    pub command: String,
    /// The workspace, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
    /// What went wrong.
    pub message: String,
    /// What to do, or what exactly changed, line by line.
    pub help: Vec<String>,
    /// What is wrong with the YAML.
    pub diagnostics: Vec<DiagnosticDocument>,
}

impl FailureDocument {
    /// For a command that ended with this code.
    pub fn new(command: &str, exit_code: u8, message: &str, help: &[String]) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Failure,
            command: command.to_owned(),
            workspace: None,
            exit_code,
            message: message.to_owned(),
            help: help.to_vec(),
            diagnostics: Vec::new(),
        }
    }
}
