//! Verifies all applications of a workspace, each with the probes of its type.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::duo::api::SecretApi as _;
use crate::duo::call::Transport;
use crate::duo::client::KeyReader;
use crate::duo::error::DuoError;
use crate::duo::object::Object;
use crate::duo::probe::permission_probes;
use crate::kinds::address::Address;
use crate::reconcile::observed::Observed;

use super::admin_api;
use super::keys::{Answer, KeyProbe};
use super::report::{APPLY, Check, Report, Subject, Verdict, unproven};

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
}

impl Target {
    /// How many calls its probe needs if all goes well: one to fetch the key, and those that test it.
    pub fn calls(&self) -> usize {
        let Observed::Present(live) = &self.live else { return 0 };
        match KeyProbe::of(live) {
            None => 0,
            Some(KeyProbe::AdminApi) => 1 + permission_probes(Timestamp::UNIX_EPOCH).len(),
            Some(KeyProbe::AuthApi | KeyProbe::UniversalPrompt) => 2,
        }
    }
}

/// Probes every target, at most `parallelism` at once. Changes nothing; secret keys stay in memory.
pub async fn verify<T: Transport + Clone>(
    operator: &T,
    targets: Vec<Target>,
    now: Timestamp,
    parallelism: usize,
    waits: &[Duration],
) -> Report {
    verify_watched(operator, targets, now, parallelism, waits, &|_| ()).await
}

/// The same; `seen` is called for each application, in the order of the targets, while others are still being checked.
pub async fn verify_watched<T: Transport + Clone>(
    operator: &T,
    targets: Vec<Target>,
    now: Timestamp,
    parallelism: usize,
    waits: &[Duration],
    seen: &(dyn Fn(&Subject) + Sync),
) -> Report {
    let probes = targets.into_iter().map(|target| subject(operator, target, now, waits));
    let subjects =
        futures_util::stream::iter(probes).buffered(parallelism.max(1)).inspect(seen).collect().await;
    Report { subjects, connections: Vec::new() }
}

async fn subject<T: Transport + Clone>(
    operator: &T,
    target: Target,
    now: Timestamp,
    waits: &[Duration],
) -> Subject {
    let begun = Instant::now();
    let live = match target.live {
        Observed::Present(live) => live,
        absent => {
            let checks = vec![no_application(absent)];
            let (kind, name) = target.declared;
            return Subject {
                address: target.address,
                ikey: None,
                kind,
                name,
                checks,
                took: begun.elapsed(),
            };
        }
    };
    let checks = match KeyProbe::of(&live) {
        None => {
            let detail = format!("duoctl has no probe for the type `{}`", live.variant());
            vec![Check::new("secret key", Verdict::NotTestable, detail)]
        }
        Some(probe) => match KeyReader::new(operator.clone()).secret_key(&live.id).await {
            Err(error) => vec![no_secret(&error)],
            Ok(secret) => match probe {
                // Its permissions are probed one by one, which tests the key, too.
                KeyProbe::AdminApi => {
                    let keyed = operator.signed_by(&live.id, &secret);
                    admin_api::check(&keyed, &live, target.permissions.as_ref(), now, waits).await
                }
                KeyProbe::AuthApi | KeyProbe::UniversalPrompt => {
                    vec![probe.ask(operator, &live.id, &secret, now).await.check(probe.name())]
                }
            },
        },
    };
    Subject {
        address: target.address,
        ikey: Some(live.id.clone()),
        kind: live.variant().to_owned(),
        name: live.name().to_owned(),
        checks,
        took: begun.elapsed(),
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
        Check::new("secret key", Verdict::NotTestable, format!("the operator may not read it: {error}"))
            .fix("grant the operator `Grant applications`, or verify with an operator that has it")
    } else {
        unproven("secret key", error)
    }
}
