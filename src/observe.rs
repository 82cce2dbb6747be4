//! One reading of the account: the lists that a plan needs, each once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};

use crate::duo::activity::{Activities, Activity, activities};
use crate::duo::api::ReadApi;
use crate::duo::call::Transport;
use crate::duo::error::DuoError;
use crate::duo::types::{Account, Ikey};
use crate::duo::usage::{LastUses, last_uses};
use crate::reconcile::address::Address;
use crate::reconcile::age::{Creation, Creations, LOG_REACH};
use crate::reconcile::delivery::{Held, HeldKeys};
use crate::reconcile::desired::{Desired, DesiredApplication};
use crate::reconcile::marker::MarkerState;
use crate::reconcile::matching::match_all;
use crate::reconcile::observed::{Observation, Observed};
use crate::reconcile::plan::is_intelligence;
use crate::reconcile::rotation::Uses;
use crate::secret::Secret;
use crate::secrets::Stores;
use crate::secrets::store::{Contents, StoreError};

/// An observation, and the errors behind what could not be read.
#[derive(Debug)]
pub struct Reading {
    /// What was seen.
    pub observation: Observation,
    /// Why something could not be read.
    pub failures: Vec<DuoError>,
}

/// Reads the account: applications always, groups and policies only where the YAML names one.
pub async fn observe(reader: &impl ReadApi, desired: &Desired, operator: &Ikey, host: &str) -> Reading {
    let wants = |needs: fn(&DesiredApplication) -> bool| desired.applications.iter().any(needs);
    let needs = Needs {
        groups: wants(DesiredApplication::names_groups),
        policies: wants(DesiredApplication::names_policy),
        account: desired.plan.is_some() || desired.handoffs.iter().any(|form| form.needs_plan.is_some()),
    };
    read(reader, needs, operator, host).await
}

/// Reads the account's applications, groups and policies, whatever the YAML names.
pub async fn observe_all(reader: &impl ReadApi, operator: &Ikey, host: &str) -> Reading {
    read(reader, Needs { groups: true, policies: true, account: false }, operator, host).await
}

/// What is read beside the applications.
#[derive(Clone, Copy)]
struct Needs {
    groups: bool,
    policies: bool,
    account: bool,
}

async fn read(reader: &impl ReadApi, needs: Needs, operator: &Ikey, host: &str) -> Reading {
    let optional_groups = async { if needs.groups { Some(reader.groups().await) } else { None } };
    let optional_policies = async { if needs.policies { Some(reader.policies().await) } else { None } };
    let optional_account =
        async { if needs.account { reader.account().await } else { Ok(Account::default()) } };
    let (integrations, groups, policies, account) =
        tokio::join!(reader.integrations(), optional_groups, optional_policies, optional_account);
    let mut failures = Vec::new();
    let observation = Observation {
        host: host.to_owned(),
        operator: operator.clone(),
        integrations: observed(Some(integrations), &mut failures),
        groups: observed(groups, &mut failures),
        policies: observed(policies, &mut failures),
        // The account's own words only serve a warning: without them a plan is still right.
        account: account.unwrap_or_default(),
        held: BTreeMap::new(),
        uses: Observed::Absent,
        creations: Observed::Absent,
    };
    Reading { observation, failures }
}

/// What the secret stores hold at the places of these applications, at most `parallelism` looked up at once.
pub async fn look_up(
    stores: &Stores,
    applications: impl IntoIterator<Item = &DesiredApplication>,
    parallelism: usize,
) -> BTreeMap<Address, Held> {
    let wanted =
        applications.into_iter().filter_map(|wanted| Some((&wanted.address, wanted.secret.as_ref()?)));
    let looking = wanted
        .map(|(address, secret)| async move { (address.clone(), held(stores.read(&secret.target).await)) });
    futures_util::stream::iter(looking).buffer_unordered(parallelism.max(1)).collect().await
}

