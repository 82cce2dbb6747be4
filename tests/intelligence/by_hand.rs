//! An integration that was set up by hand is brought under management: both of its applications are adopted, changes to them
//! are accepted or ignored, and nothing is created twice.

use duoctl::sandbox::serve::ServeOptions;
use serde_json::{Value, json};

use crate::support::{Folder, HEAD, Outcome, Server, object};

const ENTRY: &str = "identity_intelligence:
  emea: # by hand in 2024
    display_name: Duo EMEA
    access: read_only
";

const ADMIN: &str = "identity_intelligence.emea.admin_api";
const AUTH: &str = "identity_intelligence.emea.auth_api";

/// An application that a person created in the Admin Panel. Returns its key.
pub(super) fn made(server: &Server, properties: Value) -> String {
    let created = server.account().create_application(object(properties));
    let created = created.unwrap_or_else(|_| panic!("refused"));
    created["integration_key"].as_str().unwrap().to_owned()
}

pub(super) fn admin_api(server: &Server, name: &str, permissions: &[&str]) -> String {
    let mut properties = json!({"type": "adminapi", "name": name, "user_access": "NO_USERS"});
    for permission in permissions {
        properties[format!("adminapi_{permission}")] = json!("1");
    }
    made(server, properties)
}

pub(super) fn auth_api(server: &Server, name: &str) -> String {
    made(server, json!({"type": "authapi", "name": name, "user_access": "ALL_USERS"}))
}

/// Both applications of a connection that was created by hand.
fn by_hand(server: &Server) -> (String, String) {
    (admin_api(server, "CII", &["read_log", "read_resource"]), auth_api(server, "Acme help desk"))
}

#[test]
fn both_applications_are_adopted_in_one_command_and_keep_their_keys() {
    let (folder, server) = (Folder::with(ENTRY), Server::start());
    let (admin, auth) = by_hand(&server);
    let before = server.account().applications().len();
    folder
        .duoctl(["adopt", "emea.admin_api", &admin, AUTH, &auth])
        .run()
        .exits(0)
        .says(&format!("+ {ADMIN} integration_key  \"{admin}\""))
        .says(&format!("+ {AUTH} integration_key  \"{auth}\""));
    insta::assert_snapshot!(
        folder.read("duo.yaml").strip_prefix(HEAD).unwrap().replace(&admin, "DIADMIN").replace(&auth, "DIAUTH"),
        @"
    identity_intelligence:
      emea: # by hand in 2024
        display_name: Duo EMEA
        access: read_only
        admin_api:
          integration_key: DIADMIN
        push_verification: true
        auth_api:
          integration_key: DIAUTH
    "
    );
    folder.duoctl(["fmt", "--check"]).run().exits(2);
    folder.duoctl(["fmt"]).run().exits(0);
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    let plan =
        plan.says("0 to add, 1 to change, 2 to adopt").says("\"CII\" -> \"Identity Intelligence: Duo EMEA\"");
    plan.says(&admin).says(&auth).says("1 handoff");
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
    assert_eq!(server.account().applications().len(), before);
    // The name that users see stays unchanged.
    assert_eq!(server.ikey("Acme help desk"), auth);
    assert_eq!(server.ikey("Identity Intelligence: Duo EMEA"), admin);
    let sheet = folder.duoctl(["handoff", "emea"]).at(&server).run().exits(0);
    sheet.says(&admin).says(&auth);
    folder.duoctl(["attest", "emea", "--by", "alice"]).at(&server).run().exits(0);
    folder
        .duoctl(["verify", "--only", "identity_intelligence.*"])
        .at(&server)
        .run()
        .exits(0)
        .says("Auth API key");
}

