//! What a rotation makes sure of around its successor: that it is the only one, and like the application whose place it
//! is to take.

use crate::duo::api::WriteApi;
use crate::duo::call::Transport;
use crate::duo::types::Ikey;
use crate::reconcile::copy::differences;
use crate::reconcile::plan::Step;

use super::execute::{Run, Stop};
use super::rivals::successors;

impl<W: WriteApi, T: Transport + Clone> Run<'_, W, T> {
    /// Nothing is made where another run has begun, or finished, since the plan was made.
    pub(super) async fn nobody_else_rotates(&mut self, step: &Step) -> Result<(), Stop> {
        if let Some(old) = &step.ikey {
            self.compare(step, old).await?;
        }
        let integrations = self.writer.integrations().await?;
        match successors(self.plan.workspace(), &step.address, &integrations).first() {
            None => Ok(()),
            Some(rival) => Err(Stop::Moved(format!("another run has begun to rotate it, and made {rival}"))),
        }
    }

    /// Of two runs that begin at once, whoever sees the successor of the other takes back its own: at least the later
    /// one sees both.
    pub(super) async fn withdraw_successor(&self, step: &Step, own: &Ikey) -> Result<(), Stop> {
        // A list that cannot be read shows no rival; the next plan reports a second successor.
        let Ok(integrations) = self.writer.integrations().await else { return Ok(()) };
        let all = successors(self.plan.workspace(), &step.address, &integrations);
        let Some(rival) = all.iter().find(|ikey| *ikey != own) else { return Ok(()) };
        self.writer.delete(own).await?;
        Err(Stop::Moved(format!(
            "another run rotates it at the same time and made {rival}, so {own} was taken back"
        )))
    }

    /// A successor that may less, or is open to others, than the application whose place it takes is not delivered.
    pub(super) async fn is_like_its_predecessor(&self, step: &Step, successor: &Ikey) -> Result<(), Stop> {
        let Some(old) = &step.ikey else { return Ok(()) };
        let gone = |ikey: &Ikey| Stop::Moved(format!("{ikey} was deleted since the plan was made"));
        let old = self.writer.integration(old).await?.ok_or_else(|| gone(old))?;
        let copy = self.writer.integration(successor).await?.ok_or_else(|| gone(successor))?;
        let differences = if old.ikey == copy.ikey { Vec::new() } else { differences(&old, &copy) };
        if differences.is_empty() {
            return Ok(());
        }
        Err(Stop::NotDelivered(format!(
            "Duo did not give the successor {} the same {} as {} has, so its keys stay out of the store; call the \
             rotation off with `duoctl rotate {} --abort`, or rotate with `--strategy in-place`",
            copy.ikey,
            differences.join(", "),
            old.ikey,
            step.address
        )))
    }
}
