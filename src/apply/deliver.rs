//! One delivery: the keys are fetched once, stored, read back, and proven by a call with the keys that were read back.

use std::collections::BTreeMap;

use jiff::{Timestamp, Unit};
use thiserror::Error;

use crate::duo::api::{ReadApi as _, SecretApi as _};
use crate::duo::call::Transport;
use crate::duo::catalogue::{Family, lookup};
use crate::duo::client::{KeyReader, Reader};
use crate::duo::error::DuoError;
use crate::duo::object::{Ikey, Object, ObjectId};
use crate::kinds::address::Address;
use crate::reconcile::delivery::Delivery;
use crate::secrets::payload::{Owner, Payload, Previous};
use crate::secrets::store::{Contents, Place, Store, StoreError};
use crate::secrets::{Stores, github, place};
use crate::verify::keys::{Controls, Pair, ask};
use crate::verify::probes::Probe;
use crate::verify::report::{Report, Verdict};
use crate::verify::run::{Target, Verifier};

use super::converge;

/// The prefix for keys that their store already held.
pub const HELD: &str = "already in ";

/// Why keys did not arrive. The application itself is unchanged.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// Duo does not hand the keys out (duo-api.md, trap 36).
    #[error("its keys cannot be read from Duo: {0}")]
    Fetch(DuoError),
    /// The store failed.
    #[error("{}{}", .0.message, .0.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default())]
    Store(#[from] StoreError),
    /// The store reported that it stored the keys, but returns something else.
    #[error("{0} accepted the keys, but returns {1}")]
    Lies(String, &'static str),
    /// The store returns the keys that came from Duo, but Duo does not accept them.
    #[error("{0} holds the keys, but Duo does not accept them: {1}")]
    NotAccepted(String, DuoError),
    /// The application was deleted while its key was being delivered.
    #[error(
        "its application was deleted in the meantime, {}",
        match .back {
            Some(old) => format!("so {} holds the key of {old} again", .place),
            None => format!("and {} may hold its key", .place),
        }
    )]
    Gone {
        /// The store, in words.
        place: String,
        /// The application whose key was put back.
        back: Option<Ikey>,
    },
    /// Each time a key was stored, Duo already had another one.
    #[error("its key is being replaced by another run, so {0} may hold an old one")]
    Unsettled(String),
    /// Duo does not accept a key that it just created; the store was not changed.
    #[error("Duo does not accept the new key yet, so the store keeps the old one: {0}")]
    Unproven(DuoError),
}

/// How often a key is stored again if it was replaced in the meantime.
const ATTEMPTS: usize = 3;

/// Carries keys from Duo to secret stores.
pub struct Courier<'a, T> {
    transport: T,
    stores: &'a Stores,
    controls: Controls,
}

impl<'a, T: Transport + Clone> Courier<'a, T> {
    /// Uses the operator's connection.
    pub fn new(transport: T, stores: &'a Stores) -> Self {
        Self { transport, stores, controls: Controls::default() }
    }

    /// The same, with what the run knows of Duo's answers to wrong keys.
    #[must_use]
    pub fn controlled(self, controls: &Controls) -> Self {
        Self { controls: controls.clone(), ..self }
    }

    /// The operator's connection.
    pub fn operator(&self) -> &T {
        &self.transport
    }

    /// Delivers the keys of one application; returns where they were delivered or already were, and how they were proven.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`]; nothing is lost, and the next delivery starts over.
    pub async fn deliver(
        &self,
        address: &Address,
        kind: &str,
        ikey: &Ikey,
        delivery: &Delivery,
    ) -> Result<String, DeliveryError> {
        let mut payload = self.fetch(address, kind, ikey).await.map_err(DeliveryError::Fetch)?;
        github::hide(payload.secrets());
        let store = self.stores.of(&delivery.target)?;
        if let Some(old) = &delivery.previous {
            let secret_key = KeyReader::new(self.transport.clone()).secret_key(old).await;
            let secret_key = secret_key.map_err(DeliveryError::Fetch)?;
            github::hide([&secret_key]);
            payload.previous = Some(Previous { ikey: old.clone(), secret_key });
            // The old key still works, so consumers must not get a new one that does not.
            self.prove_before(kind, &payload).await?;
        }
        for _ in 0..ATTEMPTS {
            let arrived = self.store(store, kind, &payload, delivery).await?;
            // Another run may have replaced the key, or deleted the application, since the key was read.
            match self.fetch(address, kind, ikey).await {
                Ok(now) if now.same_keys(&payload) => return Ok(arrived),
                Ok(now) => {
                    github::hide(now.secrets());
                    payload = Payload { previous: payload.previous, ..now };
                }
                Err(error) if error.is_not_found() => {
                    let back = self.put_back(store, address, kind, delivery).await;
                    return Err(DeliveryError::Gone { place: delivery.place.clone(), back });
                }
                Err(error) => return Err(DeliveryError::Fetch(error)),
            }
        }
        Err(DeliveryError::Unsettled(delivery.place.clone()))
    }