#[test]
fn an_adoption_is_whole_or_refused() {
    let folder = Folder::with(&format!("{ENTRY}    push_verification: {{application_name: Acme IT}}\n"));
    let before = folder.read("duo.yaml");
    let (one, two) = ("DIXXXXXXXXXXXXXXXXX1", "DIXXXXXXXXXXXXXXXXX2");
    for (arguments, says) in [
        (
            &[ADMIN, one, "identity_intelligence.apac.auth_api", two][..],
            "the YAML has no `identity_intelligence.apac`",
        ),
        (&["identity_intelligence.apac.admin_api", one], "display_name"),
        (&["identity_intelligence.emea", one], "name one of them: `identity_intelligence.emea.admin_api`"),
        (&["identity_intelligence.emea.admin", one], "is not the address of an application"),
        (&[ADMIN, one, AUTH], "`identity_intelligence.emea.auth_api` needs an ID after it"),
        (&[ADMIN, AUTH, one, two], "is not an integration key"),
        (&[ADMIN, one, AUTH, "no key"], "is not an integration key"),
        (&[ADMIN, one, ADMIN, two], "is named twice"),
        (&[ADMIN, one, AUTH, one], "gets the same object as another address"),
        (&[ADMIN], "needs an ID after it"),
    ] {
        let outcome = folder.duoctl(["adopt"]).args(arguments).run().exits(64);
        outcome.warns(says);
        assert_eq!(folder.read("duo.yaml"), before, "{arguments:?}");
    }
    // An address that is already pinned is reported, and both are written.
    folder.duoctl(["adopt", ADMIN, one]).run().exits(0);
    folder
        .duoctl(["adopt", ADMIN, two, "applications.vpn", one])
        .run()
        .exits(0)
        .says(&format!("~ {ADMIN} integration_key  \"{one}\" -> \"{two}\""));
    let text = folder.read("duo.yaml");
    assert!(
        text.contains(&format!("vpn:\n    integration_key: {one}"))
            && !text.contains("push_verification: true")
    );
}

#[test]
fn a_pin_that_is_wrong_stops_the_part_and_says_why() {
    let (folder, server) = (Folder::with(ENTRY), Server::start());
    let (admin, auth) = by_hand(&server);
    for (key, says) in [
        (auth.as_str(), "has the type `authapi`"),
        ("DIXXXXXXXXXXXXXXXXXX", "the account has no application DIXXXXXXXXXXXXXXXXXX"),
    ] {
        folder.duoctl(["adopt", ADMIN, key]).run().exits(0);
        folder.duoctl(["plan"]).at(&server).run().exits(1).warns("pin-mismatch").warns(says);
    }
    // One application has one address, in whichever part of the language it is.
    let twice = format!(
        "{ENTRY}    admin_api: {{integration_key: {admin}}}\napplications: {{siem: {{integration_key: {admin}}}}}\n"
    );
    folder.declare(&twice);
    folder.duoctl(["validate", "."]).run().exits(1).warns("pins the same live object");
}

