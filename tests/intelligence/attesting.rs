//! Who attests, and what the public API reports to the contrary.

use std::fs;

use super::workspace::{CONNECTION, Elsewhere, Workspace};

fn attested(workspace: &Workspace) -> Option<String> {
    let text = workspace.yaml();
    text.lines().find(|line| line.contains("attested:")).map(str::to_owned)
}

#[test]
fn whoever_would_commit_the_file_is_recorded_and_nobody_never() {
    let yaml = CONNECTION.split("    api:").next().unwrap();
    let workspace = Workspace::applied(yaml);
    for (configuration, recorded) in [
        ("", None),
        ("[user]\n\tname = \"  \"\n", None),
        ("[user]\n\temail = ada@example.com\n", Some(" by ada@example.com\"")),
        ("[user]\n\tname = Ada\n\temail = ada@example.com\n", Some(" by Ada <ada@example.com>\"")),
    ] {
        fs::write(workspace.git_configuration(), configuration).unwrap();
        let (exit, text) = workspace.says(&["attest", "emea"]);
        match recorded {
            None => {
                assert_eq!(exit, 64, "{text}");
                assert!(text.contains("--by WHO") && text.contains("user.email"), "{text}");
                assert_eq!(attested(&workspace), None);
            }
            Some(recorded) => {
                assert_eq!(exit, 0, "{text}");
                let line = attested(&workspace).unwrap();
                assert!(line.ends_with(recorded), "{line}");
                let left = workspace.yaml().replace(&format!("{line}\n"), "");
                fs::write(workspace.file(), left).unwrap();
            }
        }
    }
    fs::write(workspace.git_configuration(), "").unwrap();
    workspace.ok(&["attest", "emea", "--by", "Bob"]);
    assert!(attested(&workspace).unwrap().ends_with(" by Bob\""));
    for wrong in [&["--force"][..], &["--reason", "why"], &["--by", ""], &["--force", "--reason", " "]] {
        let arguments = [&["attest", "emea"][..], wrong].concat();
        assert_eq!(workspace.says(&arguments).0, 64, "{wrong:?}");
    }
}

#[tokio::test]
async fn what_the_public_api_contradicts_is_refused_unless_a_reason_is_recorded() {
    let workspace = Workspace::applied(CONNECTION);
    let refused = |what: &str, words: &str| {
        let (exit, text) = workspace.says(&["attest", "emea"]);
        assert_eq!(exit, 5, "{what}: {text}");
        assert!(text.contains(words) && text.contains("--force --reason TEXT"), "{what}: {text}");
        assert_eq!(attested(&workspace), None, "{what}");
    };
    refused("never saved", "has no integration with the display name \"Duo EMEA\"");
    let (ikey, secret) = workspace.key();
    let console = workspace.console(&[]).await;
    let form = "/console/integrations/duo";
    let integration = console.fill_as("Duo EMAE", form, (&ikey, &secret)).await;
    console.running.shutdown().await;
    refused("another name", "did you mean `Duo EMAE`?");
    let console = workspace.console(&[]).await;
    console.fill(&integration, (&ikey, &"x".repeat(40))).await;
    console.running.shutdown().await;
    refused("a wrong key", "last ended with FAILURE on");
    let console = workspace.console(&[]).await;
    console.fill(&integration, (&ikey, &secret)).await;
    console.running.shutdown().await;
    workspace.collected("Duo EMEA", -60);
    refused("older than the key", "which is not newer than");

    workspace.ok(&["attest", "emea", "--force", "--reason", "the console is down, done by phone"]);
    let line = attested(&workspace).unwrap();
    assert!(
        line.ends_with(" by Test Er <tester@example.com> forced: the console is down, done by phone\""),
        "{line}"
    );
    assert!(
        workspace
            .ok(&["handoff", "emea"])
            .contains("without confirmation by the public API: the console is down, done by phone")
    );
    assert_eq!(workspace.plan()["summary"]["handoffs"], 0);

    // A change of only a switch is not measured by an older collection; a later failure is.
    workspace.replace("endpoints: true", "endpoints: false");
    workspace.ok(&["attest", "emea"]);
    assert!(!attested(&workspace).unwrap().contains("forced"));
}

