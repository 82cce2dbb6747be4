//! `init` and `validate`, which work offline.

use serde_json::json;

use crate::support::{Folder, HEAD, Server, THREE};

#[test]
fn a_first_file_validates_plans_applies_and_is_never_overwritten() {
    let folder = Folder::empty();
    folder.duoctl(["init"]).run().exits(0).says("Wrote duo.yaml.").says("duoctl plan . --sandbox");
    let first = folder.read("duo.yaml");
    folder
        .duoctl(["validate"])
        .run()
        .exits(0)
        .says("1 application, 0 Identity Intelligence entries, 1 file.");
    let plan = folder.duoctl(["plan", "--sandbox"]).run().exits(0).warns("simulated Duo account");
    assert_eq!(plan.last_line(), "Plan: 1 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged.");
    let applied = folder.duoctl(["apply", "--sandbox", "--auto-approve"]).run().exits(0);
    applied.says("Applied: 1 of 1 steps.").says("Verified: 1 of 1 applications.").never_tells("warning");
    let again = folder.duoctl(["apply", "--sandbox"]).run().exits(0);
    assert!(again.stdout.starts_with("No changes. The account matches the configuration.\n"), "{again:?}");

    folder.write("duo.yaml", &format!("{first}# mine\n"));
    folder.write("duoctl.schema.json", "mine");
    let refused = folder.duoctl(["init"]).run().exits(1);
    assert_eq!(
        refused.stderr,
        "error: duo.yaml already exists and is never overwritten\n  pass another folder, or move the file away\n"
    );
    assert!(folder.read("duo.yaml").ends_with("# mine\n"));
    assert_eq!(folder.read("duoctl.schema.json"), "mine");
}

/// Questions of `init` with their answers. An invalid answer is asked again.
type Dialogue<'a> = &'a [(&'a str, &'a str)];

