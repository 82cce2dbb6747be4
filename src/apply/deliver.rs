//! One delivery: the keys are fetched once, stored, read back, and proven by a call with what was read back.

use std::collections::BTreeMap;

use jiff::{Timestamp, Unit};
use thiserror::Error;

use crate::duo::api::{ReadApi as _, SecretApi as _};
use crate::duo::call::Transport;
use crate::duo::catalogue::{Family, lookup};
use crate::duo::client::{KeyReader, Reader};
use crate::duo::error::DuoError;
use crate::duo::types::{Ikey, Integration};
use crate::kinds::address::Address;
use crate::reconcile::delivery::Delivery;
use crate::secrets::payload::{Payload, Previous};
use crate::secrets::store::{Contents, Place, Store, StoreError};
use crate::secrets::{Stores, github, place};
use crate::verify::keys::KeyProbe;
use crate::verify::report::{Report, Verdict};
use crate::verify::run::{Target, WAITS, verify};

use super::converge;

/// How it begins what is said of keys that their store held already.
pub const HELD: &str = "already in ";

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
    /// The application was deleted while its key was being delivered: whose key the store holds again.
    #[error(
        "its application was deleted meanwhile, {}",
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
    /// Every time a key had been stored, Duo had another one.
    #[error("its key is being replaced by another run, so {0} may hold an old one")]
    Unsettled(String),
    /// Duo does not accept a key that it made a moment ago; the store was not touched.
    #[error("Duo does not accept the new key yet, so the store keeps the old one: {0}")]
    Unproven(DuoError),
}

/// How often a key is stored that was replaced meanwhile.
const ATTEMPTS: usize = 3;

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

    /// The operator's connection.
    pub fn operator(&self) -> &T {
        &self.transport
    }

    /// Delivers the keys of one application; returns where to, or where they were already, and how they were proven.
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
        let mut payload = self.fetch(address, kind, ikey).await.map_err(DeliveryError::Fetch)?;
        github::hide(payload.secrets());
        let store = self.stores.of(&delivery.target)?;
        if let Some(old) = &delivery.beside {
            let secret_key = KeyReader::new(self.transport.clone()).secret_key(old).await;
            let secret_key = secret_key.map_err(DeliveryError::Fetch)?;
            github::hide([&secret_key]);
            payload.previous = Some(Previous { ikey: old.clone(), secret_key });
            // The old key still works: nobody is to read a new one from the store that does not.
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

    /// Puts keys into a store, and proves what it gives back where it can be read.
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
                "to {}, which cannot be read back: that the key arrived is not proven",
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

    /// The key of the application that a twin was to replace goes back into the store: the twin is gone. Returns whose key
    /// that is, where it arrived.
    async fn put_back(
        &self,
        store: &dyn Store,
        address: &Address,
        kind: &str,
        delivery: &Delivery,
    ) -> Option<Ikey> {
        let old = delivery.beside.as_ref()?;
        let payload = self.fetch(address, kind, old).await.ok()?;
        github::hide(payload.secrets());
        self.store(store, kind, &payload, delivery).await.ok().map(|_| old.clone())
    }

    /// Proves that a store can be written, with the keys that Duo has now: a new key that could not be stored would be an
    /// outage. Where the store cannot be read back, only that its command succeeds is proven.
    ///
    /// # Errors
    ///
    /// [`DeliveryError`]; Duo was only read.
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
        // What is there already is written as it is, so that it keeps its age.
        let again = held.filter(|held| held.same_keys(&payload)).unwrap_or(payload);
        store.write(&place, &again, revision).await?;
        read_back(store, &place, &again, delivery).await.map(drop)
    }

    /// Whether what a place holds may be replaced: not the keys of another address or workspace, unless they are those of
    /// this very application.
    fn check_owner(
        &self,
        held: Option<&Payload>,
        payload: &Payload,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        let Some(held) = held else { return Ok(()) };
        let own = self.stores.owner(&payload.address);
        let known = held.ikey == payload.ikey || delivery.beside.as_ref() == Some(&held.ikey);
        if known || own.owns(&held.workspace, &held.address) {
            return Ok(());
        }
        Err(StoreError::taken(&delivery.place, held.ikey.as_str(), &held.address, &held.workspace, own))
    }

    /// Nothing promises that a new key works at once, so it is tried three times before it counts as refused. Here any
    /// refusal counts: the key that the store holds works, and this one is not known to.
    async fn prove_before(&self, kind: &str, payload: &Payload) -> Result<(), DeliveryError> {
        let mut refused = None;
        for wait in converge::WAITS {
            self.transport.announce("Duo does not accept the new key yet", wait);
            tokio::time::sleep(wait).await;
            match self.try_keys(kind, payload).await {
                Proof::Accepted | Proof::NotTestable(_) | Proof::None(_) => return Ok(()),
                Proof::Refused(error) | Proof::Doubtful(error, _) => refused = Some(error),
            }
        }
        refused.map_or(Ok(()), |error| Err(DeliveryError::Unproven(error)))
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
                let id = live.as_ref().and_then(|live| live.client_ids().first().copied());
                let id = id.unwrap_or(ikey.as_str()).to_owned();
                clients.insert(id, keys.client_secret(ikey, None).await?);
            }
            Some(Family::OAuth) => {
                let live = Reader::new(self.transport.clone()).integration(ikey).await?;
                for id in live.iter().flat_map(Integration::client_ids) {
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
            workspace: self.stores.owner(address.as_str()).workspace.to_owned(),
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

    /// One call that changes nothing and bothers nobody, where there is one (duo-api.md, section 6.2).
    pub async fn try_keys(&self, kind: &str, keys: &Payload) -> Proof {
        let Some(secret) = &keys.secret_key else {
            let reason = if keys.clients.is_empty() {
                "Duo has no client secret of it"
            } else {
                "Duo takes a client secret only to issue a token, and a test would issue one"
            };
            return Proof::NotTestable(reason.to_owned());
        };
        let Some(probe) = KeyProbe::of_type(kind) else {
            return Proof::NotTestable(format!("no call without effect is known for the type {kind}"));
        };
        let found = probe.ask(&self.transport, &keys.ikey, secret, Timestamp::now()).await;
        match (found.verdict, found.refusal) {
            (Verdict::Verified, _) => Proof::Accepted,
            (Verdict::Failed, Some(error)) => Proof::Refused(error),
            (_, Some(error)) => Proof::Doubtful(error, found.detail),
            (_, None) => Proof::None(found.detail),
        }
    }
}

/// What a place gives back after a write, if that is what was written.
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

/// What a call with some keys showed.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Duo accepted them.
    Accepted,
    /// Duo says that they are wrong.
    Refused(DuoError),
    /// Duo refused the call, which need not mean that they are wrong: the refusal, and what is known.
    Doubtful(DuoError, String),
    /// No call without effect could show anything: why.
    NotTestable(String),
    /// The call brought no answer that shows anything: why.
    None(String),
}
