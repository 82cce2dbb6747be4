//! After an import the plan holds adoptions only, and after those are applied nothing: over random accounts, and over a
//! large one with everything that ten years of clicking leave behind.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use duoctl::apply::converge::{Shelves, converge};
use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Progress, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::config::diagnostic::has_errors;
use duoctl::config::load::{Loaded, load_text};
use duoctl::duo::catalogue::kinds;
use duoctl::duo::client::{Reader, Writer};
use duoctl::import::placement::{Split, place};
use duoctl::import::{Imported, Live, Reason, Wanted, defaults, import};
use duoctl::intelligence::expand::expand;
use duoctl::observe::{observe, observe_all};
use duoctl::reconcile::desired::Desired;
use duoctl::reconcile::observed::Observed;
use duoctl::reconcile::plan::{Action, Options, Plan, Prune, Step, plan};
use duoctl::reconcile::selection::Selection;
use duoctl::sandbox::account::{API_HOSTNAME, Account};
use duoctl::sandbox::direct::Direct;
use duoctl::secrets::Stores;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const BARE: &str = "# yaml-language-server: $schema=duoctl.schema.json\nversion: 1\nworkspace: acme\n\
    tenant: {api_hostname: api-5a4db0c5.duosecurity.com} # the only one\n";

fn empty() -> Direct {
    Direct::operator(Account::empty_in_memory().unwrap())
}

fn options() -> Options {
    Options {
        prune: Prune::No,
        selection: Selection::default(),
        today: date(2026, 11, 24),
        now: jiff::Timestamp::UNIX_EPOCH,
        rotation: duoctl::reconcile::rotation::Orders::default(),
    }
}

fn load(text: &str) -> Loaded {
    load_text(PathBuf::from("duo.yaml"), text.to_owned())
}

fn desired(loaded: &Loaded) -> Desired {
    let workspace = loaded.valid().unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let mut desired = Desired::from_workspace(workspace, String::new());
    expand(workspace, &mut desired);
    desired
}

async fn import_into(direct: &Direct, text: &str, wanted: &Wanted) -> (String, Imported) {
    let loaded = load(text);
    let desired = desired(&loaded);
    let reading = observe_all(&Reader::new(direct.clone()), direct.ikey(), API_HOSTNAME).await;
    let seen = &reading.observation;
    let (Observed::Present(integrations), Observed::Present(groups), Observed::Present(policies)) =
        (&seen.integrations, &seen.groups, &seen.policies)
    else {
        panic!("unreadable")
    };
    let live = Live { integrations, groups, policies };
    let workspace = loaded.valid().unwrap();
    let imported = import(workspace, &desired, &defaults(&loaded.sources), seen, live, wanted);
    let mut after = text.to_owned();
    for change in
        place(&imported.entries, Split::None, workspace, &loaded.sources, |_| Some(text.to_owned())).unwrap()
    {
        after = change.text;
    }
    (after, imported)
}

async fn plan_of(direct: &Direct, desired: &Desired) -> Plan {
    let reading = observe(&Reader::new(direct.clone()), desired, direct.ikey(), API_HOSTNAME).await;
    plan(desired, &reading.observation, &options())
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &Step) {}
    fn end(&self, _: &StepOutcome) {}
}

/// Imports, and proves that the plan only adopts, that nothing is left after the apply, and that a second import adds
/// nothing. Returns the YAML.
async fn import_adopts_and_settles(
    direct: &Direct,
    text: &str,
    wanted: &Wanted,
) -> Result<(String, Imported), String> {
    let fail = |what: &str, yaml: &str| Err(format!("{what}\n{yaml}"));
    let (yaml, imported) = import_into(direct, text, wanted).await;
    let loaded = load(&yaml);
    if has_errors(&loaded.diagnostics) {
        return fail(&format!("{:#?}", loaded.diagnostics), &yaml);
    }
    if !yaml.starts_with(text) {
        return fail("what was there has changed", &yaml);
    }
    let desired = desired(&loaded);
    let first = plan_of(direct, &desired).await;
    let others: Vec<&Step> = first.steps().iter().filter(|step| step.action != Action::Adopt).collect();
    if !others.is_empty() || !first.blocked().is_empty() {
        return fail(&format!("{others:#?} {:#?}", first.problems()), &yaml);
    }
    let writer = Writer::new(direct.clone());
    let stores = Stores::default();
    let courier = Courier::new(direct.clone(), &stores);
    let outcomes = execute(&first, &writer, &courier, None, 4, &CancellationToken::new(), &Silent).await;
    if let Some(failed) = outcomes.iter().find(|outcome| !matches!(outcome.status, Status::Applied)) {
        return fail(&format!("{failed:?}"), &yaml);
    }
    let written: Vec<_> = outcomes.iter().map(|outcome| outcome.address.clone()).collect();
    let shelves = Shelves { stores: &stores, before: &BTreeMap::new(), parallelism: 4 };
    let (converged, _) =
        converge(&writer, &desired, &options(), direct.ikey(), API_HOSTNAME, &written, &shelves).await;
    if !converged.plan.steps().is_empty() {
        return fail(&format!("after the apply: {:#?}", converged.plan.steps()), &yaml);
    }
    let (again, second) = import_into(direct, &yaml, wanted).await;
    if again != yaml || !second.entries.is_empty() {
        return fail("a second import adds more", &again);
    }
    Ok((yaml, imported))
}

