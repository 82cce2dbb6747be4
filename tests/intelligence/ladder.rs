//! The ladder in `verify`: each rung with its right word, through the program and the rehearsed console.

use std::fs;

use serde_json::{Value, json};

use super::workspace::{Elsewhere, LADDER, Workspace};

#[tokio::test]
async fn the_whole_page_ends_at_the_top_rung_and_a_rotated_key_falls_off() {
    let workspace = Workspace::applied(LADDER);
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "permissions"));
    assert_eq!(rungs["console form"], "pending");
    assert_eq!((&rungs["token"], &rungs["ping"]), (&json!("verified"), &json!("verified")));
    assert_eq!(
        (&rungs["integration status"], &rungs["data from Duo"]),
        (&json!("pending"), &json!("pending"))
    );

    let key = workspace.key();
    let console = workspace.console(&[]).await;
    let integration = console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
    console.running.shutdown().await;
    workspace.attest();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "this account's users"), "{rungs:?}");
    assert_eq!(rungs["console form"], "attested");
    assert_eq!(rungs["the console's switches"], "not_verifiable");

    workspace.rotate(&key.0);
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (3, "permissions"));
    assert_eq!(rungs["console form"], "failed");
    // Attested without the console holding it: the next collection says so.
    workspace.attest();
    let console = workspace.console(&[]).await;
    console.post(&format!("{integration}/collect"), &[]).await;
    console.running.shutdown().await;
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (3, "ping"), "{rungs:?}");
    assert_eq!(rungs["integration status"], "failed");

    let key = workspace.key();
    let console = workspace.console(&[]).await;
    console.fill(&integration, (&key.0, &key.1)).await;
    console.running.shutdown().await;
    assert_eq!(workspace.verify(&[]).1, "this account's users");
    let human = String::from_utf8(workspace.run(&["verify"]).stdout).unwrap();
    assert!(human.contains("highest rung reached: this account's users"), "{human}");
}

#[tokio::test]
async fn what_is_missing_is_pending_for_a_day_and_failed_afterwards() {
    let workspace = Workspace::applied(LADDER);
    workspace.attest();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "ping"));
    for rung in ["integration status", "data from Duo", "this account's users"] {
        assert_eq!(rungs[rung], "pending", "{rung}");
    }
    workspace.age();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (3, "ping"));
    for rung in ["integration status", "data from Duo", "this account's users"] {
        assert_eq!(rungs[rung], "failed", "{rung}");
    }
}

#[test]
fn without_credentials_of_the_api_nothing_is_claimed() {
    let workspace = Workspace::applied(LADDER);
    let text = LADDER.split("identity_intelligence_api:").next().unwrap();
    fs::write(workspace.file(), text).unwrap();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "permissions"));
    assert_eq!(rungs["token"], "not_verifiable");
    assert_eq!(rungs["this account's users"], "not_verifiable");
}

#[tokio::test]
async fn an_old_client_and_the_other_generation_are_understood() {
    let switches = ["intelligence-status=off", "intelligence-form-token", "intelligence-new-values"];
    let elsewhere = Elsewhere::with(&switches, true).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    let (exit, highest, rungs) = elsewhere.verify().await;
    assert_eq!((exit, highest.as_str()), (0, "this account's users"), "{rungs:?}");
    assert_eq!(rungs["integration status"], "unsupported");
}

#[tokio::test]
async fn an_unknown_status_is_no_failure_and_a_removed_client_is() {
    let elsewhere = Elsewhere::with(&["intelligence-new-values"], false).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    let (exit, _, rungs) = elsewhere.verify().await;
    assert_eq!((exit, &rungs["integration status"]), (0, &json!("not_verifiable")));
    let file = elsewhere.workspace.folder.path().join("copied.json");
    let copied = fs::read_to_string(&file).unwrap();
    let client: Value = serde_json::from_str(&copied).unwrap();
    fs::write(&file, copied.replace(client["clientSecret"].as_str().unwrap(), "wrong")).unwrap();
    let (exit, highest, rungs) = elsewhere.verify().await;
    assert_eq!((exit, highest.as_str()), (3, "permissions"));
    assert_eq!((&rungs["token"], &rungs["ping"]), (&json!("failed"), &json!("not_testable")));
}
