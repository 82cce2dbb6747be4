//! Findings as the protocol has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;

use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::output::sarif::explained_at;

use super::documents::Documents;
use super::position::{Encoding, Lines};
use super::workspaces::{Part, Unit};

/// The findings of a workspace by file. Every file is there, also without findings.
pub(super) fn by_file(
    unit: &Unit,
    root: &Path,
    documents: &Documents,
    encoding: Encoding,
) -> BTreeMap<PathBuf, Vec<lsp::Diagnostic>> {
    let mut found: BTreeMap<PathBuf, Vec<lsp::Diagnostic>> = BTreeMap::new();
    for part in unit.parts.iter().rev() {
        // The findings about a file alone replace those about its folder.
        for file in part.sources.files() {
            found.insert(file.path.clone(), Vec::new());
        }
        let mut places = Places { part, documents, encoding, lines: BTreeMap::new() };
        for finding in &part.diagnostics {
            let file = finding
                .span
                .and_then(|span| part.sources.file(span.file))
                .or_else(|| part.sources.files().first());
            // Without any file, the finding belongs to the one that is missing.
            let path = file.map_or_else(|| missing(root), |file| file.path.clone());
            let diagnostic = places.diagnostic(finding);
            found.entry(path).or_default().push(diagnostic);
        }
    }
    found
}

fn missing(root: &Path) -> PathBuf {
    let is_file = root.extension().is_some_and(|extension| extension == "yaml");
    if is_file { root.to_owned() } else { root.join("duo.yaml") }
}

/// The places of a part as the client counts them.
pub(super) struct Places<'p> {
    pub(super) part: &'p Part,
    pub(super) documents: &'p Documents,
    pub(super) encoding: Encoding,
    pub(super) lines: BTreeMap<usize, Lines>,
}

impl Places<'_> {
    pub(super) fn diagnostic(&mut self, found: &Diagnostic) -> lsp::Diagnostic {
        let help = found.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let related: Vec<lsp::DiagnosticRelatedInformation> =
            found.related.iter().filter_map(|(span, label)| self.related(*span, label)).collect();
        lsp::Diagnostic {
            range: found.span.map(|span| self.range(span)).unwrap_or_default(),
            severity: Some(match found.severity {
                Severity::Error => lsp::DiagnosticSeverity::Error,
                Severity::Warning => lsp::DiagnosticSeverity::Warning,
                Severity::Note => lsp::DiagnosticSeverity::Information,
            }),
            code: Some(lsp::Code::String(found.code.name().to_owned())),
            code_description: lsp::Uri::parse(&explained_at(found.code.name()))
                .ok()
                .map(|href| lsp::CodeDescription { href }),
            source: Some("duoctl".to_owned()),
            message: lsp::Message::String(format!("{}{help}", found.message)),
            tags: tag(found.code).map(|tag| vec![tag]),
            related_information: (!related.is_empty()).then_some(related),
            data: None,
        }
    }

    fn related(&mut self, span: Span, label: &str) -> Option<lsp::DiagnosticRelatedInformation> {
        let uri = self.documents.uri(&self.part.sources.file(span.file)?.path)?;
        let location = lsp::Location { uri, range: self.range(span) };
        Some(lsp::DiagnosticRelatedInformation { location, message: label.to_owned() })
    }

    /// The range of a place in an open document, or in a file on disk.
    pub(super) fn range(&mut self, span: Span) -> lsp::Range {
        let Some(file) = self.part.sources.file(span.file) else { return lsp::Range::default() };
        if let Some(document) = self.documents.at(&file.path) {
            // The sources are without a byte-order mark.
            let shift = mark(&document.content.text);
            let content = &document.content;
            return content.lines.range(&content.text, span.start + shift..span.end + shift, self.encoding);
        }
        let lines = self.lines.entry(span.file).or_insert_with(|| Lines::of(&file.text));
        lines.range(&file.text, span.start..span.end, self.encoding)
    }
}

/// The length of the byte-order mark of a text.
pub(super) fn mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

fn tag(code: Code) -> Option<lsp::DiagnosticTag> {
    match code {
        Code::UnusedVariable | Code::UnusedConsent | Code::UnusedIgnore => {
            Some(lsp::DiagnosticTag::Unnecessary)
        }
        Code::LegacyField => Some(lsp::DiagnosticTag::Deprecated),
        _ => None,
    }
}
