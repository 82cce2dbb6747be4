//! The age of keys: `max_age`, `rotate --older-than`, and the inventory.

use std::fs;

use serde_json::{Value, json};

use super::workspace::{Duo, Folder};

const STORES: &str = "secret_stores:
  local: {type: file, path: secrets}
";
const HELP: &str = "  help: {type: authapi, name: Help, user_access: no_users, max_age: 90d, secret: {store: local, path: help.json}}\n";
const SIEM: &str = "  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], max_age: 90d, secret: {store: local, path: siem.json}}\n";

/// `help` was created and delivered a hundred days ago, `siem` just now.
fn start() -> (Duo, Folder) {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.yaml(&format!("applications:\n{HELP}"), STORES);
    duo.disturb("skew=-8640000");
    duo.apply(&folder);
    duo.calm();
    let path = folder.path("secrets/help.json");
    let mut held: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(100 * 24);
    held["delivered_at"] = json!(then.to_string());
    fs::write(&path, held.to_string()).unwrap();
    folder.yaml(&format!("applications:\n{HELP}{SIEM}"), STORES);
    duo.apply(&folder)
        .exits(0)
        .tells("warning[key-too-old]: applications.help: its key is older than 90 days");
    (duo, folder)
}

#[test]
fn an_old_key_is_a_finding_and_a_guard_until_it_is_rotated() {
    let (duo, folder) = start();
    duo.plan(&folder)
        .exits(0)
        .tells("rotate it: `duoctl keys rotate applications.help`")
        .tells("No changes.");
    duo.run(&folder, &["drift"]).exits(2).tells("key-too-old").never_tells("applications.siem: its key");
    let changed = format!("applications:\n{HELP}{SIEM}")
        .replace("user_access: no_users", "user_access: no_users, notes: x");
    folder.yaml(&changed, STORES);
    let apply = duo.apply(&folder).exits(5);
    apply
        .tells("overdue_key")
        .tells("to allow it: --allow overdue_key:applications.help")
        .never_tells("overdue_key:applications.siem");
    duo.run(&folder, &["apply", "--auto-approve", "--allow", "overdue_key:applications.help"]).exits(0);
    let rotate = ["keys", "rotate", "--older-than", "90d", "--auto-approve"];
    duo.run(&folder, &rotate)
        .exits(0)
        .tells("1 key is younger than --older-than")
        .tells("rotation delivered applications.help");
    assert_eq!((duo.applications("Help").len(), duo.applications("SIEM").len()), (2, 1));
    duo.run(&folder, &["drift"]).exits(0);
    duo.run(&folder, &rotate).exits(0);
    assert_eq!((duo.applications("Help").len(), duo.applications("SIEM").len()), (2, 1));
}

#[test]
fn what_nobody_knows_is_said_and_left_alone() {
    let (duo, folder) = start();
    // The log cannot be read, and the store does not tell.
    let operator = duo.operator.integration_key.clone();
    let body = json!({"adminapi_read_log": 0}).as_object().cloned().unwrap();
    assert!(duo.account().modify_application(&operator, body).is_ok());
    let path = folder.path("secrets/help.json");
    let mut held: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    held["delivered_at"] = json!("");
    fs::write(&path, held.to_string()).unwrap();
    duo.plan(&folder).exits(0).tells("warning[key-age-unknown]: applications.help: cannot tell whether");
    let run =
        duo.run(&folder, &["keys", "rotate", "applications.help", "--older-than", "1d", "--auto-approve"]);
    run.exits(5).tells("cannot tell whether its key is old enough, so it is left alone");
    assert_eq!(duo.applications("Help").len(), 1);
    // The evidence of a rotation cannot be read either, so a person decides.
    duo.run(&folder, &["keys", "rotate", "applications.help", "--auto-approve"])
        .exits(0)
        .tells("the logs, which cannot be read");
    duo.run(&folder, &["keys", "confirm", "applications.help", "--auto-approve"]).exits(0);
    duo.run(&folder, &["keys", "rotate", "applications.help", "--older-than", "ninety"]).exits(64);
}

