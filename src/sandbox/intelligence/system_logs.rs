//! System Logs: the console's log of its own work (identity-intelligence.md, section 3).

use std::io;

use serde_json::{Value, json};

use super::super::state::Account;

const COLLECTION: &str = "intelligence_logs";

/// Adds an entry. `event` is one of the console's terms, `detail` a sentence; neither contains a secret.
pub(super) fn note(
    account: &mut Account,
    now: i64,
    integration: &str,
    event: &str,
    status: &str,
    detail: &str,
) -> io::Result<()> {
    let number = account.store.count(COLLECTION);
    let id = format!("{now:012}-{number:08}");
    let entry = json!({
        "detail": detail, "event": event, "integration": integration, "status": status, "time": now,
    });
    account.store.put(COLLECTION, &id, entry)
}

/// The newest entries, newest first.
pub(super) fn newest(account: &Account, limit: usize) -> Vec<&Value> {
    let mut entries: Vec<&Value> = account.store.list(COLLECTION).map(|(_, entry)| entry).collect();
    entries.reverse();
    entries.truncate(limit);
    entries
}
