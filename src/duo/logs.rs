//! Reads any version 2 log: newest first, page by page, until it ends or enough is read (duo-api.md, sections 2.4 and
//! 7.5).

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::{Timestamp, Unit};
use serde_json::Value;

use super::call::{ApiCall, Budget, Transport};
use super::error::DuoError;
use super::reply::whole_number;

/// Rows of one page.
const PAGE: usize = 1000;

/// A log, and the key of the rows in its pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    path: &'static str,
    rows: &'static str,
}

/// Logins.
pub(crate) const AUTHENTICATIONS: Log = Log { path: "/admin/v2/logs/authentication", rows: "authlogs" };
/// Who changed what.
pub(crate) const ACTIVITIES: Log = Log { path: "/admin/v2/logs/activity", rows: "items" };

/// Which part of a log is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// Start, in milliseconds.
    pub(crate) from: i64,
    /// End, in milliseconds.
    pub(crate) until: i64,
    /// Further parameters.
    pub(crate) filters: &'a [(&'a str, &'a str)],
    /// The most pages to read: the budget for logs is much smaller than that for other calls.
    pub(crate) pages: usize,
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The whole period was read, or enough of it.
    Read,
    /// There are more records than were read.
    CutOff,
}

/// Reads a part of a log, newest first. `take` gets the rows of each page, and breaks when it has enough.
///
/// Some replies have a cursor on the last page, too; reading stops when every row that Duo counts has arrived.
///
/// # Errors
///
/// Those of the transport, and [`DuoError::Incomplete`] for a page without rows.
pub(crate) async fn walk(
    transport: &impl Transport,
    log: Log,
    part: Part<'_>,
    mut take: impl FnMut(&[Value]) -> ControlFlow<()>,
) -> Result<End, DuoError> {
    // Duo rejects an empty period.
    let until = part.until.max(part.from.saturating_add(1)).to_string();
    let (from, page) = (part.from.to_string(), PAGE.to_string());
    let mut query =
        vec![("mintime", from.as_str()), ("maxtime", &until), ("limit", &page), ("sort", "ts:desc")];
    query.extend(part.filters);
    let (mut seen, mut read, mut cursor) = (BTreeSet::new(), 0, None::<String>);
    for _ in 0..part.pages {
        let mut query = query.clone();
        query.extend(cursor.as_deref().map(|cursor| ("next_offset", cursor)));
        let call = ApiCall::get(log.path, &query).budget(Budget::Log);
        let reply = transport.send(&call).await?.response;
        let rows = reply.get(log.rows).and_then(Value::as_array).ok_or_else(|| DuoError::Incomplete {
            path: log.path.to_owned(),
            reason: "a page is not a list".to_owned(),
        })?;
        read += rows.len();
        let count = counted(&reply);
        if take(rows).is_break() || (rows.len() < PAGE && count == Some(read)) {
            return Ok(End::Read);
        }
        if rows.is_empty() {
            return Ok(if count.is_some_and(|count| count > read) { End::CutOff } else { End::Read });
        }
        match reply.pointer("/metadata/next_offset").and_then(text_of) {
            None => return Ok(End::Read),
            // A repeated cursor would be followed forever.
            Some(next) if !seen.insert(next.clone()) => return Ok(End::CutOff),
            next => cursor = next,
        }
    }
    Ok(End::CutOff)
}

/// How many rows Duo counts in the period: a number, or an object that is exact or a lower bound.
fn counted(reply: &Value) -> Option<usize> {
    let total = reply.pointer("/metadata/total_objects")?;
    let is_exact = total.get("relation").is_none_or(|relation| relation == "eq");
    let number = whole_number(total.get("value").unwrap_or(total)).filter(|_| is_exact)?;
    usize::try_from(number).ok()
}

/// A cursor is `[MILLISECONDS, ID]`, or a text.
fn text_of(cursor: &Value) -> Option<String> {
    match cursor {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let text = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
            Some(parts.iter().map(text).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// When a row was written: as text or, in older replies, as a number.
pub(crate) fn time_of(row: &Value) -> Option<Timestamp> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).and_then(|time| time.parse().ok());
    text("isotimestamp")
        .or_else(|| text("ts"))
        .or_else(|| Timestamp::from_second(row.get("timestamp").and_then(whole_number)?).ok())
}

/// A time for people, to the second.
pub(crate) fn moment(time: Timestamp) -> String {
    let second = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor);
    time.round(second).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests;
