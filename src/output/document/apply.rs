//! The document of what became of a plan, and the events on the way.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::deputy::Unfit;
use crate::apply::outcome::{Normalised, Status, StepOutcome, Tally};
use crate::apply::rotate::Rotated;
use crate::duo::error::DuoError;
use crate::duo::explain::{Cause, causes};
use crate::kinds::address::Address;
use crate::reconcile::plan::{Action, Step};
use crate::verify::report::{Ladder, Report, Subject};

use super::{
    ApplicationDocument, FORMAT_VERSION, HandoffDocument, Kind, LadderDocument, MadeBy, PlanDocument,
    StepDocument, VerifyDocument,
};

/// The outcome of `apply`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `apply`.
    #[schemars(with = "String", extend("const" = "apply"))]
    pub kind: Kind,
    /// What the recovery key gave back to the operator before the plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired: Option<OutcomeDocument>,
    /// The plan that was carried out, or refused.
    pub plan: PlanDocument,
    /// How many steps ended how.
    pub summary: Tally,
    /// What became of each step; empty where nothing was begun.
    pub steps: Vec<OutcomeDocument>,
    /// Values that Duo keeps in another form than the one that was sent.
    pub normalised: Vec<Normalised>,
    /// The plan after the writes; null where nothing was written.
    pub left: Option<PlanDocument>,
    /// The addresses that `--only` and `--exclude` left out.
    pub left_out: Option<Vec<String>>,
    /// What a person still has to do in consoles: of the account as it is now.
    pub handoffs: Option<Vec<HandoffDocument>>,
    /// What was verified; null where nothing was.
    pub verify: Option<VerifyDocument>,
}

impl ApplyDocument {
    /// Of a plan of which nothing was begun: it was refused, or nobody consented.
    pub fn refused(plan: PlanDocument) -> Self {
        Self::new(plan, &[], &[], None, None)
    }

    /// Of a plan that was carried out. `left` is the plan after the writes, where something was written.
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

    /// What is said of a run that went no further.
    pub(crate) fn so_far(&self) -> &'static str {
        if self.repaired.is_some() { "nothing else was changed" } else { "nothing was changed" }
    }

    /// Whether there was something to do, and nothing was begun: a guard refused it, or nobody consented.
    pub fn is_refused(&self) -> bool {
        self.steps.is_empty() && !(self.plan.steps.is_empty() && self.plan.refusals.is_empty())
    }
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeDocument {
    /// The address.
    pub address: String,
    /// What was to be done.
    pub action: Action,
    /// The application, once it is known.
    pub integration_key: Option<String>,
    /// What a rotation becomes by it: `delivered`, `finished` or `called off`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// What became of it.
    pub status: StepStatus,
    /// Why, where it is not `applied`.
    pub reason: Option<String>,
    /// How things stand and what to do, where it is not `applied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What may be behind a call that failed, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Where keys were delivered, or `already in` which store they were, and how they were proven.
    pub delivered: Option<String>,
    /// `recovery_key` where the recovery key makes it, since it changes the application whose key duoctl uses.
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
    /// The live application is no longer as the plan found it: nothing was sent.
    Moved,
    /// Duo's answer to a creation is not about what was sent: nothing more was sent to what it names.
    Unconfirmed,
    /// It failed after a part of it was done.
    PartlyApplied,
    /// It failed.
    Failed,
    /// The application is there, but its keys did not arrive in the secret store.
    NotDelivered,
    /// The successor is there, but no call proves that it works.
    NotProven,
    /// The recovery key made it and took it back; the first one has proven that it works again.
    RolledBack,
    /// The same without the proof.
    RolledBackNotProven,
    /// The operator does not work any more, and it could not be taken back.
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
        let (status, reason, next) = became(&outcome.status);
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
            integration_key: outcome.ikey.as_ref().map(ToString::to_string),
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
    /// Of a step of which nothing was begun.
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

    /// Of a key that was replaced in the same application.
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
            Rotated::Unknown(error) => (
                StepStatus::PartlyApplied,
                Some(format!("it is not known whether the key in Duo is new: {error}")),
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

/// The status, why it is so, and how things stand now.
fn became(status: &Status) -> (StepStatus, Option<String>, Option<String>) {
    let (word, reason, next) = match status {
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
        Status::NotDelivered(why) => (
            StepStatus::NotDelivered,
            why.clone(),
            Some("the application is there, and `duoctl apply` delivers its keys"),
        ),
        Status::NotProven(why) => (
            StepStatus::NotProven,
            why.clone(),
            Some("the application that it replaces still serves, and `duoctl apply` goes on"),
        ),
        Status::Unfit(unfit) => (StepStatus::Failed, unfit_sentence(unfit), None),
        Status::RolledBack { seen, proven: true } => (StepStatus::RolledBack, seen.clone(), None),
        Status::RolledBack { seen, proven: false } => (StepStatus::RolledBackNotProven, seen.clone(), None),
        Status::NotRolledBack(seen) => (StepStatus::NotRolledBack, seen.clone(), None),
        Status::NotAttempted(why) => (StepStatus::NotAttempted, (*why).to_owned(), None),
    };
    (word, Some(reason), next.map(str::to_owned))
}

fn failed(error: &DuoError, partly: bool) -> (StepStatus, Option<String>, Option<String>) {
    let status = if partly { StepStatus::PartlyApplied } else { StepStatus::Failed };
    let next = [
        partly.then_some("a part of it was done"),
        error.outcome_unknown().then_some("whether it was done is not known"),
        Some(if error.is_transient() || error.outcome_unknown() {
            "run `duoctl apply` again to continue"
        } else {
            "mend the cause, then run `duoctl apply` again"
        }),
    ];
    let next: Vec<&str> = next.into_iter().flatten().collect();
    (status, Some(error.to_string()), Some(next.join("; ")))
}

/// Why the recovery key did not begin, and what to do.
fn unfit_sentence(unfit: &Unfit) -> String {
    format!(
        "the recovery key, which changes duoctl's own application, cannot: {}; nothing of it was changed, mend \
         `tenant.credentials.recovery` or take it out of the YAML",
        unfit.reason
    )
}

/// One line of `--format jsonl` while the command runs. The last line is the command's whole document.
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
    /// What the step does, of `step_begun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What became of the step, of `step_ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<OutcomeDocument>,
    /// What was seen, of `application_verified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationDocument>,
    /// How far the data flows, of `ladder_climbed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<LadderDocument>,
}

/// What may happen while a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    /// A step begins.
    StepBegun,
    /// A step has ended.
    StepEnded,
    /// An application was looked at.
    ApplicationVerified,
    /// A ladder was climbed.
    LadderClimbed,
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
            ladder: None,
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

    /// An application was looked at.
    pub fn application_verified(seen: &Subject) -> Self {
        Self { application: Some(seen.into()), ..Self::now(EventName::ApplicationVerified, &seen.address) }
    }

    /// A ladder was climbed.
    pub fn ladder_climbed(climbed: &Ladder) -> Self {
        Self { ladder: Some(climbed.into()), ..Self::now(EventName::LadderClimbed, &climbed.address) }
    }
}
