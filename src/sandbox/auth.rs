//! The Auth API, as far as it can be called without contacting a person (duo-api.md, section 6).

use std::io;

use serde_json::{Map, Value, json};

use super::application::Application;
use super::call::{Call, Reply};
use super::collections::{TRANSACTIONS, USERS};
use super::devices;
use super::logs::written::Login;
use super::state::Account;
use super::switches::UnknownTransaction;

/// A transparent picture of one pixel.
#[rustfmt::skip]
const LOGO: &[u8] = &[
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 6,
    0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 13, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1, 0x0d,
    0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// `/auth/v2/*`.
pub(super) fn answer(account: &mut Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    match (call.method.as_str(), rest) {
        ("GET", ["ping" | "check"]) => Ok(Reply::Ok(json!({"time": call.now}))),
        ("GET", ["logo"]) => Ok(Reply::Raw { content_type: "image/png", body: LOGO.to_vec() }),
        ("POST", ["preauth"]) => preauth(account, call),
        ("POST", ["auth"]) => authenticate(account, call),
        ("GET", ["auth_status"]) => status(account, call),
        ("POST", ["enroll_status"]) => {
            call.required("user_id")?;
            call.required("activation_code")?;
            Ok(Reply::Ok(json!("invalid")))
        }
        (_, ["ping" | "check" | "logo" | "preauth" | "auth" | "auth_status" | "enroll_status"]) => {
            Err(Reply::wrong_method())
        }
        (_, _) => Err(Reply::not_found()),
    }
}

/// `/rest/v1/*`: only the checks.
pub(super) fn answer_v1(call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    match (call.method.as_str(), rest) {
        ("GET", ["ping"]) => Ok(Reply::Ok(json!("pong"))),
        ("GET", ["check"]) => Ok(Reply::Ok(json!("valid"))),
        (_, ["ping" | "check"]) => Err(Reply::wrong_method()),
        (_, _) => Err(Reply::not_found()),
    }
}

fn find(account: &Account, call: &Call) -> Result<Option<Value>, Reply> {
    if let Some(id) = call.text("user_id") {
        let user = account.store.get(USERS, &id).cloned();
        return user.map(Some).ok_or_else(|| Reply::invalid("user_id"));
    }
    let name = call.required("username")?;
    let is_named = |user: &&Value| user.get("username").and_then(Value::as_str) == Some(name.as_str());
    Ok(account.store.list(USERS).map(|(_, user)| user).find(is_named).cloned())
}

fn preauth(account: &Account, call: &Call) -> Result<Reply, Reply> {
    let Some(user) = find(account, call)? else {
        let text = "Enroll an authentication device to proceed";
        let url = format!("https://{}/portal?code=sandbox", call.authority);
        return Ok(Reply::Ok(json!({"enroll_portal_url": url, "result": "enroll", "status_msg": text})));
    };
    let reply = match user.get("status").and_then(Value::as_str) {
        Some("bypass") => json!({"result": "allow", "status_msg": "Account is in bypass"}),
        Some("disabled") => json!({"result": "deny", "status_msg": "Account is disabled"}),
        _ => {
            json!({"devices": devices_of(account, &user), "result": "auth", "status_msg": "Account is active"})
        }
    };
    Ok(Reply::Ok(reply))
}

fn devices_of(account: &Account, user: &Value) -> Vec<Value> {
    let id = user.get("user_id").and_then(Value::as_str).unwrap_or_default();
    let phones = devices::of_user(account, "phones", id).into_iter().map(|phone| {
        json!({
            "capabilities": ["auto", "push", "sms", "phone", "mobile_otp"], "device": phone.get("phone_id"),
            "display_name": "iOS (XXX-XXX-0100)", "name": phone.get("name"), "number": "XXX-XXX-0100", "type": "phone",
        })
    });
    let tokens = devices::of_user(account, "tokens", id)
        .into_iter()
        .map(|token| json!({"device": token.get("token_id"), "name": token.get("serial"), "type": "token"}));
    phones.chain(tokens).collect()
}

/// The result of a transaction.
fn status(account: &Account, call: &Call) -> Result<Reply, Reply> {
    let txid = call.required("txid")?;
    let outcome = match (account.store.get(TRANSACTIONS, &txid), account.switches.unknown_transaction) {
        (Some(outcome), _) => outcome.clone(),
        (None, UnknownTransaction::Denied) => outcome("deny"),
        (None, UnknownTransaction::Invalid) => return Err(Reply::invalid("txid")),
    };
    let mut reply = Map::from_iter([("auth_delayed".to_owned(), json!(false))]);
    reply.extend(outcome.as_object().cloned().unwrap_or_default());
    Ok(Reply::Ok(Value::Object(reply)))
}

/// There is no one to answer a push, so it is denied at once. The texts are recorded ones.
fn outcome(factor: &str) -> Value {
    let (status, text) = match factor {
        "sms" => ("sent", "New SMS passcodes sent."),
        "passcode" => ("deny", "Incorrect passcode. Please try again."),
        _ => ("deny", "Login request denied."),
    };
    json!({"result": "deny", "status": status, "status_msg": text})
}

/// Adds the login to the authentication log, as Duo does for every login. Returns the transaction's id.
fn record(account: &mut Account, call: &Call, user: &Value, factor: &str) -> io::Result<String> {
    let ikey = call.caller.as_ref().map(|caller| caller.ikey.clone()).unwrap_or_default();
    let name = Application::load(&account.store, &ikey).map(|application| application.name);
    let login = Login {
        application: (&ikey, name.as_deref().unwrap_or_default()),
        user,
        factor: Some(factor_in_log(factor)),
        reason: "user_cancelled",
        result: "denied",
        address: call.peer.to_string(),
    };
    login.note(account, call.now * 1000)
}

/// The name of an Auth API factor in the authentication log.
fn factor_in_log(factor: &str) -> &str {
    match factor {
        "phone" => "phone_call",
        "sms" => "sms_refresh",
        "passcode" => "passcode",
        _ => "duo_push",
    }
}

fn authenticate(account: &mut Account, call: &Call) -> Result<Reply, Reply> {
    let factor = call.required("factor")?;
    if !matches!(factor.as_str(), "auto" | "push" | "passcode" | "sms" | "phone") {
        return Err(Reply::invalid("factor"));
    }
    let user = find(account, call)?.ok_or_else(|| Reply::invalid("username"))?;
    if factor != "passcode" && devices_of(account, &user).is_empty() {
        return Err(Reply::invalid("no capable device"));
    }
    let txid = record(account, call, &user, &factor)?;
    let outcome = outcome(&factor);
    if call.text("async").as_deref() == Some("1") {
        account.store.put(TRANSACTIONS, &txid, outcome)?;
        return Ok(Reply::Ok(json!({"txid": txid})));
    }
    Ok(Reply::Ok(outcome))
}
