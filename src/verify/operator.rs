//! Checks that the operator's key can do everything after a change of its application that it could do before.

use jiff::Timestamp;

use crate::duo::call::{ApiCall, Budget, Transport};
use crate::duo::error::DuoError;
use crate::duo::probe::permission_probes;

/// The calls that work with a key. Calls that did not work before are not expected to work afterwards.
#[derive(Clone, Debug)]
pub struct Abilities {
    calls: Vec<ApiCall>,
}

impl Abilities {
    /// Tries every permission probe except the one for the logs, which have their own rate limit and are not needed to
    /// manage applications.
    pub async fn of<T: Transport>(key: &T, now: Timestamp) -> Self {
        let mut calls = Vec::new();
        for probe in permission_probes(now) {
            if probe.call.budget != Budget::Log && key.send(&probe.call).await.is_ok() {
                calls.push(probe.call);
            }
        }
        Self { calls }
    }

    /// The error of the first call that no longer works; `None` if the key can still do everything.
    pub async fn lost<T: Transport>(&self, key: &T) -> Option<DuoError> {
        for call in &self.calls {
            if let Err(error) = key.send(call).await {
                return Some(error);
            }
        }
        None
    }
}
