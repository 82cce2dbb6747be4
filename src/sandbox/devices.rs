//! Phones, hardware tokens and endpoints: read-only, so that a key's permissions can be checked with them.

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

/// The filters of a list: phones by number, tokens by type and serial number (duo_client 5.7.0).
fn filters(call: &Call, family: &str) -> Result<Vec<(&'static str, String)>, Reply> {
    let names: &[&'static str] = match family {
        "phones" => &["number", "extension"],
        "tokens" => &["type", "serial"],
        _ => &[],
    };
    let given: Vec<_> = names.iter().filter_map(|name| Some((*name, call.text(name)?))).collect();
    if family == "tokens" && given.len() == 1 {
        call.required("type")?;
        call.required("serial")?;
    }
    Ok(given)
}

pub(super) fn answer(account: &Account, call: &Call, family: &str, rest: &[&str]) -> Result<Reply, Reply> {
    if family == "endpoints" && account.switches.essentials {
        return Err(Reply::forbidden());
    }
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            call.require(READ_RESOURCE)?;
            let window = call.window(Paging::of(500), &account.switches)?;
            let wanted = filters(call, family)?;
            let is_wanted = |device: &&Value| {
                wanted
                    .iter()
                    .all(|(name, text)| device.get(*name).and_then(Value::as_str) == Some(text.as_str()))
            };
            let found: Vec<&Value> =
                account.store.list(family).map(|(_, device)| device).filter(is_wanted).collect();
            Ok(window.page(found.len(), window.rows(found, Value::clone)))
        }
        ("GET", [id]) => {
            call.require(READ_RESOURCE)?;
            Ok(Reply::Ok(account.store.get(family, id).ok_or_else(Reply::not_found)?.clone()))
        }
        (_, [] | [_]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}
