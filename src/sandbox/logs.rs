//! Logs: authentications, administrators' actions, telephony, offline enrolments (duo-api.md, sections 2.4 and 7.5).

mod old;
pub(super) mod records;
mod search;
pub(super) mod written;

use serde_json::json;

use super::call::{Call, Paging, Reply};
use super::state::Account;
use records::Log;

pub(super) fn answer(account: &Account, call: &Call, version: &str, rest: &[&str]) -> Result<Reply, Reply> {
    let log = match (version, rest) {
        ("v1" | "v2", ["authentication"]) => Log::Authentication,
        ("v2", ["activity"]) | ("v1", ["administrator"]) => Log::Activity,
        ("v1" | "v2", ["telephony"]) => Log::Telephony,
        ("v1", ["offline_enrollment"]) => Log::Offline,
        _ => return Err(Reply::not_found()),
    };
    if call.method != "GET" {
        return Err(Reply::wrong_method());
    }
    call.require(&["adminapi_read_log"])?;
    if version == "v1" { old::list(account, call, log) } else { search::list(account, call, log) }
}

/// Trust Monitor: the sandbox never has suspicious events. Both times are required, in milliseconds.
pub(super) fn trust_monitor(account: &Account, call: &Call) -> Result<Reply, Reply> {
    if call.method != "GET" {
        return Err(Reply::wrong_method());
    }
    call.require(&["adminapi_read_log"])?;
    search::period(call)?;
    call.window(Paging::of(200), &account.switches)?;
    Ok(Reply::Ok(json!({"events": [], "metadata": {}})))
}
