//! Renaming: of stores, variables and addresses.

use std::ops::Range;
use std::path::PathBuf;

use crate::config::language::variables;
use crate::language::address::Place;
use crate::language::texts::ADDRESS_KEY;
use crate::yaml::Data;
use crate::yaml::scalar::plain;

use super::names::{Name, Names};

/// What renaming changes, and what else has to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Renaming {
    /// Each place with its new text.
    pub(super) edits: Vec<(PathBuf, Range<usize>, String)>,
    /// What the new name means for the account; empty if nothing.
    pub(super) consequence: Option<String>,
}

/// The part of a place that is renamed: of an address only its key.
pub(super) fn part(name: &Name, written: &str, range: Range<usize>) -> Option<Range<usize>> {
    match name {
        Name::Store(_) | Name::Variable(_) => Some(range),
        Name::Address(address) => {
            let (section, _) = address.split_once('.')?;
            let key = key_of(address)?;
            // Without the section, an address begins with its key.
            let rest = written.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            let at = rest.map_or(0, |rest| written.len() - rest.len());
            let start = range.start + at;
            written.get(at..)?.starts_with(key).then_some(start..start + key.len())
        }
        Name::Group(_) | Name::Policy(_) => None,
    }
}

/// The key of an address.
pub(super) fn key_of(address: &str) -> Option<&str> {
    match Place::parse(address)? {
        Place::Object(_, key) | Place::Entry(key) | Place::Part { entry: key, .. } => Some(key),
    }
}

/// The declaration that a name belongs to: that of its entry for an application of an entry.
pub(super) fn declared(name: &Name) -> Name {
    match name {
        Name::Address(address) => match Place::parse(address) {
            Some(Place::Part { entry, .. }) => Name::Address(Place::Entry(entry).to_string()),
            _ => name.clone(),
        },
        _ => name.clone(),
    }
}

/// Renames a declared name.
///
/// # Errors
///
/// Why that is not possible.
pub(super) fn rename(
    names: &Names,
    name: &Name,
    new: &str,
    text_of: impl Fn(&std::path::Path, Range<usize>) -> Option<String>,
) -> Result<Renaming, String> {
    let name = &declared(name);
    if !names.declares(name) {
        return Err("this workspace does not declare this name".to_owned());
    }
    let (rule, taken) = match name {
        Name::Store(_) => (&ADDRESS_KEY, Name::Store(new.to_owned())),
        Name::Variable(_) => (&variables::NAME, Name::Variable(new.to_owned())),
        Name::Address(address) => {
            let section = address.split('.').next().unwrap_or_default();
            (&ADDRESS_KEY, Name::Address(format!("{section}.{new}")))
        }
        Name::Group(_) | Name::Policy(_) => return Err("names in Duo cannot be renamed here".to_owned()),
    };
    (rule.check)(new).map_err(|problem| format!("`{new}` {}: {}", problem.message, problem.help))?;
    if !matches!(plain(new.into()), Data::Text(_)) {
        return Err(format!("YAML reads `{new}` as something other than text"));
    }
    if taken != *name && names.declares(&taken) {
        return Err(format!("`{new}` is already declared"));
    }
    let mut edits = Vec::new();
    for (file, found) in names.places(name) {
        let Some(written) = text_of(file, found.range.clone()) else { continue };
        if let Some(range) = part(&found.name, &written, found.range.clone()) {
            edits.push((file.to_owned(), range, new.to_owned()));
        }
    }
    let consequence = match (name, &taken) {
        (Name::Address(old), Name::Address(new)) => Some(format!(
            "In Duo, the marker still names {old}. The next plan stops at {new} until `duoctl adopt {new} ID` records the live application."
        )),
        _ => None,
    };
    Ok(Renaming { edits, consequence })
}
