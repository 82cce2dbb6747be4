//! Addresses of objects in the YAML.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::language::address::{INTELLIGENCE, Place, section};

/// `applications.vpn`, `identity_intelligence.emea.admin_api`: unique in a workspace, stable across renames.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// Wraps an address as written in markers and messages.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The address of an object, by its key in the section of its kind.
    pub fn object(kind: Kind, key: &str) -> Self {
        Self(Place::Object(kind, key).to_string())
    }

    /// The address of an entry of `applications`.
    pub fn application(key: &str) -> Self {
        Self::object(Kind::Application, key)
    }

    /// The address of an entry of `identity_intelligence`.
    pub fn intelligence(key: &str) -> Self {
        Self(Place::Entry(key).to_string())
    }

    /// A part of a composite, e.g. `identity_intelligence.emea` and `admin_api`.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    /// The composite that the address is a part of, and the part's name; `None` if it is not a part.
    pub fn composite(&self) -> Option<(Self, &str)> {
        let (whole, part) = self.0.rsplit_once('.')?;
        whole.contains('.').then(|| (Self(whole.to_owned()), part))
    }

    /// The kind of its object; `None` for a composite or a part of one.
    pub fn kind(&self) -> Option<Kind> {
        match Place::parse(&self.0)? {
            Place::Object(kind, _) => Some(kind),
            Place::Entry(_) | Place::Part { .. } => None,
        }
    }

    /// Whether it is an entry of `identity_intelligence` or a part of one.
    pub(crate) fn is_intelligence(&self) -> bool {
        section(&self.0) == INTELLIGENCE
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
