//! Seals: the proof that duoctl wrote a marker for this application.
//!
//! Anyone who can edit notes can write a marker, move it to another application, or restore an old one. Therefore every
//! marker ends with a keyed hash over the integration key and the whole marker. The keys are derived from secrets that
//! people who edit notes do not have: the operator's secret key, or those of `tenant.credentials.state_keys`.

use std::fmt::Formatter;

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::marker::{ALPHABET, Marker, Notes, Seal};
use crate::duo::object::Ikey;
use crate::secret::Secret;

/// How far the marker of an application is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A key of this run sealed it for this application.
    Valid,
    /// A key of this run sealed it for no application: the first marker of a creation. The activity log shows that the
    /// operator created the application.
    Born,
    /// It is not proven otherwise, but the user of this run vouches for it.
    Trusted,
    /// A key of this run sealed it for this application, but as far as the activity log can tell, an administrator changed
    /// the application since then and may have restored an older marker.
    Doubted,
    /// It is the first marker of a creation and may have been copied from another application.
    Unbound,
    /// A key that this run does not have sealed it.
    Foreign,
    /// It has no seal, or an invalid one under a key of this run.
    Forged,
}

impl Verdict {
    /// Whether the content of the marker counts.
    pub fn is_proven(self) -> bool {
        matches!(self, Self::Valid | Self::Born | Self::Trusted)
    }
}

struct Key {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

/// The keys for seals: the first one seals, all of them verify.
#[derive(Default)]
pub struct Keyring(Vec<Key>);

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl Keyring {
    /// The keys derived from these secrets, in the same order.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        Self(secrets.into_iter().map(Key::derive).collect())
    }

    /// How far the marker in an application's notes is proven; `None` if there is no marker.
    pub fn verdict(&self, ikey: &Ikey, notes: &Notes<'_>) -> Option<Verdict> {
        let marker = notes.marker.as_ref()?;
        let Some(seal) = &notes.seal else { return Some(Verdict::Forged) };
        let mut keys = self.0.iter().filter(|key| key.id == seal.id()).peekable();
        if keys.peek().is_none() {
            return Some(Verdict::Foreign);
        }
        let unbound = marker.state.created_at().is_some();
        let found = keys.find_map(|key| {
            if key.verifies(Some(ikey), marker, seal) {
                Some(Verdict::Valid)
            } else if unbound && key.verifies(None, marker, seal) {
                Some(Verdict::Unbound)
            } else {
                None
            }
        });
        Some(found.unwrap_or(Verdict::Forged))
    }

    /// Seals a marker for an application, or for none while it is being created; `None` without a key.
    pub(crate) fn seal(&self, over: Option<&Ikey>, marker: &Marker) -> Option<Seal> {
        let key = self.0.first()?;
        let mac = encode(&key.mac(over, &marker.body()).finalize().into_bytes(), Seal::MAC);
        Seal::parse(&format!("{}{mac}", key.id))
    }
}

impl Key {
    /// HKDF-SHA256 (RFC 5869); one block is enough. The secret is input data here and a key in requests, so the two uses are
    /// independent.
    fn derive(secret: &Secret) -> Self {
        let extracted = Zeroizing::new(hash(&[0; 32], &[secret.expose().trim().as_bytes()]));
        let key = Zeroizing::new(hash(&extracted, &[b"duoctl marker 1 key", &[1]]));
        let id = encode(&hash(&extracted, &[b"duoctl marker 1 id", &[1]]), Seal::ID);
        Self { id, key }
    }

    /// `body` is everything before the seal.
    fn mac(&self, over: Option<&Ikey>, body: &str) -> Hmac<Sha256> {
        let mut mac = keyed(&self.key);
        for part in ["duoctl marker 1", "\n", over.map_or("-", Ikey::as_str), "\n", body] {
            mac.update(part.as_bytes());
        }
        mac
    }

    fn verifies(&self, over: Option<&Ikey>, marker: &Marker, seal: &Seal) -> bool {
        decode(seal.mac())
            .is_some_and(|mac| self.mac(over, &marker.body()).verify_truncated_left(&mac).is_ok())
    }
}

/// A key shorter than a block is padded with zeros (RFC 2104).
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&(*block).into())
}

fn hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The first `length` characters, five bits each, most significant first.
fn encode(bytes: &[u8], length: usize) -> String {
    let bit = |index: usize| bytes.get(index / 8).map_or(0, |byte| byte >> (7 - index % 8) & 1);
    let character = |place: usize| {
        let value = (0..5).fold(0, |value, index| value << 1 | bit(place * 5 + index));
        ALPHABET.get(usize::from(value)).map_or('0', |byte| char::from(*byte))
    };
    (0..length).map(character).collect()
}

fn decode(text: &str) -> Option<[u8; 10]> {
    let mut value = 0_u128;
    for byte in text.bytes() {
        let five = ALPHABET.iter().position(|character| *character == byte)?;
        value = value << 5 | u128::try_from(five).ok()?;
    }
    value.to_be_bytes().last_chunk().copied()
}

#[cfg(test)]
mod tests;
