//! A saved plan is carried out exactly as shown, or not at all.

use serde_json::{Value, json};

use crate::support::{Folder, Server, THREE, object};

/// A folder and an account with one pending change at `vpn`, and the saved plan for it.
fn pending() -> (Folder, Server) {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    folder.declare(&THREE.replace("Owned by the network team", "Owned by the VPN team"));
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    (folder, server)
}

#[track_caller]
fn is_stale(folder: &Folder, server: &Server, because: &str) {
    let writes = server.writes();
    let outcome = folder.duoctl(["apply", "plan.json"]).at(server).run().exits(6);
    outcome
        .warns("the saved plan is stale, so nothing was changed")
        .warns(because)
        .warns("duoctl plan --out FILE");
    assert_eq!(server.writes(), writes);
}

#[test]
fn it_is_applied_without_a_further_question_once() {
    let (folder, server) = pending();
    folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(0).says("Applied: 1 of 1 steps.");
    assert!(server.named("VPN")[0]["notes"].as_str().unwrap().starts_with("Owned by the VPN team"));
    is_stale(&folder, &server, &format!("application {} no longer needs a change", server.ikey("VPN")));
}

#[test]
fn it_is_stale_when_the_yaml_moved() {
    let (folder, server) = pending();
    folder.declare(&THREE.replace("Owned by the network team", "Owned by somebody else"));
    is_stale(&folder, &server, "the YAML changed");
}

#[test]
fn it_is_stale_when_an_administrator_edited_an_application_that_it_touches() {
    let (folder, server) = pending();
    server.edit("VPN", json!({"self_service_allowed": "1"}));
    is_stale(&folder, &server, &format!("application {} changed in Duo", server.ikey("VPN")));
}

#[test]
fn it_is_not_stale_for_an_application_that_it_does_not_touch() {
    let (folder, server) = pending();
    server.edit("Intranet", json!({"notes": "edited"}));
    folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(0);
}

#[test]
fn it_is_stale_when_an_application_came_or_went() {
    let (folder, server) = pending();
    let new = object(json!({"type": "radius", "name": "New", "user_access": "NO_USERS"}));
    let created = server.account().create_application(new).unwrap_or_else(|_| panic!("refused"));
    is_stale(&folder, &server, "applications were added or removed in Duo");
    server
        .account()
        .delete_application(created["integration_key"].as_str().unwrap())
        .unwrap_or_else(|_| panic!());
    folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(0);
}

#[test]
fn it_is_stale_when_a_name_means_another_group() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    server.account().add_group("VPN Users").unwrap();
    is_stale(&folder, &server, "a group, a policy or an option of the plan changed");
}

#[test]
fn an_account_that_cannot_be_read_is_not_called_stale() {
    let (folder, server) = pending();
    server.disturb("5xx=99");
    let outcome = folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(75);
    assert!(!outcome.stderr.contains("stale"), "{outcome:?}");
}

#[test]
fn it_is_for_one_tenant_and_one_version() {
    let (folder, server) = pending();
    let yaml = folder.read("duo.yaml").replace("api-1a2b3c4d", "api-00000000");
    folder.write("duo.yaml", &yaml);
    server.account().set_api_hostname("api-00000000.duosecurity.com").unwrap();
    is_stale(&folder, &server, "the tenant is now api-00000000.duosecurity.com");
    edit_plan(&folder, |plan| plan["fingerprint"]["tool_version"] = json!("0.0.1"));
    is_stale(&folder, &server, "the plan was made by duoctl 0.0.1");
    let (folder, server) = pending();
    edit_plan(&folder, |plan| plan["tool_version"] = json!("9.9.9"));
    let writes = server.writes();
    let refused = folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(1);
    refused.warns("it was edited: its `tool_version` differs from that of its fingerprint");
    assert_eq!(server.writes(), writes);
}

fn edit_plan(folder: &Folder, edit: impl Fn(&mut Value)) {
    let mut plan = serde_json::from_str(&folder.read("plan.json")).unwrap();
    edit(&mut plan);
    folder.write("plan.json", &plan.to_string());
}

#[test]
fn what_was_written_into_the_file_is_never_carried_out() {
    let (folder, server) = pending();
    edit_plan(&folder, |plan| {
        plan["steps"][0]["changes"][0]["after"] = json!("Hacked");
        plan["steps"][0]["address"] = json!("applications.siem");
    });
    folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(0).says("updated applications.vpn");
    assert!(server.named("VPN")[0]["notes"].as_str().unwrap().starts_with("Owned by the VPN team"));

    let (folder, server) = pending();
    edit_plan(&folder, |plan| plan["made_with"]["prune"] = json!("now"));
    let steps = THREE.replace("Owned by the network team", "Owned by the VPN team");
    folder.declare(&steps[..steps.find("  vpn:").unwrap()]);
    is_stale(&folder, &server, "the YAML changed");
    assert_eq!(server.named("VPN").len(), 1);
}

