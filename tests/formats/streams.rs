//! `--format jsonl`: events while a command runs, and its document at the end.

use serde_json::Value;

use super::schemas::is_valid;
use crate::support::{Folder, Server, THREE};

fn lines(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| {
            let value = serde_json::from_str(line).unwrap();
            is_valid(&value);
            value
        })
        .collect()
}

fn events(lines: &[Value]) -> Vec<String> {
    let events = lines.iter().filter(|line| line["kind"] == "event");
    events
        .map(|line| format!("{} {}", line["event"].as_str().unwrap(), line["address"].as_str().unwrap()))
        .collect()
}

#[test]
fn an_apply_streams_its_plan_its_steps_and_its_proofs() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let arguments = ["apply", "--auto-approve", "--parallelism", "1", "--format", "jsonl"];
    let outcome = folder.duoctl(arguments).at(&server).run().exits(0);
    let lines = lines(&outcome.stdout);
    assert_eq!(lines[0]["kind"], "plan");
    assert_eq!(
        events(&lines),
        [
            // A creation waits for a complete list.
            "step_begun applications.helpdesk",
            "step_begun applications.siem",
            "step_begun applications.vpn",
            "step_ended applications.helpdesk",
            "step_ended applications.siem",
            "step_ended applications.vpn",
            "application_verified applications.helpdesk",
            "application_verified applications.siem",
            "application_verified applications.vpn",
        ]
    );
    let last = lines.last().unwrap();
    assert_eq!((&last["kind"], &last["summary"]["applied"]), (&Value::from("apply"), &Value::from(3)));
}

#[test]
fn a_line_is_there_before_the_run_ends() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let arguments = ["apply", "--auto-approve", "--parallelism", "1", "--format", "jsonl"];
    let mut process = folder.duoctl(arguments).at(&server).start();
    let plan: Value = serde_json::from_str(&process.line()).unwrap();
    assert_eq!(plan["kind"], "plan");
    let begun: Value = serde_json::from_str(&process.line()).unwrap();
    assert_eq!((&begun["event"], &begun["action"]), (&Value::from("step_begun"), &Value::from("create")));
    let rest = process.end().exits(0);
    assert!(lines(&rest.stdout).len() > 6);
}

#[test]
fn verify_streams_applications_and_connections() {
    let intelligence = "identity_intelligence:\n  emea: {display_name: Duo EMEA, access: read_only}\n";
    let (folder, server) = (Folder::with(&format!("{THREE}{intelligence}")), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let outcome = folder.duoctl(["verify", "--format", "jsonl"]).at(&server).run().exits(0);
    let lines = lines(&outcome.stdout);
    assert_eq!(events(&lines).len(), 5, "{:?}", events(&lines));
    assert!(events(&lines).contains(&"connection_checked identity_intelligence.emea".to_owned()));
    assert_eq!(lines.last().unwrap()["kind"], "verify");
}
