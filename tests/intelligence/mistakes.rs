//! Mistakes: each gets the right message and the fix.

use std::fs;

use serde_json::{Map, Value, json};

use super::workspace::{CONNECTION, Elsewhere, Workspace};

/// The check of the one connection that was verified.
fn check<'r>(report: &'r Value, name: &str) -> &'r Value {
    let checks = report["identity_intelligence"][0]["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name}"))
}

fn report(workspace: &Workspace) -> (i32, Value) {
    let output = workspace.run(&["verify", "--format", "json"]);
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test]
async fn wrong_keys_in_the_console_fail_with_what_is_wrong_with_them() {
    let yaml = CONNECTION.replace(
        "    endpoints",
        "    push_verification: {application_name: Acme IT Support}\n    endpoints",
    );
    let workspace = Workspace::applied(&yaml);
    let (ikey, secret) = workspace.key();
    let auth = workspace.ikey("authapi", "Acme IT Support");
    let auth_secret = workspace.secret(&auth);
    let other = Workspace::applied(CONNECTION);
    let foreign = other.key();
    workspace.insist("emea");
    let console = workspace.console(&[]).await;
    let integration = console.fill("/console/integrations/duo", (&ikey, &secret)).await;
    console.running.shutdown().await;
    for (what, key, code, words) in [
        ("swapped", (secret.as_str(), ikey.as_str()), "40102", "swapped with the secret key"),
        ("of the Auth API", (auth.as_str(), auth_secret.as_str()), "40102", "from the Auth API"),
        ("of another account", ("DIOFANOTHERACCOUNT00", foreign.1.as_str()), "40102", "or another account"),
        ("mistyped", (ikey.as_str(), "x123456789x123456789x123456789x123456789"), "40103", "is mistyped"),
    ] {
        let console = workspace.console(&[]).await;
        console.fill(&integration, key).await;
        console.running.shutdown().await;
        workspace.collected("Duo EMEA", 2);
        let (exit, report) = report(&workspace);
        let status = check(&report, "integration status");
        assert_eq!((exit, &status["verdict"]), (3, &json!("failed")), "{what}: {status}");
        assert!(status["detail"].as_str().unwrap().contains(code), "{what}: {status}");
        let fix = status["fix"].as_str().unwrap();
        assert!(fix.contains(words) && fix.contains("`duoctl handoff emea`"), "{what}: {fix}");
        assert_eq!(report["identity_intelligence"][0]["reached"], "ping", "{what}");
    }
}

#[tokio::test]
async fn a_disturbed_token_endpoint_is_told_from_a_wrong_one() {
    let elsewhere = Elsewhere::with(&[], false).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    for (fault, exit, verdict, detail, fix) in [
        ("intelligence-503=9", 75, "inconclusive", "it answers 503", "try again"),
        ("intelligence-reset=9", 75, "inconclusive", "cannot be reached", "try again"),
        ("intelligence-delay=3000", 75, "inconclusive", "cannot be reached", "try again"),
        (
            "intelligence-redirect=9",
            3,
            "failed",
            "redirects (302), which is not followed",
            "compare token_url",
        ),
        (
            "intelligence-html=9",
            3,
            "failed",
            "something that is not JSON; it may be a proxy's page",
            "compare token_url",
        ),
    ] {
        elsewhere.console.running.account().faults.add(fault.parse().unwrap());
        let output = elsewhere.run(&["verify", "--format", "json"]).await;
        elsewhere.console.running.account().faults.clear();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let token = check(&report, "token");
        assert_eq!(
            (output.status.code(), &token["verdict"]),
            (Some(exit), &json!(verdict)),
            "{fault}: {token}"
        );
        assert!(token["detail"].as_str().unwrap().contains(detail), "{fault}: {token}");
        assert!(token["fix"].as_str().unwrap().contains(fix), "{fault}: {token}");
        assert_eq!(check(&report, "ping")["verdict"], "not_testable", "{fault}");
    }
    assert_eq!(elsewhere.verify().await.1, "this account's users");
}

#[tokio::test]
async fn nobody_at_the_token_endpoint() {
    let elsewhere = Elsewhere::with(&[], false).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    let copied = elsewhere.workspace.folder.path().join("copied.json");
    let text = fs::read_to_string(&copied).unwrap();
    // A port that was free a moment ago, with no listener.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut fields: Map<String, Value> = serde_json::from_str(&text).unwrap();
    fields.insert("tokenUrl".to_owned(), json!(format!("https://{nobody}/oauth/token")));
    fs::write(&copied, Value::Object(fields).to_string()).unwrap();
    let (exit, reached, checks) = elsewhere.verify().await;
    assert_eq!((exit, reached.as_str(), &checks["token"]), (75, "permissions", &json!("inconclusive")));
    fs::write(&copied, text.replace("clientSecret", "client_sekret")).unwrap();
    let (exit, _, checks) = elsewhere.verify().await;
    assert_eq!((exit, &checks["token"]), (3, &json!("failed")));
}

