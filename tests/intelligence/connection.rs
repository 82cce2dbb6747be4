//! The connection in `verify`: each check with its result, in the program and the rehearsed console.

use std::fs;

use serde_json::{Value, json};

use super::workspace::{CONNECTION, Elsewhere, Workspace, checked};

const STATUS: &str = "integration status";
const DATA: &str = "data from Duo";
const USERS: &str = "this account's users";

#[tokio::test]
async fn the_whole_page_ends_at_the_last_check_and_a_rotated_key_falls_back() {
    let workspace = Workspace::applied(CONNECTION);
    let (exit, reached, checks) = workspace.verify(&[]);
    assert_eq!((exit, reached.as_str()), (0, "permissions"));
    assert_eq!(checks["console form"], "pending");
    assert_eq!((&checks["token"], &checks["ping"]), (&json!("verified"), &json!("verified")));
    assert_eq!((&checks[STATUS], &checks[DATA]), (&json!("pending"), &json!("pending")));

    let key = workspace.key();
    let console = workspace.console(&[]).await;
    let integration = console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
    console.running.shutdown().await;
    // Newer than the key, and older than the current attestation.
    workspace.collected("Duo EMEA", 2);
    workspace.attest();
    let (exit, reached, checks) = workspace.verify(&["--fail-on", "pending"]);
    assert_eq!((exit, reached.as_str()), (0, USERS), "{checks:?}");
    assert_eq!(checks["console form"], "attested");
    assert_eq!(checks["the console's switches"], "not_verifiable");

    // A collection from before the reset used the old key, whatever is attested afterwards.
    workspace.collected("Duo EMEA", -60);
    workspace.rotate(&key.0);
    let (exit, reached, checks) = workspace.verify(&[]);
    assert_eq!((exit, reached.as_str()), (3, "permissions"));
    assert_eq!((&checks["console form"], &checks[STATUS]), (&json!("failed"), &json!("pending")));
    let (exit, text) = workspace.says(&["attest", "emea"]);
    assert_eq!(exit, 5, "{text}");
    assert!(text.contains("when the key was last changed in Duo; press Test Connectivity"), "{text}");
    workspace.insist("emea");
    let (exit, reached, checks) = workspace.verify(&[]);
    assert_eq!((exit, reached.as_str()), (0, "ping"), "{checks:?}");
    assert_eq!([&checks[STATUS], &checks[DATA], &checks[USERS]], ["pending"; 3]);
    assert_eq!(workspace.verify(&["--fail-on", "pending"]).0, 3);
    let human = String::from_utf8(workspace.run(&["verify"]).stdout).unwrap();
    assert!(human.contains("recorded without confirmation by the public API: a rehearsal"), "{human}");
    let status = human.lines().find(|line| line.contains(STATUS)).unwrap();
    assert_eq!(status.matches("2026-").count() + status.matches("2027-").count(), 2, "both times: {status}");
    assert!(!status.contains("verified"), "{status}");

    // Attested although the console does not have it: the next collection shows it.
    let console = workspace.console(&[]).await;
    console.post(&format!("{integration}/collect"), &[]).await;
    console.running.shutdown().await;
    workspace.collected("Duo EMEA", 2);
    let (exit, reached, checks) = workspace.verify(&[]);
    assert_eq!((exit, reached.as_str()), (3, "ping"), "{checks:?}");
    assert_eq!(checks[STATUS], "failed");

    let key = workspace.key();
    let console = workspace.console(&[]).await;
    console.fill(&integration, (&key.0, &key.1)).await;
    console.running.shutdown().await;
    workspace.collected("Duo EMEA", 2);
    assert_eq!(workspace.verify(&[]).1, USERS);
    let human = String::from_utf8(workspace.run(&["verify"]).stdout).unwrap();
    assert!(human.contains("works up to: this account's users"), "{human}");
}

