//! An exit code never depends on the format, and `--fail-severity` has its own.

use serde_json::json;

use crate::support::{Folder, Server, THREE};

const WARNED: &str = "applications:
  q: {type: quantumvpn, name: Q, user_access: no_users}
";

const FORMATS: [(&str, &[&str]); 6] = [
    ("graph", &["human", "markdown", "html", "json"]),
    ("validate", &["human", "json", "markdown", "html", "github", "sarif", "gitlab"]),
    ("plan", &["human", "json", "markdown", "html", "github", "gitlab"]),
    ("drift", &["human", "json", "markdown", "html", "github", "gitlab"]),
    ("apply", &["human", "json", "jsonl", "markdown", "html", "github"]),
    ("verify", &["human", "json", "jsonl", "markdown", "html", "github", "junit"]),
];

/// Runs a command in all its formats, each with a report, and returns their common exit code.
#[track_caller]
fn code(folder: &Folder, server: &Server, arguments: &[&str]) -> i32 {
    let formats = FORMATS.iter().find(|(command, _)| *command == arguments[0]).unwrap().1;
    let mut codes = Vec::new();
    for format in formats {
        let report = format!("--report=markdown={}", folder.path("report.md").display());
        let all = arguments.iter().copied().chain(["--format", format, &report]);
        let call = folder.duoctl(all);
        let outcome = if arguments[0] == "validate" { call } else { call.at(server) }.run();
        if *format != "human" {
            assert!(!outcome.stdout.is_empty(), "{arguments:?} {format} says nothing");
        }
        assert!(folder.read("report.md").starts_with("<!-- duoctl:"), "{arguments:?} {format}");
        std::fs::remove_file(folder.path("report.md")).unwrap();
        codes.push(outcome.code.unwrap());
    }
    codes.dedup();
    assert_eq!(codes.len(), 1, "{arguments:?} {codes:?}");
    codes[0]
}

#[test]
fn no_format_changes_an_exit_code() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let run = |arguments: &[&str]| code(&folder, &server, arguments);
    assert_eq!(run(&["validate"]), 0);
    assert_eq!(run(&["graph"]), 0);
    assert_eq!(run(&["graph", "--live"]), 0);
    assert_eq!(run(&["plan"]), 0);
    assert_eq!(run(&["plan", "--detailed-exitcode"]), 2);
    assert_eq!(run(&["apply"]), 5, "nobody consents");
    assert_eq!(run(&["verify"]), 3, "nothing is there");
    folder.duoctl(["plan", "--out", "plan.json"]).at(&server).run().exits(0);
    assert_eq!(run(&["apply", "--auto-approve"]), 0);
    assert_eq!(run(&["apply", "plan.json"]), 6);
    assert_eq!(run(&["verify"]), 0);
    assert_eq!(run(&["drift"]), 0);
    server.edit("VPN", json!({"notes": "edited"}));
    assert_eq!(run(&["drift"]), 2);
    folder.declare(&THREE.replace("[info, read_resource]", "[info, read_resource, write_resource]"));
    assert_eq!(run(&["apply", "--auto-approve"]), 5, "a guard refuses");
    folder.declare(&THREE.replace("VPN Users", "Nobody Knows"));
    assert_eq!(run(&["plan"]), 1);
    assert_eq!(run(&["drift"]), 1);
    server.disturb("5xx=9999");
    for command in ["plan", "drift", "apply", "verify"] {
        assert_eq!(run(&[command]), 75);
    }
    server.calm();
    folder.declare(&THREE.replace("radius", "[]"));
    for command in ["validate", "graph", "plan", "drift", "apply", "verify"] {
        assert_eq!(run(&[command]), 1);
    }
}

#[test]
fn from_a_severity_on_findings_fail() {
    let (folder, server) = (Folder::with(WARNED), Server::start());
    assert_eq!(code(&folder, &server, &["validate"]), 0);
    assert_eq!(code(&folder, &server, &["validate", "--fail-severity", "error"]), 0);
    assert_eq!(code(&folder, &server, &["validate", "--fail-severity", "warning"]), 7);
    assert_eq!(code(&folder, &server, &["validate", "--fail-severity", "note"]), 7);
    folder.declare(THREE);
    assert_eq!(code(&folder, &server, &["validate", "--fail-severity", "note"]), 0);
    folder.declare(&THREE.replace("radius", "[]"));
    assert_eq!(code(&folder, &server, &["validate", "--fail-severity", "error"]), 7);
    assert_eq!(code(&folder, &server, &["validate"]), 1);
}
