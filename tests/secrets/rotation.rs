//! `duoctl keys rotate --strategy in-place`.

use std::fs;

use serde_json::Value;

use super::workspace::{Duo, Folder, without_room};

const APPLICATIONS: &str = "applications:
  bare: {type: radius, name: Bare, user_access: no_users}
  help: {type: authapi, name: Help, user_access: no_users, secret: {store: cmd, path: help}}
  portal: {type: sso-oidc-generic, name: Portal, user_access: no_users, secret: {store: cmd, path: portal}, sso: {oidc_config: {grant_types: {authorization_code: true}, redirect_uris: ['https://p.example.com/cb'], scopes: [{name: openid}]}}}
identity_intelligence: {emea: {display_name: EMEA, access: read_only, secret: {store: cmd, path: cii}}}
";
const STORES: &str = "secret_stores:
  cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}
";

fn start() -> (Duo, Folder) {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.keeper();
    fs::create_dir(folder.path("kept-cii")).unwrap();
    folder.yaml(APPLICATIONS, STORES);
    duo.apply(&folder).exits(0);
    (duo, folder)
}

fn kept(folder: &Folder, path: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.path(path)).unwrap()).unwrap()
}

/// The line of an application whose keys were replaced in place.
fn rotated(address: &str, application: &Value, place: &str) -> String {
    let ikey = application["integration_key"].as_str().unwrap();
    format!("rotated {address} {ikey}; its keys were delivered {place}")
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one() {
    let (duo, folder) = start();
    let (help, portal) = (duo.application("Help"), duo.application("Portal"));
    let arguments = [
        "keys",
        "rotate",
        "applications.help",
        "applications.portal",
        "--strategy",
        "in-place",
        "--auto-approve",
    ];
    let run = duo.run(&folder, &arguments).exits(0);
    run.tells("! consequence: the old key stops working at once")
        .tells(&rotated("applications.help", &help, "to store cmd: help; read back, proven by a signed call"))
        .tells(&rotated("applications.portal", &portal, "to store cmd: portal"));
    assert_ne!(duo.application("Help")["secret_key"], help["secret_key"]);
    assert_eq!(kept(&folder, "kept-help")["secret_key"], duo.application("Help")["secret_key"]);
    assert_ne!(duo.application("Portal")["client_secret"], portal["client_secret"]);
    assert_eq!(kept(&folder, "kept-portal")["client_secret"], duo.application("Portal")["client_secret"]);
    assert_eq!(duo.application("Help")["integration_key"], help["integration_key"]);
    let plan = duo.run(&folder, &["plan", "--detailed-exitcode", "--only", "applications.*"]);
    plan.exits(0);
}

#[test]
fn what_would_lose_a_key_or_break_someone_is_refused() {
    let (duo, folder) = start();
    let before = duo.secrets();
    let cii = "identity_intelligence.emea.admin_api";
    for (address, reason) in [
        ("applications.bare", "it has no `secret`, so its new key would not be stored"),
        (cii, "to allow it: --allow breaks_handoff:identity_intelligence.emea.admin_api"),
    ] {
        let arguments = ["keys", "rotate", address, "--strategy", "in-place", "--auto-approve"];
        duo.run(&folder, &arguments).exits(5).tells(reason).tells("nothing was changed");
    }
    let arguments = ["keys", "rotate", "applications.help", "applications.nobody", "--strategy", "in-place"];
    duo.run(&folder, &arguments).exits(64).tells("`applications.nobody` matches no address");
    let arguments = ["keys", "rotate", "applications.help", "--strategy", "in-place"];
    duo.run(&folder, &arguments).exits(5).tells("no terminal to ask for consent");
    duo.edit("Help", serde_json::json!({"user_access": "ALL_USERS"}));
    let arguments = ["keys", "rotate", "applications.help", "--strategy", "in-place", "--auto-approve"];
    duo.run(&folder, &arguments).exits(5).tells("it differs from the YAML; run `duoctl apply` first");
    duo.apply(&folder).exits(0);
    folder.script("keep.sh", "exit 1");
    duo.run(&folder, &arguments).exits(5).tells("its store cannot be read, so its new key might be lost");
    assert_eq!(duo.secrets(), before, "no key was replaced");

    folder.keeper();
    let allow = format!("breaks_handoff:{cii}");
    // A key that cannot be rotated does not block the others.
    let arguments = [
        "keys",
        "rotate",
        "applications.bare",
        cii,
        "--strategy",
        "in-place",
        "--auto-approve",
        "--allow",
        &allow,
    ];
    duo.run(&folder, &arguments).exits(4).tells("refused; the others continue").tells("! applications.bare");
    assert_ne!(duo.secrets(), before);
}

#[test]
fn the_operator_is_never_rotated() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.keeper();
    let ikey = &duo.operator.integration_key;
    folder.yaml(
        &format!(
            "applications: {{operator: {{integration_key: {ikey}, secret: {{store: cmd, path: operator}}}}}}"
        ),
        STORES,
    );
    duo.apply(&folder).exits(0);
    let run = duo.run(&folder, &["keys", "rotate", "applications.operator", "--auto-approve"]).exits(5);
    run.tells("duoctl itself uses this key, so it cannot be rotated with an overlap");
    let arguments = ["keys", "rotate", "applications.operator", "--strategy", "in-place", "--auto-approve"];
    let run = duo.run(&folder, &arguments).exits(5);
    run.tells("duoctl itself uses this key, a key cannot replace itself, and the YAML has no");
}

