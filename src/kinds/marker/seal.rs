//! The written form of a seal. `kinds::seal` verifies it.

use std::fmt::{Display, Formatter};

use super::row::ALPHABET;

/// The keyed hash at the end of a marker, with the id of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    id: String,
    mac: String,
}

impl Seal {
    /// The number of characters of the key's id.
    pub(crate) const ID: usize = 4;
    /// The number of characters of the hash, five bits each.
    pub(crate) const MAC: usize = 16;
    /// The number of characters that a seal adds to a marker.
    pub const LENGTH: usize = 2 + Self::ID + Self::MAC;

    /// The id of the key that made it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The hash.
    pub(crate) fn mac(&self) -> &str {
        &self.mac
    }

    /// Parses the text after the `~`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == Self::ID + Self::MAC && text.bytes().all(|byte| ALPHABET.contains(&byte));
        let (id, mac) = plain.then(|| text.split_at_checked(Self::ID)).flatten()?;
        Some(Self { id: id.to_owned(), mac: mac.to_owned() })
    }
}

impl Display for Seal {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "~{}{}", self.id, self.mac)
    }
}
