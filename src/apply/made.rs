//! An object that a run created, from Duo's answer until it is confirmed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::duo::api::WriteApi;
use crate::duo::error::DuoError;
use crate::duo::object::{Id, Kind, Object, ObjectId};
use crate::kinds::address::Address;
use crate::kinds::application::NO_USERS;
use crate::kinds::marker::{Marker, Notes};
use crate::names::may_be_kept_as;
use crate::reconcile::plan::Step;

use super::converge::{WAITS, pause};
use super::seal::Sealer;

/// A list of all objects of a kind, or why it cannot be read.
pub(super) type Listed = Result<Vec<Object>, DuoError>;

/// An object that this run created.
pub(super) struct Created {
    /// The id in Duo's answer, which is only a claim.
    pub(super) id: ObjectId,
    pub(super) sent: Sent,
    /// Whether a list showed it as it was sent.
    pub(super) shown: bool,
}

/// The ids of everything that this run created and confirmed, by address.
#[derive(Debug, Default)]
pub(super) struct Made(Mutex<BTreeMap<Address, Id>>);

impl Made {
    pub(super) fn insert(&self, address: &Address, id: &Id) {
        self.ids().insert(address.clone(), id.clone());
    }

    /// What was created so far. A lane that panicked while it held the lock leaves the map whole.
    pub(super) fn ids(&self) -> MutexGuard<'_, BTreeMap<Address, Id>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was requested.
pub(super) struct Sent {
    kind: Kind,
    pub(super) variant: String,
    name: String,
    pub(super) marker: Option<Marker>,
}

impl Created {
    /// The object, after a list has shown that it is new and as it was sent.
    pub(super) fn made(&self) -> Option<&ObjectId> {
        self.shown.then_some(&self.id)
    }
}

impl Sent {
    pub(super) fn of(step: &Step, kind: Kind, body: &Map<String, Value>) -> Self {
        let text = kind.endpoint().marker.and_then(|property| body.get(property)?.as_str());
        let marker = Notes::parse(text.unwrap_or_default()).marker;
        Self { kind, variant: step.variant.clone(), name: step.name.clone(), marker }
    }

    /// Whether a live object carries the marker that was sent; if its kind has none, whether it has the name.
    pub(super) fn is_its(&self, live: &Object, sealer: &Sealer<'_>) -> bool {
        if self.kind.endpoint().marker.is_none() {
            return may_be_kept_as(&self.name, live.name());
        }
        self.marker.is_some()
            && self.marker == Notes::parse(live.notes()).marker
            && sealer.is_born(&live.id, live.notes())
    }

    /// Whether its marker is one that only another run of this workspace can have written over the one that was sent.
    /// Regardless of who wrote it, nothing more is sent.
    pub(super) fn is_continued(&self, live: &Object) -> bool {
        let found = Notes::parse(live.notes()).marker;
        let is_ours = |sent: &Marker, found: &Marker| {
            (&sent.workspace, &sent.address) == (&found.workspace, &found.address)
                && sent.state != found.state
        };
        self.marker.as_ref().zip(found.as_ref()).is_some_and(|(sent, found)| is_ours(sent, found))
    }

    /// What in the answer to the creation differs from what was sent. The list shows what the answer omits.
    pub(super) fn contradiction(&self, answer: &Object) -> Option<&'static str> {
        if !answer.variant().is_empty() && answer.variant() != self.variant {
            Some("another type")
        } else if !answer.name().is_empty() && !may_be_kept_as(&self.name, answer.name()) {
            Some("another name")
        } else {
            None
        }
    }

    /// What in a live application differs from what was sent.
    pub(super) fn difference(&self, live: &Object, sealer: &Sealer<'_>) -> Option<&'static str> {
        if live.variant() != self.variant {
            Some("another type")
        } else if !may_be_kept_as(&self.name, live.name()) {
            Some("another name")
        } else if self.kind == Kind::Application && live.text("user_access") != NO_USERS {
            Some("other access")
        } else if !self.is_its(live, sealer) {
            Some("other notes")
        } else {
            None
        }
    }
}

/// A list that was requested after everything was created, read again while something is missing.
pub(super) async fn list_with(created: impl Iterator<Item = &Created>, writer: &impl WriteApi) -> Listed {
    let wanted: BTreeSet<&ObjectId> =
        created.filter(|created| !created.shown).map(|created| &created.id).collect();
    let kinds: BTreeSet<Kind> = wanted.iter().map(|id| id.kind).collect();
    let mut list = Vec::new();
    for wait in WAITS {
        pause(writer, wait).await;
        list.clear();
        for kind in &kinds {
            list.extend(writer.list(*kind).await?);
        }
        if list.iter().filter(|live| wanted.contains(&live.object_id())).count() == wanted.len() {
            break;
        }
    }
    Ok(list)
}
