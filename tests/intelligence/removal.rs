//! The order of a removal: the console first, and nothing is quarantined or deleted until a person attests it.

use serde_json::{Value, json};

use super::workspace::Workspace;

const YAML: &str = "\
version: 1
workspace: acme   # one account
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}
identity_intelligence:
  apac: {display_name: Duo APAC, access: read_only}
  emea:
    display_name: Duo EMEA
    access: read_write
    push_verification: {application_name: Acme IT Support}
# the end
";

const ENTRY: &str = "  emea:
    display_name: Duo EMEA
    access: read_write
    push_verification: {application_name: Acme IT Support}
";

/// Both entries applied, and `emea` removed from the YAML.
fn left() -> Workspace {
    let workspace = Workspace::applied(YAML);
    workspace.ok(&["attest", "apac"]);
    workspace.replace(ENTRY, "");
    workspace
}

fn applications(workspace: &Workspace) -> Vec<Value> {
    let ours =
        |live: &Value| live["name"].as_str().unwrap().ends_with("EMEA") || live["name"] == "Acme IT Support";
    let found = workspace.account().applications();
    found.into_iter().filter(ours).collect()
}

#[test]
fn nothing_goes_before_the_console_let_go() {
    let workspace = left();
    let before = applications(&workspace);
    let (admin, auth) = (&before[0]["integration_key"], &before[1]["integration_key"]);
    let plan = workspace.plan();
    assert_eq!(plan["summary"]["handoffs"], 1);
    let handoff = &plan["handoffs"][0];
    assert_eq!(
        (&handoff["address"], &handoff["purpose"]),
        (&json!("identity_intelligence.emea"), &json!("remove"))
    );
    let fields: Vec<(&str, &Value)> = handoff["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| (field["label"].as_str().unwrap(), &field["value"]))
        .collect();
    let (name, admin, auth) = (json!("Duo EMEA"), admin.clone(), auth.clone());
    let mut keys = [&admin, &auth];
    if before[0]["type"] == "authapi" {
        keys.reverse();
    }
    assert_eq!(
        fields,
        [("Display name", &name), ("Integration key", keys[0]), ("Auth API integration key", keys[1])]
    );
    assert!(plan["orphans"].as_array().unwrap().iter().all(|orphan| orphan["in_console"] == true));

    for mode in ["--prune", "--prune=now"] {
        let (exit, text) = workspace.says(&["apply", mode, "--auto-approve"]);
        assert_eq!(exit, 5, "{text}");
        assert!(
            text.contains(
                "first do what `duoctl handoff emea --sandbox` shows, then run `duoctl attest emea --sandbox`"
            ),
            "{text}"
        );
        let (handed_over, step) = (text.find("* handoff").unwrap(), text.find("_api  \"").unwrap());
        assert!(handed_over < step, "the console comes first: {text}");
        assert_eq!(applications(&workspace), before);
    }
}

/// What `attest` adds: the key of the section, the key of the entry, and the attestation.
fn attestation(yaml: &str) -> String {
    let lines = yaml.lines().skip_while(|line| !line.starts_with("removed:")).take(3);
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn an_attested_removal_is_carried_out_and_ends_with_a_line_to_remove() {
    let workspace = left();
    let sheet = workspace.ok(&["handoff", "emea"]);
    assert!(
        sheet
            .contains("delete the integration there\n    2. `duoctl attest emea --sandbox`\n    3. `duoctl apply --sandbox --prune`"),
        "{sheet}"
    );
    let markdown = workspace.ok(&["handoff", "emea", "--format", "markdown"]);
    assert!(markdown.contains("| General Settings | Display name | `Duo EMEA` | yes |"), "{markdown}");
    let before = workspace.yaml();
    let said = workspace.ok(&["attest", "emea", "--by", "bob"]);
    assert!(said.contains("+ identity_intelligence.emea removed"), "{said}");
    let after = workspace.yaml();
    let added = attestation(&after);
    assert_eq!(after.replace(&added, ""), before);
    assert!(
        after.contains("removed:\n  identity_intelligence.emea:\n    attested: \"")
            && after.contains(" by bob\""),
        "{after}"
    );
    assert!(workspace.ok(&["attest", "emea"]).contains("No changes to the YAML"));
    assert_eq!(workspace.plan()["summary"]["handoffs"], 0);

    workspace.ok(&["apply", "--prune", "--auto-approve"]);
    let quarantined = applications(&workspace);
    assert!(quarantined.iter().all(|live| live["user_access"] != "ALL_USERS"), "{quarantined:?}");
    // One of the two goes first: the attestation of the other one still holds.
    workspace.ok(&["apply", "--prune=now", "--allow", "destroys", "--auto-approve", "--only", "*.admin_api"]);
    assert_eq!(workspace.plan()["summary"]["handoffs"], 0);
    workspace.ok(&["apply", "--prune=now", "--allow", "destroys", "--auto-approve"]);
    assert_eq!(applications(&workspace), Vec::<Value>::new());
    let (exit, text) = workspace.says(&["plan"]);
    assert_eq!(exit, 0);
    assert!(
        text.contains("none of its applications are left in the account")
            && text.contains("remove its line from `removed`"),
        "{text}"
    );
    assert_eq!(workspace.says(&["handoff", "emea"]).0, 64);
}

#[test]
fn an_attestation_of_other_keys_lets_nothing_go() {
    let workspace = left();
    workspace.ok(&["attest", "emea"]);
    // The same entry comes back, with a new application, and leaves again.
    let line = attestation(&workspace.yaml());
    workspace.replace(&line, "");
    workspace.replace("  apac:", &format!("{ENTRY}  apac:"));
    let admin = workspace.ikey("adminapi", "Identity Intelligence: Duo EMEA");
    workspace.account().delete_application(&admin).unwrap();
    workspace.ok(&["apply", "--auto-approve"]);
    workspace.replace(ENTRY, "");
    workspace.replace("# the end", &format!("{line}# the end"));
    assert_eq!(workspace.plan()["summary"]["handoffs"], 1);
    let (exit, text) = workspace.says(&["apply", "--prune", "--auto-approve"]);
    assert_eq!(exit, 5, "{text}");
    assert!(text.contains("attested for older values"), "{text}");
    workspace.ok(&["apply", "--prune", "--auto-approve", "--allow", "breaks_handoff"]);
    assert_eq!(
        workspace.plan()["summary"]["handoffs"],
        1,
        "quarantined, and the console still holds the keys"
    );
    workspace.replace("  apac:", &format!("{ENTRY}  apac:"));
    // Back in the YAML, it must be entered again.
    let (exit, text) = workspace.says(&["plan"]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("these values are not attested yet"), "{text}");
}

#[test]
fn push_that_is_turned_off_leaves_the_form_before_its_application_goes() {
    let workspace = Workspace::applied(YAML);
    workspace.ok(&["attest", "apac"]);
    workspace.ok(&["attest", "emea"]);
    workspace.replace("    push_verification: {application_name: Acme IT Support}\n", "");
    assert_eq!(workspace.again("emea"), ["Support Push Verification"]);
    let (exit, text) = workspace.says(&["apply", "--prune", "--auto-approve"]);
    assert_eq!(exit, 5, "{text}");
    assert!(text.contains("breaks_handoff: identity_intelligence.emea.auth_api"), "{text}");
    assert!(text.find("* handoff").unwrap() < text.find("~ quarantine").unwrap(), "{text}");
    workspace.ok(&["attest", "emea"]);
    workspace.ok(&["apply", "--prune", "--auto-approve"]);
    assert_eq!(workspace.again("emea"), Vec::<String>::new());
}

#[test]
fn a_downgrade_needs_no_consent_and_an_upgrade_does() {
    let workspace = Workspace::applied(YAML);
    workspace.ok(&["attest", "emea"]);
    workspace.replace("access: read_write", "access: read_only");
    let (_, text) = workspace.says(&["plan"]);
    assert!(text.contains("can no longer use these permissions; there is nothing to enter"), "{text}");
    workspace.ok(&["apply", "--auto-approve"]);
    assert_eq!(workspace.again("emea"), Vec::<String>::new());
    workspace.replace(
        "display_name: Duo EMEA\n    access: read_only",
        "display_name: Duo EMEA\n    access: read_write",
    );
    let (exit, text) = workspace.says(&["apply", "--auto-approve"]);
    assert_eq!(exit, 5, "{text}");
    assert!(text.contains("after the apply, press Test Connectivity in Identity Intelligence"), "{text}");
    workspace.ok(&[
        "apply",
        "--auto-approve",
        "--allow",
        "escalates_privilege:identity_intelligence.emea.admin_api",
    ]);
    let live = workspace.account().applications();
    let admin = live.iter().find(|live| live["name"] == "Identity Intelligence: Duo EMEA").unwrap();
    assert_eq!(admin["adminapi_write_resource"], 1);
}
