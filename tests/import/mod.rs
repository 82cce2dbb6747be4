//! After an import the plan contains only adoptions, and after those are applied nothing: over random accounts, and over a
//! large one with everything that ten years of clicking leave behind.

mod authoritative;
mod kinds;
mod random;
mod strange;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use duoctl::apply::converge::{Shelves, converge};
use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Hands, Progress, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::apply::seal::Sealer;
use duoctl::config::load::{Loaded, load_text};
use duoctl::diagnostic::has_errors;
use duoctl::duo::call::Transport;
use duoctl::duo::catalogue::kinds;
use duoctl::duo::client::{Reader, Writer};
use duoctl::duo::object::{Ikey, Kind};
use duoctl::import::placement::{Split, place};
use duoctl::import::{Imported, Live, Reason, Wanted, import};
use duoctl::intelligence::expand::expand;
use duoctl::observe::{observe, observe_all};
use duoctl::reconcile::desired::Desired;
use duoctl::reconcile::observed::Observed;
use duoctl::reconcile::plan::{Action, Options, Plan, Prune, Step, plan};
use duoctl::reconcile::selection::Selection;
use duoctl::sandbox::account::{API_HOSTNAME, Account};
use duoctl::sandbox::direct::Direct;
use duoctl::sandbox::switches::Switches;
use duoctl::secrets::Stores;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use tokio_util::sync::CancellationToken;

use crate::seals::keyring;

use random::{App, an_app, fill};

const BARE: &str = "# $schema: duoctl.schema.json\nversion: 1\nworkspace: acme\n\
    tenant: {api_hostname: api-1a2b3c4d.duosecurity.com} # the only one\n";

fn empty() -> Direct {
    Direct::operator(Account::empty_in_memory().unwrap())
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

fn load(text: &str) -> Loaded {
    load_text(PathBuf::from("duo.yaml"), text.to_owned())
}

fn desired(loaded: &Loaded) -> Desired {
    let workspace = loaded.valid().unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let mut desired = Desired::from_workspace(workspace, String::new());
    expand(workspace, &mut desired);
    desired
}

/// A client of the account, and the signing key.
trait Client: Transport + Clone {
    fn operator(&self) -> &Ikey;
}

impl Client for Direct {
    fn operator(&self) -> &Ikey {
        self.ikey()
    }
}

async fn import_into(direct: &impl Client, text: &str, wanted: &Wanted) -> (String, Imported) {
    let loaded = load(text);
    let desired = desired(&loaded);
    let reading = observe_all(&Reader::new(direct.clone()), keyring(), direct.operator(), API_HOSTNAME).await;
    let seen = &reading.observation.objects;
    let (Observed::Present(integrations), Observed::Present(groups), Observed::Present(policies)) =
        (seen.of(Kind::Application), seen.of(Kind::Group), seen.of(Kind::Policy))
    else {
        panic!("unreadable")
    };
    let live = Live { integrations, groups, policies };
    let workspace = loaded.valid().unwrap();
    let imported = import(workspace, &desired, &reading.observation, live, wanted);
    let mut after = text.to_owned();
    for change in
        place(&imported.entries, Split::None, workspace, &loaded.sources, |_| Ok(Some(text.to_owned())))
            .unwrap()
    {
        after = change.text;
    }
    (after, imported)
}

async fn plan_of(direct: &impl Client, desired: &Desired) -> Plan {
    let reading =
        observe(&Reader::new(direct.clone()), desired, keyring(), direct.operator(), API_HOSTNAME).await;
    plan(desired, &reading.observation, &options())
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &Step) {}
    fn end(&self, _: &StepOutcome) {}
}

/// Imports, and checks that the plan only adopts, that nothing is left after the apply, and that a second import adds
/// nothing. Returns the YAML.
async fn import_adopts_and_settles(
    direct: &impl Client,
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
    let outcomes = execute(
        &first,
        Hands { writer: &writer, courier: &courier, deputy: None, sealer: Sealer::new(keyring()) },
        4,
        &CancellationToken::new(),
        &Silent,
    )
    .await;
    if let Some(failed) = outcomes.iter().find(|outcome| !matches!(outcome.status, Status::Applied)) {
        return fail(&format!("{failed:?}"), &yaml);
    }
    let written: Vec<_> = outcomes.iter().map(|outcome| outcome.address.clone()).collect();
    let shelves =
        Shelves { stores: &stores, before: &BTreeMap::new(), parallelism: 4, sealer: Sealer::new(keyring()) };
    let (converged, _) =
        converge(&writer, &desired, &options(), direct.operator(), API_HOSTNAME, &written, &shelves).await;
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

fn turned(direct: &Direct, turned: &[bool]) {
    let mut account = direct.account();
    for (switch, _) in Switches::all().iter().zip(turned).filter(|(_, turned)| **turned) {
        // What Duo refuses to write cannot be adopted.
        let refuses = switch.name.starts_with("short-n") || switch.name == "synced-groups";
        for other in switch.others().filter(|_| !refuses) {
            account.switches.set(&format!("{}={other}", switch.name)).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_import_only_adopts(
        apps in prop::collection::vec(an_app(), 0..12),
        switches in prop::collection::vec(any::<bool>(), Switches::all().len()),
        defaulted in 0_u8..3,
        groups in any::<bool>(),
        policies in any::<bool>(),
        global_policy in any::<bool>(),
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
        let others = [(groups, Kind::Group), (policies, Kind::Policy)];
        let others = others.into_iter().filter_map(|(wanted, kind)| wanted.then_some(kind));
        let kinds = others.chain([Kind::Application]).collect();
        let wanted = Wanted { kinds, global_policy, ..everything() };
        let outcome = runtime.block_on(import_adopts_and_settles(&direct, &text, &wanted));
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
    let types: BTreeSet<&str> = imported.entries.iter().map(|entry| entry.variant.as_str()).collect();
    assert!(types.len() > 140, "{}", types.len());
    assert!(!yaml.contains("0123456789abcdefABCDEF0123456789abcdefAB"), "no secret");
}
