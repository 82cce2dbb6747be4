//! A Duo integration of the console: the fields of its form, their rules, and its last results.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::ids;
use super::super::state::Account;
use super::people;
use crate::duo::host::{HostError, check_host};

const COLLECTION: &str = "intelligence_integrations";

/// The result of a test or a collection, in the console's terms (identity-intelligence.md, section 3).
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// `SUCCESS`, `PARTIAL_SUCCESS` or `FAILURE`.
    pub(super) status: String,
    /// When, in Unix seconds.
    pub(super) date: i64,
    /// What went wrong.
    pub(super) error: Option<String>,
    /// What was found, one line each.
    pub(super) lines: Vec<String>,
}

/// One integration. It contains secrets in clear text, so it has no `Debug`.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Integration {
    pub(super) id: String,
    pub(super) display_name: String,
    pub(super) api_hostname: String,
    pub(super) integration_key: String,
    pub(super) secret_key: String,
    pub(super) push: bool,
    pub(super) auth_integration_key: String,
    pub(super) auth_secret_key: String,
    pub(super) endpoints: bool,
    pub(super) test: Option<Outcome>,
    pub(super) collection: Option<Outcome>,
}

impl Account {
    /// Sets the time of an integration's last test, last collection, and the collected data. A collection older than an hour
    /// is repeated on the next request to the public API.
    ///
    /// # Errors
    ///
    /// When no integration has that name, or the state cannot be written.
    pub fn date_collection(&mut self, display_name: &str, at: Timestamp) -> io::Result<()> {
        let found = Integration::all(self).into_iter().find(|one| one.display_name == display_name);
        let mut integration = found.ok_or_else(|| io::Error::other("there is no such integration"))?;
        for outcome in [&mut integration.test, &mut integration.collection].into_iter().flatten() {
            outcome.date = at.as_second();
        }
        integration.save(self)?;
        people::date(self, integration.short(), at.as_second())
    }
}

/// A mistake in a field of the form.
pub(super) struct Mistake {
    pub(super) field: &'static str,
    pub(super) message: String,
}

impl Integration {
    pub(super) fn all(account: &Account) -> Vec<Self> {
        account.store.list(COLLECTION).filter_map(|(_, value)| Self::deserialize(value).ok()).collect()
    }

    /// Loads an integration by the last part of its id, which the console's URLs use.
    pub(super) fn load(account: &Account, short: &str) -> Option<Self> {
        Self::deserialize(account.store.get(COLLECTION, short)?).ok()
    }

    /// The last part of the id.
    pub(super) fn short(&self) -> &str {
        self.id.rsplit("__").next().unwrap_or_default()
    }

    pub(super) fn save(&self, account: &mut Account) -> io::Result<()> {
        account.store.put(COLLECTION, self.short(), serde_json::to_value(self)?)
    }

    /// Removes it with everything that was collected through it.
    pub(super) fn delete(&self, account: &mut Account) -> io::Result<()> {
        people::forget(account, self.short())?;
        account.store.remove(COLLECTION, self.short())
    }

    /// Gives a new integration an id in the format of real ones.
    pub(super) fn name_new(&mut self) -> io::Result<()> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        self.id = format!("{}__DUO__{}", ids::uuid("tenant", 1), crate::duo::sign::hex(&bytes));
        Ok(())
    }

    /// Checks the rules of the form (identity-intelligence.md, section 1.2).
    pub(super) fn mistakes(&self, others: &[Self]) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut wrong = |field, message: &str| mistakes.push(Mistake { field, message: message.to_owned() });
        if self.display_name.is_empty() {
            wrong("display_name", "Give the integration a display name.");
        } else if others.iter().any(|other| other.id != self.id && other.display_name == self.display_name) {
            wrong("display_name", "Another integration has this display name.");
        }
        if let Some(message) = host_mistake(&self.api_hostname) {
            wrong("api_hostname", message);
        }
        if self.integration_key.is_empty() {
            wrong("integration_key", "Enter the integration key of the Admin API application.");
        }
        if self.secret_key.is_empty() {
            wrong("secret_key", "Enter the secret key of the Admin API application.");
        }
        if self.push && self.auth_integration_key.is_empty() {
            wrong(
                "auth_integration_key",
                "Push verification needs the Auth API application's integration key.",
            );
        }
        if self.push && self.auth_secret_key.is_empty() {
            wrong("auth_secret_key", "Push verification needs the Auth API application's secret key.");
        }
        mistakes
    }
}

fn host_mistake(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("Enter the API hostname.");
    }
    if host.contains("://") {
        return Some("The API hostname must not contain a prefix like https://.");
    }
    match check_host(host, false) {
        Ok(()) if host.to_ascii_lowercase().starts_with("api-") => None,
        Ok(()) | Err(HostError::Foreign(_) | HostError::Malformed(_)) => {
            Some("The API hostname is of the form api-xxxxxxx.duosecurity.com.")
        }
    }
}