    /// Writes keys to a store, reads them back if possible, and proves them.
    async fn store(
        &self,
        store: &dyn Store,
        kind: &str,
        payload: &Payload,
        delivery: &Delivery,
    ) -> Result<String, DeliveryError> {
        let place = place(&delivery.target);
        if store.write_only() {
            store.write(&place, payload, 0).await?;
            return Ok(format!(
                "to {}, which cannot be read back: it is not proven that the key arrived",
                delivery.place
            ));
        }
        let Contents { payload: held, revision } = store.read(&place).await?;
        self.check_owner(held.as_ref(), payload, delivery)?;
        let kept = held.is_some_and(|held| held.same_keys(payload) && held.same_previous(payload));
        if !kept {
            store.write(&place, payload, revision).await?;
        }
        let read = read_back(store, &place, payload, delivery).await?;
        let proof = self.prove(kind, &read, &delivery.place).await?;
        Ok(format!("{}{}; read back, {proof}", if kept { HELD } else { "to " }, delivery.place))
    }

    /// Writes the key of the old application back to the store, because its successor is gone. Returns the old
    /// application if its key arrived.
    async fn put_back(
        &self,
        store: &dyn Store,
        address: &Address,
        kind: &str,
        delivery: &Delivery,
    ) -> Option<Ikey> {
        let old = delivery.previous.as_ref()?;
        let payload = self.fetch(address, kind, old).await.ok()?;
        github::hide(payload.secrets());
        self.store(store, kind, &payload, delivery).await.ok().map(|_| old.clone())
    }

    /// Proves that a store can be written, using the current keys: a new key that could not be stored would be an outage.
    /// If the store cannot be read back, this proves only that its command succeeds.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`]; nothing was changed in Duo.
    pub async fn rehearse(
        &self,
        address: &Address,
        kind: &str,
        ikey: &Ikey,
        delivery: &Delivery,
    ) -> Result<(), DeliveryError> {
        let payload = self.fetch(address, kind, ikey).await.map_err(DeliveryError::Fetch)?;
        github::hide(payload.secrets());
        let (store, place) = (self.stores.of(&delivery.target)?, place(&delivery.target));
        if store.write_only() {
            return Ok(store.write(&place, &payload, 0).await?);
        }
        let Contents { payload: held, revision } = store.read(&place).await?;
        self.check_owner(held.as_ref(), &payload, delivery)?;
        // Keys that are already there are written unchanged, so that they keep their age.
        let again = held.filter(|held| held.same_keys(&payload)).unwrap_or(payload);
        store.write(&place, &again, revision).await?;
        read_back(store, &place, &again, delivery).await.map(drop)
    }

    /// Whether the contents of a path may be replaced: not the keys of another address or workspace, unless they belong
    /// to this application.
    fn check_owner(
        &self,
        held: Option<&Payload>,
        payload: &Payload,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        let Some(held) = held else { return Ok(()) };
        let own = self.stores.owner(&payload.address, &payload.api_hostname);
        let known = held.ikey == payload.ikey || delivery.previous.as_ref() == Some(&held.ikey);
        if known || own.owns(&held.workspace, &held.address, &held.api_hostname) {
            return Ok(());
        }
        let whose = Owner {
            workspace: &held.workspace,
            formerly: None,
            address: &held.address,
            host: &held.api_hostname,
        };
        Err(StoreError::taken(&delivery.place, held.ikey.as_str(), whose, own))
    }

    /// Duo does not promise that a new key works immediately, so it is tried three times before it counts as refused. Any
    /// refusal counts here, because the key in the store works and this one is not known to work; except an answer that
    /// Duo gives to the working key as well, since that proves nothing about either.
    async fn prove_before(&self, kind: &str, payload: &Payload) -> Result<(), DeliveryError> {
        let mut refused = None;
        for wait in converge::WAITS {
            self.transport.announce("Duo does not accept the new key yet", wait);
            tokio::time::sleep(wait).await;
            match self.try_keys(kind, payload).await {
                Proof::Accepted | Proof::NotTestable(_) | Proof::None(_) => return Ok(()),
                Proof::Refused(error) => refused = Some((error, true)),
                Proof::Doubtful(error, _) => refused = Some((error, false)),
            }
        }
        let Some((error, certain)) = refused else { return Ok(()) };
        if let (false, Some(Previous { ikey, secret_key })) = (certain, &payload.previous) {
            let working = self.try_pair(kind, Pair { ikey, secret: secret_key }).await;
            if !matches!(working, Proof::Accepted) {
                return Ok(());
            }
        }
        Err(DeliveryError::Unproven(error))
    }

