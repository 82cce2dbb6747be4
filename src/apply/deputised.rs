//! A change of the operator's own application, made by the recovery key: written, proven by the operator's
//! own calls, and taken back where they fail. Guards refuse what surely locks duoctl out; this is for what nobody
//! foresees, such as a network that Duo reads in another way.
//!
//! The write carries a marker that says that it is not proven, and what was there before. The operator itself
//! takes that word away again, which proves that it can write. A run that is killed in between leaves the word for
//! the next one.

use std::iter::once;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::duo::api::{ReadApi as _, WriteApi};
use crate::duo::call::Transport;
use crate::duo::client::Writer;
use crate::duo::types::{Ikey, Integration};
use crate::reconcile::fingerprint::snapshot;
use crate::reconcile::plan::Step;
use crate::reconcile::undo::{before, has_notes, in_words, missing, on_trial, undo};
use crate::verify::operator::Abilities;

use super::deputy::Deputy;
use super::run::{Run, Stop};

/// How many writes a roll-back takes at most: two, and as many again where nobody knows what became of one.
const ATTEMPTS: usize = 4;

/// One change while it is on trial.
struct Trial<'a> {
    ikey: &'a Ikey,
    /// The application as it was.
    was: Integration,
    /// What the operator could do then.
    could: Abilities,
    /// What was asked for.
    body: &'a Map<String, Value>,
    /// What was sent: the same, marked as not proven.
    sent: Map<String, Value>,
}

/// What stands against the operator going on.
enum Against {
    /// It lost something: what was seen.
    Lost(String),
    /// Somebody else changed the application meanwhile; what they made of it is theirs.
    Moved(String),
}

