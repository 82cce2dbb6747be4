//! A live application with its notes taken apart.

use crate::duo::types::Integration;
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::kinds::application::{NO_USERS, UNCERTAIN_PERMISSION};
use crate::kinds::marker::{Marker, MarkerState, Notes};

/// A live application with its notes taken apart.
#[derive(Clone, Debug)]
pub struct Live<'a> {
    /// The application.
    pub integration: &'a Integration,
    /// The user's part of the notes.
    pub text: &'a str,
    /// The marker.
    pub marker: Option<Marker>,
}

impl<'a> Live<'a> {
    /// Takes the notes apart.
    pub fn new(integration: &'a Integration) -> Self {
        let Notes { text, marker } = Notes::parse(integration.notes());
        Self { integration, text, marker }
    }

    /// Where the marker says that a change stands.
    pub fn state(&self) -> Option<&MarkerState> {
        self.marker.as_ref().map(|marker| &marker.state)
    }

    /// Whether nobody can use it. An application that someone opened again is in use, whatever its marker says.
    pub fn is_shut(&self) -> bool {
        if known_permissions(self.integration).is_empty() {
            matches!(self.integration.text("user_access"), "" | NO_USERS)
        } else {
            // One permission does nothing by itself, and Duo may not let go of it (trap 21).
            held_permissions(self.integration).iter().all(|name| name == UNCERTAIN_PERMISSION)
        }
    }
}
