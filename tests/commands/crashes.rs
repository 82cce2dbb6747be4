//! Killed at every request of an apply that does everything: the next run finishes it, and nothing is lost, duplicated, left
//! without a marker or open to unintended users.

use std::collections::{BTreeMap, BTreeSet};

use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use serde_json::{Map, Value, json};

use crate::support::seals::{create_as_operator, seal_all};
use crate::support::{Folder, HEAD, Server, object};

/// Creates (one in two calls), updates, adopts, replaces, delivers; `left` and `gone` are no longer declared.
const WANTED: &str = "applications:
  erp: {type: rdp, name: ERP, user_access: permitted_groups, groups_allowed: [Finance], greeting: Hello}
  help: {type: authapi, name: Help desk, user_access: permitted_groups, groups_allowed: [Employees], secret: {store: local, path: help}}
  mail: {type: radius, name: Mail, user_access: permitted_groups, groups_allowed: [Employees]}
  siem: {type: adminapi, name: SIEM export, user_access: no_users, permissions: [info], secret: {store: local, path: siem}}
  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [Contractors], policy: Contractors}
  wiki: {type: ldapproxy, name: Wiki, user_access: no_users, secret: {store: local, path: wiki}}
secret_stores: {local: {type: file, path: kept}}
";

const APPLY: [&str; 10] = [
    "apply",
    "--auto-approve",
    "--no-verify",
    "--parallelism=1",
    "--prune",
    "--allow=widens_access",
    "--allow=replaces:applications.wiki",
    "--max-deletes=9",
    "--max-changes=100%",
    "--quiet",
];

/// The applications of the YAML that have a secret, by their names in Duo.
const SECRETS: [(&str, &str); 3] = [("Help desk", "help"), ("SIEM export", "siem"), ("Wiki", "wiki")];

/// The account before the apply.
fn before() -> Account {
    let mut account = Account::in_memory().unwrap();
    let finance = group(&mut account, "Finance");
    let marker = |address: &str, words: &str| format!("[duoctl acme/applications.{address} -{words}]");
    for (kind, name, access, notes) in [
        ("rdp", "ERP", "NO_USERS", "Owned by finance".to_owned()),
        ("radius", "Gone", "NO_USERS", marker("gone", " quarantined:2020-01-01T00:00:00Z")),
        ("radius", "Left", "ALL_USERS", marker("left", "")),
        ("radius", "Mail", "PERMITTED_GROUPS", format!("Ask Ada\n{}", marker("mail", ""))),
        ("radius", "Wiki", "NO_USERS", marker("wiki", "")),
    ] {
        let mut body = json!({"type": kind, "name": name, "user_access": access, "notes": notes});
        if access == "PERMITTED_GROUPS" {
            body["groups_allowed"] = json!(finance);
        }
        create_as_operator(&mut account, object(body));
    }
    seal_all(&mut account);
    account
}

fn group(account: &mut Account, name: &str) -> String {
    let query = Map::from_iter([("limit".to_owned(), json!(100))]);
    let Reply::Page(groups, _) = account.as_administrator("GET", "/admin/v1/groups", query) else { panic!() };
    let found = groups.iter().find(|group| group["name"] == name).unwrap();
    found["group_id"].as_str().unwrap().to_owned()
}

/// What distinguishes two accounts, independent of when their applications were created.
fn content(account: &mut Account) -> Vec<Value> {
    let mut found = account.applications();
    for live in &mut found {
        let fields = live.as_object_mut().unwrap();
        fields.remove("integration_key");
        fields.remove("secret_key");
        // The time of a quarantine.
        let notes = fields["notes"].as_str().unwrap().to_owned();
        let untimed: Vec<&str> = notes
            .split(' ')
            .filter(|word| !word.starts_with('~') && !word.starts_with("quarantined:"))
            .collect();
        fields.insert("notes".to_owned(), json!(untimed.join(" ")));
        // The seed's application has different secrets each time.
        fields.remove("sso");
        let mut groups: Vec<String> =
            fields["groups_allowed"].as_array().unwrap().iter().map(ToString::to_string).collect();
        groups.sort();
        fields.insert("groups_allowed".to_owned(), json!(groups));
    }
    found.sort_by_key(|live| live["name"].to_string());
    found
}

fn folder() -> Folder {
    let folder = Folder::empty();
    folder.write("duo.yaml", &format!("{HEAD}{WANTED}"));
    folder
}

