//! When applications were last changed, according to Duo's activity log (duo-api.md, section 2.4).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::duo::activity::{Activities, Activity, activities};
use crate::duo::call::Transport;
use crate::duo::object::Ikey;
use crate::reconcile::age::LOG_REACH;

use super::age::{Change, Entered, is_later};

/// How many pages of the log are read; its rate limit is far stricter than that of other calls.
const PAGES: usize = 10;

/// The part of the log that was read; empty if it could not be read.
#[derive(Debug, Default)]
pub(super) struct History(Option<Read>);

#[derive(Debug)]
struct Read {
    from: Timestamp,
    until: Timestamp,
    now: Timestamp,
    /// The times of the changes of each application, as far as they are known.
    changes: BTreeMap<Ikey, Vec<Option<Timestamp>>>,
}

impl History {
    /// When the key of an application last changed. A change after the attestation of its current values was none of the
    /// key, because the attestation contains the end of the key: a rotation, for example, ends after the attestation.
    pub(super) fn change(&self, ikey: &Ikey, entered: Entered) -> Change {
        let Some(Read { from, until, now, changes }) = &self.0 else { return Change::Unknown };
        let attested = match entered {
            Entered::At(attested) => attested,
            Entered::Never | Entered::Before(_) => None,
        };
        let counts = |at: &Timestamp| attested.is_none_or(|attested| !is_later(*at, attested));
        // A change at an unknown time may be the newest that counts.
        let newest = attested.unwrap_or(*now);
        let all = changes.get(ikey).into_iter().flatten().map(|at| at.unwrap_or(newest));
        match all.filter(counts).max() {
            Some(at) => Change::At { at, until: *until },
            None => Change::None { from: *from, until: *until },
        }
    }

    /// Reads the log from a time on. `delay` is how long it takes until events appear in the log.
    pub(super) async fn read<T: Transport>(
        operator: &T,
        from: Timestamp,
        now: Timestamp,
        delay: Duration,
    ) -> Self {
        let earliest = now.checked_sub(LOG_REACH).unwrap_or(now);
        // Evidence is exact only to the second, so events within that second count, too.
        let from = from.checked_sub(SignedDuration::from_secs(1)).unwrap_or(from).clamp(earliest, now);
        let (begin, end) = (from.as_millisecond(), now.as_millisecond());
        let Ok(Activities { items, complete }) = activities(operator, begin, end, PAGES).await else {
            return Self::default();
        };
        let time = |activity: &Activity| activity.when.parse::<Timestamp>().ok();
        let oldest = items.iter().filter_map(time).min();
        let mut changes: BTreeMap<Ikey, Vec<Option<Timestamp>>> = BTreeMap::new();
        for activity in items.iter().filter(|activity| may_change_key(&activity.action)) {
            changes.entry(Ikey::new(activity.target.as_str())).or_default().push(time(activity));
        }
        Self(Some(Read {
            from: if complete { from } else { oldest.unwrap_or(now) },
            until: now.checked_sub(delay).unwrap_or(now),
            now,
            changes,
        }))
    }
}

