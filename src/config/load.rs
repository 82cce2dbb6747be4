//! From a path to a workspace: finds the files, parses and merges them, and reports every problem of every file.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::files::{self, Found};
use super::language::FILE;
use super::model::Workspace;
use super::untrusted::{self, Trust};
use super::variables::{self, Assigned};
use super::{decode, exceptions, rules, scope};
use crate::diagnostic::{Code, Diagnostic, SourceFile, Sources, Span, has_errors};
use crate::kinds::Kind;
use crate::language::check;
use crate::language::shape::missing_key;
use crate::reading::{self, ReadError};
use crate::text::shown;
use crate::yaml;
use crate::yaml::{Data, Entry, Node, find};

/// The maximum number of values in all files of a workspace.
const MAX_VALUES: usize = 500_000;

/// The maximum number of findings that are shown at once.
const MAX_FINDINGS: usize = 1000;

/// The result of loading a path.
#[derive(Debug)]
pub struct Loaded {
    /// The files that were read.
    pub sources: Sources,
    /// All findings, sorted by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The workspace, if enough of it could be read to be useful. If there are errors, it is incomplete and must not be used
    /// for a plan.
    pub workspace: Option<Workspace>,
    /// The declared name, even if there are errors.
    pub name: Option<String>,
}

impl Loaded {
    /// The workspace, if there are no errors.
    pub fn valid(&self) -> Option<&Workspace> {
        self.workspace.as_ref().filter(|_| !has_errors(&self.diagnostics))
    }
}

/// How YAML is loaded.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How far its author is trusted.
    pub trust: Trust,
    /// The values of its variables.
    pub assigned: Assigned,
}

impl Default for Terms {
    fn default() -> Self {
        Self { trust: Trust::Full, assigned: Assigned::default() }
    }
}

/// Loads a file, or the `duo.yaml` and `*.duo.yaml` files of a folder.
pub fn load(path: &Path) -> Loaded {
    load_as(path, &Terms::default())
}

/// Loads a file or a folder with the given trust and variables.
pub fn load_as(path: &Path, terms: &Terms) -> Loaded {
    load_from(path, terms, &mut Disk)
}

/// Where files are found, read and parsed.
pub(crate) trait Files {
    /// Whether the workspace is for a plan, which is bound to the meaning of the YAML. A hash of that takes a third of the
    /// time.
    fn for_plan(&self) -> bool {
        true
    }

    /// The files of a path.
    fn find(&mut self, path: &Path, trust: Trust, diagnostics: &mut Vec<Diagnostic>) -> Found {
        files::find(path, trust, diagnostics)
    }

    /// The bytes of a file, at most `limit` of them.
    fn bytes(&mut self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        reading::bytes(path, limit)
    }

    /// The tree of a text that has this index in the sources.
    fn tree(&mut self, index: usize, file: &SourceFile, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
        file_tree(index, &file.text, diagnostics)
    }
}

/// The files on disk.
struct Disk;

impl Files for Disk {}

/// The same with another source of files.
pub(crate) fn load_from(path: &Path, terms: &Terms, from: &mut dyn Files) -> Loaded {
    let mut loaded = load_found(path, terms, from);
    if let (Trust::None { ca_given }, Some(workspace)) = (terms.trust, &loaded.workspace) {
        loaded.diagnostics.extend(untrusted::check(workspace, ca_given));
        sort(&mut loaded.diagnostics);
    }
    loaded
}

fn load_found(path: &Path, terms: &Terms, from: &mut dyn Files) -> Loaded {
    let mut diagnostics = Vec::new();
    let Found { root, files } = from.find(path, terms.trust, &mut diagnostics);
    let mut sources = Sources::default();
    let mut trees = Trees::default();
    let bytes = |path: &Path, limit| from.bytes(path, limit);
    let readable = files::read_by(bytes, &files, &mut sources, &mut diagnostics);
    let mut complete = diagnostics.is_empty();
    let mut declared = Vec::new();
    let in_file = |(name, file): (String, &SourceFile)| (file.path.clone(), name);
    for index in readable {
        let tree = sources.file(index).and_then(|file| from.tree(index, file, &mut diagnostics));
        complete &= tree.is_some();
        declared.extend(tree.as_ref().and_then(scope::name).zip(sources.file(index)).map(in_file));
        if !tree.is_none_or(|tree| trees.add(tree, &mut diagnostics)) {
            complete = false;
            break;
        }
    }
    if let Some(several) = scope::several(&root, &declared) {
        // Merging different workspaces would only produce misleading errors.
        return Loaded { sources, diagnostics: vec![several], workspace: None, name: None };
    }
    let for_plan = from.for_plan();
    Merging { sources, trees: trees.trees, complete, diagnostics, for_plan }.finish(&root, &terms.assigned)
}