fn everything() -> Wanted {
    Wanted { operator: true, intelligence: true, ..Wanted::default() }
}

#[tokio::test(start_paused = true)]
async fn the_seeded_account_reads_as_a_person_would_write_it() {
    let direct = Direct::operator(Account::in_memory().unwrap());
    let (yaml, imported) = import_adopts_and_settles(&direct, BARE, &Wanted::default()).await.unwrap();
    insta::assert_snapshot!(yaml.strip_prefix(BARE).unwrap(), @r#"
applications:
  branch-office-vpn:
    type: radius
    name: Branch office VPN
    user_access: permitted_groups
    groups_allowed: [Contractors, Employees]
    policy: Block anonymous networks
    username_normalization_policy: simple
  configuration-audit:
    type: adminapi
    name: Configuration audit
    user_access: no_users
    permissions: [info, read_resource, settings_read]
  developer-portal:
    type: sso-oidc-generic
    name: Developer portal
    user_access: permitted_groups
    groups_allowed: [Engineering]
    sso:
      oidc_config:
        grant_types:
          authorization_code: true
        redirect_uris: ["https://portal.example.com/callback"]
        scopes:
          - name: openid
  expenses:
    type: sso-generic
    name: Expenses
    user_access: all_users
    sso:
      saml_config:
        entity_id: "https://expenses.example.com/saml/metadata"
        acs_urls:
          - url: "https://expenses.example.com/saml/acs"
        nameid_format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
        nameid_attribute: "<Email Address>"
        sign_assertion: true
        sign_response: true
        signing_algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
  finance-servers:
    type: rdp
    name: Finance servers
    user_access: permitted_groups
    groups_allowed: [Finance, IT Administrators]
    policy: Require trusted endpoints
    notes: Terminal servers of the finance department
  help-desk-verification:
    type: authapi
    name: Help desk verification
    user_access: all_users
  intranet:
    type: websdk
    name: Intranet
    user_access: all_users
    prompt_v4_enabled: true
    self_service_allowed: true
  jump-hosts:
    type: unix
    name: Jump hosts
    user_access: permitted_groups
    groups_allowed: [IT Administrators]
  legacy-directory-proxy:
    type: ldapproxy
    name: Legacy directory proxy
    user_access: no_users
  log-collector:
    type: adminapi
    name: Log collector
    user_access: no_users
    permissions: [info, read_log]
    networks_for_api_access: [192.0.2.0/24]
  retired-report-job:
    type: adminapi
    name: Retired report job
    user_access: no_users
    permissions: []
"#);
    let reasons: Vec<(&str, &Reason)> =
        imported.left_out.iter().map(|left_out| (left_out.name.as_str(), &left_out.reason)).collect();
    assert_eq!(reasons, [("Configuration pipeline", &Reason::Operator)]);
}

/// Names as people give them.
const NAMES: &[&str] = &[
    "VPN",
    "vpn",
    "VPN ",
    "Wiki",
    "Büro Zürich",
    "🔥 Fire 👩‍💻",
    "خدمة الشبكة",
    "שלום\u{202e}",
    "内部システム",
    "No",
    "null",
    "1:30",
    "2027-01-01",
    "a: b",
    "- x",
    "# hash",
    "{json}",
    "[duoctl x/y z]",
    "bell\u{7}",
    "two\nlines",
    "tab\tbed",
    " ",
    "'quoted' \"twice\"",
    "back\\slash",
    "\u{feff}bom",
    "nel\u{85}x",
    "Identity Intelligence: EMEA",
    "0600",
    "~",
    "*alias",
    "&anchor",
    "!tag",
    "%dir",
    "@at",
    "`tick`",
    "e\u{301}",
    "é",
];

fn a_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        2 => "\\PC{1,20}",
        1 => any::<String>().prop_filter("Duo wants a name", |name| !name.is_empty()),
        1 => "[A-Za-z ]{60,120}",
    ]
}

