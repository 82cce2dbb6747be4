//! The table of `docs/how-to/recovery-key.md`: which permissions a command needs, found by removing one after another until the simulator
//! refuses.

use duoctl::duo::catalogue::PERMISSIONS;
use duoctl::sandbox::account::Key;
use duoctl::sandbox::call::Reply;
use duoctl::secret::Secret;
use serde_json::{Map, json};

use super::row;
use crate::support::{Folder, HEAD, Server, even, object};

const ORDINARY: &str = "applications:
  vpn: {type: radius, name: Branch VPN, user_access: permitted_groups, groups_allowed: [VPN Users], policy: Require trusted endpoints}
";

const ADMIN_API: &str = "applications:
  siem: {type: adminapi, name: Branch SIEM, user_access: no_users, permissions: [read_log]}
";

const INTELLIGENCE: &str = "identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only, push_verification: {application_name: Acme IT Support}}
";

/// The task, the YAML before, the YAML of the task, and the command.
const TASKS: [(&str, &str, &str, &[&str]); 10] = [
    ("`plan`, `drift`", ORDINARY, ORDINARY, &["drift"]),
    ("`drift --who`", ORDINARY, ORDINARY, &["drift", "--who"]),
    ("`doctor` with `tenant.plan` in the YAML", PLANNED, PLANNED, &["doctor"]),
    ("`import`", "", "", &["import"]),
    ("`verify`", ADMIN_API, ADMIN_API, &["verify"]),
    ("`apply` of applications that users log in to", ORDINARY, "", &["apply", "--auto-approve"]),
    ("`apply` of Admin API applications", ADMIN_API, "", &["apply", "--auto-approve"]),
    ("`apply` of Identity Intelligence entries", INTELLIGENCE, "", &["apply", "--auto-approve"]),
    (
        "`apply --prune`",
        "applications: {}\n",
        ORDINARY,
        &["apply", "--auto-approve", "--prune", "--allow=empty"],
    ),
    ("`keys rotate`", DELIVERED, DELIVERED, &["keys", "rotate", "applications.siem", "--auto-approve"]),
];

const DELIVERED: &str = "applications:
  siem: {type: adminapi, name: Branch SIEM, user_access: no_users, permissions: [read_log], secret: {store: local, path: siem}}
secret_stores: {local: {type: file, path: kept}}
";

const PLANNED: &str =
    "  plan: advantage\napplications:\n  vpn: {type: radius, name: Branch VPN, user_access: no_users}\n";

/// From the most to the least powerful, so that as little as possible remains.
const ORDER: [&str; 11] = [
    "admins",
    "settings",
    "integrations",
    "allow_to_set_permissions",
    "write_resource",
    "admins_read",
    "settings_read",
    "integrations_read",
    "read_log",
    "info",
    "read_resource",
];

pub(crate) fn permissions() -> String {
    assert!(ORDER.iter().all(|name| PERMISSIONS.iter().any(|known| known.name == *name)));
    assert_eq!(ORDER.len(), PERMISSIONS.len());
    let text =
        row(["Command", "Permissions of the operator, in the Admin Panel", "Without"]) + "|---|---|---|\n";
    let rows = std::thread::scope(|scope| {
        let tasks = TASKS.map(|task| scope.spawn(move || one(task)));
        tasks.map(|task| task.join().unwrap())
    });
    text + &rows.concat()
}

fn one((what, yaml, before, command): (&str, &str, &str, &[&str])) -> String {
    let mut kept: Vec<&str> = ORDER.to_vec();
    let full = outcome(yaml, before, command, &kept);
    assert!(matches!(full.0, Some(0 | 2)), "{what}: {full:?}");
    let mut refused = Vec::new();
    for name in ORDER {
        let fewer: Vec<&str> = kept.iter().copied().filter(|kept| *kept != name).collect();
        let without = outcome(yaml, before, command, &fewer);
        if without == full {
            kept = fewer;
        } else {
            refused.push((name, without.0));
        }
    }
    let needs: Vec<String> = PERMISSIONS
        .iter()
        .filter(|known| kept.contains(&known.name))
        .map(|known| format!("{} (`{}`)", known.label(), known.name))
        .collect();
    let ends: Vec<String> = PERMISSIONS
        .iter()
        .filter_map(|known| refused.iter().find(|(name, _)| *name == known.name))
        .map(|(name, code)| match code {
            Some(0 | 2) => format!("`{name}`: reports what it could not read"),
            Some(code) => format!("`{name}`: exit {code}"),
            None => panic!("{what}: it was killed"),
        })
        .collect();
    row([what, &needs.join(", "), &ends.join(", ")])
}

/// The exit code and output of a command for an operator with these permissions.
fn outcome(
    yaml: &str,
    before: &str,
    command: &[&str],
    permissions: &[&str],
) -> (Option<i32>, String, String) {
    let server = Server::start();
    let folder = Folder::empty();
    let declare = |rest: &str| folder.write("duo.yaml", &format!("{HEAD}{rest}"));
    // This operator wrote everything that exists, while it had all permissions.
    let key = operator(&server, &ORDER);
    if !before.is_empty() {
        declare(before);
        folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at_with(&server, &key).run().exits(0);
    }
    declare(yaml);
    if command.contains(&"--who") {
        server.edit("Branch VPN", json!({"policy_key": ""}));
    }
    let left = ORDER
        .map(|name| (format!("adminapi_{name}"), json!(if permissions.contains(&name) { "1" } else { "0" })));
    let mut account = server.account();
    account.switches.set_permissions_on_modify = true;
    account.modify_application(&key.integration_key, Map::from_iter(left)).ok().unwrap();
    drop(account);
    let outcome = folder.duoctl(command).at_with(&server, &key).run();
    // These commands report what they could not read, and continue; the output of the others differs between runs.
    match command {
        ["verify" | "doctor", ..] => (outcome.code, even(&outcome.stdout), even(&outcome.stderr)),
        ["drift", "--who"] => (outcome.code, String::new(), even(&outcome.stderr)),
        _ => (outcome.code, String::new(), String::new()),
    }
}

fn operator(server: &Server, permissions: &[&str]) -> Key {
    let mut body = json!({"name": "The operator", "type": "adminapi", "user_access": "NO_USERS"});
    for name in permissions {
        body[format!("adminapi_{name}")] = json!("1");
    }
    let mut account = server.account();
    let app = account.create_application(object(body)).unwrap_or_else(|_| panic!("refused"));
    let ikey = app["integration_key"].as_str().unwrap().to_owned();
    let path = format!("/admin/v1/integrations/{ikey}/skey");
    let Reply::Ok(secret) = account.as_administrator("GET", &path, Map::new()) else { panic!("refused") };
    let template = account.key("operator").unwrap();
    Key { integration_key: ikey, secret_key: Secret::new(secret["secret_key"].as_str().unwrap()), ..template }
}
