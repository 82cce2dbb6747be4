//! The document of an apply, and the events while it runs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::deputy::Unfit;
use crate::apply::outcome::{Normalised, Status, StepOutcome, Tally};
use crate::apply::rotate::Rotated;
use crate::diagnostic::Sources;
use crate::duo::error::DuoError;
use crate::duo::explain::{Cause, causes};
use crate::kinds::address::Address;
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::{Action, Step};
use crate::reconcile::rotation::Stage;
use crate::verify::report::{ConnectionReport, Report, Subject};

use super::console::HandoffDocument;
use super::kind::{FORMAT_VERSION, Kind};
use super::plan::{MadeBy, PlanDocument, StepDocument};
use super::verify::{ApplicationDocument, ConnectionDocument, VerifyDocument};

/// The outcome of `apply`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `apply`.
    #[schemars(with = "String", extend("const" = "apply"))]
    pub kind: Kind,
    /// What the recovery key restored for the operator before the plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired: Option<OutcomeDocument>,
    /// The plan that was carried out, or refused.
    pub plan: PlanDocument,
    /// How many steps had which outcome.
    pub summary: Tally,
    /// The outcome of each step; empty if nothing was begun.
    pub steps: Vec<OutcomeDocument>,
    /// Values that Duo stores in another form than they were sent.
    pub normalised: Vec<Normalised>,
    /// The plan after the writes; null if nothing was written.
    pub left: Option<PlanDocument>,
    /// The addresses that `--only` and `--exclude` left out.
    pub left_out: Option<Vec<String>>,
    /// What a person still has to do in consoles, based on the account as it is now.
    pub handoffs: Option<Vec<HandoffDocument>>,
    /// What was verified; null if nothing was.
    pub verify: Option<VerifyDocument>,
}

impl ApplyDocument {
    /// For a plan that was not begun, because it was refused or consent was not given.
    pub fn refused(plan: PlanDocument) -> Self {
        Self::new(plan, &[], &[], None, None)
    }

    /// For a plan that was carried out. `left` is the plan after the writes, if something was written.
    pub fn new(
        plan: PlanDocument,
        outcomes: &[StepOutcome],
        normalised: &[Normalised],
        left: Option<PlanDocument>,
        verified: Option<&Report>,
    ) -> Self {
        let steps: Vec<OutcomeDocument> = outcomes.iter().map(OutcomeDocument::from).collect();
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Apply,
            summary: tally(&steps),
            steps,
            normalised: normalised.to_vec(),
            left_out: Some(plan.left_out_addresses.clone()),
            handoffs: Some(left.as_ref().unwrap_or(&plan).handoffs.clone()),
            verify: verified.map(VerifyDocument::new),
            repaired: None,
            plan,
            left,
        }
    }

    /// The same with the YAML places of what was verified; the plan has its own.
    #[must_use]
    pub fn located(mut self, desired: &Desired, sources: &Sources) -> Self {
        self.verify = self.verify.map(|verify| verify.located(desired, sources));
        self
    }

    /// What a run that stopped here has changed.
    pub(crate) fn so_far(&self) -> &'static str {
        if self.repaired.is_some() { "nothing else was changed" } else { "nothing was changed" }
    }

    /// Whether there was something to do but nothing was begun, because of a guard or missing consent.
    pub fn is_refused(&self) -> bool {
        self.steps.is_empty() && !(self.plan.steps.is_empty() && self.plan.refusals.is_empty())
    }
}

/// The outcome of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeDocument {
    /// The address.
    pub address: String,
    /// What was to be done.
    pub action: Action,
    /// The application, once it is known.
    pub integration_key: Option<String>,
    /// The stage that a rotation reaches: `delivered`, `finished` or `aborted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// How the step ended.
    pub status: StepStatus,
    /// Why, if it is not `applied`.
    pub reason: Option<String>,
    /// The current state and what to do, if it is not `applied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Possible causes of a failed call, the most likely first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Where keys were delivered, or which store they were `already in`, and how they were proven.
    pub delivered: Option<String>,
    /// `recovery_key` if the recovery key makes it, because it changes the application whose key duoctl uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<MadeBy>,
}

