//! What every store can do.

use futures_util::future::BoxFuture;
use thiserror::Error;

use super::payload::{Format, Owner, Payload};
use crate::text::bounded;

/// A place in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path in the store.
    pub path: String,
    /// How the payload is written there, where the store holds text.
    pub format: Format,
}

/// What a place holds.
pub struct Contents {
    /// What duoctl delivered there; `None` where there is nothing.
    pub payload: Option<Payload>,
    /// The store's own count of changes, where it has one: a write only replaces what was read. 0 otherwise.
    pub revision: u64,
}

/// Why a store could not be read or written. Holds no secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct StoreError {
    /// What is wrong, and where.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl StoreError {
    /// An error without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A place that holds something that duoctl did not write. It is never overwritten.
    pub fn foreign(place: &str, why: &str) -> Self {
        Self::new(format!("{place} holds something that duoctl did not write ({why}), so it is left alone"))
            .help("give the application another `path`, or remove what is there and apply again")
    }

    /// A place that holds the keys of something else, which may be in use. It is never overwritten.
    pub fn taken(place: &str, ikey: &str, address: &str, workspace: &str, own: Owner<'_>) -> Self {
        let by = match workspace {
            "" => String::new(),
            name => format!(" of the workspace `{}`", bounded(name, SHOWN)),
        };
        Self::new(format!(
            "{place} holds the key of `{}`{by} ({}), so the key of `{}` of the workspace `{}` does not replace it",
            bounded(address, SHOWN),
            bounded(ikey, SHOWN),
            own.address,
            own.workspace
        ))
        .help("give one of the two another `path`; if nothing reads the other key any more, remove what is there and apply again")
    }
}

/// How many characters of a name in a store are shown.
const SHOWN: usize = 120;

/// A secret store.
pub trait Store: Send + Sync {
    /// What the place holds.
    fn read<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Contents, StoreError>>;

    /// What keeps the store from being written, as far as that can be seen without starting or writing anything.
    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Stores the payload whole or not at all, in place of the revision that was read.
    fn write<'a>(
        &'a self,
        place: &'a Place,
        payload: &'a Payload,
        revision: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The place for people.
    fn describe(&self, path: &str) -> String;

    /// Whether nothing can be read back.
    fn write_only(&self) -> bool {
        false
    }
}