fn held(read: Result<Option<Contents>, StoreError>) -> Held {
    match read {
        Ok(None) => Held::CannotTell,
        Ok(Some(Contents { payload: None, .. })) => Held::Nothing,
        Ok(Some(Contents { payload: Some(payload), .. })) => Held::Keys(HeldKeys {
            secret_end: payload.secret_key.as_ref().map(Secret::last_four),
            client_ends: payload
                .clients
                .iter()
                .map(|(id, secret)| (id.clone(), secret.last_four()))
                .collect(),
            ikey: payload.ikey.to_string(),
            api_hostname: payload.api_hostname,
            delivered_at: payload.delivered_at,
            beside: payload.previous.map(|previous| previous.ikey.to_string()),
        }),
        Err(error) => Held::Unreadable { reason: error.message, help: error.help },
    }
}

/// Pages of each log that are read for a rotation: their budget is far smaller than that of other calls.
const LOG_PAGES: usize = 10;

/// Reads when the keys of rotations were last used, where one waits for that.
pub async fn look_at_uses(
    transport: &impl Transport,
    desired: &Desired,
    observation: &mut Observation,
    now: Timestamp,
) {
    let Observed::Present(integrations) = &observation.integrations else { return };
    let matches = match_all(desired, integrations);
    let (mut keys, mut from, mut changes) = (BTreeSet::new(), None, false);
    for (wanted, found) in desired.applications.iter().zip(&matches.matched) {
        let Some(pair) = found.as_ref().ok().and_then(|found| found.pair.as_ref()) else { continue };
        let marker = pair.successor.marker.as_ref();
        let Some(MarkerState::Delivered { at, .. }) = marker.map(|marker| &marker.state) else { continue };
        if is_intelligence(&wanted.address) {
            continue;
        }
        keys.extend([pair.old.integration.ikey.clone(), pair.successor.integration.ikey.clone()]);
        from = Some(from.map_or(*at, |from: Timestamp| from.min(*at)));
        changes |= pair.old.integration.kind() == "adminapi";
    }
    let Some(from) = from else { return };
    // What is said of the future is said of a machine whose clock is behind.
    let until = now.max(from);
    observation.uses = match last_uses(transport, &keys, from, until, changes, LOG_PAGES).await {
        Ok(LastUses { last, read_from }) => Observed::Present(Uses { last, read_from }),
        Err(error) => Observed::Unreadable(error.to_string()),
    };
}

/// Reads from the activity log who created applications since a time, but not beyond what the log is trusted to keep.
pub async fn look_at_creations(
    transport: &impl Transport,
    observation: &mut Observation,
    reach: SignedDuration,
    now: Timestamp,
) {
    let from = now.checked_sub(reach.min(LOG_REACH)).unwrap_or(now);
    let (start, end) = (from.as_millisecond(), now.as_millisecond());
    observation.creations = match activities(transport, start, end, LOG_PAGES).await {
        Ok(Activities { items, complete }) => {
            let time = |activity: &Activity| activity.when.parse::<Timestamp>().ok();
            let oldest = items.iter().filter_map(time).min().filter(|_| !complete);
            let created = items.iter().filter(|activity| activity.action == "integration_create");
            let by = created.filter_map(|activity| {
                let creation = Creation { at: time(activity)?, who: activity.who.clone() };
                Some((Ikey::new(activity.target.as_str()), creation))
            });
            let unread = if complete { from } else { now };
            Observed::Present(Creations { by: by.collect(), read_from: oldest.unwrap_or(unread) })
        }
        Err(error) => Observed::Unreadable(error.to_string()),
    };
}

fn observed<T>(read: Option<Result<T, DuoError>>, failures: &mut Vec<DuoError>) -> Observed<T> {
    match read {
        None => Observed::Absent,
        Some(Ok(value)) => Observed::Present(value),
        Some(Err(error)) => {
            let reason = error.to_string();
            failures.push(error);
            Observed::Unreadable(reason)
        }
    }
}
