//! The Accounts API: child accounts by name only; their content is not simulated (duo-api.md, section 8).

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::collections::ACCOUNTS;
use super::state::Account;

pub(super) fn answer(account: &mut Account, call: &Call, action: &str) -> Result<Reply, Reply> {
    if call.method != "POST" {
        return Err(Reply::wrong_method());
    }
    match action {
        "list" => {
            let children = account.store.list(ACCOUNTS).map(|(_, child)| child.clone());
            Ok(Reply::Ok(Value::Array(children.collect())))
        }
        "create" => {
            let name = call.required("name")?;
            let id = account.next_id("DA", ACCOUNTS)?;
            let host: String =
                id.to_lowercase().chars().skip(2).filter(char::is_ascii_hexdigit).take(8).collect();
            let hostname = format!("api-{host:0<8}.duosecurity.com");
            let child = json!({"account_id": id, "api_hostname": hostname, "name": name});
            account.store.put(ACCOUNTS, &id, child.clone())?;
            Ok(Reply::Ok(child))
        }
        "delete" => {
            let id = call.required("account_id")?;
            account.store.get(ACCOUNTS, &id).ok_or_else(|| Reply::invalid("account_id"))?;
            account.store.remove(ACCOUNTS, &id)?;
            Ok(Reply::Ok(json!("")))
        }
        _ => Err(Reply::not_found()),
    }
}

/// The answer to a call on a child account with the parent's key.
pub(super) fn for_child(account: &Account, call: &Call) -> Reply {
    let child = call.text("account_id").unwrap_or_default();
    match account.store.get(ACCOUNTS, &child) {
        Some(_) => Reply::not_simulated("the content of a child account"),
        None => Reply::forbidden(),
    }
}
