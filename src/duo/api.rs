//! What duoctl reads from and writes to an account. With only a [`ReadApi`], nothing can be written.

use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::DuoError;
use super::types::{Account, Group, Ikey, Integration, Policy};
use crate::secret::Secret;

/// Reads that change nothing and reveal no secret.
pub trait ReadApi: Send + Sync {
    /// Every application, without duplicates; an error if the list is incomplete (duo-api.md, trap 29).
    fn integrations(&self) -> impl Future<Output = Result<Vec<Integration>, DuoError>> + Send;

    /// One application; `None` if Duo reports that it does not exist.
    fn integration(&self, ikey: &Ikey) -> impl Future<Output = Result<Option<Integration>, DuoError>> + Send;

    /// Every group.
    fn groups(&self) -> impl Future<Output = Result<Vec<Group>, DuoError>> + Send;

    /// Every policy, including the global one.
    fn policies(&self) -> impl Future<Output = Result<Vec<Policy>, DuoError>> + Send;

    /// The account's name and plan, as far as the key may read them: without the permission a field is empty.
    fn account(&self) -> impl Future<Output = Result<Account, DuoError>> + Send;
}

/// Reads of secrets, for checks and delivery.
pub trait SecretApi: Send + Sync {
    /// The secret key of an application (duo-api.md, section 3.1: the v1 path only).
    fn secret_key(&self, ikey: &Ikey) -> impl Future<Output = Result<Secret, DuoError>> + Send;

    /// The secret of one client of an OAuth application, or of the unnamed single client of an OIDC application (duo-api.md,
    /// section 3.1).
    fn client_secret(
        &self,
        ikey: &Ikey,
        client: Option<&str>,
    ) -> impl Future<Output = Result<Secret, DuoError>> + Send;
}

/// An application that may be deleted: it was read and identified. A key alone is not enough to delete.
#[derive(Debug)]
pub struct Deletable(Ikey);

impl Deletable {
    /// An application as just read, if it is the intended one.
    pub(crate) fn read(live: &Integration, is_meant: impl FnOnce(&Integration) -> bool) -> Option<Self> {
        is_meant(live).then(|| Self(live.ikey.clone()))
    }

    /// Its integration key.
    pub fn ikey(&self) -> &Ikey {
        &self.0
    }
}

/// Writes. Only `apply` is given one.
pub trait WriteApi: ReadApi {
    /// Creates an application and returns it as Duo reports it.
    fn create(&self, body: Map<String, Value>) -> impl Future<Output = Result<Integration, DuoError>> + Send;

    /// Modifies an application: only the given properties change.
    fn update(
        &self,
        ikey: &Ikey,
        body: Map<String, Value>,
    ) -> impl Future<Output = Result<Integration, DuoError>> + Send;

    /// Deletes an application. Duo has no undelete.
    fn delete(&self, target: &Deletable) -> impl Future<Output = Result<(), DuoError>> + Send;

    /// Announces that the caller is about to wait for Duo, like [`Transport::announce`](super::call::Transport::announce).
    fn announce(&self, _reason: &'static str, _wait: Duration) {}
}
