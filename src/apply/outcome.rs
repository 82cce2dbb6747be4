//! The outcome of an apply, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::error::DuoError;
use crate::duo::object::ObjectId;
use crate::kinds::address::Address;
use crate::reconcile::plan::Action;

use super::deputy::Unfit;

/// The outcome of one step.
#[derive(Clone, Debug)]
pub enum Status {
    /// Done.
    Applied,
    /// The live application changed since the plan was made.
    Moved {
        /// What is different.
        what: String,
        /// Whether an earlier request of the step was carried out.
        partly: bool,
    },
    /// Duo's answer to a creation does not match what was sent, so nothing more was sent to the application it names.
    Unconfirmed(String),
    /// Duo or the connection failed.
    Failed {
        /// The failure.
        error: DuoError,
        /// Whether an earlier request of the step was carried out.
        partly: bool,
    },
    /// The application exists, but its keys did not arrive in the secret store: the reason, and what to do.
    NotDelivered(String),
    /// The successor exists, but no call proves that it works, so the application that it replaces is kept.
    NotProven(String),
    /// The recovery key, which should have made the step, cannot: nothing was begun.
    Unfit(Unfit),
    /// The recovery key made the step and rolled it back, because the operator no longer worked.
    RolledBack {
        /// What was seen, and what to do.
        seen: String,
        /// Whether the operator has proven that it works again.
        proven: bool,
    },
    /// The operator no longer works, and the step could not be rolled back: what was seen, and what to do.
    NotRolledBack(String),
    /// The run ended before the step began.
    NotAttempted(String),
}

/// One step and its outcome.
#[derive(Clone, Debug)]
pub struct StepOutcome {
    /// The address.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// The application, once it is known.
    pub id: Option<ObjectId>,
    /// The stage that a rotation reaches, e.g. `aborted`.
    pub stage: Option<String>,
    /// Whether the recovery key makes it.
    pub by_recovery_key: bool,
    /// How the step ended.
    pub status: Status,
    /// Where keys were delivered or already were, and how they were proven.
    pub note: Option<String>,
}

/// A value that Duo stores in another form than it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Normalised {
    /// The address.
    pub address: Address,
    /// The field's YAML key.
    pub field: String,
    /// What was sent.
    pub sent: serde_json::Value,
    /// What Duo stores.
    pub kept: serde_json::Value,
}

/// How many steps had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Done.
    pub applied: usize,
    /// Failed or moved.
    pub failed: usize,
    /// Not begun.
    pub not_attempted: usize,
}
