//! The marker: who owns an application, written at the end of its notes (design: "Duo is the only state").
//!
//! `[duoctl WORKSPACE/ADDRESS HASH WORD... SEAL]`, in this order, each word at most once and one space between them:
//!
//! * while a change of several calls is under way, its state: `creating:TIME`, `replaced`; of a rotation `rotating:IKEY` on
//!   the application whose key is to go, and `successor:TIME`, `delivered:TIME,TIME` or `abandoned`, each with `of:IKEY`, on
//!   the one that takes its place; `retired:TIME` or `quarantined:TIME`, with what that took away, `had:` and `could:`;
//!   and on the operator's own application `untested:PERMISSIONS;NETWORKS`, what let its key in before;
//! * `shut:TIME`, the last quarantine of what was given back and a console has to be told of;
//! * `adopted`: it was taken over by its name, and its key was never delivered with consent;
//! * `protected`: the YAML protects it, so that the protection outlives the entry in the YAML;
//! * the seal, `~` and 20 characters, which proves all of it (`kinds::seal`).
//!
//! HASH is a row of small hashes, one for each managed field, so that a later plan can tell for every field whether the
//! YAML or the account moved since it was last applied:
//!
//! * `nQ4T`: field `n`, three characters of the hash of the value that the YAML asked for and Duo held;
//! * `NQ4TA7B`: the same, and Duo keeps another form of the value, whose hash follows.

mod notes;
mod seal;
mod state;

pub use notes::{Damaged, Notes};
pub use seal::Seal;
pub use state::{AccessBefore, Before, MarkerState, Shut};

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::value::FieldValue;
use crate::duo::types::Ikey;

/// Notes and marker together stay within this many characters; Duo's own limit is unconfirmed (duo-api.md, 3.3).
pub const NOTES_LIMIT: usize = 512;

const OPEN: &str = "[duoctl ";
const WAS_SHUT: &str = "shut:";
const OF: &str = "of:";
/// The characters of hashes and seals.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The day of a time, in UTC, as people are told it.
pub(crate) fn day(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

/// Three characters that stand for a value.
pub type ShortHash = [char; 3];

/// What was last applied to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The hash of what the YAML asked for.
    pub asked: ShortHash,
    /// The hash of what Duo holds instead, where Duo keeps another form of it (duo-api.md, trap 35).
    pub kept: Option<ShortHash>,
}

/// Hashes of the managed fields by the field's one-letter code.
pub type AppliedFields = BTreeMap<char, Applied>;

/// A parsed marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The workspace that owns the application.
    pub workspace: String,
    /// The address in that workspace.
    pub address: Address,
    /// What was last applied.
    pub applied: AppliedFields,
    /// Whether a change is under way.
    pub state: MarkerState,
    /// What a quarantine took away; nothing where there is none.
    pub shut: Shut,
    /// When it was quarantined before it was given back, where a console holds its keys: what was attested until then
    /// says nothing about now.
    pub was_shut: Option<Timestamp>,
    /// Whether it was taken over by its name, or on a claim, and its key was never delivered with consent.
    pub adopted: bool,
    /// Whether the application refuses to be removed.
    pub protected: bool,
}

impl Marker {
    /// When it was last quarantined, whether or not it was given back since.
    pub fn last_shut(&self) -> Option<Timestamp> {
        match self.state {
            MarkerState::Quarantined(since) => Some(since),
            _ => self.was_shut,
        }
    }

    /// What stands between the brackets and before the seal, after the name of the tool: what a seal covers.
    pub(crate) fn body(&self) -> String {
        let marker = self.to_string();
        marker.get(OPEN.len()..marker.len() - 1).unwrap_or_default().to_owned()
    }

    /// The marker with its seal.
    pub(crate) fn sealed(&self, seal: &Seal) -> String {
        format!("{OPEN}{} {seal}]", self.body())
    }
}

