//! Administrators, read-only (duo-api.md, section 5), and the methods with which they log in (policies.md, section 11).

use serde_json::{Map, Value, json};

use super::call::{self, Call, Paging, Reply};
use super::collections::{ADMINS, SETTINGS};
use super::logs::written::{self, Target};
use super::permissions::{READ_ADMINS, WRITE_ADMINS};
use super::state::Account;

/// The methods that a call can allow, and whether a new account allows them.
const METHODS: &[(&str, bool)] = &[
    ("hardware_token_enabled", true),
    ("mobile_otp_enabled", true),
    ("push_enabled", true),
    ("sms_enabled", false),
    ("verified_push_enabled", true),
    ("voice_enabled", false),
    ("yubikey_enabled", true),
];
/// Security keys: only replies have it.
const SECURITY_KEYS: &str = "webauthn_enabled";
const DIGITS: &str = "verified_push_length";
const METHODS_ID: &str = "allowed_auth_methods";

pub(super) fn answer(account: &mut Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    if let ("POST", [METHODS_ID]) = (call.method.as_str(), rest) {
        call.require(WRITE_ADMINS)?;
        return allow(account, call);
    }
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
        [METHODS_ID] => Ok(Reply::Ok(Value::Object(allowed(account)))),
        ["password_mgmt" | "activations"] => {
            let window = call.window(Paging::old(100), &account.switches)?;
            Ok(window.page(0, std::iter::empty()))
        }
        [id] => Ok(Reply::Ok(account.store.get(ADMINS, id).ok_or_else(Reply::not_found)?.clone())),
        _ => Err(Reply::not_found()),
    }
}

fn allowed(account: &Account) -> Map<String, Value> {
    let stored = account.store.get(SETTINGS, METHODS_ID).and_then(Value::as_object).cloned();
    stored.unwrap_or_else(|| {
        let methods = METHODS.iter().map(|(name, on)| ((*name).to_owned(), json!(on)));
        methods.chain([(SECURITY_KEYS.to_owned(), json!(true)), (DIGITS.to_owned(), json!(3))]).collect()
    })
}

/// A method that is not sent as true is switched off.
fn allow(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let mut allowed = allowed(account);
    for (name, _) in METHODS {
        let text = call.text(name).unwrap_or_else(|| "0".to_owned());
        let on = call::flag(&text).ok_or_else(|| Reply::invalid(name))?;
        allowed.insert((*name).to_owned(), json!(on));
    }
    let verifies = allowed.get("verified_push_enabled").and_then(Value::as_bool).unwrap_or_default();
    match call.number(DIGITS)? {
        None => {}
        Some(digits) if verifies && (3..=6).contains(&digits) => {
            allowed.insert(DIGITS.to_owned(), json!(digits));
        }
        Some(_) => return Err(Reply::invalid(DIGITS)),
    }
    account.store.put(SETTINGS, METHODS_ID, Value::Object(allowed.clone()))?;
    let target = Target { key: String::new(), kind: "settings", name: "Administrator login".to_owned() };
    written::record(account, call, "settings_update", &target)?;
    Ok(Reply::Ok(Value::Object(allowed)))
}
