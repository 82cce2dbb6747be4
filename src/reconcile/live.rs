//! A live application with its notes parsed.

use std::borrow::Cow;

use crate::duo::object::Object;
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::kinds::application::{NO_USERS, UNCERTAIN_PERMISSION};
use crate::kinds::marker::{Damaged, Marker, MarkerState, Notes};
use crate::kinds::seal::Verdict;

use super::observation::Proofs;

/// A live application with its notes parsed.
#[derive(Clone, Debug)]
pub struct Live<'a> {
    /// The application.
    pub integration: &'a Object,
    /// The user's part of the notes.
    pub text: Cow<'a, str>,
    /// The marker.
    pub marker: Option<Marker>,
    /// The remains of a marker that cannot be read.
    pub damaged: Option<Damaged>,
    /// What is known about the marker.
    pub proof: Verdict,
}

impl<'a> Live<'a> {
    /// Parses the notes.
    pub fn new(integration: &'a Object, proofs: &Proofs) -> Self {
        let Notes { text, marker, seal: _, damaged } = Notes::parse(integration.notes());
        Self { integration, text, marker, damaged, proof: proofs.of(&integration.id) }
    }

    /// Whether its marker is invalid: it has no seal, or one that was not made for it.
    pub fn is_forged(&self) -> bool {
        self.marker.is_some() && self.proof == Verdict::Forged
    }

    /// The state that the marker records.
    pub fn state(&self) -> Option<&MarkerState> {
        self.marker.as_ref().map(|marker| &marker.state)
    }

    /// Whether no one can use it. An application that someone reopened is in use, whatever its marker says.
    pub fn is_shut(&self) -> bool {
        self.shut() == Some(true)
    }

    /// The same; `None` if Duo does not show it.
    pub fn shut(&self) -> Option<bool> {
        if known_permissions(self.integration).is_empty() {
            let access = self.integration.text("user_access");
            (!access.is_empty()).then_some(access == NO_USERS)
        } else {
            // This one permission does nothing by itself, and Duo may refuse to revoke it (trap 21).
            Some(held_permissions(self.integration).iter().all(|name| name == UNCERTAIN_PERMISSION))
        }
    }
}
