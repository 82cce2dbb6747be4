//! Applications that leave the YAML: those in use stay, those that come back get their access back, retained ones are
//! forgotten; and type changes, where the old application works until the new one is verified.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Folder, Server};

const GUARDS: &str = "guards: {quarantine_days: 0}\n";
const WIKI: &str = "  wiki: {type: unix, name: Wiki, user_access: no_users}\n";
const VPN: &str = "  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [VPN Users, Contractors]}\n";

fn yaml(applications: &str) -> String {
    format!("{GUARDS}applications:\n{WIKI}{applications}")
}

fn applied(applications: &str) -> (Folder, Server) {
    let (folder, server) = (Folder::with(&yaml(applications)), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    (folder, server)
}

/// Quarantined by a first `--prune`, and out of the YAML.
fn shut(applications: &str) -> (Folder, Server) {
    let (folder, server) = applied(applications);
    folder.declare(&yaml(""));
    folder.duoctl(["apply", "--auto-approve", "--prune"]).at(&server).run().exits(0).says("quarantined");
    (folder, server)
}

fn log_in(server: &Server, name: &str, user: &str, minutes: i64) {
    let ikey = server.ikey(name);
    let time = Timestamp::now().checked_add(SignedDuration::from_mins(minutes)).unwrap();
    server.account().record_login(&ikey, user, "denied", time.as_second()).unwrap();
}

#[test]
fn what_is_used_since_its_quarantine_is_not_deleted_until_someone_insists() {
    let (folder, server) = shut(VPN);
    // It was in use an hour before the quarantine, and another application is in use now.
    log_in(&server, "VPN", "ann", -60);
    log_in(&server, "Intranet", "bob", 0);
    for filters in [true, false] {
        server.account().switches.log_filters = filters;
        let outcome = folder.duoctl(["plan", "--prune"]).at(&server).run().exits(0);
        outcome.says("- delete applications.vpn");
    }
    log_in(&server, "VPN", "eve\u{1b}[31m", 0);
    for filters in [true, false] {
        server.account().switches.log_filters = filters;
        let outcome = folder.duoctl(["apply", "--auto-approve", "--prune"]).at(&server).run().exits(0);
        outcome.warns("still in use: eve\\u{1b}[31m at ").warns("--prune=now");
    }
    assert_eq!(server.named("VPN").len(), 1);
    folder
        .duoctl(["apply", "--auto-approve", "--prune=now", "--allow", "destroys"])
        .at(&server)
        .run()
        .exits(0)
        .says("deleted applications.vpn");
    assert_eq!(server.named("VPN").len(), 0);
}

#[test]
fn without_the_log_nothing_is_deleted_and_the_permission_is_named() {
    let (folder, server) = shut(VPN);
    let operator = server.key("operator").integration_key;
    let permit = |held: &str| {
        let body = crate::support::object(json!({"adminapi_read_log": held}));
        server.account().modify_application(&operator, body).unwrap_or_else(|_| panic!("refused"));
    };
    permit("0");
    let outcome = folder.duoctl(["apply", "--auto-approve", "--prune"]).at(&server).run().exits(1);
    outcome.warns("could not check whether it was used").warns("read_log").warns("--prune=now");
    assert_eq!(server.named("VPN").len(), 1);
    // Only a deletion looks into the log.
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("has been quarantined since");
    permit("1");
    server.disturb("5xx=999@/admin/v2/logs");
    folder
        .duoctl(["plan", "--prune"])
        .at(&server)
        .run()
        .exits(1)
        .warns("could not check whether it was used");
    server.calm();
    folder.duoctl(["apply", "--auto-approve", "--prune"]).at(&server).run().exits(0).says("deleted");
}

#[test]
fn an_address_that_comes_back_has_what_it_had() {
    let (folder, server) = shut(VPN);
    assert_eq!(server.named("VPN")[0]["user_access"], "NO_USERS");
    // Pinned, and without a setting for who may log in.
    let pinned = format!("  vpn: {{integration_key: {}}}\n", server.ikey("VPN"));
    folder.declare(&yaml(&pinned));
    folder
        .duoctl(["apply", "--auto-approve"])
        .at(&server)
        .run()
        .exits(5)
        .says("--allow widens_access:applications.vpn");
    let outcome = folder
        .duoctl(["apply", "--auto-approve", "--allow", "widens_access:applications.vpn"])
        .at(&server)
        .run()
        .exits(0);
    outcome
        .says("\"no_users\" -> \"permitted_groups\"")
        .says("+ \"Contractors\"")
        .says("@ 9 users gain access");
    let live = &server.named("VPN")[0];
    assert_eq!((live["user_access"].as_str(), groups(live)), (Some("PERMITTED_GROUPS"), 2));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
}

fn groups(live: &Value) -> usize {
    live["groups_allowed"].as_array().unwrap().len()
}

#[test]
fn what_is_retained_is_forgotten_and_can_be_adopted_again() {
    let (folder, server) = shut(VPN);
    folder.declare(&format!("{}removed: {{applications.vpn: retain}}\n", yaml("")));
    folder
        .duoctl(["plan"])
        .at(&server)
        .run()
        .exits(0)
        .says("< retain applications.vpn")
        .says(" 1 to retain.");
    folder
        .duoctl(["apply", "--auto-approve", "--allow", "widens_access"])
        .at(&server)
        .run()
        .exits(0)
        .says("retained applications.vpn");
    let live = &server.named("VPN")[0];
    assert_eq!((live["user_access"].as_str(), live["notes"].as_str()), (Some("PERMITTED_GROUPS"), Some("")));
    let outcome = folder.duoctl(["plan", "--prune=now"]).at(&server).run().exits(0);
    assert_eq!(outcome.last_line(), "No changes. The account matches the configuration.");
    folder.declare(&yaml(VPN));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("1 to adopt");
    folder.declare(&format!("{}removed: {{applications.vpn: retain}}\n", yaml(VPN)));
    folder.duoctl(["validate"]).run().exits(1).warns("is removed here but still declared");
}

const KEY: &str = "  helpdesk: {type: authapi, name: Help desk, user_access: permitted_groups, groups_allowed: [Employees]}\n";

#[test]
fn a_replacement_names_its_consequences_and_the_old_one_serves_until_the_new_one_is_proven() {
    let (folder, server) = applied(&KEY.replace("authapi", "websdk"));
    let old = server.ikey("Help desk");
    folder.declare(&yaml(KEY));
    let outcome = folder.duoctl(["plan"]).at(&server).run().exits(0);
    outcome
        .says(&format!("! consequence: a new integration key and a new secret key; those of {old} stop working once the new ones are proven"))
        .says("! consequence: no secret store is configured")
        .says("! consequence: the program that authenticates users with the old keys needs the new ones");
    let apply = || {
        folder
            .duoctl(["apply", "--auto-approve", "--allow", "replaces:applications.helpdesk", "--no-verify"])
            .at(&server)
            .run()
    };
    server.disturb("5xx=999@/auth/v2/check");
    apply()
        .exits(4)
        .says("not proven applications.helpdesk")
        .says("the application that it replaces still works");
    let kinds = || {
        let mut kinds: Vec<Value> =
            server.named("Help desk").into_iter().map(|live| live["type"].clone()).collect();
        kinds.sort_by_key(Value::to_string);
        kinds
    };
    assert_eq!(kinds(), ["authapi", "websdk"]);
    let left =
        server.named("Help desk").into_iter().find(|live| live["integration_key"] == old.as_str()).unwrap();
    assert_eq!(left["user_access"], "PERMITTED_GROUPS", "it still serves");
    // The rest of a replacement is just as careful.
    apply().exits(4).says("not proven");
    assert_eq!(kinds(), ["authapi", "websdk"]);
    server.calm();
    apply().exits(0);
    assert_eq!(kinds(), ["authapi"]);
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
}

#[test]
fn what_points_at_the_old_key_is_one_of_the_consequences() {
    let (folder, server) = applied(&KEY.replace("authapi", "websdk"));
    let old = server.ikey("Help desk");
    let other =
        format!("  other: {{type: radius, name: Other, user_access: no_users, notes: Behind {old}}}\n");
    folder.declare(&yaml(&format!("{}{other}", KEY.replace("authapi", "websdk"))));
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare(&yaml(&format!("{KEY}{other}")));
    let document = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0).json();
    let consequences: Vec<&str> = document["steps"][0]["consequences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(
        consequences.contains(&format!("the YAML of applications.other refers to {old}").as_str()),
        "{consequences:?}"
    );
    assert!(
        consequences.contains(&format!("applications.other, \"Other\", refers to {old}").as_str()),
        "{consequences:?}"
    );
}

