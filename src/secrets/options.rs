//! The options of a store from the YAML. The language has checked their types.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::config::model::{COMMAND_TIMEOUT, ValueSource};
use crate::language::age;

/// A text; empty if it is left out.
pub(super) fn text(options: &Value, key: &str) -> String {
    options.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A list of texts.
pub(super) fn texts(options: &Value, key: &str) -> Vec<String> {
    let items = options.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Where a value comes from. Files are relative to the workspace's folder.
pub(super) fn source(options: &Value, key: &str, root: &Path) -> Option<ValueSource> {
    let source = options.get(key)?;
    if let Some(text) = source.as_str() {
        return Some(ValueSource::Plain(text.to_owned()));
    }
    let named = |key: &str| source.get(key).and_then(Value::as_str);
    if let Some(name) = named("env") {
        return Some(ValueSource::Env(name.to_owned()));
    }
    if let Some(path) = named("file") {
        return Some(ValueSource::File(root.join(path)));
    }
    let timeout = timeout(source);
    source.get("command").map(|_| ValueSource::Command {
        words: texts(source, "command"),
        timeout: timeout.unwrap_or(COMMAND_TIMEOUT),
    })
}

/// How long a command may take, if set.
pub(super) fn timeout(options: &Value) -> Option<Duration> {
    options.get("timeout").and_then(Value::as_str).and_then(|text| age::timeout(text).ok())
}