/// Loads YAML from memory, as if it were the only file of its folder.
pub fn load_text(path: PathBuf, text: String) -> Loaded {
    let mut diagnostics = Vec::new();
    let mut sources = Sources::default();
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    let tree =
        file_tree(sources.add(path, text), sources.files().first().map_or("", |f| &f.text), &mut diagnostics);
    let complete = tree.is_some();
    let trees = tree.into_iter().collect();
    Merging { sources, trees, complete, diagnostics, for_plan: true }.finish(&root, &Assigned::default())
}

/// A file in memory.
#[derive(Debug)]
pub struct InMemory {
    /// Its path, which may not exist yet.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The parsed text, if the caller has it.
    pub tree: Option<Node>,
}

/// Loads files from memory, as [`load_as`] would from a folder.
pub fn load_files(root: &Path, assigned: &Assigned, files: impl IntoIterator<Item = InMemory>) -> Loaded {
    let mut diagnostics = Vec::new();
    let mut sources = Sources::default();
    let mut trees = Trees::default();
    let mut room = files::MAX_TOTAL_BYTES;
    let mut complete = true;
    for InMemory { path, text, tree } in files {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if length > files::MAX_FILE_BYTES.min(room) {
            diagnostics.push(files::too_large(&path));
            complete = false;
            continue;
        }
        room -= length;
        let text = reading::unmarked(text);
        let index = sources.add(path, text);
        let text = sources.file(index).map_or("", |file| &file.text);
        let tree = match tree {
            Some(mut tree) => {
                tree.move_to(index);
                Some(tree)
            }
            None => file_tree(index, text, &mut diagnostics),
        };
        complete &= tree.is_some_and(|tree| trees.add(tree, &mut diagnostics));
    }
    Merging { sources, trees: trees.trees, complete, diagnostics, for_plan: true }.finish(root, assigned)
}

/// The parsed files of a workspace.
#[derive(Default)]
struct Trees {
    trees: Vec<Node>,
    values: usize,
}

impl Trees {
    /// Adds a file, unless all files together would have too many values.
    fn add(&mut self, tree: Node, diagnostics: &mut Vec<Diagnostic>) -> bool {
        self.values += yaml::size(&tree);
        let fits = self.values <= MAX_VALUES;
        if fits {
            self.trees.push(tree);
        } else {
            let message = "the files have too many values in total";
            let finding = Diagnostic::error(Code::TooLarge, tree.span, message);
            diagnostics.push(finding.help(format!("the limit is {MAX_VALUES}; use several workspaces")));
        }
        fits
    }
}

/// The tree of a file; `None` if it is not YAML or has no content, which the diagnostics say.
pub(crate) fn file_tree(index: usize, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    let before = diagnostics.len();
    let tree = yaml::parse(index, text, diagnostics);
    let empty = tree.as_ref().is_none_or(|node| matches!(node.data, Data::Null));
    if empty && diagnostics.len() == before {
        diagnostics.push(nothing_in(index));
    }
    tree.filter(|_| !empty)
}

/// The finding about a file without content.
fn nothing_in(index: usize) -> Diagnostic {
    Diagnostic::error(Code::EmptyFile, Span { file: index, start: 0, end: 0 }, "the file is empty")
        .help("run `duoctl init` to create a workspace, or remove the file")
}

/// The same finding for callers that do not load the file; `None` if it has content.
pub fn empty(index: usize, text: &str) -> Option<Diagnostic> {
    let says = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['#', '%']) && line != "---" && line != "..."
    };
    // Most files are recognized without parsing them again.
    if text.trim_start_matches('\u{feff}').lines().filter(says).count() > 1 {
        return None;
    }
    let mut found = Vec::new();
    let tree = yaml::parse(index, text, &mut found);
    let empty = tree.is_none_or(|node| matches!(node.data, Data::Null));
    (empty && found.is_empty()).then(|| nothing_in(index))
}