#[test]
fn accept_writes_what_the_entry_can_say_and_names_what_it_cannot() {
    let (folder, server) = (Folder::with(ENTRY), Server::start());
    let push = format!("{ENTRY}    push_verification: {{application_name: Acme IT}} # shown\n");
    folder.declare(&push);
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let name = "Identity Intelligence: Duo EMEA";
    let change = json!({"name": "CII", "adminapi_write_resource": "1", "adminapi_info": "1"});
    server.edit(name, change);
    server.edit("Acme IT", json!({"name": "Acme service desk", "user_access": "NO_USERS"}));
    folder
        .duoctl(["accept", ADMIN])
        .at(&server)
        .run()
        .exits(0)
        .says(" permissions  ")
        .says("Wrote 2 values to ");
    let accepted = folder.duoctl(["accept", "emea.auth_api"]).at(&server).run().exits(1);
    accepted
        .says(" name  ")
        .warns("not accepted: `user_access`: an entry of `identity_intelligence` has no key");
    let text = folder.read("duo.yaml");
    for line in [
        "access: read_write",
        "extra_permissions: [info]",
        "name: CII",
        "# by hand in 2024",
        "push_verification: {application_name: Acme service desk} # shown",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("0 to add, 1 to change").says("user_access");
    folder
        .duoctl(["accept", AUTH, "--field", "user_access"])
        .at(&server)
        .run()
        .exits(5)
        .warns("cannot be accepted");
    assert_eq!(folder.read("duo.yaml"), text);
    folder.duoctl(["apply", "--auto-approve", "--allow", "widens_access"]).at(&server).run().exits(0);
    // A permission that the entry always includes cannot be removed from it.
    server.edit("CII", json!({"adminapi_read_log": "0"}));
    let refused = folder.duoctl(["accept", ADMIN]).at(&server).run().exits(5);
    refused.warns("`access` always includes `read_log`");
    assert_eq!(folder.read("duo.yaml"), text);
    // A permission that Identity Intelligence must never have is not written either.
    server.edit("CII", json!({"adminapi_read_log": "1", "adminapi_settings": "1"}));
    folder
        .duoctl(["accept", ADMIN])
        .at(&server)
        .run()
        .exits(1)
        .warns("must never have the permission `settings`");
    assert_eq!(folder.read("duo.yaml"), text);
}

#[test]
fn what_is_ignored_or_protected_of_a_part_is_left_alone() {
    let (folder, server) = (Folder::with(ENTRY), Server::start());
    folder.declare(&format!(
        "{ENTRY}    push_verification: {{application_name: Acme IT}}\n    auth_api: {{protect: true}}\n"
    ));
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    for (address, field) in [(ADMIN, "name"), ("emea.auth_api", "user_access")] {
        folder.duoctl(["ignore", address, field, "--reason", "theirs"]).run().exits(0).says(field);
    }
    folder
        .duoctl(["ignore", AUTH, "permissions", "--reason", "x"])
        .run()
        .exits(64)
        .warns("has no `permissions`");
    folder
        .duoctl(["ignore", AUTH, "greeting", "--reason", "x"])
        .run()
        .exits(0)
        .warns("`greeting` is not managed here");
    folder.duoctl(["ignore", "identity_intelligence.emea", "name", "--reason", "x"]).run().exits(64);
    folder.duoctl(["drift"]).at(&server).run().warns("unused-ignore").warns("`name` matches the YAML");
    server.edit("Identity Intelligence: Duo EMEA", json!({"name": "CII"}));
    server.edit("Acme IT", json!({"user_access": "NO_USERS"}));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
    // The marker protects the application after the entry has left.
    folder.declare("applications: {vpn: {type: radius, name: VPN, user_access: no_users}}\n");
    let prune =
        ["apply", "--auto-approve", "--prune=now", "--allow", "breaks_handoff", "--allow", "destroys"];
    folder.duoctl(prune).at(&server).run().exits(4).warns("error[unverified-state]");
    let seen = ["CII", "Acme IT"].map(|name| format!("--allow=unverified_state:{}", server.ikey(name)));
    folder.duoctl(prune).args(seen).at(&server).run().exits(5).says("is protected");
    assert_eq!((server.named("Acme IT").len(), server.named("CII").len()), (1, 1));
}

/// Runs the command in the help of a refused plan in the folder. Returns the next plan.
fn does_as_it_says(folder: &Folder, server: &Server) -> Outcome {
    let refused = folder.duoctl(["plan"]).at(server).run().exits(1).warns("owned-elsewhere");
    assert!(!refused.stdout.contains("delete the integration there"), "{}", refused.stdout);
    let command = refused.stderr.split("`duoctl ").nth(1).unwrap().split('`').next().unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    folder.duoctl(words).run().exits(0);
    folder.duoctl(["plan"]).at(server).run().exits(0)
}

/// Nothing is handed over, created or removed, and everything keeps its key.
fn settles(folder: &Folder, server: &Server, count: usize) {
    folder.duoctl(["apply", "--auto-approve"]).at(server).run().exits(0);
    let plan = folder.duoctl(["plan", "--prune"]).at(server).run().exits(0);
    let plan = plan.says("No changes.");
    assert!(!plan.stdout.contains("handoff"), "{}", plan.stdout);
    assert_eq!(server.account().applications().len(), count);
}

#[test]
fn a_renamed_entry_keeps_its_applications_and_its_attestation_by_the_command_that_the_message_names() {
    let (folder, server) = (Folder::with(ENTRY), Server::start());
    folder.declare(&format!("{ENTRY}    push_verification: {{application_name: Acme IT}}\n"));
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["attest", "emea", "--by", "alice"]).at(&server).run().exits(0);
    let (admin, auth) = (server.ikey("Identity Intelligence: Duo EMEA"), server.ikey("Acme IT"));
    let count = server.account().applications().len();
    let text = folder.read("duo.yaml");
    folder.write("duo.yaml", &text.replace("  emea:", "  eu:"));
    let plan = does_as_it_says(&folder, &server);
    let plan = plan.says("0 to add, 0 to change, 2 to adopt, 0 to delete").says(&admin).says(&auth);
    assert!(!plan.stdout.contains("handoff"), "{}", plan.stdout);
    settles(&folder, &server, count);
    folder.duoctl(["handoff", "eu"]).at(&server).run().exits(0).says("attested");
    // The reverse, with the pins that are now in the YAML.
    let text = folder.read("duo.yaml");
    folder.write("duo.yaml", &text.replace("  eu:", "  emea:"));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("2 to adopt");
    settles(&folder, &server, count);
}

