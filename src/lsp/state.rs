//! What the server knows: the client's abilities and documents, the workspaces, and the files that settings name.

use std::ops::Range;
use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;
use serde::Deserialize;
use serde_json::Value;

use crate::yaml::Node;

use super::diagnostics::mark;
use super::documents::{Documents, Text, path_of, real};
use super::findings::Findings;
use super::items::World;
use super::names::{Names, Occurrence};
use super::protocol::Client;
use super::settings::Reports;
use super::workspaces::{Part, Workspaces};

/// Everything that answers depend on.
#[derive(Debug)]
pub(super) struct State {
    pub(super) client: Client,
    pub(super) documents: Documents,
    pub(super) workspaces: Workspaces,
    pub(super) findings: Findings,
    pub(super) reports: Reports,
}

/// The place that a question is about, in an open document.
#[derive(Debug)]
pub(super) struct Here {
    /// The file without links.
    pub(super) file: PathBuf,
    /// Its workspace.
    pub(super) root: PathBuf,
    /// The offset of the question's position in the document; 0 without one.
    pub(super) offset: usize,
}

impl Here {
    /// The place in the parameters of a question; `None` if the document is not open, or no file of a workspace.
    pub(super) fn of(params: &Value, state: &mut State) -> Option<Self> {
        let uri = lsp::Uri::deserialize(params.pointer("/textDocument/uri")?).ok()?;
        let file = real(&path_of(&uri)?);
        let content = &state.documents.at(&file)?.content;
        let position = params.get("position").and_then(|it| lsp::Position::deserialize(it).ok());
        let encoding = state.client.can.encoding;
        let offset = position.map(|it| content.lines.offset(&content.text, it, encoding)).unwrap_or_default();
        let root = state.workspaces.unit_of(&file)?;
        Some(Self { file, root, offset })
    }
}

impl State {
    /// The text of a place's document.
    pub(super) fn text(&self, here: &Here) -> Option<&Text> {
        self.documents.at(&here.file).map(|document| &document.content)
    }

    /// The tree of a place's document, if it is YAML.
    pub(super) fn tree(&self, here: &Here) -> Option<&Node> {
        self.workspaces.tree(&here.file)
    }

    /// What is loaded together with a place's document, and its index there.
    pub(super) fn part(&self, here: &Here) -> Option<(&Part, usize)> {
        let parts = self.workspaces.unit(&here.root)?.parts.iter();
        parts.filter_map(|part| Some((part, part.file(&here.file)?))).next()
    }

    /// The offset of a place in the text without a byte-order mark, which the names are counted in.
    pub(super) fn bare(&self, here: &Here) -> usize {
        let mark = self.text(here).map_or(0, |text| mark(&text.text));
        here.offset.saturating_sub(mark)
    }

    /// The name at a place.
    pub(super) fn name(&mut self, here: &Here) -> Option<Occurrence> {
        let offset = self.bare(here);
        self.names(here)?.at(&here.file, offset).cloned()
    }

    /// The names in a place's workspace.
    pub(super) fn names(&mut self, here: &Here) -> Option<&Names> {
        self.workspaces.names(&here.root)
    }

    /// What is known for completion and explanations.
    pub(super) fn with_world<T>(
        &mut self,
        here: &Here,
        answer: impl FnOnce(&Text, World<'_>) -> T,
    ) -> Option<T> {
        let text = &self.documents.at(&here.file)?.content;
        let names = self.workspaces.names(&here.root);
        let snapshot = self.reports.snapshot(folder(&here.root));
        Some(answer(text, World { names, snapshot }))
    }

    /// The text of a range of a file of the workspace, open or not.
    pub(super) fn written(&self, root: &Path, file: &Path, range: Range<usize>) -> Option<String> {
        let parts = self.workspaces.unit(root)?.parts.iter();
        let source = parts.filter_map(|part| part.sources.file(part.file(file)?)).next()?;
        source.text.get(range).map(str::to_owned)
    }
}

/// The folder of a workspace.
pub(super) fn folder(root: &Path) -> &Path {
    if root.is_dir() { root } else { root.parent().unwrap_or(root) }
}