fn a_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => "[A-Za-z .,:#'\"-]{1,60}",
        1 => "([ -~]{0,20}\n){1,4}",
        1 => any::<String>(),
        1 => "[a-z ]{380,511}",
        1 => Just("owned [duoctl acme/applications.x".to_owned()),
        1 => Just("key: 0123456789abcdefABCDEF0123456789abcdefAB".to_owned()),
        1 => Just("[duoctl other/applications.vpn -]".to_owned()),
        1 => Just("text\n[duoctl acme/applications.gone -]".to_owned()),
        1 => Just("[duoctl acme/applications.lost - quarantined:2026-01-01]".to_owned()),
        1 => Just("[duoctl acme/identity_intelligence.emea.admin_api -]".to_owned()),
    ]
}

fn a_kind() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["radius", "websdk", "adminapi", "accountsapi", "authapi", "sso-generic", "sso-oidc-generic",
            "sso-oauth-client-credentials", "unix"]).prop_map(str::to_owned),
        2 => prop::sample::select(kinds().iter().map(|kind| kind.name.to_owned()).collect::<Vec<_>>()),
        1 => Just("brand-new-type".to_owned()),
    ]
}

#[derive(Clone, Debug)]
struct App {
    kind: String,
    name: String,
    notes: String,
    greeting: String,
    access: u8,
    groups: Vec<u8>,
    policy: Option<u8>,
    flags: [bool; 3],
    normalization: Option<bool>,
    networks: Vec<String>,
    permissions: Vec<u8>,
    sso: Value,
}

fn an_sso() -> impl Strategy<Value = Value> {
    (a_text(), any::<bool>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..3)).prop_map(|(text, on, number, roles)| {
        let ids: Vec<String> = roles.iter().map(|role| format!("group:{role}")).collect();
        json!({
            "saml_config": {"entity_id": format!("https://{number}.example.com"), "acs_urls": [{"url": format!("https://{number}.example.com/acs"), "index": number % 3}],
                "sign_assertion": on, "encrypt_assertion": on, "relaystate": text, "role_attrs": {"role": {"admin": ids}}, "mapped_attrs": {"<Email Address>": "mail"},
                "attribute_transformations": {"nick": "use \"<Username>\"\nprepend text=\"dev-\""}, "future": {"x": 1}},
            "oidc_config": {"grant_types": {"authorization_code": on, "refresh_token": {"refresh_token_single_lifespan": 86400}},
                "redirect_uris": [format!("https://{number}.example.com/cb")], "scopes": [{"name": "openid"}, {"name": "email", "idp_attribute_claim_mapping": [{"idp_attribute": "mail", "oidc_claim": "email"}]}]},
            "oauth_config": {"scopes": [{"id": format!("s{number}"), "name": "read"}], "clients": [{"client_id": "c1", "name": "job", "assigned_scopes_ids": [format!("s{number}")]}]},
        })
    })
}

fn an_app() -> impl Strategy<Value = App> {
    let who = (0_u8..4, prop::collection::vec(any::<u8>(), 0..4), prop::option::of(any::<u8>()));
    let rest = (
        any::<[bool; 3]>(),
        prop::option::of(any::<bool>()),
        prop::collection::vec(
            prop::sample::select(vec!["192.0.2.0/24", "198.51.100.7", "10.0.0.1-10.0.0.9", "2001:db8::/32"])
                .prop_map(str::to_owned),
            0..3,
        ),
        prop::collection::vec(any::<u8>(), 0..5),
        an_sso(),
    );
    (a_kind(), a_name(), a_text(), a_text(), who, rest).prop_map(
        |(
            kind,
            name,
            notes,
            greeting,
            (access, groups, policy),
            (flags, normalization, networks, permissions, sso),
        )| App {
            kind,
            name,
            notes,
            greeting,
            access,
            groups,
            policy,
            flags,
            normalization,
            networks,
            permissions,
            sso,
        },
    )
}

const FLAGS: [&str; 11] = [
    "adminapi_admins",
    "adminapi_admins_read",
    "adminapi_allow_to_set_permissions",
    "adminapi_info",
    "adminapi_integrations",
    "adminapi_integrations_read",
    "adminapi_read_log",
    "adminapi_read_resource",
    "adminapi_settings",
    "adminapi_settings_read",
    "adminapi_write_resource",
];

