//! The plan: `(Desired, Observation) -> Plan`, without I/O. Only this module builds one, and only `apply` carries it out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::diagnostic::{Code, Diagnostic, has_errors};
use crate::duo::types::{Ikey, Integration};

use super::address::Address;
use super::delivery::Delivery;
use super::diff::{Change, DriftRisk};
use super::effect::{self, Affected, Memberships, Survey};
use super::fingerprint::{self, Fingerprint};
use super::handoff::Handoff;
use super::observation::Observation;
use super::risk::Risk;
use super::rotation::{Orders, Rotation};
use super::selection::Selection;

mod ages;
pub(super) mod build;
mod console;
mod creation;
mod delivery;
mod likeness;
mod price;
pub(super) mod removal;
mod restoration;
mod rotation;
pub mod settle;

/// What happens to orphans: owned applications that left the YAML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prune {
    /// They are only reported.
    #[default]
    No,
    /// Quarantined first, deleted once the quarantine is over.
    Quarantine,
    /// Deleted at once.
    Now,
}

/// What a run was asked to do, beside the YAML.
#[derive(Clone, Debug)]
pub struct Options {
    /// What happens to orphans.
    pub prune: Prune,
    /// Which addresses the run covers.
    pub selection: Selection,
    /// The day, for quarantines.
    pub today: Date,
    /// The time, in whole seconds, for rotations.
    pub now: Timestamp,
    /// What is to become of rotations.
    pub rotation: Orders,
}

impl Options {
    /// Everything is covered, nothing is removed, and no rotation is begun.
    pub fn at(now: Timestamp) -> Self {
        let today = TimeZone::UTC.to_datetime(now).date();
        Self { prune: Prune::No, selection: Selection::default(), today, now, rotation: Orders::default() }
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new application.
    Create,
    /// Fields of an owned application.
    Update,
    /// The marker on an application that exists already; no other field.
    Adopt,
    /// A new application of another type, and the end of the old one.
    Replace,
    /// Nobody may log in any more, and permissions are revoked.
    Quarantine,
    /// Gone for good.
    Delete,
    /// The keys of now into a secret store; nothing changes in Duo.
    Deliver,
    /// One stage of a rotation: a successor beside the old application, or the end of one of the two.
    Rotate,
    /// It left the YAML and is kept: the marker goes, and duoctl forgets it.
    Retain,
}

impl Action {
    /// The word in plans.
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

/// One request of a step. Bodies hold no secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Write {
    /// Creates the application.
    Create(Map<String, Value>),
    /// Completes what this step created.
    Finish(Map<String, Value>),
    /// Modifies a live application.
    Update(Ikey, Map<String, Value>),
    /// Deletes a live application.
    Delete(Ikey),
    /// Delivers the keys of a live application, or of the one that was created just before.
    Deliver(Option<Ikey>),
    /// Proves by live calls that a successor works: a live application, or the one that was created just before.
    Prove(Option<Ikey>),
}

/// One action on one address.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The address.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// The live application, where there is one.
    pub ikey: Option<Ikey>,
    /// Its type; of a replacement, the new one.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Field by field.
    pub changes: Vec<Change>,
    /// Beyond the fields: what the action itself risks, and why.
    pub inherent: Vec<(Risk, &'static str)>,
    /// What is sent, in order.
    pub(crate) writes: Vec<Write>,
    /// Where keys are delivered, and why.
    pub delivery: Option<Delivery>,
    /// The state of each live application that the step was planned for.
    pub(crate) baseline: BTreeMap<String, String>,
}

impl Step {
    /// The live applications that the step writes to.
    pub fn targets(&self) -> BTreeSet<&Ikey> {
        let targets = self.writes.iter().filter_map(|write| match write {
            Write::Create(_) | Write::Finish(_) | Write::Deliver(_) | Write::Prove(_) => None,
            Write::Update(ikey, _) | Write::Delete(ikey) => Some(ikey),
        });
        targets.collect()
    }

    /// The live applications that the step deletes.
    pub fn deletes(&self) -> BTreeSet<&Ikey> {
        let deleted = self.writes.iter().filter_map(|write| match write {
            Write::Delete(ikey) => Some(ikey),
            Write::Create(_) | Write::Finish(_) | Write::Update(..) | Write::Deliver(_) | Write::Prove(_) => {
                None
            }
        });
        deleted.collect()
    }