#[test]
fn what_is_no_saved_plan_is_refused_with_the_reason() {
    let (folder, server) = pending();
    let good = folder.read("plan.json");
    let refused = |text: &str, because: &str| {
        folder.write("plan.json", text);
        folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(1).warns(because);
    };
    refused("", "plan.json is not a saved plan: expected a `.yaml` file or a saved plan in JSON");
    refused("{}", "its `kind` must be one of `plan`");
    refused(&good[..good.len() / 2], "expected a `.yaml` file or a saved plan in JSON");
    refused(
        &good.replace("\"format_version\": \"1.0\"", "\"format_version\": \"7.0\""),
        "its format version is \"7.0\"",
    );
    refused(&good.replace("\"fingerprint\"", "\"print\""), "it has no `fingerprint`");
    refused(&good.replace("\"made_with\"", "\"made\""), "it was not saved with `duoctl plan --out`");
    folder.write("plan.json", &good);
    folder
        .duoctl(["apply", "plan.json", "--prune"])
        .at(&server)
        .run()
        .exits(64)
        .warns("are part of a saved plan");
}

#[test]
fn a_value_that_duo_does_not_take_is_not_worth_a_repeat() {
    let server = Server::start();
    let folder = Folder::with("applications: {q: {type: quantumvpn, name: Q, user_access: no_users}}\n");
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0).warns("does not know the type");
    let outcome = folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(1);
    outcome
        .says("Invalid request parameters (type) [40002]; fix the cause, then run `duoctl apply` again")
        .says("  Duo rejected a value; the detail in its reply may name it: correct that field in the YAML");
}

#[test]
#[cfg(unix)]
fn a_pipe_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let (folder, server) = pending();
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open on both ends, so that nothing blocks.
    let _reader = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
    folder.duoctl(["plan", "--out", "pipe"]).at(&server).run().exits(0);
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());

    std::os::unix::fs::symlink("plan.json", folder.path("link")).unwrap();
    folder.write("plan.json", "old");
    let refused = folder.duoctl(["plan", "--out", "link"]).at(&server).run().exits(1);
    refused.warns("link cannot be written: it is a symbolic link; use the path that it points to");
    assert_eq!(folder.read("plan.json"), "old");
}

#[test]
fn a_guard_is_not_lifted_by_saving() {
    let (folder, server) = pending();
    folder.declare(&THREE.replace("[info, read_resource]", "[info, read_resource, write_resource]"));
    let arguments = ["plan", "--out", "plan.json", "--allow", "escalates_privilege"];
    folder.duoctl(arguments).at(&server).run().exits(0);
    folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(5).says("--allow escalates_privilege");
    folder.duoctl(["apply", "plan.json", "--allow", "escalates_privilege"]).at(&server).run().exits(0);
}

/// Someone who may leave a plan for the apply job, but may not apply, controls neither its YAML nor what is removed.
#[test]
fn with_config_it_is_refused_unless_it_is_of_that_yaml_with_the_same_arguments() {
    let (folder, server) = pending();
    let writes = server.writes();
    let apply = |rest: &[&str]| folder.duoctl(["apply", "plan.json"].iter().chain(rest)).at(&server).run();
    std::fs::create_dir(folder.path(".theirs")).unwrap();
    folder.write(".theirs/duo.yaml", &folder.read("duo.yaml").replace("VPN team", "VPN crew"));
    folder.duoctl(["plan", ".theirs", "--out", "plan.json"]).at(&server).run().exits(0);
    apply(&["--config", "."]).exits(5).warns("it was made from \".theirs\", but --config is \".\"");
    apply(&["--config", "missing"]).exits(5).warns("is not the expected plan, so nothing was changed");

    folder.duoctl(["plan", "--prune=now", "--out", "plan.json"]).at(&server).run().exits(0);
    apply(&["--config", "."]).exits(5).warns("it was made with --prune=now");
    apply(&["--config", ".", "--prune"]).exits(5);
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    apply(&["--config", ".", "--prune"]).exits(5).warns("it was made without --prune");
    apply(&["--prune"]).exits(64);
    apply(&["--config", ".", "--exclude", "applications.siem"])
        .exits(5)
        .warns("different --only or --exclude");
    folder.duoctl(["plan", "--exclude", "applications.vpn", "--out", "plan.json"]).at(&server).run().exits(0);
    apply(&["--config", "."]).exits(5).warns("pass the same to `duoctl apply`");
    assert_eq!(server.writes(), writes);
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);

    folder
        .duoctl(["apply", ".", "--config", "."])
        .at(&server)
        .run()
        .exits(64)
        .warns("--config applies only to a saved plan");
    apply(&["--config", &folder.path("").display().to_string()]).exits(0).says("Applied: 1 of 1 steps.");
    folder.duoctl(["plan", "--prune", "--out", "plan.json"]).at(&server).run().exits(0);
    apply(&["--config", ".", "--prune"]).exits(0);
}

#[test]
fn what_cannot_be_read_now_has_not_moved() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["plan", "--out", "saved.json"]).at(&server).run().exits(0);
    server.disturb("5xx=999@/admin/v1/groups");
    let outcome = folder.duoctl(["apply", "saved.json"]).at(&server).run().exits(75);
    assert!(!outcome.stderr.contains("stale") && server.writes() == 0, "{outcome:?}");
    server.calm();
    folder.duoctl(["apply", "saved.json", "--no-verify"]).at(&server).run().exits(0);
}
