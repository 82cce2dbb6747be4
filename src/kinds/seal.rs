//! Seals: what proves that a marker is duoctl's own word about this very application.
//!
//! Whoever may edit notes may write a marker, move it to another application, or put an old one back. Therefore every
//! marker ends in a keyed hash over the integration key and the whole marker. The keys come from secrets that those who
//! edit notes do not have: the operator's secret key, or those of `tenant.credentials.state_keys`.

use std::fmt::Formatter;

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::marker::{ALPHABET, Marker, Notes, Seal};
use crate::duo::types::Ikey;
use crate::secret::Secret;

/// What is known of the marker of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is sealed over this application by a key of this run.
    Valid,
    /// It is sealed by a key of this run, over no application: the first marker of a creation, which the activity log
    /// shows to be the operator's own.
    Born,
    /// It is none of the others, and a person vouches for it in this run.
    Trusted,
    /// It is sealed by a key of this run over this application, which a person changed since, as far as the activity log can
    /// tell: they may have put an older marker back.
    Doubted,
    /// It is the first marker of a creation, and could have been copied from elsewhere.
    Unbound,
    /// It is sealed by a key that this run does not have.
    Foreign,
    /// It has no seal, or one that a key of this run did not make.
    Forged,
}

impl Verdict {
    /// Whether the words of the marker count.
    pub fn is_proven(self) -> bool {
        matches!(self, Self::Valid | Self::Born | Self::Trusted)
    }
}

struct Key {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

/// The keys that seal and verify: the first one seals, all verify.
#[derive(Default)]
pub struct Keyring(Vec<Key>);

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl Keyring {
    /// The keys that these secrets give, in their order.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        Self(secrets.into_iter().map(Key::derive).collect())
    }

    /// What the notes of an application prove of their marker; `None` where they hold none.
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

    /// Seals a marker over an application, or over none where that is only being created; `None` without a key.
    pub(crate) fn seal(&self, over: Option<&Ikey>, marker: &Marker) -> Option<Seal> {
        let key = self.0.first()?;
        let mac = encode(&key.mac(over, &marker.body()).finalize().into_bytes(), Seal::MAC);
        Seal::parse(&format!("{}{mac}", key.id))
    }
}

impl Key {
    /// HKDF-SHA256 (RFC 5869), of which one block is enough. The secret is data here and a key in requests, so that the two
    /// uses have nothing to do with each other.
    fn derive(secret: &Secret) -> Self {
        let extracted = Zeroizing::new(hash(&[0; 32], &[secret.expose().trim().as_bytes()]));
        let key = Zeroizing::new(hash(&extracted, &[b"duoctl marker 1 key", &[1]]));
        let id = encode(&hash(&extracted, &[b"duoctl marker 1 id", &[1]]), Seal::ID);
        Self { id, key }
    }

    /// `body` is all that stands before the seal.
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

/// A key shorter than a block is filled up with zeros (RFC 2104).
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

/// The first characters, five bits each, the most significant first.
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
