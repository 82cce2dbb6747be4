//! What every stage of a plan reads, and what it adds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Kind, Policy};

use super::super::consent::Consent;
use super::super::delivery::Held;
use super::super::desired::{Desired, Wanted};
use super::super::live::Live;
use super::super::observation::Observation;
use super::super::ownership::is_told;
use super::super::references::References;
use super::super::rotation::Rotation;
use super::options::Options;
use super::step::Step;
use crate::kinds::address::Address;
use crate::kinds::marker::{AppliedFields, Marker, MarkerState, Shut, room};
use crate::kinds::policy::world::World;
use crate::kinds::risk::Risk;

/// What every stage reads.
pub(super) struct Context<'a> {
    pub(super) desired: &'a Desired,
    pub(super) observation: &'a Observation,
    pub(super) options: &'a Options,
    pub(super) references: References,
    /// What applies to logins; empty unless the policies were read.
    pub(super) world: World<'a>,
    /// Entries whose current values are attested, so their consoles no longer hold anything that is to be removed.
    pub(super) let_go: BTreeSet<Address>,
}

impl Context<'_> {
    /// Whether the current values of the entry that an application is part of are attested.
    pub(super) fn is_attested(&self, part: &Address) -> bool {
        part.composite().is_some_and(|(entry, _)| self.let_go.contains(&entry))
    }

    /// Whether a console may hold the keys of an application, as far as attested.
    pub(super) fn in_console(&self, address: &Address) -> bool {
        address.is_intelligence() && !self.is_attested(address)
    }

    /// What the application's secret store holds, if it was read.
    pub(super) fn held(&self, wanted: &Wanted) -> Option<&Held> {
        self.observation.held.get(&wanted.address)
    }

    /// Whether the store can be read.
    pub(super) fn readable(&self, wanted: &Wanted) -> bool {
        !matches!(self.held(wanted), Some(Held::Unreadable { .. }))
    }

    /// The global policy, if policies were read.
    pub(super) fn global_policy(&self) -> Option<Policy<'_>> {
        let mut policies = self.observation.objects.present(Kind::Policy).iter().filter_map(Policy::of);
        policies.find(|policy| policy.is_global())
    }

    /// Whether there is consent to a risk at an address.
    pub(super) fn allows(&self, risk: Risk, address: &Address) -> bool {
        let consent = Consent { allow: self.options.allow.clone(), ..Consent::default() };
        consent.all(&self.desired.guards).iter().any(|allowed| allowed.covers(risk.name(), Some(address)))
    }

    pub(super) fn marker(&self, wanted: &Wanted, applied: AppliedFields, state: MarkerState) -> Marker {
        let (workspace, address) = (self.desired.workspace.clone(), wanted.address.clone());
        Marker {
            workspace,
            address,
            applied,
            state,
            protected: wanted.protect,
            adopted: false,
            shut: Shut::default(),
            was_shut: None,
        }
    }

    /// Whether the new marker says `adopted`. With a write-only store it does not: the key is delivered, with consent, before
    /// the adoption.
    pub(super) fn is_adopted(&self, wanted: &Wanted, live: &Live<'_>) -> bool {
        let told = live.marker.is_none() && wanted.secret.as_ref().is_some_and(|secret| secret.write_only);
        !told && self.is_by_name(wanted, live)
    }

    /// Whether an application is linked to an address only by its name, or its marker says that it was adopted. Whether the
    /// marker is verified does not matter here: another key may verify it.
    pub(super) fn is_by_name(&self, wanted: &Wanted, live: &Live<'_>) -> bool {
        let by_name = live.marker.as_ref().is_none_or(|marker| marker.adopted);
        by_name && !is_told(wanted, self.held(wanted), &live.integration.id)
    }
}

/// The text with the marker, if both fit.
pub(super) fn checked_notes(wanted: &Wanted, marker: &Marker, text: &str) -> Result<String, Vec<Diagnostic>> {
    let endpoint = wanted.kind.endpoint();
    let (name, limit) = (endpoint.text, endpoint.limit);
    let notes = marker.notes(text);
    let Err(excess) = room(&notes, limit) else { return Ok(notes) };
    let length = limit + excess;
    let span = wanted.settings.get(name).map(|notes| notes.span).or(wanted.span);
    let message =
        format!("{}: {name} and marker together are {length} characters, more than {limit}", wanted.address);
    let help = format!("shorten the {name} by {}", characters(excess));
    Err(vec![Diagnostic::error(Code::InvalidNotes, span, message).help(help)])
}

/// `1 character`, `2 characters`.
pub(super) fn characters(count: usize) -> String {
    format!("{count} character{}", if count == 1 { "" } else { "s" })
}

/// An owned application whose address is no longer in the YAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Orphan {
    /// The address it had.
    pub address: Address,
    /// The application.
    pub ikey: Ikey,
    /// Its name.
    pub name: String,
    /// The date since which it is quarantined.
    pub quarantined_since: Option<String>,
    /// Whether its marker protects it from removal.
    pub protected: bool,
    /// Whether a console may still hold its keys: their removal is not attested.
    pub in_console: bool,
}

/// What a stage adds to a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) steps: Vec<Step>,
    pub(super) problems: Vec<Diagnostic>,
    /// Addresses for which nothing is planned because of an error.
    pub(super) blocked: BTreeSet<Address>,
    /// Owned applications that are no longer in the YAML.
    pub(super) orphans: Vec<Orphan>,
    pub(super) rotations: Vec<Rotation>,
    /// Applications of declared addresses that rotations have retired.
    pub(super) retired: Vec<Orphan>,
    /// Applications that cannot be deleted before the authentication log is checked, and from when to check it.
    pub(super) unlooked: Vec<(Ikey, Timestamp)>,
    /// Applications to remove based on their marker alone.
    pub(super) by_word: Vec<Ikey>,
    /// Addresses that the run does not cover.
    pub(super) left_out: BTreeSet<Address>,
}

impl Parts {
    /// An address for which nothing is planned.
    pub(super) fn blocked(address: &Address, problems: Vec<Diagnostic>) -> Self {
        Self { problems, blocked: BTreeSet::from([address.clone()]), ..Self::default() }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.problems.extend(other.problems);
        self.blocked.extend(other.blocked);
        self.orphans.extend(other.orphans);
        self.rotations.extend(other.rotations);
        self.retired.extend(other.retired);
        self.unlooked.extend(other.unlooked);
        self.by_word.extend(other.by_word);
        self.left_out.extend(other.left_out);
    }

    /// Plans nothing at all, neither for declared addresses nor for anything else.
    pub(super) fn stop(&mut self, desired: &Desired, problem: Diagnostic) {
        self.steps.clear();
        self.problems.push(problem);
        self.blocked.extend(desired.objects.iter().map(|wanted| wanted.address.clone()));
    }
}
