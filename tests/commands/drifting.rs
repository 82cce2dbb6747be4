//! `drift` exits with 2 only for changes made in Duo; pending YAML edits are counted separately.

use serde_json::{Value, json};

use crate::support::{Folder, Server, object};

const TWO: &str = "applications:
  vpn: {type: radius, name: VPN, user_access: no_users, greeting: Hello}
  wiki: {type: radius, name: Wiki, user_access: no_users}
";
const WIKI: &str = "  wiki: {type: radius, name: Wiki, user_access: no_users}\n";
const NEW: &str = "  new: {type: radius, name: New, user_access: no_users}\n";

type Edit = fn(&Folder, &Server);

fn greet(server: &Server, greeting: &str) {
    server.edit("VPN", json!({"greeting": greeting}));
}

fn delete(server: &Server, name: &str) {
    let ikey = server.ikey(name);
    server.account().delete_application(&ikey).unwrap_or_else(|_| panic!("refused"));
}

#[test]
fn only_what_was_changed_in_duo_is_drift() {
    let (vpn, wiki) = (|| json!(["applications.vpn"]), || json!(["applications.wiki"]));
    let cases: [(&str, Edit, Value, Value); 9] = [
        ("nothing", |_, _| {}, json!([]), json!([])),
        ("Duo", |_, server| greet(server, "Bye"), vpn(), json!([])),
        ("the YAML", |folder, _| folder.declare(&TWO.replace("Hello", "Bye")), json!([]), vpn()),
        (
            "one each",
            |folder, server| {
                folder.declare(&TWO.replace("name: Wiki", "name: Wiki pages"));
                greet(server, "Bye");
            },
            vpn(),
            wiki(),
        ),
        (
            "the same field on both sides",
            |folder, server| {
                folder.declare(&TWO.replace("Hello", "Welcome"));
                greet(server, "Bye");
            },
            vpn(),
            json!([]),
        ),
        (
            "a new entry",
            |folder, _| folder.declare(&format!("{TWO}{NEW}")),
            json!([]),
            json!(["applications.new"]),
        ),
        ("a deletion in Duo", |_, server| delete(server, "Wiki"), wiki(), json!([])),
        ("an entry that is gone", |folder, _| folder.declare(&TWO.replace(WIKI, "")), json!([]), json!([])),
        // An object without a marker has no origin, so every difference counts.
        (
            "a marker that is gone",
            |_, server| server.edit("VPN", json!({"notes": "", "greeting": "Bye"})),
            vpn(),
            json!([]),
        ),
    ];
    for (what, edit, in_duo, pending) in cases {
        let (folder, server) = (Folder::with(TWO), Server::start());
        folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
        edit(&folder, &server);
        let count = |addresses: &Value| addresses.as_array().unwrap().len();
        let (changed, left) = (count(&in_duo), count(&pending));
        let code = if changed > 0 { 2 } else { 0 };
        let document = folder.duoctl(["drift", "--format", "json"]).at(&server).run();
        assert_eq!(document.code, Some(code), "{what}: {}", document.stderr);
        let drifted = document.json()["drifted"].clone();
        assert_eq!(drifted, json!({"in_duo": in_duo, "pending": pending}), "{what}");
        let people = folder.duoctl(["drift"]).at(&server).run().exits(code);
        match changed + left {
            0 => people.says("No changes."),
            _ => people.says(&format!("{changed} changed in Duo, {left} pending.")),
        };
    }
}

/// Without the log, a deletion cannot be distinguished from a new entry, and the output says so.
#[test]
fn without_the_log_a_missing_application_is_pending() {
    let (folder, server) = (Folder::with(TWO), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    delete(&server, "Wiki");
    let refused = object(json!({"adminapi_read_log": "0"}));
    let ikey = server.key("operator").integration_key;
    server.account().modify_application(&ikey, refused).unwrap_or_else(|_| panic!("refused"));
    let drift = folder.duoctl(["drift"]).at(&server).run().exits(0);
    drift.warns("were deleted in Duo").says("0 changed in Duo, 1 pending.");
}
