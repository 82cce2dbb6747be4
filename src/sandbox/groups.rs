//! Groups (duo-api.md, section 7.1).

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collections::{GROUPS, USERS};
use super::permissions::{READ_RESOURCE, WRITE_RESOURCE};
use super::state::Account;
use super::users;

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
            Ok(Reply::Ok(group.clone()))
        }
        ("v2", "GET", [id, "users"]) => members(account, call, id),
        ("v1", "POST", [id]) => modify(account, call, id),
        ("v1", "DELETE", [id]) => {
            call.require(WRITE_RESOURCE)?;
            account.store.get(GROUPS, id).ok_or_else(Reply::not_found)?;
            // Users and applications keep the id, but no reading shows a group that is gone.
            account.store.remove(GROUPS, id)?;
            Ok(Reply::Ok(account.deleted()))
        }
        ("v1", _, [] | [_]) => Err(Reply::wrong_method()),
        _ => Err(Reply::not_found()),
    }
}

fn list(account: &Account, call: &Call) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    if let Some(ids) = call.text("group_id_list") {
        let ids: Vec<String> = serde_json::from_str(&ids).map_err(|_| Reply::invalid("group_id_list"))?;
        let found = ids.iter().filter_map(|id| account.store.get(GROUPS, id)).cloned();
        return Ok(Reply::Ok(Value::Array(found.collect())));
    }
    let window = call.window(None, 100, &account.switches)?;
    let rows = window.rows(account.store.list(GROUPS), |(_, group)| group.clone());
    Ok(window.page(account.store.count(GROUPS), rows))
}

fn members(account: &Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(READ_RESOURCE)?;
    account.store.get(GROUPS, id).ok_or_else(Reply::not_found)?;
    let members: Vec<&Value> =
        account.store.list(USERS).map(|(_, user)| user).filter(|user| users::is_in(user, id)).collect();
    let window = call.window(Some(100), 500, &account.switches)?;
    let total = members.len();
    let rows = window
        .rows(members, |user| json!({"user_id": user.get("user_id"), "username": user.get("username")}));
    Ok(window.page(total, rows))
}

/// A new group. Names are unique among groups made by API (duo-api.md, section 2.2, unconfirmed).
fn create(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let name = call.required("name")?;
    if account.store.list(GROUPS).any(|(_, group)| group.get("name") == Some(&json!(name))) {
        return Err(Reply::duplicate("name"));
    }
    let id = account.next_id("DG", GROUPS)?;
    let mut group = blank(&id, &name);
    write(&mut group, call)?;
    account.store.put(GROUPS, &id, group.clone())?;
    Ok(Reply::Ok(group))
}

fn modify(account: &mut Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(WRITE_RESOURCE)?;
    let mut group = account.store.get(GROUPS, id).ok_or_else(Reply::not_found)?.clone();
    write(&mut group, call)?;
    account.store.put(GROUPS, id, group.clone())?;
    Ok(Reply::Ok(group))
}

/// A group with nothing but a name. The legacy factor flags have no effect (trap 33).
pub(super) fn blank(id: &str, name: &str) -> Value {
    json!({
        "desc": "", "group_id": id, "mobile_otp_enabled": true, "name": name, "push_enabled": true,
        "sms_enabled": true, "status": "active", "voice_enabled": true,
    })
}

fn write(group: &mut Value, call: &Call) -> Result<(), Reply> {
    let Value::Object(group) = group else { return Err(Reply::internal()) };
    for name in ["name", "desc", "status"] {
        let Some(text) = call.text(name) else { continue };
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
