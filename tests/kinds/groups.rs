//! Groups as code. An application may refer to a group that the same plan creates.

use serde_json::{Value, json};

use super::{call, listed};
use crate::support::{Folder, Server, object};

const GROUPS: &str = "groups:
  temps: {name: Temps, description: Short contracts}
applications:
  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [groups.temps, VPN Users]}
";

/// A group of the account, by name.
fn group(server: &Server, name: &str) -> Value {
    listed(server, "/admin/v1/groups").into_iter().find(|group| group["name"] == name).unwrap_or_default()
}

/// An edit by an administrator in the Admin Panel.
fn edit(server: &Server, name: &str, properties: Value) {
    let id = group(server, name)["group_id"].as_str().unwrap().to_owned();
    call(server, "POST", &format!("/admin/v1/groups/{id}"), properties);
}

fn apply(folder: &Folder, server: &Server) -> crate::support::Outcome {
    folder.duoctl(["apply", "--auto-approve"]).at(server).run()
}

fn applied(rest: &str) -> (Folder, Server) {
    let (folder, server) = (Folder::with(rest), Server::start());
    apply(&folder, &server).exits(0);
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
    (folder, server)
}

#[test]
fn an_application_lets_in_a_group_that_the_same_plan_creates() {
    let (folder, server) = (Folder::with(GROUPS), Server::start());
    let saved = folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    saved.says("+ create groups.temps  \"Temps\" (group)").says("\"groups.temps (new)\"");
    folder.duoctl(["show", "plan.json"]).run().exits(0).says("\"groups.temps (new)\"");
    let done = folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(0);
    done.says("created groups.temps").says("created applications.vpn");
    let made = group(&server, "Temps");
    assert!(
        made["desc"].as_str().unwrap().starts_with("Short contracts\n[duoctl acme/groups.temps "),
        "{made}"
    );
    let allowed = server.named("VPN")[0]["groups_allowed"].clone();
    assert!(allowed.as_array().unwrap().contains(&made["group_id"]), "{allowed}");
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("No changes.");
    // The marker was made when the group had no ID: a change by someone else is still told from one of the YAML.
    server.edit("VPN", json!({"groups_allowed": made["group_id"], "user_access": "PERMITTED_GROUPS"}));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("groups_allowed  (drift: changed in Duo)");
}

#[test]
fn a_group_that_cannot_be_created_holds_back_what_refers_to_it() {
    let (folder, server) = (Folder::with(GROUPS), Server::start());
    let without = folder.duoctl(["plan", "--exclude", "groups.temps"]).at(&server).run().exits(1);
    without.tells("applications.vpn: it refers to groups.temps, which this plan does not create");
    let operator = server.key("operator").integration_key;
    let permit = |held: &str| {
        let body = object(json!({"adminapi_write_resource": held}));
        server.account().modify_application(&operator, body).unwrap_or_else(|_| panic!("refused"));
    };
    permit("0");
    let half = apply(&folder, &server);
    half.tells("groups.temps, which it refers to, was not created");
    assert!(server.named("VPN").is_empty());
    permit("1");
    apply(&folder, &server).exits(0);
}

#[test]
fn what_someone_changes_is_drift_and_comes_back() {
    let (folder, server) =
        applied("groups:\n  temps: {name: Temps, description: Short contracts, status: active}\n");
    edit(&server, "Temps", json!({"status": "bypass"}));
    let drift = folder.duoctl(["drift"]).at(&server).run().exits(2);
    drift
        .says("~ update groups.temps")
        .says("status  \"bypass\" -> \"active\"")
        .says("! drift, widens_access: as it is now, members log in without a second factor");
    apply(&folder, &server).exits(0);
    assert_eq!(group(&server, "Temps")["status"], "Active");
}

#[test]
fn a_bypass_needs_a_consent_of_its_own() {
    let (folder, server) = applied("groups:\n  temps: {name: Temps, status: active}\n");
    folder.declare("groups:\n  temps: {name: Temps, status: bypass}\n");
    let refused = apply(&folder, &server).exits(5);
    refused
        .tells("bypass_group")
        .tells("--allow bypass_group:groups.temps")
        .never_tells("--allow widens_access");
    assert_eq!(group(&server, "Temps")["status"], "Active");
    folder
        .duoctl(["apply", "--auto-approve", "--allow", "bypass_group:groups.temps"])
        .at(&server)
        .run()
        .exits(0);
    assert_eq!(group(&server, "Temps")["status"], "Bypass");
}

