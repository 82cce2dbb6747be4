//! `--report FORMAT=FILE`: in addition to the terminal's output, complete or not at all, and never through a link.

use serde_json::{Value, json};

use super::schemas::is_valid;
use crate::support::{Folder, Server, THREE};

#[test]
fn several_reports_stand_beside_the_terminal() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let plain = folder.duoctl(["plan"]).at(&server).run().exits(0);
    folder.write("old.md", "old");
    let reports = [
        "--report",
        "json=plan.json",
        "--report",
        "markdown=old.md",
        "--report",
        "github=log",
        "--report=gitlab=quality.json",
    ];
    let outcome = folder.duoctl(["plan"].iter().chain(&reports)).at(&server).run().exits(0);
    assert_eq!((outcome.stdout, outcome.stderr), (plain.stdout, plain.stderr));
    let document: Value = serde_json::from_str(&folder.read("plan.json")).unwrap();
    is_valid(&document);
    assert!(folder.read("old.md").starts_with("<!-- duoctl:plan acme -->\n### duoctl plan: `acme`"));
    assert!(folder.read("log").ends_with("12 unmanaged.\n"));
    assert_eq!(folder.read("quality.json"), "[]\n");
    // No other files are left behind.
    let mut names: Vec<String> = std::fs::read_dir(folder.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["duo.yaml", "log", "old.md", "plan.json", "quality.json"]);
}

#[test]
fn a_failure_is_reported_where_the_outcome_would_have_been() {
    let (folder, server) = (Folder::with(&THREE.replace("type: radius", "tipe: radius")), Server::start());
    let arguments =
        ["plan", "--report", "markdown=comment.md", "--report", "json=plan.json", "--format", "github"];
    let outcome = folder.duoctl(arguments).at(&server).run().exits(1).warns("error[unknown-key]");
    assert!(outcome.stdout.starts_with("::error file=duo.yaml,line="), "{}", outcome.stdout);
    let comment = folder.read("comment.md");
    assert!(comment.starts_with("<!-- duoctl:plan acme -->"), "the same comment is edited: {comment}");
    assert!(comment.contains("exit code 1") && comment.contains("`unknown-key`"), "{comment}");
    is_valid(&serde_json::from_str(&folder.read("plan.json")).unwrap());
}

#[test]
#[cfg(unix)]
fn a_report_is_never_written_through_a_link() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.write("precious", "keep me");
    std::os::unix::fs::symlink("precious", folder.path("report.md")).unwrap();
    let arguments = ["apply", "--auto-approve", "--report", "markdown=report.md"];
    let outcome = folder.duoctl(arguments).at(&server).run().exits(1);
    outcome.warns("report.md cannot be written: it is a symbolic link");
    assert_eq!(folder.read("precious"), "keep me");
    assert_eq!(server.writes(), 0, "nothing is applied when it cannot be reported");
    for (path, because) in
        [("nowhere/x", "its folder does not exist"), (".", "it is a folder"), ("duo.yaml/x", "")]
    {
        let report = format!("json={path}");
        folder.duoctl(["plan", "--report", &report]).at(&server).run().exits(1).warns(because);
    }
}

#[test]
#[cfg(unix)]
fn a_report_is_as_readable_as_any_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::with(THREE);
    folder.write("plain", "");
    folder.write("shared.json", "");
    std::fs::set_permissions(folder.path("shared.json"), std::fs::Permissions::from_mode(0o664)).unwrap();
    let arguments = ["validate", "--report", "json=new.json", "--report", "sarif=shared.json"];
    folder.duoctl(arguments).run().exits(0);
    let mode = |name: &str| std::fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("new.json"), mode("plain"));
    assert_eq!(mode("shared.json"), 0o664);
}

#[test]
fn a_step_summary_is_added_to() {
    let folder = Folder::with(THREE);
    folder.write("summary", "# Before\n\n");
    let summary = folder.path("summary").display().to_string();
    let report = format!("markdown={summary}");
    let call = || folder.duoctl(["validate", "--report", &report]).env("GITHUB_STEP_SUMMARY", &summary);
    call().run().exits(0);
    call().run().exits(0);
    let text = folder.read("summary");
    assert!(text.starts_with("# Before\n\n<!-- duoctl:validate acme -->"), "{text}");
    assert_eq!(text.matches("duoctl:validate").count(), 2);
}

#[test]
fn what_is_no_report_is_a_usage_error() {
    let folder = Folder::with(THREE);
    for (report, because) in [
        ("markdown", "write FORMAT=FILE"),
        ("human=x", "no report in the format `human`"),
        ("poem=x", "there are json, markdown, html, github, sarif, gitlab"),
        ("json=", "name a file"),
        ("json=-", "stdout has --format json"),
    ] {
        folder.duoctl(["validate", "--report", report]).run().exits(64).warns(because);
    }
    let twice = ["validate", "--report", "json=x", "--report", "sarif=x"];
    folder.duoctl(twice).run().exits(64).warns("two outputs go to the same file, x and x");
    assert!(!folder.path("x").exists());
    folder.duoctl(["plan", "--report", "sarif=x"]).run().exits(64);
}

#[test]
fn an_apply_is_reported_step_by_step() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let arguments = ["apply", "--auto-approve", "--report", "markdown=a.md", "--report", "json=a.json"];
    folder.duoctl(arguments).at(&server).run().exits(0);
    let text = folder.read("a.md");
    assert!(
        text.contains("**Applied: 3 of 3 steps.**") && text.contains("**Verified: 3 of 3 applications.**"),
        "{text}"
    );
    // A reader sees that the applied plan is the planned one: the same twelve digits.
    let document: Value = serde_json::from_str(&folder.read("a.json")).unwrap();
    folder.write("plan.json", &document["plan"].to_string());
    let planned = folder.duoctl(["show", "plan.json", "--format", "markdown"]).run().exits(0);
    assert_eq!(planned.last_line(), text.lines().last().unwrap());
    server.edit("VPN", json!({"notes": "x"}));
    let arguments =
        ["verify", "--report", "markdown=v.md", "--report", "junit=v.xml", "--report", "json=v.json"];
    folder.duoctl(arguments).at(&server).run().exits(0);
    let junit = folder.duoctl(["verify", "--format", "junit"]).at(&server).run().exits(0);
    // How long a call takes differs from run to run.
    let timeless = |xml: &str| {
        let time = regex::Regex::new(" time=\"[0-9.]+\"").unwrap();
        assert_eq!(time.find_iter(xml).count(), 5, "three suites and the two of one test case: {xml}");
        time.replace_all(xml, "").into_owned()
    };
    assert_eq!(timeless(&folder.read("v.xml")), timeless(&junit.stdout));
    assert!(
        junit.stdout.contains("file=\"duo.yaml\"") && junit.stdout.contains("name=\"line\" value=\"7\""),
        "{}",
        junit.stdout
    );
    let shown = folder.duoctl(["show", "v.json", "--format", "junit"]).run().exits(0);
    assert_eq!(shown.stdout, folder.read("v.xml"));
    assert!(folder.read("v.md").starts_with("<!-- duoctl:verify acme -->"));
}