#[test]
fn the_inventory_tries_each_key_and_says_how_old_it_is() {
    let (duo, folder) = start();
    let run = duo.run(&folder, &["keys", "list"]).exits(0);
    run.tells("older than max_age")
        .tells("(created by Configuration pipeline)")
        .tells("    proven by a call just now\n");
    duo.reset("SIEM");
    duo.run(&folder, &["keys", "rotate", "applications.help", "--auto-approve"]).exits(0);
    // Monitoring only checks the exit code.
    let run = duo.run(&folder, &["keys", "list", "--format", "json"]).exits(1);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let [help, siem] = document["applications"].as_array().unwrap().as_slice() else { panic!("{document}") };
    assert_eq!(
        (&help["state"], &help["proven"], &help["overdue"]),
        (&json!("current"), &json!(true), &json!(false))
    );
    assert_eq!(help["age"]["known"], "since");
    assert!(help["rotating_since"].is_string());
    assert_eq!((&siem["state"], &siem["proven"]), (&json!("due"), &json!(false)));
    assert!(siem["proof"].as_str().unwrap().contains("40103"), "{siem}");
}

#[test]
fn an_address_that_an_error_stops_is_not_called_not_created() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    for _ in 0..2 {
        let body = json!({"type": "authapi", "name": "Help", "user_access": "NO_USERS"});
        assert!(duo.account().create_application(body.as_object().cloned().unwrap()).is_ok());
    }
    folder.yaml(&format!("applications:\n{HELP}"), STORES);
    let run = duo.run(&folder, &["keys", "list"]).exits(1);
    run.tells("stopped applications.help").tells("`duoctl plan` shows it").never_tells("not created");
}

#[test]
fn a_recovery_key_rotates_the_first_one() {
    let (mut duo, folder) = (Duo::start(), Folder::empty());
    let body = json!({"type": "adminapi", "name": "Second", "user_access": "NO_USERS",
        "adminapi_integrations": "1", "adminapi_read_resource": "1"});
    assert!(duo.account().create_application(body.as_object().cloned().unwrap()).is_ok());
    let second = duo.application("Second");
    let text = |name: &str| second[name].as_str().unwrap().to_owned();
    let applications = format!(
        "applications: {{operator: {{integration_key: {}, secret: {{store: local, path: operator.json}}}}}}",
        duo.operator.integration_key
    );
    folder.yaml(&applications, STORES);
    duo.apply(&folder).exits(0);
    let rotate = ["keys", "rotate", "applications.operator", "--strategy", "in-place", "--auto-approve"];
    duo.run(&folder, &rotate).exits(5).tells("the YAML has no `tenant.credentials.recovery`");
    let yaml = fs::read_to_string(folder.path("duo.yaml")).unwrap();
    let declared = yaml.replace(
        "    secret_key: {env: DUO_SKEY}\n",
        "    secret_key: {env: DUO_SKEY}\n    recovery: {integration_key: {env: DUO_RECOVERY_IKEY}, secret_key: {env: DUO_RECOVERY_SKEY}}\n",
    );
    assert_ne!(declared, yaml);
    fs::write(folder.path("duo.yaml"), declared).unwrap();
    duo.run(&folder, &rotate).exits(5).tells("the recovery key is not available");
    // An operator that may not manage applications could not read the new key: nothing is reset.
    duo.environment = vec![
        ("DUO_RECOVERY_IKEY".to_owned(), text("integration_key").into()),
        ("DUO_RECOVERY_SKEY".to_owned(), text("secret_key").into()),
    ];
    let permission = |on: &str| json!({"adminapi_integrations": on}).as_object().cloned().unwrap();
    let may = |duo: &Duo, on| {
        let ikey = second["integration_key"].as_str().unwrap();
        assert!(duo.account().modify_application(ikey, permission(on)).is_ok());
    };
    may(&duo, "0");
    let run = duo.run(&folder, &rotate).exits(5);
    run.tells("the recovery key cannot read duoctl's own key");
    duo.plan(&folder).exits(0);
    may(&duo, "1");
    let run = duo.run(&folder, &rotate).exits(0);
    run.tells("proven by a signed call")
        .tells("duoctl's own key changed")
        .tells("sealed 1 marker with the new key");
    duo.plan(&folder).exits(77);
    let held: Value =
        serde_json::from_slice(&fs::read(folder.path("secrets/operator.json")).unwrap()).unwrap();
    let held = held["secret_key"].as_str().unwrap().to_owned();
    let yaml = fs::read_to_string(folder.path("duo.yaml")).unwrap();
    fs::write(folder.path("key"), held).unwrap();
    fs::write(folder.path("duo.yaml"), yaml.replacen("{env: DUO_SKEY}", "{file: key}", 1)).unwrap();
    duo.plan(&folder).exits(0);
}