/// The files of a workspace, each parsed separately.
struct Merging {
    sources: Sources,
    trees: Vec<Node>,
    /// Whether every file could be read, so that missing keys are really missing.
    complete: bool,
    diagnostics: Vec<Diagnostic>,
    /// Whether the meaning is needed.
    for_plan: bool,
}

impl Merging {
    fn finish(self, root: &Path, assigned: &Assigned) -> Loaded {
        let Self { sources, trees, complete, mut diagnostics, for_plan } = self;
        let name = trees.iter().find_map(scope::name);
        let complete = complete && trees.iter().all(|tree| matches!(tree.data, Data::Mapping(_)));
        let start = trees.first().map(|tree| Span { end: tree.span.start, ..tree.span });
        let workspace = start.map(|start| {
            let merged = merge(trees, &mut diagnostics);
            let at = Meant { start, complete, root, assigned, for_plan };
            let workspace = at.workspace(merged, &mut diagnostics);
            // Advice is given only if there are no errors.
            let wrong = has_errors(&diagnostics);
            let idle = |finding: &Diagnostic| wrong && finding.code == Code::Recommended;
            let silenced =
                |finding: &Diagnostic| workspace.suppress.iter().any(|item| item.value.covers(finding));
            diagnostics.retain(|finding| !idle(finding) && !silenced(finding));
            workspace
        });
        let useful = |workspace: &Workspace| {
            !workspace.name.value.is_empty() && !workspace.tenant.api_hostname.value.is_empty()
        };
        sort(&mut diagnostics);
        Loaded { sources, diagnostics, workspace: workspace.filter(useful), name }
    }
}

/// How merged files are interpreted.
struct Meant<'m> {
    /// The place of what is missing.
    start: Span,
    complete: bool,
    root: &'m Path,
    assigned: &'m Assigned,
    for_plan: bool,
}

impl Meant<'_> {
    /// Interprets the merged files: expands variables, checks, decodes, and applies the rules.
    fn workspace(self, mut merged: Vec<Entry>, diagnostics: &mut Vec<Diagnostic>) -> Workspace {
        let Self { start, complete, root, assigned, for_plan } = self;
        let expanded = variables::expand(&mut merged, assigned, complete);
        check::object(&merged, &FILE, start, diagnostics);
        if complete {
            report_missing(&merged, start, diagnostics);
        }
        let meaning = if for_plan { decode::meaning(&merged) } else { String::new() };
        let mut workspace = decode::workspace(merged, root, start);
        workspace.meaning = meaning;
        workspace.assigned = assigned.clone();
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        exceptions::expire(&mut workspace, today, diagnostics);
        rules::run(&workspace, complete, diagnostics);
        expanded.report(diagnostics);
        workspace
    }
}

/// Sorts by file and place and removes duplicates: an anchor that is used many times is reported once.
fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.span.map(|span| (span.file, span.start, span.end)), d.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    diagnostics.dedup_by(|a, b| a.code == b.code && a.span == b.span && a.message == b.message);
    if diagnostics.len() > MAX_FINDINGS {
        // Truncation must not hide that there are errors.
        let errors = has_errors(diagnostics);
        let more = diagnostics.split_off(MAX_FINDINGS).len();
        let message = format!("{more} more findings are not shown");
        let finding = if errors {
            Diagnostic::error(Code::TooLarge, None, message)
        } else {
            Diagnostic::warning(Code::TooLarge, None, message)
        };
        diagnostics.push(finding.help("fix the others first, then run the command again"));
    }
}

/// Keys whose mappings are merged across the files of a workspace; every other key may be set only once.
const MERGED: [&str; 6] = ["vars", "identity_intelligence", "removed", "secret_stores", "defaults", "guards"];

/// The keys of the top level that may be spread over several files.
fn spread() -> impl Iterator<Item = &'static str> {
    Kind::ALL.into_iter().map(Kind::section).chain(MERGED)
}

