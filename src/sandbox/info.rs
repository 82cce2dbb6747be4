//! Counts of the account (duo-api.md, section 7.5).

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::collections::{ADMINS, INTEGRATIONS, USERS};
use super::logs::records::{Log, between};
use super::settings;
use super::state::Account;

pub(super) fn answer(account: &Account, call: &Call, rest: &[&str]) -> Result<Reply, Reply> {
    let known =
        ["summary", "telephony_credits_used", "authentication_attempts", "user_authentication_attempts"];
    let [name] = rest else { return Err(Reply::not_found()) };
    if !known.contains(name) {
        return Err(Reply::not_found());
    }
    if call.method != "GET" {
        return Err(Reply::wrong_method());
    }
    call.require(&["adminapi_info"])?;
    match *name {
        "summary" => Ok(Reply::Ok(summary(account))),
        "telephony_credits_used" => Ok(Reply::Ok(json!({"telephony_credits_used": 12}))),
        attempts => {
            let (from, until) = period(call)?;
            let counted = count(account, attempts, from, until);
            let key =
                if attempts == "authentication_attempts" { attempts } else { "user_authentication_attempts" };
            Ok(Reply::Ok(json!({key: counted, "mintime": from, "maxtime": until})))
        }
    }
}

fn summary(account: &Account) -> Value {
    let mut summary = json!({
        "admin_count": account.store.count(ADMINS),
        "integration_count": account.store.count(INTEGRATIONS), "telephony_credits_remaining": 960,
        "user_count": account.store.count(USERS), "user_pending_deletion_count": 0,
    });
    if account.switches.show_edition
        && let Value::Object(summary) = &mut summary
    {
        summary.insert("edition".to_owned(), json!(settings::edition(account)));
    }
    summary
}

/// The period of the call; the last 30 days by default.
fn period(call: &Call) -> Result<(i64, i64), Reply> {
    let until = call.number("maxtime")?.unwrap_or(call.now);
    Ok((call.number("mintime")?.unwrap_or(until - 30 * 86_400), until))
}

fn count(account: &Account, attempts: &str, from: i64, until: i64) -> Value {
    let mut counts = Map::new();
    for record in between(account, Log::Authentication, from, until) {
        let result = match record.text("/result") {
            "success" => "SUCCESS",
            "fraud" => "FRAUD",
            _ => "FAILURE",
        };
        let counts = if attempts == "authentication_attempts" {
            &mut counts
        } else {
            let user = counts.entry(record.text("/user/name")).or_insert_with(|| json!({}));
            let Value::Object(user) = user else { continue };
            user
        };
        let so_far = counts.get(result).and_then(Value::as_u64).unwrap_or_default();
        counts.insert(result.to_owned(), json!(so_far + 1));
    }
    Value::Object(counts)
}
