//! Whatever the YAML declares and the account contains: after an apply the plan is empty, and stays empty. Over the in-process
//! simulator, with random switches, and without waiting.

mod budget;
mod declared;
mod faults;
mod lies;

use std::collections::{BTreeMap, BTreeSet};

use duoctl::apply::converge::{Converged, Shelves, converge};
use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Hands, Progress, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::apply::seal::Sealer;
use duoctl::cli::session::desired;
use duoctl::config::load::load_text;
use duoctl::duo::client::{Reader, Writer};
use duoctl::kinds::address::Address;
use duoctl::observe::observe;
use duoctl::reconcile::desired::Desired;
use duoctl::reconcile::plan::{Options, Plan, Prune, Step, plan};
use duoctl::reconcile::selection::Selection;
use duoctl::sandbox::account::{API_HOSTNAME, Account};
use duoctl::sandbox::direct::Direct;
use duoctl::sandbox::switches::Switches;
use duoctl::secrets::Stores;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::seals::keyring;

use declared::{Applications, Fields, before_and_after, edits, fields, is_found};

/// With the first switch nothing can be removed from a list, and the others refuse what is declared: an apply reports it,
/// which is tested elsewhere.
const NEVER_CONVERGE: &[&str] = &["merge-sso-lists", "short-notes", "short-names"];

fn switches() -> impl Strategy<Value = Switches> {
    let known = Switches::all().into_iter().filter(|switch| !NEVER_CONVERGE.contains(&switch.name));
    let all: Vec<String> = known
        .flat_map(|switch| {
            switch.others().map(|other| format!("{}={other}", switch.name)).collect::<Vec<_>>()
        })
        .collect();
    let most = all.len();
    let turned = subsequence(all, 0..=most);
    (turned, any::<bool>()).prop_map(|(turned, some)| {
        let mut switches = Switches::default();
        turned.iter().filter(|_| some).for_each(|text| switches.set(text).unwrap());
        switches
    })
}

fn document(applications: &Applications, reversed: bool) -> String {
    let tenant = json!({"api_hostname": API_HOSTNAME});
    // The keys of this map keep their order.
    let mut entries: Vec<(String, Value)> =
        applications.iter().map(|(key, fields)| ((*key).to_owned(), fields.yaml())).collect();
    if reversed {
        entries.reverse();
        for (_, entry) in &mut entries {
            let turned: Map<String, Value> = entry.as_object().unwrap().clone().into_iter().rev().collect();
            *entry = Value::Object(turned);
            for list in ["groups_allowed", "permissions", "networks_for_api_access"] {
                if let Some(Value::Array(items)) = entry.get_mut(list) {
                    items.reverse();
                }
            }
        }
    }
    let entries: Map<String, Value> = entries.into_iter().collect();
    // JSON is YAML.
    json!({"version": 1, "workspace": "acme", "tenant": tenant, "applications": entries}).to_string()
}

fn parse(text: String) -> Desired {
    let loaded = load_text("duo.yaml".into(), text.clone());
    match loaded.valid() {
        Some(workspace) => desired(workspace),
        None => panic!("{:?}\n{text}", loaded.diagnostics),
    }
}

fn options() -> Options {
    Options {
        prune: Prune::No,
        selection: Selection::default(),
        hold_back: false,
        allow: Vec::new(),
        now: jiff::Timestamp::UNIX_EPOCH,
        rotation: duoctl::reconcile::rotation::Orders::default(),
    }
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &Step) {}
    fn end(&self, _: &StepOutcome) {}
}

async fn planned(direct: &Direct, desired: &Desired, options: &Options) -> Plan {
    let reading =
        observe(&Reader::new(direct.clone()), desired, keyring(), direct.ikey(), API_HOSTNAME).await;
    plan(desired, &reading.observation, options)
}

