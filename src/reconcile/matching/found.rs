//! The result of matching an address, and the errors if it is ambiguous.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::Kind;

use super::super::desired::Wanted;
use super::super::elsewhere::Owned;
use super::super::live::Live;
use super::super::pairing::Pair;
use crate::names::bare_key;

/// The result of matching an address.
#[derive(Debug)]
pub struct Match<'a> {
    /// The live application; `None` if it has to be created. During a rotation, the one whose keys the store should
    /// hold.
    pub live: Option<Live<'a>>,
    /// Applications of this address that a replacement left to be deleted, sorted by key.
    pub predecessors: Vec<Live<'a>>,
    /// The two applications of a rotation in progress.
    pub pair: Option<Pair<'a>>,
    /// Applications of this address that rotations retired, sorted by key.
    pub retired: Vec<Live<'a>>,
}

impl<'a> Match<'a> {
    pub(super) fn of(live: Option<Live<'a>>, predecessors: Vec<Live<'a>>) -> Self {
        Self { live, predecessors, pair: None, retired: Vec::new() }
    }

    /// Every application that belongs to the address.
    pub fn all(&self) -> impl Iterator<Item = &Live<'a>> {
        let pair = self.pair.iter();
        let pair = pair.flat_map(|pair| [&pair.old, &pair.successor].into_iter().chain(&pair.surplus));
        self.live.iter().chain(&self.predecessors).chain(pair).chain(&self.retired)
    }
}

/// A type and a normalised name.
pub(crate) type TypeAndName = (String, String);

/// Two applications with the same type and name can only be told apart by a pin.
pub(crate) fn type_and_name(kind: &str, name: &str) -> TypeAndName {
    (kind.to_owned(), bare_key(name))
}

pub(super) fn wanted_type_and_name(wanted: &Wanted) -> Option<TypeAndName> {
    let variant = match wanted.kind {
        Kind::Application => wanted.variant.as_deref()?,
        Kind::Group | Kind::Policy => "",
    };
    Some(type_and_name(variant, &wanted.name.as_ref()?.value))
}

/// The predecessor of an interrupted replacement that was then aborted: it has the declared type again, and no
/// successor of that type exists.
pub(super) fn aborted<'a>(wanted: &Wanted, predecessors: &[Live<'a>], marked: &[Live<'a>]) -> Vec<Live<'a>> {
    let of_type = |live: &&Live<'a>| wanted.variant.as_deref() == Some(live.integration.variant());
    if marked.len() > 1 || marked.iter().any(|live| of_type(&live)) {
        return Vec::new();
    }
    predecessors.iter().filter(of_type).cloned().collect()
}

pub(super) fn others<'a>(lives: Vec<Live<'a>>, except: &Live<'_>) -> Vec<Live<'a>> {
    lives.into_iter().filter(|live| live.integration.id != except.integration.id).collect()
}

pub(super) fn problem(code: Code, wanted: &Wanted, message: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, wanted.span, format!("{}: {message}", wanted.address)).help(help))
}

pub(super) fn ikeys(lives: &[Live<'_>], separator: &str) -> String {
    let ikeys: BTreeSet<&str> = lives.iter().map(|live| live.integration.id.as_str()).collect();
    ikeys.into_iter().collect::<Vec<_>>().join(separator)
}

pub(super) fn duplicate(wanted: &Wanted, several: &[Live<'_>]) -> Box<Diagnostic> {
    let (section, text) = (wanted.kind.section(), wanted.kind.endpoint().text);
    let message = format!("{} live {section} carry its marker: {}", several.len(), ikeys(several, ", "));
    let help =
        format!("remove the marker, `[duoctl …]`, from the {text} of the copies in the Duo Admin Panel");
    problem(Code::DuplicateMarker, wanted, message, &help)
}

pub(super) fn owned<'l>(live: &'l Live<'_>) -> Option<Owned<'l>> {
    Some(Owned { ikey: &live.integration.id, marker: live.marker.as_ref()? })
}
