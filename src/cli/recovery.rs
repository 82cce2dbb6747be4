//! The recovery key: its connection, and what it repairs if a run was killed before a change of the operator was
//! proven.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::apply::deputy::{Deputy, Unfit};
use crate::apply::outcome::{Status, StepOutcome};
use crate::config::model::Credentials;
use crate::duo::api::{ReadApi as _, WriteApi as _};
use crate::duo::client::Writer;
use crate::duo::error::DuoError;
use crate::duo::https::HttpsTransport;
use crate::duo::object::{Ikey, Kind, Object, ObjectId};
use crate::kinds::address::Address;
use crate::kinds::application::{NETWORKS, PERMISSION_LIST};
use crate::kinds::marker::{Before, Marker, MarkerState, Notes};
use crate::kinds::risk::Risk;
use crate::kinds::seal::Verdict;
use crate::kinds::value::Setting;
use crate::observe::Reading;
use crate::reconcile::consent::Consent;
use crate::reconcile::guard::{Refusal, allows, callers, judge_step};
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Plan, Step, Write, give_back};
use crate::reconcile::undo::{missing, restore, untested};
use crate::verify::run::WAITS;

use super::connection::{RECOVERY, config, simulator_time};
use super::exit::Failure;
use super::session::Session;

impl Session {
    /// A connection that is signed by `tenant.credentials.recovery`, which can replace the operator's key; a key cannot
    /// replace itself.
    ///
    /// # Errors
    ///
    /// Why it is not available, as the beginning of a sentence.
    pub fn recovery_key(&self) -> Result<HttpsTransport, String> {
        if self.sandbox.is_some() {
            return Err("duoctl itself uses this key, and the sandbox has no recovery key".to_owned());
        }
        let recovery = self.declared_recovery().ok_or(
            "duoctl itself uses this key, a key cannot replace itself, and the YAML has no `tenant.credentials.recovery`",
        )?;
        let connected = self.connect_recovery(recovery);
        connected
            .map(|(_, transport)| transport)
            .map_err(|why| format!("duoctl itself uses this key, and {why}"))
    }

    fn declared_recovery(&self) -> Option<&Credentials> {
        self.workspace.tenant.credentials.as_ref()?.recovery.as_deref()
    }

    fn connect_recovery(&self, recovery: &Credentials) -> Result<(Ikey, HttpsTransport), String> {
        let config = config(&self.workspace, recovery, &self.connection, RECOVERY)
            .map_err(|error| format!("the recovery key is not available ({error})"))?;
        if config.ikey == self.operator {
            return Err("`tenant.credentials.recovery` is the same key".to_owned());
        }
        let ikey = config.ikey.clone();
        let transport = HttpsTransport::open(config).map_err(|error| error.to_string())?;
        Ok((ikey, transport))
    }

    /// Changes the operator's own application, if the YAML names a recovery key and the plan needs it. Otherwise the recovery
    /// key is not fetched.
    pub fn deputy(&self, plan: &Plan) -> Option<Deputy<HttpsTransport>> {
        plan.steps().iter().any(|step| plan.is_by_recovery_key(step)).then(|| self.recovery()).flatten()
    }

    fn recovery(&self) -> Option<Deputy<HttpsTransport>> {
        let recovery = self.declared_recovery().filter(|_| self.sandbox.is_none())?;
        // Like the back-off, the pauses follow the simulator's pace, if there is one.
        let unit =
            simulator_time("DUOCTL_SIMULATOR_BACKOFF_MS").filter(|_| self.connection.connect_to.is_some());
        let pace = |wait: Duration| {
            unit.map_or(wait, |unit| unit.saturating_mul(u32::try_from(wait.as_secs()).unwrap_or(1)))
        };
        let connected = self.connect_recovery(recovery).map_err(Unfit::because);
        Some(Deputy::new(connected, WAITS.map(pace).to_vec()))
    }
}

/// What the recovery key can repair before anything else: an unproven change left the operator with less than
/// it had.
pub struct Repair {
    recovery: Writer<HttpsTransport>,
    step: Step,
}

/// What to do before a plan is made.
pub enum Outlook {
    /// The account was read, and the operator has what it had.
    Clear(Box<Reading>),
    /// The repair comes first.
    Repair(Box<Repair>),
}

/// Checks, from what was read or why nothing could be, whether a run ended before a change of the operator was proven.
///
/// # Errors
///
/// The failure of the reading, with what the recovery key sees of the operator.
pub async fn look(
    session: &Session,
    reading: Result<Reading, Failure>,
    consent: &Consent,
) -> Result<Outlook, Failure> {
    let reading = match reading {
        Ok(reading) => reading,
        Err(Failure::FirstRefused { error, .. }) => {
            return look_with_recovery_key(session, error, consent).await;
        }
        Err(other) => return Err(other),
    };
    let own = match reading.observation.objects.of(Kind::Application) {
        Observed::Present(all) => all.iter().find(|live| live.id == session.operator),
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => None,
    };
    let less = |own: &&Object| untested(own).is_some_and(|(_, before)| !missing(&before, own).is_empty());
    let step = own.filter(less).and_then(|own| restoration(session, own, consent));
    // The recovery key is fetched only if it is needed.
    let deputy = step.as_ref().and_then(|_| session.recovery());
    let recovery = match deputy {
        Some(deputy) => deputy.proven().await.ok(),
        None => None,
    };
    Ok(match recovery.zip(step) {
        Some((recovery, step)) => Outlook::Repair(Box::new(Repair { recovery, step })),
        // Without a recovery key that can do it, the plan shows what differs.
        None => Outlook::Clear(Box::new(reading)),
    })
}