/// What `duoctl apply` does after the consent.
async fn applied(
    direct: &Direct,
    desired: &Desired,
    options: &Options,
) -> (Plan, Vec<StepOutcome>, Converged) {
    let plan = planned(direct, desired, options).await;
    let writer = Writer::new(direct.clone());
    // Deliveries have their own tests: no application here has a place for its keys.
    let stores = Stores::default();
    let courier = Courier::new(direct.clone(), &stores);
    let outcomes = execute(
        &plan,
        Hands { writer: &writer, courier: &courier, deputy: None, sealer: Sealer::new(keyring()) },
        4,
        &CancellationToken::new(),
        &Silent,
    )
    .await;
    let written: Vec<Address> = outcomes.iter().map(|outcome| outcome.address.clone()).collect();
    let shelves =
        Shelves { stores: &stores, before: &BTreeMap::new(), parallelism: 4, sealer: Sealer::new(keyring()) };
    let (converged, _) =
        converge(&writer, desired, options, direct.ikey(), API_HOSTNAME, &written, &shelves).await;
    (plan, outcomes, converged)
}

/// Requests that would change something.
fn writes(direct: &Direct) -> usize {
    let account = direct.account();
    account.requests().iter().filter(|(call, _)| !call.starts_with("GET")).map(|(_, count)| count).sum()
}

/// A plan without the places in the YAML.
fn content(plan: &Plan) -> Value {
    let mut problems: Vec<&str> = plan.problems().iter().map(|problem| problem.message.as_str()).collect();
    problems.sort_unstable();
    json!({
        "steps": plan.steps(), "orphans": plan.orphans(), "matched": plan.matched(), "blocked": plan.blocked(),
        "summary": plan.summary(), "problems": problems,
    })
}

/// Runs without waiting: the clock skips every pause.
fn without_waiting<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

/// An account with a history: some applications created by hand, one applied workspace, and then edits by hand.
async fn account(
    before: &Applications,
    after: &Applications,
    by_hand: &[Fields],
    edits: &[(usize, Value)],
    switches: &Switches,
) -> Direct {
    let direct = Direct::operator(Account::in_memory().unwrap());
    direct.account().switches = switches.clone();
    for fields in by_hand {
        direct.account().place_application(&fields.by_hand()).unwrap();
    }
    make_sure_of(&direct, before);
    applied(&direct, &parse(document(before, false)), &options()).await;
    let mut account = direct.account();
    for (place, edit) in edits {
        let ikeys: Vec<String> = account
            .applications()
            .iter()
            .filter(|live| live["name"] != "Configuration pipeline")
            .map(|live| live["integration_key"].as_str().unwrap().to_owned())
            .collect();
        let ikey = &ikeys[place % ikeys.len()];
        let _ = match edit {
            Value::Object(properties) => account.modify_application(ikey, properties.clone()).map(drop),
            _ => account.delete_application(ikey),
        };
    }
    drop(account);
    make_sure_of(&direct, after);
    direct.forget_requests();
    direct
}

/// Creates what Duo's API does not create.
fn make_sure_of(direct: &Direct, applications: &Applications) {
    let mut account = direct.account();
    let live = account.applications();
    for (key, fields) in applications.iter().filter(|(_, fields)| is_found(fields.kind)) {
        let stored = fields.by_hand();
        // An application that another address owns is not a candidate.
        let free = |live: &Value| {
            let notes = live["notes"].as_str().unwrap_or_default();
            !notes.contains("[duoctl acme/") || notes.contains(&format!("[duoctl acme/applications.{key} "))
        };
        let same = |live: &Value| live["type"] == stored["kind"] && live["name"] == stored["name"];
        if !live.iter().any(|live| same(live) && free(live)) {
            account.place_application(&stored).unwrap();
        }
    }
}

