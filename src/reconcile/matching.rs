//! Which live application belongs to which address: by pin, by marker, or as the only unowned one of its type and name.
//! Never guesses, and never leads to a duplicate.

mod found;
mod index;

pub use found::Match;
pub(crate) use found::{TypeAndName, type_and_name};
use found::{problem, wanted_type_and_name};
use index::Index;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Kind, Object};

use super::delivery::Held;
use super::desired::{Desired, Wanted};
use super::live::Live;
use super::observation::Proofs;
use super::ownership::is_told;
use super::rotation::Stage;
use crate::kinds::address::Address;
use crate::kinds::marker::MarkerState;
use crate::kinds::seal::Verdict;

/// A statement in a marker that this run cannot verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The application that carries the marker.
    pub ikey: Ikey,
    /// What the marker says: `plain` if it only names the owner.
    pub word: String,
    /// Why it cannot be verified.
    pub verdict: Verdict,
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { ikey, word, verdict } = self;
        let says = if word == MarkerState::Owned.word() { "owned" } else { word };
        let why = match verdict {
            Verdict::Unbound => "it is not known yet who wrote it",
            Verdict::Doubted => {
                "Duo's activity log does not rule out that a person changed the application since"
            }
            _ => "it is sealed by a key that this run does not have",
        };
        write!(f, "the marker of {ikey} says {says}, but {why}")
    }
}

/// The matches of all objects of a kind.
#[derive(Debug, Default)]
pub struct Matches<'a> {
    /// One per desired object of the kind, in their order; an error stops that address.
    pub matched: Vec<Result<Match<'a>, Box<Diagnostic>>>,
    /// Owned objects whose address is no longer in the YAML, sorted by address.
    pub orphans: Vec<Live<'a>>,
    /// Orphans that an unmatched address may refer to, most likely after a rename in the YAML.
    pub contested: BTreeSet<Ikey>,
    /// Applications with a marker that duoctl did not write and that names an address no longer in the YAML, sorted by
    /// key.
    pub forged: Vec<Live<'a>>,
    /// Pinned applications whose marker of this workspace was not written by duoctl or cannot be read.
    pub stripped: BTreeMap<Ikey, Address>,
    /// What markers say that this run cannot verify, by application.
    pub claims: BTreeMap<Ikey, Claim>,
    /// How many live applications carry this workspace's marker.
    pub owned: usize,
    /// How many live applications are not declared.
    pub unmanaged: usize,
    /// Those of them without any marker.
    pub unowned: Vec<&'a Object>,
    /// How many live applications carry the marker of the workspace's former name.
    pub carriers: usize,
    /// Those of them that no address takes over.
    pub left_behind: Vec<Live<'a>>,
}

/// Matches every desired object of a kind with the objects of that kind. `held` is what the stores hold, for the addresses
/// whose store was read.
pub fn match_all<'a>(
    kind: Kind,
    desired: &Desired,
    lives: &'a [Object],
    held: &BTreeMap<Address, Held>,
    proofs: &Proofs,
) -> Matches<'a> {
    let all_wanted: Vec<&Wanted> = desired.of(kind).collect();
    let index = Index::new(kind, desired, &all_wanted, lives, held, proofs);
    let mut matched: Vec<_> = all_wanted.iter().map(|wanted| index.find(wanted)).collect();
    refuse_shared(&all_wanted, &mut matched);
    let taken: HashSet<&Ikey> =
        matched.iter().flatten().flat_map(Match::all).map(|live| &live.integration.id).collect();
    let (mut orphans, mut unowned, mut left_behind) = (Vec::new(), Vec::new(), Vec::new());
    let mut forged = Vec::new();
    let moved: HashSet<&Ikey> = matched
        .iter()
        .flatten()
        .filter_map(|found| found.live.as_ref().map(|live| &live.integration.id))
        .collect();
    let (mut owned, mut unmanaged, mut carriers) = (0, 0, 0);
    for live in &index.lives {
        let ours = live.marker.as_ref().is_some_and(|marker| index.is_own(marker));
        owned += usize::from(ours);
        let former = live.marker.as_ref().is_some_and(|marker| index.is_former(marker));
        carriers += usize::from(former);
        if former && !moved.contains(&live.integration.id) {
            left_behind.push(live.clone());
        }
        if taken.contains(&live.integration.id) {
            continue;
        }
        match &live.marker {
            // An application that carries the former name may still belong to another workspace.
            Some(_) if former => unmanaged += 1,
            Some(marker) if ours && !index.declared.contains(&marker.address) => {
                if live.is_forged() { &mut forged } else { &mut orphans }.push(live.clone());
            }
            _ if ours => {}
            marker => {
                unmanaged += 1;
                let free = marker.is_none() && !index.pins.contains_key(live.integration.id.as_str());
                unowned.extend(free.then_some(live.integration));
            }
        }
    }
    orphans.sort_by(|a, b| {
        let key = |live: &Live<'_>| {
            (live.marker.as_ref().map(|marker| marker.address.clone()), live.integration.id.clone())
        };
        key(a).cmp(&key(b))
    });
    let unmatched: HashSet<TypeAndName> = all_wanted
        .iter()
        .zip(&matched)
        .filter(|(_, found)| found.is_err())
        .filter_map(|(wanted, _)| wanted_type_and_name(wanted))
        .collect();
    let contested = contested(&orphans, &unmatched);
    let claims = claims(&all_wanted, held, &index, &matched);
    let stripped = index.stripped;
    Matches {
        matched,
        orphans,
        contested,
        forged,
        stripped,
        claims,
        owned,
        unmanaged,
        unowned,
        carriers,
        left_behind,
    }
}

