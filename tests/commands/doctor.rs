//! `doctor` in setups that are broken in one way, and in several at once: each fault is a failed line with a fix, whatever
//! does not depend on it is still checked, and the last line matches the exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use duoctl::duo::catalogue::PERMISSIONS;
use duoctl::sandbox::call::Reply;
use serde_json::{Map, Value, json};

use crate::support::{Folder, Outcome, Server, object};

/// Everything that the checks need: both keys, three kinds of store, Identity Intelligence.
const YAML: &str = "version: 1
workspace: acme
tenant:
  api_hostname: api-1a2b3c4d.duosecurity.com
  plan: advantage
  ca_file: trusted.pem
  credentials:
    integration_key: {env: DUO_IKEY}
    secret_key: {env: DUO_SKEY}
    recovery: {integration_key: {env: DUO_RECOVERY_IKEY}, secret_key: {env: DUO_RECOVERY_SKEY}}
applications:
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], secret: {store: local, path: siem}}
  vpn:
    type: radius
    name: VPN
    user_access: permitted_groups
    groups_allowed: [VPN Users]
    policy: Require trusted endpoints
    secret: {store: pass, path: vpn}
  wiki: {type: websdk, name: Wiki, user_access: no_users, secret: {store: drop, path: wiki}}
secret_stores:
  local: {type: file, path: kept}
  pass: {type: exec, write: [./write.sh], read: [./read.sh]}
  drop: {type: exec, write: [./drop.sh]}
identity_intelligence:
  emea:
    display_name: Duo EMEA
    access: read_only
    api:
      token_url: TOKEN
      api_url: GRAPHQL
      client_id: {env: II_ID}
      client_secret: {env: II_SECRET}
";

const OPERATOR: [&str; 2] = ["DUO_IKEY", "DUO_SKEY"];
const RECOVERY: [&str; 2] = ["DUO_RECOVERY_IKEY", "DUO_RECOVERY_SKEY"];

/// A complete setup, in which any part can be broken.
struct SetUp {
    server: Server,
    folder: Folder,
    yaml: String,
    environment: BTreeMap<&'static str, String>,
    connect_to: String,
    first: String,
}

impl SetUp {
    fn new() -> Self {
        let (server, folder) = (Server::start(), Folder::empty());
        let first = server.key("operator").integration_key;
        let recovery = server
            .account()
            .create_application(object(json!({"type": "adminapi", "name": "Second", "user_access": "NO_USERS",
                "adminapi_integrations": "1", "adminapi_read_resource": "1", "adminapi_allow_to_set_permissions": "1"})))
            .unwrap_or_else(|reply| panic!("{reply:?}"));
        let recovery = recovery["integration_key"].as_str().unwrap().to_owned();
        let client = server.account().intelligence_client().unwrap();
        let running = server.running();
        fs::copy(running.ca_file(), folder.path("trusted.pem")).unwrap();
        let yaml = YAML.replace("TOKEN", &running.token_url()).replace("GRAPHQL", &running.graphql_url());
        fs::create_dir(folder.path("kept")).unwrap();
        mode(&folder, "kept", 0o700);
        for (name, text) in [
            ("write.sh", "#!/bin/sh\ntouch written\n"),
            ("read.sh", "#!/bin/sh\nexit 3\n"),
            ("drop.sh", "#!/bin/sh\ntouch written\n"),
        ] {
            folder.write(name, text);
            mode(&folder, name, 0o755);
        }
        let environment = BTreeMap::from([
            ("DUO_IKEY", first.clone()),
            ("DUO_SKEY", secret(&server, &first)),
            ("DUO_RECOVERY_IKEY", recovery.clone()),
            ("DUO_RECOVERY_SKEY", secret(&server, &recovery)),
            ("II_ID", client.client_id.clone()),
            ("II_SECRET", client.client_secret.expose().to_owned()),
        ]);
        let connect_to = running.address().to_string();
        Self { folder, yaml, environment, connect_to, first, server }
    }

    fn doctor(&self, more: &[&str]) -> Outcome {
        self.folder.write("duo.yaml", &self.yaml);
        let mut call = self.folder.duoctl(["doctor", "--connect-to", &self.connect_to]).with(more);
        for (name, value) in &self.environment {
            call = call.env(name, value);
        }
        call.env("DUOCTL_SIMULATOR_BACKOFF_MS", "1").run()
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.environment.insert(name, value.to_owned());
    }

