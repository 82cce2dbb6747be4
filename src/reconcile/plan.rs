//! The plan: `(Desired, Observation) -> Plan`, without I/O. Only this module builds one, and only `apply` carries it out.
//!
//! Each stage is a function in a file below that reads the `context` and returns what it adds. [`plan`] combines them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::duo::object::{Id, Ikey, Kind, Object, ObjectId};

use super::desired::Desired;
use super::fingerprint::Fingerprint;
use super::handoff::Handoff;
use super::impact::{Affected, Impact, Survey};
use super::live::Live;
use super::matching::Claim;
use super::observation::Observation;
use super::references::References;
use super::rotation::Rotation;
use super::selection::Selection;
use super::set_fields::{self, SetField};
use crate::kinds::address::Address;
use crate::kinds::risk::Risk;

mod ages;
mod bindings;
mod by_hand;
mod claims;
mod consequences;
mod console;
mod context;
mod count;
mod creation;
mod deletion;
mod delivery;
mod edition;
mod existing;
mod former;
mod give_back;
mod late;
mod likeness;
mod lists;
mod object;
mod options;
mod policy;
mod reach;
mod removal;
mod renamed;
mod restoration;
mod rotation;
pub mod settle;
mod step;

pub use context::Orphan;
use context::{Context, Parts};
pub use give_back::give_back;
pub(crate) use late::resolved;
use likeness::LookAlikes;
use lists::Lists;
pub use options::{Options, Prune};
pub(crate) use policy::DEFAULT;
use reach::Worlds;
pub(crate) use removal::{AFTER_QUARANTINE, STILL_IN_CONSOLE};
pub(crate) use step::{AFTER_REPLACEMENT, PROTECTED};
pub use step::{Action, Reasons, Step, Write};

/// The counts of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Creates and replacements.
    pub add: usize,
    /// Updates and quarantines.
    pub change: usize,
    /// Adoptions.
    pub adopt: usize,
    /// Applications that are deleted, by any kind of step.
    pub delete: usize,
    /// Live applications that the YAML does not declare.
    pub unmanaged: usize,
    /// Outstanding handoffs.
    pub handoffs: usize,
    /// Deliveries to secret stores.
    pub deliveries: usize,
    /// Rotations in progress.
    pub rotations: usize,
    /// Applications that are kept and no longer managed.
    pub retain: usize,
    /// Fields of managed applications that are set in Duo and that the YAML neither declares nor ignores.
    #[serde(default)]
    pub unmanaged_fields: usize,
}

/// What would change. Only [`plan`] builds one.
#[derive(Clone, Debug)]
pub struct Plan {
    workspace: String,
    operator: Ikey,
    recovery_key: bool,
    parts: Parts,
    handoffs: Vec<Handoff>,
    attested: Vec<Handoff>,
    matched: BTreeMap<Address, Ikey>,
    live: BTreeSet<ObjectId>,
    owned: usize,
    claimed: BTreeSet<Ikey>,
    declared: usize,
    unmanaged: usize,
    unmanaged_fields: Vec<SetField>,
    left_out_pending: BTreeSet<Address>,
    /// The consequences of each replacement beyond its changes, by the step's index.
    consequences: BTreeMap<usize, Vec<String>>,
    impact: Impact,
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

    /// Whether the recovery key performs a step: one is configured, and the step changes the operator's own application.
    pub fn is_by_recovery_key(&self, step: &Step) -> bool {
        self.recovery_key && step.writes_to(&self.operator)
    }

    /// The steps, sorted by address, removals last.
    pub fn steps(&self) -> &[Step] {
        &self.parts.steps
    }

    /// The outstanding handoffs; values of applications that do not exist yet are missing.
    pub fn handoffs(&self) -> &[Handoff] {
        &self.handoffs
    }

    /// The handoffs whose current values a person has attested.
    pub fn attested(&self) -> &[Handoff] {
        &self.attested
    }

    /// Owned applications that are no longer in the YAML.
    pub fn orphans(&self) -> &[Orphan] {
        &self.parts.orphans
    }

