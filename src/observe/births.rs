//! Whether creations that were interrupted are the operator's own.
//!
//! The first marker of a creation is sealed before the application has an integration key, so it could be copied to
//! another application. Duo's activity log says which application the operator created, and nobody writes that.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::duo::activity::activities;
use crate::duo::call::Transport;
use crate::duo::types::Ikey;
use crate::kinds::marker::{MarkerState, Notes};
use crate::kinds::seal::Verdict;
use crate::reconcile::observation::Observation;
use crate::reconcile::observed::Observed;

/// How far the log's time and the marker's may be apart: a clock may be wrong, and a run may be slow.
const APART: SignedDuration = SignedDuration::from_hours(24);

/// Pages of the log that are read: its budget is far smaller than that of other calls.
const PAGES: usize = 10;

/// Looks for the creations of applications whose markers prove nothing yet. What the log does not show, or cannot show,
/// stays unproven.
pub async fn look_at_births(transport: &impl Transport, observation: &mut Observation, now: Timestamp) {
    let Observed::Present(integrations) = &observation.integrations else { return };
    let unbound = integrations.iter().filter(|live| observation.proofs.of(&live.ikey) == Verdict::Unbound);
    let begun = unbound.filter_map(|live| {
        let marker = Notes::parse(live.notes()).marker;
        let since = marker.as_ref().map(|marker| &marker.state).and_then(MarkerState::created_at)?;
        Some((live.ikey.clone(), since))
    });
    let begun: BTreeMap<Ikey, Timestamp> = begun.collect();
    let Some(first) = begun.values().min() else { return };
    let from = first.checked_sub(APART).unwrap_or(*first);
    let Ok(log) = activities(transport, from.as_millisecond(), now.as_millisecond(), PAGES).await else {
        return;
    };
    for activity in log.items.iter().filter(|activity| activity.action == "integration_create") {
        let (target, actor) = (Ikey::new(activity.target.as_str()), Ikey::new(activity.actor.as_str()));
        let (Some(since), Ok(at)) = (begun.get(&target), activity.when.parse::<Timestamp>()) else {
            continue;
        };
        if actor == observation.operator && at.duration_since(*since).abs() <= APART {
            observation.proofs.set(target, Verdict::Born);
        }
    }
}
