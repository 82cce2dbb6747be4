//! `show`: a saved plan or report, offline, as the command itself printed it.

use serde_json::{Value, json};

use crate::support::{Folder, Server, THREE};

const INTELLIGENCE: &str = "identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only, push_verification: {application_name: Acme}}
";

/// Saves a plan and compares what was printed then with what `show` prints.
#[track_caller]
fn is_shown_as_printed(folder: &Folder, server: &Server, arguments: &[&str]) {
    let all = ["plan", "--out", "plan.json"].iter().chain(arguments);
    let printed = folder.duoctl(all).at(server).run().exits(0);
    let shown = folder.duoctl(["show", "plan.json"]).run().exits(0);
    let findings = shown.stdout.find("\n\n").filter(|_| shown.stdout.contains("]: "));
    let shown = findings
        .map_or(shown.stdout.as_str(), |_| &shown.stdout[shown.stdout.find(&printed.stdout[..8]).unwrap()..]);
    assert_eq!(shown, printed.stdout);
}

#[test]
fn a_saved_plan_is_shown_as_it_was_printed() {
    let (folder, server) = (Folder::with(&format!("{THREE}{INTELLIGENCE}")), Server::start());
    is_shown_as_printed(&folder, &server, &[]);
    is_shown_as_printed(&folder, &server, &["--only", "*.vpn"]);
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    is_shown_as_printed(&folder, &server, &[]);
    folder.duoctl(["attest", "emea", "--by", "me@example.com"]).at(&server).run().exits(0);
    is_shown_as_printed(&folder, &server, &[]);
    folder.write("duo.yaml", &folder.read("duo.yaml").replace("Duo EMEA", "Duo EMEA 2"));
    is_shown_as_printed(&folder, &server, &[]);
    server.edit("VPN", json!({"notes": "x", "greeting": "Hi", "user_access": "ALL_USERS"}));
    is_shown_as_printed(&folder, &server, &[]);
    folder.declare(&THREE.replace("radius", "unix").replace("[info, read_resource]", "[info, settings]"));
    is_shown_as_printed(&folder, &server, &["--prune"]);
    is_shown_as_printed(&folder, &server, &["--prune=now"]);
    folder.declare("applications: {}\n");
    is_shown_as_printed(&folder, &server, &[]);
}

#[test]
fn every_format_of_a_saved_plan_is_that_of_the_plan() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    server.edit("VPN", json!({"user_access": "ALL_USERS"}));
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    for format in ["markdown", "github", "gitlab"] {
        let printed = folder.duoctl(["plan", "--format", format]).at(&server).run().exits(0);
        let shown = folder.duoctl(["show", "plan.json", "--format", format]).run().exits(0);
        assert_eq!(shown.stdout, printed.stdout, "{format}");
    }
    let shown = folder.duoctl(["show", "plan.json", "--format", "json"]).run().exits(0);
    assert_eq!(shown.stdout, folder.read("plan.json"));
    folder
        .duoctl(["show", "plan.json", "--format", "sarif"])
        .run()
        .exits(64)
        .warns("cannot be shown as sarif");
}

#[test]
fn reports_are_shown_too() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--report", "json=apply.json"]).at(&server).run().exits(0);
    let shown = folder.duoctl(["show", "apply.json"]).run().exits(0).says("created applications.vpn DI");
    assert_eq!(shown.last_line(), "Verified: 3 of 3 applications.");
    folder.duoctl(["verify", "--report", "json=verify.json"]).at(&server).run().exits(0);
    let shown = folder.duoctl(["show", "verify.json"]).run().exits(0);
    let printed = folder.duoctl(["verify", "-v"]).at(&server).run().exits(0);
    assert_eq!(shown.stdout, printed.stdout);
    folder.declare(&THREE.replace("radius", "[]"));
    folder.duoctl(["validate", "--report", "json=validate.json"]).run().exits(1);
    folder
        .duoctl(["show", "validate.json"])
        .run()
        .exits(0)
        .says("error[wrong-type]")
        .says("Not valid: 1 error.");
    let stdin = std::fs::File::open(folder.path("validate.json")).unwrap();
    folder.duoctl(["show", "-", "--format", "sarif"]).stdin(stdin).run().exits(0).says("\"wrong-type\"");
}

#[test]
fn what_cannot_be_shown_is_refused_with_the_reason() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    let good: Value = serde_json::from_str(&folder.read("plan.json")).unwrap();
    let refused = |text: &str, because: &str| {
        folder.write("bad.json", text);
        let outcome = folder.duoctl(["show", "bad.json"]).run().exits(1).warns(because);
        assert!(outcome.stdout.is_empty() && !outcome.stderr.contains("hunter2"), "{outcome:?}");
    };
    refused("", "bad.json cannot be shown: it is not valid JSON (line 1, column 0)");
    refused("{}", "its `kind` must be one of `plan`, `drift`");
    refused("[1]", "its `kind` must be one of");
    let edit = |pointer: &str, value: Value| {
        let mut edited = good.clone();
        *edited.pointer_mut(pointer).unwrap() = value;
        edited.to_string()
    };
    refused(
        &edit("/format_version", json!("2.0")),
        "its format version is \"2.0\", but this duoctl reads 1.0",
    );
    refused(&edit("/steps/0/action", json!("hunter2")), "has the wrong type");
    refused(&edit("/steps", json!("hunter2")), "has the wrong type");
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("fingerprint");
    refused(&without.to_string(), "it has no `fingerprint`");
    // A later version of the same format may have more.
    let mut more = good.clone();
    more["news"] = json!({"x": 1});
    more["format_version"] = json!("1.7");
    folder.write("more.json", &more.to_string());
    folder.duoctl(["show", "more.json"]).run().exits(0).says("Plan: 3 to add");
    folder.duoctl(["show", "nowhere.json"]).run().exits(1).warns("cannot be read");
    folder.duoctl(["show", "."]).run().exits(1);
    refused(&format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)), "it is not valid JSON");
}
