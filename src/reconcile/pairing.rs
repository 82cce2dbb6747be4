//! Which two applications of an address are the pair of a rotation, and what to do if this is ambiguous.
//!
//! The rule: both markers say so. The successor's marker names the application that it replaces, and that application's
//! marker names the successor; only before anything is delivered may the old marker not name it yet. If a marker no
//! longer says so, the store of the address can, because it holds the keys of both, or a person can, by pinning the
//! application that lost its marker. Then both markers are written again. Otherwise the address stops: neither of the
//! two is taken for the only one, so that editing notes never makes a key leave or return to a store.
//!
//! A missing marker proves nothing. Only the list of applications shows that an application is gone.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::kinds::marker::{Marker, MarkerState};

use super::delivery::HeldKeys;
use super::desired::Wanted;
use super::live::Live;
use super::rotation::Stage;

/// The two applications of an address whose key is being rotated.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    /// The one that existed before the rotation.
    pub old: Live<'a>,
    /// The one that the rotation created.
    pub successor: Live<'a>,
    /// Others that claim to replace the old one: created by a second run that began at the same moment.
    pub surplus: Vec<Live<'a>>,
    /// The stage of the rotation.
    pub stage: Stage,
    /// Those of the two whose marker has to be written again before the rotation continues.
    pub torn: BTreeSet<Ikey>,
}

/// What is known about one address.
pub(super) struct Ground<'g, 'a> {
    /// Its declaration in the YAML.
    pub(super) wanted: &'g Wanted,
    /// The workspace.
    pub(super) workspace: &'g str,
    /// The address that the markers name: the former one if the entry was renamed.
    pub(super) home: &'g Address,
    /// Every application whose marker names it.
    pub(super) marked: &'g [Live<'a>],
    /// What its store holds.
    pub(super) stored: Option<&'g HeldKeys>,
    /// Every application, by key.
    pub(super) live: &'g dyn Fn(&str) -> Option<Live<'a>>,
}

