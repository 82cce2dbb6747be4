//! Consoles without an API: the handoffs, what has to be removed there, and what has been attested.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Object};

use super::super::desired::{Desired, Wanted};
use super::super::handoff::{Handoff, HandoffSpec, Lapse, Purpose};
use super::super::live::Live;
use super::super::matching::Match;
use super::super::ownership::{Ownership, ownership};
use super::super::selection::Selection;
use super::context::Context;
use super::delivery;
use crate::kinds::address::Address;
use crate::kinds::marker::Notes;
use crate::kinds::risk::Risk;
use crate::language::attestation::Attestation;

/// The handoff of every entry in the YAML, and what removed entries still have in a console. `olds` are the applications
/// whose keys are being replaced and still work.
pub(super) fn handoffs(
    desired: &Desired,
    lives: &HashMap<&Address, &Object>,
    olds: &HashMap<&Address, &Object>,
    orphans: &[Live<'_>],
) -> Vec<Handoff> {
    let declared: BTreeSet<&Address> = desired.handoffs.iter().map(|spec| &spec.address).collect();
    let forms = desired
        .handoffs
        .iter()
        .map(|spec| Handoff::new(spec, lives, olds, lapse(desired, spec, lives).as_ref()));
    let mut handoffs: Vec<Handoff> = forms.collect();
    delivery::show_places(&mut handoffs, desired);
    let orphans = orphans.iter().filter_map(|live| Some((&live.marker.as_ref()?.address, live.integration)));
    handoffs.extend(desired.takedown.handoffs(orphans, &declared));
    handoffs
}

/// The latest event that makes an older attestation void: a quarantine of one of its applications, or an attestation that a
/// removed entry was removed from the console.
fn lapse(desired: &Desired, spec: &HandoffSpec, lives: &HashMap<&Address, &Object>) -> Option<Lapse> {
    let shut = |address: &Address| Notes::parse(lives.get(address)?.notes()).marker?.last_shut();
    let shut = spec.applications().filter_map(shut).max();
    let shut = shut.map(|at| Lapse { at, what: "its key was disabled" });
    let removed = desired.takedown.attested.get(&spec.address);
    let removed = removed.and_then(|attested| Attestation::parse(&attested.value)?.at);
    let removed = removed.map(|at| Lapse { at, what: "it was attested as removed from the console" });
    shut.into_iter().chain(removed).max()
}

/// The applications whose keys must not appear in a handoff: only a name or a marker links them to their addresses, without
/// consent. A marker sealed by another key counts as unproven only in runs that carry out steps (`hold_back`).
pub(super) fn unproven<'a>(
    cx: &Context<'a>,
    found: &[(&'a Wanted, Result<Match<'a>, Box<Diagnostic>>)],
) -> BTreeMap<&'a Address, &'a Ikey> {
    let consented = |address: &Address| cx.allows(Risk::AdoptsKey, address);
    let lives =
        found.iter().filter_map(|(wanted, found)| Some((*wanted, found.as_ref().ok()?.live.as_ref()?)));
    lives
        .filter(|(wanted, live)| match ownership(wanted, cx.held(wanted), live) {
            Ownership::Proven => false,
            Ownership::Adopted => !consented(&wanted.address),
            Ownership::Claimed => cx.options.hold_back && !consented(&wanted.address),
        })
        .map(|(wanted, live)| (&wanted.address, &live.integration.id))
        .collect()
}

/// Leaves their keys out of the handoffs, and reports why.
pub(super) fn withhold(handoffs: &mut [Handoff], unproven: &BTreeMap<&Address, &Ikey>) -> Vec<Diagnostic> {
    let forms = handoffs.iter_mut().filter(|handoff| handoff.purpose == Purpose::Enter);
    let withheld: Vec<Address> = forms.flat_map(|handoff| handoff.withhold(unproven)).collect();
    let said = withheld.iter().filter_map(|address| Some((address, unproven.get(address)?)));
    said.map(|(address, ikey)| {
        let message = format!(
            "{address}: its key is left out of the handoff: only its name or its marker identifies {ikey}"
        );
        Diagnostic::warning(Code::UnverifiedState, None, message).help(format!(
            "if it is the right application, run `duoctl adopt {address} {ikey}`, or pass `--allow adopts_key:{address}`"
        ))
    })
    .collect()
}

/// Notes about attestations that no longer count.
pub(super) fn lapsed_attestations(handoffs: &[Handoff]) -> Vec<Diagnostic> {
    let lapsed = handoffs.iter().filter_map(|handoff| Some((handoff, handoff.lapsed.as_ref()?)));
    lapsed
        .map(|(handoff, why)| {
            let name = handoff.address.as_str().rsplit('.').next().unwrap_or_default();
            Diagnostic::note(
                Code::SeenInConsole,
                handoff.attested_span,
                format!("{}: {why}", handoff.address),
            )
            .help(format!("enter the values again, then run `duoctl attest {name}`"))
        })
        .collect()
}

/// The entries whose current values are attested, so their consoles no longer hold anything that is to be removed.
pub(super) fn let_go(handoffs: &[Handoff]) -> BTreeSet<Address> {
    let attested = handoffs.iter().filter(|handoff| handoff.is_attested());
    attested.map(|handoff| handoff.address.clone()).collect()
}

/// Whether a run covers a handoff: its entry, or an application of a removed entry.
pub(super) fn is_covered(handoff: &Handoff, selection: &Selection) -> bool {
    let parts = handoff.fields.iter().filter_map(|field| field.application.as_ref());
    let mut removed = parts.filter(|_| handoff.purpose == Purpose::Remove);
    selection.covers(&handoff.address) || removed.any(|part| selection.covers(part))
}

/// Attestations of removals that are no longer needed.
pub(super) fn idle_attestations(desired: &Desired, handoffs: &[Handoff]) -> Vec<Diagnostic> {
    // If an entry came back, its line determines from when an attestation counts.
    let needed = |handoff: &Handoff| handoff.purpose == Purpose::Remove || !handoff.is_attested();
    let idle =
        desired.takedown.attested.iter().filter(|(entry, _)| {
            !handoffs.iter().any(|handoff| handoff.address == **entry && needed(handoff))
        });
    idle.map(|(entry, attested)| {
        let form = handoffs.iter().find(|handoff| handoff.address == *entry);
        let message = match form {
            None => format!("{entry}: none of its applications are left in the account"),
            Some(_) => format!("{entry}: it is back in the YAML, and attested again"),
        };
        Diagnostic::note(Code::SeenInConsole, attested.span, message).help("remove its line from `removed`")
    })
    .collect()
}
