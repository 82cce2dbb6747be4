//! Finds out whether an interrupted creation was made by the operator.
//!
//! The first marker of a creation is sealed before the application has an integration key, so it could be copied to
//! another application. Duo's activity log shows which application the operator created, and no one can write to that
//! log. Putting the marker on another application that the operator created changes that application, and every finished
//! creation is followed by a change; so the log must show the creation and nothing after it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::duo::activity::{Activity, activities};
use crate::duo::call::Transport;
use crate::duo::object::{Id, Ikey, Kind, ObjectId};
use crate::kinds::marker::{MarkerState, Notes};
use crate::kinds::seal::Verdict;
use crate::reconcile::observation::Observation;

/// The maximum difference between the log's time and the marker's: clocks differ, and a run may be slow.
const APART: SignedDuration = SignedDuration::from_hours(24);

/// How many pages of the log are read: the rate limit for logs is far lower than for other calls.
const PAGES: usize = 10;

/// Looks up the creation of each application whose marker proves nothing yet. Anything that the log does not show stays
/// unproven.
pub async fn look_at_births(transport: &impl Transport, observation: &mut Observation, now: Timestamp) {
    let lives = Kind::ALL.into_iter().flat_map(|kind| observation.objects.present(kind));
    let unbound = lives.filter(|live| observation.proofs.of(&live.id) == Verdict::Unbound);
    let begun = unbound.filter_map(|live| {
        let marker = Notes::parse(live.notes()).marker;
        let since = marker.as_ref().map(|marker| &marker.state).and_then(MarkerState::created_at)?;
        Some((live.object_id(), since))
    });
    let begun: BTreeMap<ObjectId, Timestamp> = begun.collect();
    let Some(first) = begun.values().min() else { return };
    let from = first.checked_sub(APART).unwrap_or(*first);
    let Ok(log) = activities(transport, from.as_millisecond(), now.as_millisecond(), PAGES).await else {
        return;
    };
    if !log.complete {
        return;
    }
    let mut told: BTreeMap<Id, Vec<&Activity>> = BTreeMap::new();
    for activity in &log.items {
        told.entry(Id::new(activity.target.as_str())).or_default().push(activity);
    }
    for (id, since) in begun {
        let Some([only]) = told.get(&id.id).map(Vec::as_slice) else { continue };
        let at = only.when.parse::<Timestamp>();
        let is_near = at.is_ok_and(|at| at.duration_since(since).abs() <= APART);
        let by_operator = Ikey::new(only.actor.as_str()) == observation.operator;
        if only.action == created(id.kind) && by_operator && is_near {
            observation.proofs.set(id.id, Verdict::Born);
        }
    }
}

/// The action of a creation in the log. Only that of applications is confirmed; another word leaves a marker unproven.
fn created(kind: Kind) -> &'static str {
    match kind {
        Kind::Application => "integration_create",
        Kind::Group => "group_create",
        Kind::Policy => "policy_create",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::duo::call::{ApiCall, Success};
    use crate::duo::error::DuoError;
    use crate::duo::object::Object;
    use crate::reconcile::observation::Proofs;
    use crate::reconcile::observed::Observed;
    use crate::secret::Secret;

    /// An activity log, newest first, and whether it never ends.
    #[derive(Clone)]
    struct Log(Vec<Value>, bool);

    impl Transport for Log {
        async fn send(&self, _: &ApiCall) -> Result<Success, DuoError> {
            let next = self.1.then_some("more");
            let response = json!({"items": self.0, "metadata": {"next_offset": next}});
            Ok(Success { response, metadata: Value::Null })
        }

        fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
            self.clone()
        }

        fn host(&self) -> &'static str {
            "api-00000000.duosecurity.com"
        }
    }

    fn entry(action: &str, actor: &str, target: &str, at: &str) -> Value {
        json!({"action": action, "actor": {"key": actor, "name": actor}, "ts": at,
            "target": {"key": target, "type": "integration"}})
    }

    #[tokio::test]
    async fn only_what_the_operator_created_and_nobody_touched_since_is_born() {
        let create = || entry("integration_create", "DIOP", "DI1", "2026-11-26T15:00:02Z");
        let other = || entry("integration_update", "DIOP", "DI2", "2026-11-26T15:00:03Z");
        let late = || entry("integration_create", "DIOP", "DI1", "2026-11-27T15:00:01Z");
        for (log, born) in [
            (Log(vec![other(), create()], false), true),
            (Log(vec![], false), false),
            (Log(vec![other()], false), false),
            (Log(vec![entry("integration_create", "DEADMIN", "DI1", "2026-11-26T15:00:02Z")], false), false),
            (
                Log(
                    vec![entry("integration_update", "DIOP", "DI1", "2026-11-26T15:00:04Z"), create()],
                    false,
                ),
                false,
            ),
            (
                Log(
                    vec![entry("integration_update", "DEADMIN", "DI1", "2026-11-26T16:00:04Z"), create()],
                    false,
                ),
                false,
            ),
            (
                Log(
                    vec![entry("integration_skey_view", "DEADMIN", "DI1", "2026-11-26T16:00:04Z"), create()],
                    false,
                ),
                false,
            ),
            (Log(vec![late()], false), false),
            (Log(vec![create()], true), false),
        ] {
            let notes = "[duoctl acme/applications.vpn - creating:2026-11-26T15:00:00Z]";
            let live = json!({"integration_key": "DI1", "type": "radius", "notes": notes});
            let now: Timestamp = "2026-11-27T16:00:00Z".parse().unwrap();
            let mut observation = Observation {
                objects: crate::reconcile::observed::Objects::from([(
                    Kind::Application,
                    Observed::Present(vec![Object::decode(Kind::Application, live).unwrap()]),
                )]),
                proofs: Proofs::all(Verdict::Unbound),
                ..Observation::new("api-00000000.duosecurity.com", Ikey::new("DIOP"), now)
            };
            look_at_births(&log, &mut observation, now).await;
            let found = observation.proofs.of(&Ikey::new("DI1")) == Verdict::Born;
            assert_eq!(found, born, "{:?}", log.0);
        }
    }
}
