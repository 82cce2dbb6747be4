//! Seals markers before they are sent. No other code creates seals.
//!
//! Plans, including saved ones, contain markers without seals, so neither a plan nor the author of the YAML in a pull
//! request can prove anything. Every body with notes passes through here on its way to Duo.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::duo::object::{Id, Ikey, Kind};
use crate::kinds::marker::Notes;
use crate::kinds::seal::{Keyring, Verdict};

/// Seals the markers of a run.
#[derive(Clone, Copy, Debug)]
pub struct Sealer<'a> {
    keyring: &'a Keyring,
    /// The applications that belong to their addresses only according to their markers.
    claimed: Option<&'a BTreeSet<Ikey>>,
}

impl<'a> Sealer<'a> {
    /// A sealer with the keys of a run.
    pub fn new(keyring: &'a Keyring) -> Self {
        Self { keyring, claimed: None }
    }

    /// Writes to these applications mark them as adopted: otherwise, a change of their settings would turn an unproven
    /// claim into proof.
    pub(super) fn adopting(self, claimed: &'a BTreeSet<Ikey>) -> Self {
        Self { claimed: Some(claimed), ..self }
    }

    /// The body with its marker sealed for an object; `None` while that is being created. A text that comes from Duo with a
    /// seal is sent unchanged.
    pub(crate) fn over(&self, kind: Kind, id: Option<&Id>, body: &Map<String, Value>) -> Map<String, Value> {
        let mut body = body.clone();
        let text = kind.endpoint().marker.and_then(|property| body.get_mut(property));
        let Some(Value::String(notes)) = text else { return body };
        let Notes { text, marker: Some(mut marker), seal: None, .. } = Notes::parse(notes) else {
            return body;
        };
        let is_claimed = |id: &Id| self.claimed.is_some_and(|claimed| claimed.contains(id));
        marker.adopted |= id.is_some_and(is_claimed);
        if let Some(seal) = self.keyring.seal(id, &marker) {
            let marker = marker.sealed(&seal);
            *notes = if text.is_empty() { marker } else { format!("{text}\n{marker}") };
        }
        body
    }

    /// Whether the notes of an application contain a marker that this run sealed without an application, as for a
    /// creation.
    pub(super) fn is_born(&self, ikey: &Ikey, notes: &str) -> bool {
        self.keyring.verdict(ikey, &Notes::parse(notes)) == Some(Verdict::Unbound)
    }

    /// The keys, to verify what comes back.
    pub(super) fn keyring(&self) -> &'a Keyring {
        self.keyring
    }
}
