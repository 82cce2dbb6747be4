//! One rule for addresses: every YAML key and every command that takes an address accepts those of applications and of
//! the parts of Identity Intelligence entries, and no others.

use serde_json::json;

use crate::support::{Folder, Server};

const YAML: &str = "applications:
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [read_log]}
identity_intelligence:
  emea:
    display_name: Duo EMEA
    access: read_only
    push_verification: {application_name: Acme IT}
";

/// Each application with its name in Duo, and what an administrator may change about it there.
const APPLICATIONS: [(&str, &str); 3] = [
    ("applications.siem", "SIEM"),
    ("identity_intelligence.emea.admin_api", "Identity Intelligence: Duo EMEA"),
    ("identity_intelligence.emea.auth_api", "Acme IT"),
];

const NO_ADDRESSES: [&str; 6] = [
    "identity_intelligence.emea.admin",
    "identity_intelligence.emea.admin_api.x",
    "identity_intelligence.EMEA.auth_api",
    "applications.siem.admin_api",
    "policy.strict",
    "",
];

fn applied() -> (Folder, Server) {
    let (folder, server) = (Folder::with(YAML), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    (folder, server)
}

/// The YAML with a line added to the application of an address.
fn below(address: &str, line: &str) -> String {
    match address.split('.').collect::<Vec<_>>().as_slice() {
        [_, _] => YAML.replace("permissions: [read_log]}", &format!("permissions: [read_log], {line}}}")),
        [_, _, part] => format!("{YAML}    {part}: {{{line}}}\n"),
        _ => panic!("{address}"),
    }
}

#[test]
fn every_command_and_key_takes_the_address_of_every_application() {
    let (folder, server) = applied();
    for (address, name) in APPLICATIONS {
        let ikey = server.ikey(name);
        folder.declare(YAML);
        folder.duoctl(["adopt", address, &ikey]).run().exits(0);
        folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
        folder.declare(YAML);
        server.edit(name, json!({"name": "Renamed"}));
        let plan = folder.duoctl(["plan", "--only", address]).at(&server).run().exits(0);
        plan.says("0 to add, 1 to change");
        folder.duoctl(["ignore", address, "name", "--reason", "ours"]).run().exits(0);
        folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
        folder.declare(YAML);
        folder.duoctl(["accept", address]).at(&server).run().exits(0).says(&format!("~ {address} name"));
        folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
        server.edit("Renamed", json!({"name": name}));
        for line in
            ["protect: true", "ignore: [{field: name, reason: ours}]", &format!("integration_key: {ikey}")]
        {
            folder.declare(&below(address, line));
            folder.duoctl(["validate", "."]).run().exits(0);
        }
        folder.declare(&below(address, "protect: true"));
        folder.duoctl(["plan"]).at(&server).run().exits(0).says("protect").says("1 to change");
    }
}

#[test]
fn what_leaves_is_kept_by_any_address_and_a_consent_names_any_address() {
    for (address, name) in APPLICATIONS {
        let (folder, server) = applied();
        folder.declare(&format!("removed: {{{address}: retain}}\n"));
        let plan = folder.duoctl(["plan", "--only", address]).at(&server).run().exits(0);
        plan.says("1 to retain");
        // Consents have the same names on the command line and in the YAML.
        let consent =
            format!("guards: {{allow: [{{risk: replaces, address: {address}, reason: planned}}]}}\n");
        folder.declare(&format!("{YAML}{consent}"));
        folder.duoctl(["validate", "."]).run().exits(0);
        folder.duoctl(["plan"]).at(&server).run().exits(0);
        assert_eq!(server.named(name).len(), 1);
    }
}

#[test]
fn what_is_no_address_is_none_anywhere() {
    let (folder, server) = applied();
    let before = folder.read("duo.yaml");
    for address in NO_ADDRESSES {
        for command in
            [&["adopt", address, "DIXXXXXXXXXXXXXXXXXX"][..], &["ignore", address, "name", "--reason=x"]]
        {
            folder.duoctl(command).run().exits(64).warns("is not the address of an application");
        }
        let accepted = folder.duoctl(["accept", address]).at(&server).run().exits(64);
        accepted.warns("is not the address of an application");
        assert_eq!(folder.read("duo.yaml"), before);
        for yaml in [
            format!("removed: {{\"{address}\": retain}}\n"),
            format!("guards: {{allow: [{{risk: replaces, address: \"{address}\", reason: x}}]}}\n"),
        ] {
            folder.declare(&format!("{YAML}{yaml}"));
            folder.duoctl(["validate", "."]).run().exits(1);
        }
        folder.declare(YAML);
    }
}
