//! One action on one address, and what it sends.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::duo::object::{Ikey, Kind, Object, ObjectId};

use super::super::delivery::Delivery;
use super::super::diff::{Change, DriftRisk};
use super::super::fingerprint::snapshot;
use super::super::matching::Claim;
use crate::kinds::address::Address;
use crate::kinds::risk::{Assessment, Risk};

/// The reason that `protect` gives.
pub(crate) const PROTECTED: &str = "it is protected";

/// Why a deletion is expected: a replacement was requested, and the new application is proven first.
pub(crate) const AFTER_REPLACEMENT: &str = "the old application is deleted; Duo has no undelete";

/// The field of the change that shows the stage of a rotation.
pub(super) const ROTATION: &str = "rotation";

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new application.
    Create,
    /// Fields of an owned application.
    Update,
    /// Only the marker of an application that exists already.
    Adopt,
    /// A new application of another type, and the deletion of the old one.
    Replace,
    /// Blocks all logins and revokes permissions.
    Quarantine,
    /// Deletes the application.
    Delete,
    /// Delivers the current keys to a secret store; nothing changes in Duo.
    Deliver,
    /// One stage of a rotation: creates a successor next to the old application, or ends one of the two.
    Rotate,
    /// Keeps an application that is no longer in the YAML: removes the marker, so duoctl no longer manages it.
    Retain,
}

impl Action {
    /// The name in plans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Replace => "replace",
            Self::Quarantine => "quarantine",
            Self::Delete => "delete",
            Self::Deliver => "deliver",
            Self::Rotate => "rotate",
            Self::Retain => "retain",
        }
    }
}

/// One request of a step. Bodies contain no secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Write {
    /// Creates an object.
    Create(Kind, Map<String, Value>),
    /// Completes what this step created.
    Finish(Map<String, Value>),
    /// Writes the key of the application that was just created into the notes of a live one: the text before and after the
    /// key.
    Link(ObjectId, [String; 2]),
    /// Modifies a live object.
    Update(ObjectId, Map<String, Value>),
    /// Adds groups of an application to what a policy applies to. Nothing that is there changes, so the policy need not be as
    /// it was; it may be one that the plan creates.
    Bind(ObjectId, Map<String, Value>),
    /// Deletes a live object.
    Delete(ObjectId),
    /// Delivers the keys of a live application, or of the one that was just created.
    Deliver(Option<Ikey>),
    /// Proves by live calls that a successor works: a live application, or the one that was just created.
    Prove(Option<Ikey>),
}

/// One action on one address.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The address.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// The kind of its object.
    pub kind: Kind,
    /// The live object, if it exists.
    pub id: Option<ObjectId>,
    /// Its type; for a replacement, the new one.
    #[serde(rename = "type")]
    pub variant: String,
    /// Its name.
    pub name: String,
    /// The changes, field by field.
    pub changes: Vec<Change>,
    /// The risks of the action itself, beyond the fields, and why.
    pub inherent: Vec<(Risk, &'static str)>,
    /// The requests, in order.
    pub(crate) writes: Vec<Write>,
    /// The addresses of objects that do not exist yet, and whose ids the requests need.
    pub(crate) awaits: BTreeSet<Address>,
    /// The addresses whose steps must be done first: without them, this step would do more than the plan shows.
    pub(crate) after: BTreeSet<Address>,
    /// Where keys are delivered, and why.
    pub delivery: Option<Delivery>,
    /// The state of each live application for which the step was planned.
    pub(crate) baseline: BTreeMap<ObjectId, String>,
    /// The markers this step depends on that this run cannot verify. They depend on the run's keys, so they are not part of
    /// what the plan does.
    #[serde(skip)]
    pub rests_on: Vec<Claim>,
}

impl Step {
    /// A step that sends nothing yet.
    pub(super) fn new(kind: Kind, address: &Address, action: Action, variant: &str, name: &str) -> Self {
        Self {
            address: address.clone(),
            action,
            kind,
            id: None,
            variant: variant.to_owned(),
            name: name.to_owned(),
            changes: Vec::new(),
            inherent: Vec::new(),
            writes: Vec::new(),
            awaits: BTreeSet::new(),
            after: BTreeSet::new(),
            delivery: None,
            baseline: BTreeMap::new(),
            rests_on: Vec::new(),
        }
    }

