//! Verifies all applications of a workspace, each with the check of its type.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::config::model::SecretTarget;
use crate::duo::api::SecretApi as _;
use crate::duo::call::Transport;
use crate::duo::client::KeyReader;
use crate::duo::documents::Fetch;
use crate::duo::error::DuoError;
use crate::duo::object::{Ikey, Object};
use crate::kinds::address::Address;
use crate::reconcile::observed::Observed;
use crate::secret::Secret;
use crate::secrets::Stores;

use super::admin_api;
use super::endpoints::Endpoints;
use super::keys::{Answer, Controls, Pair, TRY_AGAIN, ask};
use super::once::OncePer;
use super::probes::Probe;
use super::report::{APPLY, Check, Report, Subject, Verdict, unproven};
use super::single_sign_on::{self, Service};

/// Pauses before a contradicting probe is repeated: three tries over about ten seconds (duo-api.md, section 5).
pub const WAITS: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(7)];

/// An address and what the account contains for it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address.
    pub address: Address,
    /// The declared type and name, for reports about a missing application.
    pub declared: (String, String),
    /// The permissions that the YAML declares; `None` if it does not manage them.
    pub permissions: Option<BTreeSet<String>>,
    /// The live application; unreadable if it is unclear which one it is.
    pub live: Observed<Object>,
    /// The store that holds its key, and the place in words; otherwise the key comes from Duo.
    pub kept: Option<(SecretTarget, String)>,
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A secret store.
    Store,
    /// Duo, which logs that it was read.
    Duo,
}

impl Target {
    fn probe(&self) -> Option<Probe> {
        let Observed::Present(live) = &self.live else { return None };
        Some(Probe::of(live))
    }

    /// How many calls its check needs if all goes well: one to fetch the key from Duo, and those that test it.
    pub fn calls(&self) -> usize {
        let fetching = usize::from(self.key() == Some(KeySource::Duo));
        self.probe().map_or(0, |probe| fetching + probe.calls())
    }

    /// Where the key that is tested comes from; `None` if none is.
    pub fn key(&self) -> Option<KeySource> {
        self.probe().filter(|probe| probe.without_key().is_none())?;
        Some(if self.kept.is_some() { KeySource::Store } else { KeySource::Duo })
    }
}

/// What a verification works with. It changes nothing, and secret keys stay in memory.
pub struct Verifier<'a, T> {
    operator: &'a T,
    now: Timestamp,
    /// The stores that [`Target::kept`] names.
    pub stores: Option<&'a Stores>,
    /// Fetches the documents of single sign-on applications.
    pub documents: Option<&'a dyn Fetch>,
    /// Also tries the hosts that users are sent to.
    pub endpoints: Option<&'a Endpoints>,
    /// What Duo answers to wrong keys.
    pub controls: Controls,
    /// How many applications are checked at once.
    pub parallelism: usize,
    /// The pauses before a call is repeated that contradicts what Duo shows.
    pub waits: &'a [Duration],
    /// Why Duo does not hand out the keys of a type, if it does not.
    denied: OncePer<Option<DuoError>>,
}

impl<'a, T: Transport + Clone> Verifier<'a, T> {
    /// With the operator's connection alone, one application after the other.
    pub fn new(operator: &'a T, now: Timestamp) -> Self {
        Self {
            operator,
            now,
            stores: None,
            documents: None,
            endpoints: None,
            controls: Controls::default(),
            parallelism: 1,
            waits: &WAITS,
            denied: OncePer::default(),
        }
    }

    /// Checks every target; `seen` is called for each, in their order, while others are still being checked.
    pub async fn verify(&self, targets: Vec<Target>, seen: &(dyn Fn(&Subject) + Sync)) -> Report {
        let checking = targets.into_iter().map(|target| self.subject(target));
        let subjects = futures_util::stream::iter(checking)
            .buffered(self.parallelism.max(1))
            .inspect(seen)
            .collect()
            .await;
        Report { subjects, connections: Vec::new() }
    }

