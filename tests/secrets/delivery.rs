//! Deliveries by the binary: planned, carried out, repaired, and never repeated.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use duoctl::sandbox::call::Reply;

use super::workspace::{Duo, Folder, KEY, Outcome, without_room};

const APPLICATIONS: &str = "applications:
  help: {type: authapi, name: Help, user_access: no_users, secret: {store: local, path: help.env, format: dotenv}}
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], secret: {store: cmd, path: siem}}
  vpn: {type: radius, name: VPN, user_access: no_users, secret: {store: local, path: net/vpn.json}}
";
const STORES: &str = "secret_stores:
  local: {type: file, path: secrets}
  cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}
";

fn start() -> (Duo, Folder) {
    let folder = Folder::empty();
    folder.keeper();
    folder.yaml(APPLICATIONS, STORES);
    (Duo::start(), folder)
}

fn kept(folder: &Folder, path: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.path(path)).unwrap()).unwrap()
}

#[test]
fn new_applications_are_delivered_read_back_and_proven() {
    let (duo, folder) = start();
    let plan = duo.plan(&folder).exits(2).tells("* deliver applications.vpn  \"VPN\" (radius)");
    plan.tells("    to file secrets/net/vpn.json: the application is new")
        .tells("Plan: 3 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged. 3 deliveries.\n");
    let run = duo.apply(&folder).exits(0);
    run.tells("to file secrets/help.env; read back, proven by a signed call")
        .tells("to store cmd: siem; read back, proven by a signed call")
        .tells("to file secrets/net/vpn.json; read back, proven by a signed call")
        .tells("Applied: 6 of 6 steps.");
    let vpn = duo.application("VPN");
    let held = kept(&folder, "secrets/net/vpn.json");
    for key in ["integration_key", "secret_key"] {
        assert_eq!(held[key], vpn[key]);
    }
    assert_eq!(held["api_hostname"], duo.running().api_hostname());
    assert_eq!(held["address"], "applications.vpn");
    let moment = held["delivered_at"].as_str().unwrap();
    assert!(moment.parse::<jiff::Timestamp>().is_ok() && moment.len() == 20, "{moment}");
    assert_eq!(kept(&folder, "kept-siem")["secret_key"], duo.application("SIEM")["secret_key"]);
    let help = fs::read_to_string(folder.path("secrets/help.env")).unwrap();
    let line = format!("DUO_SECRET_KEY={}\n", duo.application("Help")["secret_key"].as_str().unwrap());
    assert!(help.contains(&line));

    duo.plan(&folder).exits(0).tells("No changes.");
    let before = fs::read(folder.path("secrets/net/vpn.json")).unwrap();
    duo.apply(&folder).exits(0);
    assert_eq!(fs::read(folder.path("secrets/net/vpn.json")).unwrap(), before, "current: not written again");
}

