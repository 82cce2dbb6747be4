//! Whether a marker may be an old one that someone put back.
//!
//! A seal proves that duoctl wrote a marker for an application, but not that it is the latest one. Duo's activity log
//! shows who changed an application last, and no one can write to that log. If it was a person, or if the log does not
//! show it, the marker of an application to be removed may belong to an address that the application had before. Admin
//! API keys that may edit notes may remove applications anyway.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::duo::activity::{Activity, activities_until};
use crate::duo::call::Transport;
use crate::duo::object::Ikey;
use crate::duo::types::is_integration_key;
use crate::kinds::seal::Verdict;
use crate::reconcile::observation::Observation;

/// How far back Duo's logs reach.
const REACH: SignedDuration = SignedDuration::from_hours(24 * 180);

/// How many pages of the log are read: the rate limit for logs is far lower than for other calls.
const PAGES: usize = 10;

/// What follows if the log does not show who changed an application last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Its marker is doubted, unless the whole log was read: nothing may be removed because of it.
    Doubts,
    /// Nothing.
    SaysNothing,
}

/// Doubts the markers of applications that a person changed after the last change by an API key.
pub async fn look_for_replays(
    transport: &impl Transport,
    observation: &mut Observation,
    wanted: &[Ikey],
    now: Timestamp,
    silence: Silence,
) {
    let from = now.checked_sub(REACH).unwrap_or(Timestamp::UNIX_EPOCH);
    let last = |items: &[Activity]| -> BTreeMap<Ikey, bool> {
        let mut last = BTreeMap::new();
        for activity in items.iter().filter(|activity| !activity.action.ends_with("_view")) {
            let by_key = is_integration_key(&activity.actor);
            last.entry(Ikey::new(activity.target.as_str())).or_insert(by_key);
        }
        last
    };
    let enough = |items: &[Activity]| {
        let last = last(items);
        wanted.iter().all(|ikey| last.contains_key(ikey))
    };
    let (from, until) = (from.as_millisecond(), now.as_millisecond());
    let log = activities_until(transport, from, until, PAGES, enough).await.unwrap_or_default();
    let last = last(&log.items);
    for ikey in wanted {
        let is_current = last.get(ikey).copied().unwrap_or(log.complete || silence == Silence::SaysNothing);
        if !is_current && observation.proofs.of(ikey) == Verdict::Valid {
            observation.proofs.set(ikey.clone(), Verdict::Doubted);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::duo::call::{ApiCall, Success};
    use crate::duo::error::DuoError;
    use crate::reconcile::observation::Proofs;
    use crate::secret::Secret;

    /// An activity log, newest first, and whether it never ends; `None` refuses.
    #[derive(Clone)]
    struct Log(Option<Vec<Value>>, bool);

    impl Transport for Log {
        async fn send(&self, _: &ApiCall) -> Result<Success, DuoError> {
            let Some(items) = &self.0 else {
                return Err(DuoError::Incomplete { path: String::new(), reason: String::new() });
            };
            let next = self.1.then_some("more");
            let response = json!({"items": items, "metadata": {"next_offset": next}});
            Ok(Success { response, metadata: Value::Null })
        }

        fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
            self.clone()
        }

        fn host(&self) -> &'static str {
            "api-00000000.duosecurity.com"
        }
    }

    const KEY: &str = "DIOPERATOROPERATOR00";
    const PERSON: &str = "DEPERSONPERSONPERSON";

    fn entry(actor: &str, action: &str, target: &str) -> Value {
        json!({"action": action, "actor": {"key": actor, "name": actor}, "ts": "2026-11-26T15:00:02Z",
            "target": {"key": target, "type": "integration"}})
    }

    #[tokio::test]
    async fn a_marker_counts_only_where_no_person_changed_the_application_last() {
        let by = |actor| entry(actor, "integration_update", "DI1");
        let other = || entry(PERSON, "integration_update", "DI2");
        let seen = || entry(PERSON, "integration_skey_view", "DI1");
        for (log, doubted) in [
            (Log(Some(vec![other(), by(KEY), by(PERSON)]), false), false),
            (Log(Some(vec![by(KEY), by(PERSON)]), true), false),
            (Log(Some(vec![seen(), by(KEY)]), false), false),
            (Log(Some(vec![]), false), false),
            (Log(Some(vec![by(PERSON), by(KEY)]), false), true),
            (Log(Some(vec![by(""), by(KEY)]), false), true),
            (Log(Some(vec![other()]), true), true),
            (Log(None, false), true),
        ] {
            let now: Timestamp = "2026-11-27T16:00:00Z".parse().unwrap();
            for (verdict, after) in [(Verdict::Valid, Verdict::Doubted), (Verdict::Trusted, Verdict::Trusted)]
            {
                let mut observation = Observation {
                    proofs: Proofs::all(verdict),
                    ..Observation::new("api-00000000.duosecurity.com", Ikey::new(KEY), now)
                };
                let unsure = observation.clone();
                look_for_replays(&log, &mut observation, &[Ikey::new("DI1")], now, Silence::Doubts).await;
                let wanted = if doubted { after } else { verdict };
                assert_eq!(observation.proofs.of(&Ikey::new("DI1")), wanted, "{:?}", log.0);
                // If the log does not mention the application, nothing is doubted.
                observation = unsure;
                look_for_replays(&log, &mut observation, &[Ikey::new("DI1")], now, Silence::SaysNothing)
                    .await;
                let told = log
                    .0
                    .as_ref()
                    .is_some_and(|items| items.iter().any(|item| item["target"]["key"] == "DI1"));
                let wanted = if doubted && told { after } else { verdict };
                assert_eq!(observation.proofs.of(&Ikey::new("DI1")), wanted, "{:?}", log.0);
            }
        }
    }
}
