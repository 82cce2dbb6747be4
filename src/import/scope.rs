//! Selects the objects of a kind that get an entry, and creates the first draft of each before anything is checked.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use globset::GlobMatcher;
use serde_json::{Map, Value};

use crate::config::model::Workspace;
use crate::duo::catalogue::{Creation, lookup};
use crate::duo::object::{Id, Ikey, Object, Policy};
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::marker::day;
use crate::kinds::marker::{Marker, MarkerState, Notes};
use crate::language::address::Place;
use crate::language::texts::LINE;
use crate::names::{alike_key, mentions, same_key};
use crate::reconcile::desired::Desired;
use crate::reconcile::matching::{TypeAndName, match_all, type_and_name};
use crate::reconcile::observation::{Observation, Proofs};

use super::draft::{Draft, Fullness, Part};
use super::names::Names;
use super::naming::{self, Named};
use super::{sections, settings};

/// Which objects to import.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The kinds; without any, and without the global policy, applications.
    pub kinds: BTreeSet<Kind>,
    /// The global policy.
    pub global_policy: bool,
    /// Globs for the future address, with or without its section, or for the name; empty means all.
    pub only: Vec<GlobMatcher>,
    /// The same for objects to leave out; takes precedence.
    pub exclude: Vec<GlobMatcher>,
    /// Types of applications; empty means all.
    pub types: Vec<String>,
    /// Also the application whose key duoctl uses.
    pub operator: bool,
    /// Also applications of Identity Intelligence.
    pub intelligence: bool,
    /// Every field, including unset ones, so that any later change is a difference.
    pub authoritative: bool,
}

impl Wanted {
    /// Whether objects of a kind are imported; the global policy is not meant.
    pub fn has(&self, kind: Kind) -> bool {
        match self.kinds.is_empty() && !self.global_policy {
            true => kind == Kind::Application,
            false => self.kinds.contains(&kind),
        }
    }

    /// Whether the list of a kind has objects that may be imported.
    pub fn looks_at(&self, kind: Kind) -> bool {
        self.has(kind) || kind == Kind::Policy && self.global_policy
    }
}

/// The lists that an import needs, completely read.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// Every application.
    pub integrations: &'a [Object],
    /// Every group.
    pub groups: &'a [Object],
    /// Every policy.
    pub policies: &'a [Object],
}

impl<'a> Live<'a> {
    /// Every object of a kind.
    pub fn of(self, kind: Kind) -> &'a [Object] {
        match kind {
            Kind::Group => self.groups,
            Kind::Policy => self.policies,
            Kind::Application => self.integrations,
        }
    }
}

/// Why an object was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The workspace declares it.
    Declared,
    /// Another workspace owns it.
    Elsewhere(String),
    /// It was not selected.
    NotWanted,
    /// duoctl uses its key.
    Operator,
    /// It looks like part of a connection to Identity Intelligence.
    Intelligence,
    /// It cannot be adopted: the reason, and what to do.
    Impossible(String),
}

/// An object that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its ID, which is the integration key of an application.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// An object that gets an entry.
pub(super) struct Candidate<'a> {
    pub(super) live: &'a Object,
    marker: Option<Marker>,
    /// The key that its marker names, or that of the global policy.
    key: Option<String>,
}

impl<'a> Named<'a> {
    fn of(live: &'a Object) -> Self {
        let kind = if live.kind == Kind::Application { live.variant() } else { live.kind.noun() };
        Self { name: live.name(), kind, id: live.id.as_str() }
    }
}

/// The addresses of the declared objects of a kind that exist in the account.
pub(super) fn declared(
    kind: Kind,
    desired: &Desired,
    observation: &Observation,
    lives: &[Object],
) -> BTreeMap<Id, Address> {
    let matches = match_all(kind, desired, lives, &observation.held, &observation.proofs);
    let found = desired.of(kind).zip(matches.matched);
    found
        .filter_map(|(wanted, found)| {
            Some((found.ok()?.live?.integration.id.clone(), wanted.address.clone()))
        })
        .collect()
}

