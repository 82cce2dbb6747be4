//! Selects the applications that get an entry, and creates the first draft of each before anything is checked.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use globset::GlobMatcher;
use serde_json::{Map, Value};

use crate::config::model::Workspace;
use crate::duo::catalogue::{Creation, lookup};
use crate::duo::object::{Ikey, Object};
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
use super::settings;

/// Which applications to import.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Globs for the future address, with or without `applications.`, or for the name; empty means all.
    pub only: Vec<GlobMatcher>,
    /// The same for applications to leave out; takes precedence.
    pub exclude: Vec<GlobMatcher>,
    /// Types; empty means all.
    pub kinds: Vec<String>,
    /// Also the application whose key duoctl uses.
    pub operator: bool,
    /// Also applications of Identity Intelligence.
    pub intelligence: bool,
    /// Every field, including unset ones, so that any later change is a difference.
    pub authoritative: bool,
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

/// Why an application was left out.
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

/// An application that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its integration key.
    pub ikey: Ikey,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// An application that gets an entry.
pub(super) struct Candidate<'a> {
    pub(super) integration: &'a Object,
    marker: Option<Marker>,
    /// The key that its marker names.
    key: Option<String>,
}

pub(super) fn keys(candidates: &[Candidate<'_>], all: &[Object], workspace: &Workspace) -> Vec<String> {
    let known = candidates.iter().filter_map(|candidate| candidate.key.clone());
    let taken: BTreeSet<String> = workspace.of(Kind::Application).keys().cloned().chain(known).collect();
    let unnamed: Vec<Named<'_>> = candidates
        .iter()
        .filter(|candidate| candidate.key.is_none())
        .map(|candidate| Named::of(candidate.integration))
        .collect();
    let all: Vec<Named<'_>> = all.iter().map(Named::of).collect();
    let mut made = naming::addresses(&unnamed, &all, &taken).into_iter();
    candidates
        .iter()
        .map(|candidate| candidate.key.clone().or_else(|| made.next()).unwrap_or_default())
        .collect()
}

impl<'a> Named<'a> {
    fn of(integration: &'a Object) -> Self {
        Self { name: integration.name(), kind: integration.variant(), ikey: integration.id.as_str() }
    }
}

/// What is known before any entry is written.
pub(super) struct Scope<'a> {
    workspace: &'a str,
    operator: &'a Ikey,
    proofs: &'a Proofs,
    wanted: &'a Wanted,
    /// Live applications that the YAML declares.
    declared: HashSet<&'a Ikey>,
    addresses: HashSet<&'a Address>,
    /// Type and name of declared applications that match several live ones.
    ambiguous: HashMap<TypeAndName, &'a Address>,
    /// How many live applications have the marker of an address of this workspace.
    markers: HashMap<Address, usize>,
    /// How many live and declared applications have a type and name.
    names: HashMap<TypeAndName, usize>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        desired: &'a Desired,
        observation: &'a Observation,
        live: Live<'a>,
        wanted: &'a Wanted,
    ) -> Self {
        let matches =
            match_all(Kind::Application, desired, live.integrations, &observation.held, &observation.proofs);
        let mut scope = Self {
            workspace: &desired.workspace,
            operator: &observation.operator,
            proofs: &observation.proofs,
            wanted,
            declared: HashSet::new(),
            addresses: desired.objects.iter().map(|wanted| &wanted.address).collect(),
            ambiguous: HashMap::new(),
            markers: HashMap::new(),
            names: HashMap::new(),
        };
        for (wanted, found) in desired.of(Kind::Application).zip(&matches.matched) {
            let name = wanted.variant.as_ref().zip(wanted.name.as_ref());
            let name = name.map(|(kind, name)| type_and_name(kind, &name.value));
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
            if let Some((kind, name)) = wanted.variant.as_ref().zip(wanted.name.as_ref()) {
                *scope.names.entry(type_and_likeness(kind, &name.value)).or_default() += 1;
            }
        }
        for integration in live.integrations {
            let marker = Notes::parse(integration.notes()).marker;
            // The second application of a rotation legitimately shares its marker.
            let single = |marker: &Marker| {
                !marker.state.is_successor() && !matches!(marker.state, MarkerState::Retired(_))
            };
            if let Some(marker) =
                marker.filter(|marker| marker.workspace == desired.workspace && single(marker))
            {
                *scope.markers.entry(marker.address).or_default() += 1;
            }
        }
        for integration in live.integrations.iter().filter(|live| !scope.declared.contains(&live.id)) {
            *scope.names.entry(type_and_likeness(integration.variant(), integration.name())).or_default() +=
                1;
        }
        scope
    }

    pub(super) fn judge(&self, integration: &'a Object) -> Result<Candidate<'a>, Reason> {
        if self.declared.contains(&integration.id) {
            return Err(Reason::Declared);
        }
        let marker = Notes::parse(integration.notes()).marker;
        let key = match &marker {
            Some(marker) if marker.workspace != self.workspace => {
                return Err(Reason::Elsewhere(format!("{}/{}", marker.workspace, marker.address)));
            }
            Some(marker) => self.own_key(marker)?,
            None => None,
        };
        if integration.id == *self.operator && !self.wanted.operator {
            return Err(Reason::Operator);
        }
        if marker.is_none() && is_intelligence(integration) && !self.wanted.intelligence {
            return Err(Reason::Intelligence);
        }
        if let Some(address) = self.ambiguous.get(&type_and_name(integration.variant(), integration.name())) {
            return Err(Reason::Impossible(format!(
                "`{address}` may be this application or another one; run `duoctl adopt {address} IKEY`, then import again"
            )));
        }
        if !self.wanted.kinds.is_empty()
            && !self.wanted.kinds.iter().any(|kind| kind == integration.variant())
        {
            return Err(Reason::NotWanted);
        }
        Ok(Candidate { integration, marker, key })
    }

    /// Whether a marker claims the owner of the application without proof, which a reviewed pin would provide.
    fn needs_proof(&self, candidate: &Candidate<'_>) -> bool {
        let ikey = &candidate.integration.id;
        let damaged = Notes::parse(candidate.integration.notes()).damaged.is_some();
        damaged || candidate.marker.is_some() && !self.proofs.of(ikey).is_proven()
    }

    /// An application that this workspace owns, but whose address is no longer in the YAML, gets that address again.
    fn own_key(&self, marker: &Marker) -> Result<Option<String>, Reason> {
        if self.addresses.contains(&marker.address) {
            return Err(Reason::Impossible(format!(
                "it has a copy of the marker of `{}`; remove `[duoctl ...]` from its notes in the Duo Admin Panel",
                marker.address
            )));
        }
        if self.markers.get(&marker.address).is_some_and(|count| *count > 1) {
            return Err(Reason::Impossible(format!(
                "several applications have the marker of `{}`; remove `[duoctl ...]` from the notes of the copies in the \
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
            Some(Place::Object(Kind::Application, key)) => Ok(Some(key.to_owned())),
            Some(Place::Object(..) | Place::Entry(_) | Place::Part { .. }) | None => {
                Err(Reason::Intelligence)
            }
        }
    }

    pub(super) fn is_wanted(&self, integration: &Object, key: &str) -> bool {
        let address = Address::application(key);
        let name = same_key(integration.name());
        let matches = |globs: &[GlobMatcher]| {
            globs.iter().any(|glob| [address.as_str(), key, &*name].iter().any(|text| glob.is_match(text)))
        };
        (self.wanted.only.is_empty() || matches(&self.wanted.only)) && !matches(&self.wanted.exclude)
    }

    pub(super) fn draft(
        &self,
        candidate: &Candidate<'_>,
        key: String,
        names: &Names<'_>,
        defaults: &Map<String, Value>,
        fullness: Fullness,
    ) -> Draft {
        let integration = candidate.integration;
        let kind = lookup(integration.variant());
        let alike = self.names.get(&type_and_likeness(integration.variant(), integration.name()));
        let cannot_be_made = kind.is_some_and(|kind| kind.creation != Creation::Ok);
        let mut draft = Draft {
            key,
            ikey: integration.id.clone(),
            kind: integration.variant().to_owned(),
            name: integration.name().to_owned(),
            // A marker identifies it without a pin, but the language requires a pin for names that look alike.
            pinned: (candidate.marker.is_none() && cannot_be_made)
                || alike.is_some_and(|alike| *alike > 1)
                || self.needs_proof(candidate),
            parts: Vec::new(),
            comments: Vec::new(),
            fullness,
            ignored: Vec::new(),
            written: OnceCell::new(),
        };
        for (key, text) in [("type", integration.variant()), ("name", integration.name())] {
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
        settings::describe(&mut draft, integration, kind, names, defaults);
        let protected = candidate.marker.as_ref().is_some_and(|marker| marker.protected);
        let by_default = defaults.get("protect") == Some(&Value::Bool(true));
        if candidate.marker.is_some() && protected != by_default {
            draft.parts.push(Part::new("protect", protected));
        }
        draft
    }
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
