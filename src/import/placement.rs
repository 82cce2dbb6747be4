//! Decides which files get the entries. Existing files are extended, never rewritten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::edit::{EditError, append};
use crate::config::model::Workspace;
use crate::config::template::MODELINES;
use crate::diagnostic::Sources;
use crate::yaml::Node;

use crate::kinds::Kind;

use super::Entry;

/// How entries are spread over files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// All of them in the file that declares the workspace.
    #[default]
    None,
    /// One file for each type of application, below `applications`.
    Type,
    /// One file for each application, below `applications`.
    Application,
}

/// The folder of the files of split applications. Other objects get one file for each section.
const FOLDER: &str = "applications";

/// A file and what it will hold.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its path.
    pub path: PathBuf,
    /// Its previous text; `None` for a new file.
    pub before: Option<String>,
    /// Its text.
    pub text: String,
    /// The parsed text, so that it does not have to be parsed again.
    pub tree: Option<Node>,
    /// How many entries were added.
    pub added: usize,
}

/// The files with the entries added. `read` returns the text of an existing file; an existing file that cannot be read
/// must not look like a missing one.
///
/// # Errors
///
/// The path of a file whose text cannot be added to, and why.
pub fn place(
    entries: &[Entry],
    split: Split,
    workspace: &Workspace,
    sources: &Sources,
    read: impl Fn(&Path) -> Result<Option<String>, EditError>,
) -> Result<Vec<Change>, (PathBuf, EditError)> {
    let main = sources.file(workspace.name.span.file).map(|file| file.path.clone()).unwrap_or_default();
    let modeline = sources.file(workspace.name.span.file).and_then(|file| file.text.lines().next());
    let mut files: BTreeMap<PathBuf, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        let path = match split {
            Split::None => main.clone(),
            _ if entry.kind != Kind::Application => {
                workspace.root.join(format!("{}.duo.yaml", entry.kind.section()))
            }
            Split::Type => below_root(workspace, &file_name(&entry.variant)),
            Split::Application => below_root(workspace, &entry.key),
        };
        files.entry(path).or_default().push(entry);
    }
    let mut changes = Vec::with_capacity(files.len());
    for (path, entries) in files {
        let before = match read(&path) {
            Ok(before) => before,
            Err(error) => return Err((path, error)),
        };
        let is_below = path.parent() != Some(workspace.root.as_path());
        let base = before.clone().or_else(|| modeline.and_then(|line| modeline_at(line, is_below)));
        match extended(base.unwrap_or_default(), &entries) {
            Ok((text, tree)) => {
                changes.push(Change { path, before, text, tree, added: entries.len() });
            }
            Err(error) => return Err((path, error)),
        }
    }
    Ok(changes)
}

/// A file's text with entries added to their sections.
fn extended(mut text: String, entries: &[&Entry]) -> Result<(String, Option<Node>), EditError> {
    let mut tree = None;
    for entries in entries.chunk_by(|a, b| a.section() == b.section()) {
        let section = entries.first().and_then(|entry| entry.section());
        let fragment: String = entries.iter().map(|entry| entry.text.as_str()).collect();
        let added = entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect();
        let appended = append(&text, section.as_slice(), &fragment, &added)?;
        (text, tree) = (appended.text, Some(appended.tree));
    }
    Ok((text, tree))
}

impl Entry {
    /// The section of its key; the global policy is at the top level.
    fn section(&self) -> Option<&'static str> {
        (!self.address.is_global_policy()).then(|| self.kind.section())
    }
}

fn below_root(workspace: &Workspace, name: &str) -> PathBuf {
    let prefix = if is_reserved(name) { "application-" } else { "" };
    workspace.root.join(FOLDER).join(format!("{prefix}{name}.duo.yaml"))
}

/// Whether Windows treats a file of this name, with any extension, as a device, so that no checkout could contain it.
fn is_reserved(name: &str) -> bool {
    let name = name.to_lowercase();
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_digit()))
    };
    matches!(name.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// A type as a file name.
fn file_name(kind: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = kind.chars().map(safe).take(64).collect();
    if name.is_empty() { "other".to_owned() } else { name }
}

/// The editor's modeline for a file next to this one, or one folder below.
fn modeline_at(line: &str, is_below: bool) -> Option<String> {
    let (begin, schema) =
        MODELINES.iter().find_map(|begin| Some((begin, line.strip_prefix(begin)?.trim())))?;
    let relative = !schema.contains("://") && !Path::new(schema).is_absolute();
    let up = if relative && is_below { "../" } else { "" };
    Some(format!("{begin}{up}{schema}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_has_the_name_of_a_device() {
        for name in ["con", "prn", "aux", "nul", "com0", "com9", "lpt1", "AUX"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["console", "com", "com10", "lpt", "auxiliary", "application-aux", "nul-2"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
