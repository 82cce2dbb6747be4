//! Version 2 of the logs: a period in milliseconds, filters, and pages chained by a cursor of time and id.

use serde_json::{Value, json};

use super::records::{Log, Record, all};
use crate::sandbox::call::{Call, Paging, Reply};
use crate::sandbox::state::Account;

/// How long records are kept.
const DAYS_KEPT: i64 = 180;
/// How long a record takes to appear, if a switch says so.
const LAG: i64 = 120;
/// Rows of the largest page (duo-api.md, section 2.4).
const PAGE: usize = 1000;

/// A position in a log: a time in milliseconds and a record's id.
type Position = (i64, String);

pub(super) fn list(account: &Account, call: &Call, log: Log) -> Result<Reply, Reply> {
    let (from, until) = period(call)?;
    let limit = call.window(Paging::of(PAGE), &account.switches)?.limit;
    let cursor = cursor(call)?;
    let ascending = ascending(call)?;
    let filters = if log == Log::Authentication && account.switches.log_filters {
        Filter::read(call)?
    } else {
        Vec::new()
    };
    let newest = if account.switches.log_lag { (call.now - LAG) * 1000 } else { i64::MAX };
    let oldest = (call.now - DAYS_KEPT * 86_400) * 1000;
    let is_meant = |record: &Record<'_>| {
        (from.max(oldest)..=until.min(newest)).contains(&record.time)
            && filters.iter().all(|filter| filter.lets(record))
    };
    let mut records: Vec<_> = all(account, log).filter(is_meant).collect();
    records.sort_by(|one, other| (one.time, one.id).cmp(&(other.time, other.id)));
    if !ascending {
        records.reverse();
    }
    let is_left = |record: &&Record<'_>| {
        cursor.as_ref().is_none_or(|(time, id)| {
            let (here, there) = ((record.time, record.id), (*time, id.as_str()));
            if ascending { here > there } else { here < there }
        })
    };
    let left: Vec<&Record<'_>> = records.iter().filter(is_left).collect();
    let rows: Vec<&Record<'_>> = left.iter().copied().take(limit).collect();
    let goes_on = left.len() > rows.len() || account.switches.log_end_cursor;
    let next = rows.last().filter(|_| goes_on).map(|last| (last.time.to_string(), last.id));
    let shown: Vec<Value> = rows.iter().map(|record| record.show(account, log)).collect();
    Ok(Reply::Ok(page(log, shown, next, records.len())))
}

/// The cursor is a pair for authentications and a text for the other logs (duo_client 5.7.0).
fn page(log: Log, rows: Vec<Value>, next: Option<(String, &str)>, total: usize) -> Value {
    match log {
        Log::Authentication => {
            json!({"authlogs": rows, "metadata": {"next_offset": next, "total_objects": total}})
        }
        Log::Activity | Log::Offline | Log::Telephony => {
            let next = next.map(|(time, id)| format!("{time},{id}"));
            let total = json!({"relation": "eq", "value": total});
            json!({"items": rows, "metadata": {"next_offset": next, "total_objects": total}})
        }
    }
}

fn is_time(number: i64) -> bool {
    (1_000_000_000_000..10_000_000_000_000).contains(&number)
}

/// The two required times in milliseconds, the earlier one first.
pub(super) fn period(call: &Call) -> Result<(i64, i64), Reply> {
    let (from, until) = (time(call, "mintime")?, time(call, "maxtime")?);
    if from < until { Ok((from, until)) } else { Err(Reply::invalid("mintime")) }
}

/// A required time: 13 digits.
fn time(call: &Call, name: &str) -> Result<i64, Reply> {
    let number = call.number(name)?.ok_or_else(|| Reply::missing(name))?;
    if is_time(number) { Ok(number) } else { Err(Reply::invalid(name)) }
}

fn ascending(call: &Call) -> Result<bool, Reply> {
    match call.params.get("sort").map(Value::as_str) {
        None | Some(Some("ts:desc")) => Ok(false),
        Some(Some("ts:asc")) => Ok(true),
        Some(_) => Err(Reply::invalid("sort")),
    }
}

