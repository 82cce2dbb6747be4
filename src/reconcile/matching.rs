//! Which live application is which address: by pin, by marker, or as the only unowned one of its type and name.
//! Never a guess, never a duplicate.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::types::{Ikey, Integration};

use super::delivery::{Held, HeldKeys};
use super::desired::{Desired, DesiredApplication};
use super::elsewhere::{self, Own, Owned, is_rotating};
use super::live::Live;
use super::pairing::{Ground, Pair};
use super::rotation::Stage;
use crate::kinds::address::Address;
use crate::kinds::marker::{Marker, MarkerState};
use crate::names::bare_key;

/// What an address matched.
#[derive(Debug)]
pub struct Match<'a> {
    /// The live application; `None` when it has to be created. While a rotation is under way, the one whose keys the
    /// store is to hold.
    pub live: Option<Live<'a>>,
    /// Applications of this address that a replacement has left to be deleted, in the order of their keys.
    pub predecessors: Vec<Live<'a>>,
    /// The two applications of a rotation that is under way.
    pub pair: Option<Pair<'a>>,
    /// Applications of this address that rotations have put out of use, in the order of their keys.
    pub retired: Vec<Live<'a>>,
}

impl<'a> Match<'a> {
    fn of(live: Option<Live<'a>>, predecessors: Vec<Live<'a>>) -> Self {
        Self { live, predecessors, pair: None, retired: Vec::new() }
    }

    /// Every application that belongs to the address.
    pub fn all(&self) -> impl Iterator<Item = &Live<'a>> {
        let pair = self.pair.iter();
        let pair = pair.flat_map(|pair| [&pair.old, &pair.successor].into_iter().chain(&pair.surplus));
        self.live.iter().chain(&self.predecessors).chain(pair).chain(&self.retired)
    }
}

/// The matches of a whole workspace.
#[derive(Debug)]
pub struct Matches<'a> {
    /// One per desired application, in their order; an error stops that address.
    pub matched: Vec<Result<Match<'a>, Box<Diagnostic>>>,
    /// Owned applications whose address left the YAML, in the order of their addresses.
    pub orphans: Vec<Live<'a>>,
    /// Orphans that an address which could not be matched may mean: a rename in the YAML, most likely.
    pub contested: BTreeSet<Ikey>,
    /// How many live applications carry this workspace's marker.
    pub owned: usize,
    /// How many live applications nobody declares.
    pub unmanaged: usize,
    /// Those of them without any marker.
    pub unowned: Vec<&'a Integration>,
    /// How many live applications carry the marker of the workspace's former name.
    pub carriers: usize,
    /// Those of them that no address takes over.
    pub left_behind: Vec<Live<'a>>,
}

/// Matches every desired application. `held` is what the stores hold, of the addresses whose store was read.
pub fn match_all<'a>(
    desired: &Desired,
    integrations: &'a [Integration],
    held: &BTreeMap<Address, Held>,
) -> Matches<'a> {
    let index = Index::new(desired, integrations, held);
    let mut matched: Vec<_> = desired.applications.iter().map(|wanted| index.find(wanted)).collect();
    refuse_shared(desired, &mut matched);
    let taken: HashSet<&Ikey> =
        matched.iter().flatten().flat_map(Match::all).map(|live| &live.integration.ikey).collect();
    let (mut orphans, mut unowned, mut left_behind) = (Vec::new(), Vec::new(), Vec::new());
    let moved: HashSet<&Ikey> = matched
        .iter()
        .flatten()
        .filter_map(|found| found.live.as_ref().map(|live| &live.integration.ikey))
        .collect();
    let (mut owned, mut unmanaged, mut carriers) = (0, 0, 0);
    for live in &index.lives {
        let ours = live.marker.as_ref().is_some_and(|marker| index.is_own(marker));
        owned += usize::from(ours);
        let former = live.marker.as_ref().is_some_and(|marker| index.is_former(marker));
        carriers += usize::from(former);
        if former && !moved.contains(&live.integration.ikey) {
            left_behind.push(live.clone());
        }
        if taken.contains(&live.integration.ikey) {
            continue;
        }
        match &live.marker {
            // What carries the former name may still be another workspace's.
            Some(_) if former => unmanaged += 1,
            Some(marker) if ours && !index.declared.contains(&marker.address) => orphans.push(live.clone()),
            _ if ours => {}
            marker => {
                unmanaged += 1;
                let free = marker.is_none() && !index.pins.contains_key(live.integration.ikey.as_str());
                unowned.extend(free.then_some(live.integration));
            }
        }
    }
    orphans.sort_by(|a, b| {
        let key = |live: &Live<'_>| {
            (live.marker.as_ref().map(|marker| marker.address.clone()), live.integration.ikey.clone())
        };
        key(a).cmp(&key(b))
    });
    let unmatched: HashSet<TypeAndName> = desired
        .applications
        .iter()
        .zip(&matched)
        .filter(|(_, found)| found.is_err())
        .filter_map(|(wanted, _)| wanted_type_and_name(wanted))
        .collect();
    let contested = contested(&orphans, &unmatched);
    Matches { matched, orphans, contested, owned, unmanaged, unowned, carriers, left_behind }
}