/// Counts how steps ended.
pub(super) fn tally(steps: &[OutcomeDocument]) -> Tally {
    let count = |ended: fn(StepStatus) -> bool| steps.iter().filter(|step| ended(step.status)).count();
    let applied = count(|status| status == StepStatus::Applied);
    let not_attempted = count(|status| status == StepStatus::NotAttempted);
    Tally { applied, failed: steps.len() - applied - not_attempted, not_attempted }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Done.
    Applied,
    /// The live application changed since the plan was made: nothing was sent.
    Moved,
    /// Duo's answer to a creation does not match what was sent: nothing more was sent to the application it names.
    Unconfirmed,
    /// It failed after part of it was done.
    PartlyApplied,
    /// It failed.
    Failed,
    /// The application exists, but its keys did not arrive in the secret store.
    NotDelivered,
    /// The successor exists, but no call proves that it works.
    NotProven,
    /// The recovery key made the change and rolled it back; the operator has proven that it works again.
    RolledBack,
    /// The same, but without the proof.
    RolledBackNotProven,
    /// The operator no longer works, and the change could not be rolled back.
    NotRolledBack,
    /// The run ended before it began.
    NotAttempted,
}

impl StepStatus {
    /// The words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Moved => "moved",
            Self::Unconfirmed => "unconfirmed",
            Self::PartlyApplied => "partly applied",
            Self::Failed => "failed",
            Self::NotDelivered => "not delivered",
            Self::NotProven => "not proven",
            Self::RolledBack => "rolled back",
            Self::RolledBackNotProven => "rolled back not proven",
            Self::NotRolledBack => "not rolled back",
            Self::NotAttempted => "not attempted",
        }
    }
}

impl From<&StepOutcome> for OutcomeDocument {
    fn from(outcome: &StepOutcome) -> Self {
        let (status, reason, next) = became(outcome);
        let causes = match &outcome.status {
            Status::Failed { error, .. } => causes(error),
            Status::Applied
            | Status::Moved { .. }
            | Status::Unconfirmed(_)
            | Status::NotDelivered(_)
            | Status::NotProven(_)
            | Status::Unfit(_)
            | Status::RolledBack { .. }
            | Status::NotRolledBack(_)
            | Status::NotAttempted(_) => Vec::new(),
        };
        Self {
            address: outcome.address.to_string(),
            action: outcome.action,
            integration_key: outcome.id.as_ref().map(ToString::to_string),
            stage: outcome.stage.clone(),
            status,
            reason,
            next,
            causes,
            delivered: outcome.note.clone(),
            made_by: outcome.by_recovery_key.then_some(MadeBy::RecoveryKey),
        }
    }
}

impl OutcomeDocument {
    /// For a step that was not begun.
    pub fn not_attempted(planned: &StepDocument, reason: &str) -> Self {
        Self {
            address: planned.address.clone(),
            action: planned.action,
            integration_key: planned.integration_key.clone(),
            stage: None,
            status: StepStatus::NotAttempted,
            reason: Some(reason.to_owned()),
            next: None,
            causes: Vec::new(),
            delivered: None,
            made_by: planned.made_by,
        }
    }

    /// For a key that was replaced in the same application.
    pub fn rotated(planned: &StepDocument, outcome: &Rotated) -> Self {
        let (status, reason, next) = match outcome {
            Rotated::Delivered(_) => (StepStatus::Applied, None, None),
            Rotated::NotDelivered(error) => (
                StepStatus::NotDelivered,
                Some(error.to_string()),
                Some("the key in Duo is new, and `duoctl apply` delivers it"),
            ),
            Rotated::Refused(reason) => {
                (StepStatus::Failed, Some(reason.clone()), Some("the key in Duo was not changed"))
            }
            Rotated::Unready(error) => (
                StepStatus::Failed,
                Some(format!("the secret store failed a test write: {error}")),
                Some("the key in Duo was not changed"),
            ),
            Rotated::Failed(error) => (StepStatus::Failed, Some(error.to_string()), None),
            Rotated::Partly(error) => (
                StepStatus::PartlyApplied,
                Some(format!("only some of its clients have a new secret: {error}")),
                Some(
                    "the secret store has Duo's current secrets; for the others run `duoctl keys rotate` again",
                ),
            ),
            Rotated::Unknown(error) => (
                StepStatus::PartlyApplied,
                Some(format!("it is unknown whether the key in Duo is new: {error}")),
                Some("the secret store has Duo's current key; for a new key run `duoctl keys rotate` again"),
            ),
        };
        let delivered = match outcome {
            Rotated::Delivered(place) => Some(place.clone()),
            _ => None,
        };
        let causes = match outcome {
            Rotated::Failed(error) => causes(error),
            _ => Vec::new(),
        };
        let next = next.map(str::to_owned);
        Self { status, reason, next, causes, delivered, ..Self::not_attempted(planned, "") }
    }
}