/// A list that silently omits applications is detected by the account's own count.
#[test]
fn a_list_that_is_shorter_than_duos_count_deletes_nothing() {
    let (folder, server) = shut(VPN);
    let hide = |name: &str| server.account().switches.set(&format!("hide-application={name}")).unwrap();
    hide("Intranet");
    for prune in ["--prune", "--prune=now"] {
        let outcome = folder.duoctl(["apply", "--auto-approve", prune]).at(&server).run().exits(1);
        outcome
            .warns("is not deleted: Duo lists")
            .warns("so the list may be incomplete")
            .warns("read information");
        assert_eq!(server.named("VPN").len(), 1, "{prune}");
    }
    // A replacement deletes, too.
    folder.declare(&yaml("").replace("type: unix", "type: rdp"));
    let replace = ["apply", "--auto-approve", "--allow", "replaces:applications.wiki"];
    folder.duoctl(replace).at(&server).run().exits(1).warns("applications.wiki: DI");
    assert_eq!(server.named("Wiki")[0]["type"], "unix");
    hide("none");
    folder.declare(&yaml(""));
    // If the count cannot be read, nothing is held back; with -v the output says so.
    let operator = server.key("operator").integration_key;
    let body = crate::support::object(json!({"adminapi_info": "0"}));
    server.account().modify_application(&operator, body).unwrap_or_else(|_| panic!("refused"));
    let outcome = folder.duoctl(["plan", "--prune", "-v"]).at(&server).run().exits(0);
    outcome.says("- delete applications.vpn").warns("could not check before a deletion");
    folder
        .duoctl(["apply", "--auto-approve", "--prune"])
        .at(&server)
        .run()
        .exits(0)
        .says("deleted applications.vpn");
    assert_eq!(server.named("VPN").len(), 0);
}