    /// Unowned applications that almost certainly belong to an address, which is blocked because of it.
    pub fn look_alikes(&self) -> &BTreeMap<Ikey, Address> {
        &self.look_alikes
    }

    /// The rotations in progress, sorted by address.
    pub fn rotations(&self) -> &[Rotation] {
        &self.parts.rotations
    }

    /// Applications of declared addresses that rotations have retired.
    pub fn retired(&self) -> &[Orphan] {
        &self.parts.retired
    }

    /// What was found: an error blocks its address, a warning blocks nothing.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.parts.problems
    }

    /// The addresses for which nothing is planned because of an error.
    pub fn blocked(&self) -> &BTreeSet<Address> {
        &self.parts.blocked
    }

    /// The live application of each declared address, if it exists.
    pub fn matched(&self) -> &BTreeMap<Address, Ikey> {
        &self.matched
    }

    /// Every object of the account that was read when the plan was made.
    pub fn live(&self) -> &BTreeSet<ObjectId> {
        &self.live
    }

    /// The applications whose only evidence of ownership is a marker that this run cannot verify.
    pub(crate) fn claimed(&self) -> &BTreeSet<Ikey> {
        &self.claimed
    }

    /// How many live applications carry the workspace's marker.
    pub fn owned(&self) -> usize {
        self.owned
    }

    /// How many applications the YAML declares.
    pub fn declared(&self) -> usize {
        self.declared
    }

    /// Fields that are set in Duo and that the YAML neither declares nor ignores, sorted by address.
    pub fn unmanaged_fields(&self) -> &[SetField] {
        &self.unmanaged_fields
    }

    /// How many addresses `--only` and `--exclude` left out, including those of orphans.
    pub fn left_out(&self) -> usize {
        self.parts.left_out.len()
    }

    /// The addresses that `--only` and `--exclude` left out.
    pub fn left_out_addresses(&self) -> &BTreeSet<Address> {
        &self.parts.left_out
    }

    /// The left-out addresses that have pending changes.
    pub fn left_out_pending(&self) -> &BTreeSet<Address> {
        &self.left_out_pending
    }

    /// The consequences of a step beyond its changes, one per line; only replacements have any.
    pub fn consequences(&self, step: usize) -> &[String] {
        self.consequences.get(&step).map(Vec::as_slice).unwrap_or_default()
    }

    /// Who is affected by a step that changes who may log in or under which policy.
    pub fn affected(&self, step: usize) -> Option<&Affected> {
        self.impact.by_step.get(&step)
    }

    /// What counting the affected users took; `None` if there was nothing to count.
    pub fn survey(&self) -> Option<&Survey> {
        self.impact.survey.as_ref()
    }

    /// Adds who is affected. This does not change what the plan does, so it is not part of the fingerprint.
    pub fn tell_affected(&mut self, impact: Impact) {
        self.impact = impact;
    }

    /// The applications that cannot be deleted before the authentication log is checked, and from when to check it.
    pub fn unlooked(&self) -> &[(Ikey, Timestamp)] {
        &self.parts.unlooked
    }

    /// The applications that the plan would remove based on their marker alone, without a completed quarantine.
    pub fn by_word(&self) -> &[Ikey] {
        &self.parts.by_word
    }

    /// Whether a step deletes an application.
    pub fn deletes(&self) -> bool {
        self.parts.steps.iter().any(|step| !step.deletes().is_empty())
    }

    /// What the plan was made from.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether there is nothing to send and no error. Handoffs do not count: a person carries them out.
    pub fn is_empty(&self) -> bool {
        self.parts.steps.is_empty() && !has_errors(&self.parts.problems)
    }

    /// The counts.
    pub fn summary(&self) -> Summary {
        let mut summary =
            Summary { unmanaged: self.unmanaged, handoffs: self.handoffs.len(), ..Summary::default() };
        summary.unmanaged_fields = self.unmanaged_fields.len();
        summary.rotations = self.parts.rotations.len();
        summary.deliveries = self.parts.steps.iter().filter(|step| step.delivery.is_some()).count();
        for step in &self.parts.steps {
            match step.action {
                Action::Create => summary.add += 1,
                Action::Update | Action::Quarantine | Action::Rotate => summary.change += 1,
                Action::Adopt => summary.adopt += 1,
                Action::Delete | Action::Deliver => {}
                Action::Retain => summary.retain += 1,
                Action::Replace => summary.add += 1,
            }
        }
        // Any kind of step may delete an application.
        let deleted: BTreeSet<&ObjectId> = self.parts.steps.iter().flat_map(Step::deletes).collect();
        summary.delete = deleted.len();
        summary
    }

    /// How many steps have each risk.
    pub fn risks(&self) -> BTreeMap<Risk, usize> {
        counted(self.parts.steps.iter().flat_map(|step| step.risks().into_keys()))
    }

    /// How many steps undo a change made in Duo, by the risk of leaving that change in place.
    pub fn drift(&self) -> BTreeMap<Risk, usize> {
        counted(self.parts.steps.iter().flat_map(|step| step.drift().into_keys()))
    }
}

