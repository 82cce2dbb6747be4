//! What the rungs look at beside the entry itself.

use std::time::Duration;

use jiff::Timestamp;

use crate::intelligence::api::Client;
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
    /// The public API.
    pub api: &'a Api,
    /// The moment, by Duo's clock.
    pub now: Timestamp,
    /// How long it takes until Duo's logs show what happened.
    pub log_delay: Duration,
}