/// The status, its reason, and what to do next.
fn became(outcome: &StepOutcome) -> (StepStatus, Option<String>, Option<String>) {
    let (word, reason, next) = match &outcome.status {
        Status::Applied => return (StepStatus::Applied, None, None),
        Status::Moved { what, partly } => {
            let status = if *partly { StepStatus::PartlyApplied } else { StepStatus::Moved };
            (status, what.clone(), Some("run `duoctl plan` again"))
        }
        Status::Unconfirmed(what) => (
            StepStatus::Unconfirmed,
            what.clone(),
            Some("look at the list of applications in the Duo Admin Panel, then run `duoctl plan` again"),
        ),
        Status::Failed { error, partly } => return failed(error, *partly),
        Status::NotDelivered(why) if outcome.stage.as_deref() == Some(Stage::Aborted.words()) => {
            let next = format!(
                "nothing was deleted; fix the store, then run `duoctl keys abort {}` again to put the old key back",
                outcome.address
            );
            return (StepStatus::NotDelivered, Some(why.clone()), Some(next));
        }
        Status::NotDelivered(why) => (
            StepStatus::NotDelivered,
            why.clone(),
            Some("the application exists; `duoctl apply` delivers its keys"),
        ),
        Status::NotProven(why) => (
            StepStatus::NotProven,
            why.clone(),
            Some("the application that it replaces still works; `duoctl apply` continues"),
        ),
        Status::Unfit(unfit) => (StepStatus::Failed, unfit_sentence(unfit), None),
        Status::RolledBack { seen, proven: true } => (StepStatus::RolledBack, seen.clone(), None),
        Status::RolledBack { seen, proven: false } => (StepStatus::RolledBackNotProven, seen.clone(), None),
        Status::NotRolledBack(seen) => (StepStatus::NotRolledBack, seen.clone(), None),
        Status::NotAttempted(why) => (StepStatus::NotAttempted, why.clone(), None),
    };
    (word, Some(reason), next.map(str::to_owned))
}

fn failed(error: &DuoError, partly: bool) -> (StepStatus, Option<String>, Option<String>) {
    let status = if partly { StepStatus::PartlyApplied } else { StepStatus::Failed };
    let next = [
        partly.then_some("part of it was done"),
        error.outcome_unknown().then_some("whether it was done is unknown"),
        Some(if error.is_transient() || error.outcome_unknown() {
            "run `duoctl apply` again to continue"
        } else {
            "fix the cause, then run `duoctl apply` again"
        }),
    ];
    let next: Vec<&str> = next.into_iter().flatten().collect();
    (status, Some(error.to_string()), Some(next.join("; ")))
}

/// Why the recovery key could not be used, and what to do.
fn unfit_sentence(unfit: &Unfit) -> String {
    format!(
        "the recovery key cannot change duoctl's own application: {}; nothing was changed there; fix \
         `tenant.credentials.recovery` or remove it from the YAML",
        unfit.reason
    )
}

/// One line of `--format jsonl` while the command runs. The last line is the command's complete document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `event`.
    #[schemars(with = "String", extend("const" = "event"))]
    pub kind: Kind,
    /// What happened.
    pub event: EventName,
    /// When, in RFC 3339.
    pub at: String,
    /// The address that it is about.
    pub address: String,
    /// What the step does, for `step_begun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The outcome of the step, for `step_ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<OutcomeDocument>,
    /// The checks, for `application_verified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationDocument>,
    /// How far the data flows, for `connection_checked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionDocument>,
}

/// An event while a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    /// A step begins.
    StepBegun,
    /// A step has ended.
    StepEnded,
    /// An application was checked.
    ApplicationVerified,
    /// A connection was checked.
    ConnectionChecked,
}

impl EventDocument {
    fn now(event: EventName, address: &Address) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Event,
            event,
            at: format!("{:.3}", Timestamp::now()),
            address: address.to_string(),
            action: None,
            step: None,
            application: None,
            connection: None,
        }
    }

    /// A step begins.
    pub fn step_begun(step: &Step) -> Self {
        Self { action: Some(step.action), ..Self::now(EventName::StepBegun, &step.address) }
    }

    /// A step has ended.
    pub fn step_ended(outcome: &StepOutcome) -> Self {
        Self { step: Some(outcome.into()), ..Self::now(EventName::StepEnded, &outcome.address) }
    }

    /// An application was checked.
    pub fn application_verified(seen: &Subject) -> Self {
        Self { application: Some(seen.into()), ..Self::now(EventName::ApplicationVerified, &seen.address) }
    }

    /// A connection was checked.
    pub fn connection_checked(seen: &ConnectionReport) -> Self {
        Self { connection: Some(seen.into()), ..Self::now(EventName::ConnectionChecked, &seen.address) }
    }
}
