//! The steps of one address.

use crate::diagnostic::{Code, Diagnostic, has_errors};

use super::super::desired::Wanted;
use super::super::diff;
use super::super::live::Live;
use super::super::matching::Match;
use super::ages::check_age;
use super::bindings::add_bindings;
use super::context::{Context, Parts};
use super::creation::{add_leftovers, creation, replacement};
use super::delivery::add_delivery;
use super::existing::existing;
use super::likeness::LookAlikes;
use super::step::{Step, Write};
use super::{policy, removal, renamed, rotation};
use crate::kinds::Kind;
use crate::kinds::managed::Managed;
use crate::kinds::marker::MarkerState;
use crate::kinds::risk::Risk;

/// Everything that one address adds to the plan.
pub(super) fn object(
    cx: &Context<'_>,
    look_alikes: &mut LookAlikes<'_>,
    wanted: &Wanted,
    found: Result<Match<'_>, Box<Diagnostic>>,
) -> Parts {
    if let (Kind::Policy, Ok(found)) = (wanted.kind, &found) {
        return policy::policy(cx, wanted, found);
    }
    let managed = diff::managed(wanted, &cx.references);
    let (found, managed) = match (found, managed) {
        (Ok(found), Ok(managed)) => (found, managed),
        (found, managed) => {
            let managed = managed.map_err(|mut problems| {
                if let Ok(Match { live: Some(live), .. }) = &found {
                    problems.iter_mut().for_each(|problem| renamed::advise(cx, wanted, live, problem));
                }
                problems
            });
            let unmatched = found.err().map(|problem| *problem).into_iter();
            let problems = unmatched.chain(managed.err().into_iter().flatten());
            return Parts::blocked(&wanted.address, problems.collect());
        }
    };
    let mut parts = Parts::default();
    match steps(cx, look_alikes, wanted, managed, &found, &mut parts) {
        Ok(mut steps) => {
            add_leftovers(wanted, &found, &mut steps);
            let (live, pair) = (found.live.as_ref(), found.pair.as_ref());
            let bound =
                add_bindings(cx, wanted, found.live.as_ref().map(|live| live.integration), &mut steps);
            if has_errors(&bound) {
                return Parts::blocked(&wanted.address, bound);
            }
            parts.problems.extend(bound);
            parts.problems.extend(add_delivery(cx, wanted, live, pair, &mut steps));
            tell_adopted_keys(cx, wanted, &found, &mut steps);
            parts.problems.extend(check_age(cx, wanted, live, pair, &mut steps));
            parts.steps = steps;
            parts.add(removal::retired(cx, &found.retired));
        }
        Err(problems) => parts.add(Parts::blocked(&wanted.address, problems)),
    }
    parts
}

/// Someone created an adopted application of this type and name, perhaps to have duoctl adopt it. Its key is delivered only
/// with consent.
fn tell_adopted_keys(cx: &Context<'_>, wanted: &Wanted, found: &Match<'_>, steps: &mut [Step]) {
    let by_name: Vec<_> = found.all().filter(|live| cx.is_by_name(wanted, live)).collect();
    for step in steps {
        let Some(delivery) = &step.delivery else { continue };
        let delivered = step.writes.iter().filter_map(|write| match write {
            Write::Deliver(ikey) => ikey.as_ref(),
            _ => None,
        });
        let mut delivered = delivered.chain(&delivery.previous);
        if delivered.any(|ikey| by_name.iter().any(|live| live.integration.id == *ikey)) {
            step.inherent.push((
                Risk::AdoptsKey,
                "duoctl did not create the application: it was matched by type and name, and its key goes to the store",
            ));
        }
    }
}

/// The steps of what was matched. Findings and a rotation in progress go to `parts` even without a step.
fn steps(
    cx: &Context<'_>,
    look_alikes: &mut LookAlikes<'_>,
    wanted: &Wanted,
    managed: Vec<Managed>,
    found: &Match<'_>,
    parts: &mut Parts,
) -> Result<Vec<Step>, Vec<Diagnostic>> {
    let same_type =
        |live: &Live<'_>| wanted.variant.as_deref().is_none_or(|kind| kind == live.integration.variant());
    if let Some(pair) = &found.pair {
        let rotation = rotation::under_way(cx, wanted, pair)?;
        parts.rotations.push(rotation.clone());
        let managed = diff::compared(managed, wanted);
        return rotation::steps(cx, wanted, &managed, pair, &rotation, &mut parts.problems);
    }
    match &found.live {
        Some(live) if same_type(live) => {
            let managed = diff::compared(managed, wanted);
            settled(cx, wanted, &managed, live, &mut parts.problems)
        }
        Some(live) if live.integration.variant().is_empty() => Err(vec![without_type(wanted, live)]),
        Some(live) => Ok(vec![replacement(cx, wanted, &managed, Some(live))?]),
        None if found.predecessors.is_empty() => {
            parts.problems.extend(look_alikes.look_for(cx, wanted, &managed)?);
            Ok(vec![creation(cx, wanted, &managed)?])
        }
        None => Ok(vec![replacement(cx, wanted, &managed, None)?]),
    }
}

/// An application whose key is not being rotated. A requested rotation begins only if nothing else is pending.
fn settled(
    cx: &Context<'_>,
    wanted: &Wanted,
    managed: &[Managed],
    live: &Live<'_>,
    said: &mut Vec<Diagnostic>,
) -> Result<Vec<Step>, Vec<Diagnostic>> {
    let begins = cx.options.rotation.begin.contains(&wanted.address);
    // The new rotation overwrites what an earlier one left in the marker.
    let left = live.state().filter(|state| begins && matches!(state, MarkerState::Rotating(_)));
    let becomes = left.cloned().unwrap_or(MarkerState::Owned);
    let mut steps = existing(cx, wanted, managed, live, &becomes, said)?;
    if steps.is_empty() && begins {
        steps.push(rotation::begin(cx, wanted, managed, live)?);
    }
    Ok(steps)
}

/// An application for which Duo returned no type, so it is neither the declared type nor another one.
fn without_type(wanted: &Wanted, live: &Live<'_>) -> Diagnostic {
    let message = format!("{}: Duo did not return the type of {}", wanted.address, live.integration.id);
    Diagnostic::error(Code::AccountUnreadable, wanted.span, message)
        .help("nothing is planned for this address until Duo returns the type")
}
