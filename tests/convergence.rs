//! Whatever the YAML asks for and whatever the account holds: after an apply the plan is empty, and stays empty. Over
//! the simulator in this process, with its switches turned at random, and without waiting for anything.
#![allow(
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::{BTreeMap, BTreeSet};

use duoctl::apply::converge::{Converged, Shelves, converge};
use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Progress, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::cli::session::desired;
use duoctl::config::load::load_text;
use duoctl::duo::client::{Reader, Writer};
use duoctl::observe::observe;
use duoctl::reconcile::address::Address;
use duoctl::reconcile::desired::Desired;
use duoctl::reconcile::plan::{Options, Plan, Prune, Step, plan};
use duoctl::reconcile::selection::Selection;
use duoctl::sandbox::account::{API_HOSTNAME, Account};
use duoctl::sandbox::direct::Direct;
use duoctl::sandbox::switches::Switches;
use duoctl::secrets::Stores;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

const KINDS: &[&str] = &["radius", "adminapi", "authapi", "websdk", "rdp", "sso-generic", "sso-oidc-generic"];
const ADDRESSES: &[&str] = &["a", "b", "c", "d", "e"];
const GROUPS: &[&str] = &["Employees", "VPN Users", "Contractors", "Engineering", "Finance"];
const POLICIES: &[&str] = &["Require trusted endpoints", "Contractors", "Block anonymous networks"];
const PERMISSIONS: &[&str] = &["info", "read_log", "read_resource", "settings", "admins", "write_resource"];
const NETWORKS: &[&str] = &["192.0.2.0/24", "198.51.100.7", "203.0.113.5-203.0.113.9"];
/// Texts that an account may keep in another form, or that resemble a marker.
const TEXTS: &[&str] = &["plain", "  room around  ", "R&D <beta>", "Ünï ", "[duoctl?]", "a  b"];
/// Two of them are names of applications that the account holds already.
const NAMES: &[&str] = &["VPN", "Intranet", "Branch office VPN", "R&D <beta>", " Lab ", "Café"];

/// The fields of one application; those that its type does not have are left out later.
#[derive(Clone, Debug)]
struct Fields {
    kind: &'static str,
    name: &'static str,
    access: usize,
    groups: Vec<&'static str>,
    policy: Option<Option<&'static str>>,
    permissions: Option<Vec<&'static str>>,
    networks: Option<Option<Vec<&'static str>>>,
    self_service: Option<bool>,
    prompt: Option<bool>,
    normalization: Option<&'static str>,
    greeting: Option<Option<&'static str>>,
    notes: Option<Option<&'static str>>,
    sso: usize,
}

fn nullable<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<Option<T>>> {
    option::of(option::of(value))
}

fn fields() -> impl Strategy<Value = Fields> {
    let identity = (select(KINDS), select(NAMES), 0..3_usize, subsequence(GROUPS, 1..=3));
    let lists = (
        nullable(select(POLICIES)),
        option::of(subsequence(PERMISSIONS, 0..=PERMISSIONS.len())),
        nullable(subsequence(NETWORKS, 1..=2)),
    );
    let rest = (
        option::of(any::<bool>()),
        option::of(any::<bool>()),
        option::of(select(&["none", "simple"][..])),
        nullable(select(TEXTS)),
        nullable(select(TEXTS)),
        0..3_usize,
    );
    (identity, lists, rest).prop_map(|(identity, lists, rest)| {
        let (kind, name, access, groups) = identity;
        let (policy, permissions, networks) = lists;
        let (self_service, prompt, normalization, greeting, notes, sso) = rest;
        Fields {
            kind,
            name,
            access,
            groups,
            policy,
            permissions,
            networks,
            self_service,
            prompt,
            normalization,
            greeting,
            notes,
            sso,
        }
    })
}

