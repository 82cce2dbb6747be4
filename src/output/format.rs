//! The formats by name, and which document can be had in which of them.

use serde_json::Value;

use super::document::Document;
use super::{github, gitlab, json, junit, markdown, sarif, show_text};

/// How an outcome is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line, while it runs.
    Jsonl,
    /// A comment of a pull request, or a page.
    Markdown,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0 for code scanning.
    Sarif,
    /// A code quality report of GitLab.
    Gitlab,
    /// JUnit XML for the test tab of a CI system.
    Junit,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Human,
        Self::Json,
        Self::Jsonl,
        Self::Markdown,
        Self::Github,
        Self::Sarif,
        Self::Gitlab,
        Self::Junit,
    ];

    /// The name in `--format` and `--report`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Sarif => "sarif",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
        }
    }

    /// What it is, for help texts.
    pub fn help(self) -> &'static str {
        match self {
            Self::Human => "For people",
            Self::Json => "One JSON document",
            Self::Jsonl => "One JSON object a line, while it runs; the last one is the whole document",
            Self::Markdown => "For a comment of a pull request, or a page",
            Self::Github => "Annotations of GitHub Actions",
            Self::Sarif => "SARIF 2.1.0, for code scanning",
            Self::Gitlab => "A code quality report of GitLab",
            Self::Junit => "JUnit XML: one test suite for each address, one test case for each probe",
        }
    }

    /// The format of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether the words are for a program that reads stdout, so that stderr is for people.
    pub fn for_machines(self) -> bool {
        self != Self::Human
    }
}

/// A document in a format; `None` where the format has no place for it.
///
/// `value` is the JSON that the document was read from; `prefix` is the folder of the files within their repository,
/// for the formats that name files to others.
pub fn render(format: Format, document: &Document, value: &Value, prefix: &str) -> Option<String> {
    match format {
        Format::Human => Some(show_text::render(document)),
        Format::Json => Some(json::text(value)),
        Format::Jsonl => Some(json::line(value)),
        Format::Markdown => Some(markdown::render(document)),
        Format::Github => Some(github::render(document, prefix)),
        Format::Sarif => sarif::render(document, prefix),
        Format::Gitlab => gitlab::render(document, prefix),
        Format::Junit => match document {
            Document::Verify(verify) => Some(junit::verify(&verify.report())),
            Document::Apply(apply) => apply.verify.as_ref().map(|verify| junit::verify(&verify.report())),
            Document::Failure(failure) => Some(junit::verify(&failure.report())),
            Document::Plan(_) | Document::Drift(_) | Document::Validate(_) => None,
        },
    }
}