    /// Every risk of the step but `neutral`, each once with its first reason.
    pub fn risks(&self) -> BTreeMap<Risk, &'static str> {
        let mut risks = BTreeMap::new();
        let changes = self.changes.iter().map(|change| (change.risk, change.reason));
        for (risk, reason) in
            changes.chain(self.inherent.iter().copied()).filter(|(risk, _)| *risk != Risk::Neutral)
        {
            risks.entry(risk).or_insert(reason);
        }
        risks
    }

    /// What was done to the application in Duo risks as long as it stays, each risk once with its first reason.
    pub fn drift(&self) -> BTreeMap<Risk, &'static str> {
        let mut risks = BTreeMap::new();
        let found = self.changes.iter().filter_map(|change| change.drift);
        for DriftRisk { risk, reason } in found.filter(|drift| drift.risk != Risk::Neutral) {
            risks.entry(risk).or_insert(reason);
        }
        risks
    }
}

/// An owned application whose address left the YAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// The address it had.
    pub address: Address,
    /// The application.
    pub ikey: Ikey,
    /// Its name.
    pub name: String,
    /// Since when it is quarantined.
    pub quarantined_since: Option<String>,
    /// Whether its marker refuses its removal.
    pub protected: bool,
    /// Whether a console may hold its keys still: nobody attested that it let them go.
    pub in_console: bool,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Creates, and replacements once more.
    pub add: usize,
    /// Updates and quarantines.
    pub change: usize,
    /// Adoptions.
    pub adopt: usize,
    /// Deletes, and replacements once more.
    pub delete: usize,
    /// Live applications that nobody declares.
    pub unmanaged: usize,
    /// Outstanding handoffs.
    pub handoffs: usize,
    /// Deliveries to secret stores.
    pub deliveries: usize,
    /// Rotations that are under way.
    pub rotations: usize,
    /// Applications that are kept and forgotten.
    pub retain: usize,
}

/// What would change. Built by [`plan`] only.
#[derive(Clone, Debug)]
pub struct Plan {
    workspace: String,
    operator: Ikey,
    second_operator: bool,
    steps: Vec<Step>,
    handoffs: Vec<Handoff>,
    attested: Vec<Handoff>,
    orphans: Vec<Orphan>,
    rotations: Vec<Rotation>,
    retired: Vec<Orphan>,
    problems: Vec<Diagnostic>,
    blocked: BTreeSet<Address>,
    matched: BTreeMap<Address, Ikey>,
    owned: usize,
    declared: usize,
    unmanaged: usize,
    left_out: BTreeSet<Address>,
    left_out_pending: BTreeSet<Address>,
    /// What a replacement costs beyond its changes, by the step's place.
    prices: BTreeMap<usize, Vec<String>>,
    affected: BTreeMap<usize, Affected>,
    survey: Option<Survey>,
    unlooked: Vec<(Ikey, Timestamp)>,
    look_alikes: BTreeMap<Ikey, Address>,
    fingerprint: Fingerprint,
}

impl Plan {
    /// The workspace.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The application whose key duoctl uses.
    pub fn operator(&self) -> &Ikey {
        &self.operator
    }

    /// Whether a step is made by the second operator: it changes the operator's own application, and there is one.
    pub fn is_by_second(&self, step: &Step) -> bool {
        self.second_operator && step.targets().contains(&self.operator)
    }

    /// The steps, in the order of their addresses, removals last.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The handoffs that are outstanding now; values of applications that are yet to be created are missing.
    pub fn handoffs(&self) -> &[Handoff] {
        &self.handoffs
    }

    /// The forms of which a person has said that the console holds the values of now.
    pub fn attested(&self) -> &[Handoff] {
        &self.attested
    }

    /// Owned applications that left the YAML.
    pub fn orphans(&self) -> &[Orphan] {
        &self.orphans
    }

    /// Applications that nobody owns and that, as good as certainly, an address is that is stopped for it.
    pub fn look_alikes(&self) -> &BTreeMap<Ikey, Address> {
        &self.look_alikes
    }

    /// The rotations that are under way, in the order of their addresses.
    pub fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// Applications of declared addresses that rotations have put out of use.
    pub fn retired(&self) -> &[Orphan] {
        &self.retired
    }

    /// What was found: an error stops its address, a warning stops nothing.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }

    /// The addresses for which nothing is planned because of an error.
    pub fn blocked(&self) -> &BTreeSet<Address> {
        &self.blocked
    }

    /// The live application of each declared address that has one.
    pub fn matched(&self) -> &BTreeMap<Address, Ikey> {
        &self.matched
    }

