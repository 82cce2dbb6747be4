//! What duoctl reads from and writes to an account. With only a [`ReadApi`], nothing can be written.

use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::DuoError;
use super::object::{Ikey, Kind, Object, ObjectId};
use super::types::Account;
use crate::secret::Secret;

/// Reads that change nothing and reveal no secret.
pub trait ReadApi: Send + Sync {
    /// Every object of a kind, without duplicates; an error if the list is incomplete (duo-api.md, trap 29).
    fn list(&self, kind: Kind) -> impl Future<Output = Result<Vec<Object>, DuoError>> + Send;

    /// One object; `None` if Duo reports that it does not exist.
    fn get(&self, id: &ObjectId) -> impl Future<Output = Result<Option<Object>, DuoError>> + Send;

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

/// An object that may be deleted: it was read and identified. An id alone is not enough to delete.
#[derive(Debug)]
pub struct Deletable(ObjectId);

impl Deletable {
    /// An object as just read, if it is the intended one.
    pub(crate) fn read(live: &Object, is_meant: impl FnOnce(&Object) -> bool) -> Option<Self> {
        is_meant(live).then(|| Self(live.object_id()))
    }

    /// Its kind and id.
    pub fn id(&self) -> &ObjectId {
        &self.0
    }
}

/// Writes. Only `apply` is given one.
pub trait WriteApi: ReadApi {
    /// Creates an object and returns it as Duo reports it.
    fn create(
        &self,
        kind: Kind,
        body: Map<String, Value>,
    ) -> impl Future<Output = Result<Object, DuoError>> + Send;

    /// Modifies an object: only the given properties change.
    fn update(
        &self,
        id: &ObjectId,
        body: Map<String, Value>,
    ) -> impl Future<Output = Result<Object, DuoError>> + Send;

    /// Deletes an object. Duo has no undelete.
    fn delete(&self, target: &Deletable) -> impl Future<Output = Result<(), DuoError>> + Send;

    /// Announces that the caller is about to wait for Duo, like [`Transport::announce`](super::call::Transport::announce).
    fn announce(&self, _reason: &'static str, _wait: Duration) {}
}