/// The orphans that an unmatched address may refer to, and all other applications of the same entries.
fn contested(orphans: &[Live<'_>], unmatched: &HashSet<TypeAndName>) -> BTreeSet<Ikey> {
    let entry = |live: &Live<'_>| Some(live.marker.as_ref()?.address.composite()?.0);
    let meant = |live: &&Live<'_>| {
        unmatched.contains(&type_and_name(live.integration.variant(), live.integration.name()))
    };
    let entries: HashSet<Address> = orphans.iter().filter(meant).filter_map(entry).collect();
    let with_them =
        |live: &&Live<'_>| meant(live) || entry(live).is_some_and(|entry| entries.contains(&entry));
    orphans.iter().filter(with_them).map(|live| live.integration.id.clone()).collect()
}

/// What this workspace's markers say that this run cannot verify. That an application belongs to its address can be
/// known from elsewhere, and so can the pair of a rotation: editing notes does not write to the YAML or to a store.
fn claims(
    all_wanted: &[&Wanted],
    held: &BTreeMap<Address, Held>,
    index: &Index<'_, '_>,
    matched: &[Result<Match<'_>, Box<Diagnostic>>],
) -> BTreeMap<Ikey, Claim> {
    let unproven = index.lives.iter().filter(|live| !live.proof.is_proven() && !live.is_forged());
    let own = unproven.filter_map(|live| {
        let marker = live.marker.as_ref().filter(|marker| index.is_own(marker))?;
        let ikey = live.integration.id.clone();
        Some((ikey.clone(), Claim { ikey, word: marker.state.word().to_owned(), verdict: live.proof }))
    });
    let mut claims: BTreeMap<Ikey, Claim> = own.collect();
    for (wanted, found) in all_wanted.iter().zip(matched) {
        let Ok(found) = found else { continue };
        let keys = match held.get(&wanted.address) {
            Some(Held::Keys(keys)) => Some(keys),
            Some(Held::Nothing | Held::CannotTell | Held::Unreadable { .. }) | None => None,
        };
        let stored = |ikey: &Ikey| keys.is_some_and(|keys| keys.belong_to(&wanted.address, ikey));
        for Live { integration, .. } in found.all() {
            let ikey = &integration.id;
            let is_plain = claims.get(ikey).is_some_and(|claim| claim.word == MarkerState::Owned.word());
            if is_plain && is_told(wanted, held.get(&wanted.address), ikey) {
                claims.remove(ikey);
            }
        }
        let Some(pair) = &found.pair else { continue };
        let (old, successor) = (&pair.old.integration.id, &pair.successor.integration.id);
        let previous = keys.and_then(|keys| keys.previous.as_deref()).map(Ikey::new);
        if stored(successor) && previous.as_ref() == Some(old) && pair.stage == Stage::Delivered {
            claims.remove(old);
            claims.remove(successor);
        }
    }
    claims
}

/// Refuses an application that several addresses would adopt by its name: none gets it.
fn refuse_shared<'a>(all_wanted: &[&Wanted], matched: &mut [Result<Match<'a>, Box<Diagnostic>>]) {
    let own =
        |found: &Match<'a>| -> BTreeSet<&'a Ikey> { found.all().map(|live| &live.integration.id).collect() };
    let mut claims: HashMap<&'a Ikey, usize> = HashMap::new();
    for ikey in matched.iter().flatten().flat_map(own) {
        *claims.entry(ikey).or_default() += 1;
    }
    for (wanted, found) in all_wanted.iter().zip(matched) {
        let Ok(matched) = found else { continue };
        let shared = |ikey: &&Ikey| claims.get(*ikey).is_some_and(|claims| *claims > 1);
        if let Some(ikey) = own(matched).into_iter().find(shared) {
            let identity = wanted.kind.identity();
            let message = format!("{ikey} could be adopted by several addresses of this {identity}");
            let help = format!("set `{}: {ikey}` at the right address", wanted.kind.endpoint().pin);
            *found = Err(problem(Code::AmbiguousMatch, wanted, message, &help));
        }
    }
}

#[cfg(test)]
mod tests;
