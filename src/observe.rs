//! Reads the account once: every list that a plan needs.

pub mod births;
pub mod counts;
pub mod memberships;
pub mod replays;
pub mod rotations;
pub mod uses;

use std::collections::BTreeMap;

use futures_util::StreamExt as _;

use crate::duo::api::ReadApi;
use crate::duo::error::DuoError;
use crate::duo::object::{Ikey, Kind, Object};
use crate::duo::types::Account;
use crate::kinds::address::Address;
use crate::kinds::marker::{AccessBefore, Notes};
use crate::kinds::seal::Keyring;
use crate::reconcile::delivery::{Held, HeldKeys};
use crate::reconcile::desired::{Desired, Wanted};
use crate::reconcile::observation::{Observation, Proofs};
use crate::reconcile::observed::{Objects, Observed};
use crate::secret::Secret;
use crate::secrets::Stores;
use crate::secrets::store::{Contents, StoreError};

/// An observation, and the errors for everything that could not be read.
#[derive(Debug)]
pub struct Reading {
    /// What was seen.
    pub observation: Observation,
    /// Why something could not be read.
    pub failures: Vec<DuoError>,
}

/// Reads the account: applications always, groups and policies only if the YAML names one.
pub async fn observe(
    reader: &impl ReadApi,
    desired: &Desired,
    keyring: &Keyring,
    operator: &Ikey,
    host: &str,
) -> Reading {
    read(reader, Needs::of(desired), keyring, operator, host).await
}

/// The minimum number of calls that [`observe`] makes: the account may hold more than the YAML declares.
pub fn least_calls(desired: &Desired) -> usize {
    let Needs { groups, policies, account } = Needs::of(desired);
    let applications = desired.of(Kind::Application).count();
    let pages = applications.div_ceil(Kind::Application.endpoint().page).max(1);
    pages + [groups, policies, account].into_iter().filter(|needed| *needed).count()
}

/// Reads the account's applications, groups and policies, even if the YAML names none.
pub async fn observe_all(reader: &impl ReadApi, keyring: &Keyring, operator: &Ikey, host: &str) -> Reading {
    read(reader, Needs { groups: true, policies: true, account: false }, keyring, operator, host).await
}

/// What is read in addition to the applications.
#[derive(Clone, Copy)]
struct Needs {
    groups: bool,
    policies: bool,
    account: bool,
}

impl Needs {
    fn of(desired: &Desired) -> Self {
        let wants = |needs: fn(&Wanted) -> bool| desired.objects.iter().any(needs);
        let declares = |kind| desired.of(kind).next().is_some();
        let removes = |kind| desired.removed.keys().any(|address| address.kind() == Some(kind));
        Self {
            groups: wants(Wanted::names_groups) || declares(Kind::Group) || removes(Kind::Group),
            // A policy may refer to a group that is to be removed.
            policies: wants(Wanted::names_policy)
                || declares(Kind::Policy)
                || removes(Kind::Policy)
                || removes(Kind::Group),
            account: desired.plan.is_some()
                || desired
                    .handoffs
                    .iter()
                    .any(|form| form.needs_plan.is_some() || form.recommended.is_some()),
        }
    }
}

async fn read(
    reader: &impl ReadApi,
    needs: Needs,
    keyring: &Keyring,
    operator: &Ikey,
    host: &str,
) -> Reading {
    let list = async |kind, needed| if needed { Some(reader.list(kind).await) } else { None };
    let optional_account =
        async { if needs.account { reader.account().await } else { Ok(Account::default()) } };
    let (applications, groups, policies, account) = tokio::join!(
        reader.list(Kind::Application),
        list(Kind::Group, needs.groups),
        list(Kind::Policy, needs.policies),
        optional_account
    );
    let applications = applications.and_then(|lives| holding(lives, operator));
    let groups = match (groups, &applications) {
        // Used only to show names, so a failure does not affect the plan.
        (None, Ok(lives)) if lives.iter().any(comes_back_with_groups) => {
            reader.list(Kind::Group).await.ok().map(Ok)
        }
        (groups, _) => groups,
    };
    let mut failures = Vec::new();
    let proofs = match &applications {
        Ok(lives) => Proofs::new(lives.iter().chain(groups.iter().flatten().flatten()), keyring),
        Err(_) => Proofs::none(),
    };
    let lists = [(Kind::Application, Some(applications)), (Kind::Group, groups), (Kind::Policy, policies)];
    let observation = Observation {
        proofs,
        objects: Objects::from(lists.map(|(kind, read)| (kind, observed(read, &mut failures)))),
        // Used only for a warning: the plan is correct without it.
        account: account.unwrap_or_default(),
        ..Observation::new(host, operator.clone(), jiff::Timestamp::now())
    };
    Reading { observation, failures }
}

/// Rejects a list as incomplete if it lacks the application whose key signed the request.
fn holding(lives: Vec<Object>, operator: &Ikey) -> Result<Vec<Object>, DuoError> {
    if lives.iter().any(|live| live.id == *operator) {
        return Ok(lives);
    }
    let reason = format!("it lacks {operator}, whose key signed the request");
    Err(DuoError::Incomplete { path: Kind::Application.endpoint().path.to_owned(), reason })
}

/// Whether the marker records groups that will be restored by name.
fn comes_back_with_groups(live: &Object) -> bool {
    let marker = Notes::parse(live.notes()).marker;
    marker.is_some_and(|marker| matches!(marker.shut.access, Some(AccessBefore::Groups(_))))
}

/// What the secret stores hold for these applications, with at most `parallelism` reads at once.
pub async fn look_up(
    stores: &Stores,
    applications: impl IntoIterator<Item = &Wanted>,
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
            address: payload.address,
            workspace: payload.workspace,
            delivered_at: payload.delivered_at,
            previous: payload.previous.map(|previous| previous.ikey.to_string()),
        }),
        Err(error) => Held::Unreadable { reason: error.message, help: error.help },
    }
}

fn observed<T>(read: Option<Result<T, DuoError>>, failures: &mut Vec<DuoError>) -> Observed<T> {
    match read {
        None => Observed::NotRead,
        Some(Ok(value)) => Observed::Present(value),
        Some(Err(error)) => {
            let reason = error.to_string();
            failures.push(error);
            Observed::Unreadable(reason)
        }
    }
}