/// `PROPTEST_CASES` sets another number.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(usual), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn after_an_apply_the_plan_is_empty_and_stays_so(
        (before, after) in before_and_after(),
        by_hand in vec(fields(), 0..3),
        edits in edits(),
        switches in switches(),
    ) {
        without_waiting(async {
            let direct = account(&before, &after, &by_hand, &edits, &switches).await;
            let wanted = parse(document(&after, false));
            let (first, outcomes, converged) = applied(&direct, &wanted, &options()).await;
            for outcome in &outcomes {
                let Status::Applied = &outcome.status else {
                    return Err(TestCaseError::fail(format!("{outcome:?}\n{:#}", content(&first))));
                };
            }
            prop_assert!(converged.plan.steps().is_empty(), "{:#}", content(&converged.plan));
            prop_assert_eq!(converged.plan.blocked(), first.blocked());

            // Everything that is not blocked exists once, and no other application was touched.
            let written = writes(&direct);
            let again = planned(&direct, &wanted, &options()).await;
            prop_assert!(again.steps().is_empty(), "{:#}", content(&again));
            prop_assert!(again.is_empty() || !again.blocked().is_empty());
            let (_, outcomes, _) = applied(&direct, &wanted, &options()).await;
            prop_assert!(outcomes.is_empty());
            prop_assert_eq!(writes(&direct), written, "a run without steps writes nothing");
            let matched: BTreeSet<_> = again.matched().values().collect();
            prop_assert_eq!(matched.len(), again.matched().len(), "no application is two addresses");
            for application in &wanted.objects {
                let address = &application.address;
                prop_assert!(again.matched().contains_key(address) || again.blocked().contains(address));
            }
            Ok(())
        })?;
    }

}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_plan_depends_on_nothing_but_its_content(
        (before, after) in before_and_after(),
        by_hand in vec(fields(), 0..3),
        edits in edits(),
        switches in switches(),
    ) {
        without_waiting(async {
            let direct = account(&before, &after, &by_hand, &edits, &switches).await;
            let wanted = parse(document(&after, false));
            let first = content(&planned(&direct, &wanted, &options()).await);
            prop_assert_eq!(&first, &content(&planned(&direct, &wanted, &options()).await), "the same again");
            let turned = parse(document(&after, true));
            prop_assert_eq!(&first, &content(&planned(&direct, &turned, &options()).await), "in another order");
            prop_assert_eq!(writes(&direct), 0);
            Ok(())
        })?;
    }

    #[test]
    fn pruning_converges_too_and_touches_nothing_else(
        (before, after) in before_and_after(),
        by_hand in vec(fields(), 0..3),
        switches in switches(),
        now in any::<bool>(),
    ) {
        without_waiting(async {
            let direct = account(&before, &after, &by_hand, &[], &switches).await;
            let wanted = parse(document(&after, false));
            let options = Options { prune: if now { Prune::Now } else { Prune::Quarantine }, ..options() };
            let others = unmarked(&direct);
            let (first, outcomes, _) = applied(&direct, &wanted, &options).await;
            prop_assert!(
                outcomes.iter().all(|outcome| matches!(outcome.status, Status::Applied)),
                "{outcomes:?}\n{:#}", content(&first)
            );
            let again = planned(&direct, &wanted, &options).await;
            prop_assert!(again.steps().is_empty(), "{:#}", content(&again));
            let adopted: BTreeSet<String> = again.matched().values().map(ToString::to_string).collect();
            let left = unmarked(&direct);
            for (ikey, live) in others.iter().filter(|(ikey, _)| !adopted.contains(*ikey)) {
                prop_assert_eq!(left.get(ikey), Some(live), "an unmanaged application was touched");
            }
            Ok(())
        })?;
    }
}

/// The applications without a marker, by key, without what differs between two reads.
fn unmarked(direct: &Direct) -> BTreeMap<String, Value> {
    let live = direct.account().applications();
    live.into_iter()
        .filter(|live| !live["notes"].as_str().unwrap().contains("[duoctl acme/"))
        .map(|mut live| {
            let mut groups: Vec<String> =
                live["groups_allowed"].as_array().unwrap().iter().map(ToString::to_string).collect();
            groups.sort();
            live["groups_allowed"] = json!(groups);
            (live["integration_key"].as_str().unwrap().to_owned(), live)
        })
        .collect()
}

