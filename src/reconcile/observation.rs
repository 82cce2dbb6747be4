//! One reading of the account, as far as it could be read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::duo::object::{Ikey, Object};
use crate::duo::types::Account;

use crate::kinds::marker::Notes;
use crate::kinds::seal::{Keyring, Verdict};

use super::age::Creations;
use super::delivery::Held;
use super::observed::{Objects, Observed};
use super::rotation::Uses;
use crate::kinds::address::Address;

/// The newest login, or attempted login, in the authentication log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When, as Duo writes it.
    pub when: String,
    /// Who: a username.
    pub who: String,
    /// The result, e.g. `denied`.
    pub result: String,
}

/// What is known about the markers of objects. The planner gets these verdicts, not the keys.
#[derive(Clone, Debug)]
pub struct Proofs {
    verdicts: BTreeMap<Ikey, Verdict>,
    /// The verdict on all others.
    otherwise: Verdict,
}

impl Proofs {
    /// Without a key to prove anything with.
    pub fn none() -> Self {
        Self::all(Verdict::Foreign)
    }

    /// The same verdict on every marker.
    pub(crate) fn all(otherwise: Verdict) -> Self {
        Self { verdicts: BTreeMap::new(), otherwise }
    }

    /// What these keys prove.
    pub fn new<'a>(lives: impl IntoIterator<Item = &'a Object>, keyring: &Keyring) -> Self {
        let verdict =
            |live: &Object| Some((live.id.clone(), keyring.verdict(&live.id, &Notes::parse(live.notes()))?));
        Self { verdicts: lives.into_iter().filter_map(verdict).collect(), otherwise: Verdict::Forged }
    }

    /// What is known about the marker of one object.
    pub fn of(&self, ikey: &Ikey) -> Verdict {
        self.verdicts.get(ikey).copied().unwrap_or(self.otherwise)
    }

    /// The applications with a verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Ikey> {
        self.verdicts.iter().filter(move |(_, found)| **found == verdict).map(|(ikey, _)| ikey)
    }

    /// Sets the verdict on one application.
    pub fn set(&mut self, ikey: Ikey, verdict: Verdict) {
        self.verdicts.insert(ikey, verdict);
    }
}

/// One reading of the account.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The API hostname.
    pub host: String,
    /// The operator: the application whose key duoctl uses.
    pub operator: Ikey,
    /// Every application, and every object of the kinds that the YAML needs.
    pub objects: Objects,
    /// What their markers prove.
    pub proofs: Proofs,
    /// How many applications the account's summary counts; read only if something is to be deleted.
    pub counted: Observed<usize>,
    /// The account's name and plan.
    pub account: Account,
    /// What secret stores hold; only the addresses that were looked up.
    pub held: BTreeMap<Address, Held>,
    /// When it was read.
    pub observed_at: Timestamp,
    /// The newest use since its quarantine of each application that is to be deleted; only those that were looked up.
    pub uses: BTreeMap<Ikey, Observed<Option<LastUse>>>,
    /// When anyone other than the operator last changed such an application since its quarantine.
    pub touched: BTreeMap<Ikey, Timestamp>,
    /// When the keys of rotations in progress were last used; read only if there is one.
    pub rotation_uses: Observed<Uses>,
    /// When applications were created; read only if the age of a key matters.
    pub creations: Observed<Creations>,
}

impl Observation {
    /// An empty reading: nothing was read yet.
    pub fn new(host: impl Into<String>, operator: Ikey, observed_at: Timestamp) -> Self {
        Self {
            host: host.into(),
            operator,
            objects: Objects::default(),
            proofs: Proofs::none(),
            counted: Observed::NotRead,
            account: Account::default(),
            held: BTreeMap::new(),
            observed_at,
            uses: BTreeMap::new(),
            touched: BTreeMap::new(),
            rotation_uses: Observed::NotRead,
            creations: Observed::NotRead,
        }
    }
}
