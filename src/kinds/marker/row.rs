//! The row of hashes of the last applied values, and the format of keys and hashes in a marker.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::duo::object::Ikey;
use crate::kinds::value::FieldValue;

/// The characters of hashes and seals.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Three characters that represent a value.
pub type ShortHash = [char; 3];

/// What was last applied to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The hash of the value in the YAML.
    pub asked: ShortHash,
    /// The hash of the value in Duo, if Duo keeps a different form of it (duo-api.md, trap 35).
    pub kept: Option<ShortHash>,
}

/// Hashes of the managed fields by their one-letter code.
pub type AppliedFields = BTreeMap<char, Applied>;

/// An integration key as it is written in a marker.
pub(super) fn plain_ikey(text: &str) -> Option<Ikey> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then(|| Ikey::new(text))
}

pub(super) fn parse_applied(text: &str) -> Option<AppliedFields> {
    let mut applied = AppliedFields::new();
    if text == "-" {
        return Some(applied);
    }
    let mut rest = text.chars();
    while let Some(code) = rest.next() {
        if !code.is_ascii_alphabetic() {
            return None;
        }
        let asked = take_hash(&mut rest)?;
        let kept = if code.is_ascii_uppercase() { Some(take_hash(&mut rest)?) } else { None };
        applied.insert(code.to_ascii_lowercase(), Applied { asked, kept });
    }
    Some(applied)
}

fn take_hash(rest: &mut std::str::Chars<'_>) -> Option<ShortHash> {
    let hash = [rest.next()?, rest.next()?, rest.next()?];
    hash.iter().all(|c| c.is_ascii() && ALPHABET.iter().any(|a| char::from(*a) == *c)).then_some(hash)
}

/// The hash of a field's normalized value. It is short because it only tells which side changed, never what to do.
pub fn short_hash(code: char, value: &FieldValue) -> ShortHash {
    let digest = Sha256::digest(format!("{code}\0{}", value.canonical()));
    let mut characters =
        digest.iter().map(|byte| ALPHABET.get(usize::from(byte % 32)).map_or('0', |byte| char::from(*byte)));
    [(); 3].map(|()| characters.next().unwrap_or('0'))
}
