//! `vars`: how they are set, and how plans and edits treat them.

use serde_json::json;

use crate::support::{Folder, Server};

const YAML: &str = "vars:
  company: {default: Acme}
  greeting: {required: true}
applications:
  vpn:
    type: radius
    name: VPN
    user_access: no_users
    notes: ${vars.company} owns it
    greeting: ${vars.greeting}
";

#[test]
fn every_command_that_reads_the_yaml_takes_them_from_the_command_line_or_the_environment() {
    let (folder, server) = (Folder::with(YAML), Server::start());
    folder.duoctl(["validate"]).run().exits(1).warns("the variable `greeting` has no value");
    folder.duoctl(["validate"]).run().exits(1).warns("use --var greeting=VALUE or set DUOCTL_VAR_GREETING");
    folder.duoctl(["validate", "--var=greeting=Hello"]).run().exits(0);
    folder.duoctl(["validate", "--untrusted"]).env("DUOCTL_VAR_GREETING", "Hello").run().exits(0);
    folder
        .duoctl(["validate", "--var=greetin=x"])
        .env("DUOCTL_VAR_GREETING", "x")
        .run()
        .exits(1)
        .warns("did you mean `greeting`?");
    folder.duoctl(["validate", "--var=greeting"]).run().exits(64).warns("write NAME=VALUE");
    folder
        .duoctl(["apply", "--auto-approve", "--no-verify", "--var=greeting=Hello"])
        .at(&server)
        .run()
        .exits(0);
    let vpn = server.named("VPN").remove(0);
    assert_eq!(vpn["greeting"], json!("Hello"));
    assert!(vpn["notes"].as_str().unwrap().starts_with("Acme owns it"));
    for command in
        [&["plan", "--detailed-exitcode"][..], &["drift"], &["verify"], &["keys", "list"], &["doctor"]]
    {
        folder.duoctl(command).at(&server).env("DUOCTL_VAR_GREETING", "Hello").run().exits(0);
        folder.duoctl(command).at(&server).run().exits(1).warns("the variable `greeting` has no value");
    }
    folder.duoctl(["plan", "--var=greeting=Bye"]).at(&server).run().exits(0).says("Bye");
}

#[test]
fn a_saved_plan_is_bound_to_the_values() {
    let (folder, server) = (Folder::with(YAML), Server::start());
    let hello = "--var=greeting=Hello";
    folder.duoctl(["plan", "--out=plan.json", hello]).at(&server).run().exits(0);
    folder.duoctl(["apply", "plan.json"]).at(&server).run().exits(1).warns("has no value");
    folder
        .duoctl(["apply", "plan.json", "--var=greeting=Bye"])
        .at(&server)
        .run()
        .exits(6)
        .warns("the YAML changed");
    assert_eq!(server.named("VPN").len(), 0);
    folder
        .duoctl(["apply", "plan.json", "--no-verify"])
        .at(&server)
        .env("DUOCTL_VAR_GREETING", "Hello")
        .run()
        .exits(0);
}

#[test]
fn no_edit_overwrites_one_and_what_looks_like_one_in_duo_is_escaped() {
    let (folder, server) = (Folder::with(YAML), Server::start());
    let hello = "--var=greeting=Hello";
    folder.duoctl(["apply", "--auto-approve", "--no-verify", hello]).at(&server).run().exits(0);
    server.edit("VPN", json!({"greeting": "Good morning"}));
    let before = folder.read("duo.yaml");
    folder
        .duoctl(["accept", "applications.vpn", hello])
        .at(&server)
        .run()
        .exits(1)
        .warns("`applications.vpn.greeting` comes from a variable, `${vars.greeting}`");
    assert_eq!(folder.read("duo.yaml"), before);
    // Editing another key keeps them, and what duoctl writes reads back the same.
    folder.duoctl(["ignore", "applications.vpn", "greeting", "--reason=costs ${x}", hello]).run().exits(0);
    let text = folder.read("duo.yaml");
    assert!(text.contains("greeting: ${vars.greeting}\n") && text.contains("costs $${x}"), "{text}");
    folder.duoctl(["fmt"]).run().exits(0);
    folder.duoctl(["validate", hello]).run().exits(0);
    let new =
        json!({"type": "radius", "name": "Costs ${5}", "user_access": "NO_USERS", "greeting": "$${vars.x}"});
    assert!(server.account().create_application(crate::support::object(new)).is_ok());
    folder.duoctl(["import", hello]).at(&server).run().exits(0);
    let text = folder.read("duo.yaml");
    assert!(text.contains("Costs $${5}") && text.contains("$$${vars.x}"), "{text}");
    let plan = folder.duoctl(["plan", hello]).at(&server).run().exits(0);
    plan.says("0 to add");
}
