//! The steps of a plan, request by request.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::duo::api::{ReadApi, WriteApi};
use crate::duo::call::Transport;
use crate::duo::error::DuoError;
use crate::duo::types::{Ikey, Integration};
use crate::kinds::application::PERMISSION_PREFIX;
use crate::kinds::marker::Notes;
use crate::reconcile::fingerprint::snapshot;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Action, Plan, Step, Write};
use crate::verify::report::{Check, Verdict};
use crate::verify::run::Target;

use super::deliver::Courier;
use super::deputy::{Deputy, Unfit};
use super::outcome::{Status, StepOutcome};
use super::rivals::withdraw;

/// Told of each step as it begins and ends.
pub trait Progress: Sync {
    /// A step begins.
    fn begin(&self, step: &Step);
    /// A step has ended.
    fn end(&self, outcome: &StepOutcome);
}

/// Carries out a plan: first what adds and changes, then what removes. Steps of one address keep their order; the
/// addresses go in parallel, at most `parallelism` at once. Nothing is removed at an address where something failed
/// before: the old keys of a replacement stay until the new ones are delivered. A cancelled run finishes the steps under way.
///
/// What changes the operator's own application is made by the `deputy`, where there is one, alone and after every other
/// change: nothing else is in flight while the key that signs it is in doubt, and whatever becomes of it, the others
/// are done. It comes before what removes, since a removal at its own address waits for it, and since nothing is to be
/// removed by a key that may not come back.
pub async fn execute<W: WriteApi, T: Transport + Clone>(
    plan: &Plan,
    writer: &W,
    courier: &Courier<'_, T>,
    deputy: Option<&Deputy<T>>,
    parallelism: usize,
    stop: &CancellationToken,
    progress: &dyn Progress,
) -> Vec<StepOutcome> {
    let removes = |step: &&Step| matches!(step.action, Action::Quarantine | Action::Delete);
    let (removals, changes): (Vec<&Step>, Vec<&Step>) = plan.steps().iter().partition(removes);
    let crew = Crew { plan, writer, courier, deputy, stop, progress };
    let own = changes.iter().filter(|step| crew.is_by_deputy(step));
    let own: BTreeSet<&str> = own.map(|step| step.address.as_str()).collect();
    let (own, changes) = changes.into_iter().partition(|step| own.contains(step.address.as_str()));
    let mut outcomes = Vec::with_capacity(plan.steps().len());
    for phase in [changes, own, removals] {
        let done = crew.phase(phase, &outcomes, parallelism).await;
        outcomes.extend(done);
    }
    withdraw(plan.workspace(), writer, &mut outcomes).await;
    outcomes
}

/// Who carries out a plan.
struct Crew<'a, W, T> {
    plan: &'a Plan,
    writer: &'a W,
    courier: &'a Courier<'a, T>,
    deputy: Option<&'a Deputy<T>>,
    stop: &'a CancellationToken,
    progress: &'a dyn Progress,
}

impl<W: WriteApi, T: Transport + Clone> Crew<'_, W, T> {
    fn is_by_deputy(&self, step: &Step) -> bool {
        self.deputy.is_some() && step.targets().contains(self.plan.operator())
    }

    /// Steps that may go at the same time as far as they are of different addresses.
    async fn phase(&self, steps: Vec<&Step>, before: &[StepOutcome], parallelism: usize) -> Vec<StepOutcome> {
        let failed: BTreeSet<&str> = before
            .iter()
            .filter(|outcome| !matches!(outcome.status, Status::Applied))
            .map(|outcome| outcome.address.as_str())
            .collect();
        let in_doubt = |outcome: &StepOutcome| {
            matches!(outcome.status, Status::NotRolledBack(_) | Status::RolledBack { proven: false, .. })
        };
        let shut_out = before.iter().any(in_doubt);
        let mut lanes: Vec<Vec<&Step>> = Vec::new();
        let mut lane_of: HashMap<&str, usize> = HashMap::new();
        for step in steps {
            let lane = *lane_of.entry(step.address.as_str()).or_insert(lanes.len());
            if lane == lanes.len() {
                lanes.push(Vec::new());
            }
            if let Some(lane) = lanes.get_mut(lane) {
                lane.push(step);
            }
        }
        let work = lanes.into_iter().map(|steps| {
            let failed = steps.first().is_some_and(|step| failed.contains(step.address.as_str()));
            let broken = match (shut_out, failed) {
                (true, _) => Some("the operator's own key may not work any more"),
                (false, true) => Some(EARLIER),
                (false, false) => None,
            };
            self.lane(steps, broken)
        });
        let done: Vec<Vec<StepOutcome>> =
            futures_util::stream::iter(work).buffered(parallelism.max(1)).collect().await;
        done.into_iter().flatten().collect()
    }

    /// The steps of one address; none of them where something is `broken` already.
    async fn lane(&self, steps: Vec<&Step>, mut broken: Option<&'static str>) -> Vec<StepOutcome> {
        let Self { plan, writer, courier, deputy, .. } = *self;
        let mut run = Run { plan, writer, courier, deputy, seen: BTreeMap::new(), created: None };
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in steps {
            let mut outcome = StepOutcome {
                address: step.address.clone(),
                action: step.action,
                ikey: step.ikey.clone(),
                by_second: self.is_by_deputy(step),
                status: Status::Applied,
                note: None,
            };
            if let Some(why) = broken {
                outcome.status = Status::NotAttempted(why);
            } else if self.stop.is_cancelled() {
                outcome.status = Status::NotAttempted("the run was interrupted");
            } else {
                self.progress.begin(step);
                run.step(step, &mut outcome).await;
                self.progress.end(&outcome);
            }
            if !matches!(outcome.status, Status::Applied) {
                broken.get_or_insert(EARLIER);
            }
            outcomes.push(outcome);
        }
        outcomes
    }
}

