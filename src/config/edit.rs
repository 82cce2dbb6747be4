//! Edits of YAML text that keep comments, layout, anchors and line breaks: only the value that is meant changes.
//!
//! Every edit is proven before it is handed out: the new text is parsed again, must mean exactly what was intended, and
//! must hold every comment of the old one. Where that cannot be done the edit is refused, and a person makes it.

mod change;
pub mod writing;
mod written;

use std::io;
use std::path::Path;

use serde_json::{Map, Value};
use thiserror::Error;

use super::diagnostic::has_errors;
use super::tree;
use crate::atomic::{self, Readers};

use change::Editor;

/// Writes an edited file: whole or not at all, with the permissions it had, and never through a link.
pub fn save(path: &Path, text: &str) -> io::Result<()> {
    atomic::replace(path, text, Readers::Umask)
}

/// Why an edit was not made. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// The text cannot be read.
    #[error("the file has errors; `duoctl validate` shows them")]
    NotYaml,
    /// Something on the way to the value is no mapping.
    #[error("`{0}` is not a mapping, so nothing can stand below it")]
    NotAMapping(String),
    /// The value, or what it stands in, is shared by an anchor, an alias or a merge key.
    #[error("`{0}` is shared with other places by an anchor or a merge key; edit it by hand")]
    Shared(String),
    /// The edited text would not mean what was intended.
    #[error("`{0}` is written in a way that cannot be edited safely; edit it by hand")]
    Unsafe(String),
}

/// Sets the value at a path of keys, e.g. `applications`, `vpn`, `greeting`. Mappings on the way are made where they
/// are missing; a value that comes from a merge key gets a key of its own that overrides it. The text is unchanged
/// where the value is there already.
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

/// Removes the key at the end of a path. The text is unchanged where there is none.
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

/// Appends entries to the mapping at a path, which is made where it is missing. `fragment` is a block mapping with `\n`
/// line breaks and without indentation; its comments are taken over. None of its keys may be there yet.
pub fn append(text: &str, path: &[&str], fragment: &str) -> Result<String, EditError> {
    let added = meaning(fragment)?;
    let Value::Object(added) = added else { return Err(EditError::NotYaml) };
    if added.is_empty() {
        return Ok(text.to_owned());
    }
    edit(
        text,
        path,
        |before| {
            let mut after = before.clone();
            for (key, value) in &added {
                let path: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
                if lookup(before, &path).is_some() {
                    return Err(EditError::Unsafe(path.join(".")));
                }
                put(&mut after, &path, value)?;
            }
            Ok(after)
        },
        |editor, _| editor.append(path, fragment),
    )
}

fn edit(
    text: &str,
    path: &[&str],
    intend: impl FnOnce(&Value) -> Result<Value, EditError>,
    change: impl FnOnce(&Editor<'_>, &Value) -> Result<String, EditError>,
) -> Result<String, EditError> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let before = meaning(body)?;
    let intended = intend(&before)?;
    if intended == before {
        return Ok(text.to_owned());
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

/// What a text means; `null` for an empty one.
fn meaning(text: &str) -> Result<Value, EditError> {
    let mut diagnostics = Vec::new();
    let tree = tree::parse(0, text, &mut diagnostics);
    if has_errors(&diagnostics) {
        Err(EditError::NotYaml)
    } else {
        Ok(tree.map_or(Value::Null, |tree| tree.json()))
    }
}

/// The value at a path.
fn lookup<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
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