    /// How many live applications carry the workspace's marker.
    pub fn owned(&self) -> usize {
        self.owned
    }

    /// How many applications the YAML declares.
    pub fn declared(&self) -> usize {
        self.declared
    }

    /// How many addresses `--only` and `--exclude` left out, those of orphans included.
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// The addresses that `--only` and `--exclude` left out.
    pub fn left_out_addresses(&self) -> &BTreeSet<Address> {
        &self.left_out
    }

    /// Those of them for which there would be something to do.
    pub fn left_out_pending(&self) -> &BTreeSet<Address> {
        &self.left_out_pending
    }

    /// What a step costs beyond its changes, in one line each; only a replacement has a price.
    pub fn price(&self, step: usize) -> &[String] {
        self.prices.get(&step).map(Vec::as_slice).unwrap_or_default()
    }

    /// Who is affected by a step, where it changes who may log in or under which policy.
    pub fn affected(&self, step: usize) -> Option<&Affected> {
        self.affected.get(&step)
    }

    /// What counting the affected took; `None` where there was nothing to count.
    pub fn survey(&self) -> Option<&Survey> {
        self.survey.as_ref()
    }

    /// Adds who is affected. It is no part of what the plan does, so it is none of the fingerprint.
    pub fn tell_affected(&mut self, observation: &Observation, people: &Memberships) {
        self.affected = effect::assess(self, observation, people);
        self.survey = (!self.affected.is_empty()).then(|| people.survey.clone());
    }

    /// The applications whose deletion waits for a look into the authentication log, from when on.
    pub fn unlooked(&self) -> &[(Ikey, Timestamp)] {
        &self.unlooked
    }

    /// What the plan was made from.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether nothing has to be sent and nothing is wrong. Handoffs are a person's work.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && !has_errors(&self.problems)
    }

    /// How many of each.
    pub fn summary(&self) -> Summary {
        let mut summary =
            Summary { unmanaged: self.unmanaged, handoffs: self.handoffs.len(), ..Summary::default() };
        summary.rotations = self.rotations.len();
        summary.deliveries = self.steps.iter().filter(|step| step.delivery.is_some()).count();
        for step in &self.steps {
            match step.action {
                Action::Create => summary.add += 1,
                Action::Update | Action::Quarantine | Action::Rotate => summary.change += 1,
                Action::Adopt => summary.adopt += 1,
                Action::Delete => summary.delete += 1,
                Action::Deliver => {}
                Action::Retain => summary.retain += 1,
                Action::Replace => {
                    summary.add += 1;
                    summary.delete += 1;
                }
            }
        }
        summary
    }

    /// How many steps hold each risk.
    pub fn risks(&self) -> BTreeMap<Risk, usize> {
        counted(self.steps.iter().flat_map(|step| step.risks().into_keys()))
    }

    /// How many steps undo something that was done in Duo, by what it risks as long as it stays.
    pub fn drift(&self) -> BTreeMap<Risk, usize> {
        counted(self.steps.iter().flat_map(|step| step.drift().into_keys()))
    }
}

fn counted(risks: impl Iterator<Item = Risk>) -> BTreeMap<Risk, usize> {
    let mut counts = BTreeMap::new();
    for risk in risks {
        *counts.entry(risk).or_default() += 1;
    }
    counts
}

pub(crate) use build::is_intelligence;
pub use build::plan;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// The parts of a plan that are the same for every address.
fn fingerprint_of(host: &str, yaml: &str, integrations: &[Integration], steps: &[Step]) -> Fingerprint {
    let touched: BTreeMap<String, String> = steps.iter().flat_map(|step| step.baseline.clone()).collect();
    let texts: Vec<String> =
        steps.iter().map(|step| serde_json::to_string(step).unwrap_or_default()).collect();
    Fingerprint {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host.to_owned(),
        yaml: yaml.to_owned(),
        ikeys: fingerprint::ikeys(integrations.iter().map(|integration| &integration.ikey)),
        objects: touched,
        steps: fingerprint::hash(texts.iter().map(String::as_str)),
    }
}

/// The error when the list of applications could not be read: nothing at all is planned.
fn unreadable(reason: &str) -> Diagnostic {
    Diagnostic::error(
        Code::AccountUnreadable,
        None,
        format!("the applications of the account could not be read: {reason}"),
    )
    .help("nothing is planned; `duoctl doctor` explains why they cannot be read")
}
