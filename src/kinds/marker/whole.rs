//! The written form of a marker, and the room that it takes.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::row::{Applied, AppliedFields};
use super::seal::Seal;
use super::state::{AccessBefore, MarkerState, Shut};
use crate::duo::object::Ikey;
use crate::kinds::address::Address;

pub use crate::language::texts::NOTES_LIMIT;

pub(super) const OPEN: &str = "[duoctl ";
pub(super) const WAS_SHUT: &str = "shut:";
pub(super) const OF: &str = "of:";
/// The date of a time in UTC, for messages.
pub(crate) fn day(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

/// A parsed marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The workspace that owns the application.
    pub workspace: String,
    /// The address in that workspace.
    pub address: Address,
    /// The last applied values.
    pub applied: AppliedFields,
    /// The state of a change.
    pub state: MarkerState,
    /// What a quarantine took away; empty if there is none.
    pub shut: Shut,
    /// When it was last quarantined before it was restored, if a console holds its keys. Attestations from before that time
    /// no longer count.
    pub was_shut: Option<Timestamp>,
    /// Whether it was adopted by its name or by a claim, and its key was never delivered with consent.
    pub adopted: bool,
    /// Whether the application is protected from removal.
    pub protected: bool,
}

impl Marker {
    /// When it was last quarantined, even if it was restored since.
    pub fn last_shut(&self) -> Option<Timestamp> {
        match self.state {
            MarkerState::Quarantined(since) => Some(since),
            _ => self.was_shut,
        }
    }

    /// The part that a seal covers: the text between the tool's name and the seal.
    pub(crate) fn body(&self) -> String {
        let marker = self.to_string();
        marker.get(OPEN.len()..marker.len() - 1).unwrap_or_default().to_owned()
    }

    /// The marker with its seal.
    pub(crate) fn sealed(&self, seal: &Seal) -> String {
        format!("{OPEN}{} {seal}]", self.body())
    }
}

/// The room that a text with its marker leaves, or by how much it is longer than `limit`. Reserves room for the seal and the
/// word `adopted`, which are added together.
pub fn room(notes: &str, limit: usize) -> Result<usize, usize> {
    let length = notes.chars().count() + Seal::LENGTH + " adopted".len();
    limit.checked_sub(length).ok_or(length.saturating_sub(limit))
}

/// The maximum length of a marker: in the longest state that has no shorter form. `letters` are those of the managed
/// fields.
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
        MarkerState::Renewing,
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
    // A line break separates it from the text.
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
