//! Whether applications that are about to be deleted are still used.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::duo::activity::activities;
use crate::duo::authentications::{Use, newest};
use crate::duo::call::Transport;
use crate::duo::object::Ikey;
use crate::reconcile::observation::LastUse;
use crate::reconcile::observed::Observed;

/// How many pages of the log are read for one application: the rate limit for logs is far lower than for other calls.
const PAGES: usize = 10;

/// What the authentication log shows for each application since a time. Once Duo refuses a read, the others are not
/// tried.
pub async fn uses(
    transport: &impl Transport,
    wanted: &[(Ikey, Timestamp)],
    until: Timestamp,
) -> BTreeMap<Ikey, Observed<Option<LastUse>>> {
    let mut uses = BTreeMap::new();
    let mut refused: Option<String> = None;
    for (ikey, since) in wanted {
        if let Some(reason) = &refused {
            uses.insert(ikey.clone(), Observed::Unreadable(reason.clone()));
            continue;
        }
        let found = newest(transport, ikey, since.as_millisecond(), until.as_millisecond(), PAGES).await;
        let observed = match found {
            Ok(Use::None) => Observed::Present(None),
            Ok(Use::Newest(last)) => {
                Observed::Present(Some(LastUse { when: last.when, who: last.who, result: last.result }))
            }
            Ok(Use::CannotTell) => Observed::Unreadable(format!(
                "the newest {PAGES} pages of the authentication log do not reach back to its quarantine"
            )),
            Err(error) => {
                refused = Some(error.to_string());
                Observed::Unreadable(error.to_string())
            }
        };
        uses.insert(ikey.clone(), observed);
    }
    uses
}

/// When anyone other than the operator last changed each application since a time, according to the activity log.
///
/// # Errors
///
/// Why the log does not show this, or not for the whole time.
pub async fn touched(
    transport: &impl Transport,
    wanted: &[(Ikey, Timestamp)],
    operator: &Ikey,
    until: Timestamp,
) -> Result<BTreeMap<Ikey, Timestamp>, String> {
    let mut touched = BTreeMap::new();
    let Some(from) = wanted.iter().map(|(_, since)| *since).min() else { return Ok(touched) };
    let log = activities(transport, from.as_millisecond(), until.as_millisecond(), PAGES).await;
    let log = log.map_err(|error| error.to_string())?;
    if !log.complete {
        return Err(format!(
            "the newest {PAGES} pages of the activity log do not reach back to its quarantine"
        ));
    }
    for activity in log.items {
        let (target, actor) = (Ikey::new(activity.target.as_str()), Ikey::new(activity.actor.as_str()));
        let Ok(at) = activity.when.parse::<Timestamp>() else { continue };
        let since = wanted.iter().find(|(ikey, _)| *ikey == target).map(|(_, since)| *since);
        if actor != *operator && since.is_some_and(|since| at > since) {
            let last = touched.entry(target).or_insert(at);
            *last = at.max(*last);
        }
    }
    Ok(touched)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::duo::call::{ApiCall, Success};
    use crate::duo::error::DuoError;
    use crate::secret::Secret;

    /// A log of another application's logins with this many pages.
    #[derive(Clone)]
    struct Busy(usize);

    impl Transport for Busy {
        async fn send(&self, call: &ApiCall) -> Result<Success, DuoError> {
            let page = call.params.get("next_offset").and_then(Value::as_str).unwrap_or("0");
            let page: usize = page.parse().unwrap();
            let next = (page + 1 < self.0).then(|| (page + 1).to_string());
            let record = json!({"application": {"key": "DIOTHER"}, "result": "success"});
            let change = json!({"action": "integration_update", "ts": "2023-11-15T00:00:00Z",
                "actor": {"key": "DEPERSON"}, "target": {"key": "DI1"}});
            let response =
                json!({"authlogs": [record], "items": [change], "metadata": {"next_offset": next}});
            Ok(Success { response, metadata: Value::Null })
        }

        fn signed_by(&self, _: &Ikey, _: &Secret) -> Self {
            self.clone()
        }

        fn host(&self) -> &'static str {
            "api-00000000.duosecurity.com"
        }
    }

    #[tokio::test]
    async fn a_log_that_is_not_read_to_its_begin_proves_no_silence() {
        let ikey = Ikey::new("DI1");
        let since = Timestamp::from_second(1_700_000_000).unwrap();
        let until = Timestamp::from_second(1_700_086_400).unwrap();
        let seen =
            async |pages| uses(&Busy(pages), &[(ikey.clone(), since)], until).await.remove(&ikey).unwrap();
        assert_eq!(seen(PAGES).await, Observed::Present(None));
        assert!(matches!(seen(PAGES + 1).await, Observed::Unreadable(_)));
        let changed =
            async |pages| touched(&Busy(pages), &[(ikey.clone(), since)], &Ikey::new("DIOP"), until).await;
        let at: Timestamp = "2023-11-15T00:00:00Z".parse().unwrap();
        assert_eq!(changed(PAGES).await, Ok(BTreeMap::from([(ikey.clone(), at)])));
        assert!(changed(PAGES + 1).await.is_err());
    }
}