#[test]
fn only_removed_deletes_a_group_and_only_when_nothing_refers_to_it() {
    let (folder, server) = applied(GROUPS);
    let vpn = "applications:\n  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [GROUPS]}\n";
    let (with, without) = (vpn.replace("GROUPS", "Temps, VPN Users"), vpn.replace("GROUPS", "VPN Users"));
    folder.declare(&with);
    let kept =
        folder.duoctl(["apply", "--auto-approve", "--prune=now", "--allow", "destroys"]).at(&server).run();
    kept.exits(0);
    assert_ne!(group(&server, "Temps"), Value::Null);
    folder.declare(&format!("{with}removed: {{groups.temps: delete}}\n"));
    let used = folder.duoctl(["plan"]).at(&server).run().exits(1);
    used.tells("1 object of the account still refers to it: `VPN` (");
    // The application lets go of it in the same plan.
    folder.declare(&format!("{without}removed: {{groups.temps: delete}}\n"));
    apply(&folder, &server).exits(5).tells("--allow destroys:groups.temps");
    folder
        .duoctl(["apply", "--auto-approve", "--allow", "destroys:groups.temps"])
        .at(&server)
        .run()
        .exits(0)
        .says("deleted groups.temps");
    assert_eq!(group(&server, "Temps"), Value::Null);
}

#[test]
fn a_retained_group_loses_its_marker_and_nothing_else() {
    let (folder, server) = applied("groups:\n  temps: {name: Temps, description: Short contracts}\n");
    folder.declare("removed: {groups.temps: retain}\n");
    apply(&folder, &server).exits(0);
    assert_eq!(group(&server, "Temps")["desc"], "Short contracts");
}

#[test]
fn a_group_that_exists_is_adopted_by_its_name_and_a_synchronised_one_keeps_it() {
    let synced = "Staff (from AD sync \"HQ\")";
    let yaml =
        "groups:\n  contractors: {name: Contractors}\n  staff: {name: 'Staff (from AD sync \"HQ\")'}\n";
    let (folder, server) = applied(yaml);
    for name in ["Contractors", synced] {
        assert!(group(&server, name)["desc"].as_str().unwrap().contains("[duoctl acme/groups."), "{name}");
    }
    folder.declare(&yaml.replace("Staff (", "Everybody ("));
    folder
        .duoctl(["plan"])
        .at(&server)
        .run()
        .exits(1)
        .tells("is synchronised with a directory and cannot be renamed");
}

#[test]
fn a_forged_marker_makes_no_group_ours() {
    let (folder, server) = (Folder::with(GROUPS), Server::start());
    server.account().add_group("Domain Admins").unwrap();
    edit(&server, "Domain Admins", json!({"desc": "[duoctl acme/groups.temps -]"}));
    let refused = folder.duoctl(["plan"]).at(&server).run().exits(1);
    refused
        .tells("carries its marker, but duoctl did not write that marker")
        .tells("it is not known which group");
    assert!(server.named("VPN").is_empty());
}

#[test]
fn nothing_is_deleted_while_what_lets_go_of_it_failed() {
    let (folder, server) = applied(GROUPS);
    folder.declare(
        "applications:\n  vpn: {type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [VPN Users]}\n\
         removed: {groups.temps: delete}\n",
    );
    let ikey = server.ikey("VPN");
    // The application is read before it is written.
    server.disturb(&format!("5xx=50@1@/admin/v3/integrations/{ikey}"));
    let half = folder.duoctl(["apply", "--auto-approve", "--allow", "destroys"]).at(&server).run();
    half.tells("a step that it depends on was not done");
    assert_ne!(group(&server, "Temps"), Value::Null);
    server.calm();
    folder.duoctl(["apply", "--auto-approve", "--allow", "destroys"]).at(&server).run().exits(0);
    assert_eq!(group(&server, "Temps"), Value::Null);
}
