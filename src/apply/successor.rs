//! Checks that the successor in a rotation matches the application that it will replace.

use crate::duo::api::WriteApi;
use crate::duo::call::Transport;
use crate::duo::object::{Ikey, ObjectId};
use crate::reconcile::copy::differences;
use crate::reconcile::plan::Step;

use super::run::{Run, Stop};

impl<W: WriteApi, T: Transport + Clone> Run<'_, W, T> {
    /// A successor with fewer permissions or other access than the application that it replaces is not delivered.
    pub(super) async fn is_like_its_predecessor(&self, step: &Step, successor: &Ikey) -> Result<(), Stop> {
        let Some(old) = &step.id else { return Ok(()) };
        let gone = |ikey: &Ikey| Stop::Moved(format!("{ikey} was deleted since the plan was made"));
        let old = self.writer.get(old).await?.ok_or_else(|| gone(&old.id))?;
        let copy =
            self.writer.get(&ObjectId::application(successor)).await?.ok_or_else(|| gone(successor))?;
        let differences = if old.id == copy.id { Vec::new() } else { differences(&old, &copy) };
        if differences.is_empty() {
            return Ok(());
        }
        Err(Stop::NotDelivered(format!(
            "Duo did not give the successor {} the same {} as {}, so its keys are not delivered; cancel the rotation \
             with `duoctl keys abort {}`, or rotate with `--strategy in-place`",
            copy.id,
            differences.join(", "),
            old.id,
            step.address
        )))
    }
}
