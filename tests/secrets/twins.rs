//! `duoctl keys rotate` with an overlap: the stages, the evidence, the way back, and everything that may happen in between.

use std::fs;

use duoctl::duo::call::{ApiCall, Transport as _};
use duoctl::duo::https::{HttpsConfig, HttpsTransport};
use duoctl::duo::object::Ikey;
use duoctl::sandbox::account::Account;
use duoctl::secret::Secret;
use serde_json::{Map, Value, json};

use super::workspace::{Duo, Folder, Outcome};
use crate::support::Process;

const STORES: &str = "secret_stores:
  local: {type: file, path: secrets}
  cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}
";
const HELP: &str = "applications:
  help: {type: authapi, name: Help, user_access: permitted_groups, groups_allowed: [Help Desk, Finance], policy: Contractors, secret: {store: local, path: help.json}}
";

fn start(applications: &str) -> (Duo, Folder) {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.keeper();
    folder.yaml(applications, STORES);
    duo.apply(&folder).exits(0);
    (duo, folder)
}

fn kept(folder: &Folder, path: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.path(path)).unwrap()).unwrap()
}

/// The applications of a name that anyone may use.
fn in_use(duo: &Duo, name: &str) -> Vec<Value> {
    let mut found = duo.applications(name);
    found.retain(|application| !application["notes"].as_str().unwrap().contains(" retired:"));
    found
}

/// A login with the key in the store.
pub async fn log_in(duo: &Duo, key: &Value) {
    let text = |name: &str| key[name].as_str().unwrap();
    let secret = Secret::new(text("secret_key"));
    let mut config =
        HttpsConfig::new(duo.running().api_hostname(), Ikey::new(text("integration_key")), secret);
    config.connect_to = Some(duo.running().address());
    config.authorities = duoctl::duo::https::Authorities::file(duo.running().ca_file());
    let body = json!({"username": user(duo), "factor": "push", "device": "auto"});
    let transport = HttpsTransport::open(config).unwrap();
    transport.send(&ApiCall::post("/auth/v2/auth", body.as_object().cloned().unwrap())).await.unwrap();
}

/// A login with a key that Duo accepts.
pub fn succeed(duo: &Duo, key: &Value) {
    let (ikey, now) = (key["integration_key"].as_str().unwrap(), jiff::Timestamp::now().as_second());
    let name = user(duo);
    duo.account().record_login(ikey, &name, "success", now).unwrap();
}

fn user(duo: &Duo) -> String {
    let query = Map::from_iter([("limit".to_owned(), json!("1"))]);
    match duo.account().as_administrator("GET", "/admin/v1/users", query) {
        duoctl::sandbox::call::Reply::Page(users, _) => users[0]["username"].as_str().unwrap().to_owned(),
        _ => panic!("there are users"),
    }
}

const ROTATE: [&str; 4] = ["keys", "rotate", "applications.help", "--auto-approve"];

