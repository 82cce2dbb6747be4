//! `duoctl rotate` by a twin: the stages, the evidence, the way back, and everything that may come in between.

use std::fs;
use std::time::{Duration, Instant};

use duoctl::duo::call::{ApiCall, Transport as _};
use duoctl::duo::https::{HttpsConfig, HttpsTransport};
use duoctl::duo::types::Ikey;
use duoctl::sandbox::account::Account;
use duoctl::secret::Secret;
use serde_json::{Map, Value, json};

use super::support::{Duo, Folder, Run};

const STORES: &str = "secret_stores:
  local: {type: file, path: secrets}
  cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}
";
const HELP: &str = "applications:
  help: {type: authapi, name: Help, user_access: permitted_groups, groups_allowed: [Help Desk, Finance], policy: Contractors, secret: {store: local, path: help.json}}
";

async fn start(applications: &str) -> (Duo, Folder) {
    let (duo, folder) = (Duo::start().await, Folder::new());
    folder.keeper();
    folder.yaml(applications, STORES);
    duo.apply(&folder).await.ended(0);
    (duo, folder)
}

fn kept(folder: &Folder, path: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.path(path)).unwrap()).unwrap()
}

/// The applications of a name that anybody may use.
fn in_use(duo: &Duo, name: &str) -> Vec<Value> {
    let mut found = duo.applications(name);
    found.retain(|application| !application["notes"].as_str().unwrap().contains(" retired:"));
    found
}

/// Somebody logs in with the key in the store.
pub async fn log_in(duo: &Duo, key: &Value) {
    let text = |name: &str| key[name].as_str().unwrap();
    let secret = Secret::new(text("secret_key"));
    let mut config = HttpsConfig::new(duo.sandbox.api_hostname(), Ikey::new(text("integration_key")), secret);
    config.connect_to = Some(duo.sandbox.address());
    config.ca_file = Some(duo.sandbox.ca_file().to_owned());
    let body = json!({"username": user(duo), "factor": "push", "device": "auto"});
    let transport = HttpsTransport::open(config).unwrap();
    transport.send(&ApiCall::post("/auth/v2/auth", body.as_object().cloned().unwrap())).await.unwrap();
}

fn user(duo: &Duo) -> String {
    let query = Map::from_iter([("limit".to_owned(), json!("1"))]);
    match duo.sandbox.account().as_administrator("GET", "/admin/v1/users", query) {
        duoctl::sandbox::call::Reply::Page(users, _) => users[0]["username"].as_str().unwrap().to_owned(),
        _ => panic!("there are users"),
    }
}