/// The orphans that an address which could not be matched may mean, and with one of them every other application of its
/// entry.
fn contested(orphans: &[Live<'_>], unmatched: &HashSet<TypeAndName>) -> BTreeSet<Ikey> {
    let entry = |live: &Live<'_>| Some(live.marker.as_ref()?.address.composite()?.0);
    let meant = |live: &&Live<'_>| {
        unmatched.contains(&type_and_name(live.integration.kind(), live.integration.name()))
    };
    let entries: HashSet<Address> = orphans.iter().filter(meant).filter_map(entry).collect();
    let with_them =
        |live: &&Live<'_>| meant(live) || entry(live).is_some_and(|entry| entries.contains(&entry));
    orphans.iter().filter(with_them).map(|live| live.integration.ikey.clone()).collect()
}

/// One application for several addresses, each of which would adopt it by its name: none gets it.
fn refuse_shared<'a>(desired: &Desired, matched: &mut [Result<Match<'a>, Box<Diagnostic>>]) {
    let own = |found: &Match<'a>| -> BTreeSet<&'a Ikey> {
        found.all().map(|live| &live.integration.ikey).collect()
    };
    let mut claims: HashMap<&'a Ikey, usize> = HashMap::new();
    for ikey in matched.iter().flatten().flat_map(own) {
        *claims.entry(ikey).or_default() += 1;
    }
    for (wanted, found) in desired.applications.iter().zip(matched) {
        let Ok(matched) = found else { continue };
        let shared = |ikey: &&Ikey| claims.get(*ikey).is_some_and(|claims| *claims > 1);
        if let Some(ikey) = own(matched).into_iter().find(shared) {
            let message = format!("{ikey} could be adopted by several addresses of this type and name");
            let help = format!("write `integration_key: {ikey}` at the one that is meant");
            *found = Err(problem(Code::AmbiguousMatch, wanted, message, &help));
        }
    }
}

/// A type and a normalised name.
pub(crate) type TypeAndName = (String, String);

/// What two applications share that cannot be told apart without a pin.
pub(crate) fn type_and_name(kind: &str, name: &str) -> TypeAndName {
    (kind.to_owned(), bare_key(name))
}

fn wanted_type_and_name(wanted: &DesiredApplication) -> Option<TypeAndName> {
    Some(type_and_name(wanted.kind.as_deref()?, &wanted.name.as_ref()?.value))
}

struct Index<'a, 'd> {
    workspace: &'d str,
    formerly: Option<&'d str>,
    held: &'d BTreeMap<Address, Held>,
    declared: HashSet<&'d Address>,
    pins: HashMap<&'d str, usize>,
    lives: Vec<Live<'a>>,
    by_ikey: HashMap<&'a str, usize>,
    by_address: HashMap<Address, Vec<usize>>,
    by_name: HashMap<TypeAndName, Vec<usize>>,
    /// Applications that the marker of another one names as the other one of its rotation.
    partners: HashMap<Ikey, usize>,
}

