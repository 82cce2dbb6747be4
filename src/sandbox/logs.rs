//! Logs: authentications, administrators' actions, telephony (duo-api.md, sections 2.4 and 5).

use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::application::Application;
use super::call::{Call, Reply};
use super::collections::ADMINS;
use super::ids;
use super::state::Account;

pub(super) const AUTHENTICATION: &str = "log_authentication";
pub(super) const ACTIVITY: &str = "log_activity";
/// How long records are kept.
const DAYS_KEPT: i64 = 180;

pub(super) const TELEPHONY: &str = "log_telephony";

/// What an administrator's action was done to.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) key: String,
    pub(super) kind: &'static str,
    pub(super) name: String,
}

impl From<&Application> for Target {
    fn from(application: &Application) -> Self {
        Self { key: application.integration_key.clone(), kind: "integration", name: application.name.clone() }
    }
}

/// The id of a log record: its time in milliseconds and a number, so that the store keeps them in order of time.
fn record_id(milliseconds: i64, number: usize) -> String {
    format!("{milliseconds:015}-{number:06}")
}

/// Adds a record. `ts` is set from the time.
pub(super) fn add(account: &mut Account, log: &str, milliseconds: i64, mut record: Value) -> io::Result<()> {
    if let (Value::Object(record), Ok(time)) = (&mut record, Timestamp::from_millisecond(milliseconds)) {
        record.insert("ts".to_owned(), json!(time.to_string()));
    }
    let number = account.store.count(log);
    account.store.put(log, &record_id(milliseconds, number), record)
}

/// Notes who did what to an application, as Duo's own activity log does.
pub(super) fn record(account: &mut Account, call: &Call, action: &str, target: &Target) -> io::Result<()> {
    let ikey = call.caller.as_ref().map(|caller| caller.ikey.clone()).unwrap_or_default();
    let name = Application::load(&account.store, &ikey).map(|application| application.name);
    let number = u64::try_from(account.store.count(ACTIVITY)).unwrap_or_default();
    let actor = match &name {
        Some(name) => json!({"details": null, "key": ikey, "name": name, "type": "admin_api"}),
        None => administrator(account),
    };
    let record = json!({
        "access_device": {"ip": {"address": call.peer.to_string()}}, "action": action,
        "activity_id": ids::uuid("activity", number), "actor": actor, "application": null, "old_target": null,
        "outcome": {"result": "SUCCESS"},
        "target": {"details": null, "key": target.key, "name": target.name, "type": target.kind},
    });
    add(account, ACTIVITY, call.now * 1000, record)
}

/// Whoever works in the Admin Panel: the account's owner.
fn administrator(account: &Account) -> Value {
    let mut admins = account.store.list(ADMINS).map(|(_, admin)| admin);
    let owner = admins.find(|admin| admin.get("role").and_then(Value::as_str) == Some("Owner"));
    let of = |key: &str| owner.and_then(|owner| owner.get(key)).and_then(Value::as_str).unwrap_or_default();
    let name = if of("name").is_empty() { "Admin Panel" } else { of("name") };
    let details = json!({"email": of("email"), "role": of("role"), "status": of("status")}).to_string();
    json!({"details": details, "key": of("admin_id"), "name": name, "type": "admin"})
}

fn time_of(id: &str) -> i64 {
    id.split('-').next().and_then(|time| time.parse().ok()).unwrap_or_default()
}

/// The records of a period in seconds, oldest first, both ends included.
pub(super) fn between<'a>(
    account: &'a Account,
    log: &str,
    from: i64,
    until: i64,
) -> impl Iterator<Item = &'a Value> {
    let inside = move |(id, _): &(&str, &Value)| (from * 1000..=until * 1000 + 999).contains(&time_of(id));
    account.store.list(log).filter(inside).map(|(_, record)| record)
}

pub(super) fn answer(account: &Account, call: &Call, version: &str, rest: &[&str]) -> Result<Reply, Reply> {
    let log = match (version, rest) {
        (_, ["authentication"]) => AUTHENTICATION,
        ("v2", ["activity"]) | ("v1", ["administrator"]) => ACTIVITY,
        (_, ["telephony"]) => TELEPHONY,
        _ => return Err(Reply::not_found()),
    };
    if call.method != "GET" {
        return Err(Reply::wrong_method());
    }
    call.require(&["adminapi_read_log"])?;
    if version == "v1" { list_v1(account, call, log) } else { list_v2(account, call, log) }
}

