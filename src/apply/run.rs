//! Sends the requests of the steps of one address, in order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::duo::api::{ReadApi, WriteApi};
use crate::duo::call::Transport;
use crate::duo::error::DuoError;
use crate::duo::object::{Ikey, Kind, Object, ObjectId};
use crate::kinds::address::Address;
use crate::kinds::application::PERMISSION_PREFIX;
use crate::reconcile::fingerprint::snapshot;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Plan, Step, Write, resolved};
use crate::verify::probes::Probe;
use crate::verify::report::{Check, Verdict};
use crate::verify::run::Target;

use super::deliver::Courier;
use super::deputy::{Deputy, Unfit};
use super::made::{Created, Made};
use super::outcome::{Status, StepOutcome};
use super::seal::Sealer;

/// Why a request of a step ended the step.
pub(super) enum Stop {
    Moved(String),
    Unconfirmed(String),
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

/// The permissions that a step gives to what it creates, if any.
fn granted(step: &Step) -> Option<BTreeSet<String>> {
    let bodies = step.writes.iter().filter_map(|write| match write {
        Write::Create(_, body) | Write::Finish(body) => Some(body),
        Write::Link(..)
        | Write::Update(..)
        | Write::Bind(..)
        | Write::Delete(_)
        | Write::Deliver(_)
        | Write::Prove(_) => None,
    });
    let flags = bodies.flatten().filter(|(_, value)| value.as_str() == Some("1"));
    let names: BTreeSet<String> =
        flags.filter_map(|(key, _)| key.strip_prefix(PERMISSION_PREFIX)).map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

impl Stop {
    /// How the step ends; `written` says whether an earlier request of it was carried out.
    pub(super) fn status(self, written: bool) -> Status {
        match self {
            Self::Moved(what) => Status::Moved { what, partly: written },
            Self::Unconfirmed(what) => Status::Unconfirmed(what),
            Self::NotDelivered(reason) => Status::NotDelivered(reason),
            Self::NotProven(reason) => Status::NotProven(reason),
            Self::Unfit(unfit) => Status::Unfit(unfit),
            Self::RolledBack { seen, proven } => Status::RolledBack { seen, proven },
            Self::NotRolledBack(seen) => Status::NotRolledBack(seen),
            Self::Failed(error) => Status::Failed { error, partly: written },
        }
    }
}

/// The requests of one address.
pub(super) struct Run<'a, W, T> {
    pub(super) plan: &'a Plan,
    pub(super) writer: &'a W,
    pub(super) courier: &'a Courier<'a, T>,
    deputy: Option<&'a Deputy<T>>,
    pub(super) sealer: Sealer<'a>,
    /// The state in which this lane last saw an application after writing to it.
    pub(super) seen: BTreeMap<ObjectId, String>,
    /// What this lane created last.
    pub(super) created: Option<Created>,
    /// What all lanes created.
    pub(super) made: &'a Made,
    /// How many requests of the step were begun.
    begun: usize,
}

impl<'a, W: WriteApi, T: Transport + Clone> Run<'a, W, T> {
    pub(super) fn new(
        plan: &'a Plan,
        writer: &'a W,
        courier: &'a Courier<'a, T>,
        deputy: Option<&'a Deputy<T>>,
        sealer: Sealer<'a>,
        made: &'a Made,
    ) -> Self {
        Self { plan, writer, courier, deputy, sealer, seen: BTreeMap::new(), created: None, made, begun: 0 }
    }

    /// A step begins.
    pub(super) fn begin(&mut self) {
        self.begun = 0;
    }

    /// Whether a request before the one that ended the step was carried out.
    pub(super) fn has_written(&self) -> bool {
        self.begun > 1 || self.waits()
    }

    /// Whether it created something that has not been confirmed yet.
    pub(super) fn waits(&self) -> bool {
        self.created.as_ref().is_some_and(|created| created.made().is_none())
    }

    /// Continues a step to its end, or until it has created something.
    pub(super) async fn go_on(&mut self, step: &Step, outcome: &mut StepOutcome) -> Result<(), Stop> {
        while let Some(write) = step.writes.get(self.begun) {
            self.begun += 1;
            self.write(step, write, outcome).await?;
            if self.waits() {
                break;
            }
        }
        Ok(())
    }

    /// The object that this lane created, once a list has shown it.
    fn made(&self) -> Option<&ObjectId> {
        self.created.as_ref().and_then(Created::made)
    }

    /// The application that this lane created, once a list has shown it.
    fn new_ikey(&self) -> Option<&Ikey> {
        self.made().and_then(ObjectId::ikey)
    }

    /// A body with the ids of objects that this run created in place of their addresses.
    pub(super) fn resolved(&self, kind: Kind, body: &Map<String, Value>) -> Map<String, Value> {
        resolved(kind, body, &self.made.ids())
    }