impl<'a, 'd> Index<'a, 'd> {
    fn new(desired: &'d Desired, integrations: &'a [Integration], held: &'d BTreeMap<Address, Held>) -> Self {
        let wanted: HashSet<TypeAndName> =
            desired.applications.iter().filter_map(wanted_type_and_name).collect();
        let mut pins = HashMap::new();
        for wanted in &desired.applications {
            if let Some(pin) = &wanted.pin {
                *pins.entry(pin.value.as_str()).or_default() += 1;
            }
        }
        let mut index = Self {
            workspace: &desired.workspace,
            formerly: desired.formerly.as_ref().map(|former| former.value.as_str()),
            held,
            declared: desired.applications.iter().map(|wanted| &wanted.address).collect(),
            pins,
            lives: Vec::with_capacity(integrations.len()),
            by_ikey: HashMap::with_capacity(integrations.len()),
            by_address: HashMap::new(),
            by_name: HashMap::new(),
            partners: HashMap::new(),
        };
        for integration in integrations {
            let position = index.lives.len();
            // Pages that shift while they are read repeat applications (trap 29).
            match index.by_ikey.entry(integration.ikey.as_str()) {
                Entry::Occupied(_) => continue,
                Entry::Vacant(vacant) => vacant.insert(position),
            };
            let live = Live::new(integration);
            if let Some(marker) = live.marker.as_ref().filter(|marker| index.is_own(marker)) {
                index.by_address.entry(marker.address.clone()).or_default().push(position);
                index.partners.extend(marker.state.partner().map(|partner| (partner.clone(), position)));
            }
            let name = type_and_name(integration.kind(), integration.name());
            if wanted.contains(&name) {
                index.by_name.entry(name).or_default().push(position);
            }
            index.lives.push(live);
        }
        index
    }