#[tokio::test]
async fn a_removal_that_the_console_denies_is_refused() {
    // The API of the remaining entry is the only one, so it is used for the removed entry, too.
    let (head, api) = CONNECTION.split_once("identity_intelligence:\n").unwrap();
    let (entry, api) = api.split_once("    api:\n").unwrap();
    let (entry, api) = (format!("{entry}    api: *api\n"), api.replace("      ", "  "));
    let yaml = format!(
        "{head}x-api: &api\n{api}identity_intelligence:\n{entry}  apac: {{display_name: Duo APAC, access: read_only, api: *api}}\n"
    );
    let workspace = Workspace::applied(&yaml);
    let key = workspace.key();
    let console = workspace.console(&[]).await;
    let integration = console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
    console.running.shutdown().await;
    workspace.replace(&entry, "");
    let (exit, text) = workspace.says(&["attest", "emea"]);
    assert_eq!(exit, 5, "{text}");
    assert!(
        text.contains("the console still has an integration with the display name \"Duo EMEA\""),
        "{text}"
    );
    let console = workspace.console(&[]).await;
    console.post(&format!("{integration}/delete"), &[]).await;
    console.running.shutdown().await;
    assert!(workspace.ok(&["attest", "emea"]).contains("+ identity_intelligence.emea removed"));
}

#[tokio::test]
async fn an_api_that_cannot_be_asked_is_said_and_stops_nothing() {
    let text = CONNECTION.split("    api:").next().unwrap();
    let workspace = Workspace::applied(text);
    let (exit, said) = workspace.says(&["attest", "emea"]);
    assert_eq!((exit, said.contains("public API")), (0, false), "nothing is declared: {said}");

    for (switches, credentials, reason) in [
        (&[][..], Some("{}"), "has no `tokenUrl`"),
        (&["intelligence-status=off"], None, "does not show the status of integrations"),
    ] {
        let elsewhere = Elsewhere::with(switches, false).await;
        if let Some(credentials) = credentials {
            fs::write(elsewhere.workspace.folder.path().join("copied.json"), credentials).unwrap();
        }
        let output = elsewhere.run(&["attest", "emea"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("warning: could not check this with the public API") && said.contains(reason),
            "{said}"
        );
        assert!(attested(&elsewhere.workspace).is_some());
    }
}

#[test]
fn the_sheet_for_people_marks_what_has_to_be_entered_again() {
    let yaml = CONNECTION.split("    api:").next().unwrap();
    let workspace = Workspace::applied(yaml);
    let marked = |sheet: &str| -> Vec<String> {
        let lines = sheet.lines().filter_map(|line| line.strip_prefix("    * "));
        lines.map(|line| line.split("  ").next().unwrap().to_owned()).collect()
    };
    let first = workspace.ok(&["handoff", "emea"]);
    assert!(marked(&first).is_empty() && !first.contains("enter again"), "all of it: {first}");
    workspace.attest();
    let (ikey, _) = workspace.key();
    workspace.rotate(&ikey);
    workspace.replace("endpoints: true", "endpoints: false");
    let again = workspace.ok(&["handoff", "emea"]);
    assert_eq!(marked(&again), ["Secret key", "Endpoints"], "{again}");
    assert!(
        again.contains("enter again: Secret key, Endpoints; the other 4 fields stay as they are"),
        "{again}"
    );
    for label in ["Display name", "API hostname", "Integration key", "Support Push Verification"] {
        assert!(again.contains(&format!("      {label}")), "{label}: {again}");
    }
    workspace.attest();
    assert!(marked(&workspace.ok(&["handoff", "emea"])).is_empty());
}
