//! Whether the operator can go on: what its key could do before somebody changed its application, it can do afterwards.

use jiff::Timestamp;

use crate::duo::call::{ApiCall, Budget, Transport};
use crate::duo::error::DuoError;
use crate::duo::probe::permission_probes;

/// The calls that a key answers to. What it could not do before is no loss, so nothing is expected of it.
#[derive(Clone, Debug)]
pub struct Abilities {
    calls: Vec<ApiCall>,
}

impl Abilities {
    /// Tries every probe of a permission, but that of the logs: they have a budget of their own, and managing
    /// applications does not depend on them.
    pub async fn of<T: Transport>(key: &T, now: Timestamp) -> Self {
        let mut calls = Vec::new();
        for probe in permission_probes(now) {
            if probe.call.budget != Budget::Log && key.send(&probe.call).await.is_ok() {
                calls.push(probe.call);
            }
        }
        Self { calls }
    }

    /// The first of the calls that gets no answer any more; `None` where the key can do all that it could.
    pub async fn lost<T: Transport>(&self, key: &T) -> Option<DuoError> {
        for call in &self.calls {
            if let Err(error) = key.send(call).await {
                return Some(error);
            }
        }
        None
    }
}