#[tokio::test]
async fn users_without_email_are_counted_and_the_others_are_found() {
    let workspace = Workspace::applied(CONNECTION);
    let key = workspace.key();
    let duoctl::sandbox::call::Reply::Page(users, _) = workspace.account().as_administrator(
        "GET",
        "/admin/v1/users",
        Map::from_iter([("limit".to_owned(), json!("100"))]),
    ) else {
        panic!("no users")
    };
    let blank = Map::from_iter([("email".to_owned(), json!(""))]);
    for user in &users[..users.len() - 1] {
        let path = format!("/admin/v1/users/{}", user["user_id"].as_str().unwrap());
        workspace.account().as_administrator("POST", &path, blank.clone());
    }
    let console = workspace.console(&[]).await;
    console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
    console.running.shutdown().await;
    workspace.collected("Duo EMEA", 2);
    workspace.attest();
    let (exit, report) = report(&workspace);
    let found = check(&report, "this account's users");
    assert_eq!((exit, &found["verdict"]), (0, &json!("verified")), "{found}");
    assert!(
        found["detail"]
            .as_str()
            .unwrap()
            .contains("without an email, by which Identity Intelligence matches people: "),
        "{found}"
    );
}

#[tokio::test]
async fn the_accounts_own_plan_decides_about_endpoints() {
    let elsewhere = Elsewhere::with(&["essentials"], false).await;
    let output = elsewhere.run(&["plan"]).await;
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("the account's plan is Duo Essentials, and `endpoints` needs Duo Advantage or Premier"),
        "{text}"
    );
    assert!(text.contains("write `endpoints: false`"), "{text}");
    // Meanwhile the entry is not touched.
    let live = elsewhere.console.running.account().applications();
    let admin = live.iter().find(|live| live["name"] == "Identity Intelligence: Duo EMEA").unwrap();
    let ikey = admin["integration_key"].as_str().unwrap();
    elsewhere.console.running.account().delete_application(ikey).unwrap();
    let output = elsewhere.run(&["apply", "--auto-approve"]).await;
    assert_eq!(output.status.code(), Some(1));
    let live = elsewhere.console.running.account().applications();
    assert!(!live.iter().any(|live| live["name"] == "Identity Intelligence: Duo EMEA"));
    elsewhere.workspace.replace("endpoints: true", "endpoints: false");
    let output = elsewhere.run(&["plan"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    elsewhere.workspace.replace("plan: advantage", "plan: premier");
    let output = elsewhere.run(&["plan"]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("account-mismatch"));
}

/// The same workspace with other entries.
fn in_place_of_the_entry(entries: &str) -> String {
    let head = CONNECTION.split("  emea:").next().unwrap();
    format!("{head}{entries}")
}

#[test]
fn attestations_that_are_older_or_mistyped() {
    let shared = in_place_of_the_entry(
        "  emea: # Europe\n    <<: &common {access: read_only, endpoints: true}   # as everywhere\n    display_name: Duo EMEA\n  apac: {<<: *common, display_name: Duo APAC}\n",
    );
    let workspace = Workspace::applied(&shared);
    let before = workspace.yaml();
    workspace.insist("emea");
    workspace.insist("apac");
    let after = workspace.yaml();
    for kept in before.lines() {
        let words = kept.trim_end_matches('}');
        assert!(after.contains(words), "{kept} is gone: {after}");
    }
    assert_eq!(workspace.plan()["summary"]["handoffs"], 0, "{after}");

    let ikey = workspace.key().0;
    workspace.rotate(&ikey);
    let (exit, report) = report(&workspace);
    let form = report["identity_intelligence"].as_array().unwrap();
    let form = form.iter().find(|connection| connection["address"] == "identity_intelligence.emea").unwrap();
    let form =
        form["checks"].as_array().unwrap().iter().find(|check| check["name"] == "console form").unwrap();
    assert_eq!((exit, &form["verdict"]), (3, &json!("failed")));
    assert_eq!(form["detail"], "attested for older values; enter again: Secret key");
    assert!(form["fix"].as_str().unwrap().contains("`duoctl attest emea`"));

    let line = workspace.yaml().lines().find(|line| line.contains("    attested:")).unwrap().to_owned();
    for wrong in ["7f3a9c2", "7f3a9c21x", "7F3A9C21", "7f3a9c21 yesterday", "done", "7f3a9c21 by"] {
        workspace.replace(&line, &format!("    attested: {wrong}"));
        let (exit, text) = workspace.says(&["plan"]);
        assert_eq!(exit, 1, "{wrong}: {text}");
        assert!(text.contains("is not a fingerprint") && text.contains("duoctl attest"), "{wrong}: {text}");
        workspace.replace(&format!("    attested: {wrong}"), &line);
    }
}

#[test]
fn an_attestation_behind_a_shared_anchor_is_left_to_the_person() {
    let yaml = in_place_of_the_entry(
        "  emea: &all {display_name: Duo EMEA, access: read_only}\n  apac: {<<: *all, display_name: Duo APAC}\n",
    );
    let workspace = Workspace::applied(&yaml);
    let before = workspace.yaml();
    let (exit, text) = workspace.says(&["attest", "emea", "--force", "--reason", "a rehearsal"]);
    assert_ne!(exit, 0, "{text}");
    assert!(text.contains("attested: \"") && text.contains("by hand"), "the line to write is shown: {text}");
    assert_eq!(workspace.yaml(), before);
    // The other entry overrides what it shares, so its line can be written.
    workspace.insist("apac");
}