impl Fields {
    /// As an entry of `applications`.
    fn yaml(&self) -> Value {
        let is_api = matches!(self.kind, "adminapi" | "accountsapi");
        let mut entry = json!({"type": self.kind, "name": self.name.trim()});
        let mut set = |key: &str, value: Value| entry[key] = value;
        let access = ["no_users", "all_users", "permitted_groups"][if is_api { 0 } else { self.access }];
        set("user_access", json!(access));
        if access == "permitted_groups" {
            set("groups_allowed", json!(self.groups));
        }
        if let (Some(permissions), "adminapi") = (&self.permissions, self.kind) {
            set("permissions", json!(permissions));
        }
        if let (Some(networks), true) = (&self.networks, is_api) {
            set("networks_for_api_access", json!(networks));
        }
        if let (Some(policy), false) = (self.policy, is_api) {
            set("policy", json!(policy));
        }
        if let (Some(on), false) = (self.self_service, is_api) {
            set("self_service_allowed", json!(on));
        }
        if let (Some(on), "websdk") = (self.prompt, self.kind) {
            set("prompt_v4_enabled", json!(on));
        }
        if let (Some(normalization), false) = (self.normalization, is_api) {
            set("username_normalization_policy", json!(normalization));
        }
        if let (Some(greeting), false) = (self.greeting, is_api) {
            set("greeting", json!(greeting));
        }
        if let Some(notes) = self.notes {
            set("notes", json!(notes));
        }
        match self.kind {
            "sso-generic" => set("sso", json!({"saml_config": self.saml()})),
            "sso-oidc-generic" => set("sso", json!({"oidc_config": self.oidc()})),
            _ => {}
        }
        entry
    }

    fn saml(&self) -> Value {
        let mut saml = json!({"entity_id": "https://wiki.example.com/meta", "acs_urls": [{"url": "https://wiki.example.com/acs"}]});
        if self.sso > 0 {
            saml["sign_response"] = json!(self.sso == 1);
            saml["mapped_attrs"] = json!({"<Email Address>": "mail"});
        }
        if self.sso == 2 {
            saml["acs_urls"] =
                json!([{"url": "https://wiki.example.com/b"}, {"url": "https://wiki.example.com/a"}]);
        }
        saml
    }

    fn oidc(&self) -> Value {
        let uris = ["https://a.example.com/cb", "https://b.example.com/cb"];
        json!({
            "grant_types": {"authorization_code": true, "refresh_token": self.sso == 2},
            "redirect_uris": uris[..=usize::from(self.sso > 0)], "scopes": [{"name": "openid"}],
        })
    }

    /// As an administrator creates it by hand: nothing but what says which it is, and some text.
    fn by_hand(&self) -> Map<String, Value> {
        let mut body = json!({"type": self.kind, "name": self.name.trim(), "user_access": "NO_USERS"});
        if let Some(Some(notes)) = self.notes {
            body["notes"] = json!(notes);
        }
        match self.kind {
            "sso-generic" => body["sso"] = json!({"saml_config": self.saml()}),
            "sso-oidc-generic" => body["sso"] = json!({"oidc_config": self.oidc()}),
            _ => {}
        }
        body.as_object().unwrap().clone()
    }
}

type Applications = BTreeMap<&'static str, Fields>;

fn applications() -> impl Strategy<Value = Applications> {
    btree_map(select(ADDRESSES), fields(), 0..=ADDRESSES.len()).prop_map(|mut applications| {
        // Two of one type and name are an error of the YAML.
        let mut seen = BTreeSet::new();
        applications.retain(|_, fields| seen.insert((fields.kind, fields.name)));
        applications
    })
}

/// What an administrator does to one of the applications by hand; what Duo refuses is not done.
fn edits() -> impl Strategy<Value = Vec<(usize, Value)>> {
    let edit = select(vec![
        Value::Null,
        json!({"notes": "edited"}),
        json!({"name": "Renamed"}),
        json!({"user_access": "NO_USERS"}),
        json!({"user_access": "ALL_USERS"}),
        json!({"greeting": "Hello"}),
        json!({"policy_key": ""}),
        json!({"self_service_allowed": "1"}),
        json!({"username_normalization_policy": "Simple"}),
        json!({"networks_for_api_access": "192.0.2.9"}),
        json!({"adminapi_settings": "1", "adminapi_info": "0"}),
        json!({"sso": {"saml_config": {"sign_response": false, "relaystate": "https://x.example.com/"}}}),
    ]);
    vec((0..40_usize, edit), 0..5)
}

fn switches() -> impl Strategy<Value = Switches> {
    let turned = subsequence(Switches::ALL, 0..=Switches::ALL.len());
    (turned, any::<bool>()).prop_map(|(turned, some)| {
        let mut switches = Switches::default();
        for switch in turned.iter().filter(|_| some) {
            switches.set(&format!("{}={}", switch.name, u8::from(!switch.default))).unwrap();
        }
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
        Some(workspace) => desired(workspace, &loaded.sources),
        None => panic!("{:?}\n{text}", loaded.diagnostics),
    }
}

fn options() -> Options {
    Options { prune: Prune::No, selection: Selection::default(), today: jiff::civil::date(2026, 11, 24), now: jiff::Timestamp::UNIX_EPOCH, rotation: duoctl::reconcile::rotation::Orders::default() }
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &Step) {}
    fn end(&self, _: &StepOutcome) {}
}

