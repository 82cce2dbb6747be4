//! From a path to a workspace: finds the files, reads and merges them, and reports every problem of every file.

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
use crate::language::check;
use crate::language::shape::missing_key;
use crate::reading;
use crate::text::shown;
use crate::yaml;
use crate::yaml::{Data, Entry, Node, find};

/// How many values all files of a workspace may hold together.
const MAX_VALUES: usize = 500_000;

/// How many findings are kept: nobody reads more at once.
const MAX_FINDINGS: usize = 1000;

/// What came of loading a path.
#[derive(Debug)]
pub struct Loaded {
    /// The files that were read.
    pub sources: Sources,
    /// Everything that was found, sorted by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The workspace, where enough of it could be read to be useful. Where there are errors it is incomplete, and
    /// nothing may be planned from it.
    pub workspace: Option<Workspace>,
    /// The name that the files declare, however much else is wrong with them.
    pub name: Option<String>,
}

impl Loaded {
    /// The workspace, if nothing is wrong with it.
    pub fn valid(&self) -> Option<&Workspace> {
        self.workspace.as_ref().filter(|_| !has_errors(&self.diagnostics))
    }
}

/// How YAML is read.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How far its author is trusted.
    pub trust: Trust,
    /// What its variables are set to.
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

/// Loads a file or a folder as far as its author is trusted.
pub fn load_as(path: &Path, terms: &Terms) -> Loaded {
    let mut loaded = load_found(path, terms);
    if let (Trust::None { ca_given }, Some(workspace)) = (terms.trust, &loaded.workspace) {
        loaded.diagnostics.extend(untrusted::check(workspace, ca_given));
        sort(&mut loaded.diagnostics);
    }
    loaded
}

fn load_found(path: &Path, terms: &Terms) -> Loaded {
    let mut diagnostics = Vec::new();
    let Found { root, files } = files::find(path, terms.trust, &mut diagnostics);
    let mut sources = Sources::default();
    let mut trees = Trees::default();
    let readable = files::read(&files, &mut sources, &mut diagnostics);
    let mut complete = diagnostics.is_empty();
    let mut declared = Vec::new();
    let in_file = |(name, file): (String, &SourceFile)| (file.path.clone(), name);
    for index in readable {
        let text = sources.file(index).map_or("", |file| &file.text);
        let tree = file_tree(index, text, &mut diagnostics);
        complete &= tree.is_some();
        declared.extend(tree.as_ref().and_then(scope::name).zip(sources.file(index)).map(in_file));
        if !tree.is_none_or(|tree| trees.add(tree, &mut diagnostics)) {
            complete = false;
            break;
        }
    }
    if let Some(several) = scope::several(&root, &declared) {
        // Together they would be wrong in many ways, and none of them is what is wrong.
        return Loaded { sources, diagnostics: vec![several], workspace: None, name: None };
    }
    Merging { sources, trees: trees.trees, complete, diagnostics }.finish(&root, &terms.assigned)
}

/// Loads YAML that is already in memory, as if it were the only file of its folder.
pub fn load_text(path: PathBuf, text: String) -> Loaded {
    let mut diagnostics = Vec::new();
    let mut sources = Sources::default();
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    let tree =
        file_tree(sources.add(path, text), sources.files().first().map_or("", |f| &f.text), &mut diagnostics);
    let complete = tree.is_some();
    let trees = tree.into_iter().collect();
    Merging { sources, trees, complete, diagnostics }.finish(&root, &Assigned::default())
}

/// A file that is in memory.
#[derive(Debug)]
pub struct InMemory {
    /// Where it stands, or will stand.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The text as it was read, where somebody has done so.
    pub tree: Option<Node>,
}

/// Loads files that are already in memory, as [`load_as`] would from a folder.
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
    Merging { sources, trees: trees.trees, complete, diagnostics }.finish(root, assigned)
}

/// The files of a workspace as they are read, one after another.
#[derive(Default)]
struct Trees {
    trees: Vec<Node>,
    values: usize,
}

impl Trees {
    /// Adds a file, unless all together hold too many values then.
    fn add(&mut self, tree: Node, diagnostics: &mut Vec<Diagnostic>) -> bool {
        self.values += yaml::size(&tree);
        let fits = self.values <= MAX_VALUES;
        if fits {
            self.trees.push(tree);
        } else {
            let message = "the files together hold too many values";
            let finding = Diagnostic::error(Code::TooLarge, tree.span, message);
            diagnostics.push(finding.help(format!("at most {MAX_VALUES} in all; use several workspaces")));
        }
        fits
    }
}

fn file_tree(index: usize, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    let before = diagnostics.len();
    let tree = yaml::parse(index, text, diagnostics);
    let empty = tree.as_ref().is_none_or(|node| matches!(node.data, Data::Null));
    if empty && diagnostics.len() == before {
        diagnostics.push(nothing_in(index));
    }
    tree.filter(|_| !empty)
}