fn counted(risks: impl Iterator<Item = Risk>) -> BTreeMap<Risk, usize> {
    let mut counts = BTreeMap::new();
    for risk in risks {
        *counts.entry(risk).or_default() += 1;
    }
    counts
}

/// Compares what the YAML asks for with what the account holds.
pub fn plan(desired: &Desired, observation: &Observation, options: &Options) -> Plan {
    let mut parts = Parts::default();
    let lists = Lists::new(desired, observation, &mut parts);
    let read = lists.of(Kind::Application);
    let integrations = read.unwrap_or(&[]);
    let mut all_matches = lists.matches(desired, observation);
    let found = lists::found(desired, &mut all_matches);
    let matches = all_matches.remove(&Kind::Application).unwrap_or_default();
    let mut lives: HashMap<&Address, &Object> = HashMap::new();
    let mut olds: HashMap<&Address, &Object> = HashMap::new();
    for (wanted, found) in &found {
        let live = found.as_ref().ok().and_then(|found| found.live.as_ref());
        let same_type = |live: &&Live<'_>| {
            wanted.variant.as_deref().is_none_or(|kind| kind == live.integration.variant())
        };
        lives.extend(live.filter(same_type).map(|live| (&wanted.address, live.integration)));
        let pair = found.as_ref().ok().and_then(|found| found.pair.as_ref());
        olds.extend(pair.map(|pair| (&wanted.address, pair.old.integration)));
    }
    // A retained application stays as it is, in the console too.
    let stays =
        |live: &&Live<'_>| live.marker.as_ref().is_some_and(|marker| desired.retains(&marker.address));
    // An application that may belong to an unmatched address is not removed from the console either.
    let goes = |live: &&Live<'_>| !stays(live) && !matches.contested.contains(&live.integration.id);
    let removed: Vec<Live<'_>> = matches.orphans.iter().filter(goes).cloned().collect();
    let mut handoffs =
        if read.is_some() { console::handoffs(desired, &lives, &olds, &removed) } else { Vec::new() };
    let cx = Context {
        desired,
        observation,
        options,
        references: References::new(desired, observation),
        world: reach::world(&observation.objects),
        let_go: console::let_go(&handoffs),
    };
    let unproven = console::unproven(&cx, &found);
    let mut look_alikes = LookAlikes::new(&matches.unowned, &matches.orphans);
    let mut unmanaged_fields = Vec::new();
    for (wanted, found) in found {
        let live = lives.get(&wanted.address).filter(|_| options.selection.covers(&wanted.address));
        if let Some(live) = live {
            let set = set_fields::of(wanted, live, &cx.references);
            parts.problems.extend(set_fields::gaps(wanted, &set, live));
            unmanaged_fields.extend(set);
        }
        if !options.selection.covers(&wanted.address) {
            parts.left_out.insert(wanted.address.clone());
        } else if read.is_some() {
            parts.add(object::object(&cx, &mut look_alikes, wanted, found));
        }
    }
    parts.problems.extend(look_alikes.likely(&parts.steps));
    parts.problems.extend(claims::worthless(&matches, options.prune));
    parts.problems.extend(former::check(&cx, matches.carriers, &matches.left_behind));
    parts.add(removal::orphans(&cx, &matches.orphans, &matches.contested));
    for (kind, matches) in &all_matches {
        parts.problems.extend(claims::worthless(matches, options.prune));
        parts.add(deletion::orphans(&cx, *kind, matches, &parts.steps));
    }
    let kept: BTreeSet<&Id> = lives.values().map(|live| &live.id).collect();
    parts.add(deletion::policies(&cx, &kept, &parts.steps));
    let claims =
        matches.claims.into_iter().chain(all_matches.into_values().flat_map(|matches| matches.claims));
    let claims: BTreeMap<Ikey, Claim> = claims.collect();
    late::mark(&cx.references, &mut parts.steps);
    late::depend(&observation.objects, &mut parts.steps);
    late::hold(&mut parts);
    let worlds = Worlds::new(&cx, &parts.steps, lives.values().map(|live| live.id.clone()).collect());
    if let Some(worlds) = &worlds {
        worlds.assess(&cx, &mut parts.steps);
    }
    let edition = edition::check(&cx);
    let count = count::check(&cx, integrations, &parts.steps);
    for held_back in [edition, count] {
        parts.steps.retain(|step| !held_back.blocked.contains(&step.address));
        parts.add(held_back);
    }
    removal::hold(&mut parts);
    if read.is_some() {
        parts.problems.extend(console::idle_attestations(desired, &handoffs));
        parts.problems.extend(console::lapsed_attestations(&handoffs));
    }
    parts.problems.retain(|problem| !desired.suppress.iter().any(|item| item.covers(problem)));
    let touched: BTreeMap<ObjectId, String> =
        parts.steps.iter().flat_map(|step| step.baseline.clone()).collect();
    let bound = Fingerprint::new(
        &observation.host,
        &desired.yaml_hash,
        lists.all(),
        touched.iter(),
        &parts.steps,
        options.now,
    );
    claims::rest(&mut parts.steps, &claims, lists.all());
    let fingerprint = bound.unwrap_or_else(|error| {
        parts.stop(desired, unbound(&error));
        Fingerprint::default()
    });
    if options.hold_back {
        claims::hold_back(&mut parts);
        creation::hold_back_doubtful(&cx, &mut parts, &lives);
        late::hold(&mut parts);
        removal::hold(&mut parts);
    }
    parts.problems.extend(console::withhold(&mut handoffs, &unproven));
    handoffs.retain(|handoff| console::is_covered(handoff, &options.selection));
    let (attested, handoffs) = handoffs.into_iter().partition(Handoff::is_attested);
    Plan {
        workspace: desired.workspace.clone(),
        operator: observation.operator.clone(),
        recovery_key: desired.recovery_key,
        handoffs,
        attested,
        matched: lives.into_iter().map(|(address, live)| (address.clone(), live.id.clone())).collect(),
        live: lists.all().map(Object::object_id).collect(),
        owned: matches.owned,
        claimed: claims.into_keys().collect(),
        declared: desired.objects.len(),
        unmanaged: matches.unmanaged,
        unmanaged_fields,
        left_out_pending: pending(&cx, &parts.left_out),
        consequences: consequences::of(&parts.steps, desired, integrations, worlds.as_ref()),
        impact: Impact::default(),
        look_alikes: look_alikes.certain,
        fingerprint,
        parts,
    }
}

/// The addresses with pending changes that a partial run leaves out; the report lists them.
fn pending(cx: &Context<'_>, left_out: &BTreeSet<Address>) -> BTreeSet<Address> {
    if left_out.is_empty() {
        return BTreeSet::new();
    }
    let everything = Options { selection: Selection::default(), ..cx.options.clone() };
    let whole = plan(cx.desired, cx.observation, &everything);
    let undone = whole.steps().iter().map(|step| &step.address).chain(whole.blocked());
    undone.filter(|address| left_out.contains(address)).cloned().collect()
}

/// A plan without a fingerprint could not be checked for changes when it is applied.
fn unbound(error: &serde_json::Error) -> Diagnostic {
    let message = format!("the plan could not be fingerprinted: {error}");
    Diagnostic::error(Code::AccountUnreadable, None, message)
        .help("nothing is planned; this is a bug in duoctl, please report it")
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
