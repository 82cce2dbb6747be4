//! One delivery: the keys are fetched once, stored, read back, and proven by a call with what was read back.

use std::collections::BTreeMap;

use jiff::{Timestamp, Unit};
use thiserror::Error;

use crate::duo::api::{ReadApi as _, SecretApi as _};
use crate::duo::assertion::{health_check_call, token_id};
use crate::duo::call::{ApiCall, Transport};
use crate::duo::catalogue::{Family, lookup};
use crate::duo::client::{KeyReader, Reader};
use crate::duo::error::DuoError;
use crate::duo::probe::auth_check;
use crate::duo::sign::Scheme;
use crate::duo::types::Ikey;
use crate::reconcile::address::Address;
use crate::reconcile::delivery::Delivery;
use crate::secrets::payload::Payload;
use crate::secrets::store::{Contents, StoreError};
use crate::secrets::{Stores, place};
use crate::verify::report::Report;
use crate::verify::run::{Target, WAITS, verify};

/// Why keys did not arrive. The application itself is as it was.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// Duo does not hand the keys out (duo-api.md, trap 36).
    #[error("Duo does not hand out its keys: {0}")]
    Fetch(DuoError),
    /// The store failed.
    #[error("{}{}", .0.message, .0.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default())]
    Store(#[from] StoreError),
    /// The store says that it stored the keys, and gives back something else.
    #[error("{0} took the keys, but gives back {1}")]
    Lies(String, &'static str),
    /// What the store gives back is what Duo handed out, and Duo does not accept it.
    #[error("{0} holds the keys, but Duo does not accept them: {1}")]
    NotAccepted(String, DuoError),
}

/// Carries keys from Duo to secret stores.
pub struct Courier<'a, T> {
    transport: T,
    stores: &'a Stores,
}

impl<'a, T: Transport + Clone> Courier<'a, T> {
    /// A courier with the operator's connection.
    pub fn new(transport: T, stores: &'a Stores) -> Self {
        Self { transport, stores }
    }

    /// Delivers the keys of one application; returns where to and how they were proven.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`]; nothing is lost, and the next delivery begins anew.
    pub async fn deliver(
        &self,
        address: &Address,
        kind: &str,
        ikey: &Ikey,
        delivery: &Delivery,
    ) -> Result<String, DeliveryError> {
        let payload = self.fetch(address, kind, ikey).await.map_err(DeliveryError::Fetch)?;
        let store = self.stores.of(&delivery.target)?;
        let place = place(&delivery.target);
        if store.write_only() {
            store.write(&place, &payload, 0).await?;
            return Ok(format!("to {}, which cannot be read back", delivery.place));
        }
        let Contents { payload: held, revision } = store.read(&place).await?;
        if !held.is_some_and(|held| held.same_keys(&payload)) {
            store.write(&place, &payload, revision).await?;
        }
        let lies = |what| DeliveryError::Lies(delivery.place.clone(), what);
        let read = store.read(&place).await?.payload.ok_or_else(|| lies("nothing"))?;
        if !read.same_keys(&payload) {
            return Err(lies("something else"));
        }
        let proof = self.prove(kind, &read, &delivery.place).await?;
        Ok(format!("to {}; read back, {proof}", delivery.place))
    }

    /// Proves by live calls that an application's keys work and may do what they should.
    pub async fn verify(&self, target: Target) -> Report {
        verify(&self.transport, vec![target], Timestamp::now(), 1, &WAITS).await
    }

    async fn fetch(&self, address: &Address, kind: &str, ikey: &Ikey) -> Result<Payload, DuoError> {
        let keys = KeyReader::new(self.transport.clone());
        let mut clients = BTreeMap::new();
        let mut secret_key = None;
        match lookup(kind).map(|kind| kind.family) {
            Some(Family::Oidc) => {
                let live = Reader::new(self.transport.clone()).integration(ikey).await?;
                let id = live.and_then(|live| live.client_hints.into_keys().next());
                let id = id.unwrap_or_else(|| ikey.to_string());
                clients.insert(id, keys.client_secret(ikey, None).await?);
            }
            Some(Family::OAuth) => {
                let live = Reader::new(self.transport.clone()).integration(ikey).await?;
                for id in live.into_iter().flat_map(|live| live.client_hints.into_keys()) {
                    let secret = keys.client_secret(ikey, Some(&id)).await?;
                    clients.insert(id, secret);
                }
            }
            _ => secret_key = Some(keys.secret_key(ikey).await?),
        }
        let now = Timestamp::now();
        Ok(Payload {
            ikey: ikey.clone(),
            secret_key,
            clients,
            api_hostname: self.transport.host().to_owned(),
            address: address.to_string(),
            delivered_at: now.round(Unit::Second).unwrap_or(now).to_string(),
        })
    }

    /// One call that changes nothing and bothers nobody, where there is one (duo-api.md, section 6.2).
    async fn prove(&self, kind: &str, read: &Payload, place: &str) -> Result<String, DeliveryError> {
        let Some(secret) = &read.secret_key else {
            return Ok("not proven: no call without effect takes client secrets".to_owned());
        };
        let keyed = self.transport.signed_by(&read.ikey, secret);
        let asked = match kind {
            "authapi" => auth_check(&keyed, Scheme::V5).await.map(drop),
            // Without the permission Duo answers 403, once it has accepted the signature.
            "adminapi" => match keyed.send(&ApiCall::get("/admin/v1/info/summary", &[])).await {
                Err(error) if error.status() == Some(403) => Ok(()),
                other => other.map(drop),
            },
            "websdk" => {
                let Some(id) = token_id() else {
                    return Ok("not proven: this machine has no random numbers".to_owned());
                };
                let host = self.transport.host();
                let call = health_check_call(host, &read.ikey, secret, Timestamp::now(), &id);
                match self.transport.send(&call).await {
                    // Whatever Duo refuses here, it refuses the pair.
                    Err(error) if error.code().is_some() => {
                        return Err(DeliveryError::NotAccepted(place.to_owned(), error));
                    }
                    other => other.map(drop),
                }
            }
            _ => return Ok(format!("not proven: duoctl knows no call for the type {kind}")),
        };
        match asked {
            Ok(()) => Ok("proven by a signed call".to_owned()),
            Err(error) if error.is_denied() => Err(DeliveryError::NotAccepted(place.to_owned(), error)),
            Err(error) => Ok(format!("not proven: {error}")),
        }
    }
}