/// The finding about a file that holds nothing but comments.
fn nothing_in(index: usize) -> Diagnostic {
    Diagnostic::error(Code::EmptyFile, Span { file: index, start: 0, end: 0 }, "the file holds nothing")
        .help("`duoctl init` writes a first one; remove the file if it is not needed")
}

/// The same finding for those who do not load the file; `None` where it holds something.
pub fn empty(index: usize, text: &str) -> Option<Diagnostic> {
    let says = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['#', '%']) && line != "---" && line != "..."
    };
    // Most files are told without parsing them once more.
    if text.trim_start_matches('\u{feff}').lines().filter(says).count() > 1 {
        return None;
    }
    let mut found = Vec::new();
    let tree = yaml::parse(index, text, &mut found);
    let empty = tree.is_none_or(|node| matches!(node.data, Data::Null));
    (empty && found.is_empty()).then(|| nothing_in(index))
}

/// The files of a workspace, each read on its own.
struct Merging {
    sources: Sources,
    trees: Vec<Node>,
    /// Whether every file could be read, so that what is missing is really missing.
    complete: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Merging {
    fn finish(self, root: &Path, assigned: &Assigned) -> Loaded {
        let Self { sources, trees, complete, mut diagnostics } = self;
        let name = trees.iter().find_map(scope::name);
        let complete = complete && trees.iter().all(|tree| matches!(tree.data, Data::Mapping(_)));
        let start = trees.first().map(|tree| Span { end: tree.span.start, ..tree.span });
        let workspace = start.map(|start| {
            let merged = merge(trees, &mut diagnostics);
            let workspace = meant(merged, start, complete, root, assigned, &mut diagnostics);
            // Advice waits until nothing is wrong.
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

/// What the merged files mean: with the values of their variables, checked, decoded, and compared with the rules.
fn meant(
    mut merged: Vec<Entry>,
    start: Span,
    complete: bool,
    root: &Path,
    assigned: &Assigned,
    diagnostics: &mut Vec<Diagnostic>,
) -> Workspace {
    let expanded = variables::expand(&mut merged, assigned, complete);
    check::object(&merged, &FILE, start, diagnostics);
    if complete {
        report_missing(&merged, start, diagnostics);
    }
    let mut workspace = decode::workspace(merged, root, start);
    workspace.assigned = assigned.clone();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    exceptions::expire(&mut workspace, today, diagnostics);
    rules::run(&workspace, complete, diagnostics);
    expanded.report(diagnostics);
    workspace
}

/// Sorts by file and place, and drops repetitions: an anchor that is used many times is wrong once.
fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.span.map(|span| (span.file, span.start, span.end)), d.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    diagnostics.dedup_by(|a, b| a.code == b.code && a.span == b.span && a.message == b.message);
    if diagnostics.len() > MAX_FINDINGS {
        // An error that is cut off must not turn into success.
        let errors = has_errors(diagnostics);
        let more = diagnostics.split_off(MAX_FINDINGS).len();
        let message = format!("{more} more findings are not shown");
        let finding = if errors {
            Diagnostic::error(Code::TooLarge, None, message)
        } else {
            Diagnostic::warning(Code::TooLarge, None, message)
        };
        diagnostics.push(finding.help("mend those that are, and look again"));
    }
}

/// Keys whose mappings are merged over all files of a workspace; every other key stands once.
const MERGED: [&str; 7] =
    ["applications", "vars", "identity_intelligence", "removed", "secret_stores", "defaults", "guards"];

fn merge(trees: Vec<Node>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let mut merged: Vec<Entry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for tree in trees {
        let Data::Mapping(entries) = tree.data else {
            let message = format!("a file must be a mapping, and this is {}", tree.kind());
            let help = "it begins with `version: 1`, `workspace: NAME` and `tenant:`; `duoctl init` writes an example";
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
                Some(earlier) if MERGED.contains(&earlier.key.value.as_str()) => {
                    merge_mapping(earlier, entry, diagnostics);
                }
                Some(earlier) if FILE.keys.iter().any(|key| key.name == earlier.key.value) => {
                    let message = format!("`{}` stands in two files", entry.key.value);
                    diagnostics.push(
                        Diagnostic::error(Code::DuplicateAddress, entry.key.span, message)
                            .help("it stands exactly once in a workspace; give the path of one workspace if these are two")
                            .related(earlier.key.span, "it stands here first"),
                    );
                }
                // An unknown key is reported in each file.
                Some(_) => merged.push(entry),
            }
        }
    }
    for key in MERGED.into_iter().filter(|key| *key != "defaults") {
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

/// Appends the keys of a second mapping to those of a first. What is no mapping is left to be reported.
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

/// Two files that define one key: the first definition stays. Within one file this is a duplicate key already.
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
                .help("an address is unique in a workspace: rename one of the two")
                .related(*first, "it is defined here first"),
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