#[test]
fn a_renamed_workspace_takes_its_applications_along_by_the_command_that_the_message_names() {
    let (folder, server) = (Folder::with(ENTRY), Server::start());
    let application =
        "applications: {vpn: {type: radius, name: VPN, user_access: no_users, protect: true}}\n";
    folder.declare(&format!("{ENTRY}{application}"));
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["attest", "emea", "--by", "alice"]).at(&server).run().exits(0);
    let count = server.account().applications().len();
    let text = folder.read("duo.yaml");
    folder.write("duo.yaml", &text.replace("workspace: acme", "workspace: acme-prod"));
    let plan = does_as_it_says(&folder, &server);
    let plan = plan.says("0 to add, 0 to change, 2 to adopt, 0 to delete");
    assert!(!plan.stdout.contains("handoff"), "{}", plan.stdout);
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["plan"]).at(&server).run().exits(0).warns("carries the former name `acme` any longer");
    let text = folder.read("duo.yaml");
    folder.write("duo.yaml", &text.replace("formerly: acme\n", ""));
    settles(&folder, &server, count);
    // An invalid name, or the current name, is refused, and nothing is written.
    let before = folder.read("duo.yaml");
    for arguments in
        [&["--formerly", "acme-prod"][..], &["--formerly", "No Name"], &["--formerly", "x", "a", "b"], &[]]
    {
        folder.duoctl(["adopt"]).args(arguments).run().exits(64);
        assert_eq!(folder.read("duo.yaml"), before);
    }
    folder.write("duo.yaml", &format!("{before}formerly: acme-prod\n"));
    folder.duoctl(["validate", "."]).run().exits(1).warns("`formerly` is the current name of the workspace");
}

fn switched(switches: &[&str]) -> Server {
    let mut options = ServeOptions::default();
    for switch in switches {
        options.switches.set(switch).unwrap();
    }
    Server::with(options)
}

/// The possible duplicates in the plan, by address.
fn likely(folder: &Folder, server: &Server) -> Vec<(String, String)> {
    let plan = folder.duoctl(["plan", "--format", "json"]).at(server).run().exits(0).json();
    let problems = plan["diagnostics"].as_array().unwrap().clone();
    let found = problems.into_iter().filter(|problem| problem["code"] == "possible-duplicate");
    found
        .map(|problem| {
            assert_eq!(problem["severity"], "warning");
            let message = problem["message"].as_str().unwrap().to_owned();
            let (address, what) = message.split_once(": ").unwrap();
            (address.to_owned(), format!("{what} {}", problem["help"].as_str().unwrap()))
        })
        .collect()
}

