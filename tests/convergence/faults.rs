//! Whatever happens to an apply, and whenever: the next undisturbed run ends in the normal state, nothing exists twice, and
//! at no time could anyone do more than both before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duoctl::apply::outcome::Status;
use duoctl::kinds::marker::Notes;
use duoctl::kinds::networks::Networks;
use duoctl::reconcile::plan::{Options, Prune};
use duoctl::sandbox::account::Account;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{
    account, applied, before_and_after, cases, content, document, edits, fields, options, parse, planned,
    switches, without_waiting,
};

/// What happens to a run, at one of its requests. The last two end the process there.
const DISTURBANCES: &[&str] = &[
    "429",
    "5xx",
    "html",
    "redirect",
    "huge",
    "reset-before",
    "reset-after-commit",
    "truncate",
    "halt",
    "halt-after-commit",
];

/// Longer than any run waits: a run that is still there was killed.
const DEAD: Duration = Duration::from_secs(3600);

/// What an application allows people and keys to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reach {
    /// `None` means everyone.
    groups: Option<BTreeSet<String>>,
    policy: String,
    self_service: bool,
    simple_names: bool,
    permissions: BTreeSet<String>,
    networks: String,
}

impl Reach {
    fn of(live: &Value) -> Self {
        let text = |key: &str| live[key].as_str().unwrap_or_default().to_owned();
        let on = |value: &Value| *value == json!(1) || *value == json!(true);
        let groups = match text("user_access").as_str() {
            "NO_USERS" => Some(BTreeSet::new()),
            "PERMITTED_GROUPS" => {
                let groups = live["groups_allowed"].as_array().into_iter().flatten();
                Some(groups.map(|group| group.as_str().unwrap().to_owned()).collect())
            }
            _ => None,
        };
        let flags =
            live.as_object().unwrap().iter().filter(|(key, value)| key.starts_with("adminapi_") && on(value));
        let networks = match &live["networks_for_api_access"] {
            Value::Array(items) => {
                items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(",")
            }
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        Self {
            groups,
            policy: text("policy_key"),
            self_service: on(&live["self_service_allowed"]),
            simple_names: text("username_normalization_policy").eq_ignore_ascii_case("simple"),
            permissions: flags.map(|(key, _)| key.clone()).collect(),
            networks,
        }
    }

    /// Whether `self` allows no more than `other`.
    fn within(&self, other: &Self) -> bool {
        let people = match (&self.groups, &other.groups) {
            (Some(these), _) if these.is_empty() => true,
            (Some(these), Some(those)) if !these.is_subset(those) => false,
            (None, Some(_)) => false,
            _ => {
                self.policy == other.policy
                    && self.self_service <= other.self_service
                    && self.simple_names <= other.simple_names
            }
        };
        let networks = |text: &str| Networks::parse(text.split(',').filter(|part| !part.is_empty())).unwrap();
        let (these, those) = (networks(&self.networks), networks(&other.networks));
        let from = those.is_empty() || (!these.is_empty() && these.is_within(&those));
        let keys = self.permissions.is_empty() || (self.permissions.is_subset(&other.permissions) && from);
        people && keys
    }
}

/// The place of an application: its key, and the address in its marker.
type Place = (String, Option<String>);

fn reaches(account: &mut Account) -> Vec<(Place, Reach)> {
    let place = |live: &Value| {
        let marker = Notes::parse(live["notes"].as_str().unwrap()).marker;
        (
            live["integration_key"].as_str().unwrap().to_owned(),
            marker.map(|marker| marker.address.to_string()),
        )
    };
    account.applications().iter().map(|live| (place(live), Reach::of(live))).collect()
}

/// Removes what Duo generates for each application, which does not distinguish two accounts.
fn without_generated(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|key, value| {
                !value.is_null() && !["idp_metadata", "client_id", "client_secret"].contains(&key.as_str())
            });
            entries.values_mut().for_each(without_generated);
        }
        Value::Array(items) => items.iter_mut().for_each(without_generated),
        _ => {}
    }
}

