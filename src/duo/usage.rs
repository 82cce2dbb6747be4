//! When keys were last used, as far as Duo's logs tell (duo-api.md, section 2.4).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::activity::cursor;
use super::call::{ApiCall, Budget, Transport};
use super::error::DuoError;
use super::reply::whole_number;
use super::types::Ikey;

/// Records of one page.
const PAGE: &str = "1000";

/// One of the two logs that name the application behind a record.
struct Log {
    path: &'static str,
    rows: &'static str,
    /// Where a record names the application.
    key: &'static str,
}

/// Logins: `application.key` is the application that asked for one.
const AUTHENTICATIONS: Log =
    Log { path: "/admin/v2/logs/authentication", rows: "authlogs", key: "/application/key" };
/// Changes: `actor.key` is the Admin API application that made one.
const CHANGES: Log = Log { path: "/admin/v2/logs/activity", rows: "items", key: "/actor/key" };

/// The last use of each key that was used at all, and from when on the logs were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUses {
    /// By integration key.
    pub last: BTreeMap<Ikey, Timestamp>,
    /// A use before it may have been missed.
    pub read_from: Timestamp,
}

/// Looks for uses of `keys` from a time on: logins, and with `changes` what Admin API keys changed. At most `pages`
/// pages of each log, newest first.
///
/// # Errors
///
/// Those of the transport: the operator needs the permission *Grant read log*.
pub async fn last_uses(
    transport: &impl Transport,
    keys: &BTreeSet<Ikey>,
    from: Timestamp,
    until: Timestamp,
    changes: bool,
    pages: usize,
) -> Result<LastUses, DuoError> {
    let mut uses = LastUses { last: BTreeMap::new(), read_from: from };
    read(transport, &AUTHENTICATIONS, keys, (from, until), pages, &mut uses).await?;
    if changes {
        read(transport, &CHANGES, keys, (from, until), pages, &mut uses).await?;
    }
    Ok(uses)
}

async fn read(
    transport: &impl Transport,
    log: &Log,
    keys: &BTreeSet<Ikey>,
    (from, until): (Timestamp, Timestamp),
    pages: usize,
    uses: &mut LastUses,
) -> Result<(), DuoError> {
    let (from, until) = (from.as_millisecond().to_string(), until.as_millisecond().to_string());
    let mut next: Option<String> = None;
    let mut oldest = None;
    for _ in 0..pages {
        let mut query = vec![
            ("mintime", from.as_str()),
            ("maxtime", until.as_str()),
            ("limit", PAGE),
            ("sort", "ts:desc"),
        ];
        if let Some(next) = &next {
            query.push(("next_offset", next));
        }
        let call = ApiCall::get(log.path, &query).budget(Budget::Log);
        let reply = transport.send(&call).await?.response;
        let rows = reply.get(log.rows).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for row in rows {
            let Some(time) = time_of(row) else { continue };
            oldest = Some(time);
            let key = row.pointer(log.key).and_then(Value::as_str).map(Ikey::new);
            if let Some(key) = key.filter(|key| keys.contains(key)) {
                let last = uses.last.entry(key).or_insert(time);
                *last = (*last).max(time);
            }
        }
        match reply.pointer("/metadata/next_offset").and_then(cursor) {
            None => return Ok(()),
            // A cursor that stays where it is would be followed for ever.
            Some(following) if next.as_ref() == Some(&following) => break,
            following => next = following,
        }
    }
    // More is there than was read.
    uses.read_from = uses.read_from.max(oldest.unwrap_or(Timestamp::MAX));
    Ok(())
}

/// Records carry their time as text and, older ones, as a number (duo-api.md, section 2.4).
fn time_of(row: &Value) -> Option<Timestamp> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).and_then(|time| time.parse().ok());
    text("isotimestamp")
        .or_else(|| text("ts"))
        .or_else(|| Timestamp::from_second(row.get("timestamp").and_then(whole_number)?).ok())
}