fn merge(trees: Vec<Node>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let mut merged: Vec<Entry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for tree in trees {
        let Data::Mapping(entries) = tree.data else {
            let message = format!("a file must be a mapping, not {}", tree.kind());
            let help = "start with `version: 1`, `workspace: NAME` and `tenant:`; run `duoctl init` to create an example";
            diagnostics.push(Diagnostic::error(Code::WrongType, tree.span, message).help(help));
            continue;
        };
        for entry in entries {
            let place = places.get(&entry.key.value).copied();
            match place.and_then(|place| merged.get_mut(place)) {
                None => {
                    places.insert(entry.key.value.clone(), merged.len());
                    merged.push(entry);
                }
                Some(earlier) if spread().any(|key| key == earlier.key.value) => {
                    merge_mapping(earlier, entry, diagnostics);
                }
                Some(earlier) if FILE.keys.iter().any(|key| key.name == earlier.key.value) => {
                    let message = format!("`{}` is set in two files", entry.key.value);
                    diagnostics.push(
                        Diagnostic::error(Code::DuplicateAddress, entry.key.span, message)
                            .help("set it once per workspace; if these are two workspaces, pass the path of one")
                            .related(earlier.key.span, "first set here"),
                    );
                }
                // An unknown key is reported in each file.
                Some(_) => merged.push(entry),
            }
        }
    }
    for key in spread().filter(|key| *key != "defaults") {
        if let Some(entry) = merged.iter_mut().find(|entry| entry.key.value == key) {
            report_duplicates(entry, key, diagnostics);
        }
    }
    if let Some(Entry { value: Node { data: Data::Mapping(parts), .. }, .. }) =
        merged.iter_mut().find(|entry| entry.key.value == "defaults")
    {
        for part in parts.iter_mut() {
            let section = format!("defaults.{}", part.key.value);
            report_duplicates(part, &section, diagnostics);
        }
    }
    merged
}

/// Appends the keys of a second mapping to those of a first. Reports values that are not mappings.
fn merge_mapping(earlier: &mut Entry, later: Entry, diagnostics: &mut Vec<Diagnostic>) {
    let nested = earlier.key.value == "defaults";
    match (&mut earlier.value.data, later.value.data) {
        (Data::Mapping(kept), Data::Mapping(more)) if nested => {
            for entry in more {
                match kept.iter_mut().find(|earlier| earlier.key.value == entry.key.value) {
                    Some(Entry { value: Node { data: Data::Mapping(kept), .. }, .. })
                        if matches!(entry.value.data, Data::Mapping(_)) =>
                    {
                        if let Data::Mapping(more) = entry.value.data {
                            kept.extend(more);
                        }
                    }
                    _ => kept.push(entry),
                }
            }
        }
        (Data::Mapping(kept), Data::Mapping(more)) => kept.extend(more),
        (_, data @ Data::Mapping(_)) => {
            let first = Node { data: Data::Null, span: earlier.value.span };
            diagnostics.push(check::wrong_type(&first, &earlier.key.value, "a mapping", None));
            earlier.value = Node { data, span: later.value.span };
        }
        (_, data) => {
            let second = Node { data, span: later.value.span };
            diagnostics.push(check::wrong_type(&second, &earlier.key.value, "a mapping", None));
        }
    }
}

/// Reports keys that two files define; the first definition is kept. Within one file, the parser reports duplicates.
fn report_duplicates(entry: &mut Entry, section: &str, diagnostics: &mut Vec<Diagnostic>) {
    let Data::Mapping(entries) = &mut entry.value.data else { return };
    let distinct: HashSet<&str> = entries.iter().map(|entry| entry.key.value.as_str()).collect();
    if distinct.len() == entries.len() {
        return;
    }
    let mut seen = HashMap::with_capacity(entries.len());
    entries.retain(|entry| {
        let Some(first) = seen.get(&entry.key.value) else {
            seen.insert(entry.key.value.clone(), entry.key.span);
            return true;
        };
        let message = format!("{} is defined twice", shown(&format!("{section}.{}", entry.key.value)));
        diagnostics.push(
            Diagnostic::error(Code::DuplicateAddress, entry.key.span, message)
                .help("addresses must be unique in a workspace: rename one of the two")
                .related(*first, "first defined here"),
        );
        false
    });
}

fn report_missing(merged: &[Entry], start: Span, diagnostics: &mut Vec<Diagnostic>) {
    for key in FILE.keys.iter().filter(|key| matches!(key.name, "version" | "workspace" | "tenant")) {
        if find(merged, key.name).is_none() {
            diagnostics.push(missing_key(key, "the workspace", start));
        }
    }
}
