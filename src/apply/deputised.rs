//! A change of the operator's own application, made with the recovery key: written, proven by the operator's own calls,
//! and rolled back if they fail. Guards refuse changes that certainly lock duoctl out; this is for unforeseen cases, such
//! as a network that Duo interprets in another way.
//!
//! The write includes a marker that says that the change is not proven, and what was there before. The operator itself
//! clears that state, which proves that it can write. If a run is killed in between, the next one finds the state.

use std::iter::once;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::duo::api::{ReadApi as _, WriteApi};
use crate::duo::call::Transport;
use crate::duo::client::Writer;
use crate::duo::object::{Ikey, Object, ObjectId};
use crate::kinds::Kind;
use crate::reconcile::fingerprint::snapshot;
use crate::reconcile::plan::Step;
use crate::reconcile::undo::{before, has_notes, in_words, missing, on_trial, undo};
use crate::verify::operator::Abilities;

use super::deputy::Deputy;
use super::run::{Run, Stop};

/// The maximum number of writes in a rollback: two, and two more if the outcome of one is unknown.
const ATTEMPTS: usize = 4;

/// One change that is not proven yet.
struct Trial<'a> {
    ikey: &'a Ikey,
    /// The application before the change.
    was: Object,
    /// What the operator could do before.
    could: Abilities,
    /// What was requested.
    body: &'a Map<String, Value>,
    /// What was sent: the same, marked as not proven.
    sent: Map<String, Value>,
}

/// Why the operator cannot continue.
enum Against {
    /// It lost something: what was seen.
    Lost(String),
    /// Someone else changed the application in the meantime; their change is kept.
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
        let was = self.unmoved(&second, step, &ObjectId::application(ikey)).await?;
        let could = Abilities::of(self.courier.operator(), Timestamp::now()).await;
        let trial = Trial {
            ikey,
            sent: self.sealer.over(Kind::Application, Some(ikey), &on_trial(body, &was)),
            was,
            could,
            body,
        };
        let unknown = match second.update(&ObjectId::application(ikey), trial.sent.clone()).await {
            Ok(_) => None,
            Err(error) if error.outcome_unknown() => match second.get(&ObjectId::application(ikey)).await {
                Ok(Some(live)) if has_notes(&live, &trial.sent) => None,
                Ok(_) => return Err(Stop::Failed(error)),
                // The change may have been made, so the operator is checked anyway.
                Err(_) => Some(error),
            },
            Err(error) => return Err(Stop::Failed(error)),
        };
        match self.goes_on(&trial, &deputy.waits).await {
            Ok(live) => {
                self.seen.insert(live.object_id(), snapshot(&live));
                Ok(())
            }
            Err(Against::Moved(what)) => Err(unknown.map_or(Stop::Moved(what), Stop::Failed)),
            Err(Against::Lost(seen)) => Err(self.roll_back(&second, &trial, &seen, &deputy.waits).await),
        }
    }

    /// Checks the operator until it has proven that it can still do everything, and has recorded this in the marker. What
    /// cannot be proven counts as lost, because only the state before is known to work.
    async fn goes_on(&self, trial: &Trial<'_>, waits: &[Duration]) -> Result<Object, Against> {
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

    /// Makes live calls with the operator; returns its application as it sees it.
    async fn proves(&self, trial: &Trial<'_>) -> Result<Object, String> {
        if let Some(error) = trial.could.lost(self.courier.operator()).await {
            return Err(error.to_string());
        }
        let own = match self.writer.get(&ObjectId::application(trial.ikey)).await {
            Ok(Some(own)) => own,
            Ok(None) => return Err(format!("Duo no longer shows {}", trial.ikey)),
            Err(error) => return Err(error.to_string()),
        };
        let missing = missing(&before(&trial.was), &own);
        if missing.is_empty() {
            return Ok(own);
        }
        let names: Vec<String> = missing.into_iter().collect();
        Err(format!("Duo shows it without {}, which it held before", names.join(", ")))
    }

    /// The operator records in the marker that the change is proven, which proves that it can write.
    async fn settles(&self, trial: &Trial<'_>, own: &Object) -> Result<Object, Against> {
        if !has_notes(own, &trial.sent) {
            return Err(Against::Moved(format!(
                "{} was changed by someone else while the recovery key changed it",
                trial.ikey
            )));
        }
        let notes = trial.body.get("notes").cloned().unwrap_or_else(|| Value::from(own.notes()));
        let settled = self.sealer.over(
            Kind::Application,
            Some(trial.ikey),
            &Map::from_iter([("notes".to_owned(), notes)]),
        );
        match self.writer.update(&ObjectId::application(trial.ikey), settled.clone()).await {
            Ok(live) => Ok(live),
            Err(error) if error.outcome_unknown() => {
                match self.writer.get(&ObjectId::application(trial.ikey)).await {
                    Ok(Some(live)) if has_notes(&live, &settled) => Ok(live),
                    _ => Err(Against::Lost(error.to_string())),
                }
            }
            Err(error) => Err(Against::Lost(error.to_string())),
        }
    }

    async fn roll_back(&self, second: &Writer<T>, trial: &Trial<'_>, seen: &str, waits: &[Duration]) -> Stop {
        let ikey = trial.ikey;
        let what = format!("after the change, the operator lost abilities that it had before ({seen})");
        if let Err((left, why)) = put_back(second, trial).await {
            return Stop::NotRolledBack(format!(
                "{what}, and the recovery key could not roll {ikey} back: {why}; run `duoctl apply --auto-approve` to let \
                 the recovery key try again, or ask an Owner to open the page of {ikey} in the Duo Admin Panel and set {}",
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
                    "{what}, so the recovery key rolled the change back, and the operator works again; change the YAML, \
                     or find out in Duo what the change does"
                ),
                proven: true,
            },
            Some(still) => Stop::RolledBack {
                seen: format!(
                    "{what}; the recovery key rolled the change back, but the operator still cannot prove that it works \
                     ({still}); `duoctl doctor` shows the causes; to continue, use the recovery key in \
                     `tenant.credentials`"
                ),
                proven: false,
            },
        }
    }
}

/// Restores the application and checks the result. The notes are restored last: while they record the previous state, the
/// next run can continue. On failure, returns what remains to be set, and why.
async fn put_back<T: Transport>(
    second: &Writer<T>,
    trial: &Trial<'_>,
) -> Result<(), (Map<String, Value>, String)> {
    let mut left = undo(&trial.was, None, &trial.sent);
    let mut why = "Duo stores other values than were sent".to_owned();
    // Sending it twice is harmless, so a lost answer is not a reason to stop.
    for attempt in 0..=ATTEMPTS {
        match second.get(&ObjectId::application(trial.ikey)).await {
            Ok(Some(now)) => left = undo(&trial.was, Some(&now), &trial.sent),
            Ok(None) => return Err((left, "Duo no longer shows it".to_owned())),
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
            && let Err(error) = second.update(&ObjectId::application(trial.ikey), next).await
        {
            why = error.to_string();
        }
    }
    Err((left, why))
}
