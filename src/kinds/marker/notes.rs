//! Splits notes into the user's text and the marker at the end.
//!
//! A marker has exactly one spelling: the parser prints what it read and compares the characters. Anything else that
//! looks like a marker is [`Damaged`]: its content does not count, and the addresses that it names are blocked.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::row::{parse_applied, plain_ikey};
use super::seal::Seal;
use super::state::{MarkerState, Shut};
use super::whole::{Marker, OF, OPEN, WAS_SHUT};
use crate::kinds::address::Address;

/// Notes as read from Duo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes<'a> {
    /// The user's text, byte for byte; without the remains of a damaged marker.
    pub text: Cow<'a, str>,
    /// The marker.
    pub marker: Option<Marker>,
    /// The marker's seal, if it has one.
    pub seal: Option<Seal>,
    /// The remains of a marker that cannot be read.
    pub damaged: Option<Damaged>,
}

/// Something that looks like a marker, several markers, or a marker that is not at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Workspace and address, as far as they can be read.
    pub names: BTreeSet<(String, Address)>,
}

impl<'a> Notes<'a> {
    /// Splits notes.
    pub fn parse(notes: &'a str) -> Self {
        let places: Vec<usize> = fragments(notes).collect();
        let Some(first) = places.first().copied() else { return Self::plain(notes) };
        let whole = (places.len() == 1).then(|| notes.get(first..)).flatten().map(str::trim_end);
        if let Some((marker, seal)) = whole.and_then(read) {
            let text = notes.get(..first).unwrap_or_default();
            let text = Cow::Borrowed(text.strip_suffix('\n').unwrap_or(text));
            return Self { text, marker: Some(marker), seal, damaged: None };
        }
        let names = places.iter().filter_map(|place| name(notes.get(*place..)?)).collect();
        let text = Cow::Owned(without_fragments(notes));
        Self { text, marker: None, seal: None, damaged: Some(Damaged { names }) }
    }

    /// Notes without a marker or anything that looks like one.
    pub(crate) fn plain(notes: &'a str) -> Self {
        Self { text: Cow::Borrowed(notes), marker: None, seal: None, damaged: None }
    }
}

/// The offsets where a marker, or an edited one, begins.
fn fragments(notes: &str) -> impl Iterator<Item = usize> {
    let begins = |(place, _): &(usize, char)| {
        let at = notes.as_bytes().get(*place..*place + OPEN.len());
        at.is_some_and(|at| at.eq_ignore_ascii_case(OPEN.as_bytes()))
    };
    notes.char_indices().filter(begins).map(|(place, _)| place)
}

/// One marker, from its bracket to its bracket.
fn read(text: &str) -> Option<(Marker, Option<Seal>)> {
    let body = text.strip_prefix(OPEN)?.strip_suffix(']')?;
    let (body, seal) = match body.rsplit_once(" ~") {
        Some((body, seal)) => (body, Some(Seal::parse(seal)?)),
        None => (body, None),
    };
    let mut words = body.split(' ');
    let (workspace, address) = named(words.next()?)?;
    let applied = parse_applied(words.next()?)?;
    let words: Vec<&str> = words.collect();
    let of = words.iter().find_map(|word| word.strip_prefix(OF)).map(plain_ikey);
    let of = if let Some(named) = of { Some(named?) } else { None };
    let mut marker = Marker {
        workspace,
        address,
        applied,
        state: MarkerState::Owned,
        shut: Shut::default(),
        was_shut: None,
        adopted: false,
        protected: false,
    };
    for word in words.into_iter().filter(|word| !word.starts_with(OF)) {
        match (word, MarkerState::parse(word, of.as_ref())) {
            ("protected", _) => marker.protected = true,
            ("adopted", _) => marker.adopted = true,
            (word, _) if word.starts_with(WAS_SHUT) => {
                marker.was_shut = Some(word.strip_prefix(WAS_SHUT)?.parse().ok()?);
            }
            (_, Some(parsed)) => marker.state = parsed,
            (word, None) => marker.shut.read(word)?,
        }
    }
    let shut = marker.shut != Shut::default();
    if marker.state.of() != of.as_ref() || shut && marker.state.shut_since().is_none() {
        return None;
    }
    // One order, each word once, lists sorted: printing the marker must give the same text.
    (marker.body() == body).then_some((marker, seal))
}

/// The workspace and the address that a fragment names, if more text follows them.
fn name(fragment: &str) -> Option<(String, Address)> {
    let body = fragment.get(OPEN.len()..)?;
    let end = body.find([' ', ']'])?;
    named(body.get(..end)?)
}

fn named(word: &str) -> Option<(String, Address)> {
    let (workspace, address) = word.split_once('/')?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let well_formed = |part: &str| !part.is_empty() && part.chars().all(allowed);
    (well_formed(workspace) && well_formed(address)).then(|| (workspace.to_owned(), Address::new(address)))
}

/// The text without anything that looks like a marker. Each fragment ends at its bracket or at the end of its line.
fn without_fragments(notes: &str) -> String {
    let mut text = String::with_capacity(notes.len());
    let mut rest = notes;
    while let Some(place) = fragments(rest).next() {
        let (before, fragment) = rest.split_at(place);
        text.push_str(before.strip_suffix('\n').unwrap_or(before));
        let line = fragment.find('\n').unwrap_or(fragment.len());
        let end = fragment.find(']').map_or(line, |bracket| (bracket + 1).min(line));
        rest = fragment.get(end..).unwrap_or_default();
    }
    text.push_str(rest);
    if text.trim().is_empty() { String::new() } else { text }
}