/// The applications, without what differs between accounts.
fn inventory(account: &mut Account) -> Vec<String> {
    let even = |mut live: Value| {
        let notes = live["notes"].as_str().unwrap();
        let Notes { text, marker, .. } = Notes::parse(notes);
        let owner =
            marker.map(|marker| format!("{} {:?} {}", marker.address, marker.state, marker.protected));
        live["notes"] = json!([text, owner]);
        let mut groups: Vec<String> =
            live["groups_allowed"].as_array().unwrap().iter().map(ToString::to_string).collect();
        groups.sort();
        live["groups_allowed"] = json!(groups);
        for key in ["integration_key", "secret_key"] {
            live.as_object_mut().unwrap().remove(key);
        }
        if let Some(sso) = live.get_mut("sso") {
            without_generated(sso);
        }
        live.to_string()
    };
    let mut found: Vec<String> = account.applications().into_iter().map(even).collect();
    found.sort();
    found
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn a_disturbed_apply_is_finished_by_the_next_one_and_never_opens_anything(
        (before, after) in before_and_after(),
        by_hand in vec(fields(), 0..3),
        edits in edits(),
        switches in switches(),
        prune in select(&[Prune::No, Prune::Quarantine, Prune::Now][..]),
        disturbances in vec((select(DISTURBANCES), 1..3_usize, 0..40_usize), 1..4),
    ) {
        without_waiting(async {
            let direct = account(&before, &after, &by_hand, &edits, &switches).await;
            let twin = account(&before, &after, &by_hand, &edits, &switches).await;
            let wanted = parse(document(&after, false));
            let options = Options { prune, ..options() };
            let old: BTreeMap<String, Reach> =
                reaches(&mut direct.account()).into_iter().map(|((ikey, _), reach)| (ikey, reach)).collect();
            let (first, _, undisturbed) = applied(&twin, &wanted, &options).await;
            prop_assert!(undisturbed.plan.steps().is_empty());

            let seen: Arc<Mutex<BTreeSet<(Place, Reach)>>> = Arc::default();
            let recorder = Arc::clone(&seen);
            let watched = direct.watched(move |account| recorder.lock().unwrap().extend(reaches(account)));
            for (kind, times, at) in &disturbances {
                watched.account().faults.clear();
                watched.account().faults.add(format!("{kind}={times}@{at}").parse().unwrap());
                // A run that never ends is dropped, as a kill would do.
                let _ = tokio::time::timeout(DEAD, applied(&watched, &wanted, &options)).await;
            }
            watched.account().faults.clear();

            let (last, outcomes, converged) = applied(&watched, &wanted, &options).await;
            for outcome in &outcomes {
                let Status::Applied = &outcome.status else {
                    return Err(TestCaseError::fail(format!("{outcome:?}\n{:#}", content(&last))));
                };
            }
            prop_assert!(converged.plan.steps().is_empty(), "{:#}", content(&converged.plan));
            prop_assert_eq!(converged.plan.blocked(), first.blocked());
            prop_assert_eq!(inventory(&mut direct.account()), inventory(&mut twin.account()));
            let again = planned(&direct, &wanted, &options).await;
            prop_assert!(again.steps().is_empty(), "{:#}", content(&again));

            let new = reaches(&mut direct.account());
            for ((ikey, address), reach) in seen.lock().unwrap().iter() {
                let same = |place: &Place| place.0 == *ikey || (address.is_some() && place.1 == *address);
                let allowed = new.iter().filter(|(place, _)| same(place)).map(|(_, reach)| reach);
                let allowed: Vec<&Reach> = allowed.chain(old.get(ikey)).collect();
                prop_assert!(
                    allowed.iter().any(|allowed| reach.within(allowed)),
                    "{ikey} {address:?} was {reach:?}, and neither before nor after it is: {allowed:#?}"
                );
            }
            Ok(())
        })?;
    }
}