async fn look_with_recovery_key(
    session: &Session,
    error: DuoError,
    consent: &Consent,
) -> Result<Outlook, Failure> {
    let refused = |advice: String| Failure::FirstRefused { error: error.clone(), advice };
    let Some(deputy) = session.recovery() else { return Err(Failure::Duo(error)) };
    let recovery = match deputy.proven().await {
        Ok(recovery) => recovery,
        Err(unfit) => return Err(refused(format!("the recovery key cannot help: {}", unfit.reason))),
    };
    let swap = "set `tenant.credentials` to the recovery key to continue with it";
    let first = session.operator.clone();
    let own = match recovery.get(&ObjectId::application(&first)).await {
        Ok(Some(own)) => own,
        Ok(None) => {
            return Err(refused(format!(
                "the recovery key sees no application {first} in this account; {swap}"
            )));
        }
        Err(other) => return Err(refused(format!("the recovery key cannot read {first}: {other}"))),
    };
    if let Some(step) = restoration(session, &own, consent) {
        return Ok(Outlook::Repair(Box::new(Repair { recovery, step })));
    }
    Err(refused(advice(&own, swap)))
}

/// What to do if the recovery key cannot repair the operator.
fn advice(own: &Object, swap: &str) -> String {
    let first = &own.id;
    match Notes::parse(own.notes()).marker.map(|marker| marker.state) {
        Some(MarkerState::Untested(None)) => format!(
            "a change of {first} was not finished, and its previous values did not fit into its notes: check its \
             permissions and networks in the Duo Admin Panel, or {swap}"
        ),
        Some(MarkerState::Untested(Some(before))) if !missing(&before, own).is_empty() => {
            let names: Vec<String> = missing(&before, own).into_iter().collect();
            format!(
                "a change of {first} was not finished; according to its notes, it had {} before, which the YAML does not \
                 declare: declare it, allow it with --allow {}, or {swap}",
                names.join(", "),
                Risk::EscalatesPrivilege
            )
        }
        _ => format!(
            "the recovery key works and finds no unfinished change of {first}: check its keys, permissions and \
             networks in the Duo Admin Panel, or {swap}"
        ),
    }
}

/// The step that gives the operator back what it had. Its notes are not trusted with more than the YAML declares, unless
/// there is a consent: otherwise anyone who edits notes could decide what the key may do.
fn restoration(session: &Session, own: &Object, consent: &Consent) -> Option<Step> {
    let proven = session.keyring.verdict(&own.id, &Notes::parse(own.notes())).is_some_and(Verdict::is_proven)
        || session.trusted.contains(&own.id);
    let ours = |(marker, _): &(Marker, Before)| proven && marker.workspace == session.desired.workspace;
    let (marker, _) = untested(own).filter(ours)?;
    let guards = &session.desired.guards;
    let permissions = declared(session, &marker.address, PERMISSION_LIST).unwrap_or_default();
    let networks = declared(session, &marker.address, NETWORKS);
    let allowed = allows(guards, consent, Risk::EscalatesPrivilege, &marker.address);
    let back = restore(own, &permissions, allowed, networks.as_ref(), &callers(guards, consent));
    (!back.is_empty()).then(|| give_back(&marker.address, own, &back))
}

/// A list of an application's entry; `None` if it is not declared.
fn declared(session: &Session, address: &Address, key: &str) -> Option<BTreeSet<String>> {
    let wanted = session.desired.objects.iter().find(|wanted| wanted.address == *address)?;
    match &wanted.settings.get(key)?.value {
        Setting::List(names) => Some(names.iter().map(|name| name.value.clone()).collect()),
        Setting::Clear => Some(BTreeSet::new()),
        _ => None,
    }
}

impl Repair {
    /// Why it is done.
    pub fn sentence(&self) -> String {
        "an earlier run ended before the recovery key's change of the operator was proven, and the operator lost \
         permissions or networks; the recovery key restores them"
            .to_owned()
    }

    /// What was done, as a report shows it.
    pub fn outcome(&self) -> StepOutcome {
        StepOutcome {
            address: self.step.address.clone(),
            action: self.step.action,
            id: self.step.id.clone(),
            stage: None,
            by_recovery_key: true,
            status: Status::Applied,
            note: None,
        }
    }

    /// What is done, as a plan shows it.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// What the guards refuse of it.
    pub fn refusals(&self, session: &Session, consent: &Consent) -> Vec<Refusal> {
        judge_step(&self.step, &session.operator, &session.desired.guards, consent)
    }

    /// Whether the repair still applies: the account may have changed while the question waited for an answer.
    ///
    /// # Errors
    ///
    /// Those of the recovery key's calls.
    pub async fn is_current(&self, session: &Session, consent: &Consent) -> Result<bool, Failure> {
        let own = self.recovery.get(&ObjectId::application(&session.operator)).await?;
        let now = own.and_then(|own| restoration(session, &own, consent));
        let same = |now: &Step| (&now.baseline, &now.writes) == (&self.step.baseline, &self.step.writes);
        Ok(now.as_ref().is_some_and(same))
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// Those of the recovery key's calls.
    pub async fn carry_out(&self) -> Result<(), Failure> {
        for write in &self.step.writes {
            if let Write::Update(first, body) = write {
                self.recovery.update(first, body.clone()).await?;
            }
        }
        Ok(())
    }
}
