//! What became of a plan, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::error::DuoError;
use crate::duo::types::Ikey;
use crate::kinds::address::Address;
use crate::reconcile::plan::Action;

use super::deputy::Unfit;

/// What became of one step.
#[derive(Clone, Debug)]
pub enum Status {
    /// Done.
    Applied,
    /// The live application is no longer as the plan found it.
    Moved {
        /// What is different.
        what: String,
        /// Whether an earlier request of the step was carried out.
        partly: bool,
    },
    /// Duo's answer to a creation is not about what was sent, so nothing more was sent to what it names.
    Unconfirmed(String),
    /// Duo, or the way to it, failed. `partly` when an earlier request of the step was carried out.
    Failed {
        /// The failure.
        error: DuoError,
        /// Whether a part of the step was done.
        partly: bool,
    },
    /// The application is there, but its keys did not arrive in the secret store: the reason, and what to do.
    NotDelivered(String),
    /// The successor is there, but no call proves that it works, so the application that it replaces still serves.
    NotProven(String),
    /// The recovery key, who would have made the step, cannot: nothing was begun.
    Unfit(Unfit),
    /// The recovery key made the step and took it back, since the operator did not work any more.
    RolledBack {
        /// What was seen, and what to do.
        seen: String,
        /// Whether the operator has proven that it works again.
        proven: bool,
    },
    /// The operator does not work any more, and it could not be taken back: what was seen, and the way out.
    NotRolledBack(String),
    /// The run ended before the step began.
    NotAttempted(&'static str),
}

/// One step and what became of it.
#[derive(Clone, Debug)]
pub struct StepOutcome {
    /// The address.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// The application, once it is known.
    pub ikey: Option<Ikey>,
    /// What a rotation becomes by it, e.g. `called off`.
    pub stage: Option<String>,
    /// Whether the recovery key makes it.
    pub by_recovery_key: bool,
    /// What became of it.
    pub status: Status,
    /// Where keys were delivered, or where they were already, and how they were proven.
    pub note: Option<String>,
}

/// A value that Duo keeps in another form than the one that was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Normalised {
    /// The address.
    pub address: Address,
    /// The field's YAML key.
    pub field: String,
    /// What was sent.
    pub sent: serde_json::Value,
    /// What Duo keeps.
    pub kept: serde_json::Value,
}

/// How many steps ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Done.
    pub applied: usize,
    /// Failed or moved.
    pub failed: usize,
    /// Not begun.
    pub not_attempted: usize,
}