    async fn write(&mut self, step: &Step, write: &Write, outcome: &mut StepOutcome) -> Result<(), Stop> {
        match write {
            Write::Create(kind, body) => {
                self.create(step, *kind, body).await?;
                outcome.id = self.created.as_ref().map(|created| created.id.clone());
                Ok(())
            }
            Write::Finish(body) => match self.made().cloned() {
                Some(id) => self.update(&id, body).await,
                None => Ok(()),
            },
            Write::Link(id, [before, after]) => match self.made().cloned() {
                Some(made) => {
                    let notes = Value::String(format!("{before}{}{after}", made.id));
                    self.compare(step, id).await?;
                    self.update(id, &Map::from_iter([("notes".to_owned(), notes)])).await
                }
                None => Ok(()),
            },
            Write::Update(id, body) => match self.deputy.filter(|_| id.is(self.plan.operator())) {
                Some(deputy) => self.by_deputy(deputy, step, &id.id, body).await,
                None => {
                    self.compare(step, id).await?;
                    self.update(id, body).await
                }
            },
            Write::Bind(id, body) => {
                let made = self.made.ids().get(&Address::new(id.as_str())).cloned();
                let id = ObjectId { kind: id.kind, id: made.unwrap_or_else(|| id.id.clone()) };
                self.update(&id, body).await
            }
            Write::Delete(id) => self.delete(step, id).await,
            Write::Prove(ikey) => self.prove(step, ikey.as_ref().or(self.new_ikey())).await,
            Write::Deliver(ikey) => {
                let (Some(ikey), Some(delivery)) = (ikey.as_ref().or(self.new_ikey()), &step.delivery) else {
                    return Err(Stop::NotDelivered("the application was not created".to_owned()));
                };
                outcome.id = Some(ObjectId::application(ikey));
                if delivery.previous.is_some() {
                    self.is_like_its_predecessor(step, ikey).await?;
                }
                let delivered = self.courier.deliver(&step.address, &step.variant, ikey, delivery).await;
                outcome.note = Some(delivered.map_err(|error| Stop::NotDelivered(error.to_string()))?);
                Ok(())
            }
        }
    }

    /// Nothing is sent to an application that changed since the plan or this run last saw it.
    pub(super) async fn compare(&mut self, step: &Step, id: &ObjectId) -> Result<(), Stop> {
        self.unmoved(self.writer, step, id).await.map(drop)
    }

    /// The same with the connection that will write; returns the application.
    pub(super) async fn unmoved(
        &self,
        reader: &impl ReadApi,
        step: &Step,
        id: &ObjectId,
    ) -> Result<Object, Stop> {
        let Some(live) = reader.get(id).await? else {
            return Err(Stop::Moved(format!("{id} was deleted since the plan was made")));
        };
        let expected = self.seen.get(id).or_else(|| step.baseline.get(id));
        if expected == Some(&snapshot(&live)) {
            Ok(live)
        } else {
            Err(Stop::Moved(format!("{id} was changed in Duo since the plan was made")))
        }
    }

    /// A replaced application is removed only after live calls have proven its successor. If no call can prove it, or Duo is
    /// not known to answer the one there is, only a proof that the key is wrong prevents the removal.
    async fn prove(&self, step: &Step, ikey: Option<&Ikey>) -> Result<(), Stop> {
        let Some(ikey) = ikey else {
            return Err(Stop::NotProven("the successor was not created".to_owned()));
        };
        let Some(live) = self.writer.get(&ObjectId::application(ikey)).await? else {
            return Err(Stop::Moved(format!("{ikey}, the successor, was deleted in the meantime")));
        };
        let answers = Probe::of(&live).is_known_to_answer();
        let target = Target {
            address: step.address.clone(),
            declared: (live.variant().to_owned(), live.name().to_owned()),
            permissions: granted(step),
            live: Observed::Present(live),
            kept: None,
        };
        let report = self.courier.verify(target).await;
        let open = |check: &&Check| match check.verdict {
            Verdict::Failed => true,
            Verdict::Inconclusive => answers,
            _ => false,
        };
        let checks = report.subjects.iter().flat_map(|subject| &subject.checks);
        match checks.clone().find(open) {
            None => Ok(()),
            Some(check) => Err(Stop::NotProven(format!(
                "{ikey}, the successor, is not proven: {}: {}",
                check.name, check.detail
            ))),
        }
    }

    pub(super) async fn update(&mut self, id: &ObjectId, body: &Map<String, Value>) -> Result<(), Stop> {
        let body = self.sealer.over(id.kind, Some(&id.id), &self.resolved(id.kind, body));
        let live = match self.writer.update(id, body.clone()).await {
            Ok(live) => live,
            Err(error) if error.outcome_unknown() => {
                // Every update writes the marker, so it shows whether the update arrived. A kind without one shows nothing.
                let wanted = id.kind.endpoint().marker.and_then(|text| body.get(text)?.as_str());
                let live = self.writer.get(id).await.ok().flatten();
                let arrived =
                    live.filter(|live| wanted.is_some_and(|wanted| live.notes().trim() == wanted.trim()));
                arrived.ok_or(Stop::Failed(error))?
            }
            Err(error) => return Err(Stop::Failed(error)),
        };
        self.seen.insert(id.clone(), snapshot(&live));
        Ok(())
    }
}