    fn replace(&mut self, from: &str, to: &str) {
        let yaml = self.yaml.replace(from, to);
        // Another break may have removed it already.
        self.yaml = yaml;
    }

    /// An operator with every permission but one, in place of another.
    fn without(&mut self, [ikey, skey]: [&'static str; 2], permission: &str) {
        let flags = PERMISSIONS.iter().filter(|known| known.name != permission);
        let flags: Vec<String> = flags.map(|known| format!("adminapi_{}", known.name)).collect();
        let stored =
            json!({"kind": "adminapi", "name": "Lesser", "user_access": "NO_USERS", "permissions": flags});
        self.place(&stored, [ikey, skey]);
    }

    fn place(&mut self, stored: &Value, [ikey, skey]: [&'static str; 2]) {
        let key = self.server.account().place_application(stored).unwrap();
        let secret = secret(&self.server, &key);
        self.set(ikey, &key);
        self.set(skey, &secret);
    }

    /// Uses the keys of an application of another type as the operator's.
    fn use_keys_of(&mut self, kind: &str) {
        let stored = json!({"kind": kind, "name": "Another", "user_access": "NO_USERS"});
        self.place(&stored, OPERATOR);
    }
}

fn secret(server: &Server, ikey: &str) -> String {
    let path = format!("/admin/v1/integrations/{ikey}/skey");
    let Reply::Ok(secret) = server.account().as_administrator("GET", &path, Map::new()) else {
        panic!("refused")
    };
    secret["secret_key"].as_str().unwrap().to_owned()
}

fn mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// A name, how it is broken, which checks fail, what the report contains, and the exit code.
struct Break {
    name: &'static str,
    make: fn(&mut SetUp),
    fails: &'static [&'static str],
    says: &'static str,
    exit: i32,
}

const fn broken(
    name: &'static str,
    make: fn(&mut SetUp),
    fails: &'static [&'static str],
    says: &'static str,
) -> Break {
    Break { name, make, fails, says, exit: 1 }
}

const fn refused(
    name: &'static str,
    make: fn(&mut SetUp),
    fails: &'static [&'static str],
    says: &'static str,
) -> Break {
    Break { name, make, fails, says, exit: 77 }
}

fn swap(set_up: &mut SetUp, ikey: &'static str, skey: &'static str) {
    let (one, other) = (set_up.environment[ikey].clone(), set_up.environment[skey].clone());
    set_up.set(ikey, &other);
    set_up.set(skey, &one);
}