const EARLIER: &str = "an earlier step of the address failed";

/// Why a request of a step ended the step.
pub(super) enum Stop {
    Moved(String),
    Failed(DuoError),
    NotDelivered(String),
    NotProven(String),
    Unfit(Unfit),
    RolledBack { seen: String, proven: bool },
    NotRolledBack(String),
}

impl From<DuoError> for Stop {
    fn from(error: DuoError) -> Self {
        Self::Failed(error)
    }
}

/// The permissions that a step gives to what it creates, where it gives any.
fn granted(step: &Step) -> Option<BTreeSet<String>> {
    let bodies = step.writes.iter().filter_map(|write| match write {
        Write::Create(body) | Write::Finish(body) => Some(body),
        Write::Update(..) | Write::Delete(_) | Write::Deliver(_) | Write::Prove(_) => None,
    });
    let flags = bodies.flatten().filter(|(_, value)| value.as_str() == Some("1"));
    let names: BTreeSet<String> =
        flags.filter_map(|(key, _)| key.strip_prefix(PERMISSION_PREFIX)).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

pub(super) struct Run<'a, W, T> {
    pub(super) plan: &'a Plan,
    pub(super) writer: &'a W,
    pub(super) courier: &'a Courier<'a, T>,
    deputy: Option<&'a Deputy<T>>,
    /// What this lane itself last saw of an application after writing to it.
    pub(super) seen: BTreeMap<String, String>,
    /// What this lane created last.
    created: Option<Ikey>,
}

