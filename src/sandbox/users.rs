//! Users, as far as groups and counting need them (duo-api.md, section 7.4).

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::collections::{GROUPS, USERS};
use super::devices;
use super::permissions::{READ_RESOURCE, WRITE_RESOURCE};
use super::state::Account;

/// Whether a stored user is a member of a group.
pub(super) fn is_in(user: &Value, group: &str) -> bool {
    user.get("groups").and_then(Value::as_array).is_some_and(|ids| ids.iter().any(|id| id == group))
}

/// A new user without groups or devices.
pub(super) fn user(id: &str, username: &str, now: i64) -> Map<String, Value> {
    let fields = json!({
        "alias1": null, "alias2": null, "alias3": null, "alias4": null, "aliases": {}, "created": now,
        "email": "", "enable_auto_prompt": true, "external_id": null, "firstname": null, "groups": [],
        "is_enrolled": false, "last_directory_sync": null, "last_login": null, "lastname": null, "lockout_reason": null,
        "notes": "", "realname": null, "status": "active", "user_id": id, "username": username,
    });
    match fields {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

pub(super) fn answer(account: &mut Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    match (call.method.as_str(), rest) {
        ("GET", []) => list(account, call),
        ("POST", []) => create(account, call),
        ("GET", [id]) => {
            call.require(READ_RESOURCE)?;
            Ok(Reply::Ok(show(account, load(account, id)?)))
        }
        ("POST", [id]) => modify(account, call, id),
        ("DELETE", [id]) => {
            call.require(WRITE_RESOURCE)?;
            load(account, id)?;
            account.store.remove(USERS, id)?;
            Ok(Reply::Ok(account.deleted()))
        }
        ("GET", [id, "groups"]) => {
            call.require(READ_RESOURCE)?;
            let found = groups_of(account, load(account, id)?);
            let window = call.window(Some(100), 500, &account.switches)?;
            let total = found.len();
            Ok(window.page(total, window.rows(found, Value::clone)))
        }
        ("GET", [id, family @ ("phones" | "tokens")]) => {
            call.require(READ_RESOURCE)?;
            load(account, id)?;
            let found = devices::of_user(account, family, id);
            let window = call.window(Some(100), 500, &account.switches)?;
            let total = found.len();
            Ok(window.page(total, window.rows(found, Value::clone)))
        }
        ("POST", [id, "groups"]) => {
            call.require(WRITE_RESOURCE)?;
            let group = call.required("group_id")?;
            join(account, id, &group, true)
        }
        ("DELETE", [id, "groups", group]) => {
            call.require(WRITE_RESOURCE)?;
            join(account, id, group, false)
        }
        (_, [] | [_] | [_, "groups" | "phones" | "tokens"]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}

fn load<'a>(account: &'a Account, id: &str) -> Result<&'a Value, Reply> {
    account.store.get(USERS, id).ok_or_else(Reply::not_found)
}

fn groups_of<'a>(account: &'a Account, user: &Value) -> Vec<&'a Value> {
    let ids = user.get("groups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    ids.filter_map(|id| account.store.get(GROUPS, id)).collect()
}

fn show(account: &Account, user: &Value) -> Value {
    let mut shown = user.clone();
    let Value::Object(map) = &mut shown else { return shown };
    let id = user.get("user_id").and_then(Value::as_str).unwrap_or_default();
    map.insert("groups".to_owned(), json!(groups_of(account, user)));
    for family in ["phones", "tokens"] {
        map.insert(family.to_owned(), json!(devices::of_user(account, family, id)));
    }
    shown
}

/// The list, or the users of one `username` or `email`.
fn list(account: &Account, call: &Call) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    for name in ["username", "email"] {
        let Some(wanted) = call.text(name) else { continue };
        let is_wanted = |user: &&Value| user.get(name).and_then(Value::as_str) == Some(wanted.as_str());
        let found: Vec<&Value> = account.store.list(USERS).map(|(_, user)| user).filter(is_wanted).collect();
        let window = call.window(None, 300, &account.switches)?;
        let total = found.len();
        return Ok(window.page(total, window.rows(found, |user| show(account, user))));
    }
    let window = call.window(Some(100), 300, &account.switches)?;
    let rows = window.rows(account.store.list(USERS), |(_, user)| show(account, user));
    Ok(window.page(account.store.count(USERS), rows))
}

fn create(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let username = call.required("username")?;
    let taken =
        |(_, user): (&str, &Value)| user.get("username").and_then(Value::as_str) == Some(username.as_str());
    if account.store.list(USERS).any(taken) {
        return Err(Reply::invalid("username already exists"));
    }
    let id = account.next_id("DU", USERS)?;
    let mut user = user(&id, &username, call.now);
    write(&mut user, call)?;
    account.store.put(USERS, &id, Value::Object(user))?;
    Ok(Reply::Ok(show(account, load(account, &id)?)))
}

fn modify(account: &mut Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let Value::Object(mut user) = load(account, id)?.clone() else { return Err(Reply::internal()) };
    write(&mut user, call)?;
    account.store.put(USERS, id, Value::Object(user))?;
    Ok(Reply::Ok(show(account, load(account, id)?)))
}

fn write(user: &mut Map<String, Value>, call: &Call) -> Result<(), Reply> {
    for name in ["username", "email", "realname", "firstname", "lastname", "notes", "status"] {
        let Some(text) = call.text(name) else { continue };
        let fits = match name {
            "username" => !text.is_empty(),
            "status" => matches!(text.as_str(), "active" | "bypass" | "disabled"),
            _ => true,
        };
        if !fits {
            return Err(Reply::invalid(name));
        }
        user.insert(name.to_owned(), json!(text));
    }
    Ok(())
}

fn join(account: &mut Account, id: &str, group: &str, member: bool) -> Result<Reply, Reply> {
    let mut user = load(account, id)?.clone();
    account.store.get(GROUPS, group).ok_or_else(|| Reply::invalid("group_id"))?;
    if let Some(ids) = user.get_mut("groups").and_then(Value::as_array_mut) {
        ids.retain(|id| id != group);
        if member {
            ids.push(json!(group));
        }
    }
    account.store.put(USERS, id, user)?;
    Ok(Reply::Ok(json!("")))
}
