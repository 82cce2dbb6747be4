//! Deletes applications, in two cases only: a step of the plan names it, or this run created it. Nothing else creates a
//! [`Deletable`].

use crate::duo::api::{Deletable, WriteApi};
use crate::duo::call::Transport;
use crate::duo::object::{Object, ObjectId};
use crate::reconcile::plan::Step;

use super::run::{Run, Stop};

impl<W: WriteApi, T: Transport + Clone> Run<'_, W, T> {
    /// Deletes an application that a step of the plan names, if it is still as the plan or this run last saw it. It is not
    /// an error if the application is already gone.
    pub(super) async fn delete(&mut self, step: &Step, id: &ObjectId) -> Result<(), Stop> {
        let live = match self.unmoved(self.writer, step, id).await {
            Ok(live) => live,
            Err(Stop::Moved(_)) if self.writer.get(id).await?.is_none() => {
                return Ok(());
            }
            Err(stop) => return Err(stop),
        };
        let is_named = |live: &Object| {
            step.deletes().contains(id) && live.object_id() == *id && !id.is(self.plan.operator())
        };
        let Some(target) = Deletable::read(&live, is_named) else {
            return Err(Stop::Moved(format!("{id} is not what the plan deletes")));
        };
        match self.writer.delete(&target).await {
            Ok(()) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) if error.outcome_unknown() => match self.writer.get(id).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) | Err(_) => Err(Stop::Failed(error)),
            },
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    /// Deletes what this run created, if a list that was requested afterwards shows it as it was sent.
    pub(super) async fn take_back(&self, live: &Object) -> Result<(), Stop> {
        let is_own = |live: &Object| {
            self.created.as_ref().is_some_and(|created| {
                created.id == live.object_id() && created.sent.difference(live, &self.sealer).is_none()
            }) && !self.was_there(&live.object_id())
        };
        match Deletable::read(live, is_own) {
            Some(own) => Ok(self.writer.delete(&own).await?),
            None => Err(Stop::Unconfirmed(format!("{} is not as it was created", live.id))),
        }
    }
}