    async fn subject(&self, target: Target) -> Subject {
        let begun = Instant::now();
        let Target { address, declared, permissions, live, kept } = target;
        let live = match live {
            Observed::Present(live) => live,
            absent => {
                let checks = vec![no_application(absent)];
                let (kind, name) = declared;
                return Subject { address, ikey: None, kind, name, checks, took: begun.elapsed() };
            }
        };
        let probe = Probe::of(&live);
        let mut checks = if probe.without_key().is_some() {
            let service =
                self.documents.map(|documents| Service { documents, now: self.now, waits: self.waits });
            single_sign_on::check(probe, &live, service.as_ref()).await
        } else {
            self.key_checks(probe, &live, permissions.as_ref(), kept.as_ref()).await
        };
        if let Some(endpoints) = self.endpoints {
            checks.extend(endpoints.check(&live).await);
        }
        Subject {
            address,
            ikey: Some(live.id.clone()),
            kind: live.variant().to_owned(),
            name: live.name().to_owned(),
            checks,
            took: begun.elapsed(),
        }
    }

    async fn key_checks(
        &self,
        probe: Probe,
        live: &Object,
        permissions: Option<&BTreeSet<String>>,
        kept: Option<&(SecretTarget, String)>,
    ) -> Vec<Check> {
        let (secret, place) = match kept {
            // Duo's key instead would be another one than was announced, and prove nothing about the store.
            Some((target, place)) => match self.stored(&live.id, target).await {
                Some(secret) => (secret, Some(place)),
                None => {
                    let detail = format!("{place} no longer holds the key that it held a moment ago");
                    return vec![Check::new("secret key", Verdict::Inconclusive, detail).fix(TRY_AGAIN)];
                }
            },
            None => match self.handed_out(live).await {
                Ok(secret) => (secret, None),
                Err(error) => return vec![no_secret(&error)],
            },
        };
        let mut checks = if probe == Probe::AdminApi {
            // Its permissions are probed one by one, which tests the key, too.
            let keyed = self.operator.signed_by(&live.id, &secret);
            admin_api::check(&keyed, live, permissions, self.now, self.waits).await
        } else {
            let pair = Pair { ikey: &live.id, secret: &secret };
            let found = ask(probe, live.variant(), self.operator, pair, &self.controls, self.now).await;
            vec![found.check(probe.name())]
        };
        if let Some(place) = place {
            checks.iter_mut().for_each(|check| from_store(check, place));
        }
        checks
    }

    /// The key that a store holds, if it is that of this application.
    async fn stored(&self, ikey: &Ikey, target: &SecretTarget) -> Option<Secret> {
        let contents = self.stores?.read(target).await.ok().flatten()?;
        contents.payload.filter(|payload| payload.ikey == *ikey)?.secret_key
    }

    /// The key that Duo hands out. If it refuses for one application of a type, the others are not asked for.
    async fn handed_out(&self, live: &Object) -> Result<Secret, DuoError> {
        let keys = KeyReader::new(self.operator.clone());
        let mut first = None;
        let denied = self.denied.get(live.variant(), async {
            match keys.secret_key(&live.id).await {
                Err(error) if Answer::of(&error) == Answer::Forbidden => Some(error),
                other => {
                    first = Some(other);
                    None
                }
            }
        });
        if let Some(error) = denied.await {
            return Err(error);
        }
        match first {
            Some(answer) => answer,
            None => keys.secret_key(&live.id).await,
        }
    }
}

/// There is nothing to probe.
fn no_application(live: Observed<Object>) -> Check {
    let name = "application";
    match live {
        Observed::Unreadable(reason) => Check::new(name, Verdict::NotTestable, reason),
        Observed::NotRead => Check::new(name, Verdict::NotTestable, "duoctl did not look for it"),
        Observed::Present(_) | Observed::Absent => {
            let detail = "the account has no application of this type for it";
            Check::new(name, Verdict::Failed, detail).fix(APPLY)
        }
    }
}

/// A key that cannot be fetched cannot be probed; the application may still be fine (trap 36).
fn no_secret(error: &DuoError) -> Check {
    if Answer::of(error) == Answer::Forbidden {
        let detail = "the operator may not read the secret keys of this type";
        Check::new("secret key", Verdict::NotTestable, detail)
            .fix("grant the operator `Grant applications`, or verify with an operator that has it")
    } else {
        unproven("secret key", error)
    }
}

/// A wrong key in a store does not mean that Duo's is wrong.
fn from_store(check: &mut Check, place: &str) {
    let key_is_wrong = check.fix.as_deref().is_some_and(|fix| fix.contains("reset"));
    if check.verdict == Verdict::Failed && key_is_wrong {
        check.detail = format!("{place} does not hold the current key: {}", check.detail);
        check.fix = Some(APPLY.to_owned());
    }
}
