//! Steps that depend on markers this run cannot verify, and findings about markers that duoctl did not write.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Object};
use crate::kinds::address::Address;
use crate::kinds::marker::{MarkerState, Notes};
use crate::kinds::seal::Verdict;

use super::super::matching::{Claim, Matches, type_and_name};
use super::context::Parts;
use super::options::Prune;
use super::step::{Action, Step};

/// Records in each step which unverified markers it depends on. A creation depends on a marker that names its address or is
/// on an application of its type and name: that application may be the one of the address.
pub(super) fn rest<'a>(
    steps: &mut [Step],
    claims: &BTreeMap<Ikey, Claim>,
    lives: impl Iterator<Item = &'a Object>,
) {
    if claims.is_empty() {
        return;
    }
    let (mut by_address, mut by_name) = (HashMap::<Option<Address>, Vec<&Claim>>::new(), HashMap::new());
    for live in lives {
        let Some(claim) = claims.get(&live.id) else { continue };
        let marker = Notes::parse(live.notes()).marker;
        by_address.entry(marker.map(|marker| marker.address)).or_default().push(claim);
        let name = type_and_name(live.variant(), live.name());
        by_name.entry(name).or_insert_with(Vec::new).push(claim);
    }
    for step in steps {
        let mut rests_on: BTreeMap<&Ikey, &Claim> = step
            .involves()
            .iter()
            .filter_map(|id| claims.get(&id.id))
            .map(|claim| (&claim.ikey, claim))
            .collect();
        let creates = step.action == Action::Create;
        // Whether a rotation is over or in progress also depends on the other markers of the address.
        let settles = step.changes.iter().any(|change| change.field == "state");
        let named = by_name.get(&type_and_name(&step.variant, &step.name)).filter(|_| creates);
        let marked = by_address.get(&Some(step.address.clone())).filter(|_| creates || settles);
        let candidates = named.into_iter().chain(marked).flatten();
        rests_on.extend(candidates.map(|claim| (&claim.ikey, *claim)));
        step.rests_on = rests_on.into_values().cloned().collect();
    }
}

/// Unproven markers never lead to a write, with one exception: settings are changed as for an application adopted by its
/// type and name, and the new marker records that.
pub(super) fn hold_back(parts: &mut Parts) {
    let is_plain = |claim: &Claim| claim.word == MarkerState::Owned.word();
    // An application with another name would not be adopted either.
    let renames = |step: &Step| step.changes.iter().any(|change| change.field == "name");
    let may_go = |step: &Step| {
        step.rests_on.is_empty() || step.only_sets() && !renames(step) && step.rests_on.iter().all(is_plain)
    };
    let (steps, held): (Vec<Step>, Vec<Step>) =
        std::mem::take(&mut parts.steps).into_iter().partition(may_go);
    parts.steps = steps;
    for step in held {
        parts.problems.extend(step.rests_on.iter().map(|claim| unverified(&step, claim)));
        parts.blocked.insert(step.address);
    }
    // One finding per application is enough, even if several steps depend on it.
    let mut said = Vec::new();
    parts.problems.retain(|problem| {
        let is_new = !said.contains(&problem.message);
        if problem.code == Code::UnverifiedState {
            said.push(problem.message.clone());
        }
        is_new
    });
}

fn unverified(step: &Step, claim: &Claim) -> Diagnostic {
    let Claim { ikey, verdict, .. } = claim;
    let address = &step.address;
    let lift = format!("`--allow unverified_state:{ikey}`");
    let (message, help) = match verdict {
        Verdict::Unbound => (
            format!(
                "{address}: an earlier creation did not finish, and nothing proves yet that {ikey} is the application it created"
            ),
            format!(
                "try again in a few minutes, when Duo's activity log shows the creation (permission read_log); if you know \
                 that it is right, pass {lift}, or delete {ikey} in Duo"
            ),
        ),
        Verdict::Doubted => (
            format!("{address}: {claim}"),
            format!(
                "an old marker may have been put back: check who last changed {ikey} and whether it is {address} (with the permission \
                 read_log, duoctl checks the log); if so, pass {lift}"
            ),
        ),
        _ => (
            format!("{address}: {claim}"),
            format!(
                "run duoctl with that key, or list the key in `tenant.credentials.state_keys`; if you know that the marker is \
                 right, pass {lift}"
            ),
        ),
    };
    Diagnostic::error(Code::UnverifiedState, None, message).help(help)
}

/// Markers that duoctl did not write, at addresses that are no longer in the YAML, and those that a pin replaces. Someone may
/// have written such a marker to get the application removed.
pub(super) fn worthless(matches: &Matches<'_>, prune: Prune) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for live in &matches.forged {
        let Some(marker) = &live.marker else { continue };
        let ikey = &live.integration.id;
        let message = format!(
            "{}: {ikey} has the marker of this address, but duoctl did not write it there; it is left alone",
            marker.address
        );
        let problem = match prune {
            Prune::No => Diagnostic::warning(Code::ForgedMarker, None, message),
            Prune::Quarantine | Prune::Now => Diagnostic::error(Code::ForgedMarker, None, message),
        };
        let help = format!(
            "remove `[duoctl …]` from the notes of {ikey} in Duo; if the marker is right, pass `--allow unverified_state:{ikey}`"
        );
        problems.push(problem.help(help));
    }
    for (ikey, address) in &matches.stripped {
        let message = format!(
            "{address}: the notes of {ikey} contain a marker that duoctl did not write there or cannot read"
        );
        problems.push(
            Diagnostic::warning(Code::ForgedMarker, None, message)
                .help("`integration_key` identifies the application, so duoctl writes a new marker"),
        );
    }
    problems
}
