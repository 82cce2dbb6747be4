//! The workspaces that the client works on, loaded as `duoctl validate` loads them: from open documents where there are
//! any, otherwise from disk. The tree of each file is kept, so that only changed files are parsed again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::config::files::{self, Found};
use crate::config::load::{self, Loaded, Terms, file_tree, load_from};
use crate::config::scope;
use crate::config::untrusted::Trust;
use crate::diagnostic::{Code, Diagnostic, SourceFile, Sources};
use crate::reading::{self, ReadError};
use crate::yaml::{self, Node};

use super::documents::{Documents, real};
use super::names::Names;

/// How many files are looked for in the folders of the client when it starts.
const MAX_FILES: usize = 2_000;

/// What was loaded together: all files of a folder, or one file of several workspaces in a folder.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Part {
    /// The index of a file.
    pub(super) fn file(&self, path: &Path) -> Option<usize> {
        let files = self.sources.files();
        let real = || files.iter().position(|file| real(&file.path) == real(path));
        files.iter().position(|file| file.path == path).or_else(real)
    }
}

/// A workspace.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) parts: Vec<Part>,
    /// Whether something changed since it was loaded.
    pub(super) stale: bool,
    names: Option<Names>,
}

/// A parsed file.
#[derive(Debug)]
struct Parsed {
    text: String,
    findings: Vec<Diagnostic>,
    tree: Option<Tree>,
}

/// The tree of a text.
#[derive(Debug)]
struct Tree {
    root: Node,
    /// Its text, if that is an earlier one: the last that was YAML.
    earlier: Option<String>,
    /// Whether the text had no findings.
    clean: bool,
}

impl Parsed {
    /// Parses a text. If only one entry differs from the text of an earlier tree, only that is parsed.
    fn of(text: &str, index: usize, before: Option<Self>) -> Self {
        let mut earlier = before.and_then(|before| {
            let mut tree = before.tree?;
            tree.earlier.get_or_insert(before.text);
            Some(tree)
        });
        let old = earlier.as_mut().filter(|tree| tree.clean);
        let again = old.and_then(|tree| yaml::reparse(&mut tree.root, tree.earlier.as_deref()?, text));
        let mut findings = Vec::new();
        let tree = match earlier {
            Some(tree) if again.is_some() => Some(Tree { earlier: None, ..tree }),
            earlier => file_tree(index, text, &mut findings)
                .map(|root| Tree { root, earlier: None, clean: findings.is_empty() })
                .or(earlier),
        };
        Self { text: text.to_owned(), findings, tree }
    }

    /// The tree of the text; `None` if it is not YAML.
    fn current(&self) -> Option<&Node> {
        self.tree.as_ref().filter(|tree| tree.earlier.is_none()).map(|tree| &tree.root)
    }
}

/// Every workspace.
#[derive(Debug, Default)]
pub(super) struct Workspaces {
    terms: Terms,
    units: BTreeMap<PathBuf, Unit>,
    parsed: HashMap<PathBuf, Parsed>,
    /// The workspace of each folder.
    places: HashMap<PathBuf, PathBuf>,
}