async fn planned(direct: &Direct, desired: &Desired, options: &Options) -> Plan {
    let reading = observe(&Reader::new(direct.clone()), desired, direct.ikey(), API_HOSTNAME).await;
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
    // Deliveries have tests of their own: no application here has a place for its keys.
    let stores = Stores::default();
    let courier = Courier::new(direct.clone(), &stores);
    let outcomes = execute(&plan, &writer, &courier, 4, &CancellationToken::new(), &Silent).await;
    let written: Vec<Address> = outcomes.iter().map(|outcome| outcome.address.clone()).collect();
    let shelves = Shelves { stores: &stores, before: &BTreeMap::new(), parallelism: 4 };
    let (converged, _) =
        converge(&writer, desired, options, direct.ikey(), API_HOSTNAME, &written, &shelves).await;
    (plan, outcomes, converged)
}

/// Requests that would change something.
fn writes(direct: &Direct) -> usize {
    let account = direct.account();
    account.requests().iter().filter(|(call, _)| !call.starts_with("GET")).map(|(_, count)| count).sum()
}

/// A plan as far as it does not name places in the YAML.
fn content(plan: &Plan) -> Value {
    let mut problems: Vec<&str> = plan.problems().iter().map(|problem| problem.message.as_str()).collect();
    problems.sort_unstable();
    json!({
        "steps": plan.steps(), "orphans": plan.orphans(), "matched": plan.matched(), "blocked": plan.blocked(),
        "summary": plan.summary(), "problems": problems,
    })
}

/// Runs without waiting: the clock jumps over every pause.
fn without_waiting<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

/// An account with a history: some applications by hand, one workspace applied, and then edits by hand.
async fn account(
    before: &Applications,
    by_hand: &[Fields],
    edits: &[(usize, Value)],
    switches: &Switches,
) -> Direct {
    let direct = Direct::operator(Account::in_memory().unwrap());
    direct.account().switches = switches.clone();
    for fields in by_hand {
        // What Duo refuses was not created.
        let _ = direct.account().create_application(fields.by_hand());
    }
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
    direct.forget_requests();
    direct
}

/// Few enough for every run of the tests; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_an_apply_the_plan_is_empty_and_stays_so(
        before in applications(),
        after in applications(),
        by_hand in vec(fields(), 0..3),
        edits in edits(),
        switches in switches(),
    ) {
        without_waiting(async {
            let direct = account(&before, &by_hand, &edits, &switches).await;
            let wanted = parse(document(&after, false));
            let (first, outcomes, converged) = applied(&direct, &wanted, &options()).await;
            for outcome in &outcomes {
                let Status::Applied = &outcome.status else {
                    return Err(TestCaseError::fail(format!("{outcome:?}\n{:#}", content(&first))));
                };
            }
            prop_assert!(converged.plan.steps().is_empty(), "{:#}", content(&converged.plan));
            prop_assert_eq!(converged.plan.blocked(), first.blocked());

            // What is not blocked is there, once, and no other application was touched.
            let written = writes(&direct);
            let again = planned(&direct, &wanted, &options()).await;
            prop_assert!(again.steps().is_empty(), "{:#}", content(&again));
            prop_assert!(again.is_empty() || !again.blocked().is_empty());
            let (_, outcomes, _) = applied(&direct, &wanted, &options()).await;
            prop_assert!(outcomes.is_empty());
            prop_assert_eq!(writes(&direct), written, "a run without steps writes nothing");
            let matched: BTreeSet<_> = again.matched().values().collect();
            prop_assert_eq!(matched.len(), again.matched().len(), "no application is two addresses");
            for application in &wanted.applications {
                let address = &application.address;
                prop_assert!(again.matched().contains_key(address) || again.blocked().contains(address));
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_plan_depends_on_nothing_but_its_content(
        before in applications(),
        after in applications(),
        by_hand in vec(fields(), 0..3),
        edits in edits(),
        switches in switches(),
    ) {
        without_waiting(async {
            let direct = account(&before, &by_hand, &edits, &switches).await;
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
        before in applications(),
        after in applications(),
        by_hand in vec(fields(), 0..3),
        switches in switches(),
        now in any::<bool>(),
    ) {
        without_waiting(async {
            let direct = account(&before, &by_hand, &[], &switches).await;
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

/// The applications without a marker, by key, as far as they read the same twice.
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
