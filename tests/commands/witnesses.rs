//! Assumptions of duoctl and the simulator without an independent source: the simulator behaves differently, and duoctl
//! draws no wrong conclusion.

use serde_json::Value;

use crate::support::{Folder, Outcome, Server};

/// With a delivered key, so that what Duo shows of keys is compared with the store.
const YAML: &str = "applications:
  helpdesk: {type: authapi, name: Help desk, user_access: permitted_groups, groups_allowed: [Employees], secret: {store: local, path: helpdesk.json}}
  siem: {type: adminapi, name: SIEM export, user_access: no_users, permissions: [info, read_resource]}
  vpn:
    type: radius
    name: VPN
    user_access: permitted_groups
    groups_allowed: [VPN Users, Contractors]
    policy: Require trusted endpoints
    notes: Owned by the network team
  portal:
    type: sso-oidc-generic
    name: Portal
    user_access: permitted_groups
    groups_allowed: [Employees]
    sso:
      oidc_config:
        grant_types: {authorization_code: true}
        redirect_uris: [\"https://portal.example.com/cb\"]
        scopes: [{name: openid}]
    secret: {store: local, path: portal.json}
secret_stores: {local: {type: file, path: keys}}
";

fn server(switches: &[&str]) -> Server {
    let server = Server::start();
    switches.iter().for_each(|switch| server.account().switches.set(switch).unwrap());
    server
}

fn apply(folder: &Folder, server: &Server, code: i32) -> Outcome {
    let risks = ["--allow", "escalates_privilege", "--allow", "widens_access"];
    folder.duoctl(["apply", "--auto-approve"].into_iter().chain(risks)).at(server).run().exits(code)
}

/// Nothing is left to do, and no key is reported as wrong.
fn settles(folder: &Folder, server: &Server, switch: &str) {
    let plan = folder.duoctl(["plan", "--detailed-exitcode"]).at(server).run();
    assert_eq!(plan.code, Some(0), "{switch}: {plan:?}");
    let report = folder.duoctl(["verify", "--format", "json"]).at(server).run().exits(0).json();
    for application in report["applications"].as_array().unwrap() {
        for check in application["checks"].as_array().unwrap() {
            assert_ne!(check["verdict"], "failed", "{switch}: {check}");
        }
    }
}

/// The mask, pages, and what is shown.
#[test]
fn an_apply_ends_whatever_duo_shows() {
    for switch in [
        "secret-mask=last-four",
        "secret-mask=stars",
        "secret-mask=four-stars",
        "null-metadata",
        "bare-pages",
        "small-pages",
        "group-status=lower-case",
        "short-groups",
        "flags-everywhere",
        "legacy-properties",
        "scopes-as-object",
        "identity-text",
        "wrong-kind=40301",
        "type-before-signature",
        "auth-check=200",
        "auth-check=40102",
        "applications-read",
    ] {
        let (folder, server) = (Folder::with(YAML), server(&[switch]));
        apply(&folder, &server, 0);
        assert!(folder.path("keys/helpdesk.json").exists(), "{switch}");
        settles(&folder, &server, switch);
        folder.duoctl(["drift"]).at(&server).run().exits(0).says("No changes.");
        // A key that was reset behind duoctl's back is not reported as current, whatever the mask shows.
        server.edit("Help desk", serde_json::json!({"reset_secret_key": "1"}));
        let report = folder.duoctl(["verify", "--format", "json"]).at(&server).run().json();
        let checks = report["applications"].as_array().unwrap().iter();
        let helpdesk = checks.filter(|application| application["address"] == "applications.helpdesk");
        assert!(helpdesk.count() == 1, "{switch}: {report}");
    }
}

/// With a mask that shows nothing of the key, it is unknown whether the store has the current one.
#[test]
fn a_mask_without_an_end_is_no_evidence_of_a_stale_key() {
    for (switch, notices) in
        [("secret-mask=last-four", true), ("secret-mask=stars", false), ("secret-mask=four-stars", false)]
    {
        let (folder, server) = (Folder::with(YAML), server(&[switch]));
        apply(&folder, &server, 0);
        let delivered = folder.read("keys/helpdesk.json");
        server.edit("Help desk", serde_json::json!({"reset_secret_key": "1"}));
        let plan = folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run();
        assert_eq!(plan.code, Some(if notices { 2 } else { 0 }), "{switch}: {plan:?}");
        assert_eq!(plan.stdout.contains("the store holds"), notices, "{switch}: {plan:?}");
        assert_eq!(folder.read("keys/helpdesk.json"), delivered);
    }
}

/// The table of types says that Duo's API creates it, but Duo does not.
#[test]
fn a_type_that_duo_refuses_fails_alone() {
    let (folder, server) = (Folder::with(YAML), server(&["refuse-type=radius"]));
    let outcome = apply(&folder, &server, 4).says("failed applications.vpn").says("type");
    outcome.says("Applied: ");
    assert_eq!((server.named("VPN").len(), server.named("SIEM export").len()), (0, 1));
    server.account().switches.set("refuse-type=none").unwrap();
    apply(&folder, &server, 0);
    settles(&folder, &server, "refuse-type");
}

fn noted(length: usize) -> String {
    YAML.replace("Owned by the network team", &"n".repeat(length))
}

/// Notes that fit the assumed limit of Duo, but not the real one.
#[test]
fn notes_that_are_too_long_leave_nothing_behind() {
    let (folder, server) = (Folder::with(&noted(300)), server(&["short-notes"]));
    let outcome = apply(&folder, &server, 4).says("failed applications.vpn").says("notes");
    outcome.says("Duo rejected a value");
    assert_eq!(server.named("VPN").len(), 0);
    folder.declare(&noted(30));
    apply(&folder, &server, 0);
    settles(&folder, &server, "short-notes");
    // An existing one stays as it is.
    folder.declare(&noted(300));
    apply(&folder, &server, 1).says("failed applications.vpn").says("notes");
    assert!(server.named("VPN")[0]["notes"].as_str().unwrap().starts_with(&format!("{}\n", "n".repeat(30))));
    folder.declare(&noted(30));
    settles(&folder, &server, "short-notes");
}

/// The second call of a creation is refused: no one can log in to the new application, it has the marker, and the next apply
/// continues with it instead of creating another.
#[test]
fn a_creation_that_is_refused_halfway_opens_nothing_and_is_taken_up_again() {
    let (folder, server) = (Folder::with(&noted(300)), Server::start());
    server.disturb("delay=300");
    let only = ["apply", "--auto-approve", "--allow=widens_access", "--only=applications.vpn"];
    let run = folder.duoctl(only).at(&server).start();
    let create = "POST /admin/v3/integrations";
    server.wait_until("the application is made", |account| account.requests().contains_key(create));
    server.account().switches.set("short-notes").unwrap();
    let outcome = run.end();
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert!(
        outcome.stdout.contains("failed applications.vpn") && outcome.stdout.contains("notes"),
        "{outcome:?}"
    );
    let half = server.named("VPN");
    assert_eq!((half.len(), &half[0]["user_access"]), (1, &Value::from("NO_USERS")));
    assert!(half[0]["notes"].as_str().unwrap().contains("[duoctl acme/applications.vpn "), "{half:?}");
    server.calm();
    server.account().switches.set("short-notes=off").unwrap();
    folder.duoctl(only).at(&server).run().exits(0);
    let whole = server.named("VPN");
    assert_eq!((whole.len(), &whole[0]["integration_key"]), (1, &half[0]["integration_key"]));
    assert_eq!(whole[0]["user_access"], "PERMITTED_GROUPS");
}

#[test]
fn names_that_are_too_long_are_refused_before_anything_is_made() {
    let yaml = YAML.replace("name: VPN", &format!("name: {}", "v".repeat(101)));
    let (folder, server) = (Folder::with(&yaml), server(&["short-names"]));
    apply(&folder, &server, 4).says("failed applications.vpn").says("name");
    let made = server.account().applications();
    assert!(made.iter().all(|live| live["type"] != "radius" || live["name"] == "Branch office VPN"));
}