/// How many characters notes and marker have together at most: room for the seal is kept, and for the word `adopted`,
/// which is added together with it.
pub fn room(notes: &str) -> Result<usize, usize> {
    let length = notes.chars().count() + Seal::LENGTH + " adopted".len();
    NOTES_LIMIT.checked_sub(length).ok_or(length.saturating_sub(NOTES_LIMIT))
}

/// How many characters of notes a marker takes at most: in the longest state that has no shorter form. `letters` are those
/// of the managed fields.
pub fn longest(workspace: &str, address: Address, letters: impl Iterator<Item = char>) -> usize {
    let (hash, time) = (['0'; 3], Timestamp::UNIX_EPOCH);
    let applied = Applied { asked: hash, kept: Some(hash) };
    let shut = Shut { access: Some(AccessBefore::Lost), permissions_lost: true, ..Shut::default() };
    let open = Marker {
        workspace: workspace.to_owned(),
        address,
        applied: letters.map(|letter| (letter, applied)).collect(),
        state: MarkerState::Owned,
        shut: Shut::default(),
        was_shut: None,
        adopted: true,
        protected: true,
    };
    let closed = Marker { applied: AppliedFields::new(), shut, ..open.clone() };
    let ikey = || Ikey::new("DIXXXXXXXXXXXXXXXXXX");
    let states = [
        MarkerState::Owned,
        MarkerState::Creating { since: time },
        MarkerState::Replaced,
        MarkerState::Quarantined(time),
        MarkerState::Rotating(ikey()),
        MarkerState::Successor { of: ikey(), since: time },
        MarkerState::Delivered { of: ikey(), since: time, at: time },
        MarkerState::Abandoned { of: ikey() },
        MarkerState::Retired(time),
        MarkerState::Untested(None),
    ];
    let length = |state: MarkerState| {
        let marker = if state.shut_since().is_some() { &closed } else { &open };
        Marker { state, ..marker.clone() }.to_string().len()
    };
    // A line break parts it from the text.
    states.into_iter().map(length).max().unwrap_or_default() + Seal::LENGTH + 1
}

impl Marker {
    /// The notes to send: the user's text, one line break unless it is empty, the marker.
    pub fn notes(&self, text: &str) -> String {
        if text.is_empty() { self.to_string() } else { format!("{text}\n{self}") }
    }
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{OPEN}{}/{} ", self.workspace, self.address)?;
        if self.applied.is_empty() {
            f.write_str("-")?;
        }
        for (code, applied) in &self.applied {
            let asked: String = applied.asked.iter().collect();
            match applied.kept {
                None => write!(f, "{code}{asked}")?,
                Some(kept) => {
                    write!(f, "{}{asked}{}", code.to_ascii_uppercase(), kept.iter().collect::<String>())?;
                }
            }
        }
        write!(f, "{}", self.state)?;
        if let Some(of) = self.state.of() {
            write!(f, " {OF}{of}")?;
        }
        write!(f, "{}", self.shut)?;
        if let Some(time) = self.was_shut {
            write!(f, " {WAS_SHUT}{time}")?;
        }
        f.write_str(if self.adopted { " adopted" } else { "" })?;
        f.write_str(if self.protected { " protected]" } else { "]" })
    }
}

/// An integration key as it stands in a marker.
fn plain_ikey(text: &str) -> Option<Ikey> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    plain.then(|| Ikey::new(text))
}

fn parse_applied(text: &str) -> Option<AppliedFields> {
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

/// The hash of a field's normalised value. Short: it tells only who moved, never what to do.
pub fn short_hash(code: char, value: &FieldValue) -> ShortHash {
    let digest = Sha256::digest(format!("{code}\0{}", value.canonical()));
    let mut characters =
        digest.iter().map(|byte| ALPHABET.get(usize::from(byte % 32)).map_or('0', |byte| char::from(*byte)));
    [(); 3].map(|()| characters.next().unwrap_or('0'))
}

#[cfg(test)]
mod tests;