#[tokio::test]
async fn what_another_integration_of_the_tenant_brought_proves_nothing() {
    let shared = CONNECTION.replace("    api:", "    api: &api");
    let yaml = format!("{shared}  apac: {{display_name: Duo APAC, access: read_only, api: *api}}\n");
    let workspace = Workspace::applied(&yaml);
    let key = workspace.key();
    let console = workspace.console(&[]).await;
    console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
    console.running.shutdown().await;
    workspace.collected("Duo EMEA", 2);
    workspace.attest();
    workspace.insist("apac");
    let both = || {
        let output = workspace.run(&["verify", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        ["emea", "apac"].map(|entry| checked(&report, &format!("identity_intelligence.{entry}")))
    };
    // The tenant's only integration is that of `emea`, so all data comes from it.
    let [emea, apac] = both();
    assert_eq!(emea.0, USERS, "{emea:?}");
    assert_eq!(apac.0, "ping", "{apac:?}");
    assert_eq!(
        [&apac.1[STATUS], &apac.1[DATA], &apac.1[USERS]],
        ["pending", "not_verifiable", "not_verifiable"]
    );
    // With the wrong key in the second one, each status is its own, and data is attributed to neither.
    let console = workspace.console(&[]).await;
    let wrong = "x".repeat(40);
    console.fill_as("Duo APAC", "/console/integrations/duo", (&key.0, &wrong)).await;
    console.running.shutdown().await;
    workspace.collected("Duo APAC", 2);
    let [emea, apac] = both();
    assert_eq!(
        [&emea.1[STATUS], &emea.1[DATA], &emea.1[USERS]],
        ["verified", "not_verifiable", "not_verifiable"]
    );
    assert_eq!(
        [&apac.1[STATUS], &apac.1[DATA], &apac.1[USERS]],
        ["failed", "not_verifiable", "not_verifiable"]
    );
    assert_eq!((emea.0.as_str(), apac.0.as_str()), (STATUS, "ping"));
}

/// Another entry's API probably belongs to another tenant, whose evidence proves nothing about this one.
#[test]
fn an_entry_without_an_api_is_not_judged_by_that_of_another_entry() {
    let workspace =
        Workspace::applied(&format!("{CONNECTION}  apac: {{display_name: Duo APAC, access: read_only}}\n"));
    let output = workspace.run(&["verify", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [emea, apac] =
        ["emea", "apac"].map(|entry| checked(&report, &format!("identity_intelligence.{entry}")));
    assert_eq!(emea.1["token"], "verified", "{emea:?}");
    assert!(
        [STATUS, DATA, USERS, "token"].iter().all(|check| apac.1[*check] == "not_verifiable"),
        "{apac:?}"
    );
}

#[test]
fn a_rotation_under_way_is_no_failure_and_a_reset_beside_it_is_one() {
    let workspace = Workspace::applied(CONNECTION);
    workspace.insist("emea");
    let old = workspace.key().0;
    workspace.ok(&["keys", "rotate", "identity_intelligence.emea.admin_api", "--auto-approve"]);
    let (exit, _, checks) = workspace.verify(&[]);
    assert_eq!((exit, &checks["console form"]), (0, &json!("pending")), "{checks:?}");
    let human = String::from_utf8(workspace.run(&["verify"]).stdout).unwrap();
    assert!(human.contains("the one in the console still works; enter before"), "{human}");
    assert!(human.contains("Integration key, Secret key"), "{human}");
    // After a reset, the old key in the console no longer works.
    workspace.rotate(&old);
    let (exit, _, checks) = workspace.verify(&[]);
    assert_eq!((exit, &checks["console form"]), (3, &json!("failed")), "{checks:?}");
}

#[tokio::test]
async fn what_is_missing_is_pending_for_a_day_and_failed_afterwards() {
    let workspace = Workspace::applied(CONNECTION);
    workspace.insist("emea");
    let (exit, reached, checks) = workspace.verify(&[]);
    assert_eq!((exit, reached.as_str()), (0, "ping"));
    for check in ["integration status", "data from Duo", "this account's users"] {
        assert_eq!(checks[check], "pending", "{check}");
    }
    workspace.age();
    let (exit, reached, checks) = workspace.verify(&[]);
    assert_eq!((exit, reached.as_str()), (3, "ping"));
    for check in ["integration status", "data from Duo", "this account's users"] {
        assert_eq!(checks[check], "failed", "{check}");
    }
}

#[test]
fn without_credentials_of_the_api_nothing_is_claimed() {
    let workspace = Workspace::applied(CONNECTION);
    let text = CONNECTION.split("    api:").next().unwrap();
    fs::write(workspace.file(), text).unwrap();
    let (exit, reached, checks) = workspace.verify(&[]);
    assert_eq!((exit, reached.as_str()), (0, "permissions"));
    assert_eq!(checks["token"], "not_verifiable");
    assert_eq!(checks["this account's users"], "not_verifiable");
}

#[tokio::test]
async fn an_old_client_and_the_other_generation_are_understood() {
    let switches = ["intelligence-status=off", "intelligence-form-token", "intelligence-new-values"];
    let elsewhere = Elsewhere::with(&switches, true).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    let (exit, reached, checks) = elsewhere.verify().await;
    assert_eq!((exit, reached.as_str()), (0, "ping"), "{checks:?}");
    assert_eq!(checks["integration status"], "unsupported");
    assert_eq!(
        [&checks[DATA], &checks[USERS]],
        ["not_verifiable"; 2],
        "without the list all may be another one's"
    );
}

#[tokio::test]
async fn an_unknown_status_is_no_failure_and_a_removed_client_is() {
    let elsewhere = Elsewhere::with(&["intelligence-new-values"], false).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    let (exit, _, checks) = elsewhere.verify().await;
    assert_eq!((exit, &checks["integration status"]), (0, &json!("not_verifiable")));
    let file = elsewhere.workspace.folder.path().join("copied.json");
    let copied = fs::read_to_string(&file).unwrap();
    let client: Value = serde_json::from_str(&copied).unwrap();
    fs::write(&file, copied.replace(client["clientSecret"].as_str().unwrap(), "wrong")).unwrap();
    let (exit, reached, checks) = elsewhere.verify().await;
    assert_eq!((exit, reached.as_str()), (3, "permissions"));
    assert_eq!((&checks["token"], &checks["ping"]), (&json!("failed"), &json!("not_testable")));
}
