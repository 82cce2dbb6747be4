//! Version 1 of the logs: up to 1000 records from a time in seconds on, oldest first, with its own wording.

use serde_json::{Value, json};

use super::records::{Log, Record, between};
use crate::sandbox::call::{Call, Reply};
use crate::sandbox::state::Account;

const ROWS: usize = 1000;

pub(super) fn list(account: &Account, call: &Call, log: Log) -> Result<Reply, Reply> {
    let time = |name: &str| match call.number(name)? {
        Some(..0) => Err(Reply::invalid(name)),
        time => Ok(time),
    };
    let (from, until) = (time("mintime")?.unwrap_or_default(), time("maxtime")?.unwrap_or(call.now));
    let records = between(account, log, from, until).take(ROWS);
    let rows = records.map(|record| match log {
        Log::Authentication => authentication(&record),
        Log::Activity => administrator(&record),
        Log::Telephony => telephony(&record),
        Log::Offline => offline(&record),
    });
    Ok(Reply::Ok(Value::Array(rows.collect())))
}

/// `user_approved` in version 1's wording: `User approved`.
fn sentence(text: &str) -> String {
    let text = text.replace('_', " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `duo_push` in version 1's wording: `Duo Push`.
fn title(text: &str) -> String {
    text.split('_').map(sentence).collect::<Vec<_>>().join(" ")
}

fn authentication(record: &Record<'_>) -> Value {
    let result = match record.text("/result") {
        "denied" => "FAILURE".to_owned(),
        other => other.to_uppercase(),
    };
    json!({
        "access_device": record.at("/access_device"), "alias": record.at("/alias"),
        "device": record.at("/auth_device/name"), "email": record.at("/email"), "factor": title(record.text("/factor")),
        "integration": record.at("/application/name"), "ip": record.at("/access_device/ip"),
        "isotimestamp": record.iso(), "location": record.at("/access_device/location"), "new_enrollment": false,
        "ood_software": record.at("/ood_software"), "reason": sentence(record.text("/reason")), "result": result,
        "timestamp": record.seconds(), "trusted_endpoint_status": record.at("/trusted_endpoint_status"),
        "txid": record.at("/txid"), "username": record.at("/user/name"),
    })
}

fn administrator(record: &Record<'_>) -> Value {
    let is_api = record.text("/actor/type") == "admin_api";
    let username = if is_api { "API" } else { record.text("/actor/name") };
    let description =
        json!({"ikey": record.at("/target/key"), "name": record.at("/target/name")}).to_string();
    json!({
        "action": record.at("/action"), "description": description, "isotimestamp": record.iso(),
        "object": record.at("/target/name"), "timestamp": record.seconds(), "username": username,
    })
}

fn telephony(record: &Record<'_>) -> Value {
    json!({
        "context": record.at("/context"), "credits": record.at("/credits"), "isotimestamp": record.iso(),
        "phone": record.at("/phone"), "timestamp": record.seconds(), "type": record.at("/type"),
    })
}

fn offline(record: &Record<'_>) -> Value {
    json!({
        "action": record.at("/action"), "description": record.at("/description"), "isotimestamp": record.iso(),
        "object": record.at("/object"), "timestamp": record.seconds(), "username": record.at("/username"),
    })
}
