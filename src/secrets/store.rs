//! The interface of a secret store.

use futures_util::future::BoxFuture;
use thiserror::Error;

use super::payload::{Format, Owner, Payload};
use crate::text::bounded;

/// A place in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path in the store.
    pub path: String,
    /// The format of the payload, if the store holds text.
    pub format: Format,
}

/// What a place holds.
pub struct Contents {
    /// What duoctl delivered there; `None` if there is nothing.
    pub payload: Option<Payload>,
    /// The store's own revision, if it has one: a write only replaces the revision that was read. 0 otherwise.
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

    /// A place with data that duoctl did not write. It is never overwritten.
    pub fn foreign(place: &str, why: &str) -> Self {
        Self::new(format!("{place} holds data that duoctl did not write ({why}), so it is left unchanged"))
            .help("use another `path` for the application, or remove that data and apply again")
    }

    /// A place that holds the keys of something else, which may be in use. It is never overwritten.
    pub fn taken(place: &str, ikey: &str, held: Owner<'_>, own: Owner<'_>) -> Self {
        let by = match held.workspace {
            "" => String::new(),
            name => format!(" of the workspace `{}`", bounded(name, SHOWN)),
        };
        let elsewhere = match held.host {
            host if host.is_empty() || host.eq_ignore_ascii_case(own.host) => String::new(),
            host => format!(" in the account `{}`", bounded(host, SHOWN)),
        };
        Self::new(format!(
            "{place} holds the key of `{}`{by}{elsewhere} ({}), so the key of `{}` of the workspace `{}` does not replace it",
            bounded(held.address, SHOWN),
            bounded(ikey, SHOWN),
            own.address,
            own.workspace
        ))
        .help("use another `path` for one of them; if nothing reads the other key any longer, remove it and apply again")
    }
}

/// The most characters of a name from a store that are shown.
const SHOWN: usize = 120;

/// A secret store.
pub trait Store: Send + Sync {
    /// Reads what the place holds.
    fn read<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Contents, StoreError>>;

    /// Why the store cannot be written, as far as can be told without starting or writing anything.
    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Stores the payload atomically, replacing the revision that was read.
    fn write<'a>(
        &'a self,
        place: &'a Place,
        payload: &'a Payload,
        revision: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The place, for people.
    fn describe(&self, path: &str) -> String;

    /// Whether the store is write-only.
    fn write_only(&self) -> bool {
        false
    }
}
