//! Administrative units: which administrators manage which groups and applications (duo-api.md, section 7.3).

use serde_json::{Value, json};

use super::call::{Call, Paging, Reply};
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
    let (name, description) = (call.required("name")?, call.text("description").unwrap_or_default());
    let id = account.next_id("DA", UNITS)?;
    account.store.put(UNITS, &id, unit(&id, &name, &description))?;
    modify(account, call, &id)
}

fn modify(account: &mut Account, call: &Call, id: &str) -> Result<Reply, Reply> {
    call.require(WRITE_ADMINS)?;
    let mut unit = load(account, id)?;
    let Value::Object(map) = &mut unit else { return Err(Reply::internal()) };
    for name in ["name", "description"] {
        if let Some(text) = call.text(name) {
            map.insert(name.to_owned(), json!(text));
        }
    }
    for name in ["restrict_by_groups", "restrict_by_integrations"] {
        match call.text(name).map(|text| text.to_ascii_lowercase()).as_deref() {
            None => {}
            Some("true" | "1") => drop(map.insert(name.to_owned(), json!(true))),
            Some("false" | "0") => drop(map.insert(name.to_owned(), json!(false))),
            Some(_) => return Err(Reply::invalid(name)),
        }
    }
    account.store.put(UNITS, id, unit.clone())?;
    Ok(Reply::Ok(unit))
}

fn assign(account: &mut Account, id: &str, kind: &str, member: &str, add: bool) -> Result<Reply, Reply> {
    let mut unit = load(account, id)?;
    let (_, property, collection) =
        MEMBERS.iter().find(|(segment, _, _)| *segment == kind).ok_or_else(Reply::not_found)?;
    account.store.get(collection, member).ok_or_else(Reply::not_found)?;
    if let Some(ids) = unit.get_mut(*property).and_then(Value::as_array_mut) {
        ids.retain(|id| id != member);
        if add {
            ids.push(json!(member));
        }
    }
    account.store.put(UNITS, id, unit.clone())?;
    Ok(Reply::Ok(unit))
}
