//! The meaning of a text, and the reasons to refuse an edit.

use serde_json::Value;
use thiserror::Error;

use crate::diagnostic::has_errors;
use crate::yaml;
use crate::yaml::Node;

/// Why an edit was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// The text cannot be parsed.
    #[error("the file has errors; `duoctl validate` shows them")]
    NotYaml,
    /// Something on the path to the value is not a mapping.
    #[error("`{0}` is not a mapping, so it cannot have keys")]
    NotAMapping(String),
    /// The value, or something around it, is shared by an anchor, an alias or a merge key.
    #[error("`{0}` is shared by an anchor or a merge key; edit it by hand")]
    Shared(String),
    /// The value comes from a variable, which would be lost.
    #[error("`{0}` comes from a variable, `{1}`; change the variable, or edit the value by hand")]
    Variable(String, String),
    /// A comment describes what would be removed, and only the user knows what to do with the comment.
    #[error("the comment {1} describes what would be removed from `{0}`; edit it by hand")]
    Comment(String, String),
    /// The edited text would not have the intended meaning.
    #[error("`{0}` cannot be edited safely; edit it by hand")]
    Unsafe(String),
}

/// The meaning of a text; `null` for an empty one.
pub(super) fn meaning(text: &str) -> Result<Value, EditError> {
    Ok(read(text)?.map_or(Value::Null, |tree| tree.json()))
}

pub(super) fn read(text: &str) -> Result<Option<Node>, EditError> {
    let mut diagnostics = Vec::new();
    let tree = yaml::parse(0, text, &mut diagnostics);
    if has_errors(&diagnostics) { Err(EditError::NotYaml) } else { Ok(tree) }
}

/// The value at a path.
pub(super) fn lookup<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}
