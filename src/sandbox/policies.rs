//! Policies, and what they apply to (policies.md, sections 1 to 5).

mod bindings;
mod effective;
mod sections;
mod stored;
mod values;

use serde_json::{Map, Value, json};

use bindings::{AppliesTo, Targets};
use sections::{Writing, texts};
pub(super) use sections::{of_global_policy, of_new_policy};
pub(super) use stored::{bind_user_groups, is_custom, policy};
use stored::{is_global, listed, name_of, one, resolve, sections_of, show};

use super::call::{Call, Paging, Reply};
use super::collections::POLICIES;
use super::logs::written::{self, Target};
use super::permissions::{READ_RESOURCE, WRITE_RESOURCE};
use super::state::Account;
use super::switches::PolicyDelete;

pub(super) fn answer(account: &mut Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    match (call.method.as_str(), rest) {
        ("GET", _) => read(account, call, rest),
        ("POST", []) => create(account, call),
        ("POST", ["copy"]) => copy(account, call),
        ("PUT", ["update"]) => update_many(account, call),
        ("PUT", [key]) => update(account, call, key),
        ("DELETE", [key]) => delete(account, call, key),
        (_, [] | [_]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}

fn read(account: &Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    match rest {
        [] => {
            let window = call.window(Paging::of(100), &account.switches)?;
            let applies_to = account.switches.applies_to_in_list.then(|| AppliesTo::new(account));
            let all = listed(&account.store);
            let total = all.len();
            let rows = window.rows(all, |(_, policy)| show(account, policy, applies_to.as_ref()));
            Ok(window.page(total, rows))
        }
        ["summary"] => Ok(Reply::Ok(stored::summary(account))),
        ["calculate"] => effective::calculate(account, call),
        [key] => one(account, &resolve(account, key)?),
        _ => Err(Reply::not_found()),
    }
}

fn create(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let legacy = account.switches.legacy_policy_name && !call.params.contains_key("policy_name");
    let name = call.required(if legacy { "name" } else { "policy_name" })?;
    check_name(account, &name, None)?;
    let sections = written_sections(account, None, &call.params)?;
    let targets = Targets::of(account, call, false)?;
    let key = insert(account, call, &name, sections)?;
    targets.apply(account, &key)?;
    one(account, &key)
}

/// The sections of a policy after a write; `None` for a new policy.
fn written_sections(
    account: &mut Account,
    key: Option<&str>,
    params: &Map<String, Value>,
) -> Result<Map<String, Value>, Reply> {
    let drops_unknown = params.contains_key("sections") && account.faults.drops_sections();
    let is_global = key.is_some_and(|key| !is_custom(&account.store, key));
    let stored = key.map(|key| sections_of(account, key)).unwrap_or_default();
    Writing::of(account, is_global, drops_unknown).apply(&stored, params)
}

fn insert(
    account: &mut Account,
    call: &Call,
    name: &str,
    sections: Map<String, Value>,
) -> Result<String, Reply> {
    let key = account.next_id("PO", POLICIES)?;
    account.store.put(POLICIES, &key, policy(&key, name, false, sections))?;
    log(account, call, "policy_create", &key)?;
    Ok(key)
}

/// Only the name of the action for changes is known (policies.md, section 3.14).
fn log(account: &mut Account, call: &Call, action: &str, key: &str) -> Result<(), Reply> {
    let name = account.store.get(POLICIES, key).map(name_of).unwrap_or_default().to_owned();
    written::record(account, call, action, &Target { key: key.to_owned(), kind: "policy", name })?;
    Ok(())
}

fn copy(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let source = call.required("policy_key")?;
    let sections = sections_of(account, &resolve(account, &source)?);
    let names = texts(&call.params, "new_policy_names_list")?;
    if names.is_empty() {
        return Err(Reply::missing("new_policy_names_list"));
    }
    for name in &names {
        check_name(account, name, None)?;
    }
    let mut keys = Vec::new();
    for name in &names {
        keys.push(insert(account, call, name, sections.clone())?);
    }
    Ok(Reply::Ok(json!({"policies": shown(account, &keys)})))
}

/// Several policies as a reply to a write shows them.
fn shown(account: &Account, keys: &[String]) -> Vec<Value> {
    let applies_to = AppliesTo::new(account);
    let found = keys.iter().filter_map(|key| account.store.get(POLICIES, key));
    found.map(|policy| show(account, policy, Some(&applies_to))).collect()
}

fn update(account: &mut Account, call: &Call, key: &str) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let key = resolve(account, key)?;
    let name = match call.params.get("policy_name") {
        None => None,
        Some(name) => {
            let name = name.as_str().filter(|name| !name.is_empty());
            Some(name.ok_or_else(|| Reply::invalid("policy_name"))?)
        }
    };
    if let Some(name) = name {
        check_name(account, name, Some(&key))?;
    }
    let sections = written_sections(account, Some(&key), &call.params)?;
    let targets = Targets::of(account, call, !is_custom(&account.store, &key))?;
    store(account, &key, name, sections)?;
    targets.apply(account, &key)?;
    log(account, call, "policy_update", &key)?;
    one(account, &key)
}

fn store(
    account: &mut Account,
    key: &str,
    name: Option<&str>,
    sections: Map<String, Value>,
) -> Result<(), Reply> {
    let mut stored = account.store.get(POLICIES, key).cloned().ok_or_else(Reply::not_found)?;
    let Value::Object(map) = &mut stored else { return Err(Reply::internal()) };
    map.insert("sections".to_owned(), Value::Object(sections));
    if let Some(name) = name {
        map.insert("policy_name".to_owned(), json!(name));
    }
    account.store.put(POLICIES, key, stored)?;
    Ok(())
}

/// Changes every policy unless the call says otherwise (policies.md, section 1).
fn update_many(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let object =
        |name: &str| call.params.get(name).and_then(Value::as_object).ok_or_else(|| Reply::missing(name));
    let (selection, changes) = (object("policies_to_update")?, object("policy_changes")?);
    let all = match selection.get("edit_all_policies") {
        None => true,
        Some(value) => value.as_bool().ok_or_else(|| Reply::invalid("edit_all_policies"))?,
    };
    let keys = if all {
        listed(&account.store).into_iter().map(|(key, _)| key.to_owned()).collect()
    } else {
        texts(selection, "edit_list")?
    };
    if keys.iter().any(|key| account.store.get(POLICIES, key).is_none()) {
        return Err(Reply::invalid("edit_list"));
    }
    let mut planned = Vec::new();
    for key in &keys {
        planned.push(written_sections(account, Some(key), changes)?);
    }
    for (key, sections) in keys.iter().zip(planned) {
        store(account, key, None, sections)?;
        log(account, call, "policy_update", key)?;
    }
    let policies = shown(account, &keys);
    Ok(Reply::Ok(if account.switches.bulk_object { json!({"policies": policies}) } else { json!(policies) }))
}

fn delete(account: &mut Account, call: &Call, key: &str) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let key = resolve(account, key)?;
    let stored = account.store.get(POLICIES, &key).ok_or_else(Reply::not_found)?;
    if is_global(stored) {
        return Err(Reply::invalid("policy_key"));
    }
    let is_used = !AppliesTo::new(account).of(&key).is_empty();
    if is_used && account.switches.policy_delete == PolicyDelete::Invalid {
        return Err(Reply::invalid("policy_key"));
    }
    log(account, call, "policy_delete", &key)?;
    // Applications keep the key, but reads do not show a deleted policy, unless a switch says so.
    account.store.remove(POLICIES, &key)?;
    Ok(Reply::Ok(account.deleted()))
}

/// Whether policy names are unique is unknown (policies.md, section 14).
fn check_name(account: &Account, name: &str, own: Option<&str>) -> Result<(), Reply> {
    if !account.switches.unique_policies {
        return Ok(());
    }
    let mut others = account.store.list(POLICIES).filter(|(key, _)| Some(*key) != own);
    if others.any(|(_, policy)| name_of(policy) == name) { Err(Reply::duplicate()) } else { Ok(()) }
}
