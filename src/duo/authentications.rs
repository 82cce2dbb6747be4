//! The authentication log: whether anybody still uses an application (duo-api.md, sections 2.3 and 2.4).

use serde_json::Value;

use super::activity::cursor;
use super::call::{ApiCall, Budget, Transport};
use super::error::DuoError;
use super::types::Ikey;

/// Records of one page.
const PAGE: &str = "1000";

/// How long Duo keeps the log, in milliseconds: 180 days.
const KEPT: i64 = 180 * 86_400_000;

/// A login, or an attempt at one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// When, as Duo writes it.
    pub when: String,
    /// The username.
    pub who: String,
    /// What came of it.
    pub result: String,
}

/// What the log shows of one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// The newest record.
    Newest(Authentication),
    /// None in the whole period.
    None,
    /// None in as many pages as were read, which did not reach the begin of the period.
    CannotTell,
}

/// Looks for the newest record of an application between two times in milliseconds, in at most `pages` pages.
///
/// The log is asked for this application only. That an account heeds the filter is not taken for granted: records of
/// other applications are passed over.
///
/// # Errors
///
/// Those of the transport.
pub async fn newest(
    transport: &impl Transport,
    ikey: &Ikey,
    from: i64,
    until: i64,
    pages: usize,
) -> Result<Use, DuoError> {
    let (from, until) = (from.max(until - KEPT).min(until).to_string(), until.to_string());
    let mut next: Option<String> = None;
    for _ in 0..pages {
        let mut query = vec![
            ("mintime", from.as_str()),
            ("maxtime", until.as_str()),
            ("limit", PAGE),
            ("sort", "ts:desc"),
            ("applications", ikey.as_str()),
        ];
        if let Some(next) = &next {
            query.push(("next_offset", next));
        }
        let call = ApiCall::get("/admin/v2/logs/authentication", &query).budget(Budget::Log);
        let reply = transport.send(&call).await?.response;
        let Some(records) = reply.get("authlogs").and_then(Value::as_array) else {
            return Err(DuoError::Incomplete {
                path: "/admin/v2/logs/authentication".to_owned(),
                reason: "a page is not a list".to_owned(),
            });
        };
        let of_this = |record: &&Value| {
            record.pointer("/application/key").and_then(Value::as_str) == Some(ikey.as_str())
        };
        if let Some(record) = records.iter().find(of_this) {
            return Ok(Use::Newest(decode(record)));
        }
        match reply.pointer("/metadata/next_offset").and_then(cursor) {
            None => return Ok(Use::None),
            // A cursor that stays where it is would be followed for ever.
            Some(following) if next.as_ref() == Some(&following) => return Ok(Use::CannotTell),
            following => next = following,
        }
    }
    Ok(Use::CannotTell)
}

fn decode(record: &Value) -> Authentication {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let when = text("/isotimestamp").or_else(|| text("/ts")).or_else(|| {
        let seconds = record.get("timestamp").and_then(Value::as_i64)?;
        jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
    });
    Authentication {
        when: when.unwrap_or_else(|| "an unknown time".to_owned()),
        who: text("/user/name").filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned()),
        result: text("/result").unwrap_or_else(|| "unknown result".to_owned()),
    }
}
