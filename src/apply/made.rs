//! An application that a run created, from Duo's answer until it is confirmed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::duo::api::WriteApi;
use crate::duo::error::DuoError;
use crate::duo::object::{Ikey, Kind, Object};
use crate::kinds::application::NO_USERS;
use crate::kinds::marker::{Marker, Notes};
use crate::names::may_be_kept_as;
use crate::reconcile::plan::Step;

use super::converge::{WAITS, pause};
use super::seal::Sealer;

/// A list of all applications, or why it cannot be read.
pub(super) type Listed = Result<Vec<Object>, DuoError>;

/// An application that this run created.
pub(super) struct Created {
    pub(super) ikey: Ikey,
    pub(super) sent: Sent,
    /// Whether a list showed it as it was sent.
    pub(super) shown: bool,
}

/// What was requested.
pub(super) struct Sent {
    pub(super) kind: String,
    name: String,
    pub(super) marker: Option<Marker>,
}

impl Created {
    /// The key in Duo's answer, which is only a claim.
    pub(super) fn ikey(&self) -> &Ikey {
        &self.ikey
    }

    /// The application, after a list has shown that it is new and as it was sent.
    pub(super) fn made(&self) -> Option<&Ikey> {
        self.shown.then_some(&self.ikey)
    }
}

impl Sent {
    pub(super) fn of(step: &Step, body: &Map<String, Value>) -> Self {
        let notes = body.get("notes").and_then(Value::as_str).unwrap_or_default();
        let marker = Notes::parse(notes).marker;
        Self { kind: step.variant.clone(), name: step.name.clone(), marker }
    }

    pub(super) fn is_marked(&self, live: &Object, sealer: &Sealer<'_>) -> bool {
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
        if !answer.variant().is_empty() && answer.variant() != self.kind {
            Some("another type")
        } else if !answer.name().is_empty() && !may_be_kept_as(&self.name, answer.name()) {
            Some("another name")
        } else {
            None
        }
    }

    /// What in a live application differs from what was sent.
    pub(super) fn difference(&self, live: &Object, sealer: &Sealer<'_>) -> Option<&'static str> {
        if live.variant() != self.kind {
            Some("another type")
        } else if !may_be_kept_as(&self.name, live.name()) {
            Some("another name")
        } else if live.text("user_access") != NO_USERS {
            Some("other access")
        } else if !self.is_marked(live, sealer) {
            Some("other notes")
        } else {
            None
        }
    }
}

/// A list that was requested after everything was created, read again while something is missing.
pub(super) async fn list_with(created: impl Iterator<Item = &Created>, writer: &impl WriteApi) -> Listed {
    let wanted: BTreeSet<&Ikey> =
        created.filter(|created| !created.shown).map(|created| &created.ikey).collect();
    let mut list = Vec::new();
    for wait in WAITS {
        pause(writer, wait).await;
        list = writer.list(Kind::Application).await?;
        if list.iter().filter(|live| wanted.contains(&live.id)).count() == wanted.len() {
            break;
        }
    }
    Ok(list)
}
