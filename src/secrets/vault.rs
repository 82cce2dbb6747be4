//! HashiCorp Vault and OpenBao: the key-value engine, version 1 or 2, through its HTTP API.
//!
//! On version 2 every write names the version it replaces, so a concurrent write is never overwritten.

use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use self::http::{Answer, escaped};
use self::wire::Wire;
use super::options;
use super::payload::Payload;
use super::store::{Contents, Place, Store, StoreError};
use crate::credentials::Surroundings;

mod http;
mod login;
mod wire;

/// A key-value engine on a server.
pub struct VaultStore {
    address: String,
    mount: String,
    version: Version,
    wire: Wire,
    /// Set once the mount is known to have the declared version.
    checked: OnceCell<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl VaultStore {
    /// The store at `address` and `mount`. Sends nothing yet.
    pub fn new(options: &Value, around: &Surroundings) -> Self {
        let version = options.get("kv_version").and_then(Value::as_u64);
        let address = options::text(options, "address").trim_end_matches('/').to_owned();
        Self {
            wire: Wire::new(&address, options, around),
            address,
            mount: options::text(options, "mount").trim_matches('/').to_owned(),
            version: if version == Some(1) { Version::One } else { Version::Two },
            checked: OnceCell::new(),
        }
    }

    /// The path under `/v1/` of a secret.
    fn data_path(&self, path: &str) -> String {
        match self.version {
            Version::One => format!("{}/{}", escaped(&self.mount), escaped(path)),
            Version::Two => format!("{}/data/{}", escaped(&self.mount), escaped(path)),
        }
    }

    /// Asks the server once: a version 1 engine would accept a version 2 request as an odd path.
    async fn check_mount(&self) -> Result<(), StoreError> {
        let check = || async {
            let path = format!("sys/internal/ui/mounts/{}", escaped(&self.mount));
            let answer = self.wire.send(Method::GET, &path, None).await?;
            match answer.status {
                200 => self.judge_mount(&answer),
                // Servers without this endpoint are trusted to have the declared version.
                404 | 405 if !answer.no_such_mount() => Ok(()),
                403 => Err(self.forbidden("has no access to anything in", &self.mount)),
                _ => Err(self.refused(&answer, &self.mount)),
            }
        };
        self.checked.get_or_try_init(check).await.map(|_| ())
    }

    fn judge_mount(&self, answer: &Answer) -> Result<(), StoreError> {
        let text = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, version) = (text("/data/type"), text("/data/options/version"));
        if !matches!(kind, "" | "kv" | "generic") {
            let message = format!("the mount {} at {} has type {kind:?}, not kv", self.mount, self.address);
            return Err(StoreError::new(message).help("set `mount` to the mount of a key-value engine"));
        }
        // A key-value engine without a version has version 1.
        let live = if version == "2" { Version::Two } else { Version::One };
        if kind.is_empty() || live == self.version {
            return Ok(());
        }
        Err(self.wrong_version(if live == Version::Two { 2 } else { 1 }))
    }

    fn wrong_version(&self, live: u8) -> StoreError {
        let message =
            format!("the mount {} at {} is a version {live} key-value engine", self.mount, self.address);
        StoreError::new(message).help(format!("set `kv_version: {live}`"))
    }

    fn forbidden(&self, what: &str, path: &str) -> StoreError {
        StoreError::new(format!("{} refused the request: the token {what} {path}", self.address)).help(
            format!(
                "its policy needs `create`, `read` and `update` on {}",
                match self.version {
                    Version::One => format!("{}/*", self.mount),
                    Version::Two => format!("{}/data/*", self.mount),
                }
            ),
        )
    }

    /// What an unsuccessful reply means.
    fn refused(&self, answer: &Answer, path: &str) -> StoreError {
        let (address, mount) = (&self.address, &self.mount);
        match answer.status {
            403 => self.forbidden("has no access to", path),
            404 if answer.no_such_mount() => StoreError::new(format!("{address} has no mount {mount}"))
                .help("correct `mount` or `namespace`, or enable the key-value engine there"),
            400 if answer.says("check-and-set") => {
                StoreError::new(format!("another client wrote {path} at {address} at the same time"))
                    .help("nothing was overwritten; run `duoctl apply` again")
            }
            _ => answer.refusal(address),
        }
    }
}

impl Store for VaultStore {
    fn read<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Contents, StoreError>> {
        Box::pin(async move {
            self.check_mount().await?;
            let path = self.data_path(&place.path);
            let answer = self.wire.send(Method::GET, &path, None).await?;
            let (data, revision) = match (answer.status, self.version) {
                (200, Version::One) => (answer.body.pointer("/data"), 0),
                // A deleted version still counts: the next write must name it.
                (200 | 404, Version::Two) if !answer.no_such_mount() => {
                    let revision = answer.body.pointer("/data/metadata/version").and_then(Value::as_u64);
                    (answer.body.pointer("/data/data"), revision.unwrap_or_default())
                }
                (404, Version::One) if answer.warns("versioned") => return Err(self.wrong_version(2)),
                (404, Version::One) if !answer.no_such_mount() => (None, 0),
                _ => return Err(self.refused(&answer, &path)),
            };
            let payload = match data {
                None | Some(Value::Null) => None,
                Some(Value::Object(object)) if object.is_empty() => None,
                Some(Value::Object(object)) => {
                    let foreign = |why: &str| StoreError::foreign(&self.describe(&place.path), why);
                    Some(Payload::from_object(object).map_err(foreign)?)
                }
                Some(_) => return Err(StoreError::foreign(&self.describe(&place.path), "it is not a map")),
            };
            Ok(Contents { payload, revision })
        })
    }

    fn write<'a>(
        &'a self,
        place: &'a Place,
        payload: &'a Payload,
        revision: u64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.check_mount().await?;
            let path = self.data_path(&place.path);
            let object: Map<String, Value> = payload.object();
            let body = match self.version {
                Version::One => Value::Object(object),
                Version::Two => json!({"options": {"cas": revision}, "data": object}),
            };
            let answer = self.wire.send(Method::POST, &path, Some(body)).await?;
            match answer.status {
                200 | 204 => Ok(()),
                404 if answer.warns("versioned") => Err(self.wrong_version(2)),
                _ => Err(self.refused(&answer, &path)),
            }
        })
    }

    fn describe(&self, path: &str) -> String {
        format!("Vault {}: {}/{path}", self.address, self.mount)
    }
}