    /// A step about a live application, whatever its state is when the step is carried out.
    pub(super) fn about(address: &Address, action: Action, live: &Object) -> Self {
        let id = Some(live.object_id());
        Self { id, ..Self::new(live.kind, address, action, live.variant(), live.name()) }
    }

    /// A step on a live application, which must not change before the step is carried out.
    pub(super) fn on(address: &Address, action: Action, live: &Object) -> Self {
        let mut step = Self::about(address, action, live);
        step.watch(live);
        step
    }

    /// Requires that another application does not change before the step is carried out.
    pub(super) fn watch(&mut self, live: &Object) {
        self.baseline.insert(live.object_id(), snapshot(live));
    }

    /// Deletes a live application; the only way to plan a deletion. Adds the risk with its reason, so that a protected
    /// application is refused.
    pub(super) fn delete(&mut self, id: ObjectId, why: &'static str, protected: bool) {
        self.writes.push(Write::Delete(id));
        for reason in [Some(why), protected.then_some(PROTECTED)].into_iter().flatten() {
            if !self.inherent.contains(&(Risk::Destroys, reason)) {
                self.inherent.push((Risk::Destroys, reason));
            }
        }
    }

    /// The stage that a rotation reaches with this step, e.g. `aborted`.
    pub fn stage(&self) -> Option<&str> {
        let stages = self.changes.iter().filter(|change| change.field == ROTATION);
        stages.filter_map(|change| change.after.as_str()).next()
    }

    /// Every live object that the step is about.
    pub(super) fn involves(&self) -> BTreeSet<&ObjectId> {
        self.baseline.keys().chain(self.targets()).chain(&self.id).collect()
    }

    /// Whether it only changes settings: it delivers no key and removes or rotates nothing.
    pub(super) fn only_sets(&self) -> bool {
        matches!(self.action, Action::Update | Action::Adopt) && self.delivery.is_none()
    }

    /// The live objects that the step writes to.
    pub fn targets(&self) -> BTreeSet<&ObjectId> {
        let targets = self.writes.iter().filter_map(|write| match write {
            Write::Create(..) | Write::Finish(_) | Write::Deliver(_) | Write::Prove(_) => None,
            Write::Update(id, _) | Write::Bind(id, _) | Write::Link(id, _) | Write::Delete(id) => Some(id),
        });
        targets.collect()
    }

    /// The application that the step is about.
    pub fn ikey(&self) -> Option<&Ikey> {
        self.id.as_ref()?.ikey()
    }

    /// Whether it writes to an application.
    pub fn writes_to(&self, ikey: &Ikey) -> bool {
        self.targets().iter().any(|target| target.is(ikey))
    }

    /// The live objects that the step deletes.
    pub fn deletes(&self) -> BTreeSet<&ObjectId> {
        let deleted = self.writes.iter().filter_map(|write| match write {
            Write::Delete(id) => Some(id),
            Write::Create(..)
            | Write::Finish(_)
            | Write::Link(..)
            | Write::Bind(..)
            | Write::Update(..)
            | Write::Deliver(_)
            | Write::Prove(_) => None,
        });
        deleted.collect()
    }

    /// Every risk of the step except `neutral`, with all of its reasons.
    pub fn risks(&self) -> Reasons {
        let changes = self.changes.iter().map(|change| (change.risk, change.reason));
        reasons(changes.chain(self.inherent.iter().copied()))
    }

    /// Every risk of leaving the changes made in Duo in place, with all of its reasons.
    pub fn drift(&self) -> Reasons {
        let found = self.changes.iter().filter_map(|change| change.drift);
        reasons(found.map(|DriftRisk { risk, reason }| (risk, reason)))
    }
}

/// Risks with their reasons, each reason once.
pub type Reasons = BTreeMap<Risk, Vec<&'static str>>;

fn reasons(assessments: impl Iterator<Item = Assessment>) -> Reasons {
    let mut reasons = Reasons::new();
    for (risk, reason) in assessments.filter(|(risk, _)| *risk != Risk::Neutral) {
        let known = reasons.entry(risk).or_default();
        if !known.contains(&reason) {
            known.push(reason);
        }
    }
    reasons
}
