//! What the logs show about rotations in progress and the age of keys.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::duo::activity::{Activities, Activity, activities};
use crate::duo::call::Transport;
use crate::duo::object::{Ikey, Kind};
use crate::duo::usage::{LastUses, last_uses};
use crate::kinds::marker::MarkerState;
use crate::reconcile::age::{Creation, Creations, LOG_REACH};
use crate::reconcile::desired::Desired;
use crate::reconcile::matching::match_all;
use crate::reconcile::observation::Observation;
use crate::reconcile::observed::Observed;
use crate::reconcile::rotation::Uses;

/// How many pages of each log are read for a rotation: the rate limit for logs is far lower than for other calls.
const LOG_PAGES: usize = 10;

/// Reads when the keys of rotations were last used, if a rotation waits for that.
pub async fn look_at_uses(
    transport: &impl Transport,
    desired: &Desired,
    observation: &mut Observation,
    now: Timestamp,
) {
    let Observed::Present(integrations) = observation.objects.of(Kind::Application) else { return };
    let matches = match_all(Kind::Application, desired, integrations, &observation.held, &observation.proofs);
    let (mut keys, mut from, mut changes) = (BTreeSet::new(), None, false);
    for (wanted, found) in desired.of(Kind::Application).zip(&matches.matched) {
        let Some(pair) = found.as_ref().ok().and_then(|found| found.pair.as_ref()) else { continue };
        let Some(MarkerState::Delivered { at, .. }) = pair.successor.state() else { continue };
        if wanted.address.is_intelligence() {
            continue;
        }
        keys.extend([pair.old.integration.id.clone(), pair.successor.integration.id.clone()]);
        from = Some(from.map_or(*at, |from: Timestamp| from.min(*at)));
        changes |= pair.old.integration.variant() == "adminapi";
    }
    let Some(from) = from else { return };
    // A time in the future means that the local clock is behind.
    let until = now.max(from);
    observation.rotation_uses = match last_uses(transport, &keys, from, until, changes, LOG_PAGES).await {
        Ok(LastUses { last, succeeded, read_from }) => Observed::Present(Uses { last, succeeded, read_from }),
        Err(error) => Observed::Unreadable(error.to_string()),
    };
}

/// Reads from the activity log who created applications since a time, limited to the period that the log is trusted to
/// keep.
pub async fn look_at_creations(
    transport: &impl Transport,
    observation: &mut Observation,
    reach: SignedDuration,
    now: Timestamp,
) {
    let from = now.checked_sub(reach.min(LOG_REACH)).unwrap_or(now);
    let (start, end) = (from.as_millisecond(), now.as_millisecond());
    observation.creations = match activities(transport, start, end, LOG_PAGES).await {
        Ok(Activities { items, complete }) => {
            let time = |activity: &Activity| activity.when.parse::<Timestamp>().ok();
            let oldest = items.iter().filter_map(time).min().filter(|_| !complete);
            let created = items.iter().filter(|activity| activity.action == "integration_create");
            let by = created.filter_map(|activity| {
                let creation = Creation { at: time(activity)?, who: activity.who.clone() };
                Some((Ikey::new(activity.target.as_str()), creation))
            });
            let unread = if complete { from } else { now };
            Observed::Present(Creations { by: by.collect(), read_from: oldest.unwrap_or(unread) })
        }
        Err(error) => Observed::Unreadable(error.to_string()),
    };
}
