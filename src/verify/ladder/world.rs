//! What the rungs look at beside the entry itself.

use std::time::Duration;

use jiff::Timestamp;

use crate::intelligence::api::Client;
use crate::kinds::address::Address;
use crate::reconcile::plan::Plan;
use crate::verify::report::Report;

/// The public API, as far as the YAML lets duoctl use it.
pub enum Api {
    /// The YAML names no credentials.
    NotDeclared,
    /// The credentials cannot be had or used, with the reason.
    Unusable(String),
    /// A client.
    Usable(Box<Client>),
}

/// The public APIs of the entries; entries with the same keys share one.
#[derive(Default)]
pub struct Apis(Vec<(Vec<Address>, Api)>);

impl Apis {
    /// Each with the entries that name it.
    pub fn new(apis: Vec<(Vec<Address>, Api)>) -> Self {
        Self(apis.into_iter().filter(|(entries, _)| !entries.is_empty()).collect())
    }

    /// Each with the entries that name it.
    pub fn iter(&self) -> impl Iterator<Item = &(Vec<Address>, Api)> {
        self.0.iter()
    }

    /// The one of an entry. An entry that left the YAML took its own along: if there is only one, it is most likely the
    /// same tenant's.
    pub fn of(&self, entry: &Address, left: bool) -> &Api {
        let own = self.0.iter().find(|(entries, _)| entries.contains(entry));
        let only = match self.0.as_slice() {
            [only] if left => Some(only),
            _ => None,
        };
        own.or(only).map_or(&Api::NotDeclared, |(_, api)| api)
    }
}

/// What the rungs look at beside the entry itself.
pub struct World<'a> {
    /// The API hostname.
    pub host: &'a str,
    /// This machine's clock against Duo's, where it is worth a word.
    pub clock_offset: Option<i64>,
    /// The probes of the applications.
    pub report: &'a Report,
    /// The plan: what is not as the YAML says.
    pub plan: &'a Plan,
    /// The public APIs.
    pub apis: &'a Apis,
    /// The moment, by Duo's clock.
    pub now: Timestamp,
    /// How long it takes until Duo's logs show what happened.
    pub log_delay: Duration,
}