    /// Proves with live calls that an application's keys work and have the right permissions.
    pub async fn verify(&self, target: Target) -> Report {
        let mut verifier = Verifier::new(&self.transport, Timestamp::now());
        verifier.controls = self.controls.clone();
        verifier.verify(vec![target], &|_| ()).await
    }

    async fn fetch(&self, address: &Address, kind: &str, ikey: &Ikey) -> Result<Payload, DuoError> {
        let keys = KeyReader::new(self.transport.clone());
        let mut clients = BTreeMap::new();
        let mut secret_key = None;
        match lookup(kind).map(|kind| kind.family) {
            Some(Family::Oidc) => {
                let live = Reader::new(self.transport.clone()).get(&ObjectId::application(ikey)).await?;
                let id = live.as_ref().and_then(|live| live.client_ids().first().copied());
                let id = id.unwrap_or(ikey.as_str()).to_owned();
                clients.insert(id, keys.client_secret(ikey, None).await?);
            }
            Some(Family::OAuth) => {
                let live = Reader::new(self.transport.clone()).get(&ObjectId::application(ikey)).await?;
                for id in live.iter().flat_map(Object::client_ids) {
                    clients.insert(id.to_owned(), keys.client_secret(ikey, Some(id)).await?);
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
            workspace: self.stores.workspace().to_owned(),
            delivered_at: now.round(Unit::Second).unwrap_or(now).to_string(),
            previous: None,
        })
    }

    async fn prove(&self, kind: &str, read: &Payload, place: &str) -> Result<String, DeliveryError> {
        match self.try_keys(kind, read).await {
            Proof::Accepted => Ok("proven by a signed call".to_owned()),
            Proof::Refused(error) => Err(DeliveryError::NotAccepted(place.to_owned(), error)),
            Proof::NotTestable(reason) => Ok(format!("not testable: {reason}")),
            Proof::Doubtful(_, reason) | Proof::None(reason) => Ok(format!("not proven: {reason}")),
        }
    }

    /// Makes the read-only calls for a type.
    pub async fn try_keys(&self, kind: &str, keys: &Payload) -> Proof {
        let probe = Probe::of_type(kind);
        let Some(secret) = &keys.secret_key else {
            let reason = match probe.without_key() {
                Some(reason) if !keys.clients.is_empty() => reason,
                _ => "Duo has no client secret for it",
            };
            return Proof::NotTestable(reason.to_owned());
        };
        self.try_pair(kind, Pair { ikey: &keys.ikey, secret }).await
    }

    async fn try_pair(&self, kind: &str, pair: Pair<'_>) -> Proof {
        let probe = Probe::of_type(kind);
        let found = ask(probe, kind, &self.transport, pair, &self.controls, Timestamp::now()).await;
        match (found.verdict, found.refusal) {
            (Verdict::Verified, _) => Proof::Accepted,
            (Verdict::NotTestable, _) => Proof::NotTestable(found.detail),
            (Verdict::Failed, Some(error)) => Proof::Refused(error),
            (_, Some(error)) => Proof::Doubtful(error, found.detail),
            (_, None) => Proof::None(found.detail),
        }
    }
}

/// Reads a path after a write and checks that it returns what was written.
async fn read_back(
    store: &dyn Store,
    place: &Place,
    written: &Payload,
    delivery: &Delivery,
) -> Result<Payload, DeliveryError> {
    let lies = |what| DeliveryError::Lies(delivery.place.clone(), what);
    let read = store.read(place).await?.payload.ok_or_else(|| lies("nothing"))?;
    if read.same_keys(written) && read.same_previous(written) {
        Ok(read)
    } else {
        Err(lies("something else"))
    }
}

/// The result of a call with some keys.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Duo accepted them.
    Accepted,
    /// Duo reported that they are wrong.
    Refused(DuoError),
    /// Duo refused the call, which does not have to mean that they are wrong: the refusal, and what is known.
    Doubtful(DuoError, String),
    /// No read-only call can show anything: the reason.
    NotTestable(String),
    /// The call returned no conclusive answer: the reason.
    None(String),
}
