//! Seals across keys, machines and people: what each may do with what another one wrote, and what someone who can only edit
//! notes may not do.

use duoctl::sandbox::account::Key;
use duoctl::sandbox::call::Reply;
use duoctl::secret::Secret;
use serde_json::{Map, Value, json};

use crate::support::seals::sealed;
use crate::support::{Folder, HEAD, Outcome, Server, object};

const VPN: &str = "applications:
  vpn: {type: radius, name: VPN, user_access: no_users, greeting: Hello, secret: {store: local, path: vpn}}
  wiki: {type: websdk, name: Wiki, user_access: no_users, greeting: Hello}
secret_stores: {local: {type: file, path: kept}}
";

const APPLY: [&str; 3] = ["apply", "--auto-approve", "--no-verify"];

fn applied() -> (Folder, Server) {
    let (folder, server) = (Folder::with(VPN), Server::start());
    folder.duoctl(APPLY).at(&server).run().exits(0);
    (folder, server)
}

/// Another Admin API key of the account, for a pipeline or a plan job.
fn another(server: &Server, name: &str, permissions: &[&str]) -> Key {
    let mut body = json!({"type": "adminapi", "name": name, "user_access": "NO_USERS"});
    for permission in permissions {
        body[format!("adminapi_{permission}")] = json!("1");
    }
    let made = server.account().create_application(object(body)).unwrap_or_else(|reply| panic!("{reply:?}"));
    let ikey = made["integration_key"].as_str().unwrap().to_owned();
    let call = format!("/admin/v1/integrations/{ikey}/skey");
    let Reply::Ok(secret) = server.account().as_administrator("GET", &call, Map::new()) else { panic!() };
    let mut key = server.key("operator");
    (key.integration_key, key.secret_key) = (ikey, Secret::new(secret["secret_key"].as_str().unwrap()));
    key
}

fn pipeline(server: &Server) -> Key {
    another(server, "Pipeline", &["integrations", "read_resource", "read_log", "info"])
}

fn notes(server: &Server, name: &str) -> String {
    server.named(name)[0]["notes"].as_str().unwrap().to_owned()
}

fn by(folder: &Folder, server: &Server, key: &Key, arguments: &[&str]) -> Outcome {
    folder.duoctl(arguments).at_with(server, key).run()
}

fn stored(folder: &Folder) -> String {
    let held: Value = serde_json::from_str(&folder.read("kept/vpn")).unwrap();
    held["integration_key"].as_str().unwrap().to_owned()
}

#[test]
fn every_marker_that_duoctl_writes_is_sealed_over_its_application() {
    let (_folder, server) = applied();
    let secret = server.key("operator").secret_key;
    for name in ["VPN", "Wiki"] {
        let notes = notes(&server, name);
        let (plain, _) = notes.rsplit_once(" ~").unwrap();
        assert_eq!(notes, sealed(secret.expose(), Some(&server.ikey(name)), &format!("{plain}]")));
    }
}

