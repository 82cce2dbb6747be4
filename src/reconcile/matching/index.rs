//! Indexes a list of applications by marker, pin, name and rotation partner, to find the one of an address.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::iter::once;

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Kind, Object};

use super::super::delivery::{Held, HeldKeys};
use super::super::desired::{Desired, Wanted};
use super::super::elsewhere::{self, Own, Owned, is_rotating};
use super::super::live::Live;
use super::super::observation::Proofs;
use super::super::pairing::Ground;
use super::super::rotation::Stage;
use super::found::{
    Match, TypeAndName, aborted, duplicate, ikeys, others, owned, problem, type_and_name,
    wanted_type_and_name,
};
use crate::kinds::address::Address;
use crate::kinds::marker::{Damaged, Marker, MarkerState};

pub(super) struct Index<'a, 'd> {
    kind: Kind,
    workspace: &'d str,
    formerly: Option<&'d str>,
    held: &'d BTreeMap<Address, Held>,
    pub(super) declared: HashSet<&'d Address>,
    pub(super) pins: HashMap<&'d str, usize>,
    pub(super) lives: Vec<Live<'a>>,
    by_ikey: HashMap<&'a str, usize>,
    by_address: HashMap<Address, Vec<usize>>,
    by_name: HashMap<TypeAndName, Vec<usize>>,
    /// Applications that another application's marker names as its rotation partner.
    partners: HashMap<Ikey, usize>,
    /// Applications with the remains of a marker, by the address it may have named.
    damaged: HashMap<Address, Vec<usize>>,
    pub(super) stripped: BTreeMap<Ikey, Address>,
}

impl<'a, 'd> Index<'a, 'd> {
    pub(super) fn new(
        kind: Kind,
        desired: &'d Desired,
        all_wanted: &[&'d Wanted],
        integrations: &'a [Object],
        held: &'d BTreeMap<Address, Held>,
        proofs: &Proofs,
    ) -> Self {
        let wanted: HashSet<TypeAndName> =
            all_wanted.iter().filter_map(|wanted| wanted_type_and_name(wanted)).collect();
        let mut pins = HashMap::new();
        for wanted in all_wanted {
            if let Some(pin) = &wanted.pin {
                *pins.entry(pin.value.as_str()).or_default() += 1;
            }
        }
        let mut index = Self {
            kind,
            workspace: &desired.workspace,
            formerly: desired.formerly.as_ref().map(|former| former.value.as_str()),
            held,
            declared: all_wanted.iter().map(|wanted| &wanted.address).collect(),
            pins,
            lives: Vec::with_capacity(integrations.len()),
            by_ikey: HashMap::with_capacity(integrations.len()),
            by_address: HashMap::new(),
            by_name: HashMap::new(),
            partners: HashMap::new(),
            damaged: HashMap::new(),
            stripped: BTreeMap::new(),
        };
        let pinned: HashMap<&str, &Address> = all_wanted
            .iter()
            .filter_map(|wanted| Some((wanted.pin.as_ref()?.value.as_str(), &wanted.address)))
            .collect();
        for integration in integrations {
            let position = index.lives.len();
            // Pages that shift while they are read repeat applications (trap 29).
            match index.by_ikey.entry(integration.id.as_str()) {
                Entry::Occupied(_) => continue,
                Entry::Vacant(vacant) => vacant.insert(position),
            };
            let mut live = Live::new(integration, proofs);
            if let Some(address) = pinned.get(integration.id.as_str()).filter(|_| index.is_worthless(&live)) {
                (live.marker, live.damaged) = (None, None);
                index.stripped.insert(integration.id.clone(), (*address).clone());
            }
            for (workspace, address) in live.damaged.iter().flat_map(|damaged| &damaged.names) {
                if index.is_own_name(workspace) {
                    index.damaged.entry(address.clone()).or_default().push(position);
                }
            }
            if let Some(marker) = live.marker.as_ref().filter(|marker| index.is_own(marker)) {
                index.by_address.entry(marker.address.clone()).or_default().push(position);
                index.partners.extend(marker.state.partner().map(|partner| (partner.clone(), position)));
            }
            let name = type_and_name(integration.variant(), integration.name());
            if wanted.contains(&name) {
                index.by_name.entry(name).or_default().push(position);
            }
            index.lives.push(live);
        }
        index
    }

    /// The YAML key of a pin.
    fn pin(&self) -> &'static str {
        self.kind.endpoint().pin
    }

