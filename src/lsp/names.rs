//! The names in a workspace: where each is declared and used. For completion, definitions, references and renaming.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::config::language::{ALLOWANCE, SUPPRESSION};
use crate::kinds::Kind;
use crate::kinds::application::entry::{APPLICATION, DEFAULTS};
use crate::kinds::application::fields::field;
use crate::kinds::reference::Reference;
use crate::language::address::Place;
use crate::language::places::SECRET_TARGET;
use crate::yaml::{Data, Entry, Node, find};

use super::tables::{Row, Step};

/// What a name names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Name {
    /// An entry of `secret_stores`.
    Store(String),
    /// An entry of `vars`.
    Variable(String),
    /// An object of this workspace, or an entry of `identity_intelligence`, by its full address.
    Address(String),
    /// A group in Duo.
    Group(String),
    /// A policy in Duo.
    Policy(String),
}

/// One place of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) name: Name,
    /// The file in [`Names::files`].
    file: usize,
    /// The name itself, without quotes.
    pub(super) range: Range<usize>,
    /// Whether it is declared here.
    pub(super) declares: bool,
}

/// The names in a workspace.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: Vec<PathBuf>,
    /// Only those of files that are YAML now, since others have no places.
    occurrences: Vec<Occurrence>,
    /// Every name, with what is known about it.
    known: BTreeMap<Name, String>,
    declared: BTreeSet<Name>,
}

impl Names {
    /// The names in files: each with its path, its text, whether the tree is that of the text, and the tree.
    pub(super) fn of<'t>(files: impl Iterator<Item = (&'t Path, &'t str, bool, &'t Node)>) -> Self {
        let mut names = Self::default();
        for (path, text, current, tree) in files {
            names.files.push(path.to_owned());
            let mut walk = Walk { text, file: names.files.len() - 1, current, names: &mut names };
            walk.node(tree, Row::TOP);
        }
        names.shorten();
        names
    }

    /// Addresses without their section mean entries of `identity_intelligence` only if no application has the key.
    fn shorten(&mut self) {
        for occurrence in &mut self.occurrences {
            let Name::Address(address) = &occurrence.name else { continue };
            let Some(Place::Object(_, key)) = Place::parse(address) else { continue };
            let entry = Name::Address(Place::Entry(key).to_string());
            if !self.declared.contains(&occurrence.name) && self.declared.contains(&entry) {
                occurrence.name = entry;
            }
        }
    }

    /// Every name of a kind, with what is known about it.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.known.iter().map(|(name, detail)| (name, detail.as_str()))
    }

    /// What is known about a name.
    pub(super) fn detail(&self, name: &Name) -> Option<&str> {
        self.known.get(name).map(String::as_str)
    }

    /// Whether the workspace declares a name.
    pub(super) fn declares(&self, name: &Name) -> bool {
        self.declared.contains(name)
    }

    /// The name at an offset of a file.
    pub(super) fn at(&self, file: &Path, offset: usize) -> Option<&Occurrence> {
        let index = self.files.iter().position(|path| path == file)?;
        let here = |it: &&Occurrence| it.file == index && it.range.start <= offset && offset <= it.range.end;
        // In a text with several variables, the smallest place counts.
        self.occurrences.iter().filter(here).min_by_key(|it| it.range.len())
    }

    /// The places of a name, declarations first. The address of an entry also has those of its applications.
    pub(super) fn places<'n>(&'n self, name: &'n Name) -> impl Iterator<Item = (&'n Path, &'n Occurrence)> {
        let mut found: Vec<&Occurrence> =
            self.occurrences.iter().filter(|it| is_of(&it.name, name)).collect();
        found.sort_by_key(|it| (!it.declares, it.file, it.range.start));
        found.into_iter().filter_map(|it| Some((self.files.get(it.file)?.as_path(), it)))
    }
}

/// Whether a name is this one, or that of an application of this entry.
fn is_of(found: &Name, name: &Name) -> bool {
    match (found, name) {
        (Name::Address(found), Name::Address(name)) => {
            found.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }
        _ => found == name,
    }
}

struct Walk<'w, 't> {
    text: &'t str,
    file: usize,
    current: bool,
    names: &'w mut Names,
}

impl Walk<'_, '_> {
    fn node(&mut self, node: &Node, row: Row) {
        match &node.data {
            Data::Mapping(entries) => {
                for entry in entries {
                    self.entry(entry, row);
                }
            }
            Data::List(items) => {
                let Some(row) = row.item() else { return };
                items.iter().for_each(|item| self.node(item, row));
            }
            Data::Text(text) => {
                self.text(text, node, row);
                if text.contains("${vars.") {
                    self.variables(node);
                }
            }
            Data::Null | Data::Flag(_) | Data::Number(..) => {}
        }
    }

