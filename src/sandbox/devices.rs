//! Phones, hardware tokens and endpoints: read only, so that a key's permissions can be probed with them.

use serde_json::Value;

use super::call::{Call, Paging, Reply};
use super::permissions::READ_RESOURCE;
use super::state::Account;

/// The devices of one family that belong to a user.
pub(super) fn of_user<'a>(account: &'a Account, family: &str, user: &str) -> Vec<&'a Value> {
    let belongs = |device: &&Value| {
        device.get("users").and_then(Value::as_array).is_some_and(|users| {
            users.iter().any(|owner| owner.get("user_id").and_then(Value::as_str) == Some(user))
        })
    };
    account.store.list(family).map(|(_, device)| device).filter(belongs).collect()
}

pub(super) fn answer(account: &Account, call: &Call, family: &str, rest: &[&str]) -> Result<Reply, Reply> {
    if family == "endpoints" && account.switches.essentials {
        return Err(Reply::forbidden());
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            call.require(READ_RESOURCE)?;
            let window = call.window(Paging::of(500), &account.switches)?;
            let rows = window.rows(account.store.list(family), |(_, device)| device.clone());
            Ok(window.page(account.store.count(family), rows))
        }
        ("GET", [id]) => {
            call.require(READ_RESOURCE)?;
            Ok(Reply::Ok(account.store.get(family, id).ok_or_else(Reply::not_found)?.clone()))
        }
        (_, [] | [_]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}
