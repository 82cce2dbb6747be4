//! Users, as far as groups and counts need them (duo-api.md, section 7.4).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::call::{Call, Paging, Reply};
use super::collections::{GROUPS, USERS};
use super::message::pairs;
use super::permissions::{READ_RESOURCE, WRITE_RESOURCE};
use super::state::Account;
use super::{devices, groups};

const ALIASES: &[&str] = &["alias1", "alias2", "alias3", "alias4", "alias5", "alias6", "alias7", "alias8"];

/// A new user without groups or devices.
pub(super) fn user(id: &str, username: &str, now: i64) -> Map<String, Value> {
    let fields = json!({
        "alias1": null, "alias2": null, "alias3": null, "alias4": null, "aliases": {}, "created": now,
        "custom_attributes": {}, "email": "", "enable_auto_prompt": true, "external_id": null, "firstname": null, "groups": [],
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
            account.may_be_deleted(USERS, id)?;
            account.store.remove(USERS, id)?;
            Ok(Reply::Ok(account.deleted()))
        }
        ("GET", [id, "groups"]) => {
            call.require(READ_RESOURCE)?;
            let found = groups_of(account, load(account, id)?);
            let window = call.window(Paging::of(500), &account.switches)?;
            let total = found.len();
            Ok(window.page(total, window.rows(found, |group| groups::show(group, &account.switches))))
        }
        ("GET", [id, family @ ("phones" | "tokens")]) => {
            call.require(READ_RESOURCE)?;
            load(account, id)?;
            let found = devices::of_user(account, family, id);
            let window = call.window(Paging::of(500), &account.switches)?;
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
    let groups =
        groups_of(account, user).into_iter().map(|group| groups::show_nested(group, &account.switches));
    map.insert("groups".to_owned(), groups.collect());
    for family in ["phones", "tokens"] {
        map.insert(family.to_owned(), json!(devices::of_user(account, family, id)));
    }
    shown
}

/// The names with which a user logs in.
fn names(user: &Value) -> impl Iterator<Item = &str> {
    let aliases = user.get("aliases").and_then(Value::as_object).into_iter().flat_map(Map::values);
    user.get("username").into_iter().chain(aliases).filter_map(Value::as_str)
}

/// The list, or the users that match a filter: unpaged lists of ids or names, or one name or address.
fn list(account: &Account, call: &Call) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    let (ids, usernames) = (call.json_list("user_id_list")?, call.json_list("username_list")?);
    let (username, email) = (call.text("username"), call.text("email"));
    let filters = [ids.is_some(), usernames.is_some(), username.is_some(), email.is_some()];
    if filters.iter().filter(|given| **given).count() > 1 {
        return Err(Reply::invalid("one filter at a time"));
    }
    let has = |list: &[String], name: &str| list.iter().any(|wanted| wanted == name);
    let is_wanted = |id: &str, user: &Value| {
        let of_email = |wanted: &str| user.get("email").and_then(Value::as_str) == Some(wanted);
        ids.as_ref().is_none_or(|ids| has(ids, id))
            && usernames.as_ref().is_none_or(|list| names(user).any(|name| has(list, name)))
            && username.as_ref().is_none_or(|wanted| names(user).any(|name| name == wanted))
            && email.as_deref().is_none_or(of_email)
    };
    let found: Vec<&Value> =
        account.store.list(USERS).filter(|(id, user)| is_wanted(id, user)).map(|(_, user)| user).collect();
    if ids.is_some() || usernames.is_some() {
        return Ok(Reply::Ok(found.into_iter().map(|user| show(account, user)).collect()));
    }
    let window = call.window(Paging::of(300), &account.switches)?;
    let total = found.len();
    Ok(window.page(total, window.rows(found, |user| show(account, user))))
}

fn create(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let username = call.required("username")?;
    check_names(account, call, None)?;
    let id = account.next_id("DU", USERS)?;
    let mut user = user(&id, &username, call.now);
    write(&mut user, call)?;
    account.store.put(USERS, &id, Value::Object(user))?;
    Ok(Reply::Ok(show(account, load(account, &id)?)))
}

fn modify(account: &mut Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let Value::Object(mut user) = load(account, id)?.clone() else { return Err(Reply::internal()) };
    check_names(account, call, Some(id))?;
    write(&mut user, call)?;
    account.store.put(USERS, id, Value::Object(user))?;
    Ok(Reply::Ok(show(account, load(account, id)?)))
}

/// No two users may share a login name.
fn check_names(account: &Account, call: &Call, own: Option<&str>) -> Result<(), Reply> {
    let wanted: Vec<String> = call.text("username").into_iter().chain(aliases(call)?.into_values()).collect();
    let mut others = account.store.list(USERS).filter(|(id, _)| Some(*id) != own);
    let taken = |user: &Value| names(user).any(|name| wanted.iter().any(|wanted| wanted == name));
    if others.any(|(_, user)| taken(user)) { Err(Reply::invalid("username already exists")) } else { Ok(()) }
}

/// `alias1` to `alias8`, separately or all in `aliases`: as an object, or as pairs in one text. Empty removes one.
fn aliases(call: &Call) -> Result<BTreeMap<String, String>, Reply> {
    let mut found = BTreeMap::new();
    match call.params.get("aliases") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => found.extend(pairs(text)),
        Some(Value::Object(map)) => {
            for (name, value) in map {
                let text = value.as_str().ok_or_else(|| Reply::invalid("aliases"))?;
                found.insert(name.clone(), text.to_owned());
            }
        }
        Some(_) => return Err(Reply::invalid("aliases")),
    }
    for name in ALIASES {
        found.extend(call.text(name).map(|text| ((*name).to_owned(), text)));
    }
    match found.keys().find(|name| !ALIASES.contains(&name.as_str())) {
        Some(_) => Err(Reply::invalid("aliases")),
        None => Ok(found),
    }
}

fn write(user: &mut Map<String, Value>, call: &Call) -> Result<(), Reply> {
    for name in ["username", "email", "realname", "firstname", "lastname", "notes", "status", "external_id"] {
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
    for (name, text) in aliases(call)? {
        // The first four are also shown outside the map.
        let text = (!text.is_empty()).then_some(text);
        if user.contains_key(&name) {
            user.insert(name.clone(), json!(text));
        }
        if let Some(Value::Object(map)) = user.get_mut("aliases") {
            map.remove(&name);
            map.extend(text.map(|text| (name, json!(text))));
        }
    }
    for (name, value) in &call.params {
        let Some(name) = name.strip_prefix("custom_attributes.") else { continue };
        if let Value::Object(map) = user.entry("custom_attributes").or_insert_with(|| json!({})) {
            map.insert(name.to_owned(), value.clone());
        }
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