/// What is known of a kind before any entry is written.
pub(super) struct Scope<'a> {
    kind: Kind,
    /// Every object of the kind, by ID.
    lives: Vec<&'a Object>,
    workspace: &'a str,
    operator: &'a Ikey,
    proofs: &'a Proofs,
    wanted: &'a Wanted,
    global: Option<Policy<'a>>,
    /// Live objects that almost certainly belong to a declared address without a marker.
    alike: &'a BTreeMap<Ikey, Address>,
    /// Live objects that the YAML declares.
    declared: HashSet<&'a Id>,
    addresses: HashSet<&'a Address>,
    /// Type and name of declared objects that match several live ones.
    ambiguous: HashMap<TypeAndName, &'a Address>,
    /// How many live objects have the marker of an address of this workspace.
    markers: HashMap<Address, usize>,
    /// How many live and declared objects have a type and name.
    names: HashMap<TypeAndName, usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        kind: Kind,
        desired: &'a Desired,
        observation: &'a Observation,
        live: Live<'a>,
        wanted: &'a Wanted,
        alike: &'a BTreeMap<Ikey, Address>,
    ) -> Self {
        let lives = live.of(kind);
        let matches = match_all(kind, desired, lives, &observation.held, &observation.proofs);
        let mut scope = Self {
            kind,
            lives: lives.iter().collect(),
            alike,
            global: lives.iter().filter_map(Policy::of).find(|policy| policy.is_global()),
            workspace: &desired.workspace,
            operator: &observation.operator,
            proofs: &observation.proofs,
            wanted,
            declared: HashSet::new(),
            addresses: desired.objects.iter().map(|wanted| &wanted.address).collect(),
            ambiguous: HashMap::new(),
            markers: markers(desired, lives),
            names: HashMap::new(),
        };
        for (wanted, found) in desired.of(kind).zip(&matches.matched) {
            let variant = if kind == Kind::Application { wanted.variant.as_deref() } else { Some("") };
            let named = variant.zip(wanted.name.as_ref());
            let name = named.map(|(variant, name)| type_and_name(variant, &name.value));
            match found {
                Ok(found) => {
                    scope.declared.extend(found.all().map(|live| &live.integration.id));
                }
                Err(_) => {
                    if let (Some(name), None) = (&name, &wanted.pin) {
                        scope.ambiguous.insert(name.clone(), &wanted.address);
                    }
                }
            }
            if let Some(pin) = &wanted.pin {
                scope.declared.insert(&pin.value);
            }
            if let Some((variant, name)) = named {
                *scope.names.entry(type_and_likeness(variant, &name.value)).or_default() += 1;
            }
        }
        for live in lives.iter().filter(|live| !scope.declared.contains(&live.id)) {
            *scope.names.entry(type_and_likeness(live.variant(), live.name())).or_default() += 1;
        }
        scope.lives.sort_by(|a, b| a.id.cmp(&b.id));
        scope
    }

    /// Every object of the kind, by ID.
    pub(super) fn lives(&self) -> impl Iterator<Item = &'a Object> {
        self.lives.iter().copied()
    }

    /// The keys of candidates, in their order.
    pub(super) fn keys(&self, candidates: &[Candidate<'_>], workspace: &Workspace) -> Vec<String> {
        let known = candidates.iter().filter_map(|candidate| candidate.key.clone());
        let taken: BTreeSet<String> = workspace.of(self.kind).keys().cloned().chain(known).collect();
        let unnamed = candidates.iter().filter(|candidate| candidate.key.is_none());
        let unnamed: Vec<Named<'_>> = unnamed.map(|candidate| Named::of(candidate.live)).collect();
        let all: Vec<Named<'_>> = self.lives().map(Named::of).collect();
        let mut made = naming::addresses(&unnamed, &all, &taken).into_iter();
        candidates
            .iter()
            .map(|candidate| candidate.key.clone().or_else(|| made.next()).unwrap_or_default())
            .collect()
    }

    pub(super) fn judge(&self, live: &'a Object) -> Result<Candidate<'a>, Reason> {
        if self.declared.contains(&live.id) {
            return Err(Reason::Declared);
        }
        if is_global(live) {
            let global = Candidate { live, marker: None, key: Some(String::new()) };
            return if self.wanted.global_policy { Ok(global) } else { Err(Reason::NotWanted) };
        }
        if !self.wanted.has(self.kind) {
            return Err(Reason::NotWanted);
        }
        let marker = Notes::parse(live.notes()).marker;
        let key = match &marker {
            Some(marker) if marker.workspace != self.workspace => {
                return Err(Reason::Elsewhere(format!("{}/{}", marker.workspace, marker.address)));
            }
            Some(marker) => self.own_key(marker)?,
            None => None,
        };
        if live.id == *self.operator && !self.wanted.operator {
            return Err(Reason::Operator);
        }
        if marker.is_none() && is_intelligence(live) && !self.wanted.intelligence {
            return Err(Reason::Intelligence);
        }
        if let Some(address) = self.ambiguous.get(&type_and_name(live.variant(), live.name())) {
            return Err(Reason::Impossible(format!(
                "`{address}` may be this {} or another one; run `duoctl adopt {address} {}`, then import again",
                self.kind.noun(),
                self.kind.endpoint().key
            )));
        }
        let types = &self.wanted.types;
        if self.kind == Kind::Application
            && !types.is_empty()
            && !types.iter().any(|variant| variant == live.variant())
        {
            return Err(Reason::NotWanted);
        }
        match self.alike.get(&live.id) {
            Some(address) => Err(Reason::Impossible(format!(
                "`{address}` looks like it and would be created; if it is the same, run `duoctl adopt {address} {0}`; if \
                 not, give it its own entry with this `{1}`",
                live.id,
                self.kind.endpoint().pin
            ))),
            None => Ok(Candidate { live, marker, key }),
        }
    }

    /// Whether a marker claims the owner of the object without proof, which a reviewed pin would provide.
    fn needs_proof(&self, candidate: &Candidate<'_>) -> bool {
        let damaged = Notes::parse(candidate.live.notes()).damaged.is_some();
        damaged || candidate.marker.is_some() && !self.proofs.of(&candidate.live.id).is_proven()
    }

    /// An object that this workspace owns, but whose address is no longer in the YAML, gets that address again.
    fn own_key(&self, marker: &Marker) -> Result<Option<String>, Reason> {
        let (section, text) = (self.kind.section(), self.kind.endpoint().text);
        if self.addresses.contains(&marker.address) {
            return Err(Reason::Impossible(format!(
                "it has a copy of the marker of `{}`; remove `[duoctl ...]` from its {text} in the Duo Admin Panel",
                marker.address
            )));
        }
        if self.markers.get(&marker.address).is_some_and(|count| *count > 1) {
            return Err(Reason::Impossible(format!(
                "several {section} have the marker of `{}`; remove `[duoctl ...]` from the {text} of the copies in the \
                 Duo Admin Panel",
                marker.address
            )));
        }
        match &marker.state {
            MarkerState::Owned | MarkerState::Rotating(_) | MarkerState::Renewing => {}
            MarkerState::Quarantined(since) => {
                return Err(Reason::Impossible(format!(
                    "it left the YAML as `{}` and was quarantined on {}; add the entry again to bring it back",
                    marker.address,
                    day(*since)
                )));
            }
            MarkerState::Retired(since) => {
                return Err(Reason::Impossible(format!(
                    "a rotation of `{}` put it out of use on {}",
                    marker.address,
                    day(*since)
                )));
            }
            state if state.is_successor() && self.markers.contains_key(&marker.address) => {
                return Err(Reason::Impossible(format!(
                    "a rotation of `{}` created it and is not finished; the entry of the other application covers both",
                    marker.address
                )));
            }
            MarkerState::Successor { .. } | MarkerState::Delivered { .. } | MarkerState::Abandoned { .. } => {
            }
            MarkerState::Creating { .. } | MarkerState::Replaced | MarkerState::Untested(_) => {
                return Err(Reason::Impossible(format!(
                    "an apply of `{}` is not finished; finish it first",
                    marker.address
                )));
            }
        }
        match Place::parse(marker.address.as_str()) {
            Some(Place::Object(kind, key)) if kind == self.kind => Ok(Some(key.to_owned())),
            Some(Place::Entry(_) | Place::Part { .. }) | None if self.kind == Kind::Application => {
                Err(Reason::Intelligence)
            }
            Some(_) | None => Err(Reason::Impossible(format!(
                "it has the marker of `{}`, which is not a {}; remove `[duoctl ...]` from its {text} in the Duo Admin Panel",
                marker.address,
                self.kind.noun()
            ))),
        }
    }

    pub(super) fn is_wanted(&self, live: &Object, key: &str) -> bool {
        let address = Address::object(self.kind, key);
        let name = same_key(live.name());
        let matches = |globs: &[GlobMatcher]| {
            globs.iter().any(|glob| [address.as_str(), key, &*name].iter().any(|text| glob.is_match(text)))
        };
        (self.wanted.only.is_empty() || matches(&self.wanted.only)) && !matches(&self.wanted.exclude)
    }

    /// Whether the YAML identifies an object by a key.
    fn identifies(&self, live: &Object, key: &str) -> bool {
        self.kind.field(key).is_some() && !is_global(live)
    }

    pub(super) fn draft(
        &self,
        candidate: &Candidate<'_>,
        key: String,
        names: &Names<'_>,
        defaults: &Map<String, Value>,
        inherited: bool,
    ) -> Draft {
        let live = candidate.live;
        let kind = lookup(live.variant());
        let alike = self.names.get(&type_and_likeness(live.variant(), live.name()));
        let cannot_be_made = kind.is_some_and(|kind| kind.creation != Creation::Ok);
        let mut draft = Draft {
            kind: self.kind,
            key,
            id: live.id.clone(),
            variant: live.variant().to_owned(),
            name: live.name().to_owned(),
            // A marker identifies it without a pin, but the language requires a pin for names that look alike.
            pinned: !is_global(live)
                && ((candidate.marker.is_none() && cannot_be_made)
                    || alike.is_some_and(|alike| *alike > 1)
                    || self.needs_proof(candidate)),
            parts: Vec::new(),
            comments: Vec::new(),
            // The global policy has no such key.
            fullness: Fullness { written: self.wanted.authoritative && !is_global(live), inherited },
            ignored: Vec::new(),
            written: OnceCell::new(),
        };
        let identity = [("type", live.variant()), ("name", live.name())];
        for (key, text) in identity.into_iter().filter(|(key, _)| self.identifies(live, key)) {
            if (LINE.check)(text).is_ok() {
                draft.parts.push(Part::new(key, text));
            } else {
                let shown = if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") };
                draft.give_up(
                    key,
                    &format!("is {shown} in Duo, which is not a line of text; it is not managed"),
                );
            }
        }
        match Policy::of(live) {
            Some(policy) => sections::describe(&mut draft, policy, self.global),
            None => settings::describe(&mut draft, live, kind, names, defaults),
        }
        let protected = candidate.marker.as_ref().is_some_and(|marker| marker.protected);
        let by_default = defaults.get("protect") == Some(&Value::Bool(true));
        if candidate.marker.is_some() && protected != by_default {
            draft.parts.push(Part::new("protect", protected));
        }
        draft
    }
}

/// How many live objects have the marker of each address of the workspace.
fn markers(desired: &Desired, lives: &[Object]) -> HashMap<Address, usize> {
    let mut counts = HashMap::new();
    let own = lives.iter().filter_map(|live| Notes::parse(live.notes()).marker);
    for marker in own.filter(|marker| marker.workspace == desired.workspace) {
        // The second application of a rotation legitimately shares its marker.
        if !marker.state.is_successor() && !matches!(marker.state, MarkerState::Retired(_)) {
            *counts.entry(marker.address).or_default() += 1;
        }
    }
    counts
}

fn is_global(live: &Object) -> bool {
    Policy::of(live).is_some_and(Policy::is_global)
}

/// Only the name of such an application is certain (identity-intelligence.md, section 5).
fn is_intelligence(integration: &Object) -> bool {
    matches!(integration.variant(), "adminapi" | "authapi")
        && mentions(integration.name(), "identity intelligence")
}

/// The key shared by applications that need a pin to be distinguished.
fn type_and_likeness(kind: &str, name: &str) -> TypeAndName {
    (kind.to_owned(), alike_key(name))
}