    fn lives(&self, positions: Option<&Vec<usize>>) -> Vec<Live<'a>> {
        let mut lives: Vec<Live<'a>> = positions
            .into_iter()
            .flatten()
            .filter_map(|position| self.lives.get(*position))
            .cloned()
            .collect();
        lives.sort_by(|a, b| a.integration.id.cmp(&b.integration.id));
        lives
    }

    /// Whether a marker belongs to this workspace, possibly under its former name.
    pub(super) fn is_own(&self, marker: &Marker) -> bool {
        self.is_own_name(&marker.workspace)
    }

    fn is_own_name(&self, workspace: &str) -> bool {
        workspace == self.workspace || self.formerly == Some(workspace)
    }

    pub(super) fn is_former(&self, marker: &Marker) -> bool {
        self.formerly.is_some_and(|former| marker.workspace == former)
    }

    /// The applications that carry the marker of an address.
    fn at(&self, address: &Address) -> Vec<Owned<'_>> {
        let lives = self.by_address.get(address).into_iter().flatten();
        lives.filter_map(|position| owned(self.lives.get(*position)?)).collect()
    }

    /// The error for an address whose application belongs to something else.
    fn elsewhere(&self, wanted: &Wanted, lives: &[Live<'a>]) -> Box<Diagnostic> {
        let at = |address: &Address| self.at(address);
        let own =
            Own { workspace: self.workspace, formerly: self.formerly, declared: &self.declared, at: &at };
        let owned: Vec<_> = lives.iter().filter_map(owned).collect();
        elsewhere::problem(wanted, &owned, &own)
    }

    pub(super) fn find(&self, wanted: &Wanted) -> Result<Match<'a>, Box<Diagnostic>> {
        let home = self.home(wanted);
        self.is_intact(wanted, home)?;
        self.is_intact(wanted, &wanted.address)?;
        let rotating = self.lives(self.by_address.get(home));
        let live =
            |ikey: &str| self.by_ikey.get(ikey).and_then(|position| self.lives.get(*position)).cloned();
        let ground = Ground {
            wanted,
            workspace: self.workspace,
            home,
            marked: &rotating,
            stored: self.stored(wanted),
            live: &live,
        };
        self.is_of_this_name(wanted, &rotating)?;
        // Moving the two applications of a rotation could end it without evidence.
        if *home != wanted.address && is_rotating(&self.at(home)) {
            return Err(self.elsewhere(wanted, &rotating));
        }
        let pair = ground.pair()?;
        let is_one = |live: &Live<'_>| {
            pair.iter().any(|pair| {
                let mut pair = [&pair.old, &pair.successor].into_iter().chain(&pair.surplus);
                pair.any(|one| one.integration.id == live.integration.id)
            })
        };
        let is_retired = |live: &Live<'_>| matches!(live.state(), Some(MarkerState::Retired(_)));
        let marked = self.lives(self.by_address.get(&wanted.address));
        let (retired, marked): (Vec<_>, Vec<_>) =
            marked.into_iter().filter(|live| !is_one(live)).partition(is_retired);
        let mut found = match pair {
            Some(pair) => {
                let live = if pair.stage == Stage::Delivered { &pair.successor } else { &pair.old }.clone();
                Match { pair: Some(pair), ..Match::of(Some(live), Vec::new()) }
            }
            // If its rotation partner is gone, a successor is simply the application of the address.
            None => self.find_settled(wanted, marked)?,
        };
        found.retired = found.live.iter().fold(retired, |retired, live| others(retired, live));
        // If people can still log in, a marker that says the opposite settles nothing.
        let key = |live: &Live<'a>| &live.integration.id;
        let open: BTreeSet<&Ikey> = found.retired.iter().filter(|live| !live.is_shut()).map(key).collect();
        let claimed: BTreeSet<&Ikey> = found.all().map(key).filter(|ikey| !open.contains(ikey)).collect();
        ground.unclaimed(found.live.as_ref(), &claimed)?;
        self.moved(wanted, &claimed)?;
        self.store_agrees(wanted, &found)?;
        Ok(found)
    }

    /// Refuses to rename a workspace while a key is being rotated.
    fn is_of_this_name(&self, wanted: &Wanted, lives: &[Live<'_>]) -> Result<(), Box<Diagnostic>> {
        let partner = |marker: &&Marker| {
            let partner = marker.state.partner().filter(|_| self.is_former(marker));
            partner.is_some_and(|partner| self.by_ikey.contains_key(partner.as_str()))
        };
        let Some(marker) = lives.iter().filter_map(|live| live.marker.as_ref()).find(partner) else {
            return Ok(());
        };
        let former = &marker.workspace;
        let help =
            format!("change the workspace's name back to `{former}` until the rotation ends, then rename it");
        Err(problem(Code::RotationUnderWay, wanted, "its key is being rotated".to_owned(), &help))
    }

    /// Detects a likely rename: the store of an entry holds the key of an application that the YAML no longer declares.
    fn moved(&self, wanted: &Wanted, claimed: &BTreeSet<&Ikey>) -> Result<(), Box<Diagnostic>> {
        let stored =
            self.stored(wanted).filter(|_| wanted.pin.is_none() && wanted.address.composite().is_none());
        let keys = stored.into_iter().flat_map(|keys| std::iter::once(&keys.ikey).chain(&keys.previous));
        let mut lives =
            keys.filter_map(|key| self.lives.get(*self.by_ikey.get(Ikey::new(key.as_str()).as_str())?));
        let is_left =
            |live: &&Live<'a>| !claimed.contains(&live.integration.id) && self.left_behind(live).is_some();
        match lives.find(is_left) {
            Some(live) => Err(self.elsewhere(wanted, std::slice::from_ref(live))),
            None => Ok(()),
        }
    }

    /// The address that the markers of an entry's applications name: the former one if the entry was renamed and a pin
    /// shows which application it means.
    fn home<'w>(&'w self, wanted: &'w Wanted) -> &'w Address {
        let pinned = wanted.pin.as_ref().and_then(|pin| self.by_ikey.get(pin.value.as_str()));
        let pinned = pinned.and_then(|position| self.lives.get(*position));
        let left = pinned.and_then(|live| {
            self.left_behind(live).or_else(|| self.rotated_with(live).map(|(_, address)| address))
        });
        left.unwrap_or(&wanted.address)
    }

    fn stored(&self, wanted: &Wanted) -> Option<&HeldKeys> {
        match self.held.get(&wanted.address) {
            Some(Held::Keys(keys)) => Some(keys),
            Some(Held::Nothing | Held::CannotTell | Held::Unreadable { .. }) | None => None,
        }
    }

    /// The application of an address whose key is not being rotated.
    fn find_settled(&self, wanted: &Wanted, marked: Vec<Live<'a>>) -> Result<Match<'a>, Box<Diagnostic>> {
        let gone = |live: &Live<'_>| live.state() == Some(&MarkerState::Replaced);
        let (predecessors, marked): (Vec<_>, Vec<_>) = marked.into_iter().partition(gone);
        if let Some(pin) = &wanted.pin {
            let live = self.by_pin(wanted, &pin.value, &marked).map_err(|mut problem| {
                problem.span = Some(pin.span);
                problem
            })?;
            let predecessors = others(predecessors, &live);
            return Ok(Match::of(Some(live), predecessors));
        }
        match aborted(wanted, &predecessors, &marked).as_slice() {
            [] => {}
            [resumed] => {
                let predecessors = others(predecessors.into_iter().chain(marked).collect(), resumed);
                return Ok(Match::of(Some(resumed.clone()), predecessors));
            }
            several => return Err(duplicate(wanted, several)),
        }
        let live = match marked.as_slice() {
            [live] => Some(live.clone()),
            [] if predecessors.is_empty() => self.by_name(wanted)?,
            [] => None,
            several => return Err(duplicate(wanted, several)),
        };
        Ok(Match::of(live, predecessors))
    }

    fn by_pin(&self, wanted: &Wanted, pin: &Ikey, marked: &[Live<'a>]) -> Result<Live<'a>, Box<Diagnostic>> {
        let Some(live) = self.by_ikey.get(pin.as_str()).and_then(|position| self.lives.get(*position)) else {
            let message = format!("the account has no {} {pin}", self.kind.noun());
            return Err(problem(
                Code::PinMismatch,
                wanted,
                message,
                &format!("correct `{0}`, or remove it to create a new {1}", self.pin(), self.kind.noun()),
            ));
        };
        if self.pins.get(pin.as_str()).is_some_and(|count| *count > 1) {
            let message = format!("{pin} is pinned by several addresses");
            return Err(problem(Code::PinMismatch, wanted, message, "keep the pin at one of them only"));
        }
        if let Some(other) = marked.iter().find(|other| other.integration.id != *pin) {
            let message =
                format!("{} already carries the marker of {}", other.integration.id, wanted.address);
            return Err(problem(
                Code::DuplicateMarker,
                wanted,
                message,
                &format!("pin that one, or remove the marker from its {}", self.kind.endpoint().text),
            ));
        }
        let kind = live.integration.variant();
        if wanted.variant.as_deref().is_some_and(|wanted| wanted != kind) {
            let message = format!("{pin} has the type `{kind}`");
            return Err(problem(
                Code::PinMismatch,
                wanted,
                message,
                "a type cannot change: correct `type` or `integration_key`; without `integration_key` the application can be replaced",
            ));
        }
        let moves = |marker: &&Marker| marker.address != wanted.address;
        match &live.marker {
            Some(marker)
                if !self.is_own(marker) || self.declared.contains(&marker.address) && moves(&marker) =>
            {
                Err(self.elsewhere(wanted, std::slice::from_ref(live)))
            }
            // Moving one of the two applications of a rotation would end it without evidence.
            Some(marker) if moves(&marker) && is_rotating(&self.at(&marker.address)) => {
                Err(self.elsewhere(wanted, std::slice::from_ref(live)))
            }
            _ => Ok(live.clone()),
        }
    }

    /// The only unowned application of the same type and name, if there is one.
    fn by_name(&self, wanted: &Wanted) -> Result<Option<Live<'a>>, Box<Diagnostic>> {
        let (Some(identity), Some(name)) = (wanted_type_and_name(wanted), &wanted.name) else {
            return Ok(None);
        };
        let found = self.lives(self.by_name.get(&identity));
        let free = |live: &Live<'_>| !self.pins.contains_key(live.integration.id.as_str());
        let (owned, unowned): (Vec<_>, Vec<_>) =
            found.into_iter().filter(free).partition(|live| live.marker.is_some());
        // A sibling's marker that duoctl did not write may have replaced the marker of this address.
        let is_own = |live: &&Live<'_>| live.marker.as_ref().is_some_and(|marker| self.is_own(marker));
        let forged = owned.iter().filter(is_own).find(|live| live.is_forged());
        if let Some(broken) = unowned.iter().find(|live| live.damaged.is_some()).or(forged) {
            return Err(self.broken(wanted, broken));
        }
        // An application of a sibling address is not a candidate; one of an address no longer in the YAML may have
        // moved.
        let elsewhere_owned: Vec<_> = owned
            .into_iter()
            .filter(|live| {
                live.marker
                    .as_ref()
                    .is_some_and(|marker| !self.is_own(marker) || !self.declared.contains(&marker.address))
            })
            .collect();
        match (unowned.as_slice(), elsewhere_owned.as_slice()) {
            // It lost its marker while its key was being rotated, and the entry was renamed.
            ([live], _) if let Some((other, _)) = self.rotated_with(live) => {
                Err(self.elsewhere(wanted, std::slice::from_ref(other)))
            }
            ([live], _) => Ok(Some(live.clone())),
            ([], []) => Ok(None),
            ([], owned) => Err(self.elsewhere(wanted, owned)),
            (several, _) => {
                let of = wanted.variant.as_ref().map(|of| format!(" of type `{of}`")).unwrap_or_default();
                let (count, section, name) = (several.len(), self.kind.section(), &name.value);
                let message = format!("{count} live {section}{of} are named `{name}`");
                let help = format!("choose one: `{}:` {}", self.pin(), ikeys(several, " or "));
                Err(problem(Code::AmbiguousMatch, wanted, message, &help))
            }
        }
    }
}

impl<'a> Index<'a, '_> {
    /// Whether a marker is worthless: not written by duoctl or damaged, and not of another workspace.
    fn is_worthless(&self, live: &Live<'_>) -> bool {
        let forged = live.is_forged() && live.marker.as_ref().is_some_and(|marker| self.is_own(marker));
        let own = |damaged: &Damaged| damaged.names.iter().all(|(workspace, _)| self.is_own_name(workspace));
        forged || live.damaged.as_ref().is_some_and(own)
    }

    /// Stops an address with a marker that duoctl did not write or that cannot be read: it may have replaced another
    /// one.
    fn is_intact(&self, wanted: &Wanted, address: &Address) -> Result<(), Box<Diagnostic>> {
        let lives = [self.by_address.get(address), self.damaged.get(address)];
        let lives = lives.into_iter().flat_map(|positions| self.lives(positions));
        let broken = lives.filter(|live| live.is_forged() || live.damaged.is_some());
        match broken.min_by(|a, b| a.integration.id.cmp(&b.integration.id)) {
            Some(live) => Err(self.broken(wanted, &live)),
            None => Ok(()),
        }
    }

    fn broken(&self, wanted: &Wanted, live: &Live<'_>) -> Box<Diagnostic> {
        let ikey = &live.integration.id;
        let own = [&wanted.address, self.home(wanted)];
        let (code, what) = match live.marker.as_ref().filter(|_| live.is_forged()) {
            Some(marker) if own.contains(&&marker.address) => (
                Code::ForgedMarker,
                format!("{ikey} carries its marker, but duoctl did not write that marker for {ikey}"),
            ),
            Some(marker) => (
                Code::ForgedMarker,
                format!(
                    "{ikey} has its {}, but carries a marker of {} that duoctl did not write",
                    self.kind.identity(),
                    marker.address
                ),
            ),
            None => {
                let text = self.kind.endpoint().text;
                (Code::DamagedMarker, format!("the marker in the {text} of {ikey} cannot be read"))
            }
        };
        let named = live.damaged.iter().flat_map(|damaged| damaged.names.iter().map(|(_, address)| address));
        let addresses = own.into_iter().chain(named);
        let marked = addresses.flat_map(|address| self.lives(self.by_address.get(address)));
        let partner = |live: &Live<'a>| live.state().and_then(MarkerState::partner).cloned();
        let mut related: BTreeSet<Ikey> = marked.clone().filter_map(|live| partner(&live)).collect();
        related.extend(marked.map(|live| live.integration.id.clone()));
        let stored = self.stored(wanted).into_iter().flat_map(|keys| once(&keys.ikey).chain(&keys.previous));
        let exists = |ikey: &Ikey| self.by_ikey.contains_key(ikey.as_str());
        related.extend(stored.map(|key| Ikey::new(key.as_str())).filter(exists));
        related.remove(ikey);
        let related: Vec<&str> = related.iter().map(Ikey::as_str).collect();
        let message = if related.is_empty() {
            what
        } else {
            format!("{what}; the right {} may also be {}", self.kind.noun(), related.join(" or "))
        };
        let help = format!(
            "find the right {} in Duo, and remove `[duoctl …]` from the {} of the others; to use {ikey}, set `{}: {ikey}`",
            self.kind.noun(),
            self.kind.endpoint().text,
            self.pin(),
        );
        problem(code, wanted, message, &help)
    }

    /// Refuses an application that is claimed only by its own marker or name if the store of the address holds the key
    /// of another one: that is what a moved marker looks like.
    fn store_agrees(&self, wanted: &Wanted, found: &Match<'a>) -> Result<(), Box<Diagnostic>> {
        let (None, Some(keys)) = (&found.pair, self.stored(wanted)) else { return Ok(()) };
        let stored = Ikey::new(keys.ikey.as_str());
        let Some(holder) = self.by_ikey.get(stored.as_str()).and_then(|position| self.lives.get(*position))
        else {
            return Ok(());
        };
        let Some(live) = &found.live else { return self.is_free(wanted, found, holder) };
        let ikey = &live.integration.id;
        let proven = live.marker.is_some() && live.proof.is_proven();
        let pinned = wanted.pin.as_ref().is_some_and(|pin| pin.value == *ikey);
        if proven || pinned || stored == *ikey {
            return Ok(());
        }
        let message = format!(
            "{ikey} seems to be its application, but its store holds the key of {stored}, which also exists"
        );
        let help = format!(
            "check in Duo which of the two is right, and set `integration_key` to it; the marker of {ikey} may have been \
             moved there"
        );
        Err(problem(Code::StoreDisagrees, wanted, message, &help))
    }

    /// Creates nothing if the store holds the key of an application that exists, whatever its notes say: consumers of
    /// the key use it. This does not apply to an application that a replacement of this address replaces, nor to one
    /// without a marker: the search for similar applications reports it in more detail.
    fn is_free(&self, wanted: &Wanted, found: &Match<'a>, holder: &Live<'a>) -> Result<(), Box<Diagnostic>> {
        let ikey = &holder.integration.id;
        let kind = holder.integration.variant();
        let is_left = found.predecessors.iter().any(|live| live.integration.id == *ikey);
        let is_bare = holder.marker.is_none() && holder.damaged.is_none();
        if is_left || is_bare && wanted.variant.as_deref() == Some(kind) {
            return Ok(());
        }
        let what = match &holder.marker {
            Some(marker) => format!("whose marker names {}/{}", marker.workspace, marker.address),
            None if is_bare => format!("which has the type `{kind}`"),
            None => "whose marker cannot be read".to_owned(),
        };
        let message = format!("its store holds the key of the existing application {ikey}, {what}");
        let help = format!(
            "check in Duo whether {ikey} is the right one: if so, remove `[duoctl …]` from its notes and run `duoctl adopt {} {ikey}`; \
             if not, empty {}",
            wanted.address,
            wanted.secret.as_ref().map_or("the store", |secret| secret.place.as_str()),
        );
        Err(problem(Code::StoreDisagrees, wanted, message, &help))
    }

    /// The address of this workspace that an application belongs to, if the YAML no longer declares it.
    fn left_behind<'l>(&self, live: &'l Live<'_>) -> Option<&'l Address> {
        let marker = live.marker.as_ref().filter(|marker| self.is_own(marker))?;
        (!self.declared.contains(&marker.address)).then_some(&marker.address)
    }

    /// The application that names this one as its rotation partner, and its address, if the YAML no longer declares it.
    fn rotated_with(&self, live: &Live<'_>) -> Option<(&Live<'a>, &Address)> {
        let position = self.partners.get(&live.integration.id)?;
        let other = self.lives.get(*position)?;
        Some((other, self.left_behind(other)?))
    }
}
