//! Creates objects and confirms them.
//!
//! The answer to a creation is only a claim: it may name an application that already existed, or one that someone else
//! created. Therefore everything is created without access, and nothing more is sent, delivered or deleted before a list
//! that was requested afterwards shows the application as it was sent. The same list shows whether another run created
//! the address at the same time; then this run deletes its own application. At least the later of two runs sees both, so
//! two applications never remain, and nothing was opened or delivered by then.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::duo::api::{ReadApi, WriteApi};
use crate::duo::call::Transport;
use crate::duo::object::{Kind, Object, ObjectId};
use crate::kinds::marker::{MarkerState, Notes};
use crate::names::same;
use crate::reconcile::plan::{Action, Plan, Step, Write};

use super::made::{Created, Listed, Sent};
use super::run::{Run, Stop};

/// Whether a step depends on a correct list of applications: it creates what is not listed, or removes what is listed.
pub(super) fn rests_on_the_list(step: &Step) -> bool {
    let writes = |write: &Write| matches!(write, Write::Create(..) | Write::Delete(_));
    step.action == Action::Quarantine || step.writes.iter().any(writes)
}

/// Reads the list once more before anything is created or removed: it must contain the applications that the plan was
/// made from. Otherwise, a list that lost an application through paging would lead to a duplicate.
///
/// # Errors
///
/// Which applications appeared or disappeared, or why the list cannot be read.
pub(super) async fn confirmed(plan: &Plan, reader: &impl ReadApi) -> Result<(), Stop> {
    let kinds: BTreeSet<Kind> =
        plan.steps().iter().filter(|step| rests_on_the_list(step)).map(|step| step.kind).collect();
    for kind in kinds {
        let now: BTreeSet<ObjectId> = reader.list(kind).await?.iter().map(Object::object_id).collect();
        let then: BTreeSet<ObjectId> = plan.live().iter().filter(|id| id.kind == kind).cloned().collect();
        let differing: Vec<&str> = now.symmetric_difference(&then).map(ObjectId::as_str).take(5).collect();
        if !differing.is_empty() {
            return Err(Stop::Moved(format!(
                "{} were created or deleted in Duo since the plan was made, among them {}",
                kind.section(),
                differing.join(", ")
            )));
        }
    }
    Ok(())
}

impl<W: WriteApi, T: Transport + Clone> Run<'_, W, T> {
    /// Creates an application. Creation is not idempotent and names are not unique, so it is never simply repeated
    /// (trap 15): if the answer was lost, exactly one new application must match what was sent.
    pub(super) async fn create(
        &mut self,
        step: &Step,
        kind: Kind,
        body: &Map<String, Value>,
    ) -> Result<(), Stop> {
        // The application that a successor copies must be unchanged.
        if let (Action::Rotate, Some(old)) = (step.action, &step.id) {
            self.compare(step, old).await?;
        }
        let body = self.resolved(kind, body);
        let sent = Sent::of(step, kind, &body);
        let body = self.sealer.over(kind, None, &body);
        let (ikey, contradiction) = match self.writer.create(kind, body).await {
            Ok(answer) => {
                let contradiction = sent.contradiction(&answer);
                (answer.id, contradiction)
            }
            Err(error) if error.outcome_unknown() => {
                let all = self.writer.list(kind).await.map_err(|_| Stop::Failed(error.clone()))?;
                let is_new =
                    |live: &Object| !self.was_there(&live.object_id()) && sent.is_its(live, &self.sealer);
                let mut marked =
                    all.into_iter().filter(|live| is_new(live) && live.variant() == sent.variant);
                match (marked.next(), marked.next()) {
                    (Some(only), None) => (only.id, None),
                    _ => return Err(Stop::Failed(error)),
                }
            }
            Err(error) => return Err(Stop::Failed(error)),
        };
        if self.was_there(&ObjectId { kind, id: ikey.clone() }) {
            return Err(Stop::Unconfirmed(format!(
                "Duo answered the creation with {ikey}, which already existed, so nothing more was sent"
            )));
        }
        if let Some(what) = contradiction {
            return Err(Stop::Unconfirmed(format!(
                "Duo answered the creation with {ikey}, which has {what} than was sent, so nothing more was sent"
            )));
        }
        self.created = Some(Created { id: ObjectId { kind, id: ikey }, sent, shown: false });
        Ok(())
    }

    pub(super) fn was_there(&self, id: &ObjectId) -> bool {
        self.plan.live().contains(id) || id.is(self.plan.operator())
    }

    /// Looks for what was created, and for what another run created at the same address.
    pub(super) async fn look(&mut self, step: &Step, list: &Listed) -> Result<(), Stop> {
        let Some(created) = self.created.as_mut() else { return Ok(()) };
        let list = list.as_ref().map_err(|error| Stop::Failed(error.clone()))?;
        let own = &created.id;
        let Some(live) = list.iter().find(|live| live.object_id() == *own) else {
            return Err(Stop::Unconfirmed(format!(
                "Duo answered the creation with {own}, but does not list it, so nothing more was sent"
            )));
        };
        if created.sent.is_continued(live) {
            return Err(Stop::Moved(format!("another run continued with {own} as soon as it was created")));
        }
        if let Some(what) = created.sent.difference(live, &self.sealer) {
            return Err(Stop::Unconfirmed(format!(
                "Duo answered the creation with {own}, which has {what} than was sent, so nothing more was sent"
            )));
        }
        // A kind without markers has only the name.
        let is_twin = |other: &Object| {
            same(other.name(), live.name()) && !self.plan.live().contains(&other.object_id())
        };
        let is_rival = |other: &&Object| {
            other.kind == own.kind
                && other.id != own.id
                && !step.baseline.contains_key(&other.object_id())
                && own.kind.endpoint().marker.map_or_else(
                    || is_twin(other),
                    |_| {
                        Notes::parse(other.notes()).marker.is_some_and(|found| {
                            let put_aside =
                                matches!(found.state, MarkerState::Replaced | MarkerState::Retired(_));
                            found.workspace == self.plan.workspace()
                                && found.address == step.address
                                && !(put_aside && self.plan.live().contains(&other.object_id()))
                        })
                    },
                )
        };
        let Some(rival) = list.iter().find(is_rival).map(|rival| rival.id.clone()) else {
            created.shown = true;
            self.made.insert(&step.address, &created.id.id);
            return Ok(());
        };
        let own = own.clone();
        self.take_back(live).await?;
        self.created = None;
        Err(Stop::Moved(format!(
            "another run created {} as {rival} at the same time, so {own} was deleted",
            step.address
        )))
    }
}
