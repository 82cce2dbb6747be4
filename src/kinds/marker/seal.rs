//! A seal as it is written. What it proves is told by the keys (`kinds::seal`).

use std::fmt::{Display, Formatter};

use super::row::ALPHABET;

/// The keyed hash at the end of a marker, and the name of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    id: String,
    mac: String,
}

impl Seal {
    /// How many characters name the key.
    pub(crate) const ID: usize = 4;
    /// How many characters hold the hash, of five bits each.
    pub(crate) const MAC: usize = 16;
    /// How many characters it adds to a marker.
    pub const LENGTH: usize = 2 + Self::ID + Self::MAC;

    /// The name of the key that made it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The hash.
    pub(crate) fn mac(&self) -> &str {
        &self.mac
    }

    /// Reads what stands after the `~`.
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