const BREAKS: &[Break] = &[
    broken(
        "no variable for the integration key",
        |it| drop(it.environment.remove("DUO_IKEY")),
        &["operator integration key"],
        "set DUO_IKEY, or point",
    ),
    broken(
        "no variable for the secret key",
        |it| drop(it.environment.remove("DUO_SKEY")),
        &["operator secret key"],
        "set DUO_SKEY, or point",
    ),
    broken(
        "no credentials",
        |it| {
            let (head, rest) = it.yaml.split_once("  credentials:").unwrap();
            let (_, rest) = rest.split_once("applications:").unwrap();
            it.yaml = format!("{head}applications:{rest}");
        },
        &["operator keys"],
        "add `tenant.credentials`",
    ),
    broken(
        "a file that is not there",
        |it| it.replace("secret_key: {env: DUO_SKEY}\n", "secret_key: {file: nowhere}\n"),
        &["operator secret key"],
        "write the key to that file",
    ),
    broken(
        "a command that fails",
        |it| it.replace("secret_key: {env: DUO_SKEY}\n", "secret_key: {command: [\"false\"]}\n"),
        &["operator secret key"],
        "run the command by hand",
    ),
    broken("swapped keys", |it| swap(it, "DUO_IKEY", "DUO_SKEY"), &["operator keys"], "the two are swapped"),
    broken(
        "a blank after the secret key",
        |it| it.environment.get_mut("DUO_SKEY").unwrap().push(' '),
        &["operator secret key"],
        "starts or ends with whitespace",
    ),
    broken(
        "quotes around the integration key",
        |it| {
            let quoted = format!("\"{}\"", it.environment["DUO_IKEY"]);
            it.set("DUO_IKEY", &quoted);
        },
        &["operator integration key"],
        "is enclosed in quotes",
    ),
    refused(
        "keys of the Auth API",
        |it| it.use_keys_of("authapi"),
        &["operator key"],
        "an Auth API application",
    ),
    refused(
        "keys of a VPN",
        |it| it.use_keys_of("radius"),
        &["operator key"],
        "not to an Admin API application",
    ),
    refused(
        "keys of the Accounts API",
        |it| it.use_keys_of("accountsapi"),
        &["operator key"],
        "an Accounts API application",
    ),
    refused(
        "a wrong secret key",
        |it| it.set("DUO_SKEY", &"x".repeat(40)),
        &["operator key"],
        "does not belong to it",
    ),
    refused(
        "an unknown integration key",
        |it| it.set("DUO_IKEY", "DIXXXXXXXXXXXXXXXXXX"),
        &["operator key"],
        "copy integration key, secret key and API hostname together",
    ),
    broken(
        "no read_log",
        |it| it.without(OPERATOR, "read_log"),
        &["permission read_log"],
        "select `Grant read log`",
    ),
    broken(
        "no info",
        |it| it.without(OPERATOR, "info"),
        &["permission info"],
        "select `Grant read information`",
    ),
    broken(
        "no integrations",
        |it| it.without(OPERATOR, "integrations"),
        &["permission integrations"],
        "select `Grant applications`",
    ),
    broken(
        "no allow_to_set_permissions",
        |it| it.without(OPERATOR, "allow_to_set_permissions"),
        &["permission allow_to_set_permissions"],
        "select `Grant set Admin API permissions`",
    ),
    broken(
        "no read_resource",
        |it| it.without(OPERATOR, "read_resource"),
        &["permission read_resource"],
        "select `Grant resource - Read`",
    ),
    refused(
        "no permission at all",
        |it| it.place(&json!({"kind": "adminapi", "name": "Nothing", "user_access": "NO_USERS"}), OPERATOR),
        &["permission info", "permission read_log", "read applications"],
        "enable Grant resource - Read",
    ),
    broken(
        "no variable for the recovery key",
        |it| drop(it.environment.remove("DUO_RECOVERY_SKEY")),
        &["recovery secret key"],
        "set DUO_RECOVERY_SKEY, or point",
    ),
    broken(
        "swapped keys of the recovery key",
        |it| swap(it, "DUO_RECOVERY_IKEY", "DUO_RECOVERY_SKEY"),
        &["recovery keys"],
        "the two are swapped",
    ),
    broken(
        "the operator is its own recovery key",
        |it| {
            let (ikey, skey) = (it.first.clone(), secret(&it.server, &it.first));
            it.set("DUO_RECOVERY_IKEY", &ikey);
            it.set("DUO_RECOVERY_SKEY", &skey);
        },
        &["recovery integration key"],
        "a key cannot repair itself",
    ),
    refused(
        "a wrong secret key of the recovery key",
        |it| it.set("DUO_RECOVERY_SKEY", &"y".repeat(40)),
        &["recovery key"],
        "does not belong to it",
    ),
    refused(
        "a recovery key without any permission",
        |it| it.place(&json!({"kind": "adminapi", "name": "Nothing", "user_access": "NO_USERS"}), RECOVERY),
        &["recovery key"],
        "enable Grant resource - Read",
    ),
    broken(
        "a recovery key that may not repair",
        |it| it.without(RECOVERY, "allow_to_set_permissions"),
        &["recovery permission allow_to_set_permissions"],
        "apply repairs the operator",
    ),
    broken(
        "no file of authorities",
        |it| fs::remove_file(it.folder.path("trusted.pem")).unwrap(),
        &["connection settings"],
        "trusted.pem cannot be read: it does not exist",
    ),
    Break {
        name: "nobody answers",
        make: |it| it.connect_to = "127.0.0.1:9".to_owned(),
        fails: &["hostname and TLS"],
        says: "cannot be reached",
        exit: 75,
    },
    broken(
        "a wrong clock",
        |it| it.server.disturb("skew=900"),
        &["clock"],
        "synchronise this machine's clock",
    ),
    broken(
        "another plan",
        |it| it.replace("plan: advantage", "plan: essentials"),
        &["declared plan"],
        "correct `tenant.plan`",
    ),
    broken("an open folder", |it| mode(&it.folder, "kept", 0o755), &["secret store local"], "chmod 700"),
    broken(
        "a folder without a way to write",
        |it| mode(&it.folder, "kept", 0o500),
        &["secret store local"],
        "make it writable",
    ),
    broken(
        "a store whose command is not there",
        |it| fs::remove_file(it.folder.path("read.sh")).unwrap(),
        &["secret store pass"],
        "cannot be started: the program does not exist",
    ),
    broken(
        "a store that cannot be read",
        |it| it.folder.write("read.sh", "#!/bin/sh\necho locked >&2\nexit 1\n"),
        &["secret store pass"],
        "locked",
    ),
    broken(
        "a write-only store whose command cannot run",
        |it| mode(&it.folder, "drop.sh", 0o644),
        &["secret store drop"],
        "it is not executable",
    ),
    broken(
        "no variable for Identity Intelligence",
        |it| drop(it.environment.remove("II_SECRET")),
        &["Identity Intelligence API credentials"],
        "correct `identity_intelligence.emea.api`",
    ),
    broken(
        "a wrong client secret",
        |it| it.set("II_SECRET", "wrong"),
        &["Identity Intelligence API token"],
        "check the client id and secret",
    ),
    broken(
        "a wrong URL of Identity Intelligence",
        |it| it.replace("/graphql", "/elsewhere"),
        &["Identity Intelligence API read"],
        "check that token_url and api_url belong together",
    ),
];