#[test]
fn a_second_application_is_warned_of_before_it_is_created_next_to_one_that_looks_like_it() {
    let needed = ["read_log", "read_resource"];
    let push = format!("{ENTRY}    push_verification: {{application_name: Acme IT Support}}\n");
    // The name, the permissions, and the part of the entry that it resembles.
    for (kind, name, permissions, part) in [
        ("adminapi", "CII", &["read_log"][..], Some(ADMIN)),
        ("adminapi", "cisco identity-intelligence (2024)", &[], Some(ADMIN)),
        ("adminapi", "Oort", &[], Some(ADMIN)),
        ("adminapi", "DUO  EMEA collector", &["read_log"], Some(ADMIN)),
        ("adminapi", "Collector", &needed, Some(ADMIN)),
        ("authapi", "Identity Intelligence push", &[], Some(AUTH)),
        ("authapi", "Acme IT support (old)", &[], Some(AUTH)),
        // Other purposes, other permissions, other types, parts of words.
        ("adminapi", "SIEM", &["read_log"], None),
        ("adminapi", "Collector", &["read_log", "read_resource", "write_resource"], None),
        ("adminapi", "HR sync", &["read_log", "read_resource", "info"], None),
        ("adminapi", "Officii", &[], None),
        ("authapi", "Kiosk", &[], None),
        ("authapi", "Acme IT", &[], None),
        ("radius", "Identity Intelligence", &[], None),
    ] {
        let (folder, server) = (Folder::with(&push), Server::start());
        let mut properties = json!({"type": kind, "name": name, "user_access": "NO_USERS"});
        for permission in permissions {
            properties[format!("adminapi_{permission}")] = json!("1");
        }
        let ikey = made(&server, properties);
        let found = likely(&folder, &server);
        let told: Vec<&str> = found.iter().map(|(address, _)| address.as_str()).collect();
        assert_eq!(told, part.into_iter().collect::<Vec<_>>(), "{kind} {name} {permissions:?}");
        for (address, what) in &found {
            assert!(what.contains(&format!("`duoctl adopt {address} {ikey}`")), "{what}");
            assert!(what.contains("set up by hand") && what.contains("suppress"), "{what}");
            // It is what it looks like,
            folder.duoctl(["adopt", address, &ikey]).run().exits(0);
            assert_eq!(likely(&folder, &server), []);
            // or it is not, and an administrator says so.
            let item = format!("{{code: possible-duplicate, address: {address}, reason: another one}}");
            folder.declare(&format!("{push}suppress: [{item}]\n"));
            assert_eq!(likely(&folder, &server), []);
            folder.declare(&format!(
                "{push}suppress: [{}]\n",
                item.replace(address, "identity_intelligence.emea")
            ));
            assert_eq!(likely(&folder, &server), []);
            let other = if address == ADMIN { AUTH } else { ADMIN };
            folder.declare(&format!("{push}suppress: [{}]\n", item.replace(address, other)));
            assert_eq!(likely(&folder, &server).len(), 1);
        }
    }
}

#[test]
fn what_others_own_or_very_many_share_is_no_likeness() {
    let (folder, server) = (Folder::with(ENTRY), Server::start());
    let owned = admin_api(&server, "Oort", &[]);
    let notes = json!({"notes": "[duoctl other/applications.oort -]"});
    server.account().modify_application(&owned, object(notes)).unwrap_or_else(|_| panic!("refused"));
    for number in 0..9 {
        admin_api(&server, &format!("Collector {number}"), &["read_log", "read_resource"]);
    }
    assert_eq!(likely(&folder, &server), []);
}

#[test]
fn a_suppression_is_checked_like_everything_else_that_names_an_address() {
    let item = |address: &str| {
        format!("{ENTRY}suppress: [{{code: possible-duplicate, address: {address}, reason: x}}]\n")
    };
    for (yaml, code, says) in [
        (item("identity_intelligence.emea.admin_api"), 0, ""),
        (item("identity_intelligence.*"), 0, ""),
        (item("identity_intelligence.apac.admin_api"), 0, "no address in the YAML matches"),
        (item("emea"), 0, ""),
        (item("no address"), 1, "is not an address"),
        (item("'[emea'"), 1, "is not an address"),
        (format!("{ENTRY}suppress: [{{code: self-lockout, reason: x}}]\n"), 1, "self-lockout"),
        (format!("{ENTRY}suppress: [{{code: recommended}}]\n"), 1, "needs `reason`"),
    ] {
        let folder = Folder::with(&yaml);
        let outcome = folder.duoctl(["validate", "."]).run().exits(code);
        assert!(outcome.stderr.contains(says) || outcome.stdout.contains(says), "{says}: {}", outcome.stderr);
        assert_eq!(
            says.is_empty(),
            !outcome.stderr.contains("suppress") && !outcome.stdout.contains("suppress"),
            "{yaml}"
        );
    }
}