#[test]
fn another_key_changes_settings_and_removes_or_hands_out_nothing() {
    let (folder, server) = applied();
    let key = pipeline(&server);
    // Its plan shows the same, and says what it depends on.
    folder.declare(&VPN.replace(
        "name: Wiki, user_access: no_users, greeting: Hello",
        "name: Wiki, user_access: no_users, greeting: Bye",
    ));
    let plan = by(&folder, &server, &key, &["plan"]).exits(0);
    plan.says("1 to change").says(&format!("? not verified: the marker of {}", server.ikey("Wiki")));
    by(&folder, &server, &key, &APPLY).exits(0).says("updated applications.wiki");
    let changed = notes(&server, "Wiki");
    assert!(changed.contains(" adopted ~"), "a claim does not become proof: {changed}");
    // Its key would go to the store, which no longer shows whose it is.
    std::fs::remove_file(folder.path("kept/vpn")).unwrap();
    by(&folder, &server, &key, &APPLY).exits(1).warns("error[unverified-state]: applications.vpn");
    assert!(!folder.path("kept/vpn").exists());
    folder.duoctl(APPLY).at(&server).run().exits(0).says("delivered applications.vpn");
    // A key that did not write the marker does not remove what left the YAML.
    folder.declare(
        &VPN.replace("  wiki: {type: websdk, name: Wiki, user_access: no_users, greeting: Hello}\n", ""),
    );
    let before = server.writes();
    let ikey = server.ikey("Wiki");
    folder.duoctl(["plan", "--prune"]).at(&server).run().exits(0).says("~ quarantine").says("? not verified");
    let prune = ["apply", "--auto-approve", "--prune"];
    let held = folder.duoctl(prune).at(&server).run().exits(1);
    held.warns("error[unverified-state]").warns(&format!("--allow unverified_state:{ikey}"));
    assert_eq!(server.writes(), before);
    // One consent, by key, for this run.
    let consent = format!("unverified_state:{ikey}");
    folder.duoctl(prune).args(["--allow", &consent]).at(&server).run().exits(0);
    assert!(notes(&server, "Wiki").contains(" quarantined:"));
    for refused in ["unverified_state", "unverified_state:applications.wiki", "unverified_state:*"] {
        by(&folder, &server, &key, &["apply", "--allow", refused]).exits(64);
    }
    folder.declare(&format!("{VPN}guards: {{allow: [{{risk: unverified_state, reason: none}}]}}\n"));
    folder.duoctl(["validate"]).run().exits(1);
}

/// A marker that a run cannot verify does not show who changed something: an old one next to an old value would make a
/// hostile edit look like a change of the YAML.
#[test]
fn who_moved_is_not_believed_without_proof() {
    let (folder, server) = applied();
    let bye = VPN.replace(
        "name: Wiki, user_access: no_users, greeting: Hello",
        "name: Wiki, user_access: no_users, greeting: Bye",
    );
    folder.declare(&bye);
    folder.duoctl(APPLY).at(&server).run().exits(0);
    let key = another(&server, "Watcher", &["read_resource"]);
    folder.declare(VPN);
    // Pending in the YAML according to the marker, which only some keys can verify.
    folder.duoctl(["drift"]).at(&server).run().exits(0).says("0 changed in Duo, 1 pending");
    let report = ["drift", "--report=json=drift.json", "--report=markdown=drift.md"];
    let watched = by(&folder, &server, &key, &report).exits(2).says("1 changed in Duo, 0 pending");
    watched.says("greeting  \"Bye\" -> \"Hello\"  (who changed it is unknown)");
    let document: Value = serde_json::from_str(&folder.read("drift.json")).unwrap();
    assert_eq!(document["steps"][0]["changes"][0]["origin"], "unknown");
    assert!(folder.read("drift.md").contains("| unknown |"));
    // A plan of the one is a plan of the other.
    by(&folder, &server, &key, &["plan", "--out=plan.json"]).exits(0);
    folder
        .duoctl(["apply", "plan.json", "--no-verify"])
        .at(&server)
        .run()
        .exits(0)
        .says("updated applications.wiki");
}

