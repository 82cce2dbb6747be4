//! Consoles without an API: their forms, what is to be removed there, and what they have let go.

use std::collections::{BTreeSet, HashMap};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::types::Integration;

use super::super::desired::Desired;
use super::super::handoff::{Handoff, Purpose};
use super::super::matching::Live;
use super::super::selection::Selection;
use super::delivery;
use crate::kinds::address::Address;

/// Every form of the YAML, and what entries that left it have in a console. `olds` are the applications whose keys are
/// being rotated out and still work.
pub(super) fn handoffs(
    desired: &Desired,
    lives: &HashMap<&Address, &Integration>,
    olds: &HashMap<&Address, &Integration>,
    orphans: &[Live<'_>],
) -> Vec<Handoff> {
    let declared: BTreeSet<&Address> = desired.handoffs.iter().map(|spec| &spec.address).collect();
    let forms = desired.handoffs.iter().map(|spec| Handoff::new(spec, lives, olds));
    let mut handoffs: Vec<Handoff> = forms.collect();
    delivery::show_places(&mut handoffs, desired);
    let orphans = orphans.iter().filter_map(|live| Some((&live.marker.as_ref()?.address, live.integration)));
    handoffs.extend(desired.takedown.handoffs(orphans, &declared));
    handoffs
}

/// The entries whose console holds nothing of what is about to go: a person said so.
pub(super) fn let_go(handoffs: &[Handoff]) -> BTreeSet<Address> {
    let attested = handoffs.iter().filter(|handoff| handoff.is_attested());
    attested.map(|handoff| handoff.address.clone()).collect()
}

/// Whether a run covers a handoff: its entry, or an application of an entry that left the YAML.
pub(super) fn is_covered(handoff: &Handoff, selection: &Selection) -> bool {
    let parts = handoff.fields.iter().filter_map(|field| field.application.as_ref());
    let mut removed = parts.filter(|_| handoff.purpose == Purpose::Remove);
    selection.covers(&handoff.address) || removed.any(|part| selection.covers(part))
}

/// Attestations of removals after which nothing is left to remove.
pub(super) fn idle_attestations(desired: &Desired, handoffs: &[Handoff]) -> Vec<Diagnostic> {
    let idle = desired.takedown.attested.iter().filter(|(entry, _)| {
        !handoffs.iter().any(|handoff| handoff.address == **entry && handoff.purpose == Purpose::Remove)
    });
    idle.map(|(entry, attested)| {
        let message = format!("{entry}: nothing of it is left in the account");
        Diagnostic::note(Code::SeenInConsole, attested.span, message)
            .help("remove this line of `identity_intelligence_removed`")
    })
    .collect()
}
