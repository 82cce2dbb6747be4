//! `plan` shows what would change, and changes nothing.

use serde_json::{Value, json};

use crate::support::{Folder, Server, THREE};

#[test]
fn a_plan_says_what_would_change_and_writes_nothing() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let outcome = folder.duoctl(["plan"]).at(&server).run().exits(0);
    assert_eq!(outcome.stderr, "");
    insta::assert_snapshot!(outcome.stdout, @r#"
    + create applications.helpdesk  "Help desk" (authapi)
        name            "Help desk"
        user_access     "permitted_groups"
        groups_allowed  "Employees"

    + create applications.siem  "SIEM export" (adminapi)
        name         "SIEM export"
        user_access  "no_users"
        permissions  "info", "read_resource"

    + create applications.vpn  "VPN" (radius)
        name            "VPN"
        user_access     "permitted_groups"
        groups_allowed  "Contractors", "VPN Users"
        policy          "Require trusted endpoints"
        notes           "Owned by the network team"
        ? not known: whether the policy requires less than the global one

    Plan: 3 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged.
    "#);
    assert_eq!(server.writes(), 0);
    let reads = server.account().requests().clone();
    let calls: Vec<_> = reads.iter().map(|(call, count)| (call.as_str(), *count)).collect();
    assert_eq!(
        calls,
        [("GET /admin/v1/groups", 1), ("GET /admin/v2/policies", 1), ("GET /admin/v3/integrations", 1)]
    );
}

#[test]
fn the_plan_for_machines_has_the_same_content() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let outcome = folder.duoctl(["plan", "--format", "json"]).at(&server).run().exits(0);
    assert_eq!(outcome.stderr, "");
    let document = outcome.json();
    assert_eq!(document["kind"], "plan");
    assert_eq!(document["format_version"], "1.0");
    assert_eq!(
        document["summary"],
        json!({"add": 3, "change": 0, "adopt": 0, "delete": 0, "unmanaged": 12, "handoffs": 0, "deliveries": 0, "rotations": 0, "retain": 0, "unmanaged_fields": 0})
    );
    let addresses: Vec<_> =
        document["steps"].as_array().unwrap().iter().map(|step| &step["address"]).collect();
    assert_eq!(addresses, ["applications.helpdesk", "applications.siem", "applications.vpn"]);
    assert_eq!(document["steps"][2]["changes"][2]["after"], json!(["Contractors", "VPN Users"]));
}

#[test]
fn pending_changes_have_an_exit_code_on_request() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(2);
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(0);
    server.edit("VPN", json!({"notes": "edited"}));
    let drifted = folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(2);
    drifted.says("Plan: 0 to add, 1 to change, 1 to adopt, 0 to delete.");
    folder.declare(&THREE.replace("VPN Users", "Nobody Knows"));
    folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(1).warns("Nobody Knows");
}

#[test]
fn globs_narrow_what_is_covered_and_a_misspelt_one_is_named() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let plan = |arguments: &[&str]| {
        let arguments = ["plan", "--format", "json"].iter().chain(arguments);
        let outcome = folder.duoctl(arguments).at(&server).run().exits(0);
        let steps = outcome.json()["steps"].as_array().unwrap().clone();
        let addresses: Vec<Value> = steps.into_iter().map(|step| step["address"].clone()).collect();
        (addresses, outcome.stderr)
    };
    assert_eq!(plan(&["--only", "applications.vpn"]).0, ["applications.vpn"]);
    assert_eq!(plan(&["--only", "*.vpn", "--only", "*.siem"]).0, ["applications.siem", "applications.vpn"]);
    assert_eq!(plan(&["--exclude", "*.vpn"]).0, ["applications.helpdesk", "applications.siem"]);
    assert_eq!(plan(&["--only", "*.vpn", "--exclude", "*.vpn"]), (vec![], String::new()));
    assert_eq!(plan(&["--only", "vpn"]).0, ["applications.vpn"]);
    folder.duoctl(["plan", "--only", "["]).at(&server).run().exits(64).warns("`[` is not a valid glob");
}

#[test]
fn a_pattern_or_an_address_that_matches_nothing_stops_every_command() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let writes = server.writes();
    let commands: [&[&str]; 6] = [
        &["plan"],
        &["apply", "--auto-approve"],
        &["apply", "--auto-approve", "--prune"],
        &["drift"],
        &["verify"],
        &["keys", "list"],
    ];
    for command in commands {
        for option in ["--only", "--exclude"] {
            for wrong in ["applications.vnp", "vnp", "*.vnp", ""] {
                let arguments = command.iter().copied().chain([option, wrong]);
                let outcome = folder.duoctl(arguments).at(&server).run().exits(64);
                outcome.warns("matches no address");
            }
        }
    }
    for command in [
        &["keys", "rotate", "vnp", "--auto-approve"][..],
        &["keys", "status", "*.vnp"],
        &["accept", "vnp"],
        &["handoff", "vnp"],
        &["attest", "vnp", "--by", "ada"],
    ] {
        folder.duoctl(command).at(&server).run().exits(64);
    }
    folder.duoctl(["ignore", "vnp", "greeting", "--reason", "r"]).run().exits(64);
    assert_eq!(server.writes(), writes);
}

#[test]
fn nothing_is_removed_while_there_are_errors() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let fewer = THREE.replace("  siem: {type: adminapi, name: SIEM export, user_access: no_users, permissions: [info, read_resource]}\n", "");
    folder.declare(&fewer.replace("VPN Users", "Nobody Knows"));
    let writes = server.writes();
    let refused =
        folder.duoctl(["apply", "--prune", "--auto-approve", "--no-verify"]).at(&server).run().exits(1);
    refused
        .warns("not removed while there are errors: applications.siem")
        .says("Skipped because of errors: applications.vpn.");
    assert_eq!(server.writes(), writes);
    folder.declare(&fewer);
    let pruned =
        folder.duoctl(["apply", "--prune", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    pruned.says("quarantined applications.siem");
}

#[test]
fn a_saved_plan_is_bound_to_what_the_yaml_says() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let plan = || folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    let apply = || folder.duoctl(["apply", "plan.json", "--no-verify"]).at(&server).run();
    plan();
    folder.write("duo.yaml", &folder.read("duo.yaml").replace("Help desk", "Service desk"));
    apply().exits(6).warns("the YAML changed");
    folder.write("duo.yaml", &folder.read("duo.yaml").replace("Service desk", "Help desk"));
    let same = format!("# why\n{}", folder.read("duo.yaml").replace('\n', "\r\n"));
    folder.write("duo.yaml", &same);
    apply().exits(0);
}

#[test]
fn a_saved_plan_holds_no_secret_and_says_how_to_carry_it_out() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let outcome = folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    outcome.warns("saved plan.json; apply it with:\n  duoctl apply plan.json");
    let document: Value = serde_json::from_str(&folder.read("plan.json")).unwrap();
    assert_eq!(document["made_with"]["path"], ".");
    folder
        .duoctl(["plan", "--out", "no/such/folder/plan.json"])
        .at(&server)
        .run()
        .exits(1)
        .warns("no/such/folder/plan.json cannot be written");
}

#[test]
fn what_cannot_be_resolved_stops_its_address_alone() {
    let server = Server::start();
    let folder = Folder::with(&THREE.replace("VPN Users", "VPN User"));
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(1).warns("VPN Users");
    assert_eq!(
        plan.last_line(),
        "Plan: 2 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged. 1 stopped by errors."
    );
    let apply = folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(4);
    assert_eq!(server.named("VPN").len(), 0);
    apply.says("Applied: 2 of 2 steps.");
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(1);
}
