//! Every JSON document that duoctl prints is valid against the published schemas, and has no properties that they do not name.

use duoctl::output::document::{
    ApplyDocument, DoctorDocument, EditDocument, EventDocument, FailureDocument, GraphDocument,
    HandoffsDocument, ImportDocument, KeyChangesDocument, KeysDocument, ListDocument, PlanDocument,
    RotationsDocument, ValidateDocument, VerifyDocument,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{Folder, HEAD, Outcome, Server, THREE};

fn schema(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(format!("schemas/{name}.schema.json")).unwrap()).unwrap()
}

/// Nothing may be lost in a round trip through the types: the schema does not name what the types do not know.
#[track_caller]
fn same<T: DeserializeOwned + Serialize>(document: &Value) {
    let typed: T =
        serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}\n{document:#}"));
    assert_eq!(&serde_json::to_value(typed).unwrap(), document);
}

#[track_caller]
pub(crate) fn is_valid(document: &Value) {
    let kind = document["kind"].as_str().unwrap_or_default();
    let names: &[&str] = match kind {
        "plan" => &["plan"],
        "drift" => &["plan", "report"],
        _ => &["report"],
    };
    for name in names {
        let validator = jsonschema::validator_for(&schema(name)).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    }
    match kind {
        "plan" | "drift" => same::<PlanDocument>(document),
        "apply" => same::<ApplyDocument>(document),
        "verify" => same::<VerifyDocument>(document),
        "validate" => same::<ValidateDocument>(document),
        "failure" => same::<FailureDocument>(document),
        "doctor" => same::<DoctorDocument>(document),
        "list" => same::<ListDocument>(document),
        "graph" => same::<GraphDocument>(document),
        "keys" => same::<KeysDocument>(document),
        "import" => same::<ImportDocument>(document),
        "handoff" => same::<HandoffsDocument>(document),
        "rotations" => same::<RotationsDocument>(document),
        "key_changes" => same::<KeyChangesDocument>(document),
        "edit" => same::<EditDocument>(document),
        "event" => same::<EventDocument>(document),
        other => panic!("the kind {other:?} has no schema"),
    }
}

const ALL: &str = "secret_stores:
  files: {type: file, path: keys}
identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only, push_verification: {application_name: Acme}}
";

#[test]
fn every_document_of_every_command_is_valid() {
    let (folder, server) =
        (Folder::with(&format!("{THREE}    secret: {{store: files, path: vpn}}\n{ALL}")), Server::start());
    let run = |arguments: &[&str], code: i32| -> Outcome {
        let outcome =
            folder.duoctl(arguments.iter().chain(&["--format", "json"])).at(&server).run().exits(code);
        is_valid(&outcome.json());
        outcome
    };
    run(&["plan", "--out", "plan.json"], 0);
    let saved: Value = serde_json::from_str(&folder.read("plan.json")).unwrap();
    assert_eq!(saved["steps"][0]["place"]["file"], "duo.yaml", "an address has its place");
    is_valid(&saved);
    run(&["apply"], 5);
    let stale = folder.read("plan.json");
    run(&["apply", "plan.json"], 0);
    folder.write("plan.json", &stale);
    let stale = run(&["apply", "plan.json"], 6).json();
    assert_eq!((&stale["kind"], &stale["exit_code"]), (&json!("failure"), &json!(6)));
    assert!(stale["help"][0].as_str().unwrap().contains("application"), "{stale:#}");
    run(&["apply"], 0);
    run(&["verify"], 0);
    run(&["keys", "list"], 0);
    run(&["keys", "rotate", "vpn", "--strategy", "in-place", "--auto-approve"], 0);
    run(&["keys", "rotate", "vpn", "--auto-approve"], 0);
    run(&["keys", "status"], 0);
    run(&["keys", "abort", "vpn", "--auto-approve"], 0);
    run(&["keys", "confirm", "vpn"], 5);
    run(&["ignore", "vpn", "greeting", "--reason", "x"], 0);
    run(&["list", "--all"], 0);
    run(&["doctor"], 0);
    server.edit("VPN", json!({"notes": "edited", "user_access": "ALL_USERS"}));
    let drift = run(&["drift", "--who"], 2).json();
    assert_eq!((&drift["kind"], drift["who"]["complete"].is_boolean()), (&json!("drift"), true));
    let refused = run(&["apply", "--prune", "--exclude", "*", "--allow=empty"], 0).json();
    assert_eq!(refused["steps"], json!([]));
    folder.declare("applications: {}\n");
    let refused = run(&["apply", "--auto-approve"], 5).json();
    assert_eq!(refused["plan"]["refusals"][0]["guard"], "empty");
    run(&["plan", "--prune=now", "--allow=empty"], 0);
    server.disturb("5xx=9999");
    assert_eq!(run(&["plan"], 75).json()["kind"], "failure");
}

#[test]
fn documents_about_files_are_valid() {
    let (folder, server) =
        (Folder::with(&format!("{THREE}  wrong: {{type: radius, nome: X}}\n")), Server::start());
    let wrong = folder.duoctl(["validate", "--format", "json"]).run().exits(1).json();
    is_valid(&wrong);
    assert_eq!(wrong["workspace"], "acme");
    let place = &wrong["diagnostics"][0]["place"];
    assert!(place["end_column"].as_u64() > place["column"].as_u64(), "{wrong:#}");
    for command in ["plan", "apply", "verify", "drift", "keys list", "doctor", "import", "handoff"] {
        let failure =
            folder.duoctl(command.split(' ')).with(&["--format", "json"]).at(&server).run().exits(1);
        is_valid(&failure.json());
        assert_eq!(failure.json()["kind"], "failure", "{command}");
    }
    folder.write("duo.yaml", &format!("{HEAD}applications: {{}}\n"));
    is_valid(&folder.duoctl(["import", "--format", "json"]).at(&server).run().exits(0).json());
    folder.declare(ALL);
    is_valid(&folder.duoctl(["handoff", "--format", "json"]).at(&server).run().exits(0).json());
}

#[test]
fn the_schemas_refuse_what_is_no_document() {
    let validator = jsonschema::validator_for(&schema("report")).unwrap();
    for wrong in [
        json!({}),
        json!({"kind": "verify", "format_version": "1.0"}),
        json!({"kind": "poem", "format_version": "1.0"}),
        json!({"kind": "doctor", "format_version": "1.0", "healthy": "yes", "checks": []}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
    assert!(
        validator
            .is_valid(&json!({"kind": "doctor", "format_version": "1.0", "healthy": true, "checks": []}))
    );
}

#[test]
fn the_commands_print_the_schemas() {
    let folder = Folder::empty();
    for name in ["plan", "report"] {
        let printed = folder.duoctl(["schema", name]).run().exits(0).json();
        assert_eq!(printed, schema(name));
        assert!(printed["$id"].as_str().unwrap().ends_with(&format!("{name}:1")), "{}", printed["$id"]);
    }
}