impl<W: WriteApi, T: Transport + Clone> Run<'_, W, T> {
    /// Makes an update of the operator's own application.
    pub(super) async fn by_deputy(
        &mut self,
        deputy: &Deputy<T>,
        step: &Step,
        ikey: &Ikey,
        body: &Map<String, Value>,
    ) -> Result<(), Stop> {
        let second = deputy.proven().await.map_err(Stop::Unfit)?;
        let was = self.unmoved(&second, step, ikey).await?;
        let could = Abilities::of(self.courier.operator(), Timestamp::now()).await;
        let trial =
            Trial { ikey, sent: self.sealer.over(Some(ikey), &on_trial(body, &was)), was, could, body };
        let unknown = match second.update(ikey, trial.sent.clone()).await {
            Ok(_) => None,
            Err(error) if error.outcome_unknown() => match second.integration(ikey).await {
                Ok(Some(live)) if has_notes(&live, &trial.sent) => None,
                Ok(_) => return Err(Stop::Failed(error)),
                // It may be there, so the operator is looked at all the same.
                Err(_) => Some(error),
            },
            Err(error) => return Err(Stop::Failed(error)),
        };
        match self.goes_on(&trial, &deputy.waits).await {
            Ok(live) => {
                self.seen.insert(ikey.to_string(), snapshot(&live));
                Ok(())
            }
            Err(Against::Moved(what)) => Err(unknown.map_or(Stop::Moved(what), Stop::Failed)),
            Err(Against::Lost(seen)) => Err(self.roll_back(&second, &trial, &seen, &deputy.waits).await),
        }
    }

    /// Asks the operator itself, until it has proven that it can do all that it could, and has said so in the
    /// marker. What cannot be proven counts as lost: the state before is the one that is known to work.
    async fn goes_on(&self, trial: &Trial<'_>, waits: &[Duration]) -> Result<Integration, Against> {
        let mut last = Against::Lost(String::new());
        for wait in once(Duration::ZERO).chain(waits.iter().copied()) {
            tokio::time::sleep(wait).await;
            match self.proves(trial).await {
                Ok(own) => match self.settles(trial, &own).await {
                    Ok(live) => return Ok(live),
                    Err(Against::Moved(what)) => return Err(Against::Moved(what)),
                    Err(lost) => last = lost,
                },
                Err(seen) => last = Against::Lost(seen),
            }
        }
        Err(last)
    }

    /// Live calls of the operator; returns its application as it sees it.
    async fn proves(&self, trial: &Trial<'_>) -> Result<Integration, String> {
        if let Some(error) = trial.could.lost(self.courier.operator()).await {
            return Err(error.to_string());
        }
        let own = match self.writer.integration(trial.ikey).await {
            Ok(Some(own)) => own,
            Ok(None) => return Err(format!("Duo does not show {} any more", trial.ikey)),
            Err(error) => return Err(error.to_string()),
        };
        let missing = missing(&before(&trial.was), &own);
        if missing.is_empty() {
            return Ok(own);
        }
        let names: Vec<String> = missing.into_iter().collect();
        Err(format!("Duo shows it without {}, which it held before", names.join(", ")))
    }

    /// The operator says in the marker that the change is proven, and proves with it that it can write.
    async fn settles(&self, trial: &Trial<'_>, own: &Integration) -> Result<Integration, Against> {
        if !has_notes(own, &trial.sent) {
            return Err(Against::Moved(format!(
                "{} was changed by somebody else while the recovery key changed it",
                trial.ikey
            )));
        }
        let notes = trial.body.get("notes").cloned().unwrap_or_else(|| Value::from(own.notes()));
        let settled = self.sealer.over(Some(trial.ikey), &Map::from_iter([("notes".to_owned(), notes)]));
        match self.writer.update(trial.ikey, settled.clone()).await {
            Ok(live) => Ok(live),
            Err(error) if error.outcome_unknown() => match self.writer.integration(trial.ikey).await {
                Ok(Some(live)) if has_notes(&live, &settled) => Ok(live),
                _ => Err(Against::Lost(error.to_string())),
            },
            Err(error) => Err(Against::Lost(error.to_string())),
        }
    }

    async fn roll_back(&self, second: &Writer<T>, trial: &Trial<'_>, seen: &str, waits: &[Duration]) -> Stop {
        let ikey = trial.ikey;
        let what = format!("after the change the operator could not do what it could before ({seen})");
        if let Err((left, why)) = put_back(second, trial).await {
            return Stop::NotRolledBack(format!(
                "{what}, and the recovery key could not put {ikey} back: {why}; the way back is `duoctl apply \
                 --auto-approve`, which lets the recovery key try again, or the page of {ikey} in the Duo Admin Panel, \
                 where an Owner sets {}",
                in_words(&left)
            ));
        }
        let mut still = None;
        for wait in once(Duration::ZERO).chain(waits.iter().copied()) {
            tokio::time::sleep(wait).await;
            still = self.proves(trial).await.err();
            if still.is_none() {
                break;
            }
        }
        match still {
            None => Stop::RolledBack {
                seen: format!(
                    "{what}, so the recovery key put back what was there, and the operator works again; change the \
                     YAML, or find out in Duo what becomes of such a change"
                ),
                proven: true,
            },
            Some(still) => Stop::RolledBack {
                seen: format!(
                    "{what}; the recovery key put back what was there, and still the operator cannot prove that it \
                     works ({still}); `duoctl doctor` names the causes, and with the recovery key in `tenant.credentials` \
                     duoctl goes on"
                ),
                proven: false,
            },
        }
    }
}

/// Puts the application back to what it was, and looks whether it is: the notes last, since as long as they say what
/// was there, the next run can go on with it. Where that fails: what is left to be set, and why.
async fn put_back<T: Transport>(
    second: &Writer<T>,
    trial: &Trial<'_>,
) -> Result<(), (Map<String, Value>, String)> {
    let mut left = undo(&trial.was, None, &trial.sent);
    let mut why = "Duo keeps other values than those that are sent".to_owned();
    // To send it twice does no harm, so an answer that was lost is no reason to stop.
    for attempt in 0..=ATTEMPTS {
        match second.integration(trial.ikey).await {
            Ok(Some(now)) => left = undo(&trial.was, Some(&now), &trial.sent),
            Ok(None) => return Err((left, "Duo does not show it any more".to_owned())),
            Err(error) => {
                why = error.to_string();
                continue;
            }
        }
        let mut next = left.clone();
        if left.len() > 1 {
            next.remove("notes");
        }
        if next.is_empty() {
            return Ok(());
        }
        if attempt < ATTEMPTS
            && let Err(error) = second.update(trial.ikey, next).await
        {
            why = error.to_string();
        }
    }
    Err((left, why))
}
