//! The authentication log: whether an application is still used (duo-api.md, sections 2.3 and 2.4).

use std::ops::ControlFlow;

use serde_json::Value;

use super::call::Transport;
use super::error::DuoError;
use super::logs::{AUTHENTICATIONS, End, Part, moment, time_of, walk};
use super::object::Ikey;

/// How long Duo keeps the log, in milliseconds: 180 days.
const KEPT: i64 = 180 * 86_400_000;

/// A login, or an attempt at one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// When, as Duo writes it.
    pub when: String,
    /// The username.
    pub who: String,
    /// The result.
    pub result: String,
}

/// What the log shows of one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// The newest record.
    Newest(Authentication),
    /// No record in the whole period.
    None,
    /// No record in the pages that were read, which did not cover the whole period.
    CannotTell,
}

/// Looks for the newest record of an application between two times in milliseconds, in at most `pages` pages.
///
/// The request filters by application. Records of other applications are skipped, in case the account ignores the filter.
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
    let filters = [("applications", ikey.as_str())];
    let part = Part { from: from.max(until - KEPT).min(until), until, filters: &filters, pages };
    let of_this =
        |record: &&Value| record.pointer("/application/key").and_then(Value::as_str) == Some(ikey.as_str());
    let mut newest = None;
    let end = walk(transport, AUTHENTICATIONS, part, |rows| {
        newest = rows.iter().find(of_this).map(decode);
        if newest.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    Ok(match (end.await?, newest) {
        (_, Some(newest)) => Use::Newest(newest),
        (End::Read, None) => Use::None,
        (End::CutOff, None) => Use::CannotTell,
    })
}

fn decode(record: &Value) -> Authentication {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let unreadable = || text("/isotimestamp").or_else(|| text("/ts"));
    let when = time_of(record).map(moment).or_else(unreadable);
    Authentication {
        when: when.unwrap_or_else(|| "an unknown time".to_owned()),
        who: text("/user/name")
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "an unknown user".to_owned()),
        result: text("/result").unwrap_or_else(|| "unknown result".to_owned()),
    }
}
