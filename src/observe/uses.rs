//! Whether applications that are about to be deleted are still used.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::duo::authentications::{Use, newest};
use crate::duo::call::Transport;
use crate::duo::types::Ikey;
use crate::reconcile::observed::{LastUse, Observed};

/// How many pages of the log are read for one application: its budget is far smaller than that of other calls.
const PAGES: usize = 10;

/// What the authentication log shows of each application since a time. One refusal speaks for all of them.
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