#[test]
fn one_state_key_for_all_makes_them_one() {
    let server = Server::start();
    let key = pipeline(&server);
    let head = HEAD.replace(
        "secret_key: {env: DUO_SKEY}}",
        "secret_key: {env: DUO_SKEY}, state_keys: [{env: STATE_KEY}, operator]}",
    );
    let folder = Folder::empty();
    folder.write("duo.yaml", &format!("{head}{VPN}"));
    let state = "a-secret-of-at-least-32-characters";
    let run = |key: &Key, arguments: &[&str]| {
        folder.duoctl(arguments).at_with(&server, key).env("STATE_KEY", state).run()
    };
    let operator = server.key("operator");
    run(&operator, &APPLY).exits(0);
    let (plain, _) = {
        let notes = notes(&server, "VPN");
        let (plain, seal) = notes.rsplit_once(" ~").unwrap();
        (format!("{plain}]"), seal.to_owned())
    };
    assert_eq!(notes(&server, "VPN"), sealed(state, Some(&server.ikey("VPN")), &plain));
    folder.write(
        "duo.yaml",
        &format!(
            "{head}{}",
            VPN.replace("  wiki: {type: websdk, name: Wiki, user_access: no_users, greeting: Hello}\n", "")
        ),
    );
    run(&key, &["apply", "--auto-approve", "--no-verify", "--prune"])
        .exits(0)
        .says("quarantined applications.wiki");
    // An undeclared key would leave every marker without a seal.
    let nobody = Folder::empty();
    nobody.write("duo.yaml", &format!("{}{VPN}", head.replace("[{env: STATE_KEY}, operator]", "[recovery]")));
    nobody.duoctl(["validate"]).run().exits(1).tells("there is no recovery key");
    // Without it a plan shows the same, and nothing is written.
    let without = |arguments: &[&str]| folder.duoctl(arguments).at_with(&server, &key).run();
    without(&["plan"]).exits(0);
    let before = server.writes();
    without(&APPLY).exits(1).tells("tenant.credentials.state_keys").tells("STATE_KEY");
    assert_eq!(server.writes(), before);
    folder
        .duoctl(APPLY)
        .at(&server)
        .env("STATE_KEY", "short")
        .run()
        .exits(1)
        .tells("shorter than 32 characters");
}

#[test]
fn a_plan_of_a_key_that_only_reads_is_applied_by_the_one_that_writes() {
    let (folder, server) = applied();
    folder.declare(&VPN.replace(
        "name: Wiki, user_access: no_users, greeting: Hello",
        "name: Wiki, user_access: no_users, greeting: Bye",
    ));
    let reader = another(&server, "Reader", &["integrations_read", "read_resource", "info"]);
    by(&folder, &server, &reader, &["plan", "--out", "plan.json"]).exits(0).says("? not verified");
    folder.duoctl(["apply", "plan.json", "--no-verify"]).at(&server).run().exits(0);
    assert!(!notes(&server, "Wiki").contains("adopted"), "the one that writes can verify it");
    assert!(!folder.read("plan.json").contains(" ~"), "a plan holds no seal");
}

/// An attack without marker words: two edits of notes give a consumer the key of another application.
#[test]
fn a_marker_that_was_moved_moves_nothing() {
    let (folder, server) = applied();
    let theirs = json!({"type": "radius", "name": "Theirs", "user_access": "ALL_USERS", "notes": notes(&server, "VPN")});
    server.account().create_application(object(theirs)).unwrap_or_else(|reply| panic!("{reply:?}"));
    server.edit("VPN", json!({"notes": ""}));
    let (writes, key) = (server.writes(), stored(&folder));
    let stopped = folder.duoctl(APPLY).at(&server).run().exits(1);
    stopped.warns("error[forged-marker]").warns(&server.ikey("Theirs")).warns(&server.ikey("VPN"));
    // A run with another key does not deliver it either.
    by(&folder, &server, &pipeline(&server), &APPLY).exits(1);
    assert_eq!((server.writes(), stored(&folder)), (writes, key));
}

/// A lost key: what is pinned or stored continues, the rest is listed with the option that lifts it.
#[test]
fn after_a_lost_key_a_pin_is_proof() {
    let (folder, server) = applied();
    let key = pipeline(&server);
    let ikey = server.ikey("VPN");
    std::fs::remove_file(folder.path("kept/vpn")).unwrap();
    let held = by(&folder, &server, &key, &APPLY).exits(1);
    held.warns("error[unverified-state]").warns(&ikey);
    assert!(!folder.path("kept/vpn").exists());
    folder.duoctl(["adopt", "applications.vpn", &ikey]).run().exits(0);
    by(&folder, &server, &key, &APPLY).exits(0).says("delivered applications.vpn");
    assert_eq!(stored(&folder), ikey);
}