#[test]
fn what_init_asks_for_makes_a_workspace_whose_first_doctor_and_plan_are_clean() {
    const HOST: (&str, &str) = ("API hostname", "api-1a2b3c4d.duosecurity.com");
    let no_intelligence = ("Identity Intelligence? yes or no", "");
    let dialogues: [(Dialogue<'_>, &str); 4] = [
        (
            &[HOST, ("Plan of", ""), ("keys come from", ""), no_intelligence, ("Import the", "")],
            "Plan: 1 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged.",
        ),
        (
            &[
                ("API hostname", "https://api-1a2b3c4d.duosecurity.com/"),
                ("write `api-1a2b3c4d.duosecurity.com`", ""),
                ("Plan of", "huge"),
                ("write one of unknown, free, essentials, advantage, premier", "advantage"),
                ("keys come from", "env"),
                ("Identity Intelligence? yes or no", "yes"),
                ("Name of the integration", "Duo Acme"),
                ("not only read? yes or no", "yes"),
                ("Name that people see", "Acme Support"),
                ("Import the", "no"),
            ],
            "Plan: 2 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged. 1 handoff.",
        ),
        (
            &[HOST, ("Plan of", "advantage"), ("keys come from", ""), no_intelligence, ("Import the", "yes")],
            "Plan: 0 to add, 0 to change, 11 to adopt, 0 to delete. 1 unmanaged.",
        ),
        (
            &[
                HOST,
                ("Plan of", ""),
                ("keys come from", "file"),
                ("Integration key", "nonsense!"),
                ("is not an integration key", "IKEY"),
                ("File with", "skey"),
                no_intelligence,
                ("Import the", ""),
            ],
            "Plan: 1 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged.",
        ),
    ];
    for (dialogue, last) in dialogues {
        let (folder, server) = (Folder::empty(), Server::start());
        let key = server.key("operator");
        folder.write("skey", key.secret_key.expose());
        let mut process = folder.duoctl(["init"]).at(&server).start_at_terminal();
        for (question, answer) in dialogue {
            process.until(question);
            process.answer(&format!("{}\n", answer.replace("IKEY", &key.integration_key)));
        }
        process.end().exits(0).says("Wrote duo.yaml");
        let clean = folder.duoctl(["validate"]).run().exits(0);
        assert_eq!(clean.stderr, "", "{}", folder.read("duo.yaml"));
        folder.duoctl(["doctor"]).at(&server).run().exits(0).never_tells("warning");
        let plan = folder.duoctl(["plan"]).at(&server).run().exits(0).never_tells("warning");
        assert_eq!(plan.last_line(), last);
    }
}

#[test]
fn init_that_is_not_answered_writes_nothing() {
    let (folder, server) = (Folder::empty(), Server::start());
    let mut process = folder.duoctl(["init", "new"]).at(&server).start_at_terminal();
    process.until("API hostname");
    process.answer("\u{4}");
    process.end().exits(5).says("nothing was written");
    assert!(!folder.path("new").exists());
    folder.duoctl(["init", "new", "--no-input"]).run().exits(0);
}

#[test]
fn init_makes_the_folder_that_it_is_given() {
    let folder = Folder::empty();
    folder.duoctl(["init", "deep/Acme Prod"]).run().exits(0);
    folder.duoctl(["validate", "deep/Acme Prod"]).run().exits(0).says("Valid: workspace acme-prod, ");
}

const WRONG: &str = "applications:
  vpn: {type: radius, name: VPN, user_access: permitted_groups}
  siem: {type: adminapi, nmae: SIEM, user_access: no_users}
";

#[test]
fn every_error_is_shown_with_its_place() {
    let folder = Folder::with(WRONG);
    let outcome = folder.duoctl(["validate"]).run().exits(1);
    assert_eq!(outcome.stdout, "Not valid: 2 errors.\n");
    insta::assert_snapshot!(outcome.stderr, @"
    error[access-conflict]: `user_access: permitted_groups` needs `groups_allowed`
     --> duo.yaml:7:47
      |
    7 |   vpn: {type: radius, name: VPN, user_access: permitted_groups}
      |                                               ^^^^^^^^^^^^^^^^
      |
      = help: name at least one group, or write `user_access: no_users` to block all users

    error[unknown-key]: an application has no key `nmae`
     --> duo.yaml:8:26
      |
    8 |   siem: {type: adminapi, nmae: SIEM, user_access: no_users}
      |                          ^^^^
      |
      = help: did you mean `name`?

    2 errors
    ");
}

#[test]
fn the_findings_are_one_document_for_machines() {
    let folder = Folder::with(WRONG);
    let outcome = folder.duoctl(["validate", "--format", "json"]).run().exits(1);
    assert_eq!(outcome.stderr, "");
    let document = outcome.json();
    assert_eq!((&document["kind"], &document["valid"]), (&json!("validate"), &json!(false)));
    let found: Vec<_> =
        document["diagnostics"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
    assert!(found.contains(&&json!("unknown-key")) && found.len() >= 2, "{found:?}");
    assert_eq!(document["diagnostics"][0]["place"]["file"], json!("duo.yaml"));

    let folder = Folder::with(THREE);
    let document = folder.duoctl(["validate", "--format", "json"]).run().exits(0).json();
    assert_eq!((&document["valid"], &document["diagnostics"]), (&json!(true), &json!([])));
}

#[test]
fn what_is_no_yaml_is_named() {
    let folder = Folder::empty();
    folder.duoctl(["validate"]).run().exits(1).warns("no-yaml");
    folder.duoctl(["validate", "nowhere"]).run().exits(1).warns("`nowhere`: it does not exist");
    folder.duoctl(["plan", "nowhere", "--sandbox"]).run().exits(1).warns("`nowhere`: it does not exist");
    folder.duoctl(["apply", "nowhere", "--sandbox"]).run().exits(1).warns("`nowhere`: it does not exist");
    assert!(!folder.path(".duoctl").exists(), "no simulator is begun for a YAML that does not load");
}

#[test]
fn one_file_is_as_good_as_a_folder() {
    let folder = Folder::empty();
    folder.write("some.yaml", &format!("{HEAD}{THREE}"));
    folder.duoctl(["validate", "some.yaml"]).run().exits(0).says("3 applications");
}