    fn lives(&self, positions: Option<&Vec<usize>>) -> Vec<Live<'a>> {
        let mut lives: Vec<Live<'a>> = positions
            .into_iter()
            .flatten()
            .filter_map(|position| self.lives.get(*position))
            .cloned()
            .collect();
        lives.sort_by(|a, b| a.integration.ikey.cmp(&b.integration.ikey));
        lives
    }

    /// Whether a marker is this workspace's, perhaps under its former name.
    fn is_own(&self, marker: &Marker) -> bool {
        marker.workspace == self.workspace || self.is_former(marker)
    }

    fn is_former(&self, marker: &Marker) -> bool {
        self.formerly.is_some_and(|former| marker.workspace == former)
    }

    /// The applications that carry the marker of an address.
    fn at(&self, address: &Address) -> Vec<Owned<'_>> {
        let lives = self.by_address.get(address).into_iter().flatten();
        lives.filter_map(|position| owned(self.lives.get(*position)?)).collect()
    }

    /// The error for an address whose application belongs to something else.
    fn elsewhere(&self, wanted: &DesiredApplication, lives: &[Live<'a>]) -> Box<Diagnostic> {
        let at = |address: &Address| self.at(address);
        let own =
            Own { workspace: self.workspace, formerly: self.formerly, declared: &self.declared, at: &at };
        let owned: Vec<_> = lives.iter().filter_map(owned).collect();
        elsewhere::problem(wanted, &owned, &own)
    }

    fn find(&self, wanted: &DesiredApplication) -> Result<Match<'a>, Box<Diagnostic>> {
        let home = self.home(wanted);
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
                pair.any(|one| one.integration.ikey == live.integration.ikey)
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
            // Without the other application of its rotation a successor is simply the application of the address.
            None => self.find_settled(wanted, marked)?,
        };
        found.retired = found.live.iter().fold(retired, |retired, live| others(retired, live));
        // Where people can still log in, a marker that says the opposite settles nothing.
        let key = |live: &Live<'a>| &live.integration.ikey;
        let open: BTreeSet<&Ikey> = found.retired.iter().filter(|live| !live.is_shut()).map(key).collect();
        let claimed: BTreeSet<&Ikey> = found.all().map(key).filter(|ikey| !open.contains(ikey)).collect();
        ground.unclaimed(found.live.as_ref(), &claimed)?;
        self.moved(wanted, &claimed)?;
        Ok(found)
    }

    /// A workspace is not renamed while a key is rotated.
    fn is_of_this_name(
        &self,
        wanted: &DesiredApplication,
        lives: &[Live<'_>],
    ) -> Result<(), Box<Diagnostic>> {
        let partner = |marker: &&Marker| {
            let partner = marker.state.partner().filter(|_| self.is_former(marker));
            partner.is_some_and(|partner| self.by_ikey.contains_key(partner.as_str()))
        };
        let Some(marker) = lives.iter().filter_map(|live| live.marker.as_ref()).find(partner) else {
            return Ok(());
        };
        let former = &marker.workspace;
        let help =
            format!("call the workspace `{former}` again until the rotation has ended, and rename it then");
        Err(problem(Code::RotationUnderWay, wanted, "its key is being rotated".to_owned(), &help))
    }

    /// An entry whose store holds the key of an application that the YAML no longer declares was renamed, most likely.
    fn moved(&self, wanted: &DesiredApplication, claimed: &BTreeSet<&Ikey>) -> Result<(), Box<Diagnostic>> {
        let stored =
            self.stored(wanted).filter(|_| wanted.pin.is_none() && wanted.address.composite().is_none());
        let keys = stored.into_iter().flat_map(|keys| std::iter::once(&keys.ikey).chain(&keys.beside));
        let mut lives =
            keys.filter_map(|key| self.lives.get(*self.by_ikey.get(Ikey::new(key.as_str()).as_str())?));
        let is_left =
            |live: &&Live<'a>| !claimed.contains(&live.integration.ikey) && self.left_behind(live).is_some();
        match lives.find(is_left) {
            Some(live) => Err(self.elsewhere(wanted, std::slice::from_ref(live))),
            None => Ok(()),
        }
    }

    /// The address that the markers of an entry's applications name: the one it had, where it was renamed and a pin says
    /// which application it means.
    fn home<'w>(&'w self, wanted: &'w DesiredApplication) -> &'w Address {
        let pinned = wanted.pin.as_ref().and_then(|pin| self.by_ikey.get(pin.value.as_str()));
        let pinned = pinned.and_then(|position| self.lives.get(*position));
        let left = pinned.and_then(|live| {
            self.left_behind(live).or_else(|| self.rotated_with(live).map(|(_, address)| address))
        });
        left.unwrap_or(&wanted.address)
    }

    fn stored(&self, wanted: &DesiredApplication) -> Option<&HeldKeys> {
        match self.held.get(&wanted.address) {
            Some(Held::Keys(keys)) => Some(keys),
            Some(Held::Nothing | Held::CannotTell | Held::Unreadable { .. }) | None => None,
        }
    }

    /// The application of an address whose key is not being rotated.
    fn find_settled(
        &self,
        wanted: &DesiredApplication,
        marked: Vec<Live<'a>>,
    ) -> Result<Match<'a>, Box<Diagnostic>> {
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
        match called_off(wanted, &predecessors, &marked).as_slice() {
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

    fn by_pin(
        &self,
        wanted: &DesiredApplication,
        pin: &Ikey,
        marked: &[Live<'a>],
    ) -> Result<Live<'a>, Box<Diagnostic>> {
        let Some(live) = self.by_ikey.get(pin.as_str()).and_then(|position| self.lives.get(*position)) else {
            let message = format!("the account has no application {pin}");
            return Err(problem(
                Code::PinMismatch,
                wanted,
                message,
                "correct `integration_key`, or remove it to create a new application",
            ));
        };
        if self.pins.get(pin.as_str()).is_some_and(|count| *count > 1) {
            let message = format!("{pin} is pinned by several addresses");
            return Err(problem(Code::PinMismatch, wanted, message, "leave it at one of them"));
        }
        if let Some(other) = marked.iter().find(|other| other.integration.ikey != *pin) {
            let message =
                format!("{} carries the marker of {} already", other.integration.ikey, wanted.address);
            return Err(problem(
                Code::DuplicateMarker,
                wanted,
                message,
                "pin that one, or remove the marker from its notes",
            ));
        }
        let kind = live.integration.kind();
        if wanted.kind.as_deref().is_some_and(|wanted| wanted != kind) {
            let message = format!("{pin} is of type `{kind}`");
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
    fn by_name(&self, wanted: &DesiredApplication) -> Result<Option<Live<'a>>, Box<Diagnostic>> {
        let (Some(kind), Some(name)) = (&wanted.kind, &wanted.name) else { return Ok(None) };
        let found = self.lives(self.by_name.get(&type_and_name(kind, &name.value)));
        let free = |live: &Live<'_>| !self.pins.contains_key(live.integration.ikey.as_str());
        let (owned, unowned): (Vec<_>, Vec<_>) =
            found.into_iter().filter(free).partition(|live| live.marker.is_some());
        // An application of a sibling address is no candidate; one of an address that left the YAML may have moved.
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
                let message = format!(
                    "{} live applications of type `{kind}` are named `{}`",
                    several.len(),
                    name.value
                );
                let help =
                    format!("name the one that is meant: `integration_key:` {}", ikeys(several, " or "));
                Err(problem(Code::AmbiguousMatch, wanted, message, &help))
            }
        }
    }
}