fn keys(duo: &Duo, folder: &Folder, verb: &str, more: &[&str]) -> Outcome {
    let mut arguments = vec!["keys", verb, "applications.help"];
    arguments.extend(more);
    if verb != "status" {
        arguments.push("--auto-approve");
    }
    duo.run(folder, &arguments)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_replaced_stage_by_stage() {
    let (duo, folder) = start(HELP);
    let old = duo.application("Help");
    let run = keys(&duo, &folder, "rotate", &[]).exits(0);
    run.tells("rotation  (none) -> \"delivered\"")
        .tells("read back, proven by a signed call")
        .tells("waits for: a use of the new key");
    let both = duo.applications("Help");
    assert_eq!(both.len(), 2);
    let new = both.iter().find(|one| one["integration_key"] != old["integration_key"]).unwrap();
    for setting in
        ["user_access", "policy_key", "greeting", "self_service_allowed", "username_normalization_policy"]
    {
        assert_eq!(new[setting], old[setting], "{setting}");
    }
    let groups = |one: &Value| one["groups_allowed"].as_array().unwrap().len();
    assert_eq!(groups(new), 2);
    let held = kept(&folder, "secrets/help.json");
    assert_eq!(held["integration_key"], new["integration_key"]);
    assert_eq!(held["secret_key"], new["secret_key"]);
    assert_eq!(held["previous_integration_key"], old["integration_key"]);
    assert_eq!(held["previous_secret_key"], old["secret_key"]);

    // There is no difference, no orphan and no duplicate marker, and the plan shows the rotation.
    let plan = duo.plan(&folder).exits(0);
    plan.tells("@ rotation applications.help")
        .tells("No changes.")
        .never_tells("orphan")
        .never_tells("duplicate-marker");
    duo.run(&folder, &["drift"]).exits(0);
    duo.run(&folder, &["verify"]).exits(0);
    let status = keys(&duo, &folder, "status", &["--format", "json"]).exits(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["rotations"][0]["stage"], "delivered");
    assert_eq!(status["rotations"][0]["waits_for"].as_array().unwrap().len(), 2);
    assert!(status["rotations"][0]["since"].as_str().unwrap().ends_with('Z'));

    // Running it again does not start a new rotation, and neither does an apply.
    keys(&duo, &folder, "rotate", &[]).exits(0).tells("waits for:");
    duo.apply(&folder).exits(0);
    assert_eq!(duo.applications("Help").len(), 2);

    // Both follow the YAML while they are in use.
    folder.yaml(&HELP.replace("[Help Desk, Finance]", "[Help Desk]"), STORES);
    keys(&duo, &folder, "rotate", &[]).exits(5).tells("it differs from the YAML; run `duoctl apply` first");
    duo.apply(&folder).exits(0);
    assert!(duo.applications("Help").iter().all(|one| groups(one) == 1));

    // Duo denies this user: that can happen with a key that no consumer has read yet.
    let new = kept(&folder, "secrets/help.json");
    log_in(&duo, &new).await;
    keys(&duo, &folder, "status", &[]).exits(0).tells("waits for: a use of the new key");
    succeed(&duo, &new);
    let run = keys(&duo, &folder, "status", &[]).exits(0);
    run.tells("seen: the new key").tells("waits for: 24 hours since the delivery");
    let run = keys(&duo, &folder, "rotate", &["--silence", "0h"]).exits(0);
    run.tells("rotation  \"delivered\" -> \"finished\"");
    let retired =
        duo.applications("Help").into_iter().find(|one| one["integration_key"] == old["integration_key"]);
    assert_eq!(retired.unwrap()["user_access"], "NO_USERS");
    let held = kept(&folder, "secrets/help.json");
    assert_eq!(held["integration_key"], in_use(&duo, "Help")[0]["integration_key"]);
    assert_eq!(held.get("previous_secret_key"), None);
    duo.plan(&folder).exits(0).tells("? retired applications.help").never_tells("@ rotation");
    duo.run(&folder, &["apply", "--prune", "--auto-approve"]).exits(0);
    assert_eq!(duo.applications("Help").len(), 2, "its quarantine is not over");
    duo.run(&folder, &["apply", "--prune=now", "--allow", "destroys", "--auto-approve"]).exits(0);
    assert_eq!(duo.application("Help")["integration_key"], held["integration_key"]);
    duo.plan(&folder).exits(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notes_that_are_cleared_in_duo_lose_neither_key() {
    let (duo, folder) = start(HELP);
    let old = kept(&folder, "secrets/help.json");
    keys(&duo, &folder, "rotate", &[]).exits(0);
    let held = kept(&folder, "secrets/help.json");
    let clear = |notes: &str, keys: &[&Value]| {
        for key in keys {
            let ikey = key["integration_key"].as_str().unwrap();
            let body = Map::from_iter([("notes".to_owned(), json!(notes))]);
            duo.account().as_administrator("POST", &format!("/admin/v1/integrations/{ikey}"), body);
        }
    };
    // The store still shows which two belong together, so their markers are written again.
    for keys in [vec![&old], vec![&held], vec![&old, &held]] {
        clear("", &keys);
        duo.apply(&folder).exits(0).tells("updated applications.help");
        assert_eq!(kept(&folder, "secrets/help.json"), held, "neither key left the store");
        duo.plan(&folder).exits(0).tells("@ rotation applications.help").tells("No changes.");
    }
    // Nothing is guessed if another marker contradicts it.
    clear("[duoctl other/applications.help -]", &[&old]);
    duo.apply(&folder).exits(1).tells("lost-marker");
    assert_eq!(kept(&folder, "secrets/help.json"), held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_with_the_old_key_keeps_it() {
    let (duo, folder) = start(HELP);
    let old = kept(&folder, "secrets/help.json");
    keys(&duo, &folder, "rotate", &[]).exits(0);
    let new = kept(&folder, "secrets/help.json");
    log_in(&duo, &new).await;
    log_in(&duo, &old).await;
    let run = keys(&duo, &folder, "rotate", &["--silence", "1h"]).exits(0);
    run.tells("1 hours without a use of the old key");
    // An apply checks the same evidence, and a person may override it.
    duo.apply(&folder).exits(0).tells("waits for:");
    assert_eq!(in_use(&duo, "Help").len(), 2);
    keys(&duo, &folder, "confirm", &[]).exits(0);
    assert_eq!(in_use(&duo, "Help").len(), 1);
}

#[test]
fn a_rotation_can_be_aborted() {
    let (duo, folder) = start(HELP);
    keys(&duo, &folder, "abort", &[]).exits(5).tells("there is nothing to abort");
    keys(&duo, &folder, "confirm", &[]).exits(5).tells("there is nothing to confirm");
    let old = duo.application("Help");
    keys(&duo, &folder, "rotate", &[]).exits(0);
    let run = keys(&duo, &folder, "abort", &[]).exits(0);
    let run = run.tells("rotation aborted applications.help").never_tells("rotated");
    run.tells("\"delivered\" -> \"aborted\"").tells("the new key stops working for good");
    assert_eq!(duo.application("Help"), old);
    let held = kept(&folder, "secrets/help.json");
    assert_eq!(held["secret_key"], old["secret_key"]);
    assert_eq!(held.get("previous_secret_key"), None);
    duo.plan(&folder).exits(0).never_tells("rotation");
}

#[test]
fn a_store_that_fails_leaves_a_rotation_that_goes_on() {
    let applications = HELP.replace("{store: local, path: help.json}", "{store: cmd, path: help}");
    let (duo, folder) = start(&applications);
    let old = duo.application("Help");
    folder.script("keep.sh", "[ \"$1\" = read ] && cat kept-help && exit; exit 1");
    keys(&duo, &folder, "rotate", &[]).exits(4).tells("not delivered applications.help");
    assert_eq!(kept(&folder, "kept-help")["secret_key"], old["secret_key"], "nobody lost the old key");
    let confirmed = keys(&duo, &folder, "confirm", &[]).exits(5);
    confirmed.tells("its new key is not delivered yet, so it cannot be in use");
    folder.script("keep.sh", "exit 1");
    let again = keys(&duo, &folder, "rotate", &[]);
    again.exits(5).tells("its store cannot be read, so its new key might be lost");
    keys(&duo, &folder, "status", &[]).exits(0).tells("not delivered yet").tells("waits for: the delivery");
    folder.keeper();
    // An apply continues the rotation just like the same command.
    duo.apply(&folder).exits(0).tells("rotation delivered applications.help");
    assert_eq!(duo.applications("Help").len(), 2);
    let held = kept(&folder, "kept-help");
    assert_ne!(held["integration_key"], old["integration_key"]);
    assert_eq!(held["previous_secret_key"], old["secret_key"]);
}

#[test]
fn a_store_that_loses_its_content_meanwhile_gets_the_new_key_again() {
    let (duo, folder) = start(HELP);
    let old = fs::read(folder.path("secrets/help.json")).unwrap();
    keys(&duo, &folder, "rotate", &[]).exits(0);
    let new = kept(&folder, "secrets/help.json");
    fs::write(folder.path("secrets/help.json"), old).unwrap();
    duo.plan(&folder).exits(2).tells("* deliver applications.help");
    duo.apply(&folder).exits(0);
    let held = kept(&folder, "secrets/help.json");
    assert_eq!(held["secret_key"], new["secret_key"]);
    assert_eq!(held["previous_secret_key"], new["previous_secret_key"]);
}

/// A store that fails while a rotation is aborted: nothing is lost, and everything names the command that ends it.
#[test]
fn an_abort_that_the_store_interrupts_is_ended_by_the_same_command() {
    let applications = HELP.replace("{store: local, path: help.json}", "{store: cmd, path: help}");
    let (duo, folder) = start(&applications);
    let old = duo.application("Help");
    keys(&duo, &folder, "rotate", &[]).exits(0);
    let new = kept(&folder, "kept-help");
    folder.script("keep.sh", "[ \"$1\" = read ] && cat kept-help && exit; exit 1");
    let run = keys(&duo, &folder, "abort", &[]).exits(4);
    run.tells("not delivered applications.help").tells("run `duoctl keys abort applications.help` again");
    assert_eq!(duo.applications("Help").len(), 2);
    assert_eq!(kept(&folder, "kept-help"), new, "its key still works");
    folder.keeper();
    let plan = duo.plan(&folder).exits(0).tells("1 aborted rotation to clean up.");
    plan.tells("duoctl keys abort applications.help");
    keys(&duo, &folder, "abort", &[]).exits(0).tells("rotation aborted applications.help");
    assert_eq!(duo.application("Help"), old);
    let held = kept(&folder, "kept-help");
    assert_eq!((&held["secret_key"], held.get("previous_secret_key")), (&old["secret_key"], None));
    let plan = duo.plan(&folder).exits(0).tells("No changes.");
    plan.never_tells("clean up");
}

#[test]
fn what_cannot_have_a_twin_says_why_and_the_others_go_on() {
    let applications = "applications:
  bare: {type: radius, name: Bare, user_access: no_users}
  help: {type: authapi, name: Help, user_access: no_users, secret: {store: local, path: help.json}}
  portal: {type: sso-oidc-generic, name: Portal, user_access: no_users, secret: {store: local, path: portal}, sso: {oidc_config: {grant_types: {authorization_code: true}, redirect_uris: ['https://p.example.com/cb'], scopes: [{name: openid}]}}}
";
    let (duo, folder) = start(applications);
    let before = duo.application("Help")["secret_key"].clone();
    let new = format!(
        "{applications}  new: {{type: radius, name: New, user_access: no_users, secret: {{store: local, path: new}}}}\n"
    );
    folder.yaml(&new, STORES);
    for (address, reason) in [
        ("applications.bare", "it has no `secret`, so its new key would not be stored"),
        ("applications.portal", "a second one would be another issuer; pass `--strategy in-place`"),
        ("applications.new", "it is not in the account; run `duoctl apply` first"),
    ] {
        duo.run(&folder, &["keys", "rotate", address, "--auto-approve"])
            .exits(5)
            .tells(reason)
            .tells("nothing was changed");
    }
    duo.run(&folder, &["keys", "rotate", "applications.help"])
        .exits(5)
        .tells("no terminal to ask for consent");
    let run = duo.run(&folder, &["keys", "rotate", "applications.*", "--auto-approve"]).exits(4);
    run.tells("the others continue").tells("rotation delivered applications.help");
    assert!(duo.applications("Help").iter().any(|one| one["secret_key"] != before));
    duo.run(&folder, &["keys", "rotate"]).exits(64);
}

/// Runs something once a slow rotation has reached a point.
fn meanwhile(duo: &Duo, folder: &Folder, far: impl FnMut(&mut Account) -> bool, then: impl Fn()) -> Outcome {
    duo.disturb("delay=150");
    let run = duo.call(folder, &ROTATE).start();
    duo.wait_until("it has come so far", far);
    then();
    let outcome = run.end();
    duo.calm();
    outcome
}

fn called(account: &Account, call: &str) -> usize {
    account.requests().get(call).copied().unwrap_or_default()
}

#[test]
fn nothing_is_made_where_the_old_application_moved_or_another_run_was_faster() {
    const LIST: &str = "GET /admin/v3/integrations";
    const CREATE: &str = "POST /admin/v3/integrations";
    let edit = |duo: &Duo| duo.edit("Help", json!({"greeting": "Somebody else was here"}));
    let rival = |duo: &Duo| {
        let old = duo.application("Help");
        let notes = old["notes"].as_str().unwrap();
        let notes = notes.replace(
            ']',
            &format!(" successor:2026-11-24T22:00:00Z of:{}]", old["integration_key"].as_str().unwrap()),
        );
        let body = json!({"type": "authapi", "name": "Help", "user_access": "NO_USERS", "notes": notes});
        duo.account().create_application(body.as_object().cloned().unwrap()).unwrap();
    };
    let happens: [&dyn Fn(&Duo); 2] = [&edit, &rival];
    let why = [
        "was changed in Duo since the plan was made",
        "applications were created or deleted in Duo since the plan was made",
    ];
    for (happens, why) in happens.into_iter().zip(why) {
        let (duo, folder) = start(HELP);
        let lists = called(&duo.account(), LIST);
        let creates = called(&duo.account(), CREATE);
        let run = meanwhile(&duo, &folder, |account| called(account, LIST) > lists, || happens(&duo));
        run.exits(6).tells(why);
        assert_eq!(called(&duo.account(), CREATE), creates, "{why}");
    }
}

#[test]
fn the_keys_of_a_successor_that_may_be_used_by_others_stay_out_of_the_store() {
    let (duo, folder) = start(HELP);
    let (old, before) = (duo.application("Help"), kept(&folder, "secrets/help.json"));
    let successor = |account: &mut Account| {
        let twins = account.applications().into_iter().filter(|live| live["name"] == "Help");
        twins.map(|live| live["integration_key"].clone()).find(|ikey| *ikey != old["integration_key"])
    };
    let open = || {
        let mut account = duo.account();
        let ikey = successor(&mut account).unwrap();
        let wider = json!({"self_service_allowed": 1}).as_object().cloned().unwrap();
        account.modify_application(ikey.as_str().unwrap(), wider).unwrap();
    };
    let run = meanwhile(&duo, &folder, |account| successor(account).is_some(), open);
    run.exits(4).tells("Duo did not give the successor ").tells("so its keys are not delivered");
    assert_eq!(kept(&folder, "secrets/help.json"), before);
}

#[test]
fn a_new_key_that_duo_does_not_accept_stays_out_of_the_store() {
    let (duo, folder) = start(HELP);
    let (old, before) = (duo.application("Help"), kept(&folder, "secrets/help.json"));
    let fetched = |account: &Account| {
        let keys = account.requests().iter().filter(|(call, _)| call.ends_with("/skey"));
        keys.map(|(_, count)| count).sum::<usize>()
    };
    let seen = fetched(&duo.account());
    let reset = || {
        let mut account = duo.account();
        let twins = account.applications().into_iter().filter(|live| live["name"] == "Help");
        let mut ikeys = twins.map(|live| live["integration_key"].clone());
        let successor = ikeys.find(|ikey| *ikey != old["integration_key"]).unwrap();
        let body = json!({"reset_secret_key": 1}).as_object().cloned().unwrap();
        account.modify_application(successor.as_str().unwrap(), body).unwrap();
    };
    let run = meanwhile(&duo, &folder, |account| fetched(account) > seen, reset);
    run.exits(4).tells("Duo does not accept the new key yet, so the store keeps the old one");
    assert_eq!(kept(&folder, "secrets/help.json"), before);
}

#[test]
fn of_two_that_rotate_at_once_one_rotation_is_left() {
    let (duo, folder) = start(HELP);
    duo.disturb("delay=20");
    let both = [0, 1].map(|_| duo.call(&folder, &ROTATE).start());
    for run in both.map(Process::end) {
        assert!(run.code.is_some_and(|code| [0, 4, 6].contains(&code)), "{}\n{}", run.stdout, run.stderr);
    }
    duo.calm();
    assert!(duo.applications("Help").len() <= 2);
    keys(&duo, &folder, "rotate", &[]).exits(0);
    keys(&duo, &folder, "confirm", &[]).exits(0);
    assert_eq!(in_use(&duo, "Help").len(), 1);
    duo.plan(&folder).exits(0);
}

#[test]
fn what_leaves_the_yaml_under_rotation_goes_with_its_successor() {
    let (duo, folder) = start(HELP);
    keys(&duo, &folder, "rotate", &[]).exits(0);
    let new = kept(&folder, "secrets/help.json")["integration_key"].clone();
    folder.yaml("applications: {other: {type: radius, name: Other, user_access: no_users}}\n", STORES);
    duo.apply(&folder).exits(0).tells("? orphan applications.help").never_tells("duplicate-marker");
    keys(&duo, &folder, "rotate", &[]).exits(5).tells("it is no longer in the YAML");
    duo.run(&folder, &["apply", "--prune", "--auto-approve"]).exits(0);
    assert!(duo.applications("Help").iter().all(|one| one["user_access"] == "NO_USERS"));
    // It comes back as the application whose key the store has.
    folder.yaml(HELP, STORES);
    let plan = duo.plan(&folder).exits(2);
    plan.tells(&format!("~ update applications.help  \"Help\" (authapi) {}", new.as_str().unwrap()));
    duo.run(&folder, &["apply", "--auto-approve", "--allow", "widens_access"]).exits(0);
    duo.plan(&folder).exits(0);
    folder.yaml("applications: {other: {type: radius, name: Other, user_access: no_users}}\n", STORES);
    duo.run(&folder, &["apply", "--prune=now", "--allow", "destroys", "--auto-approve"]).exits(0);
    assert!(duo.applications("Help").is_empty());
}

#[test]
fn an_import_takes_the_pair_for_one() {
    let (duo, folder) = start(HELP);
    keys(&duo, &folder, "rotate", &[]).exits(0);
    duo.run(&folder, &["import", "--type", "authapi"]).exits(0);
    let text = fs::read_to_string(folder.path("duo.yaml")).unwrap();
    assert_eq!(text.matches("name: Help,").count(), 1, "{text}");
    duo.run(&folder, &["plan", "--only", "applications.help"]).exits(0).tells("@ rotation");
}

#[test]
fn a_console_gets_the_new_key_before_the_old_one_goes() {
    let applications = "identity_intelligence: {emea: {display_name: EMEA, access: read_only, push_verification: {application_name: Desk}, secret: {store: local, path: cii}}}\n";
    let (duo, folder) = start(applications);
    duo.run(&folder, &["attest", "emea", "--by", "ada@example.com"]).exits(0);
    let address = "identity_intelligence.emea.admin_api";
    let old = kept(&folder, "secrets/cii/admin_api");
    duo.run(&folder, &["keys", "rotate", address, "--auto-approve"])
        .exits(0)
        .tells("`duoctl attest emea` records that they are entered");
    let sheet = duo.run(&folder, &["handoff", "emea", "--format", "json"]).exits(0);
    let sheet: Value = serde_json::from_str(&sheet.stdout).unwrap();
    let fields = sheet["handoffs"][0]["fields"].as_array().unwrap();
    let outstanding: Vec<(&str, &Value)> = fields
        .iter()
        .filter(|field| field["outstanding"] == true)
        .map(|field| (field["label"].as_str().unwrap(), &field["application"]))
        .collect();
    assert_eq!(outstanding.len(), 2, "{outstanding:?}");
    assert!(outstanding.iter().all(|(_, application)| **application == address), "{outstanding:?}");
    // Without the console this is unknown, whatever a person confirms about the key.
    let confirm = ["keys", "confirm", address, "--auto-approve"];
    duo.run(&folder, &confirm).exits(5).tells("so only an attestation counts");
    duo.apply(&folder).exits(0);
    let name = duo.applications("Identity Intelligence: EMEA");
    assert_eq!(name.len(), 2, "the old key works until then");
    assert!(name.iter().any(|one| one["secret_key"] == old["secret_key"]));
    duo.run(&folder, &["attest", "emea", "--by", "ada@example.com"]).exits(0);
    duo.apply(&folder).exits(0).tells("rotation finished identity_intelligence.emea.admin_api");
    let retired = duo
        .applications("Identity Intelligence: EMEA")
        .into_iter()
        .find(|one| one["secret_key"] == old["secret_key"]);
    assert_eq!(retired.unwrap()["adminapi_read_log"], 0);
    duo.plan(&folder).exits(0).tells("No changes.").never_tells("handoff");
}