/// No published list of actions contains one for a reset key, so every change counts as a reset, except viewing a key and
/// attaching a policy.
fn may_change_key(action: &str) -> bool {
    !action.ends_with("_view") && !action.starts_with("integration_policy_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::age::{Age, Values};
    use super::*;
    use crate::duo::call::{ApiCall, Success};
    use crate::duo::error::DuoError;
    use crate::secret::Secret;

    /// A log with these actions on `DIA`, each with its time.
    #[derive(Clone)]
    struct Log(Vec<(&'static str, &'static str)>);

    impl Transport for Log {
        async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
            let between = |name: &str| call.params[name].as_str().unwrap().parse::<i64>().unwrap();
            let (from, until) = (between("mintime"), between("maxtime"));
            let inside = |when: &str| {
                when.parse::<Timestamp>().is_ok_and(|at| (from..=until).contains(&at.as_millisecond()))
            };
            let items: Vec<_> = self.0.iter().filter(|(_, when)| inside(when) || *when == "soon").collect();
            let items: Vec<_> = items
                .iter()
                .map(|(action, when)| json!({"action": {"name": action}, "ts": when, "target": {"key": "DIA"}}))
                .collect();
            let response = json!({"items": items, "metadata": {"next_offset": null}});
            Ok(Success { response, metadata: serde_json::Value::Null })
        }

        fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
            self.clone()
        }

        fn host(&self) -> &'static str {
            "h"
        }
    }

    #[tokio::test]
    async fn every_action_that_may_change_a_key_counts_and_no_other() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = time("2026-11-26T15:00:00Z");
        let from = time("2026-11-26T14:00:00Z");
        let (began, until) = (time("2026-11-26T13:59:59Z"), time("2026-11-26T14:58:00Z"));
        let at = |text: &str| Change::At { at: time(text), until };
        let none = Change::None { from: began, until };
        let (early, late) = ("2026-11-26T13:59:59.5Z", "2026-11-26T14:30:00Z");
        for (log, change) in [
            (vec![], none),
            (vec![("integration_skey_view", late), ("integration_policy_assign", late)], none),
            (vec![("integration_update", late), ("integration_create", early)], at(late)),
            (vec![("integration_create", early)], at(early)),
            (vec![("integration_skey_reset", late)], at(late)),
            (vec![("integration_update", "soon"), ("integration_update", late)], at("2026-11-26T15:00:00Z")),
            (vec![("integration_update", "2026-11-26T12:00:00Z")], none),
        ] {
            let history = History::read(&Log(log.clone()), from, now, Duration::from_secs(120)).await;
            for entered in
                [Entered::Never, Entered::Before(Some(began)), Entered::At(None), Entered::At(Some(now))]
            {
                assert_eq!(history.change(&Ikey::new("DIA"), entered), change, "{log:?}");
                assert_eq!(history.change(&Ikey::new("DIB"), entered), none);
            }
        }
        assert_eq!(History::default().change(&Ikey::new("DIA"), Entered::At(None)), Change::Unknown);
    }

    /// A rotation: the key is created, the console collects with it, a person attests it, and the rotation ends.
    #[tokio::test]
    async fn what_happens_to_an_application_after_the_attestation_is_no_change_of_its_key() {
        let time = |text: &str| format!("2026-11-26T{text}Z").parse::<Timestamp>().unwrap();
        let (created, collected, attested) = ("14:40:01", time("14:40:30"), time("14:41:00"));
        let now = time("14:45:00");
        let made = ("integration_create", "2026-11-26T14:40:01Z");
        let verdict = async |more: &[(&'static str, &'static str)], entered: Entered, evidence: Timestamp| {
            let log = Log([&[made], more].concat());
            let history = History::read(&log, time("14:00:00"), now, Duration::from_secs(120)).await;
            let change = history.change(&Ikey::new("DIA"), entered);
            Values { entered: Entered::At(Some(attested)), change, rotating: None, now }.age(evidence)
        };
        let older = |at: Timestamp| Age::Older { than: "the key was last changed in Duo", at };
        let entered = Entered::At(Some(attested));
        let end = ("integration_update", "2026-11-26T14:41:16Z");
        assert_eq!(verdict(&[end], entered, collected).await, Age::Newer);
        // Evidence from before the key never counts, nor from before a change that the attestation may include.
        assert_eq!(verdict(&[end], entered, time("14:40:01")).await, older(time(created)));
        for (when, at) in
            [("2026-11-26T14:40:45Z", time("14:40:45")), ("2026-11-26T14:41:00.9Z", time("14:41:00.9"))]
        {
            assert_eq!(verdict(&[end, ("integration_update", when)], entered, collected).await, older(at));
        }
        assert_eq!(verdict(&[("integration_update", "soon")], entered, collected).await, older(attested));
        // Without a dated attestation, nothing shows that the key is still the same.
        for undated in [Entered::At(None), Entered::Before(Some(attested)), Entered::Never] {
            assert_eq!(verdict(&[end], undated, collected).await, older(time("14:41:16")));
        }
    }
}