/// Version 2: both times are required, in milliseconds; pages are chained by a cursor of time and id.
fn list_v2(account: &Account, call: &Call, log: &str) -> Result<Reply, Reply> {
    let time = |name| {
        let number = call.number(name)?.ok_or_else(|| Reply::missing(name))?;
        if (1_000_000_000_000..10_000_000_000_000).contains(&number) {
            Ok(number)
        } else {
            Err(Reply::invalid(name))
        }
    };
    let (from, until) = (time("mintime")?, time("maxtime")?);
    if from > until {
        return Err(Reply::invalid("mintime"));
    }
    let limit = match call.number("limit")? {
        None => 100,
        Some(limit) => usize::try_from(limit).map_err(|_| Reply::invalid("limit"))?.clamp(1, 1000),
    };
    let cursor = cursor(call)?;
    let newest_first = call.text("sort").is_none_or(|sort| !sort.ends_with(":asc"));
    let inside = |(id, _): &(&str, &Value)| (from..=until).contains(&time_of(id));
    let applications = if account.switches.log_filters { wanted_applications(call) } else { Vec::new() };
    let of_wanted = |(_, record): &(&str, &Value)| {
        let key = record.pointer("/application/key").and_then(Value::as_str).unwrap_or_default();
        log != AUTHENTICATION || applications.is_empty() || applications.iter().any(|wanted| wanted == key)
    };
    let kept = |(id, _): &(&str, &Value)| time_of(id) >= (call.now - DAYS_KEPT * 86_400) * 1000;
    let mut records: Vec<_> = account.store.list(log).filter(inside).filter(of_wanted).filter(kept).collect();
    if newest_first {
        records.reverse();
    }
    let start = match &cursor {
        None => 0,
        Some(cursor) => {
            records.iter().position(|(id, _)| id == cursor).ok_or_else(|| Reply::invalid("next_offset"))?
        }
    };
    let next = records.get(start + limit).map(|(id, _)| (time_of(id).to_string(), *id));
    let total = records.len();
    // The cursor is a pair for authentications and one text for the others (duo_client 5.7.0).
    let metadata = match log {
        AUTHENTICATION => json!({"next_offset": next, "total_objects": total}),
        _ => json!({
            "next_offset": next.map(|(time, id)| format!("{time},{id}")),
            "total_objects": {"relation": "eq", "value": total},
        }),
    };
    let rows: Vec<Value> =
        records.into_iter().skip(start).take(limit).map(|(_, record)| record.clone()).collect();
    let key = if log == AUTHENTICATION { "authlogs" } else { "items" };
    Ok(Reply::Ok(json!({key: rows, "metadata": metadata})))
}

/// The applications that the caller limits the authentication log to, once or repeated, separated by commas or not.
fn wanted_applications(call: &Call) -> Vec<String> {
    let texts = match call.params.get("applications") {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    let parts = texts.into_iter().flat_map(|text| text.split(','));
    parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// `next_offset=<ms>,<id>`; clients also send it as a repeated parameter.
fn cursor(call: &Call) -> Result<Option<String>, Reply> {
    let text = match call.params.get("next_offset") {
        None => return Ok(None),
        Some(Value::String(text)) => text.rsplit(',').next().map(str::to_owned),
        Some(Value::Array(parts)) => parts.last().and_then(Value::as_str).map(str::to_owned),
        Some(_) => None,
    };
    text.map(Some).ok_or_else(|| Reply::invalid("next_offset"))
}

/// Version 1: up to 1000 records from `mintime` in seconds on.
fn list_v1(account: &Account, call: &Call, log: &str) -> Result<Reply, Reply> {
    let from = call.number("mintime")?.unwrap_or_default();
    let until = call.number("maxtime")?.unwrap_or(call.now);
    let records = between(account, log, from, until).take(1000);
    let rows = records.map(|record| match log {
        AUTHENTICATION => authentication_v1(record),
        ACTIVITY => administrator_v1(record),
        _ => telephony_v1(record),
    });
    Ok(Reply::Ok(Value::Array(rows.collect())))
}

fn seconds(record: &Value) -> Value {
    let time = record.get("ts").and_then(Value::as_str).and_then(|ts| ts.parse::<Timestamp>().ok());
    json!(time.map(Timestamp::as_second))
}

fn authentication_v1(record: &Value) -> Value {
    let at = |pointer| record.pointer(pointer).cloned().unwrap_or_default();
    let result = at("/result").as_str().unwrap_or_default().to_uppercase();
    json!({
        "device": at("/auth_device/name"), "email": at("/email"), "factor": at("/factor"),
        "integration": at("/application/name"), "ip": at("/access_device/ip"), "new_enrollment": false,
        "reason": at("/reason"), "result": result, "timestamp": at("/timestamp"), "txid": at("/txid"),
        "username": at("/user/name"),
    })
}

fn administrator_v1(record: &Value) -> Value {
    let at = |pointer| record.pointer(pointer).cloned().unwrap_or_default();
    let is_api = record.pointer("/actor/type").and_then(Value::as_str) == Some("admin_api");
    let username = if is_api { json!("API") } else { at("/actor/name") };
    let description = json!({"name": at("/target/name"), "ikey": at("/target/key")}).to_string();
    json!({
        "action": at("/action"), "description": description, "isotimestamp": at("/ts"),
        "object": at("/target/name"), "timestamp": seconds(record), "username": username,
    })
}

fn telephony_v1(record: &Value) -> Value {
    let at = |name: &str| record.get(name).cloned().unwrap_or_default();
    json!({
        "context": at("context"), "credits": at("credits"), "isotimestamp": at("ts"), "phone": at("phone"),
        "timestamp": seconds(record), "type": at("type"),
    })
}

/// Trust Monitor: nothing suspicious ever happens here. Both times are required, in milliseconds.
pub(super) fn trust_monitor(_account: &Account, call: &Call) -> Result<Reply, Reply> {
    if call.method != "GET" {
        return Err(Reply::wrong_method());
    }
    call.require(&["adminapi_read_log"])?;
    for name in ["mintime", "maxtime"] {
        call.number(name)?.ok_or_else(|| Reply::missing(name))?;
    }
    Ok(Reply::Ok(json!({"events": [], "metadata": {}})))
}
