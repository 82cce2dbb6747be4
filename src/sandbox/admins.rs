//! Administrators, read-only (duo-api.md, section 5).

use serde_json::json;

use super::call::{Call, Paging, Reply};
use super::collections::ADMINS;
use super::permissions::READ_ADMINS;
use super::state::Account;

pub(super) fn answer(account: &Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    if call.method != "GET" {
        return Err(Reply::wrong_method());
    }
    call.require(READ_ADMINS)?;
    match rest {
        [] => {
            let window = call.window(Paging::old(100), &account.switches)?;
            let rows = window.rows(account.store.list(ADMINS), |(_, admin)| admin.clone());
            Ok(window.page(account.store.count(ADMINS), rows))
        }
        ["allowed_auth_methods"] => Ok(Reply::Ok(json!({
            "hardware_token_enabled": true, "mobile_otp_enabled": true, "push_enabled": true, "sms_enabled": false,
            "verified_push_enabled": true, "verified_push_length": 3, "voice_enabled": false, "webauthn_enabled": true, "yubikey_enabled": true,
        }))),
        ["password_mgmt" | "activations"] => {
            let window = call.window(Paging::old(100), &account.switches)?;
            Ok(window.page(0, std::iter::empty()))
        }
        [id] => Ok(Reply::Ok(account.store.get(ADMINS, id).ok_or_else(Reply::not_found)?.clone())),
        _ => Err(Reply::not_found()),
    }
}
