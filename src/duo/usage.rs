//! When keys were last used, according to Duo's logs (duo-api.md, section 2.4).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde_json::Value;

use super::call::Transport;
use super::error::DuoError;
use super::logs::{ACTIVITIES, AUTHENTICATIONS, End, Log, Part, time_of, walk};
use super::object::Ikey;

/// Where a login record names its application.
const ASKED_BY: &str = "/application/key";
/// Where a change record names the Admin API application that made the change.
const MADE_BY: &str = "/actor/key";

/// The last use of each key that was used, and the start of the period that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUses {
    /// The last attempt, by integration key.
    pub last: BTreeMap<Ikey, Timestamp>,
    /// The last one that succeeded.
    pub succeeded: BTreeMap<Ikey, Timestamp>,
    /// A use before this time may have been missed.
    pub read_from: Timestamp,
}

/// Looks for uses of `keys` since a time: logins, and with `changes` also changes made with Admin API keys. Reads at most
/// `pages` pages of each log, newest first.
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
    let mut uses = LastUses { last: BTreeMap::new(), succeeded: BTreeMap::new(), read_from: from };
    let part = Part { from: from.as_millisecond(), until: until.as_millisecond(), filters: &[], pages };
    read(transport, (AUTHENTICATIONS, ASKED_BY), keys, part, &mut uses).await?;
    if changes {
        read(transport, (ACTIVITIES, MADE_BY), keys, part, &mut uses).await?;
    }
    Ok(uses)
}

async fn read(
    transport: &impl Transport,
    (log, user): (Log, &str),
    keys: &BTreeSet<Ikey>,
    part: Part<'_>,
    uses: &mut LastUses,
) -> Result<(), DuoError> {
    let (mut oldest, last, succeeded) = (None, &mut uses.last, &mut uses.succeeded);
    let end = walk(transport, log, part, |rows| {
        for row in rows {
            let Some(time) = time_of(row) else { continue };
            oldest = Some(time);
            let key = row.pointer(user).and_then(Value::as_str).map(Ikey::new);
            if let Some(key) = key.filter(|key| keys.contains(key)) {
                // A change has no result: the log does not contain refused changes.
                let result = row.get("result").and_then(Value::as_str);
                let counts = [
                    Some(&mut *last),
                    result.is_none_or(|result| result == "success").then_some(&mut *succeeded),
                ];
                for counted in counts.into_iter().flatten() {
                    let newest = counted.entry(key.clone()).or_insert(time);
                    *newest = (*newest).max(time);
                }
            }
        }
        ControlFlow::Continue(())
    });
    if end.await? == End::CutOff {
        uses.read_from = uses.read_from.max(oldest.unwrap_or(Timestamp::MAX));
    }
    Ok(())
}