#[test]
fn a_store_that_was_changed_behind_duoctls_back_is_repaired() {
    let (duo, folder) = start();
    duo.apply(&folder).exits(0);
    fs::remove_file(folder.path("secrets/help.env")).unwrap();
    let path = folder.path("secrets/net/vpn.json");
    let key = duo.application("VPN")["secret_key"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(&path).unwrap().replace(&key, KEY);
    fs::write(&path, text).unwrap();
    duo.reset("SIEM");
    let plan = duo.plan(&folder).exits(2);
    let plan = plan
        .tells("to file secrets/help.env: the store holds nothing yet")
        .tells(&format!("the store holds a key ending in 7nQk, but the key in Duo ends in {}", &key[36..]))
        .tells("Plan: 0 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged. 3 deliveries.");
    plan.tells("* deliver applications.siem").never_tells(KEY);
    duo.apply(&folder).exits(0).tells("Applied: 3 of 3 steps.");
    assert_eq!(kept(&folder, "secrets/net/vpn.json")["secret_key"], key.as_str());
    assert_eq!(kept(&folder, "kept-siem")["secret_key"], duo.application("SIEM")["secret_key"]);
    duo.plan(&folder).exits(0);

    let elsewhere = fs::read_to_string(&path).unwrap().replace("DI", "DX");
    fs::write(&path, elsewhere).unwrap();
    duo.plan(&folder).exits(2).tells("the store holds the keys of DX");
}

#[test]
fn a_store_that_fails_leaves_the_application_for_the_next_apply() {
    let (duo, folder) = start();
    // It fails on writing, prints its input, and lies on the second attempt.
    folder.script("keep.sh", "[ \"$1\" = read ] && exit 3; cat >&2; exit 1");
    let run = duo.apply(&folder).exits(4);
    let key = duo.application("SIEM")["secret_key"].as_str().unwrap().to_owned();
    run.tells("created applications.siem")
        .tells("not delivered applications.siem")
        .tells("the write command of the store `cmd` ended with exit status: 1")
        .tells("the application exists; `duoctl apply` delivers its keys")
        .tells("delivered applications.vpn")
        .tells("Applied: 5 of 6 steps, 1 failed.")
        .never_tells(&key);
    folder.script("keep.sh", "[ \"$1\" = read ] && exit 3; cat > /dev/null");
    let run = duo.apply(&folder).exits(4);
    run.tells("store cmd: siem accepted the keys, but returns nothing");
    folder.keeper();
    duo.apply(&folder).exits(0).tells("Applied: 1 of 1 steps.");
    assert_eq!(kept(&folder, "kept-siem")["secret_key"], key.as_str());
    duo.application("SIEM");
    duo.plan(&folder).exits(0);
}

#[test]
fn an_unreadable_store_stops_only_its_delivery() {
    let (duo, folder) = start();
    fs::create_dir(folder.path("secrets")).unwrap();
    fs::set_permissions(folder.path("secrets"), fs::Permissions::from_mode(0o755)).unwrap();
    let plan = duo
        .plan(&folder)
        .exits(1)
        .tells("error[store-unreadable]: applications.vpn: its keys cannot be delivered");
    plan.tells("other users have access to the folder")
        .tells("duo.yaml:")
        .tells("chmod 700")
        .tells("3 to add");
    // The account has applications of the same types, so nothing is created without consent.
    duo.apply(&folder)
        .exits(4)
        .tells("applications.vpn: it is not created")
        .never_tells("created applications.vpn");
    let run = duo.run(&folder, &["apply", "--auto-approve", "--allow", "replaces"]).exits(4);
    run.tells("created applications.vpn").never_tells("delivered applications.vpn");
    fs::set_permissions(folder.path("secrets"), fs::Permissions::from_mode(0o700)).unwrap();
    duo.apply(&folder).exits(0).tells("Applied: 2 of 2 steps.");
    duo.application("VPN");
    duo.plan(&folder).exits(0);
}

#[test]
fn a_full_disk_loses_nothing() {
    let (duo, folder) = start();
    let run = duo.at(folder.shell(&without_room())).run().exits(4);
    run.tells("not delivered applications.vpn").tells("secrets/net/vpn.json cannot be written");
    let left: Vec<_> = fs::read_dir(folder.path("secrets/net")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    duo.apply(&folder).exits(0);
    duo.application("VPN");
    duo.plan(&folder).exits(0);
}

/// The command stops duoctl itself: the application exists, and its key was not stored.
#[test]
fn a_run_that_is_killed_between_create_and_delivery_is_completed_by_the_next() {
    for read in [", read: [./keep.sh, read]", ""] {
        let duo = Duo::start();
        let folder = Folder::empty();
        folder.script("keep.sh", "[ \"$1\" = read ] && exit 3; kill -9 $PPID");
        folder.yaml(
            "applications: {siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], secret: {store: cmd, path: siem}}}",
            &format!("secret_stores: {{cmd: {{type: exec, write: [./keep.sh, write]{read}}}}}"),
        );
        let run = duo.apply(&folder);
        assert_eq!(run.code, None, "killed by a signal: {}{}", run.stdout, run.stderr);
        let key = duo.application("SIEM")["secret_key"].clone();
        folder.keeper();
        duo.plan(&folder).exits(2).tells("* deliver applications.siem").tells("1 delivery.");
        duo.apply(&folder).exits(0);
        assert_eq!(kept(&folder, "kept-siem")["secret_key"], key);
        duo.application("SIEM");
        duo.plan(&folder).exits(0).tells("No changes.");
    }
}

#[test]
fn a_store_that_gives_nothing_back_gets_new_and_adopted_keys_once() {
    let duo = Duo::start();
    let folder = Folder::empty();
    let stores = "secret_stores: {cmd: {type: exec, write: [./keep.sh, write]}}";
    folder.script("keep.sh", "cat >> log; echo >> log");
    let application = |secret: &str| {
        format!("applications: {{vpn: {{type: radius, name: VPN, user_access: no_users{secret}}}}}")
    };
    let secret = ", secret: {store: cmd, path: vpn}";
    folder.yaml(&application(secret), stores);
    duo.apply(&folder).exits(0).tells("which cannot be read back");
    duo.plan(&folder).exits(0);
    duo.apply(&folder).exits(0);
    assert_eq!(fs::read_to_string(folder.path("log")).unwrap().lines().count(), 1);
    assert!(duo.application("VPN")["notes"].as_str().unwrap().ends_with(']'));

    // Another application of that name is adopted after its keys were delivered.
    duo.edit("VPN", serde_json::json!({"notes": ""}));
    duo.plan(&folder).exits(2).tells("1 to adopt").tells("1 delivery.");
    duo.apply(&folder).exits(5).tells("--allow adopts_key:applications.vpn");
    duo.run(&folder, &["apply", "--auto-approve", "--allow", "adopts_key:applications.vpn"]).exits(0);
    assert_eq!(fs::read_to_string(folder.path("log")).unwrap().lines().count(), 2);
    duo.plan(&folder).exits(0);
}

#[test]
fn the_old_keys_of_a_replacement_stay_until_the_new_ones_are_delivered() {
    let duo = Duo::start();
    let folder = Folder::empty();
    folder.keeper();
    let yaml = |kind: &str| {
        folder.yaml(
            &format!(
                "applications: {{vpn: {{type: {kind}, name: VPN, user_access: no_users, secret: {{store: cmd, path: vpn}}}}}}"
            ),
            STORES,
        );
    };
    yaml("radius");
    duo.apply(&folder).exits(0);
    let old = duo.application("VPN");
    yaml("ldapproxy");
    let apply = ["apply", "--auto-approve", "--allow", "replaces:applications.vpn"];
    folder.script("keep.sh", "[ \"$1\" = read ] && cat kept-vpn && exit; exit 1");
    let plan = duo.plan(&folder).exits(2);
    plan.tells("delivers its keys to store cmd: vpn").tells("1 delivery.");
    duo.run(&folder, &apply).exits(4).tells("not delivered applications.vpn");
    assert_eq!(duo.applications("VPN").len(), 2, "the old one works until the new key arrived");
    // Again, with the store still failing: the rest of the old one is not deleted either.
    duo.run(&folder, &apply).exits(4);
    assert_eq!(duo.applications("VPN").len(), 2);
    folder.keeper();
    duo.run(&folder, &apply).exits(0);
    let new = duo.application("VPN");
    assert_ne!(new["integration_key"], old["integration_key"]);
    assert_eq!(kept(&folder, "kept-vpn")["secret_key"], new["secret_key"]);
    duo.plan(&folder).exits(0);
}

#[test]
fn both_applications_of_a_composite_have_a_place_of_their_own() {
    let duo = Duo::start();
    let folder = Folder::empty();
    folder.yaml(
        "identity_intelligence: {emea: {display_name: EMEA, access: read_only, push_verification: {application_name: Help}, secret: {store: local, path: cii/emea}}}",
        STORES,
    );
    let apply = ["apply", "--auto-approve", "--allow", "widens_access"];
    duo.run(&folder, &apply).exits(0);
    for (part, name) in [("admin_api", "Identity Intelligence: EMEA"), ("auth_api", "Help")] {
        let held = kept(&folder, &format!("secrets/cii/emea/{part}"));
        assert_eq!(held["secret_key"], duo.application(name)["secret_key"], "{part}");
    }
}

#[test]
fn client_secrets_are_delivered_and_compared_too() {
    let duo = Duo::start();
    let folder = Folder::empty();
    folder.yaml(
        "applications:
  portal: {type: sso-oidc-generic, name: Portal, user_access: no_users, secret: {store: local, path: portal}, sso: {oidc_config: {grant_types: {authorization_code: true}, redirect_uris: ['https://portal.example.com/cb'], scopes: [{name: openid}]}}}
",
        STORES,
    );
    duo.apply(&folder).exits(0).tells("not testable: Duo accepts a client secret only to issue a token");
    let portal = duo.application("Portal");
    let held = kept(&folder, "secrets/portal");
    assert_eq!(held["client_secret"], portal["client_secret"]);
    assert_eq!(held["client_id"], portal["integration_key"]);
    assert_eq!(held.get("secret_key"), None);
    duo.plan(&folder).exits(0);
}

const OAUTH: &str = "applications:
  jobs: {type: sso-oauth-client-credentials, name: Jobs, user_access: permitted_groups, groups_allowed: [Employees], secret: {store: local, path: jobs.env, format: dotenv}, sso: {oauth_config: {scopes: [{id: s-1, name: read}], clients: [CLIENTS]}}}
";

/// The secret of a client as an administrator sees it, or a new one.
fn client_secret(duo: &Duo, method: &str, client: &str) -> String {
    let ikey = duo.application("Jobs")["integration_key"].as_str().unwrap().to_owned();
    let path = format!("/admin/v2/integrations/oauth_cc/{ikey}/client_secret/{client}");
    match duo.account().as_administrator(method, &path, serde_json::Map::new()) {
        Reply::Ok(response) => response["client_secret"].as_str().unwrap().to_owned(),
        _ => panic!("refused"),
    }
}

#[test]
fn every_client_of_an_oauth_application_has_its_secret() {
    let client = |id: &str| format!("{{client_id: {id}, name: {id}, assigned_scopes_ids: [s-1]}}");
    // Whether Duo shows the ends of client secrets is uncertain.
    for shown in [true, false] {
        let (duo, folder) = (Duo::start(), Folder::empty());
        duo.account().switches.show_client_secrets = shown;
        folder.yaml(&OAUTH.replace("CLIENTS", &client("c-1")), STORES);
        let apply = ["apply", "--auto-approve", "--allow", "widens_access"];
        let run = duo.run(&folder, &apply).exits(0);
        run.tells(
            "not testable: Duo accepts a client secret only to issue a token, so a test would issue one",
        );
        duo.plan(&folder).exits(0);

        folder.yaml(&OAUTH.replace("CLIENTS", &[client("c-1"), client("c-2")].join(", ")), STORES);
        let run = duo.run(&folder, &apply).exits(0);
        run.tells("to file secrets/jobs.env: the client c-2 is new").tells("Applied: 2 of 2 steps.");
        let text = fs::read_to_string(folder.path("secrets/jobs.env")).unwrap();
        let ikey = duo.application("Jobs")["integration_key"].as_str().unwrap().to_owned();
        let (first, second) = (client_secret(&duo, "GET", "c-1"), client_secret(&duo, "GET", "c-2"));
        let wanted = format!(
            "DUO_INTEGRATION_KEY={ikey}\nDUO_CLIENT_ID=c-1\nDUO_CLIENT_SECRET={first}\nDUO_CLIENT_ID_2=c-2\n\
             DUO_CLIENT_SECRET_2={second}\nDUO_API_HOSTNAME={}\nDUO_ADDRESS=applications.jobs\nDUO_WORKSPACE=acme\nDUO_DELIVERED_AT=2",
            duo.running().api_hostname()
        );
        assert!(text.starts_with(&wanted), "{shown}: {text}");
        duo.plan(&folder).exits(0);

        let new = client_secret(&duo, "POST", "c-2");
        if shown {
            let plan = duo.plan(&folder).exits(2);
            plan.tells("the store holds a secret for the client c-2 ending in").never_tells(&new);
            duo.run(&folder, &apply).exits(0);
            assert!(fs::read_to_string(folder.path("secrets/jobs.env")).unwrap().contains(&new));
        } else {
            duo.plan(&folder).exits(0);
        }
    }
}

#[test]
fn trap_36_a_key_that_duo_does_not_hand_out_fails_only_its_delivery() {
    let (mut duo, folder) = start();
    duo.apply(&folder).exits(0);
    fs::remove_file(folder.path("secrets/help.env")).unwrap();
    duo.operator = duo.key("plan-only");
    let consent =
        format!("unverified_state:{}", duo.application("Help")["integration_key"].as_str().unwrap());
    let run: Outcome = duo.run(&folder, &["apply", "--auto-approve", "--allow", &consent]).exits(4);
    run.tells("not delivered applications.help").tells("its keys cannot be read from Duo");
}

#[test]
fn what_the_store_holds_and_duo_refuses_is_not_delivered() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.keeper();
    let keep = fs::read_to_string(folder.path("keep.sh")).unwrap();
    let waits = "[ \"$1\" = read ] || { : > asked; while [ ! -e go ]; do sleep 0.02; done; }\n";
    folder.script("keep.sh", &keep.replacen("#!/bin/sh\n", waits, 1));
    folder.yaml(
        "applications:\n  help: {type: authapi, name: Help, user_access: no_users, secret: {store: cmd, path: help}}",
        "secret_stores: {cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}}",
    );
    // An administrator resets the key while the store receives it.
    let run = duo.call(&folder, &["apply", "--auto-approve"]).start();
    duo.wait_until("the store is asked", |_| folder.path("asked").exists());
    duo.reset("Help");
    fs::write(folder.path("go"), "").unwrap();
    run.end().exits(4).tells("store cmd: help holds the keys, but Duo does not accept them");
    duo.apply(&folder).exits(0).tells("read back, proven by a signed call");
}

/// A slow store does not look like a run that hangs, however many applications wait for it.
#[test]
fn a_slow_store_is_announced_once() {
    let duo = Duo::start();
    let folder = Folder::empty();
    folder.script("keep.sh", "sleep 6; exit 3");
    let entry = |key: &str| {
        format!(
            "{key}: {{type: radius, name: {key}, user_access: no_users, secret: {{store: cmd, path: {key}}}}}"
        )
    };
    folder.yaml(
        &format!("applications: {{{}, {}}}", entry("vpn"), entry("wiki")),
        "secret_stores: {cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}}",
    );
    let run = duo.plan(&folder).exits(2);
    let line = "note: waiting for the read command of the store `cmd` (at most 55 s more)";
    assert_eq!(run.stderr.matches(line).count(), 1, "{}", run.stderr);
}

/// Two addresses with the same place would overwrite each other, and one consumer would get the other's key.
#[test]
fn a_place_with_the_key_of_something_else_is_left_alone() {
    for (store, path) in [("local", "vpn.json"), ("cmd", "vpn")] {
        let one = format!(
            "applications: {{vpn: {{type: radius, name: VPN, user_access: no_users, secret: {{store: {store}, path: {path}}}}}}}"
        );
        let (duo, folder) = (Duo::start(), Folder::empty());
        folder.keeper();
        folder.yaml(&one, STORES);
        duo.apply(&folder).exits(0);
        let file = if store == "local" { format!("secrets/{path}") } else { format!("kept-{path}") };
        let held = fs::read_to_string(folder.path(&file)).unwrap();
        let edit = |from: &str, to: &str| fs::write(folder.path(&file), held.replacen(from, to, 1)).unwrap();
        let is = |what: &str| assert_eq!(fs::read_to_string(folder.path(&file)).unwrap(), what);

        // Another address, whose application exists or is gone, and another workspace.
        let ikey = duo.application("VPN")["integration_key"].as_str().unwrap().to_owned();
        let gone = held.replace(&ikey, "DIOTHEROTHEROTHEROTH");
        let two = one.replace("vpn: {", "wiki: {").replace("name: VPN", "name: Wiki");
        folder.yaml(&two, STORES);
        duo.plan(&folder).exits(1).tells("acme/applications.vpn");
        assert_ne!(duo.apply(&folder).code, Some(0));
        is(&held);
        fs::write(folder.path(&file), &gone).unwrap();
        let own = "so the key of `applications.wiki` of the workspace `acme` does not replace it";
        for _ in 0..2 {
            let plan = duo.plan(&folder).exits(1).tells(own);
            plan.tells("holds the key of `applications.vpn` of the workspace `acme` (DIOTHER");
            assert_ne!(duo.apply(&folder).tells(own).code, Some(0));
            is(&gone);
        }
        folder.yaml(&one, STORES);
        let other = "\"workspace\": \"other\"";
        let foreign = held.replace("\"workspace\": \"acme\"", other).replace(&ikey, "DIOTHEROTHEROTHEROTH");
        fs::write(folder.path(&file), &foreign).unwrap();
        duo.plan(&folder)
            .exits(1)
            .tells("holds the key of `applications.vpn` of the workspace `other` (DIOTHER");
        assert_ne!(duo.apply(&folder).code, Some(0));
        is(&foreign);
        // Two accounts must not share a place: the same workspace and address may exist in each of them.
        let elsewhere = held.replace("api-1a2b3c4d", "api-9z8y7x6w").replace(&ikey, "DIOTHEROTHEROTHEROTH");
        assert_ne!(elsewhere, held.replace(&ikey, "DIOTHEROTHEROTHEROTH"));
        fs::write(folder.path(&file), &elsewhere).unwrap();
        duo.plan(&folder)
            .exits(1)
            .tells("of the workspace `acme` in the account `api-9z8y7x6w.duosecurity.com` (DIOTHER");
        assert_ne!(duo.apply(&folder).code, Some(0));
        is(&elsewhere);
        // Hostile text in a store is shown escaped.
        fs::write(folder.path(&file), foreign.replace("other\"", "\\u001b[31m\\u202e\"")).unwrap();
        duo.plan(&folder).exits(1).tells("\\u{1b}[31m\\u{202e}");
        // This application's own key is accepted under every name, and what an earlier version wrote belongs to this address.
        edit("\"applications.vpn\"", "\"applications.former\"");
        duo.plan(&folder).exits(0);
        edit("  \"workspace\": \"acme\",\n", "");
        duo.plan(&folder).exits(0);
        let early = held.replace("  \"workspace\": \"acme\",\n", "").replace(&ikey, "DIOTHEROTHEROTHEROTH");
        fs::write(folder.path(&file), early).unwrap();
        duo.plan(&folder).exits(2).tells("the store holds the keys of DIOTHER");
        duo.apply(&folder).exits(0);
    }
}

/// What a delivery would refuse or overwrite is found offline.
#[test]
fn places_that_cannot_be_or_are_one_are_found_offline() {
    use std::os::unix::fs::symlink;
    let folder = Folder::empty();
    fs::create_dir_all(folder.path("keys/sub")).unwrap();
    symlink("keys", folder.path("linked")).unwrap();
    let yaml = |first: (&str, &str), second: (&str, &str)| {
        let application = |name: &str, (store, path): (&str, &str)| {
            format!(
                "  {name}: {{type: radius, name: {name}, user_access: no_users, secret: {{store: {store}, path: \"{path}\"}}}}\n"
            )
        };
        let stores = "secret_stores:\n  a: {type: file, path: keys}\n  b: {type: file, path: keys/sub/..}\n  \
                      c: {type: file, path: linked}\n  d: {type: file, path: ./keys/}\n  e: {type: file, path: none/../keys}\n  \
                      f: {type: file, path: KEYS}\n  x: {type: exec, write: [w]}\n";
        folder.yaml(
            &format!("applications:\n{}{}", application("one", first), application("two", second)),
            stores,
        );
        folder.duoctl(["validate"]).run()
    };
    for store in ["b", "c", "d", "e"] {
        yaml(("a", "x"), (store, "x")).exits(1).warns("two secrets are delivered to the same place");
        yaml(("a", "x"), (store, "x/y")).exits(1).warns("two secrets are delivered to the same place");
        yaml(("a", "x"), (store, "y")).exits(0).never_tells("the same place");
    }
    for (store, path) in [("f", "x"), ("a", "X"), ("f", "X/y")] {
        yaml(("a", "x"), (store, path)).exits(0).warns("the same place on file systems that ignore case");
    }
    let (long, deep) = ("x".repeat(256), "abc/".repeat(300) + "x");
    for path in ["./x", "x/", "x\\0", "x\\ny", "x\\u0085", ".", "./", &long, &deep, "../x", "/x", " "] {
        yaml(("a", path), ("x", "other")).exits(1).warns("error[invalid-value]");
    }
    for path in ["x\\0y", "x\\u001b[31m"] {
        yaml(("a", "x"), ("x", path)).exits(1).warns("must not contain control characters");
    }
    for path in [".hidden", "x.json", "a/b/c", &"x".repeat(255)] {
        yaml(("a", path), ("x", "other")).exits(0);
    }
}

/// What cannot be read back is not proven.
#[test]
fn a_store_that_cannot_be_read_at_the_last_look_is_no_success() {
    let (duo, folder) = (Duo::start(), Folder::empty());
    let one = "applications: {help: {type: authapi, name: Help, user_access: no_users, secret: {store: cmd, path: help}}}";
    folder.yaml(one, STORES);
    // It returns what it got once.
    folder.script(
        "keep.sh",
        "if [ \"$1\" = write ]; then python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)[\"content\"])' > kept; exit; fi\n\
         [ -e kept ] || exit 3; [ -e read ] && exit 1; touch read; cat kept",
    );
    let run = duo.apply(&folder).exits(3).tells("error[store-unreadable]");
    run.tells("Applied: 2 of 2 steps");
}

/// The first client of two has a new secret when Duo refuses the second one: what Duo has now is delivered.
#[test]
fn a_refusal_between_two_clients_delivers_what_there_is() {
    let client = |id: &str| format!("{{client_id: {id}, name: {id}, assigned_scopes_ids: [s-1]}}");
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.yaml(&OAUTH.replace("CLIENTS", &[client("c-1"), client("c-2")].join(", ")), STORES);
    duo.run(&folder, &["apply", "--auto-approve", "--allow", "widens_access"]).exits(0);
    let before = (client_secret(&duo, "GET", "c-1"), client_secret(&duo, "GET", "c-2"));
    // The marker and the first client; the second one is refused until duoctl gives up.
    duo.disturb("writes-per-minute=2");
    let run = duo.run(&folder, &["keys", "rotate", "jobs", "--strategy", "in-place", "--auto-approve"]);
    run.exits(4).tells("only some of its clients have a new secret").never_tells(&before.0);
    let after = (client_secret(&duo, "GET", "c-1"), client_secret(&duo, "GET", "c-2"));
    assert!(after.0 != before.0 && after.1 == before.1);
    let text = fs::read_to_string(folder.path("secrets/jobs.env")).unwrap();
    assert!(text.contains(&after.0) && text.contains(&after.1) && !text.contains(&before.0));
    duo.calm();
    duo.apply(&folder).exits(0);
    duo.plan(&folder).exits(0);
}