impl Workspaces {
    /// No workspaces yet; `terms` say how their YAML is read.
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, ..Self::default() }
    }

    /// Finds the workspaces in a folder.
    pub(super) fn discover(&mut self, folder: &Path) {
        let mut found: Vec<PathBuf> = files::workspace_files(folder).take(MAX_FILES).collect();
        found.sort();
        for file in found {
            self.unit_of(&file);
        }
    }

    /// The workspace of a file, which is added if it is new. `None` if the file is not named like one of a workspace.
    pub(super) fn unit_of(&mut self, file: &Path) -> Option<PathBuf> {
        if !files::is_near(file) {
            return None;
        }
        let folder = file.parent()?;
        let root = match self.places.get(folder) {
            Some(root) => root.clone(),
            None => {
                let root = scope::folder_of(file);
                self.places.insert(folder.to_owned(), root.clone());
                root
            }
        };
        self.units.entry(root.clone()).or_insert_with(|| Unit { stale: true, ..Unit::default() });
        Some(root)
    }

    /// Marks the workspace of a file as changed.
    pub(super) fn touch(&mut self, file: &Path) {
        if let Some(root) = self.unit_of(file)
            && let Some(unit) = self.units.get_mut(&root)
        {
            unit.stale = true;
        }
    }

    /// Forgets every workspace: files have come or gone. Trees are kept, in case their files are still there.
    pub(super) fn reset(&mut self) {
        self.places.clear();
        self.units.clear();
    }

    /// Whether anything changed since it was loaded.
    pub(super) fn is_stale(&self) -> bool {
        self.units.values().any(|unit| unit.stale)
    }

    /// Loads the workspaces that changed, and returns their roots.
    pub(super) fn refresh(&mut self, documents: &Documents) -> Vec<PathBuf> {
        let stale = self.units.iter().filter(|(_, unit)| unit.stale).map(|(root, _)| root.clone());
        let stale: Vec<PathBuf> = stale.collect();
        for root in &stale {
            let parts = self.load(root, documents);
            if let Some(unit) = self.units.get_mut(root) {
                *unit = Unit { parts, stale: false, names: None };
            }
        }
        if !stale.is_empty() {
            let files =
                self.units.values().flat_map(|unit| &unit.parts).flat_map(|part| part.sources.files());
            let used: HashSet<PathBuf> = files.map(|file| file.path.clone()).collect();
            self.parsed.retain(|path, _| used.contains(path));
        }
        stale
    }

    pub(super) fn unit(&self, root: &Path) -> Option<&Unit> {
        self.units.get(root)
    }

    pub(super) fn roots(&self) -> Vec<PathBuf> {
        self.units.keys().cloned().collect()
    }

    fn load(&mut self, root: &Path, documents: &Documents) -> Vec<Part> {
        let whole = self.load_path(root, documents);
        let several = matches!(whole.diagnostics.as_slice(), [one] if one.code == Code::SeveralWorkspaces);
        if !several {
            return vec![part(whole)];
        }
        // Each open file of its own workspace is checked alone, as `duoctl validate FILE` would.
        let open: Vec<PathBuf> = whole.sources.files().iter().map(|file| file.path.clone()).collect();
        let mut parts = Vec::new();
        for file in open.into_iter().filter(|file| documents.at(file).is_some()) {
            let alone = self.load_path(&file, documents);
            if alone.name.is_some() {
                parts.push(part(alone));
            }
        }
        parts.push(part(whole));
        parts
    }

    fn load_path(&mut self, path: &Path, documents: &Documents) -> Loaded {
        let mut from = From { documents, parsed: &mut self.parsed };
        load_from(path, &self.terms, &mut from)
    }

    /// The tree of a file as it is now; `None` if it is not YAML.
    pub(super) fn tree(&self, file: &Path) -> Option<&Node> {
        self.parsed.get(file)?.current()
    }

    /// The names in a workspace.
    pub(super) fn names(&mut self, root: &Path) -> Option<&Names> {
        let unit = self.units.get_mut(root)?;
        if unit.names.is_none() {
            let files = unit.parts.iter().flat_map(|part| part.sources.files()).map(|file| &file.path);
            let files: HashSet<&PathBuf> = files.collect();
            let trees = files.into_iter().filter_map(|path| {
                let parsed = self.parsed.get(path)?;
                let tree = parsed.tree.as_ref()?;
                Some((path.as_path(), parsed.text.as_str(), tree.earlier.is_none(), &tree.root))
            });
            unit.names = Some(Names::of(trees));
        }
        unit.names.as_ref()
    }
}

fn part(loaded: Loaded) -> Part {
    Part { sources: loaded.sources, diagnostics: loaded.diagnostics }
}

/// The files as the client has them.
struct From<'f> {
    documents: &'f Documents,
    parsed: &'f mut HashMap<PathBuf, Parsed>,
}

impl load::Files for From<'_> {
    fn find(&mut self, path: &Path, trust: Trust, diagnostics: &mut Vec<Diagnostic>) -> Found {
        // A document that is open but not saved yet belongs to its folder.
        let new = self
            .documents
            .paths()
            .filter(|open| open.starts_with(path) && files::is_workspace_file(path, open) && !open.exists());
        let mut new: Vec<PathBuf> = new.map(Path::to_owned).collect();
        new.sort();
        let mut found = files::find(path, trust, diagnostics);
        if !new.is_empty() {
            diagnostics.retain(|found| found.code != Code::NoYaml);
            found.files.extend(new);
        }
        found
    }

    fn bytes(&mut self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        match self.documents.at(path) {
            None => reading::bytes(path, limit),
            Some(open) => {
                let text = &open.content.text;
                let fits = u64::try_from(text.len()).is_ok_and(|length| length <= limit);
                fits.then(|| text.clone().into_bytes()).ok_or(ReadError::TooLarge(limit))
            }
        }
    }

    fn for_plan(&self) -> bool {
        false
    }

    fn tree(&mut self, index: usize, file: &SourceFile, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
        let fresh = self.parsed.get(&file.path).is_some_and(|parsed| parsed.text == file.text);
        if !fresh {
            let parsed = Parsed::of(&file.text, index, self.parsed.remove(&file.path));
            self.parsed.insert(file.path.clone(), parsed);
        }
        let parsed = self.parsed.get(&file.path)?;
        diagnostics.extend(parsed.findings.iter().map(|found| moved(found, index)));
        let mut tree = parsed.current().cloned()?;
        tree.move_to(index);
        Some(tree)
    }
}

/// A finding about one file with the file's index in other sources.
fn moved(found: &Diagnostic, file: usize) -> Diagnostic {
    let mut found = found.clone();
    if let Some(span) = &mut found.span {
        span.file = file;
    }
    found.related.iter_mut().for_each(|(span, _)| span.file = file);
    found
}