#[test]
fn what_the_vendor_recommends_is_noted_where_the_entry_leaves_it_out_and_the_account_can_have_it() {
    let noted = |plan: &str, entry: &str, rest: &str| {
        let folder = Folder::with(&format!("{ENTRY}{entry}{rest}"));
        let head = HEAD.replace("tenant:\n", &format!("tenant:\n{plan}"));
        folder.write("duo.yaml", &folder.read("duo.yaml").replace(HEAD, &head));
        let found = folder.duoctl(["validate", ".", "--format", "json"]).run().exits(0).json();
        let findings = found["diagnostics"].as_array().unwrap().clone();
        let told = findings.into_iter().filter(|finding| finding["code"] == "recommended");
        let mut told: Vec<&str> = told
            .map(|finding| {
                assert_eq!(finding["severity"], "note");
                let push = finding["message"].as_str().unwrap().contains("`push_verification`");
                if push { "push" } else { "endpoints" }
            })
            .collect();
        told.sort_unstable();
        told.join(" ")
    };
    let push = "    push_verification: {application_name: Acme IT}\n";
    for (plan, entry, expected) in [
        ("", "", "push"),
        ("  plan: free\n", "", "push"),
        ("  plan: essentials\n", "", "push"),
        ("  plan: advantage\n", "", "endpoints push"),
        ("  plan: premier\n", "", "endpoints push"),
        ("  plan: premier\n", push, "endpoints"),
        ("  plan: premier\n", "    endpoints: true\n", "push"),
        ("  plan: premier\n", "    endpoints: false\n    push_verification: false\n", ""),
    ] {
        assert_eq!(noted(plan, entry, ""), expected, "{plan} {entry}");
    }
    let all = "suppress: [{code: recommended, address: identity_intelligence.emea, reason: later}]\n";
    assert_eq!(noted("  plan: premier\n", "", all), "");
    assert_eq!(noted("  plan: premier\n", "", "suppress: [{code: recommended, reason: later}]\n"), "");
    // If no plan is declared, the account's edition decides.
    for (switches, endpoints) in [(&[][..], true), (&["essentials"], false)] {
        let (folder, server) = (Folder::with(ENTRY), switched(switches));
        let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
        assert_eq!(plan.stderr.contains("recommends `endpoints`"), endpoints, "{}", plan.stderr);
        assert!(plan.stderr.contains("recommends `push_verification`"));
    }
}

#[test]
fn an_entry_that_got_another_key_and_another_name_at_once_is_asked_about() {
    let push = format!("{ENTRY}    push_verification: {{application_name: Acme IT}}\n");
    let renamed =
        push.replace("  emea:", "  eu:").replace("Duo EMEA", "Duo EU").replace("Acme IT", "Acme Europe");
    let (folder, server) = (Folder::with(&push), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let (admin, auth) = (server.ikey("Identity Intelligence: Duo EMEA"), server.ikey("Acme IT"));
    folder.declare(&renamed);
    let found = likely(&folder, &server);
    let [(address, what)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(address, "identity_intelligence.eu.admin_api");
    let command = format!(
        "`duoctl adopt identity_intelligence.eu.admin_api {admin} identity_intelligence.eu.auth_api {auth}`"
    );
    assert!(what.contains("perhaps `identity_intelligence.eu` is its new name"), "{what}");
    assert!(what.contains(&command), "{what}");
    let words: Vec<&str> = command.trim_matches('`').split(' ').skip(1).collect();
    folder.duoctl(words).run().exits(0);
    assert_eq!(likely(&folder, &server), []);
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    let plan = plan.says("0 to add").says("2 to adopt").says("\"Acme IT\" -> \"Acme Europe\"");
    assert!(!plan.stdout.contains("delete the integration there"), "{}", plan.stdout);
    // If an administrator has decided about the old one, or two are gone, nothing refers to one.
    let removed = "removed: {identity_intelligence.emea: {attested: 7f3a9c21}}\n";
    for decided in [removed, "removed: {identity_intelligence.emea: retain}\n"] {
        folder.declare(&format!("{renamed}{decided}"));
        assert_eq!(likely(&folder, &server), [], "{decided}");
    }
}