async fn rotate(duo: &Duo, folder: &Folder, more: &[&str]) -> Run {
    let mut arguments = vec!["rotate", "applications.help"];
    arguments.extend(more);
    if !more.contains(&"--status") {
        arguments.push("--auto-approve");
    }
    duo.run(folder, &arguments).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_replaced_stage_by_stage() {
    let (duo, folder) = start(HELP).await;
    let old = duo.application("Help");
    let run = rotate(&duo, &folder, &[]).await.ended(0);
    run.says("rotation  (none) -> \"delivered\"")
        .says("read back, proven by a signed call")
        .says("waits for: a use of the new key");
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

    // Nothing is a difference, an orphan or a marker that stands twice, and the plan says what is under way.
    let plan = duo.plan(&folder).await.ended(0);
    plan.says("@ rotation applications.help")
        .says("No changes.")
        .never_says("orphan")
        .never_says("duplicate-marker");
    duo.run(&folder, &["drift"]).await.ended(0);
    duo.run(&folder, &["verify"]).await.ended(0);
    let status = rotate(&duo, &folder, &["--status", "--format", "json"]).await.ended(0);
    let status: Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status["rotations"][0]["stage"], "delivered");
    assert_eq!(status["rotations"][0]["waits_for"].as_array().unwrap().len(), 2);
    assert!(status["rotations"][0]["since"].as_str().unwrap().ends_with('Z'));

    // Running it again is no new rotation, and neither is an apply.
    rotate(&duo, &folder, &[]).await.ended(0).says("waits for:");
    duo.apply(&folder).await.ended(0);
    assert_eq!(duo.applications("Help").len(), 2);

    // Both follow the YAML while they are in use.
    folder.yaml(&HELP.replace("[Help Desk, Finance]", "[Help Desk]"), STORES);
    rotate(&duo, &folder, &[]).await.ended(5).says("it differs from the YAML; run `duoctl apply` first");
    duo.apply(&folder).await.ended(0);
    assert!(duo.applications("Help").iter().all(|one| groups(one) == 1));

    log_in(&duo, &kept(&folder, "secrets/help.json")).await;
    let run = rotate(&duo, &folder, &["--status"]).await.ended(0);
    run.says("seen: the new key").says("waits for: 24 hours since the delivery");
    let run = rotate(&duo, &folder, &["--silence", "0h"]).await.ended(0);
    run.says("rotation  \"delivered\" -> \"finished\"");
    let retired =
        duo.applications("Help").into_iter().find(|one| one["integration_key"] == old["integration_key"]);
    assert_eq!(retired.unwrap()["user_access"], "NO_USERS");
    let held = kept(&folder, "secrets/help.json");
    assert_eq!(held["integration_key"], in_use(&duo, "Help")[0]["integration_key"]);
    assert_eq!(held.get("previous_secret_key"), None);
    duo.plan(&folder).await.ended(0).says("? retired applications.help").never_says("@ rotation");
    duo.run(&folder, &["apply", "--prune", "--auto-approve"]).await.ended(0);
    assert_eq!(duo.applications("Help").len(), 2, "its quarantine is not over");
    duo.run(&folder, &["apply", "--prune=now", "--auto-approve"]).await.ended(0);
    assert_eq!(duo.application("Help")["integration_key"], held["integration_key"]);
    duo.plan(&folder).await.ended(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_with_the_old_key_keeps_it() {
    let (duo, folder) = start(HELP).await;
    let old = kept(&folder, "secrets/help.json");
    rotate(&duo, &folder, &[]).await.ended(0);
    let new = kept(&folder, "secrets/help.json");
    log_in(&duo, &new).await;
    log_in(&duo, &old).await;
    let run = rotate(&duo, &folder, &["--silence", "1h"]).await.ended(0);
    run.says("1 hours without a use of the old key");
    // An apply looks at the same evidence, and a person may know better.
    duo.apply(&folder).await.ended(0).says("waits for:");
    assert_eq!(in_use(&duo, "Help").len(), 2);
    rotate(&duo, &folder, &["--confirm"]).await.ended(0);
    assert_eq!(in_use(&duo, "Help").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_can_be_called_off() {
    let (duo, folder) = start(HELP).await;
    rotate(&duo, &folder, &["--abort"]).await.ended(5).says("there is nothing to call off");
    rotate(&duo, &folder, &["--confirm"]).await.ended(5).says("there is nothing to confirm");
    let old = duo.application("Help");
    rotate(&duo, &folder, &[]).await.ended(0);
    let run = rotate(&duo, &folder, &["--abort"]).await.ended(0);
    run.says("rotation  \"delivered\" -> \"called off\"").says("the new key stops working for good");
    assert_eq!(duo.application("Help"), old);
    let held = kept(&folder, "secrets/help.json");
    assert_eq!(held["secret_key"], old["secret_key"]);
    assert_eq!(held.get("previous_secret_key"), None);
    duo.plan(&folder).await.ended(0).never_says("rotation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_leaves_a_rotation_that_goes_on() {
    let applications = HELP.replace("{store: local, path: help.json}", "{store: cmd, path: help}");
    let (duo, folder) = start(&applications).await;
    let old = duo.application("Help");
    folder.script("keep.sh", "[ \"$1\" = read ] && cat kept-help && exit; exit 1");
    rotate(&duo, &folder, &[]).await.ended(4).says("not delivered applications.help");
    assert_eq!(kept(&folder, "kept-help")["secret_key"], old["secret_key"], "nobody lost the old key");
    let confirmed = rotate(&duo, &folder, &["--confirm"]).await.ended(5);
    confirmed.says("its new key is not delivered yet, so nobody can be using it");
    folder.script("keep.sh", "exit 1");
    let again = rotate(&duo, &folder, &[]).await;
    again.ended(5).says("its store cannot be read, so its new key might be lost");
    rotate(&duo, &folder, &["--status"])
        .await
        .ended(0)
        .says("not delivered yet")
        .says("waits for: the delivery");
    folder.keeper();
    // An apply goes on as well as the same command again.
    duo.apply(&folder).await.ended(0).says("rotated applications.help");
    assert_eq!(duo.applications("Help").len(), 2);
    let held = kept(&folder, "kept-help");
    assert_ne!(held["integration_key"], old["integration_key"]);
    assert_eq!(held["previous_secret_key"], old["secret_key"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_loses_its_content_meanwhile_gets_the_new_key_again() {
    let (duo, folder) = start(HELP).await;
    let old = fs::read(folder.path("secrets/help.json")).unwrap();
    rotate(&duo, &folder, &[]).await.ended(0);
    let new = kept(&folder, "secrets/help.json");
    fs::write(folder.path("secrets/help.json"), old).unwrap();
    duo.plan(&folder).await.ended(2).says("* deliver applications.help");
    duo.apply(&folder).await.ended(0);
    let held = kept(&folder, "secrets/help.json");
    assert_eq!(held["secret_key"], new["secret_key"]);
    assert_eq!(held["previous_secret_key"], new["previous_secret_key"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_have_a_twin_says_why_and_the_others_go_on() {
    let applications = "applications:
  bare: {type: radius, name: Bare, user_access: no_users}
  help: {type: authapi, name: Help, user_access: no_users, secret: {store: local, path: help.json}}
  portal: {type: sso-oidc-generic, name: Portal, user_access: no_users, secret: {store: local, path: portal}, sso: {oidc_config: {grant_types: {authorization_code: true}, redirect_uris: ['https://p.example.com/cb'], scopes: [{name: openid}]}}}
";
    let (duo, folder) = start(applications).await;
    let before = duo.application("Help")["secret_key"].clone();
    let new = format!(
        "{applications}  new: {{type: radius, name: New, user_access: no_users, secret: {{store: local, path: new}}}}\n"
    );
    folder.yaml(&new, STORES);
    for (address, reason) in [
        (
            "applications.hepl",
            "the YAML has no application of this address; did you mean `applications.help`?",
        ),
        ("applications.bare", "it has no `secret`, so its new key would be nowhere"),
        ("applications.portal", "a twin would be another issuer; name `--strategy in-place`"),
        ("applications.new", "it is not in the account; run `duoctl apply` first"),
    ] {
        duo.run(&folder, &["rotate", address, "--auto-approve"])
            .await
            .ended(5)
            .says(reason)
            .says("nothing was changed");
    }
    duo.run(&folder, &["rotate", "applications.help"]).await.ended(5).says("no terminal to ask for consent");
    let run = duo.run(&folder, &["rotate", "applications.*", "--auto-approve"]).await.ended(4);
    run.says("the others go on").says("rotated applications.help");
    assert!(duo.applications("Help").iter().any(|one| one["secret_key"] != before));
    duo.run(&folder, &["rotate"]).await.ended(64);
}

/// Something that happens once a slow rotation has come so far.
async fn meanwhile(duo: &Duo, folder: &Folder, far: impl Fn(&mut Account) -> bool, then: impl Fn()) -> Run {
    duo.sandbox.account().faults.add("delay=150".parse().unwrap());
    let (run, ()) = tokio::join!(rotate(duo, folder, &[]), async {
        let begun = Instant::now();
        while !far(&mut duo.sandbox.account()) {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not come so far");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        then();
    });
    duo.sandbox.account().faults.clear();
    run
}

fn called(account: &Account, call: &str) -> usize {
    account.requests().get(call).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_made_where_the_old_application_moved_or_another_run_was_faster() {
    const LIST: &str = "GET /admin/v3/integrations";
    const CREATE: &str = "POST /admin/v3/integrations";
    let edit = |duo: &Duo| duo.modify("Help", json!({"greeting": "Somebody else was here"}));
    let rival = |duo: &Duo| {
        let old = duo.application("Help");
        let notes = old["notes"].as_str().unwrap();
        let notes = notes.replace(']', " successor:2026-11-24T22:00:00Z]");
        let body = json!({"type": "authapi", "name": "Help", "user_access": "NO_USERS", "notes": notes});
        duo.sandbox.account().create_application(body.as_object().cloned().unwrap()).unwrap();
    };
    let happens: [&dyn Fn(&Duo); 2] = [&edit, &rival];
    let why = ["was changed in Duo since the plan was made", "another run has begun to rotate it"];
    for (happens, why) in happens.into_iter().zip(why) {
        let (duo, folder) = start(HELP).await;
        let lists = called(&duo.sandbox.account(), LIST);
        let creates = called(&duo.sandbox.account(), CREATE);
        let run = meanwhile(&duo, &folder, |account| called(account, LIST) > lists, || happens(&duo)).await;
        run.ended(6).says(why);
        assert_eq!(called(&duo.sandbox.account(), CREATE), creates, "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_a_successor_that_may_be_used_by_others_stay_out_of_the_store() {
    let (duo, folder) = start(HELP).await;
    let (old, before) = (duo.application("Help"), kept(&folder, "secrets/help.json"));
    let successor = |account: &mut Account| {
        let twins = account.applications().into_iter().filter(|live| live["name"] == "Help");
        twins.map(|live| live["integration_key"].clone()).find(|ikey| *ikey != old["integration_key"])
    };
    let open = || {
        let mut account = duo.sandbox.account();
        let ikey = successor(&mut account).unwrap();
        let wider = json!({"self_service_allowed": 1}).as_object().cloned().unwrap();
        account.modify_application(ikey.as_str().unwrap(), wider).unwrap();
    };
    let run = meanwhile(&duo, &folder, |account| successor(account).is_some(), open).await;
    run.ended(4).says("Duo did not give the successor ").says("so its keys stay out of the store");
    assert_eq!(kept(&folder, "secrets/help.json"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_that_duo_does_not_accept_stays_out_of_the_store() {
    let (duo, folder) = start(HELP).await;
    let (old, before) = (duo.application("Help"), kept(&folder, "secrets/help.json"));
    let fetched = |account: &Account| {
        let keys = account.requests().iter().filter(|(call, _)| call.ends_with("/skey"));
        keys.map(|(_, count)| count).sum::<usize>()
    };
    let seen = fetched(&duo.sandbox.account());
    let reset = || {
        let mut account = duo.sandbox.account();
        let twins = account.applications().into_iter().filter(|live| live["name"] == "Help");
        let mut ikeys = twins.map(|live| live["integration_key"].clone());
        let successor = ikeys.find(|ikey| *ikey != old["integration_key"]).unwrap();
        let body = json!({"reset_secret_key": 1}).as_object().cloned().unwrap();
        account.modify_application(successor.as_str().unwrap(), body).unwrap();
    };
    let run = meanwhile(&duo, &folder, |account| fetched(account) > seen, reset).await;
    run.ended(4).says("Duo does not accept the new key yet, so the store keeps the old one");
    assert_eq!(kept(&folder, "secrets/help.json"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_rotate_at_once_one_rotation_is_left() {
    let (duo, folder) = start(HELP).await;
    duo.sandbox.account().faults.add("delay=20".parse().unwrap());
    let arguments = ["rotate", "applications.help", "--auto-approve"];
    let (first, second) = tokio::join!(duo.run(&folder, &arguments), duo.run(&folder, &arguments));
    for run in [&first, &second] {
        assert!(run.code.is_some_and(|code| [0, 4, 6].contains(&code)), "{}\n{}", run.out, run.err);
    }
    duo.sandbox.account().faults.clear();
    assert!(duo.applications("Help").len() <= 2);
    rotate(&duo, &folder, &[]).await.ended(0);
    rotate(&duo, &folder, &["--confirm"]).await.ended(0);
    assert_eq!(in_use(&duo, "Help").len(), 1);
    duo.plan(&folder).await.ended(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_the_yaml_under_rotation_goes_with_its_successor() {
    let (duo, folder) = start(HELP).await;
    rotate(&duo, &folder, &[]).await.ended(0);
    let new = kept(&folder, "secrets/help.json")["integration_key"].clone();
    folder.yaml("applications: {other: {type: radius, name: Other, user_access: no_users}}\n", STORES);
    duo.apply(&folder).await.ended(0).says("? orphan applications.help").never_says("duplicate-marker");
    rotate(&duo, &folder, &[]).await.ended(5).says("it left the YAML");
    duo.run(&folder, &["apply", "--prune", "--auto-approve"]).await.ended(0);
    assert!(duo.applications("Help").iter().all(|one| one["user_access"] == "NO_USERS"));
    // It comes back as the one whose key the store holds.
    folder.yaml(HELP, STORES);
    let plan = duo.plan(&folder).await.ended(2);
    plan.says(&format!("~ update applications.help  \"Help\" (authapi) {}", new.as_str().unwrap()));
    duo.run(&folder, &["apply", "--auto-approve", "--allow", "widens_access"]).await.ended(0);
    duo.plan(&folder).await.ended(0);
    folder.yaml("applications: {other: {type: radius, name: Other, user_access: no_users}}\n", STORES);
    duo.run(&folder, &["apply", "--prune=now", "--auto-approve"]).await.ended(0);
    assert!(duo.applications("Help").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_takes_the_pair_for_one() {
    let (duo, folder) = start(HELP).await;
    rotate(&duo, &folder, &[]).await.ended(0);
    duo.run(&folder, &["import", "--type", "authapi"]).await.ended(0);
    let text = fs::read_to_string(folder.path("duo.yaml")).unwrap();
    assert_eq!(text.matches("name: Help,").count(), 1, "{text}");
    duo.run(&folder, &["plan", "--only", "applications.help"]).await.ended(0).says("@ rotation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_gets_the_new_key_before_the_old_one_goes() {
    let applications = "identity_intelligence: {emea: {display_name: EMEA, access: read_only, push_verification: {application_name: Desk}, secrets: {store: local, path: cii}}}\n";
    let (duo, folder) = start(applications).await;
    duo.run(&folder, &["attest", "emea"]).await.ended(0);
    let address = "identity_intelligence.emea.admin_api";
    let old = kept(&folder, "secrets/cii/admin_api");
    duo.run(&folder, &["rotate", address, "--auto-approve"])
        .await
        .ended(0)
        .says("`duoctl attest` says that they are entered");
    let sheet = duo.run(&folder, &["handoff", "emea", "--format", "json"]).await.ended(0);
    let sheet: Value = serde_json::from_str(&sheet.out).unwrap();
    let fields = sheet["handoffs"][0]["fields"].as_array().unwrap();
    let outstanding: Vec<(&str, &Value)> = fields
        .iter()
        .filter(|field| field["outstanding"] == true)
        .map(|field| (field["label"].as_str().unwrap(), &field["application"]))
        .collect();
    assert_eq!(outstanding.len(), 2, "{outstanding:?}");
    assert!(outstanding.iter().all(|(_, application)| **application == address), "{outstanding:?}");
    // Without the console nobody knows, whatever a person says about the key.
    let confirm = ["rotate", address, "--confirm", "--auto-approve"];
    duo.run(&folder, &confirm).await.ended(5).says("only the console's attestation counts here");
    duo.apply(&folder).await.ended(0);
    let name = duo.applications("Identity Intelligence: EMEA");
    assert_eq!(name.len(), 2, "the old key works until then");
    assert!(name.iter().any(|one| one["secret_key"] == old["secret_key"]));
    duo.run(&folder, &["attest", "emea"]).await.ended(0);
    duo.apply(&folder).await.ended(0).says("rotated identity_intelligence.emea.admin_api");
    let retired = duo
        .applications("Identity Intelligence: EMEA")
        .into_iter()
        .find(|one| one["secret_key"] == old["secret_key"]);
    assert_eq!(retired.unwrap()["adminapi_read_log"], 0);
    duo.plan(&folder).await.ended(0).says("No changes.").never_says("handoff");
}
