//! Identifiers in Duo's formats, and random keys (duo-api.md, section 0).

use std::io;

use sha2::{Digest, Sha256};

use crate::duo::sign::hex;

const UPPER: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn pick(alphabet: &[u8], byte: u8) -> char {
    let index = usize::from(byte) % alphabet.len().max(1);
    alphabet.get(index).map_or('0', |byte| char::from(*byte))
}

/// The `number`th identifier of a kind: two letters and 18 of `[A-Z0-9]`, the same in every sandbox.
pub(super) fn id(prefix: &str, number: u64) -> String {
    let digest = Sha256::digest(format!("{prefix} {number}"));
    let tail: String = digest.iter().take(18).map(|byte| pick(UPPER, *byte)).collect();
    format!("{prefix}{tail}")
}

/// A transaction id: a lower-case UUID with dashes, from a number.
pub(super) fn uuid(kind: &str, number: u64) -> String {
    let mut text = hex(&Sha256::digest(format!("{kind} {number}")));
    text.truncate(32);
    for place in [8, 13, 18, 23] {
        text.insert(place, '-');
    }
    text
}

/// A new secret: 40 of `[A-Za-z0-9]` from the system's random source.
pub(super) fn secret() -> io::Result<String> {
    let mut bytes = [0; 40];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| pick(ALPHANUMERIC, *byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_duos_shapes() {
        let shape = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        assert!(id("DG", 1).len() == 20 && shape(&id("DG", 1)) && id("DG", 1) != id("DG", 2));
        assert_eq!(uuid("authentication", 1).len(), 36);
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert!(one.len() == 40 && one != other && one.chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