/// `next_offset=<ms>,<id>`, or the two as a repeated parameter, in any order. A caller may make up a cursor: no record needs
/// to be at that position.
fn cursor(call: &Call) -> Result<Option<Position>, Reply> {
    let refused = || Reply::invalid("next_offset");
    let parts: Vec<&str> = match call.params.get("next_offset") {
        None => return Ok(None),
        Some(Value::String(text)) => text.split(',').collect(),
        Some(Value::Array(parts)) => {
            parts.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(refused)?
        }
        Some(_) => return Err(refused()),
    };
    let time_of = |text: &str| text.parse::<i64>().ok().filter(|time| is_time(*time));
    let is_id = |text: &str| {
        text.contains(|c: char| c != '-')
            && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let (time, id) = match parts.as_slice() {
        [one, other] if time_of(one).is_some() => (time_of(one), *other),
        [one, other] => (time_of(other), *one),
        _ => return Err(refused()),
    };
    time.filter(|_| is_id(id)).map(|time| Some((time, id.to_owned()))).ok_or_else(refused)
}

/// A parameter that filters the authentication log.
struct Filter {
    row: &'static FilterRow,
    wanted: Vec<String>,
}

struct FilterRow {
    name: &'static str,
    /// Where a record has the filtered value: a text, or a list of texts.
    pointer: &'static str,
    takes: Takes,
}

enum Takes {
    /// Ids with this prefix; an unknown id matches nothing.
    Ids(&'static str),
    Words(&'static [&'static str]),
}

#[rustfmt::skip]
const FILTERS: &[FilterRow] = &[
    FilterRow { name: "users", pointer: "/user/key", takes: Takes::Ids("DU") },
    FilterRow { name: "groups", pointer: "/user/groups", takes: Takes::Ids("DG") },
    FilterRow { name: "applications", pointer: "/application/key", takes: Takes::Ids("DI") },
    FilterRow { name: "event_types", pointer: "/event_type", takes: Takes::Words(&["authentication", "enrollment"]) },
    FilterRow { name: "results", pointer: "/result", takes: Takes::Words(&["success", "denied", "fraud"]) },
    FilterRow { name: "factors", pointer: "/factor", takes: Takes::Words(FACTORS) },
    FilterRow { name: "reasons", pointer: "/reason", takes: Takes::Words(REASONS) },
];

/// The values known to appear in records; Duo may have more.
#[rustfmt::skip]
const FACTORS: &[&str] = &[
    "bypass_code", "digipass_go_7_token", "duo_mobile_passcode", "duo_mobile_passcode_hotp", "duo_mobile_passcode_totp",
    "duo_push", "hardware_token", "not_available", "passcode", "phone_call", "remembered_device", "sms_passcode",
    "sms_refresh", "trusted_mobile_authenticator", "trusted_network", "u2f_token", "verified_duo_push",
    "webauthn_chrome_touchid", "webauthn_credential", "webauthn_security_key", "yubikey_code",
];

#[rustfmt::skip]
const REASONS: &[&str] = &[
    "allow_unenrolled_user", "allow_unenrolled_user_on_trusted_network", "allowed_by_policy", "anomalous_push",
    "anonymous_ip", "bypass_user", "call_timed_out", "could_not_determine_if_endpoint_was_trusted", "denied_by_policy",
    "denied_network", "deny_unenrolled_user", "endpoint_failed_google_verification",
    "endpoint_is_not_in_management_system", "endpoint_is_not_trusted", "error", "factor_restricted",
    "frequent_attempts", "invalid_device", "invalid_management_certificate_collection_state", "invalid_passcode",
    "invalid_referring_hostname_provided", "location_restricted", "locked_out", "no_activated_duo_mobile_account",
    "no_disk_encryption", "no_duo_certificate_present", "no_keys_pressed", "no_referring_hostname_provided",
    "no_response", "no_screen_lock", "no_web_referer_match", "out_of_date", "platform_restricted",
    "queued_inflight_auth_expired", "remembered_device", "rooted_device", "software_restricted", "touchid_disabled",
    "trusted_location", "trusted_network", "user_approved", "user_cancelled", "user_disabled", "user_marked_fraud",
    "user_mistake", "user_not_in_permitted_group", "user_provided_invalid_certificate", "valid_passcode",
    "verification_code_correct", "verification_code_incorrect", "version_restricted",
];

impl Filter {
    /// The filters of a call: each once, or repeated to match any of several values.
    fn read(call: &Call) -> Result<Vec<Self>, Reply> {
        let mut filters = Vec::new();
        for row in FILTERS {
            let Some(value) = call.params.get(row.name) else { continue };
            let values = value.as_array().map_or_else(|| vec![value], |values| values.iter().collect());
            let wanted = values.into_iter().map(|value| value.as_str().filter(|text| row.takes.fits(text)));
            let wanted: Option<Vec<String>> = wanted.map(|text| text.map(str::to_owned)).collect();
            filters.push(Self { row, wanted: wanted.ok_or_else(|| Reply::invalid(row.name))? });
        }
        Ok(filters)
    }

    fn lets(&self, record: &Record<'_>) -> bool {
        let is_wanted = |value: &Value| {
            value.as_str().is_some_and(|text| self.wanted.iter().any(|wanted| wanted == text))
        };
        let value = record.at(self.row.pointer);
        value.as_array().map_or_else(|| is_wanted(value), |values| values.iter().any(is_wanted))
    }
}

impl Takes {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Ids(prefix) => {
                text.len() == 20
                    && text.starts_with(prefix)
                    && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            }
            Self::Words(words) => words.contains(&text),
        }
    }
}
