//! A live application that could be a declared one but carries the marker of another address or workspace: what most
//! likely happened, and the step that resolves it.

use std::collections::{BTreeSet, HashSet};

use super::desired::Wanted;
use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::kinds::marker::{Marker, MarkerState};

/// An application with a marker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned<'a> {
    pub(super) ikey: &'a Ikey,
    pub(super) marker: &'a Marker,
}

/// The workspace of the plan.
pub(super) struct Own<'a> {
    pub(super) workspace: &'a str,
    pub(super) formerly: Option<&'a str>,
    pub(super) declared: &'a HashSet<&'a Address>,
    /// The live applications that carry the marker of an address of this workspace.
    pub(super) at: &'a dyn Fn(&Address) -> Vec<Owned<'a>>,
}

/// Whether applications with the marker of one address belong to a rotation.
pub(super) fn is_rotating(lives: &[Owned<'_>]) -> bool {
    lives.iter().filter(|live| is_in_use(live.marker)).count() > 1
        && lives.iter().any(|live| live.marker.state.is_successor())
}

/// Whether an application is that of its address, or a candidate for it: not replaced or retired.
fn is_in_use(marker: &Marker) -> bool {
    !matches!(marker.state, MarkerState::Replaced | MarkerState::Retired(_))
}

/// The error for an address whose application belongs to something else, with the step that resolves it.
pub(super) fn problem(wanted: &Wanted, owned: &[Owned<'_>], own: &Own<'_>) -> Box<Diagnostic> {
    let belongs = |owned: &Owned<'_>| {
        format!("{} belongs to {}/{}", owned.ikey, owned.marker.workspace, owned.marker.address)
    };
    let message =
        owned.iter().map(belongs).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
    let message = format!("{}: {message}", wanted.address);
    Box::new(Diagnostic::error(Code::OwnedElsewhere, wanted.span, message).help(way_on(wanted, owned, own)))
}

fn way_on(wanted: &Wanted, owned: &[Owned<'_>], own: &Own<'_>) -> String {
    let (address, noun) = (&wanted.address, wanted.kind.noun());
    let in_use: Vec<Owned<'_>> = owned.iter().copied().filter(|owned| is_in_use(owned.marker)).collect();
    let candidates = if in_use.is_empty() { owned } else { in_use.as_slice() };
    let Some(first) = candidates.first().copied() else { return String::new() };
    let old = &first.marker.address;
    let theirs = |owned: &&Owned<'_>| {
        let workspace = owned.marker.workspace.as_str();
        workspace != own.workspace && Some(workspace) != own.formerly
    };
    if let Some(other) = candidates.iter().find(theirs) {
        return other_workspace(address, noun, other.marker, own.workspace);
    }
    if let Some(sibling) = candidates.iter().find(|owned| own.declared.contains(&owned.marker.address)) {
        let sibling = &sibling.marker.address;
        let pin = wanted.kind.endpoint().pin;
        return format!("the YAML also declares `{sibling}`: remove `{pin}` here, or remove that entry");
    }
    if is_rotating(&(own.at)(old)) {
        return format!(
            "its key is being rotated: change it back to `{old}` until the rotation ends (`duoctl keys status {old}`), then rename it"
        );
    }
    if candidates.iter().any(|owned| owned.marker.address != *old) {
        let ikeys: BTreeSet<&str> = candidates.iter().map(|owned| owned.ikey.as_str()).collect();
        let ikeys = ikeys.into_iter().collect::<Vec<_>>().join(" or ");
        return format!(
            "choose one with `duoctl adopt {address} {}`: {ikeys}; for another {noun}, choose another name",
            wanted.kind.endpoint().key
        );
    }
    renamed(address, noun, first, own)
}

/// An entry of the YAML was renamed: all of its applications move with one command.
fn renamed(address: &Address, noun: &str, live: Owned<'_>, own: &Own<'_>) -> String {
    let old = &live.marker.address;
    let (was, is, pairs) = match (old.composite(), address.composite()) {
        (Some((was, _)), Some((is, _))) => {
            let parts = own.declared.iter().filter_map(|declared| {
                let (_, part) = declared.composite().filter(|(entry, _)| *entry == is)?;
                let lives = (own.at)(&was.part(part));
                let mut in_use = lives.into_iter().filter(|live| is_in_use(live.marker));
                let only = in_use.next().filter(|_| in_use.next().is_none())?;
                Some((*declared, only.ikey))
            });
            let mut pairs: Vec<_> = parts.collect();
            pairs.sort_unstable();
            (was, is, pairs)
        }
        _ => (old.clone(), address.clone(), vec![(address, live.ikey)]),
    };
    let pairs: Vec<String> = pairs.into_iter().map(|(address, ikey)| format!("{address} {ikey}")).collect();
    format!(
        "if `{was}` was renamed to `{is}`, run `duoctl adopt {}`; for another {noun}, choose another name",
        pairs.join(" ")
    )
}

/// The whole workspace was renamed, or the application belongs to another workspace.
fn other_workspace(address: &Address, noun: &str, marker: &Marker, workspace: &str) -> String {
    let (other, theirs) = (&marker.workspace, &marker.address);
    let release = format!(
        "release it in `{other}` first: remove the entry there, add `removed: {{{theirs}: retain}}`, and apply"
    );
    if theirs == address {
        format!(
            "if the workspace `{other}` was renamed to `{workspace}`, run `duoctl adopt --formerly {other}`; if not, {release}"
        )
    } else {
        format!("to move it here, {release}; for another {noun}, choose another name")
    }
}
