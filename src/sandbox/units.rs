//! Administrative units: which administrators manage which groups and applications (policies.md, section 8).

use serde_json::{Value, json};

use super::call::{self, Call, Paging, Reply};
use super::collections::{ADMINS, GROUPS, INTEGRATIONS, UNITS};
use super::permissions::{READ_ADMINS, WRITE_ADMINS};
use super::state::Account;

/// The path segment of a member, the property that lists such members, and the collection they are in.
const MEMBERS: &[(&str, &str, &str)] = &[
    ("admin", "admins", ADMINS),
    ("group", "groups", GROUPS),
    ("integration", "integrations", INTEGRATIONS),
];

/// The query parameters of the list, and the property that each filters by.
const FILTERS: &[(&str, &str)] =
    &[("admin_id", "admins"), ("group_id", "groups"), ("integration_key", "integrations")];

pub(super) fn answer(account: &mut Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    match (call.method.as_str(), rest) {
        ("GET", []) => list(account, call),
        ("GET", [id]) => {
            call.require(READ_ADMINS)?;
            Ok(Reply::Ok(load(account, id)?))
        }
        ("POST", []) => create(account, call),
        ("POST", [id]) => modify(account, call, id),
        ("DELETE", [id]) => {
            call.require(WRITE_ADMINS)?;
            load(account, id)?;
            account.store.remove(UNITS, id)?;
            Ok(Reply::Ok(account.deleted()))
        }
        (method @ ("POST" | "DELETE"), [id, kind, member]) => {
            call.require(WRITE_ADMINS)?;
            assign(account, id, kind, member, method == "POST")
        }
        (_, [] | [_] | [_, _, _]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}

fn load(account: &Account, id: &str) -> Result<Value, Reply> {
    account.store.get(UNITS, id).cloned().ok_or_else(Reply::not_found)
}

/// The list omits the members, which only the single object shows.
fn list(account: &Account, call: &Call) -> Result<Reply, Reply> {
    call.require(READ_ADMINS)?;
    let wanted: Vec<(&str, String)> =
        FILTERS.iter().filter_map(|(name, property)| Some((*property, call.text(name)?))).collect();
    if wanted.len() > 1 {
        return Err(Reply::invalid("one filter at a time"));
    }
    let has = |unit: &Value, property: &str, id: &str| {
        unit.get(property).and_then(Value::as_array).is_some_and(|ids| ids.iter().any(|own| own == id))
    };
    let found: Vec<&Value> = account
        .store
        .list(UNITS)
        .map(|(_, unit)| unit)
        .filter(|unit| wanted.iter().all(|(property, id)| has(unit, property, id)))
        .collect();
    let window = call.window(Paging::old(100), &account.switches)?;
    let total = found.len();
    let rows = window.rows(found, |unit| {
        let mut unit = unit.clone();
        if let Value::Object(unit) = &mut unit {
            unit.retain(|name, _| !MEMBERS.iter().any(|(_, property, _)| property == name));
        }
        unit
    });
    Ok(window.page(total, rows))
}

/// A unit without members.
pub(super) fn unit(id: &str, name: &str, description: &str) -> Value {
    json!({
        "admin_unit_id": id, "admins": [], "description": description, "groups": [], "integrations": [], "name": name,
        "restrict_by_groups": false, "restrict_by_integrations": false,
    })
}

fn create(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    call.require(WRITE_ADMINS)?;
    let (name, description) = (call.required("name")?, call.required("description")?);
    let mut unit = unit("", &name, &description);
    write(account, call, &mut unit, None)?;
    let id = account.next_id("DA", UNITS)?;
    if let Value::Object(map) = &mut unit {
        map.insert("admin_unit_id".to_owned(), json!(id));
    }
    account.store.put(UNITS, &id, unit.clone())?;
    Ok(Reply::Ok(unit))
}

fn modify(account: &mut Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(WRITE_ADMINS)?;
    let mut unit = load(account, id)?;
    write(account, call, &mut unit, Some(id))?;
    account.store.put(UNITS, id, unit.clone())?;
    Ok(Reply::Ok(unit))
}

/// Its lists only add members (policies.md, section 8).
fn write(account: &Account, call: &Call, unit: &mut Value, own: Option<&str>) -> Result<(), Reply> {
    let Value::Object(map) = unit else { return Err(Reply::internal()) };
    for name in ["name", "description"] {
        let Some(text) = call.text(name) else { continue };
        if text.is_empty() {
            return Err(Reply::invalid(name));
        }
        map.insert(name.to_owned(), json!(text));
    }
    let name = map.get("name");
    let mut others = account.store.list(UNITS).filter(|(id, _)| Some(*id) != own);
    if others.any(|(_, other)| other.get("name") == name) {
        return Err(Reply::duplicate());
    }
    for name in ["restrict_by_groups", "restrict_by_integrations"] {
        if let Some(text) = call.text(name) {
            let on = call::flag(&text).ok_or_else(|| Reply::invalid(name))?;
            map.insert(name.to_owned(), json!(on));
        }
    }
    for (_, property, collection) in MEMBERS {
        for member in call.list(property)?.unwrap_or_default() {
            if !can_join(account, collection, &member) {
                return Err(Reply::invalid(property));
            }
            let ids = map.get_mut(*property).and_then(Value::as_array_mut);
            if let Some(ids) = ids.filter(|ids| ids.iter().all(|id| *id != member)) {
                ids.push(json!(member));
            }
        }
    }
    Ok(())
}

/// Whether it exists and, if it is an administrator, is restricted by units; an Owner never is.
fn can_join(account: &Account, collection: &str, member: &str) -> bool {
    let Some(found) = account.store.get(collection, member) else { return false };
    let is_restricted = found.get("restricted_by_admin_units").and_then(Value::as_bool).unwrap_or_default();
    let is_owner = found.get("role").and_then(Value::as_str) == Some("Owner");
    collection != ADMINS || (is_restricted && !is_owner)
}

fn assign(account: &mut Account, id: &str, kind: &str, member: &str, add: bool) -> Result<Reply, Reply> {
    let mut unit = load(account, id)?;
    let (_, property, collection) =
        MEMBERS.iter().find(|(segment, _, _)| *segment == kind).ok_or_else(Reply::not_found)?;
    account.store.get(collection, member).ok_or_else(Reply::not_found)?;
    if add && !can_join(account, collection, member) {
        return Err(Reply::invalid(property));
    }
    if let Some(ids) = unit.get_mut(*property).and_then(Value::as_array_mut) {
        ids.retain(|id| id != member);
        if add {
            ids.push(json!(member));
        }
    }
    account.store.put(UNITS, id, unit.clone())?;
    Ok(Reply::Ok(unit))
}
