//! Where the keys of every declared application are stored, and whether they are current.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::object::{Ikey, Kind, Object};

use super::age::{KeyAge, key_age};
use super::delivery::{Held, Standing, standing};
use super::desired::{Desired, Wanted};
use super::observation::Observation;
use super::observed::Observed;
use super::plan::Plan;
use super::rotation::Stage;
use super::selection::Selection;
use crate::kinds::address::Address;

/// What is known about one application's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    /// The store holds the current keys.
    Current,
    /// The store holds no keys, or other ones.
    Due,
    /// The store never returns secrets.
    CannotTell,
    /// The store could not be read.
    Unreadable,
    /// The application does not exist yet.
    NotCreated,
    /// An error stops the address, so it is unknown which application it is.
    Stopped,
    /// The YAML names no store.
    NotKept,
}

impl Keeping {
    /// The words in the inventory.
    pub fn words(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Due => "due",
            Self::CannotTell => "cannot tell",
            Self::Unreadable => "unreadable",
            Self::NotCreated => "not created",
            Self::Stopped => "stopped",
            Self::NotKept => "not kept",
        }
    }
}

/// One line of the inventory. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SecretsEntry")]
pub struct Entry {
    /// The application's address.
    pub address: Address,
    /// The live application.
    pub integration_key: Option<Ikey>,
    /// Where its keys are stored.
    pub place: Option<String>,
    /// Whether they are current.
    pub state: Keeping,
    /// Why they are due, or why the store could not be read.
    pub reason: Option<String>,
    /// When they were delivered, according to the store.
    pub delivered_at: Option<String>,
    /// How old the key is.
    pub age: Option<KeyAge>,
    /// Whether it is older than `max_age`; null if the YAML sets none or the age is unknown.
    pub overdue: Option<bool>,
    /// When it becomes older than `max_age` says; absent where the YAML says nothing or its age is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub due_at: Option<Timestamp>,
    /// Since when the key is being rotated.
    #[schemars(with = "Option<String>")]
    pub rotating_since: Option<Timestamp>,
    /// Whether a live call has just accepted the stored key; null if none was made.
    pub proven: Option<bool>,
    /// What the call showed, or why none was made.
    pub proof: Option<String>,
}

impl Entry {
    /// Whether a consumer that reads the key from its place may be refused, or whether this is unknown.
    pub fn is_amiss(&self) -> bool {
        let by_state = match self.state {
            Keeping::Due | Keeping::Unreadable | Keeping::Stopped => true,
            Keeping::Current | Keeping::CannotTell | Keeping::NotCreated | Keeping::NotKept => false,
        };
        by_state || self.proven == Some(false)
    }
}

/// Every declared application that the selection covers, as the plan found it.
pub fn inventory(
    desired: &Desired,
    observation: &Observation,
    plan: &Plan,
    selection: &Selection,
    now: Timestamp,
) -> Vec<Entry> {
    let lives: BTreeMap<&Ikey, &Object> = match observation.objects.of(Kind::Application) {
        Observed::Present(lives) => lives.iter().map(|live| (&live.id, live)).collect(),
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => BTreeMap::new(),
    };
    let held_of = |wanted: &Wanted| observation.held.get(&wanted.address).filter(|_| wanted.secret.is_some());
    let covered = desired.of(Kind::Application).filter(|wanted| selection.covers(&wanted.address));
    covered
        .map(|wanted| {
            let live = plan.matched().get(&wanted.address).and_then(|ikey| lives.get(ikey));
            let rotation = plan.rotations().iter().find(|rotation| rotation.address == wanted.address);
            let previous = rotation.filter(|rotation| rotation.stage == Stage::Delivered);
            let previous = previous.map(|rotation| &rotation.old);
            let age = live.map(|live| {
                key_age(live, held_of(wanted), &observation.creations, &observation.host, previous)
            });
            let held = held_of(wanted);
            let (state, reason) = match (held, live) {
                (None, _) => (Keeping::NotKept, None),
                (Some(Held::Unreadable { reason, .. }), _) => (Keeping::Unreadable, Some(reason.clone())),
                (Some(_), None) if plan.blocked().contains(&wanted.address) => {
                    (Keeping::Stopped, Some("an error stops this address: `duoctl plan` shows it".to_owned()))
                }
                (Some(_), None) => (Keeping::NotCreated, None),
                (Some(held), Some(live)) => match standing(held, live, &observation.host, previous) {
                    Standing::Current => (Keeping::Current, None),
                    Standing::Due(reason) => (Keeping::Due, Some(reason)),
                    Standing::CannotTell => (Keeping::CannotTell, None),
                    Standing::Unreadable => (Keeping::Unreadable, None),
                },
            };
            let delivered_at = match held {
                Some(Held::Keys(keys)) => Some(keys.delivered_at.clone()).filter(|at| !at.is_empty()),
                Some(Held::Nothing | Held::CannotTell | Held::Unreadable { .. }) | None => None,
            };
            Entry {
                address: wanted.address.clone(),
                integration_key: live.map(|live| live.id.clone()),
                place: wanted.secret.as_ref().map(|secret| secret.place.clone()),
                state,
                reason,
                delivered_at,
                overdue: wanted
                    .max_age
                    .as_ref()
                    .zip(age.as_ref())
                    .and_then(|(most, age)| age.is_over(most.value, now)),
                due_at: wanted.max_age.as_ref().zip(age.as_ref()).and_then(|(most, age)| age.due(most.value)),
                age,
                rotating_since: rotation.and_then(|rotation| rotation.since),
                proven: None,
                proof: None,
            }
        })
        .collect()
}
