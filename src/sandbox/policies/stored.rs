//! A policy as it is stored, and as replies show it (policies.md, section 2).

use std::io;

use serde_json::{Map, Value, json};

use super::bindings::{AppliesTo, USER_GROUPS};
use super::sections;
use crate::sandbox::call::Reply;
use crate::sandbox::collections::POLICIES;
use crate::sandbox::state::Account;
use crate::sandbox::store::Store;

/// A policy as stored.
pub(in crate::sandbox) fn policy(
    key: &str,
    name: &str,
    is_global: bool,
    sections: Map<String, Value>,
) -> Value {
    json!({"is_global_policy": is_global, "policy_key": key, "policy_name": name, "sections": sections})
}

/// Whether a key belongs to a policy that an application can have.
pub(in crate::sandbox) fn is_custom(store: &Store, key: &str) -> bool {
    store.get(POLICIES, key).is_some_and(|policy| !is_global(policy))
}

pub(super) fn is_global(policy: &Value) -> bool {
    policy.get("is_global_policy").and_then(Value::as_bool).unwrap_or_default()
}

/// Binds a policy to groups on every application, as an administrator can in the Admin Panel.
pub(in crate::sandbox) fn bind_user_groups(
    account: &mut Account,
    key: &str,
    groups: &[String],
) -> io::Result<()> {
    let Some(mut stored) = account.store.get(POLICIES, key).cloned() else { return Ok(()) };
    if let Value::Object(map) = &mut stored {
        map.insert(USER_GROUPS.to_owned(), json!(groups));
    }
    account.store.put(POLICIES, key, stored)
}

/// The key of an existing policy; `global` is an alias.
pub(super) fn resolve(account: &Account, key: &str) -> Result<String, Reply> {
    let mut policies = account.store.list(POLICIES);
    let found = match key {
        "global" => policies.find(|(_, policy)| is_global(policy)).map(|(key, _)| key),
        key => account.store.get(POLICIES, key).map(|_| key),
    };
    found.map(str::to_owned).ok_or_else(Reply::not_found)
}

/// The stored sections of a policy.
pub(super) fn sections_of(account: &Account, key: &str) -> Map<String, Value> {
    let sections = account.store.get(POLICIES, key).and_then(|policy| policy.get("sections"));
    sections.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The sections of a stored policy as the account's edition has them.
pub(super) fn shown_sections(account: &Account, stored: &Value) -> Map<String, Value> {
    let sections = stored.get("sections").and_then(Value::as_object);
    sections.map(|stored| sections::show(account, stored)).unwrap_or_default()
}

/// Every policy: the global one first, the others in no useful order, which stays the same from page to page.
pub(super) fn listed(store: &Store) -> Vec<(&str, &Value)> {
    let mut all: Vec<_> = store.list(POLICIES).collect();
    all.sort_by_cached_key(|(key, policy)| (!is_global(policy), key.chars().rev().collect::<String>()));
    all
}

/// The name of a stored policy.
pub(super) fn name_of(stored: &Value) -> &str {
    stored.get("policy_name").and_then(Value::as_str).unwrap_or_default()
}

/// A policy as a reply shows it.
pub(super) fn show(account: &Account, stored: &Value, applies_to: Option<&AppliesTo<'_>>) -> Value {
    let key = stored.get("policy_key").and_then(Value::as_str).unwrap_or_default();
    let mut shown = policy(key, name_of(stored), is_global(stored), shown_sections(account, stored));
    if let (Value::Object(map), Some(applies_to)) = (&mut shown, applies_to) {
        map.insert("policy_applies_to".to_owned(), json!(applies_to.of(key)));
    }
    shown
}

/// The reply with one policy.
pub(super) fn one(account: &Account, key: &str) -> Result<Reply, Reply> {
    let stored = account.store.get(POLICIES, key).ok_or_else(Reply::not_found)?;
    Ok(Reply::Ok(show(account, stored, Some(&AppliesTo::new(account)))))
}

/// The answer to `summary`. It has no pages, and may be truncated (policies.md, section 1).
pub(super) fn summary(account: &Account) -> Value {
    let applies_to = AppliesTo::new(account);
    let all = listed(&account.store);
    let truncated = account.faults.shortens_summary();
    let shown = if truncated { all.len().div_ceil(2) } else { all.len() };
    let row = |(key, policy): &(&str, &Value)| json!({"policy_key": key, "policy_name": name_of(policy), "policy_applies_to": applies_to.of(key)});
    let policies: Vec<Value> = all.iter().take(shown).map(row).collect();
    json!({
        "policies": policies, "policy_count": all.len(), "response_is_truncated": truncated, "warnings": [],
    })
}