impl<'a> Ground<'_, 'a> {
    /// The pair of the rotation in progress; `None` if there is none.
    pub(super) fn pair(&self) -> Result<Option<Pair<'a>>, Box<Diagnostic>> {
        let bonds = self.bonds();
        let Some((old, _)) = bonds.first() else { return Ok(None) };
        let several = || bonds.iter().flat_map(|(old, successor)| [old, successor]);
        let of_one_type = several().all(|live| live.integration.variant() == old.integration.variant());
        if bonds.iter().any(|(other, _)| other.integration.id != old.integration.id) || !of_one_type {
            return Err(self.contradicting(several()));
        }
        let is_named = |live: &&Live<'a>| names_successor(old, &live.integration.id);
        let delivered = |live: &&Live<'a>| matches!(live.state(), Some(MarkerState::Delivered { .. }));
        let successors = || bonds.iter().map(|(_, successor)| successor);
        let found = successors().find(is_named).or_else(|| successors().find(delivered));
        let Some(successor) = found.or_else(|| successors().next()) else { return Ok(None) };
        let torn = self.torn(old, successor)?;
        let surplus = successors().filter(|live| live.integration.id != successor.integration.id);
        Ok(Some(Pair {
            old: old.clone(),
            successor: successor.clone(),
            surplus: surplus.cloned().collect(),
            stage: self.stage(old, successor),
            torn,
        }))
    }

    /// Every two existing applications for which a marker, or the store, says that one replaces the other.
    fn bonds(&self) -> Vec<(Live<'a>, Live<'a>)> {
        let mut said: BTreeSet<(&Ikey, &Ikey)> = BTreeSet::new();
        for live in self.marked {
            let ikey = &live.integration.id;
            match live.state() {
                Some(MarkerState::Rotating(successor)) => said.insert((ikey, successor)),
                Some(state) => state.of().is_some_and(|of| said.insert((of, ikey))),
                None => false,
            };
        }
        let mut bonds: Vec<(Live<'a>, Live<'a>)> = said
            .into_iter()
            .filter_map(|(old, successor)| {
                Some(((self.live)(old.as_str())?, (self.live)(successor.as_str())?))
            })
            .collect();
        // Once the old key is out of use, its rotation is over.
        let goes_on = |(old, successor): &(Live<'a>, Live<'a>)| {
            let is_retired = matches!(old.state(), Some(MarkerState::Retired(_))) && old.is_shut();
            !is_retired && old.integration.id != successor.integration.id
        };
        bonds.retain(goes_on);
        let stored = self.stored.and_then(|keys| {
            let by_key = |key: &str| (self.live)(Ikey::new(key).as_str());
            Some((by_key(keys.previous.as_ref()?)?, by_key(&keys.ikey)?))
        });
        if bonds.is_empty() {
            bonds.extend(stored.filter(goes_on));
        }
        bonds
    }

    /// Whether the store holds the keys of both: only duoctl writes there.
    fn stores(&self, old: &Live<'_>, successor: &Live<'_>) -> bool {
        self.stored.is_some_and(|keys| {
            Ikey::new(keys.ikey.as_str()) == successor.integration.id
                && keys.previous.as_deref().is_some_and(|previous| Ikey::new(previous) == old.integration.id)
        })
    }

    fn stage(&self, old: &Live<'_>, successor: &Live<'_>) -> Stage {
        let said = successor.state().filter(|state| state.of() == Some(&old.integration.id));
        let seen = if self.stores(old, successor) { Stage::Delivered } else { Stage::Made };
        said.and_then(Stage::of).unwrap_or(seen)
    }

    fn is_home(&self, marker: &Marker) -> bool {
        marker.workspace == self.workspace && marker.address == *self.home
    }

    /// Whether it carries no marker of another address or workspace.
    fn may_be_ours(&self, live: &Live<'_>) -> bool {
        live.marker.as_ref().is_none_or(|marker| self.is_home(marker))
    }

    /// Which of the two has a marker that no longer shows its role. It is an error if nothing else shows it.
    fn torn(&self, old: &Live<'a>, successor: &Live<'a>) -> Result<BTreeSet<Ikey>, Box<Diagnostic>> {
        let (old_key, new_key) = (&old.integration.id, &successor.integration.id);
        let home = |live: &Live<'_>| live.marker.as_ref().is_some_and(|marker| self.is_home(marker));
        let takes_its_place = home(successor) && successor.state().and_then(MarkerState::of) == Some(old_key);
        let is_made = takes_its_place && matches!(successor.state(), Some(MarkerState::Successor { .. }));
        // The rotation was interrupted right after it created the successor.
        let not_yet = is_made
            && old
                .state()
                .is_some_and(|state| state.is_in_use() && !matches!(state, MarkerState::Rotating(_)));
        let gives_way = home(old) && (names_successor(old, new_key) || not_yet);
        let mut torn = BTreeSet::new();
        for (live, says_so) in [(old, gives_way), (successor, takes_its_place)] {
            if says_so {
                continue;
            }
            let ikey = &live.integration.id;
            let pinned = self.wanted.pin.as_ref().is_some_and(|pin| pin.value == *ikey);
            if !self.may_be_ours(live) || !(pinned || self.stores(old, successor)) {
                return Err(self.lost(old, successor, live));
            }
            torn.insert(ikey.clone());
        }
        if *self.home != self.wanted.address {
            torn.extend([old_key.clone(), new_key.clone()]);
        }
        match &self.wanted.pin {
            Some(pin) if torn.is_empty() || ![old_key, new_key].contains(&&pin.value) => {
                let message = format!(
                    "the key of {old_key} is being rotated to {new_key}, but `integration_key` pins {}",
                    pin.value
                );
                let help = "remove `integration_key`: the markers identify both applications";
                let mut problem = self.problem(Code::PinMismatch, &message, help);
                problem.span = Some(pin.span);
                Err(problem)
            }
            _ => Ok(torn),
        }
    }

    fn lost(&self, old: &Live<'_>, successor: &Live<'_>, lost: &Live<'_>) -> Box<Diagnostic> {
        let (address, ikey) = (&self.wanted.address, &lost.integration.id);
        let (old, successor) = (&old.integration.id, &successor.integration.id);
        let what = match &lost.marker {
            Some(marker) if !self.is_home(marker) => {
                format!("the marker of {ikey} names {}/{}", marker.workspace, marker.address)
            }
            Some(_) => format!("the marker of {ikey} no longer says so"),
            None => format!("the marker of {ikey} is gone"),
        };
        let message = format!("{successor} replaces {old} in a rotation, but {what}");
        let take_back = if address.composite().is_some() {
            format!("set `integration_key: {ikey}`")
        } else {
            format!("run `duoctl adopt {address} {ikey}`")
        };
        let help = if self.may_be_ours(lost) {
            format!(
                "if {ikey} belongs to it, {take_back} and apply; otherwise delete the unneeded application in Duo"
            )
        } else {
            format!("remove that marker from the notes of {ikey} in Duo, then {take_back} and apply")
        };
        self.problem(Code::LostMarker, &message, &help)
    }

    fn contradicting<'l>(&self, several: impl Iterator<Item = &'l Live<'a>>) -> Box<Diagnostic>
    where
        'a: 'l,
    {
        let ikeys: BTreeSet<&str> = several.map(|live| live.integration.id.as_str()).collect();
        let ikeys: Vec<&str> = ikeys.into_iter().collect();
        let message = format!(
            "the markers of {} contradict each other: a rotation has exactly two applications",
            ikeys.join(", ")
        );
        let help =
            "in Duo, remove the marker, `[duoctl …]`, from the notes of those that do not belong to it";
        self.problem(Code::DuplicateMarker, &message, help)
    }

    /// Refuses an application whose key the store of the address holds, if nothing else says that it belongs to this
    /// address. If the address has no application, the search for similar applications finds the one of the current key.
    pub(super) fn unclaimed(
        &self,
        live: Option<&Live<'_>>,
        claimed: &BTreeSet<&Ikey>,
    ) -> Result<(), Box<Diagnostic>> {
        let Some(keys) = self.stored.filter(|_| self.wanted.pin.is_none()) else { return Ok(()) };
        let current = (self.live)(Ikey::new(keys.ikey.as_str()).as_str());
        let is_told = live.is_some() || current.is_some_and(|current| current.marker.is_some());
        let current = is_told.then_some(&keys.ikey);
        let mut held = current
            .into_iter()
            .chain(&keys.previous)
            .filter_map(|key| (self.live)(Ikey::new(key.as_str()).as_str()));
        let of_type = |live: &Live<'_>| {
            self.wanted.variant.as_deref().is_none_or(|kind| kind == live.integration.variant())
        };
        let unclaimed = held
            .find(|live| self.may_be_ours(live) && of_type(live) && !claimed.contains(&live.integration.id));
        let Some(live) = unclaimed else { return Ok(()) };
        let (address, ikey) = (&self.wanted.address, &live.integration.id);
        let why =
            if live.marker.is_some() { "its marker says that it is not in use" } else { "it has no marker" };
        let message = format!("its store holds the key of the existing application {ikey}, but {why}");
        let help = format!(
            "to manage {ikey} here, set `integration_key: {ikey}` or run `duoctl adopt {address} {ikey}`; if it is no \
             longer needed, delete it in Duo"
        );
        Err(self.problem(Code::LostMarker, &message, &help))
    }

    fn problem(&self, code: Code, message: &str, help: &str) -> Box<Diagnostic> {
        let message = format!("{}: {message}", self.wanted.address);
        Box::new(Diagnostic::error(code, self.wanted.span, message).help(help))
    }
}

fn names_successor(old: &Live<'_>, successor: &Ikey) -> bool {
    matches!(old.state(), Some(MarkerState::Rotating(named)) if named == successor)
}