fn checks(document: &Value, verdict: &str) -> BTreeSet<String> {
    let checks = document["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["verdict"] == verdict)
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The report is consistent for people, programs and the exit code, and each failure has a fix.
fn consistent(name: &str, outcome: &Outcome, document: &Value) {
    let failed = checks(document, "failed");
    let code = outcome.code.unwrap();
    assert_eq!(code != 0, !failed.is_empty(), "{name}: {outcome:?}");
    assert_eq!(document["healthy"], json!(code == 0), "{name}");
    let healthy = outcome.last_line().starts_with("Healthy:");
    assert_eq!((healthy, outcome.last_line().starts_with("Not healthy:")), (code == 0, code != 0), "{name}");
    for check in document["checks"].as_array().unwrap() {
        let fix = check["fix"].as_str().unwrap_or_default();
        assert!(check["verdict"] != "failed" || !fix.is_empty(), "{name}: nothing to do about {check}");
        assert!(!check["detail"].as_str().unwrap().is_empty(), "{name}: {check}");
    }
    let lines: Vec<&str> = outcome.stdout.lines().map(str::trim).filter(|line| line.len() > 60).collect();
    let distinct: BTreeSet<&&str> = lines.iter().collect();
    assert_eq!(distinct.len(), lines.len(), "{name}: a line twice in\n{}", outcome.stdout);
    assert!(!outcome.stdout.contains("perhaps"), "{name}: {}", outcome.stdout);
}

#[test]
fn a_whole_set_up_is_healthy_and_nothing_is_written() {
    let set_up = SetUp::new();
    let writes = set_up.server.writes();
    let outcome = set_up.doctor(&[]).exits(0);
    let document = set_up.doctor(&["--format", "json"]).exits(0).json();
    consistent("whole", &outcome, &document);
    outcome
        .says("verified operator key")
        .says("read_log: granted: drift --who")
        .says("rotate waits until a new key is used")
        .says("verified recovery key")
        .says("verified secret store local: file kept/siem can be read; it is still empty")
        .says("verified secret store pass")
        .says("not testable secret store drop: write-only")
        .says("verified Identity Intelligence API token")
        .says("verified Identity Intelligence API read");
    assert!(!set_up.folder.path("written").exists());
    assert_eq!(fs::read_dir(set_up.folder.path("kept")).unwrap().count(), 0);
    assert_eq!(set_up.server.writes(), writes);
}

#[test]
fn every_break_alone_is_named_and_the_rest_is_looked_at() {
    for Break { name, make, fails, says, exit } in BREAKS {
        let mut set_up = SetUp::new();
        make(&mut set_up);
        let outcome = set_up.doctor(&[]);
        let document = set_up.doctor(&["--format", "json"]).json();
        consistent(name, &outcome, &document);
        let expected: BTreeSet<String> = fails.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(checks(&document, "failed"), expected, "{name}: {}", outcome.stdout);
        assert_eq!(outcome.code, Some(*exit), "{name}: {}", outcome.stdout);
        let outcome = outcome.says(says);
        // Stores and Identity Intelligence are independent of Duo.
        if !name.contains("store") && !name.contains("folder") {
            outcome.says("verified secret store local").says("verified secret store pass");
        }
    }
}

/// The part of the setup that a break affects: two breaks of one part would undo each other.
fn part(one: &Break) -> &'static str {
    let parts = [
        "clock",
        "declared plan",
        "secret store local",
        "secret store pass",
        "secret store drop",
        "Identity",
    ];
    let way = ["connection", "hostname"];
    let fails = one.fails[0];
    match parts.iter().find(|part| fails.starts_with(**part)) {
        Some(part) => part,
        None if way.iter().any(|way| fails.starts_with(way)) => "way",
        // The break affects the operator's keys.
        None if fails.starts_with("recovery") && !fails.ends_with("integration key") => "recovery",
        None => "first",
    }
}

#[test]
fn several_breaks_at_once_are_all_told() {
    let mut parts: BTreeMap<&str, Vec<&Break>> = BTreeMap::new();
    for one in BREAKS {
        parts.entry(part(one)).or_default().push(one);
    }
    assert_eq!(parts.len(), 9);
    let rounds = parts.values().map(Vec::len).max().unwrap();
    for round in 0..rounds {
        // Every round breaks most parts, and each break has its turn.
        let kept = |(number, _): &(usize, _)| (number + round) % 4 != 0 || parts.len() < 2;
        let mut chosen: Vec<&Break> = (parts.values().enumerate().filter(kept))
            // A broken connection hides everything behind it, so most rounds have a working one.
            .filter(|(_, of_part)| part(of_part[0]) != "way" || round % 5 == 0)
            .map(|(_, of_part)| of_part[round % of_part.len()])
            .collect();
        assert!(chosen.len() > 3);
        if chosen
            .iter()
            .any(|one| ["no credentials", "the operator is its own recovery key"].contains(&one.name))
        {
            // They affect the recovery key, too.
            chosen.retain(|one| part(one) != "recovery");
        }
        let mut set_up = SetUp::new();
        chosen.iter().for_each(|one| (one.make)(&mut set_up));
        let name = chosen.iter().map(|one| one.name).collect::<Vec<_>>().join(" + ");
        let outcome = set_up.doctor(&[]);
        let document = set_up.doctor(&["--format", "json"]).json();
        consistent(&name, &outcome, &document);
        let (failed, skipped) = (checks(&document, "failed"), checks(&document, "skipped"));
        let made: BTreeSet<String> =
            chosen.iter().flat_map(|one| one.fails).map(|check| (*check).to_owned()).collect();
        assert!(failed.is_subset(&made), "{name}: {failed:?}, not only {made:?}\n{}", outcome.stdout);
        let told: BTreeSet<String> = failed.union(&skipped).cloned().collect();
        assert!(made.is_subset(&told), "{name}: {made:?}, but {told:?}\n{}", outcome.stdout);
    }
}

#[test]
fn the_test_tab_has_every_check_once() {
    let mut set_up = SetUp::new();
    set_up.environment.remove("DUO_IKEY");
    let report = set_up.folder.path("doctor.xml");
    let file = format!("junit={}", report.display());
    let outcome = set_up.doctor(&["--format", "junit", "--report", &file]).exits(1);
    assert_eq!(fs::read_to_string(report).unwrap().trim(), outcome.stdout.trim());
    let document = set_up.doctor(&["--format", "json"]).exits(1).json();
    let count = |verdict: &str| checks(&document, verdict).len();
    let (all, failed) = (document["checks"].as_array().unwrap().len(), count("failed"));
    let xml = &outcome.stdout;
    assert_eq!(xml.matches("<testcase ").count(), all);
    assert_eq!(xml.matches("<failure ").count(), failed);
    assert_eq!(all - xml.matches("<skipped").count() - failed, count("verified"));
    assert!(xml.contains("operator integration key"), "{xml}");
}