impl<'a> Index<'a, '_> {
    /// The address of this workspace that an application belongs to, where the YAML no longer has that.
    fn left_behind<'l>(&self, live: &'l Live<'_>) -> Option<&'l Address> {
        let marker = live.marker.as_ref().filter(|marker| self.is_own(marker))?;
        (!self.declared.contains(&marker.address)).then_some(&marker.address)
    }

    /// The application that names another one as the other one of its rotation, and its address, where the YAML no longer
    /// has that.
    fn rotated_with(&self, live: &Live<'_>) -> Option<(&Live<'a>, &Address)> {
        let position = self.partners.get(&live.integration.ikey)?;
        let other = self.lives.get(*position)?;
        Some((other, self.left_behind(other)?))
    }
}

/// The predecessor of a replacement that was interrupted and then called off: it is of the declared type again, and no
/// successor of that type exists.
fn called_off<'a>(
    wanted: &DesiredApplication,
    predecessors: &[Live<'a>],
    marked: &[Live<'a>],
) -> Vec<Live<'a>> {
    let of_type = |live: &&Live<'a>| wanted.kind.as_deref() == Some(live.integration.kind());
    if marked.len() > 1 || marked.iter().any(|live| of_type(&live)) {
        return Vec::new();
    }
    predecessors.iter().filter(of_type).cloned().collect()
}

fn others<'a>(lives: Vec<Live<'a>>, except: &Live<'_>) -> Vec<Live<'a>> {
    lives.into_iter().filter(|live| live.integration.ikey != except.integration.ikey).collect()
}

fn problem(code: Code, wanted: &DesiredApplication, message: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, wanted.span, format!("{}: {message}", wanted.address)).help(help))
}

fn ikeys(lives: &[Live<'_>], separator: &str) -> String {
    let ikeys: BTreeSet<&str> = lives.iter().map(|live| live.integration.ikey.as_str()).collect();
    ikeys.into_iter().collect::<Vec<_>>().join(separator)
}

fn duplicate(wanted: &DesiredApplication, several: &[Live<'_>]) -> Box<Diagnostic> {
    let message = format!("{} live applications carry its marker: {}", several.len(), ikeys(several, ", "));
    problem(
        Code::DuplicateMarker,
        wanted,
        message,
        "remove the marker, `[duoctl …]`, from the notes of the copies in the Duo Admin Panel",
    )
}

fn owned<'l>(live: &'l Live<'_>) -> Option<Owned<'l>> {
    Some(Owned { ikey: &live.integration.ikey, marker: live.marker.as_ref()? })
}

#[cfg(test)]
mod tests;
