//! The lists of the account that a plan is made from, and how their objects match the declared ones.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::Object;
use crate::kinds::Kind;
use crate::kinds::address::Address;

use super::super::desired::{Desired, Wanted};
use super::super::matching::{Match, Matches, match_all};
use super::super::observation::Observation;
use super::super::observed::Observed;
use super::context::Parts;

/// The lists of the account that could be read, by kind.
pub(super) struct Lists<'a> {
    read: BTreeMap<Kind, &'a [Object]>,
}

impl<'a> Lists<'a> {
    /// What could be read. Without the list of applications nothing is planned at all: every account has some. Without
    /// another list, nothing is planned for the declared objects of its kind.
    pub(super) fn new(desired: &Desired, observation: &'a Observation, parts: &mut Parts) -> Self {
        let mut read = BTreeMap::new();
        for kind in Kind::ALL {
            match listed(observation.objects.of(kind)) {
                Ok(lives) => {
                    read.insert(kind, lives);
                }
                Err(reason) if kind == Kind::Application => parts.stop(desired, unreadable(kind, reason)),
                Err(reason) => {
                    let addresses: BTreeSet<Address> =
                        desired.of(kind).map(|wanted| wanted.address.clone()).collect();
                    if !addresses.is_empty() {
                        parts.problems.push(unreadable(kind, reason));
                        parts.blocked.extend(addresses);
                    }
                }
            }
        }
        Self { read }
    }

    /// The objects of a kind, if their list could be read.
    pub(super) fn of(&self, kind: Kind) -> Option<&'a [Object]> {
        self.read.get(&kind).copied()
    }

    /// Every object of the lists.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Object> {
        self.read.values().copied().flatten()
    }

    /// How the objects of each kind match the declared ones.
    pub(super) fn matches(
        &self,
        desired: &Desired,
        observation: &Observation,
    ) -> BTreeMap<Kind, Matches<'a>> {
        let of = |kind, lives| match_all(kind, desired, lives, &observation.held, &observation.proofs);
        self.read.iter().map(|(kind, lives)| (*kind, of(*kind, lives))).collect()
    }
}

/// A declared object, and what it was matched with.
pub(super) type Found<'a> = (&'a Wanted, Result<Match<'a>, Box<Diagnostic>>);

/// Every declared object with what it was matched with: objects before those that refer to them, then by address.
pub(super) fn found<'a>(desired: &'a Desired, matches: &mut BTreeMap<Kind, Matches<'a>>) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for (kind, matches) in matches {
        let mut of_kind: Vec<Found<'_>> = desired.of(*kind).zip(matches.matched.drain(..)).collect();
        of_kind.sort_by_key(|(wanted, _)| &wanted.address);
        found.extend(of_kind);
    }
    found
}

/// A list, or why it is missing. A missing list is never an empty one.
fn listed(objects: &Observed<Vec<Object>>) -> Result<&[Object], &str> {
    match objects {
        Observed::Present(objects) => Ok(objects),
        Observed::Unreadable(reason) => Err(reason),
        Observed::NotRead => Err("they were not requested"),
        Observed::Absent => Err("Duo returned no list of them"),
    }
}

/// The error when a list could not be read.
fn unreadable(kind: Kind, reason: &str) -> Diagnostic {
    let section = kind.section();
    let message = format!("the {section} of the account could not be read: {reason}");
    let help = match kind {
        Kind::Application => {
            "nothing is planned; run `duoctl doctor` to find out why they cannot be read".to_owned()
        }
        Kind::Group | Kind::Policy => {
            format!(
                "nothing is planned for the {section}; run `duoctl doctor` to find out why they cannot be read"
            )
        }
    };
    Diagnostic::error(Code::AccountUnreadable, None, message).help(help)
}
