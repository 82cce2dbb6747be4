//! Groups (policies.md, section 7).

use serde_json::{Value, json};

use super::call::{Call, Paging, Reply};
use super::collections::{GROUPS, INTEGRATIONS, POLICIES, UNITS, USERS};
use super::logs::written::{self, Target};
use super::permissions::{READ_RESOURCE, WRITE_RESOURCE};
use super::state::Account;
use super::switches::{StatusCase, Switches, SyncedGroups};

pub(super) fn answer(
    account: &mut Account,
    call: &Call,
    version: &str,
    rest: &[&str],
) -> Result<Reply, Reply> {
    match (version, call.method.as_str(), rest) {
        ("v1", "GET", []) => list(account, call),
        ("v1", "POST", []) => create(account, call),
        ("v1" | "v2", "GET", [id]) => {
            call.require(READ_RESOURCE)?;
            let group = account.store.get(GROUPS, id).ok_or_else(Reply::not_found)?;
            Ok(Reply::Ok(show(group, &account.switches)))
        }
        ("v2", "GET", [id, "users"]) => members(account, call, id),
        ("v1", "POST", [id]) => modify(account, call, id),
        ("v1", "DELETE", [id]) => {
            call.require(WRITE_RESOURCE)?;
            account.may_be_deleted(GROUPS, id)?;
            if account.switches.keep_used_groups && is_used(account, id) {
                return Err(Reply::invalid("group_id"));
            }
            let target = target(account, id);
            // Users and applications keep the id, but reads do not show a deleted group.
            account.store.remove(GROUPS, id)?;
            if let Some(target) = target {
                written::record(account, call, "group_delete", &target)?;
            }
            Ok(Reply::Ok(account.deleted()))
        }
        ("v1", _, [] | [_]) => Err(Reply::wrong_method()),
        _ => Err(Reply::not_found()),
    }
}

/// Whether a stored user is a member of a group.
pub(super) fn is_in(user: &Value, group: &str) -> bool {
    user.get("groups").and_then(Value::as_array).is_some_and(|ids| ids.iter().any(|id| id == group))
}

/// Whether an application, a policy or an administrative unit names a group.
fn is_used(account: &Account, id: &str) -> bool {
    let names = |value: Option<&Value>| {
        value.and_then(Value::as_array).is_some_and(|ids| ids.iter().any(|known| known == id))
    };
    let by_application = |stored: &Value| {
        let bindings = stored.get("group_policies").and_then(Value::as_array);
        names(stored.get("groups_allowed"))
            || bindings.is_some_and(|all| all.iter().any(|binding| names(binding.get("group_ids"))))
    };
    account.store.list(INTEGRATIONS).any(|(_, stored)| by_application(stored))
        || account.store.list(POLICIES).any(|(_, policy)| names(policy.get("user_groups")))
        || account.store.list(UNITS).any(|(_, unit)| names(unit.get("groups")))
}

/// Whether a group comes from a directory: its name says from which one (policies.md, section 7).
fn is_synced(group: &Value) -> bool {
    let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
    name.contains(" (from ") && name.ends_with("\")")
}

fn target(account: &Account, id: &str) -> Option<Target> {
    let name = account.store.get(GROUPS, id)?.get("name")?.as_str()?.to_owned();
    Some(Target { key: id.to_owned(), kind: "group", name })
}

fn list(account: &Account, call: &Call) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    if let Some(ids) = call.json_list("group_id_list")? {
        let found = ids.iter().filter_map(|id| account.store.get(GROUPS, id));
        return Ok(Reply::Ok(found.map(|group| show(group, &account.switches)).collect()));
    }
    let window = call.window(Paging::old(300), &account.switches)?;
    let rows = window.rows(account.store.list(GROUPS), |(_, group)| show(group, &account.switches));
    Ok(window.page(account.store.count(GROUPS), rows))
}

fn members(account: &Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    account.store.get(GROUPS, id).ok_or_else(Reply::not_found)?;
    let members: Vec<&Value> =
        account.store.list(USERS).map(|(_, user)| user).filter(|user| is_in(user, id)).collect();
    let window = call.window(Paging::of(500), &account.switches)?;
    let total = members.len();
    let rows = window
        .rows(members, |user| json!({"user_id": user.get("user_id"), "username": user.get("username")}));
    Ok(window.page(total, rows))
}

