//! What `import` and `drift` request from a large account: pages of what they need, and nothing per application.

use serde_json::json;

use crate::support::{Folder, Server, object};

const APPLICATIONS: usize = 1_200;
const GROUPS: usize = 240;
const POLICIES: usize = 120;

/// The seeded account with many more applications, each with groups and a policy.
fn large() -> Server {
    let server = Server::start();
    let mut account = server.account();
    let groups: Vec<String> =
        (0..GROUPS).map(|number| account.add_group(&format!("Group {number}")).unwrap()).collect();
    let policies: Vec<String> =
        (0..POLICIES).map(|number| account.add_policy(&format!("Policy {number}")).unwrap()).collect();
    for number in 0..APPLICATIONS {
        let kind = ["radius", "websdk", "rdp"][number % 3];
        let stored = json!({
            "kind": kind, "name": format!("App {number}"),
            "user_access": "PERMITTED_GROUPS", "groups_allowed": [groups[number % GROUPS]],
            "policy_key": policies[number % POLICIES],
        });
        account.place_application(&stored).unwrap();
    }
    drop(account);
    server
}

/// The requests of one run, by call.
fn asked(server: &Server, folder: &Folder, arguments: &[&str], code: i32) -> Vec<(String, usize)> {
    server.account().forget_requests();
    folder.duoctl(arguments).at(server).run().exits(code);
    server.account().requests().clone().into_iter().collect()
}

fn named(requests: &[(&str, usize)]) -> Vec<(String, usize)> {
    requests.iter().map(|(call, count)| ((*call).to_owned(), *count)).collect()
}

#[test]
fn import_and_drift_cost_pages_of_applications_groups_and_policies() {
    let (folder, server) = (Folder::with(""), large());
    // 1,212 applications, 250 groups and 124 policies.
    let pages = named(&[
        ("GET /admin/v1/groups", 3),
        ("GET /admin/v2/policies", 2),
        ("GET /admin/v3/integrations", 3),
    ]);
    assert_eq!(asked(&server, &folder, &["import", "."], 0), pages);
    // An adoption is pending, not drift.
    assert_eq!(asked(&server, &folder, &["drift"], 0), pages);
    // A second import has nothing to add, and costs the same.
    assert_eq!(asked(&server, &folder, &["import", "."], 0), pages);
}

const VPN: &str = "applications:\n  vpn: {type: radius, name: VPN, user_access: no_users, greeting: Hello}\n";

/// This many edits of another application, for the log.
fn edits(server: &Server, count: usize) {
    let ikey = server.ikey("Intranet");
    let mut account = server.account();
    for number in 0..count {
        let edit = object(json!({"greeting": format!("{number}")}));
        account.modify_application(&ikey, edit).unwrap_or_else(|_| panic!("refused"));
    }
}

#[test]
fn who_made_a_difference_costs_the_pages_of_the_log_that_are_needed() {
    let (folder, server) = (Folder::with(VPN), large());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let with_log = |pages: usize| {
        let mut requests = vec![("GET /admin/v3/integrations", 3)];
        if pages > 0 {
            requests.insert(0, ("GET /admin/v2/logs/activity", pages));
        }
        named(&requests)
    };
    edits(&server, 2_500);
    assert_eq!(
        asked(&server, &folder, &["drift", "--who"], 0),
        with_log(0),
        "nothing differs: nobody is looked for"
    );
    // Only the newest three actions are shown, and they are on the first page.
    for greeting in ["a", "b", "c"] {
        server.edit("VPN", json!({"greeting": greeting}));
    }
    assert_eq!(asked(&server, &folder, &["drift"], 2), with_log(0));
    assert_eq!(asked(&server, &folder, &["drift", "--who"], 2), with_log(1));
    // Older ones also cost the pages before them.
    edits(&server, 1_500);
    assert_eq!(asked(&server, &folder, &["drift", "--who"], 2), with_log(2));
    let who = folder.duoctl(["drift", "--who", "--format", "json"]).at(&server).run().exits(2).json()["who"]
        .clone();
    assert_eq!(
        (who["complete"].clone(), who["by_address"]["applications.vpn"].as_array().unwrap().len()),
        (json!(true), 3)
    );
}