/// Every stored key is the current one in Duo, and there are no other files.
fn stored(folder: &Folder, server: &Server) {
    let files = std::fs::read_dir(folder.path("kept")).unwrap();
    let files: BTreeSet<String> =
        files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, SECRETS.iter().map(|(_, path)| (*path).to_owned()).collect());
    for (name, path) in SECRETS {
        let ikey = server.ikey(name);
        let path = folder.read(&format!("kept/{path}"));
        let kept: Value = serde_json::from_str(&path).unwrap();
        let call = format!("/admin/v1/integrations/{ikey}/skey");
        let Reply::Ok(key) = server.account().as_administrator("GET", &call, Map::new()) else { panic!() };
        assert_eq!((&kept["integration_key"], &kept["secret_key"]), (&json!(ikey), &key["secret_key"]));
    }
}

/// What must hold at any time, even where a run was killed: access is what it was before, or what is wanted, and every new
/// application has its marker.
fn harmless(server: &Server, at: &str, known: &BTreeMap<String, Value>, wanted: &[Value]) {
    for live in server.account().applications() {
        let access = |live: &Value| {
            (live["user_access"].clone(), live["groups_allowed"].clone(), live["policy_key"].clone())
        };
        let (ikey, name) = (live["integration_key"].as_str().unwrap(), &live["name"]);
        let meant = known.get(ikey).into_iter().chain(wanted.iter().filter(|wanted| wanted["name"] == *name));
        let closed = live["user_access"] == "NO_USERS";
        let mut groups: Vec<String> =
            live["groups_allowed"].as_array().unwrap().iter().map(ToString::to_string).collect();
        groups.sort();
        let fits = meant.map(access).any(|(user_access, groups_allowed, policy)| {
            let mut allowed: Vec<String> = groups_allowed
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group.as_str().unwrap().to_owned())
                .collect();
            allowed.sort();
            let plain = |text: &String| text.trim_matches('"').to_owned();
            user_access == live["user_access"]
                && allowed.iter().map(plain).eq(groups.iter().map(plain))
                && policy == live["policy_key"]
        });
        assert!(closed || fits, "{at}: {live:#}");
        let marked = live["notes"].as_str().unwrap().contains("[duoctl acme/applications.");
        assert!(marked || known.contains_key(ikey), "{at}: nobody's {live:#}");
    }
}

/// Kills an apply at every request in turn, before or after the simulator has carried it out.
fn killed_at_every_request(fault: &str) {
    let (server, folder) = (Server::start(), folder());
    let prepare = || {
        *server.account() = before();
        let _ = std::fs::remove_dir_all(folder.path("kept"));
        let live = server.account().applications();
        live.into_iter()
            .map(|live| (live["integration_key"].as_str().unwrap().to_owned(), live))
            .collect::<BTreeMap<_, _>>()
    };
    prepare();
    folder.duoctl(APPLY).at(&server).run().exits(0);
    let wanted = content(&mut server.account());
    assert_eq!(wanted.iter().filter(|live| live["name"] == "Gone").count(), 0);
    stored(&folder, &server);

    let mut killed = 0;
    loop {
        let known = prepare();
        server.disturb(&format!("{fault}=1@{killed}"));
        let mut process = folder.duoctl(APPLY).at(&server).start();
        let mut ended = false;
        server.wait_until("it is stopped", |account| {
            ended = process.has_ended();
            ended || account.faults.halted() > 0
        });
        if server.account().faults.halted() == 0 {
            break;
        }
        process.kill();
        server.calm();
        let at = format!("{fault} at request {killed}");
        harmless(&server, &at, &known, &wanted);
        let again = folder.duoctl(APPLY).at(&server).run();
        assert_eq!(again.code, Some(0), "{at}: {again:?}");
        for (is, should) in content(&mut server.account()).iter().zip(&wanted) {
            assert_eq!(is, should, "{at}");
        }
        assert_eq!(server.account().applications().len(), wanted.len(), "{at}");
        stored(&folder, &server);
        killed += 1;
    }
    // Otherwise a fault that no request of the apply met would hit the plan, which then waits for half a minute.
    server.calm();
    let nothing = folder.duoctl(["plan", "--detailed-exitcode", "--prune"]).at(&server).run();
    nothing.exits(0);
    assert!(killed > 25, "{killed} requests are fewer than an apply of everything needs");
}

#[test]
fn killed_before_any_request_is_carried_out() {
    killed_at_every_request("halt");
}

#[test]
fn killed_after_any_request_was_carried_out() {
    killed_at_every_request("halt-after-commit");
}