/// Puts the applications into an account with some groups and policies, two of each of one name.
fn fill(direct: &Direct, apps: &[App]) {
    let mut account = direct.account();
    let names = ["Staff", "Interns", "Interns", "عربي", "NO", "1:30", "Staff (from AD sync \"HQ\")"];
    let groups: Vec<String> = names.iter().map(|name| account.add_group(name).unwrap()).collect();
    let policies: Vec<String> =
        ["Strict", "Twin", "Twin"].iter().map(|name| account.add_policy(name).unwrap()).collect();
    let gone = account.add_group("Gone").unwrap();
    account.remove_group(&gone).unwrap();
    let pick = |ids: &[String], place: u8| ids[usize::from(place) % ids.len()].clone();
    for app in apps {
        let section = match app.kind.as_str() {
            "sso-oidc-generic" => "oidc_config",
            kind if kind.starts_with("sso-oauth-") => "oauth_config",
            _ => "saml_config",
        };
        let mut sso = json!({section: app.sso[section]});
        if let Some(Value::Array(ids)) = sso.pointer_mut("/saml_config/role_attrs/role/admin") {
            for id in ids {
                let place = id.as_str().unwrap().strip_prefix("group:").unwrap().parse().unwrap();
                *id = json!(pick(&groups, place));
            }
        }
        let access = ["ALL_USERS", "PERMITTED_GROUPS", "PERMITTED_GROUPS", "NO_USERS"];
        let mut stored = json!({
            "kind": app.kind, "name": app.name, "notes": app.notes, "greeting": app.greeting,
            "user_access": access[usize::from(app.access)],
            "groups_allowed": app.groups.iter().map(|place| pick(&groups, *place)).chain([gone.clone()]).collect::<BTreeSet<_>>(),
            "policy_key": app.policy.map(|place| pick(&policies, place)),
            "self_service_allowed": app.flags[0], "frameless": app.flags[1], "universal_prompt": app.flags[2],
            "normalization": app.normalization.map(|simple| if simple { "Simple" } else { "None" }),
        });
        if app.kind == "adminapi" {
            stored["permissions"] =
                app.permissions.iter().map(|place| FLAGS[usize::from(*place) % FLAGS.len()]).collect();
        }
        if matches!(app.kind.as_str(), "adminapi" | "accountsapi") {
            stored["networks"] = json!(app.networks);
        }
        if app.kind.starts_with("sso-") {
            stored["sso"] = sso;
        }
        account.place_application(&stored).unwrap();
    }
}

fn turned(direct: &Direct, switches: &[bool]) {
    let names = [
        "shuffle-groups",
        "networks-as-array",
        "blank-normalization",
        "trim-text",
        "escape-text",
        "expand-grants",
        "extra-property",
        "new-flags",
        "limit-notes",
        "clear-groups",
    ];
    let mut account = direct.account();
    for (name, on) in names.iter().zip(switches) {
        account.switches.set(&format!("{name}={}", if *on { "on" } else { "off" })).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_import_only_adopts(
        apps in prop::collection::vec(an_app(), 0..12), switches in prop::collection::vec(any::<bool>(), 10),
        defaulted in 0_u8..3,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let direct = empty();
        turned(&direct, &switches);
        fill(&direct, &apps);
        let defaults = [
            "",
            "defaults: {applications: {self_service_allowed: false, protect: true}}\n",
            "defaults:\n  applications: {greeting: Hello, policy: Strict, notes: n, username_normalization_policy: simple, self_service_allowed: true} # ours\n",
        ];
        let text = format!("{BARE}{}", defaults[usize::from(defaulted)]);
        let outcome = runtime.block_on(import_adopts_and_settles(&direct, &text, &everything()));
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_of_ten_years_is_imported_whole() {
    let direct = empty();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = an_app();
    let mut apps: Vec<App> = (0..600).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    for (app, kind) in apps.iter_mut().zip(kinds()) {
        app.kind = kind.name.to_owned();
    }
    fill(&direct, &apps);
    let (yaml, imported) = import_adopts_and_settles(&direct, BARE, &everything()).await.unwrap();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for left_out in &imported.left_out {
        let reason = match &left_out.reason {
            Reason::Elsewhere(_) => "elsewhere",
            Reason::Intelligence => "intelligence",
            Reason::Impossible(_) => "impossible",
            Reason::Declared | Reason::NotWanted | Reason::Operator => "other",
        };
        *counts.entry(reason).or_default() += 1;
    }
    assert_eq!(imported.entries.len() + imported.left_out.len(), 601);
    assert_eq!(counts.get("other"), None, "{counts:?}");
    assert!(imported.entries.len() > 400, "{} {counts:?}", imported.entries.len());
    let types: BTreeSet<&str> = imported.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert!(types.len() > 140, "{}", types.len());
    assert!(!yaml.contains("0123456789abcdefABCDEF0123456789abcdefAB"), "no secret");
}