#[test]
fn a_plan_costs_pages_groups_policies_and_two_reads_of_the_account() {
    const COUNT: usize = 1_200;
    let direct = Direct::operator(Account::in_memory().unwrap());
    {
        let mut account = direct.account();
        for number in 0..COUNT {
            let body = json!({"type": "radius", "name": format!("App {number}"), "user_access": "NO_USERS"});
            assert!(account.create_application(body.as_object().unwrap().clone()).is_ok());
        }
        for number in 0..240 {
            account.add_group(&format!("Group {number}")).unwrap();
        }
    }
    let live = direct.account().applications().len();
    let groups = 10 + 240_usize;
    assert_eq!((live, live.div_ceil(500), groups.div_ceil(100)), (COUNT + 12, 3, 3));

    let entry = |number: usize| {
        json!({
            "type": "radius", "name": format!("App {number}"), "user_access": "permitted_groups",
            "groups_allowed": [format!("Group {}", number % 240)], "policy": "Contractors",
        })
    };
    let entries: Map<String, Value> =
        (0..COUNT).map(|number| (format!("a{number}"), entry(number))).collect();
    let tenant = json!({"api_hostname": API_HOSTNAME, "plan": "advantage"});
    let yaml = json!({"version": 1, "workspace": "acme", "tenant": tenant, "applications": entries});
    let wanted = parse(yaml.to_string());

    direct.forget_requests();
    let plan = without_waiting(planned(&direct, &wanted, &options()));
    assert_eq!((plan.summary().adopt, plan.summary().change), (COUNT, COUNT));
    let account = direct.account();
    let requests: Vec<(&str, usize)> =
        account.requests().iter().map(|(call, count)| (call.as_str(), *count)).collect();
    assert_eq!(
        requests,
        [
            ("GET /admin/v1/groups", 3),
            ("GET /admin/v1/info/summary", 1),
            ("GET /admin/v1/settings", 1),
            ("GET /admin/v2/policies", 1),
            ("GET /admin/v3/integrations", 3),
        ]
    );
}

/// A list right after a write need not show it.
#[test]
fn trap_30_a_list_that_lags_behind_the_writes_is_asked_again_before_it_counts() {
    let entry = |greeting: &str| json!({"type": "radius", "name": "VPN", "user_access": "no_users", "greeting": greeting});
    let wanted = |greeting: &str| {
        let tenant = json!({"api_hostname": API_HOSTNAME});
        let entries = json!({"vpn": entry(greeting)});
        parse(
            json!({"version": 1, "workspace": "acme", "tenant": tenant, "applications": entries}).to_string(),
        )
    };
    let direct = Direct::operator(Account::in_memory().unwrap());
    // A list is read for the new application and for rivals, at most three times, and then for the result.
    for (greeting, lists) in [("Hello", 2), ("Bye", 2)] {
        direct.account().faults.add(format!("lag={lists}").parse().unwrap());
        let (_, outcomes, converged) = without_waiting(applied(&direct, &wanted(greeting), &options()));
        assert!(matches!(outcomes.as_slice(), [StepOutcome { status: Status::Applied, .. }]), "{outcomes:?}");
        assert!(
            converged.plan.steps().is_empty() && converged.normalised.is_empty(),
            "{:#}",
            content(&converged.plan)
        );
        direct.account().faults.clear();
    }
    let named = |live: &Value| live["name"] == "VPN";
    assert_eq!(direct.account().applications().iter().filter(|live| named(live)).count(), 1);
    // What never appears is reported, and not written again.
    direct.account().faults.add("lag=99".parse().unwrap());
    let before = writes(&direct);
    let (_, _, converged) = without_waiting(applied(&direct, &wanted("Again"), &options()));
    assert_eq!((converged.plan.steps().len(), writes(&direct)), (1, before + 1));
}

#[test]
fn what_nobody_names_is_not_read() {
    let direct = Direct::operator(Account::in_memory().unwrap());
    let entry = json!({"type": "radius", "name": "VPN", "user_access": "no_users"});
    let tenant = json!({"api_hostname": API_HOSTNAME});
    let yaml = json!({"version": 1, "workspace": "acme", "tenant": tenant, "applications": {"vpn": entry}});
    without_waiting(planned(&direct, &parse(yaml.to_string()), &options()));
    assert_eq!(direct.total_requests(), 1);
    assert_eq!(direct.requests("GET /admin/v3/integrations"), 1);
}
