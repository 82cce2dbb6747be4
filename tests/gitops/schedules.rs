//! What runs by itself: drift as a pull request, verification, rotation, and code scanning.

use std::fs;

use serde_json::{Value, json};

use super::story::{Story, git, pull_request};
use crate::support::{Call, HEAD, THREE};

#[test]
fn what_was_changed_in_duo_becomes_one_pull_request() {
    let story = Story::begin();
    let commit = story.pushed("main");
    let accept = || story.job("accept.yml", "accept", &commit, false, &[]);
    let nothing = accept();
    assert_eq!(nothing.passed, Some(true), "{}", nothing.log);
    assert!(story.stage.held("requests").is_empty());

    for (name, address, properties) in [
        ("VPN", "applications.vpn", json!({"policy_key": ""})),
        ("Help desk", "applications.helpdesk", json!({"user_access": "ALL_USERS"})),
    ] {
        story.server.edit(name, properties);
        let accepted = accept();
        assert_eq!(accepted.passed, Some(true), "{}", accepted.log);
        let requests = story.stage.held("requests");
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert_eq!(requests[0]["base"], "main");
        assert_eq!(requests[0]["head"], "duoctl/accept");
        let body = requests[0]["body"].as_str().unwrap();
        assert!(body.contains(address), "{body}");
    }
    // Its branch has the YAML that matches Duo.
    let work = story.work();
    git(&work, &["fetch", "-q", "origin"]);
    git(&work, &["checkout", "-q", "--detach", "origin/duoctl/accept"]);
    let text = fs::read_to_string(work.join("duo/duo.yaml")).unwrap();
    assert!(text.contains("policy: null") && text.contains("all_users"), "{text}");
    Call::new(&work, ["validate", "duo"]).run().exits(0);
    let changed = git(&work, &["diff", "--name-only", "origin/main", "HEAD"]);
    assert_eq!(changed, "duo/duo.yaml");
}

/// What cannot be copied into the YAML is named, and does not keep the rest from it.
#[test]
fn what_cannot_be_accepted_is_named() {
    let story = Story::begin();
    let commit = story.pushed("main");
    let path = format!("/admin/v1/integrations/{}", story.server.ikey("SIEM export"));
    story.server.account().as_administrator("DELETE", &path, serde_json::Map::new());
    story.server.edit("VPN", json!({"policy_key": ""}));
    let accepted = story.job("accept.yml", "accept", &commit, false, &[]);
    assert_eq!(accepted.passed, Some(true), "{}", accepted.log);
    let requests = story.stage.held("requests");
    let body = requests[0]["body"].as_str().unwrap();
    assert!(body.contains("\n- applications.siem\n") && !body.contains("- applications.vpn\n"), "{body}");
}

/// A key that Duo refuses says nothing about drift: the run fails, and what is open stays open.
#[test]
fn a_run_that_cannot_look_fails() {
    let story = Story::begin();
    let commit = story.pushed("main");
    story.server.edit("VPN", json!({"policy_key": ""}));
    assert_eq!(story.job("drift.yml", "drift", &commit, false, &[]).passed, Some(true));
    assert_eq!(story.stage.held("issues")[0]["state"], "open");
    for (workflow, job) in
        [("drift.yml", "drift"), ("accept.yml", "accept"), ("verify.yml", "verify"), ("rotate.yml", "rotate")]
    {
        let failed = story.job(workflow, job, &commit, false, &[("secrets.DUO_SKEY", "wrong")]);
        assert_eq!(failed.passed, Some(false), "{workflow}: {}", failed.log);
    }
    assert_eq!(story.stage.held("issues")[0]["state"], "open");
    assert!(story.stage.held("requests").is_empty());
}

#[test]
fn keys_are_verified_and_old_ones_rotated() {
    let yaml = format!("{HEAD}{THREE}").replace(
        "permissions: [info, read_resource]}",
        "permissions: [info, read_resource], secret: {store: local, path: siem.json}}",
    ) + "secret_stores:\n  local: {type: file, path: ../../kept}\n";
    let story = Story::begin_with(&[("duo/duo.yaml", yaml)]);
    let commit = story.pushed("main");
    let verify = || story.job("verify.yml", "verify", &commit, true, &[]);
    let verified = verify();
    assert_eq!(verified.passed, Some(true), "{}", verified.log);
    assert!(verified.summary.contains("Verified: 3 of 3 applications"), "{}", verified.summary);
    let kept = story.stage.folder.path().join("artifacts/duoctl-verify");
    let report = fs::read_to_string(kept.join("verify.xml")).unwrap();
    assert!(report.contains("<testsuites") && kept.join("verify.html").exists(), "{report}");

    let rotated = story.job("rotate.yml", "rotate", &commit, true, &[]);
    assert_eq!(rotated.passed, Some(true), "{}", rotated.log);
    assert!(rotated.summary.contains("### duoctl keys rotate\n\n    "), "{}", rotated.summary);
    let story_of = |max_age: &str| {
        let work = story.work();
        let path = work.join(".github/workflows/rotate.yml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("MAX_AGE: 90d", &format!("MAX_AGE: {max_age}"))).unwrap();
        git(&work, &["commit", "-q", "-am", "Rotate sooner"]);
        git(&work, &["push", "-q", "origin", "main"]);
        story.job("rotate.yml", "rotate", &story.pushed("main"), true, &[])
    };
    let refused = story_of("soon");
    assert_eq!(refused.passed, Some(false), "a failure is not hidden: {}", refused.log);
}

#[test]
fn findings_become_alerts() {
    let story = Story::begin();
    let (head, merged) = story.propose("user_access: no_users", "user_acess: no_users");
    let scan = |from: &str| {
        let context = [&pull_request(&head, from)[..], &[("github.ref", "refs/pull/7/merge")]].concat();
        story.job("code-scanning.yml", "scan", &merged, false, &context)
    };
    assert_eq!(scan("stranger/duo").passed, None);
    let scanned = scan("acme/duo");
    assert_eq!(scanned.passed, Some(true), "{}", scanned.log);
    let alerts = fs::read_to_string(story.stage.folder.path().join("alerts.sarif")).unwrap();
    let alerts: Value = serde_json::from_str(&alerts).unwrap();
    let results = alerts["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|result| result.to_string().contains("user_acess")), "{alerts}");
}