    fn entry(&mut self, entry: &Entry, row: Row) {
        let key = entry.key.value.as_str();
        let chosen = row.object().is_none() && row.entries().is_some();
        let declared = match row.key.map(|key| key.name).filter(|name| chosen && row.is_top(name)) {
            Some("secret_stores") => Some(Name::Store(key.to_owned())),
            Some("vars") => Some(Name::Variable(key.to_owned())),
            Some("identity_intelligence") => Some(address(Place::Entry(key))),
            Some("removed") => {
                self.add(
                    Name::Address(key.to_owned()),
                    entry.key.span.start..entry.key.span.end,
                    key,
                    false,
                    "",
                );
                None
            }
            Some(section) => {
                let kind = Kind::ALL.into_iter().find(|kind| kind.section() == section);
                kind.map(|kind| address(Place::Object(kind, key)))
            }
            None => None,
        };
        if let Some(name) = declared {
            let detail = detail(&name, entry);
            self.names.declared.insert(name.clone());
            self.add(name, entry.key.span.start..entry.key.span.end, key, true, &detail);
        }
        if let Some(row) = row.step(&Step::Key(key.to_owned())) {
            self.node(&entry.value, row);
        }
    }

    /// A text that is a name by its place.
    fn text(&mut self, text: &str, node: &Node, row: Row) {
        let span = node.span.start..node.span.end;
        if row.is(&SECRET_TARGET, "store") {
            self.add(Name::Store(text.to_owned()), span, text, false, "");
        } else if row.is(&ALLOWANCE, "address") || row.is(&SUPPRESSION, "address") {
            if let Some(place) = Place::shortened(text) {
                self.add(address(place), span, text, false, "");
            }
        } else if let Some(kind) = refers_to(row) {
            let name = match Reference::written(kind, text) {
                Reference::Name(name) => of_kind(kind, name),
                Reference::Address(address) => Name::Address(address),
                Reference::Id(_) => return,
            };
            self.add(name, span, text, false, "");
        }
    }

    /// The variables in a text.
    fn variables(&mut self, node: &Node) {
        let source = self.text.get(node.span.start..node.span.end).unwrap_or_default();
        let found: Vec<(usize, String)> = source
            .match_indices("${vars.")
            .filter_map(|(at, begin)| {
                let name = source.get(at + begin.len()..)?.split('}').next()?;
                Some((node.span.start + at + begin.len(), name.to_owned()))
            })
            .collect();
        for (at, name) in found {
            self.add(Name::Variable(name.clone()), at..at + name.len(), &name, false, "");
        }
    }

    fn add(&mut self, name: Name, place: Range<usize>, written: &str, declares: bool, detail: &str) {
        let known = self.names.known.entry(name.clone()).or_default();
        if known.is_empty() {
            detail.clone_into(known);
        }
        if !self.current {
            return;
        }
        // Without quotes; a text that is written with escapes keeps them.
        let source = self.text.get(place.clone()).unwrap_or_default();
        let range = match source.find(written) {
            Some(at) => place.start + at..place.start + at + written.len(),
            None => place,
        };
        self.names.occurrences.push(Occurrence { name, file: self.file, range, declares });
    }
}

/// What a place refers to, if it is that of a reference.
pub(super) fn refers_to(row: Row) -> Option<Kind> {
    let of_application =
        row.table.is_some_and(|table| std::ptr::eq(table, &APPLICATION) || std::ptr::eq(table, &DEFAULTS));
    field(row.key?.name).filter(|_| of_application)?.refers_to
}

pub(super) fn of_kind(kind: Kind, name: String) -> Name {
    match kind {
        Kind::Group => Name::Group(name),
        Kind::Policy => Name::Policy(name),
        Kind::Application => Name::Address(name),
    }
}

fn address(place: Place<'_>) -> Name {
    Name::Address(place.to_string())
}

/// What is shown next to a declared name.
fn detail(name: &Name, entry: &Entry) -> String {
    let Data::Mapping(entries) = &entry.value.data else { return String::new() };
    let text = |key: &str| match &find(entries, key)?.value.data {
        Data::Text(text) | Data::Number(_, text) => Some(text.clone()),
        Data::Flag(flag) => Some(flag.to_string()),
        Data::Null | Data::List(_) | Data::Mapping(_) => None,
    };
    let keys: &[&str] = match name {
        Name::Store(_) => &["type", "path", "address", "mount"],
        Name::Variable(_) => &["description", "default"],
        Name::Address(_) => &["type", "name", "display_name"],
        Name::Group(_) | Name::Policy(_) => &[],
    };
    keys.iter().filter_map(|key| text(key)).collect::<Vec<_>>().join(", ")
}
