//! Groups and policies as code: planned, applied, adopted, drifted and removed.

use duoctl::sandbox::call::Reply;
use serde_json::{Value, json};

use crate::support::{Server, object};

mod groups;
mod importing;
mod policies;

/// The objects of a list, as an administrator sees them.
fn listed(server: &Server, path: &str) -> Vec<Value> {
    match server.account().as_administrator("GET", path, object(json!({"limit": "100"}))) {
        Reply::Page(items, _) => items,
        Reply::Ok(Value::Array(items)) => items,
        other => panic!("{path}: {other:?}"),
    }
}

/// A call by an administrator in the Admin Panel.
fn call(server: &Server, method: &str, path: &str, params: Value) -> Value {
    match server.account().as_administrator(method, path, object(params)) {
        Reply::Ok(value) => value,
        other => panic!("{method} {path}: {other:?}"),
    }
}
