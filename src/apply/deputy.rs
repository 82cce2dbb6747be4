//! The recovery key: another key of the account, which can undo what the operator cannot.

use std::time::Duration;

use crate::duo::api::{ReadApi as _, SecretApi as _};
use crate::duo::call::Transport;
use crate::duo::catalogue::permission;
use crate::duo::client::{KeyReader, Reader, Writer};
use crate::duo::error::DuoError;
use crate::duo::object::{Ikey, ObjectId};
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::verify::needs::REPAIR;

/// Why the recovery key cannot be used. Nothing was begun.
#[derive(Clone, Debug)]
pub struct Unfit {
    /// What is wrong and what to do, as the end of a sentence.
    pub reason: String,
    /// The call that failed, if there was one.
    pub error: Option<DuoError>,
}

impl Unfit {
    /// A reason without a failed call.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), error: None }
    }

    fn failed(what: &str, error: DuoError) -> Self {
        Self { reason: format!("{what}: {error}"), error: Some(error) }
    }
}

/// The recovery key, or why it is unavailable although the YAML names one.
#[derive(Clone, Debug)]
pub struct Deputy<T> {
    second: Result<(Ikey, T), Unfit>,
    /// The pauses before a refused call is repeated, because a change may take a moment (duo-api.md, section 5).
    pub(super) waits: Vec<Duration>,
}

impl<T: Transport + Clone> Deputy<T> {
    /// Uses the integration key and the connection of the recovery key.
    pub fn new(second: Result<(Ikey, T), Unfit>, waits: Vec<Duration>) -> Self {
        Self { second, waits }
    }

    /// A writer, after read-only live calls have proven that the recovery key can make a change and roll it back: it is
    /// accepted, and may read and manage applications and set permissions.
    ///
    /// # Errors
    ///
    /// What is missing, and what to do.
    pub async fn proven(&self) -> Result<Writer<T>, Unfit> {
        let (ikey, transport) = self.second.as_ref().map_err(Clone::clone)?;
        let own = match Reader::new(transport.clone()).get(&ObjectId::application(ikey)).await {
            Ok(Some(own)) => own,
            Ok(None) => return Err(Unfit::because(format!("its application {ikey} is not in this account"))),
            Err(error) => return Err(Unfit::failed("it cannot read applications", error)),
        };
        let (known, held) = (known_permissions(&own), held_permissions(&own));
        for name in REPAIR {
            let panel = permission(name).map_or(name, |known| known.label());
            // A tenant that does not know a permission does not require it (trap 21).
            if known.iter().any(|known| known == name) && !held.contains(name) {
                return Err(Unfit::because(format!(
                    "Duo shows {ikey} without `{name}`; select `{panel}` on its page in the Duo Admin Panel, and save"
                )));
            }
        }
        // No harmless call writes an application; this read needs the same permission (duo-api.md, section 5).
        let key = KeyReader::new(transport.clone()).secret_key(ikey).await;
        key.map_err(|error| Unfit::failed("it cannot manage applications", error))?;
        Ok(Writer::new(transport.clone()))
    }
}