impl<W: WriteApi, T: Transport + Clone> Run<'_, W, T> {
    async fn step(&mut self, step: &Step, outcome: &mut StepOutcome) {
        let mut created = None;
        for (position, write) in step.writes.iter().enumerate() {
            let stopped = match self.write(step, write, &mut created, outcome).await {
                Ok(()) => {
                    outcome.ikey = created.clone().or_else(|| outcome.ikey.take());
                    continue;
                }
                Err(stopped) => stopped,
            };
            outcome.status = match stopped {
                Stop::Moved(what) => Status::Moved(what),
                Stop::NotDelivered(reason) => Status::NotDelivered(reason),
                Stop::NotProven(reason) => Status::NotProven(reason),
                Stop::Unfit(unfit) => Status::Unfit(unfit),
                Stop::RolledBack { seen, proven } => Status::RolledBack { seen, proven },
                Stop::NotRolledBack(seen) => Status::NotRolledBack(seen),
                Stop::Failed(error) => Status::Failed { error, partly: position > 0 },
            };
            return;
        }
    }

    async fn write(
        &mut self,
        step: &Step,
        write: &Write,
        created: &mut Option<Ikey>,
        outcome: &mut StepOutcome,
    ) -> Result<(), Stop> {
        match write {
            Write::Create(body) => {
                if step.action == Action::Rotate {
                    self.nobody_else_rotates(step).await?;
                }
                let integration = self.create(step, body).await?;
                if step.action == Action::Rotate {
                    self.withdraw_successor(step, &integration.ikey).await?;
                }
                self.created = Some(integration.ikey.clone());
                *created = Some(integration.ikey);
                Ok(())
            }
            Write::Finish(body) => match created {
                Some(ikey) => self.update(&ikey.clone(), body).await,
                None => Ok(()),
            },
            Write::Update(ikey, body) => match self.deputy.filter(|_| ikey == self.plan.operator()) {
                Some(deputy) => self.by_deputy(deputy, step, ikey, body).await,
                None => {
                    self.compare(step, ikey).await?;
                    self.update(ikey, body).await
                }
            },
            Write::Delete(ikey) => self.delete(step, ikey).await,
            Write::Prove(ikey) => self.prove(step, ikey.as_ref().or(created.as_ref())).await,
            Write::Deliver(ikey) => {
                let (Some(ikey), Some(delivery)) = (ikey.as_ref().or(self.created.as_ref()), &step.delivery)
                else {
                    return Err(Stop::NotDelivered("the application was not created".to_owned()));
                };
                outcome.ikey = Some(ikey.clone());
                if delivery.beside.is_some() {
                    self.is_like_its_predecessor(step, ikey).await?;
                }
                let delivered = self.courier.deliver(&step.address, &step.kind, ikey, delivery).await;
                outcome.note = Some(delivered.map_err(|error| Stop::NotDelivered(error.to_string()))?);
                Ok(())
            }
        }
    }

    /// Nothing is sent to an application that is not as the plan, or this run itself, last saw it.
    pub(super) async fn compare(&mut self, step: &Step, ikey: &Ikey) -> Result<(), Stop> {
        self.unmoved(self.writer, step, ikey).await.map(drop)
    }

    /// The same through whoever is going to write; returns what is there.
    pub(super) async fn unmoved(
        &self,
        reader: &impl ReadApi,
        step: &Step,
        ikey: &Ikey,
    ) -> Result<Integration, Stop> {
        let Some(live) = reader.integration(ikey).await? else {
            return Err(Stop::Moved(format!("{ikey} was deleted since the plan was made")));
        };
        let expected = self.seen.get(ikey.as_str()).or_else(|| step.baseline.get(ikey.as_str()));
        if expected == Some(&snapshot(&live)) {
            Ok(live)
        } else {
            Err(Stop::Moved(format!("{ikey} was changed in Duo since the plan was made")))
        }
    }

    /// What a replacement takes the place of is removed only once its successor is proven by live calls. Where there is
    /// no call that could, nothing stands against it.
    async fn prove(&self, step: &Step, ikey: Option<&Ikey>) -> Result<(), Stop> {
        let Some(ikey) = ikey else {
            return Err(Stop::NotProven("the successor was not created".to_owned()));
        };
        let Some(live) = self.writer.integration(ikey).await? else {
            return Err(Stop::Moved(format!("{ikey}, the successor, was deleted meanwhile")));
        };
        let target = Target {
            address: step.address.clone(),
            declared: (live.kind().to_owned(), live.name().to_owned()),
            permissions: granted(step),
            live: Observed::Present(live),
        };
        let report = self.courier.verify(target).await;
        let open = |check: &&Check| matches!(check.verdict, Verdict::Failed | Verdict::Inconclusive);
        let checks = report.subjects.iter().flat_map(|subject| &subject.checks);
        match checks.clone().find(open) {
            None => Ok(()),
            Some(check) => Err(Stop::NotProven(format!(
                "{ikey}, the successor, is not proven: {}: {}",
                check.name, check.detail
            ))),
        }
    }

    async fn create(&self, step: &Step, body: &Map<String, Value>) -> Result<Integration, Stop> {
        match self.writer.create(body.clone()).await {
            Ok(integration) => Ok(integration),
            // Creating is not idempotent and names are not unique, so it is never simply repeated (trap 15).
            Err(error) if error.outcome_unknown() => {
                let found = self.writer.integrations().await.ok().and_then(|all| {
                    let sent = body.get("notes").and_then(Value::as_str).unwrap_or_default();
                    let mut marked = all.into_iter().filter(|live| self.carries_marker(step, sent, live));
                    marked.next().filter(|_| marked.next().is_none())
                });
                found.ok_or(Stop::Failed(error))
            }
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    fn carries_marker(&self, step: &Step, sent: &str, live: &Integration) -> bool {
        let marker = Notes::parse(live.notes()).marker;
        marker.is_some() && marker == Notes::parse(sent).marker && live.kind() == step.kind
    }

    async fn update(&mut self, ikey: &Ikey, body: &Map<String, Value>) -> Result<(), Stop> {
        let live = match self.writer.update(ikey, body.clone()).await {
            Ok(live) => live,
            Err(error) if error.outcome_unknown() => {
                // Every update writes the marker, so the notes tell whether it arrived.
                let wanted = body.get("notes").and_then(Value::as_str).map(str::trim);
                let live = self.writer.integration(ikey).await.ok().flatten();
                let arrived = live.filter(|live| Some(live.notes().trim()) == wanted);
                arrived.ok_or(Stop::Failed(error))?
            }
            Err(error) => return Err(Stop::Failed(error)),
        };
        self.seen.insert(ikey.to_string(), snapshot(&live));
        Ok(())
    }

    async fn delete(&mut self, step: &Step, ikey: &Ikey) -> Result<(), Stop> {
        match self.compare(step, ikey).await {
            Err(Stop::Moved(_)) if self.writer.integration(ikey).await?.is_none() => return Ok(()),
            other => other?,
        }
        match self.writer.delete(ikey).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) if error.outcome_unknown() => match self.writer.integration(ikey).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) | Err(_) => Err(Stop::Failed(error)),
            },
            Err(error) => Err(Stop::Failed(error)),
        }
    }
}
