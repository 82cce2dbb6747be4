//! The formats by name, and which documents each of them supports.

use super::document::Document;
use super::human::{self, Style};
use super::repository::Context;
use super::{csv, github, gitlab, graph, html, json, junit, markdown, sarif};

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON object per line, while the command runs.
    Jsonl,
    /// A table for spreadsheets.
    Csv,
    /// A comment on a pull request, or a page.
    Markdown,
    /// A page for a browser, in one file.
    Html,
    /// Annotations for GitHub Actions.
    Github,
    /// SARIF 2.1.0 for code scanning.
    Sarif,
    /// A code quality report for GitLab.
    Gitlab,
    /// JUnit XML for the test tab of a CI system.
    Junit,
    /// A graph that forges draw.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
    /// A graph as a picture.
    Svg,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 13] = [
        Self::Human,
        Self::Json,
        Self::Jsonl,
        Self::Csv,
        Self::Markdown,
        Self::Html,
        Self::Github,
        Self::Sarif,
        Self::Gitlab,
        Self::Junit,
        Self::Mermaid,
        Self::Dot,
        Self::Svg,
    ];

    /// The name in `--format` and `--report`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Github => "github",
            Self::Sarif => "sarif",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
            Self::Svg => "svg",
        }
    }

    /// Its description in help texts.
    pub fn help(self) -> &'static str {
        match self {
            Self::Human => "For people",
            Self::Json => "One JSON document",
            Self::Jsonl => "One JSON object per line while it runs; the last line is the complete document",
            Self::Csv => "A table for spreadsheets",
            Self::Markdown => "For a pull request comment, a ticket or a page",
            Self::Html => "One file for a browser, to read, send and print",
            Self::Github => "Annotations for GitHub Actions",
            Self::Sarif => "SARIF 2.1.0, for code scanning",
            Self::Gitlab => "A code quality report for GitLab",
            Self::Junit => "JUnit XML: one test suite for each address, one test case for each probe",
            Self::Mermaid => "A diagram that GitHub and GitLab draw in Markdown",
            Self::Dot => "Input for Graphviz",
            Self::Svg => "A picture in one file, light and dark",
        }
    }

    /// The format of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether stdout is for a program, so that text for people goes to stderr.
    pub fn for_machines(self) -> bool {
        self != Self::Human
    }
}

/// A document in a format; `None` if the format does not support it.
///
/// `prefix` is the folder of the files within their repository, for formats that pass file names to other tools; `style`
/// applies to the format for people.
pub fn render(format: Format, document: &Document, context: &Context, style: Style) -> Option<String> {
    let prefix = context.prefix.as_str();
    match format {
        Format::Human => Some(human::whole(document, style)),
        Format::Json => Some(json::text(document)),
        Format::Jsonl => Some(json::line(document)),
        Format::Csv => csv::render(document),
        Format::Markdown => markdown::render(document, context.run.as_deref()),
        Format::Html => Some(html::render(document)),
        Format::Github => github::render(document, prefix),
        Format::Sarif => sarif::render(document, prefix),
        Format::Gitlab => gitlab::render(document, prefix),
        Format::Junit => junit::render(document, prefix),
        Format::Mermaid => graph::of(document).map(graph::mermaid::text),
        Format::Dot => graph::of(document).map(graph::dot::text),
        Format::Svg => graph::of(document).map(graph::svg::text),
    }
}
