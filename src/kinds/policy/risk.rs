//! What a changed section does to access (policies.md, section 6).
use crate::duo::policy::Edition;
use serde_json::Value;
pub fn whole(_: &str, declared: &Value, _: Edition) -> Value {
    declared.clone()
}
pub fn differences(_: &str, _: &Value, _: &Value) -> Vec<(String, Value, Value)> {
    Vec::new()
}