/// A group as returned by a read: its status is stored in lower case and shown capitalised (duo-api.md, correction to 7.1).
pub(super) fn show(group: &Value, switches: &Switches) -> Value {
    let mut shown = group.clone();
    let status = group.get("status").and_then(Value::as_str).unwrap_or_default();
    if let (Value::Object(shown), StatusCase::Capitalized) = (&mut shown, switches.group_status) {
        let mut letters = status.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        shown.insert("status".to_owned(), json!(first.into_iter().chain(letters).collect::<String>()));
    }
    shown
}

/// A group inside a user.
pub(super) fn show_nested(group: &Value, switches: &Switches) -> Value {
    if switches.short_groups {
        return json!({"desc": group.get("desc"), "name": group.get("name")});
    }
    show(group, switches)
}

/// Names are unique among groups created by the API (duo-api.md, correction to section 2.2).
fn check_name(account: &Account, name: &str, own: Option<&str>) -> Result<(), Reply> {
    let mut others = account.store.list(GROUPS).filter(|(id, _)| Some(*id) != own);
    let taken = others.any(|(_, group)| group.get("name").and_then(Value::as_str) == Some(name));
    if taken { Err(Reply::duplicate()) } else { Ok(()) }
}

/// A new group.
fn create(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let name = call.required("name")?;
    check_name(account, &name, None)?;
    let id = account.next_id("DG", GROUPS)?;
    let mut group = blank(&id, &name);
    write(&mut group, call)?;
    account.store.put(GROUPS, &id, group.clone())?;
    log(account, call, "group_create", &id)?;
    Ok(Reply::Ok(show(&group, &account.switches)))
}

fn modify(account: &mut Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let mut group = account.store.get(GROUPS, id).ok_or_else(Reply::not_found)?.clone();
    if let Some(name) = call.text("name") {
        check_name(account, &name, Some(id))?;
    }
    if is_synced(&group) {
        check_synced(account, call, &group)?;
    }
    write(&mut group, call)?;
    account.store.put(GROUPS, id, group.clone())?;
    log(account, call, "group_update", id)?;
    Ok(Reply::Ok(show(&group, &account.switches)))
}

/// What the directory owns cannot be written.
fn check_synced(account: &Account, call: &Call, group: &Value) -> Result<(), Reply> {
    let renamed = call.text("name").is_some_and(|name| group.get("name") != Some(&json!(name)));
    let written = ["name", "desc", "status"].into_iter().find(|name| call.params.contains_key(*name));
    match (account.switches.synced_groups, written) {
        (SyncedGroups::Refused, Some(name)) => Err(Reply::invalid(name)),
        _ if renamed => Err(Reply::invalid("name")),
        _ => Ok(()),
    }
}

fn log(account: &mut Account, call: &Call, action: &str, id: &str) -> Result<(), Reply> {
    if let Some(target) = target(account, id) {
        written::record(account, call, action, &target)?;
    }
    Ok(())
}

/// A group with only a name. The legacy factor flags have no effect (trap 33).
pub(super) fn blank(id: &str, name: &str) -> Value {
    json!({
        "desc": "", "group_id": id, "mobile_otp_enabled": true, "name": name, "push_enabled": true,
        "sms_enabled": true, "status": "active", "voice_enabled": true,
    })
}

fn write(group: &mut Value, call: &Call) -> Result<(), Reply> {
    let Value::Object(group) = group else { return Err(Reply::internal()) };
    for name in ["name", "desc", "status"] {
        let Some(mut text) = call.text(name) else { continue };
        if name == "status" {
            text.make_ascii_lowercase();
        }
        let fits = match name {
            "name" => !text.is_empty(),
            "status" => matches!(text.as_str(), "active" | "bypass" | "disabled"),
            _ => true,
        };
        if !fits {
            return Err(Reply::invalid(name));
        }
        group.insert(name.to_owned(), json!(text));
    }
    Ok(())
}