#[test]
fn a_store_that_fails_after_the_reset_is_completed_by_an_apply() {
    let (duo, folder) = start();
    // It accepts the current key once more, and no other.
    folder.script(
        "keep.sh",
        "[ \"$1\" = read ] && cat kept-help && exit; cat > /dev/null; [ ! -e tried ] && touch tried",
    );
    let arguments = ["keys", "rotate", "applications.help", "--strategy", "in-place", "--auto-approve"];
    let run = duo.run(&folder, &arguments).exits(4);
    let key = duo.application("Help")["secret_key"].as_str().unwrap().to_owned();
    run.tells("not delivered applications.help").never_tells(&key);
    folder.keeper();
    duo.plan(&folder).exits(2).tells("* deliver applications.help");
    duo.apply(&folder).exits(0);
    assert_eq!(kept(&folder, "kept-help")["secret_key"], key.as_str());
}

/// A store that cannot be read back: only the marker shows that it may hold an old key.
#[test]
fn a_replacement_that_was_not_delivered_is_owed_until_it_is() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    let stores = "secret_stores: {cmd: {type: exec, write: [./keep.sh, write]}}";
    let applications = "applications:
  help: {type: authapi, name: Help, user_access: no_users, secret: {store: cmd, path: help}}
";
    folder.keeper();
    folder.yaml(applications, stores);
    duo.apply(&folder).exits(0);
    let keep = fs::read(folder.path("keep.sh")).unwrap();
    let holds = |when: &str| {
        assert_eq!(kept(&folder, "kept-help")["secret_key"], duo.application("Help")["secret_key"], "{when}");
        let notes = duo.application("Help")["notes"].as_str().unwrap().to_owned();
        assert!(!notes.contains("renewing"), "{when}: {notes}");
    };
    let arguments = ["keys", "rotate", "applications.help", "--strategy", "in-place", "--auto-approve"];
    // It accepts the current key once more, and no other.
    folder.script("keep.sh", "cat > /dev/null; [ ! -e tried ] && touch tried");
    duo.run(&folder, &arguments).exits(4).tells("the key in Duo is new, and `duoctl apply` delivers it");
    fs::write(folder.path("keep.sh"), keep).unwrap();
    duo.plan(&folder).exits(2).tells("* deliver applications.help").tells("1 to change");
    duo.apply(&folder).exits(0);
    holds("the store failed");
    duo.plan(&folder).exits(0);
    // Killed before and after each of its requests.
    let mut kills = 0;
    for fault in ["halt-after-commit", "halt"] {
        for number in 1.. {
            if !duo.killed(&folder, &arguments, fault, number) {
                break;
            }
            kills += 1;
            duo.apply(&folder).exits(0);
            holds(&format!("{fault} {number}"));
        }
    }
    assert!(kills > 10, "{kills}");
}

/// A reset ends the old key at once, so a store that cannot accept a key is detected first.
#[test]
fn a_store_that_cannot_be_written_keeps_the_old_key() {
    let (duo, folder) = start();
    let before = duo.secrets();
    let held = fs::read(folder.path("kept-help")).unwrap();
    for (script, what) in [
        ("[ \"$1\" = read ] && cat kept-help && exit; cat > /dev/null; exit 1", "ended with exit status: 1"),
        (
            "[ \"$1\" = read ] && [ ! -e tried ] && cat kept-help && exit; cat > /dev/null; touch tried",
            "returns",
        ),
        (
            "[ \"$1\" = read ] && [ -e tried ] && exit 3; [ \"$1\" = read ] && cat kept-help && exit; cat > tried",
            "returns nothing",
        ),
    ] {
        folder.script("keep.sh", script);
        let _ = fs::remove_file(folder.path("tried"));
        let arguments =
            ["keys", "rotate", "applications.help", "applications.portal", "--strategy", "in-place"];
        let run = duo.run(
            &folder,
            &arguments[..3]
                .iter()
                .chain(&arguments[4..])
                .copied()
                .chain(["--auto-approve"])
                .collect::<Vec<_>>(),
        );
        run.exits(1)
            .tells("failed applications.help ")
            .tells("the secret store failed a test write: ")
            .tells("the key in Duo was not changed")
            .tells(what);
        assert_eq!(duo.secrets(), before, "{script}");
    }
    // If nothing can be read back, only the command can be tested.
    folder.yaml(APPLICATIONS, "secret_stores: {cmd: {type: exec, write: [./keep.sh, write]}}");
    folder.script("keep.sh", "cat > /dev/null; exit 1");
    let arguments = ["keys", "rotate", "applications.help", "--strategy", "in-place", "--auto-approve"];
    duo.run(&folder, &arguments).exits(1).tells("the key in Duo was not changed");
    assert_eq!(duo.secrets(), before);
    folder.keeper();
    duo.run(&folder, &arguments)
        .exits(0)
        .tells("which cannot be read back: it is not proven that the key arrived");
    assert_ne!(duo.secrets(), before);
    assert_ne!(fs::read(folder.path("kept-help")).unwrap(), held);
}

/// A full disk causes no outage.
#[test]
fn a_folder_without_room_keeps_the_old_key() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.yaml(
        "applications: {help: {type: authapi, name: Help, user_access: no_users, secret: {store: local, path: help}}}",
        "secret_stores: {local: {type: file, path: kept}}",
    );
    duo.apply(&folder).exits(0);
    let before = duo.secrets();
    let script = without_room()
        .replace("apply --auto-approve", "keys rotate applications.help --strategy in-place --auto-approve");
    duo.at(folder.shell(&script)).run().exits(1).tells("the key in Duo was not changed");
    assert_eq!(duo.secrets(), before);
    assert_eq!(kept(&folder, "kept/help")["secret_key"], duo.application("Help")["secret_key"]);
}
