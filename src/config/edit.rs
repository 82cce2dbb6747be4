//! Edits of YAML text that keep comments, layout, anchors and line breaks: only the intended value changes.
//!
//! Every edit is verified before it is returned: the new text is parsed again, must have exactly the intended meaning, and
//! must contain every comment of the old one. Otherwise the edit is refused, and the user has to make it.

mod change;
mod meaning;
pub mod writing;
mod written;

use std::collections::HashMap;
use std::io;
use std::path::Path;

use serde_json::{Map, Value};

use crate::atomic::{self, Readers};
use crate::yaml::{Data, Node};

use super::variables::is_variable;
use change::Editor;
pub use meaning::EditError;
use meaning::{lookup, meaning, read};

/// Writes an edited file atomically, keeping mode and owner, and never through a link. Refuses read-only files and files
/// with several hard links.
pub fn save(path: &Path, text: &str) -> io::Result<()> {
    atomic::editable(path)?;
    atomic::replace(path, text, Readers::Umask)
}

/// Sets the value at a path of keys, e.g. `applications`, `vpn`, `greeting`. Creates missing mappings on the way; a value
/// from a merge key is overridden by a new key. The text is unchanged if it has the value already.
pub fn set(text: &str, path: &[&str], value: &Value) -> Result<String, EditError> {
    edit(
        text,
        path,
        |before| {
            let mut after = before.clone();
            put(&mut after, path, value)?;
            Ok(after)
        },
        |editor, after| editor.set(path, after),
    )
}

/// The value at a path of keys; null if there is none.
pub fn value(text: &str, path: &[&str]) -> Result<Value, EditError> {
    let (_, body) = parted(text);
    Ok(lookup(&meaning(body)?, path).cloned().unwrap_or_default())
}

/// Removes the key at the end of a path. The text is unchanged if there is none.
pub fn remove(text: &str, path: &[&str]) -> Result<String, EditError> {
    edit(
        text,
        path,
        |before| {
            let mut after = before.clone();
            take(&mut after, path);
            Ok(after)
        },
        |editor, _| editor.remove(path),
    )
}

/// A text with entries appended.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The text.
    pub text: String,
    /// The parsed text from the verification, so that callers do not have to parse it again.
    pub tree: Node,
}

/// Appends entries to the mapping at a path, creating it if it is missing. `fragment` is a block mapping with `\n` line
/// breaks and without indentation; its comments are kept. `added` is the intended value of each of its keys, none of
/// which may exist yet.
pub fn append(
    text: &str,
    path: &[&str],
    fragment: &str,
    added: &HashMap<&str, &Value>,
) -> Result<Appended, EditError> {
    let (mark, body) = parted(text);
    let before = meaning(body)?;
    let unsafe_at = |path: &[&str]| Err(EditError::Unsafe(path.join(".")));
    let present = lookup(&before, path).and_then(Value::as_object);
    if let Some(key) = added.keys().find(|key| present.is_some_and(|present| present.contains_key(**key))) {
        return unsafe_at(&[path, &[*key]].concat());
    }
    let editor = Editor::new(body).ok_or(EditError::NotYaml)?;
    let edited = editor.append(path, fragment)?;
    let tree = read(&edited).ok().flatten().filter(|tree| holds(tree, Some(&before), path, added));
    match tree {
        Some(tree) => Ok(Appended { text: format!("{mark}{edited}"), tree }),
        None if editor.has_anchors() => Err(EditError::Shared(path.join("."))),
        None => unsafe_at(path),
    }
}

/// Whether a mapping equals what it was `before`, plus the entries added at a path below it.
fn holds(node: &Node, before: Option<&Value>, path: &[&str], added: &HashMap<&str, &Value>) -> bool {
    let Data::Mapping(entries) = &node.data else { return false };
    let nothing = Map::new();
    let before = match before {
        None | Some(Value::Null) => &nothing,
        Some(Value::Object(before)) => before,
        Some(_) => return false,
    };
    let Some((next, rest)) = path.split_first() else {
        let known = |key: &str| before.get(key).or_else(|| added.get(key).copied());
        return entries.len() == before.len() + added.len()
            && entries
                .iter()
                .all(|entry| known(&entry.key.value).is_some_and(|value| entry.value.means(value)));
    };
    let made = usize::from(!before.contains_key(*next));
    entries.len() == before.len() + made
        && entries.iter().all(|entry| {
            let was = before.get(&entry.key.value);
            if entry.key.value == *next {
                holds(&entry.value, was, rest, added)
            } else {
                was.is_some_and(|was| entry.value.means(was))
            }
        })
}

fn edit(
    text: &str,
    path: &[&str],
    intend: impl FnOnce(&Value) -> Result<Value, EditError>,
    change: impl FnOnce(&Editor<'_>, &Value) -> Result<String, EditError>,
) -> Result<String, EditError> {
    let (mark, body) = parted(text);
    let before = meaning(body)?;
    let intended = intend(&before)?;
    if intended == before {
        return Ok(text.to_owned());
    }
    if let Some(lost) = lost_variable(&before, &intended) {
        return Err(EditError::Variable(path.join("."), lost));
    }
    let editor = Editor::new(body).ok_or(EditError::NotYaml)?;
    let edited = change(&editor, &intended)?;
    let same = meaning(&edited).is_ok_and(|after| after == intended);
    if !same {
        let path = path.join(".");
        let shared = editor.has_anchors();
        return Err(if shared { EditError::Shared(path) } else { EditError::Unsafe(path) });
    }
    let kept =
        !editor.has_comments() || Editor::new(&edited).is_some_and(|after| editor.comments_are_in(&after));
    if kept { Ok(format!("{mark}{edited}")) } else { Err(EditError::Unsafe(path.join("."))) }
}

/// A text with a variable that an edit would remove. Only the user knows which value other runs should get.
fn lost_variable(before: &Value, after: &Value) -> Option<String> {
    fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::String(text) if is_variable(text) => found.push(text),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(map) => map.values().for_each(|item| collect(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let (mut used, mut kept) = (Vec::new(), Vec::new());
    collect(before, &mut used);
    collect(after, &mut kept);
    let lost = used.into_iter().find(|text| match kept.iter().position(|kept| kept == text) {
        Some(found) => {
            kept.swap_remove(found);
            false
        }
        None => true,
    });
    lost.map(str::to_owned)
}

/// Splits the byte-order mark from a text.
fn parted(text: &str) -> (&'static str, &str) {
    text.strip_prefix('\u{feff}').map_or(("", text), |body| ("\u{feff}", body))
}

fn put(target: &mut Value, path: &[&str], value: &Value) -> Result<(), EditError> {
    let mut here = target;
    for (depth, key) in path.iter().enumerate() {
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        let Value::Object(map) = here else {
            return Err(EditError::NotAMapping(path.get(..depth).unwrap_or_default().join(".")));
        };
        here = map.entry((*key).to_owned()).or_insert(Value::Null);
    }
    *here = value.clone();
    Ok(())
}

fn take(target: &mut Value, path: &[&str]) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(target, |value, key| value.get_mut(key));
    if let Some(Value::Object(map)) = parent {
        map.shift_remove(*last);
    }
}

#[cfg(test)]
mod tests;
