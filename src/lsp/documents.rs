//! The documents that the client has open. What they hold counts, not what is on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gen_lsp_types as lsp;

use super::position::{Encoding, Lines};

/// A text with its lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) lines: Lines,
}

impl Text {
    pub(super) fn new(text: String) -> Self {
        let lines = Lines::of(&text);
        Self { text, lines }
    }

    /// Applies a change, with a range or of the whole text.
    fn change(&mut self, event: lsp::TextDocumentContentChangeEvent, encoding: Encoding) {
        match event {
            lsp::TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                let start = self.lines.offset(&self.text, part.range.start, encoding);
                let end = self.lines.offset(&self.text, part.range.end, encoding).max(start);
                self.text.replace_range(start..end, &part.text);
            }
            lsp::TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                self.text = whole.text;
            }
        }
        self.lines = Lines::of(&self.text);
    }
}

/// An open document.
#[derive(Debug)]
pub(super) struct Document {
    /// Its address as the client writes it.
    pub(super) uri: lsp::Uri,
    pub(super) version: i32,
    pub(super) content: Text,
}

/// The open documents by their real paths.
#[derive(Debug, Default)]
pub(super) struct Documents {
    open: HashMap<PathBuf, Document>,
    /// The folders of the client: their real paths, and as the client names them.
    folders: Vec<(PathBuf, PathBuf)>,
}

impl Documents {
    /// Opens a document. Returns its path; documents that are not files are not kept.
    pub(super) fn open(&mut self, item: lsp::TextDocumentItem) -> Option<PathBuf> {
        let path = path_of(&item.uri)?;
        let content = Text::new(item.text);
        self.open.insert(real(&path), Document { uri: item.uri, version: item.version, content });
        Some(path)
    }

    /// Changes a document.
    pub(super) fn change(
        &mut self,
        params: lsp::DidChangeTextDocumentParams,
        encoding: Encoding,
    ) -> Option<PathBuf> {
        let path = path_of(&params.text_document.text_document_identifier.uri)?;
        let key = self.key(&params.text_document.text_document_identifier.uri)?;
        let document = self.open.get_mut(&key)?;
        document.version = params.text_document.version;
        for event in params.content_changes {
            document.content.change(event, encoding);
        }
        Some(path)
    }

    /// Closes a document.
    pub(super) fn close(&mut self, uri: &lsp::Uri) -> Option<PathBuf> {
        let path = path_of(uri)?;
        let key = self.key(uri)?;
        self.open.remove(&key).map(|_| path)
    }

    /// Where an open document is kept: its real path when it was opened, which can be another one now.
    fn key(&self, uri: &lsp::Uri) -> Option<PathBuf> {
        let found = self.open.iter().find(|(_, document)| document.uri == *uri);
        found.map(|(path, _)| path.clone())
    }

    /// The open document of a file.
    pub(super) fn at(&self, path: &Path) -> Option<&Document> {
        self.open.get(path).or_else(|| self.open.get(&real(path)))
    }

    /// The paths of all open documents.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.open.keys().map(PathBuf::as_path)
    }

    /// Sets the folders of the client.
    pub(super) fn within(&mut self, folders: &[PathBuf]) {
        self.folders = folders.iter().map(|folder| (real(folder), folder.clone())).collect();
    }

    /// The address of a file as the client writes it: that of the open document, or in a folder of the client.
    pub(super) fn uri(&self, path: &Path) -> Option<lsp::Uri> {
        if let Some(document) = self.at(path) {
            return Some(document.uri.clone());
        }
        let named = |(real, given): &(PathBuf, PathBuf)| Some(given.join(path.strip_prefix(real).ok()?));
        let path = self.folders.iter().find_map(named).unwrap_or_else(|| path.to_owned());
        lsp::Uri::from_file_path(path).ok()
    }
}

/// The path of a `file:` address.
pub(super) fn path_of(uri: &lsp::Uri) -> Option<PathBuf> {
    (uri.scheme() == "file").then(|| uri.to_file_path().ok()).flatten()
}

/// The path without links. A file that does not exist yet keeps its name in its real folder.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => {
            folder.canonicalize().map_or_else(|_| path.to_owned(), |it| it.join(name))
        }
        _ => path.to_owned(),
    })
}
