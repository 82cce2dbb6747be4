//! The value of `attested:`: records that a person entered certain values in a console, when, and who.
//!
//! `7f3a9c21` alone is the fingerprint of all values together. `duoctl attest` appends more, so that a later plan can name
//! the fields that have to be entered again: `7f3a9c21 2026-11-24T09:30:00Z n1a2b h3c4d by alice@example.com`. If the
//! public API contradicted the attestation, it ends with ` forced: REASON`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

/// The pattern for editors. [`Attestation::parse`] also checks the date.
pub const PATTERN: &str = r"^[0-9a-f]{8}( [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z( [a-z][0-9a-f]{4})+( by [^\u0000-\u001f\u007f\s][^\u0000-\u001f\u007f]*)?)?$";

/// The maximum length of a name.
pub const MAX_NAME: usize = 120;
/// The maximum length of a reason.
pub const MAX_REASON: usize = 200;

const BY: &str = " by ";
const FORCED: &str = " forced: ";

/// An attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Eight hexadecimal digits of a hash over all values.
    pub fingerprint: String,
    /// When it was attested.
    pub at: Option<Timestamp>,
    /// For each field, by its letter, four hexadecimal digits of a hash over its value.
    pub fields: BTreeMap<char, String>,
    /// Who attested it.
    pub by: Option<String>,
    /// Why it was attested although the public API contradicted it.
    pub forced: Option<String>,
}

impl Attestation {
    /// Parses the value in the YAML; `None` if it has a different form.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, by) = match text.split_once(BY) {
            Some((rest, by)) => (rest, Some(by)),
            None => (text, None),
        };
        let (by, forced) = match by.and_then(|by| by.split_once(FORCED)) {
            Some((by, forced)) => (Some(name(by)?), Some(reason(forced)?)),
            None => (by.map(|by| name(by).ok_or(())).transpose().ok()?, None),
        };
        let mut words = rest.split(' ');
        let fingerprint = words.next().filter(|word| is_hex(word, 8))?.to_owned();
        let at = match words.next() {
            None if by.is_none() => None,
            None => return None,
            Some(word) if word.len() == 20 && word.ends_with('Z') => Some(word.parse().ok()?),
            Some(_) => return None,
        };
        let mut fields = BTreeMap::new();
        for word in words {
            let mut characters = word.chars();
            let code = characters.next().filter(char::is_ascii_lowercase)?;
            let hash = characters.as_str();
            if !is_hex(hash, 4) || fields.insert(code, hash.to_owned()).is_some() {
                return None;
            }
        }
        let complete = fields.is_empty() == at.is_none();
        complete.then_some(Self { fingerprint, at, fields, by, forced })
    }
}

/// A name for `by`: one line, without white space around it.
pub fn name(text: &str) -> Option<String> {
    plain(text, MAX_NAME).filter(|name| !name.contains(FORCED))
}

/// A reason for `forced`: one line, without white space around it.
pub fn reason(text: &str) -> Option<String> {
    plain(text, MAX_REASON)
}

fn plain(text: &str, most: usize) -> Option<String> {
    let plain = !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= most
        && !text.chars().any(char::is_control);
    plain.then(|| text.to_owned())
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for Attestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint)?;
        if let Some(at) = self.at {
            write!(f, " {at:.0}")?;
        }
        for (code, hash) in &self.fields {
            write!(f, " {code}{hash}")?;
        }
        if let Some(by) = &self.by {
            write!(f, "{BY}{by}")?;
        }
        match &self.forced {
            Some(reason) => write!(f, "{FORCED}{reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_written() {
        for text in [
            "7f3a9c21",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b",
            "7f3a9c21 2026-11-24T09:30:00Z h3c4d n1a2b by alice@example.com",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b by Alice, by request of Bob",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b by Alice <alice@example.com> forced: no access, by phone forced: x",
        ] {
            assert_eq!(Attestation::parse(text).map(|found| found.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn anything_else_is_no_attestation() {
        for text in [
            "",
            "7f3a9c2",
            "7F3A9C21",
            "7f3a9c21 ",
            "7f3a9c21 n1a2b",
            "7f3a9c21 by alice",
            "7f3a9c21 2026-11-24T09:30:00Z",
            "7f3a9c21 2026-13-24T09:30:00Z n1a2b",
            "7f3a9c21 2026-11-24T09:30:00+01:00 n1a2b",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b n3c4d",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b by ",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b by a\nb",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b by a forced: ",
            "7f3a9c21 2026-11-24T09:30:00Z n1a2b forced: why",
        ] {
            assert_eq!(Attestation::parse(text), None, "{text:?}");
        }
    }
}
