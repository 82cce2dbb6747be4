//! The records of the logs, and their format in version 2 (duo-api.md, correction to section 7.5).

use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::collections::GROUPS;
use crate::sandbox::ids;
use crate::sandbox::state::Account;

/// One log, and its collection in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Log {
    Activity,
    Authentication,
    Offline,
    Telephony,
}

impl Log {
    pub(super) fn collection(self) -> &'static str {
        match self {
            Self::Activity => "log_activity",
            Self::Authentication => "log_authentication",
            Self::Offline => "log_offline_enrollment",
            Self::Telephony => "log_telephony",
        }
    }

    /// The field with a record's id, which cursors use.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Activity => "activity_id",
            Self::Authentication => "txid",
            Self::Offline => "id",
            Self::Telephony => "telephony_id",
        }
    }
}

/// One stored record.
pub(in crate::sandbox) struct Record<'a> {
    /// When, in milliseconds.
    pub(super) time: i64,
    /// Its id in the log.
    pub(super) id: &'a str,
    number: i64,
    stored: &'a Value,
}

impl Record<'_> {
    pub(super) fn at(&self, pointer: &str) -> &Value {
        self.stored.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub(in crate::sandbox) fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// In Python's format: microseconds and a numeric offset. Events of the running sandbox have whole seconds.
    pub(super) fn iso(&self) -> String {
        let fraction = if self.time % 1000 == 0 { 0 } else { self.number % 1000 };
        let time = Timestamp::from_microsecond(self.time * 1000 + fraction).unwrap_or_default();
        time.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
    }

    /// Unix seconds.
    pub(super) fn seconds(&self) -> i64 {
        self.time.div_euclid(1000)
    }

    /// The record in the format of version 2.
    pub(super) fn show(&self, account: &Account, log: Log) -> Value {
        let mut shown = self.stored.clone();
        let Value::Object(record) = &mut shown else { return shown };
        match log {
            Log::Authentication => {
                record.insert("isotimestamp".to_owned(), json!(self.iso()));
                record.insert("timestamp".to_owned(), json!(self.seconds()));
                if let Some(Value::Object(user)) = record.get_mut("user") {
                    user.insert("groups".to_owned(), json!(self.groups(account)));
                }
            }
            Log::Activity | Log::Offline | Log::Telephony => {
                record.insert("ts".to_owned(), json!(self.iso()));
            }
        }
        if log == Log::Activity && !account.switches.text_actions {
            record.insert("action".to_owned(), json!({"details": null, "name": self.at("/action")}));
        }
        shown
    }

    /// The names of the user's groups, which are stored by id.
    fn groups(&self, account: &Account) -> Vec<Value> {
        let ids = self.at("/user/groups").as_array().into_iter().flatten().filter_map(Value::as_str);
        let name = |id| account.store.get(GROUPS, id)?.get("name").cloned();
        ids.filter_map(name).collect()
    }
}

/// Adds a record. Its id orders records with the same time.
pub(super) fn add(account: &mut Account, log: Log, time: i64, mut record: Value) -> io::Result<String> {
    let number = account.store.count(log.collection());
    let id = ids::uuid(log.collection(), u64::try_from(number).unwrap_or_default());
    let id = format!("{number:08x}{}", id.get(8..).unwrap_or_default());
    if let Value::Object(record) = &mut record {
        record.insert(log.id().to_owned(), json!(id));
    }
    // The store keeps records in the order of their times.
    account.store.put(log.collection(), &format!("{time:015}-{number:06}"), record)?;
    Ok(id)
}

/// All records of a log, oldest first.
pub(super) fn all(account: &Account, log: Log) -> impl Iterator<Item = Record<'_>> {
    account.store.list(log.collection()).map(move |(key, stored)| {
        let (time, number) = key.split_once('-').unwrap_or((key, ""));
        let id = stored.get(log.id()).and_then(Value::as_str).unwrap_or_default();
        Record {
            time: time.parse().unwrap_or_default(),
            id,
            number: number.parse().unwrap_or_default(),
            stored,
        }
    })
}

/// The records of a period in seconds, oldest first, including both ends.
pub(in crate::sandbox) fn between(
    account: &Account,
    log: Log,
    from: i64,
    until: i64,
) -> impl Iterator<Item = Record<'_>> {
    all(account, log).filter(move |record| (from..=until).contains(&record.seconds()))
}
