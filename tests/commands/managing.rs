//! Bringing an existing account under management, and working with administrators who change it: `import`, `adopt`, `drift`,
//! `accept`.

use crate::support::{self, Folder, HEAD, Server, object};
use serde_json::json;

#[test]
fn an_import_adds_to_what_is_there_and_the_plan_only_adopts() {
    let server = Server::start();
    let own = "# ours\napplications:\n  branch: {type: radius, name: Branch office VPN, user_access: permitted_groups, groups_allowed: [Employees]} # kept\n";
    let folder = Folder::with(own);
    let outcome =
        folder.duoctl(["import", ".", "--type", "rdp", "--type", "radius"]).at(&server).run().exits(0);
    insta::assert_snapshot!(support::even(&outcome.stdout), @r#"
    + duo.yaml  1 application
    ? left out "Configuration pipeline" DI…  duoctl uses its key; `--include operator` imports it, too
    Imported 1 application. 1 declared already. 9 not selected. 1 left out, see above.
    Next: `duoctl plan` shows that they will only be adopted.
    "#);
    let added = "  finance-servers:\n    type: rdp\n    name: Finance servers\n    user_access: permitted_groups\n    groups_allowed: [Finance, IT Administrators]\n    policy: Require trusted endpoints\n    notes: Terminal servers of the finance department\n";
    assert_eq!(folder.read("duo.yaml"), format!("{HEAD}{own}{added}"));
    assert_eq!(server.writes(), 0);
    let plan = folder.duoctl(["plan", "--only", "applications.finance-servers"]).at(&server).run().exits(0);
    assert_eq!(plan.last_line(), "Plan: 0 to add, 0 to change, 1 to adopt, 0 to delete. 10 unmanaged.");
    folder.duoctl(["import", ".", "--type", "rdp"]).at(&server).run().exits(0).says("Nothing to import.");
    assert_eq!(folder.read("duo.yaml"), format!("{HEAD}{own}{added}"));
}

#[test]
fn an_import_can_be_spread_over_files() {
    let server = Server::start();
    let folder = Folder::empty();
    let head = format!("# $schema: duoctl.schema.json\n{HEAD}");
    folder.write("duo.yaml", &head);
    folder.duoctl(["import", ".", "--split", "application", "--only", "*VPN*"]).at(&server).run().exits(0);
    assert_eq!(folder.read("duo.yaml"), head);
    let text = folder.read("applications/branch-office-vpn.duo.yaml");
    assert!(
        text.starts_with("# $schema: ../duoctl.schema.json\napplications:\n  branch-office-vpn:\n"),
        "{text}"
    );
    let outcome =
        folder.duoctl(["import", ".", "--split", "type", "--format", "json"]).at(&server).run().exits(0);
    assert_eq!(outcome.json()["files"].as_array().unwrap().len(), 8);
    folder
        .duoctl(["plan"])
        .at(&server)
        .run()
        .exits(0)
        .says("Plan: 0 to add, 0 to change, 11 to adopt, 0 to delete. 1 unmanaged.");
    folder.duoctl(["import", "duo.yaml", "--split", "type"]).at(&server).run().exits(64);
}

#[test]
fn an_import_after_which_nothing_could_be_read_writes_nothing() {
    let server = Server::start();
    let folder = Folder::with("");
    // The largest file that is read, except for room for the entries.
    let full = format!("# {}\n{}", "x".repeat(32 * 1024 * 1024 - 1024), folder.read("duo.yaml"));
    folder.write("duo.yaml", &full);
    let outcome = folder.duoctl(["import"]).at(&server).run().exits(1).warns("`duo.yaml` is too large");
    outcome.warns("split it into several `*.duo.yaml` files");
    assert!(folder.read("duo.yaml") == full);
}

#[test]
fn a_list_that_cannot_be_read_stops_the_import() {
    let server = Server::start();
    let folder = Folder::with("");
    // The key may read applications, but neither groups nor policies.
    let key = server.key("operator");
    server
        .account()
        .modify_application(&key.integration_key, object(json!({"adminapi_read_resource": "0"})))
        .unwrap_or_else(|_| panic!("refused"));
    folder.duoctl(["import"]).at(&server).run().exits(77);
    assert_eq!(folder.read("duo.yaml"), HEAD);
}

#[test]
fn adopt_writes_the_pin() {
    let folder = Folder::with(
        "applications:\n  vpn: # the old one\n    type: radius\n    name: VPN\n    user_access: no_users\n",
    );
    folder.duoctl(["adopt", "applications.vpn", "DI3F0GQ7TESTAPP0WEB1"]).run().exits(0);
    folder.duoctl(["adopt", "wiki", "DI3F0GQ7TESTAPP0WEB2"]).run().exits(0);
    let pinned = "applications:\n  vpn: # the old one\n    type: radius\n    name: VPN\n    user_access: no_users\n    integration_key: DI3F0GQ7TESTAPP0WEB1\n  wiki:\n    integration_key: DI3F0GQ7TESTAPP0WEB2\n";
    assert_eq!(folder.read("duo.yaml"), format!("{HEAD}{pinned}"));
    folder.duoctl(["adopt", "applications.vpn", "no key"]).run().exits(64);
    assert_eq!(folder.read("duo.yaml"), format!("{HEAD}{pinned}"));
}

#[test]
fn two_of_one_name_are_told_apart_by_adopt() {
    let server = Server::start();
    for _ in 0..2 {
        let app = object(json!({"type": "radius", "name": "VPN", "user_access": "NO_USERS"}));
        server.account().create_application(app).unwrap_or_else(|_| panic!("refused"));
    }
    let folder = Folder::with("applications:\n  vpn: {type: radius, name: VPN, user_access: no_users}\n");
    folder
        .duoctl(["import", ".", "--only", "VPN"])
        .at(&server)
        .run()
        .exits(0)
        .says("duoctl adopt applications.vpn IKEY");
    let first = server.named("VPN")[0]["integration_key"].as_str().unwrap().to_owned();
    folder.duoctl(["adopt", "applications.vpn", &first]).run().exits(0);
    folder
        .duoctl(["import", ".", "--only", "VPN"])
        .at(&server)
        .run()
        .exits(0)
        .says("Imported 1 application.");
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("0 to change, 2 to adopt");
}

const MANAGED: &str = "applications:
  vpn: # do not rename
    type: radius
    name: VPN
    user_access: permitted_groups
    groups_allowed:
      - VPN Users # everybody on the road
      - Contractors
    greeting: Hello # read out
  wiki:
    type: sso-generic
    name: Wiki
    user_access: no_users
    sso:
      saml_config:
        entity_id: \"https://wiki.example.com/meta\" # fixed
        acs_urls: [{url: \"https://wiki.example.com/acs\"}]
        relaystate: start
        nameid_format: \"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\"
        nameid_attribute: mail
        sign_assertion: true
        sign_response: true
        signing_algorithm: \"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"
";

fn managed() -> (Folder, Server) {
    let (folder, server) = (Folder::with(MANAGED), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["drift"]).at(&server).run().exits(0).says("No changes.");
    (folder, server)
}

#[test]
fn drift_has_a_name_on_it() {
    let (folder, server) = managed();
    server.edit("VPN", json!({"greeting": "Bye"}));
    let outcome = folder.duoctl(["drift", "--who"]).at(&server).run().exits(2);
    assert!(outcome.stdout.contains("drift: changed in Duo"), "{}", outcome.stdout);
    let named = outcome.stdout.lines().find(|line| line.contains("Olga Owner")).unwrap();
    assert!(named.contains("from 127.0.0.1  integration_update"), "{named}");
    let document = folder.duoctl(["drift", "--who", "--format", "json"]).at(&server).run().exits(2).json();
    let who = document["who"]["by_address"]["applications.vpn"].as_array().unwrap();
    assert_eq!((who.len(), &who[0]["who"]), (1, &json!("Olga Owner")), "duoctl's own writes are no drift");
    folder.duoctl(["drift", "--only", "applications.wiki"]).at(&server).run().exits(0);
    let ikey = server.ikey("VPN");
    server.account().delete_application(&ikey).unwrap_or_else(|_| panic!("refused"));
    folder.duoctl(["drift", "--who"]).at(&server).run().exits(2).says("integration_delete");
}

#[test]
fn drift_is_shown_without_a_name_where_the_log_may_not_be_read() {
    let (folder, server) = managed();
    server.edit("VPN", json!({"greeting": "Bye"}));
    let operator = server.key("operator");
    let refused = object(json!({"adminapi_read_log": "0"}));
    assert!(server.account().modify_application(&operator.integration_key, refused).is_ok());
    let outcome = folder.duoctl(["drift", "--who"]).at(&server).run().exits(2).says("drift: changed in Duo");
    outcome.warns("could not find out who changed it: ").warns("Grant read log");
}

#[test]
fn drift_is_accepted_with_comments_kept() {
    let (folder, server) = managed();
    let (staff, vpn) = ("Employees", "VPN Users");
    let id = |name: &str| {
        let reply =
            server.account().as_administrator("GET", "/admin/v1/groups", object(json!({"limit": 100})));
        let duoctl::sandbox::call::Reply::Page(groups, _) = reply else { panic!("no groups") };
        groups.iter().find(|group| group["name"] == name).unwrap()["group_id"].as_str().unwrap().to_owned()
    };
    let groups = [id(vpn), id(staff)].join(",");
    server.edit("VPN", json!({"greeting": "Bye: bye", "name": "VPN 2", "user_access": "PERMITTED_GROUPS", "groups_allowed": groups}));
    server.edit("Wiki", json!({"sso": {"saml_config": {"relaystate": "https://wiki.example.com/home"}}}));
    folder.duoctl(["accept", "applications.vpn", "--field", "name"]).at(&server).run().exits(0);
    assert_eq!(folder.read("duo.yaml"), format!("{HEAD}{}", MANAGED.replace("name: VPN\n", "name: VPN 2\n")));
    folder.duoctl(["accept", "applications.vpn"]).at(&server).run().exits(0).says("greeting");
    folder.duoctl(["accept", "wiki"]).at(&server).run().exits(0);
    let accepted = MANAGED
        .replace("name: VPN\n", "name: VPN 2\n")
        .replace("      - Contractors\n", "      - Employees\n")
        .replace("greeting: Hello", "greeting: \"Bye: bye\"")
        .replace("relaystate: start", "relaystate: \"https://wiki.example.com/home\"");
    assert_eq!(folder.read("duo.yaml"), format!("{HEAD}{accepted}"));
    folder.duoctl(["drift"]).at(&server).run().exits(0);
    folder.duoctl(["accept", "applications.vpn"]).at(&server).run().exits(0).says("No changes to the YAML.");
    folder.duoctl(["accept", "applications.nobody"]).at(&server).run().exits(64);
}

#[test]
fn without_a_marker_every_difference_is_accepted() {
    let (folder, server) = managed();
    for notes in ["", "[duoctl acme/applications.vpn -]"] {
        folder.declare(MANAGED);
        server.edit("VPN", json!({"greeting": "Bye", "notes": notes}));
        server.seal();
        folder.duoctl(["accept", "applications.vpn"]).at(&server).run().exits(0).says("greeting");
        assert!(folder.read("duo.yaml").contains("greeting: Bye"), "{notes}");
    }
}

#[test]
fn an_access_that_was_opened_is_accepted_together_with_its_groups() {
    let (folder, server) = managed();
    server.edit("VPN", json!({"user_access": "NO_USERS"}));
    let refused = folder.duoctl(["accept", "applications.vpn"]).at(&server).run().exits(1);
    refused
        .warns("the comment # everybody on the road describes what would be removed from `groups_allowed`");
    folder.write("duo.yaml", &folder.read("duo.yaml").replace(" # everybody on the road", ""));
    folder.duoctl(["accept", "applications.vpn"]).at(&server).run().exits(0);
    let text = folder.read("duo.yaml");
    assert!(text.contains("user_access: no_users") && !text.contains("groups_allowed"), "{text}");
    folder.duoctl(["drift"]).at(&server).run().exits(0);
}

#[test]
fn an_ignore_that_is_no_longer_needed_is_said() {
    let (folder, server) = managed();
    let ignoring = MANAGED.replace(
        "greeting: Hello # read out\n",
        "greeting: Hello\n    ignore: [{field: greeting, reason: help desk}]\n",
    );
    folder.declare(&ignoring);
    server.edit("VPN", json!({"greeting": "Bye"}));
    let outcome = folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
    assert_eq!(outcome.stderr, "");
    server.edit("VPN", json!({"greeting": "Hello"}));
    folder.duoctl(["plan"]).at(&server).run().exits(0).warns("there is nothing to ignore");
    folder.duoctl(["drift"]).at(&server).run().exits(0).warns("there is nothing to ignore");
}

/// `--who` only shows actions since duoctl last wrote, one line per actor and time, and nothing about changes that were only
/// made in the YAML.
#[test]
fn only_what_explains_the_drift_has_a_name_on_it() {
    let (folder, server) = managed();
    let who = || {
        let document =
            folder.duoctl(["drift", "--who", "--format", "json"]).at(&server).run().exits(2).json();
        document["who"]["by_address"].as_object().unwrap().clone()
    };
    // What an apply reverted is over, and so is the creation.
    server.edit("VPN", json!({"greeting": "Bye"}));
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    server.edit("VPN", json!({"greeting": "Hey"}));
    let found = who();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["applications.vpn"]);
    let actions: Vec<_> = found["applications.vpn"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["integration_update"]);
    // A change made only in the YAML has no actor in Duo.
    let yaml = folder.read("duo.yaml");
    folder.write("duo.yaml", &(yaml.clone() + "  fresh: {type: unix, name: Fresh, user_access: no_users}\n"));
    assert_eq!(who().keys().collect::<Vec<_>>(), ["applications.vpn"]);
    folder.write("duo.yaml", &yaml);
    // A repeated action is shown once per time.
    for greeting in ["One", "Two"] {
        server.edit("VPN", json!({"greeting": greeting}));
    }
    let outcome = folder
        .duoctl(["drift", "--who"])
        .at(&server)
        .run()
        .exits(2)
        .says("@ who applications.vpn  greeting\n");
    let lines: Vec<&str> = outcome.stdout.lines().filter(|line| line.contains("Olga Owner")).collect();
    let times: std::collections::BTreeSet<&str> =
        lines.iter().map(|line| line.trim().split(' ').next().unwrap()).collect();
    assert_eq!(times.len(), lines.len(), "{lines:?}");
    // An application of that name that was deleted before duoctl created its own is a different one.
    let ikey = server.ikey("VPN");
    for _ in 0..2 {
        let current = server.ikey("VPN");
        server.account().delete_application(&current).unwrap_or_else(|_| panic!("refused"));
        assert_eq!(who()["applications.vpn"].as_array().unwrap().len(), 1);
        folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
        assert_ne!(server.ikey("VPN"), ikey);
    }
}

/// A person created it, duoctl adopted it: the creation does not explain later changes.
#[test]
fn a_creation_is_no_drift() {
    let (folder, server) = (Folder::with("applications: {}\n"), Server::start());
    let made = json!({"type": "radius", "name": "Branch", "user_access": "NO_USERS", "greeting": "Hi"});
    server.account().create_application(object(made)).unwrap_or_else(|_| panic!("refused"));
    folder.declare(
        "applications:\n  branch: {type: radius, name: Branch, user_access: no_users, greeting: Hi}\n",
    );
    let before = folder.duoctl(["drift", "--who"]).at(&server).run().exits(0);
    assert!(!before.stdout.contains("integration_create"), "{}", before.stdout);
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    server.edit("Branch", json!({"greeting": "Bye"}));
    let outcome = folder.duoctl(["drift", "--who"]).at(&server).run().exits(2).says("integration_update");
    assert!(!outcome.stdout.contains("integration_create"), "{}", outcome.stdout);
}
