//! The handoff and its attestation in the program: exactly the changed fields must be entered again.

use serde_json::{Map, Value, json};

use super::workspace::Workspace;

const YAML: &str = "\
# the header stays
version: 1
workspace: acme
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}

identity_intelligence:
  # what the console shows
  emea:   # second region
    display_name: Duo EMEA
    access: &access read_write
    push_verification:
      application_name: Acme IT Support   # end users see it
    endpoints: true
  apac: {display_name: Duo APAC, access: *access}   # in one line
# the end
";

/// With everything applied.
fn applied() -> Workspace {
    Workspace::applied(YAML)
}

/// With `emea` attested, too.
fn attested() -> Workspace {
    let workspace = applied();
    workspace.ok(&["attest", "emea", "--by", "alice@example.com"]);
    assert_eq!(workspace.again("emea"), Vec::<String>::new());
    workspace
}

const ADMIN: (&str, &str) = ("adminapi", "Identity Intelligence: Duo EMEA");

#[test]
fn attest_writes_one_line_and_leaves_the_rest() {
    let workspace = applied();
    let before = workspace.yaml();
    workspace.ok(&["attest", "emea", "--by", "alice@example.com"]);
    let after = workspace.yaml();
    let added: Vec<&str> = after.lines().filter(|line| !before.contains(line)).collect();
    assert_eq!(added.len(), 1, "{after}");
    assert!(added[0].starts_with("    attested: ") && added[0].contains(" by alice@example.com"), "{after}");
    let without: Vec<&str> = after.lines().filter(|line| !line.contains("attested:")).collect();
    assert_eq!(without, before.lines().collect::<Vec<_>>());
    assert_eq!(workspace.plan()["summary"]["handoffs"], 1, "the other entry is still open");
    workspace.ok(&["attest", "apac"]);
    assert!(workspace.yaml().contains("# in one line") && workspace.yaml().contains("*access"));
    assert_eq!(workspace.plan()["summary"]["handoffs"], 0);
    assert!(workspace.ok(&["attest", "emea"]).contains("No changes to the YAML"));
    assert_eq!(workspace.ok(&["plan"]), "No changes. The account matches the configuration.\n");
}

#[test]
fn each_change_names_exactly_its_fields() {
    let workspace = attested();
    let admin = workspace.ikey(ADMIN.0, ADMIN.1);
    let auth = workspace.ikey("authapi", "Acme IT Support");

    workspace.modify(&admin, "reset_secret_key", "1");
    assert_eq!(workspace.again("emea"), ["Secret key"]);
    workspace.ok(&["attest", "emea"]);
    workspace.modify(&auth, "reset_secret_key", "1");
    assert_eq!(workspace.again("emea"), ["Auth API secret key"]);
    workspace.ok(&["attest", "emea"]);

    workspace.replace("endpoints: true", "endpoints: false");
    assert_eq!(workspace.again("emea"), ["Endpoints"]);
    workspace.ok(&["attest", "emea"]);
    workspace.replace("display_name: Duo EMEA", "display_name: Duo Europe");
    assert_eq!(workspace.again("emea"), ["Display name"]);
    workspace.ok(&["apply", "--auto-approve"]);
    workspace.ok(&["attest", "emea"]);

    workspace.account().delete_application(&admin).unwrap();
    assert_eq!(workspace.again("emea"), ["Integration key", "Secret key"]);
    let text = workspace.ok(&["apply", "--auto-approve"]);
    assert!(
        text.contains("enter again: Integration key, Secret key; the other 6 fields stay as they are"),
        "{text}"
    );
    assert!(!text.contains("Auth API secret key"), "only those fields are named: {text}");
}

#[test]
fn push_off_and_on_again_asks_for_its_own_fields() {
    let workspace = attested();
    let push = "    push_verification:\n      application_name: Acme IT Support   # end users see it\n";
    workspace.replace(push, "");
    assert_eq!(workspace.again("emea"), ["Support Push Verification"]);
    workspace.ok(&["attest", "emea"]);
    workspace.replace("    endpoints: true\n", &format!("    endpoints: true\n{push}"));
    let again = ["Support Push Verification", "Auth API integration key", "Auth API secret key"];
    assert_eq!(workspace.again("emea"), again);
}

#[test]
fn attest_refuses_before_the_apply_and_for_names_that_are_not_there() {
    let workspace = attested();
    workspace.replace("access: &access read_write", "access: &access read_only");
    let before = workspace.yaml();
    let refused = workspace.run(&["attest", "emea"]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("run `duoctl apply --sandbox` first"));
    let unknown = workspace.run(&["attest", "emae"]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("emea"));
    assert_eq!(workspace.yaml(), before);
}

#[test]
fn eight_digits_alone_still_attest_and_others_count_for_older_values() {
    let workspace = attested();
    let line = workspace.yaml().lines().find(|line| line.contains("attested:")).unwrap().to_owned();
    let fingerprint: String = line.split('"').nth(1).unwrap().chars().take(8).collect();
    workspace.replace(&line, &format!("    attested: \"{fingerprint}\""));
    assert_eq!(workspace.again("emea"), Vec::<String>::new());
    workspace.replace(&fingerprint, "00000000");
    assert_eq!(workspace.again("emea").len(), 8);
    assert!(workspace.ok(&["plan"]).contains("attested for older values (00000000)"));
    workspace.replace("00000000", "7F3A9C21");
    let wrong = workspace.run(&["plan"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("is not a fingerprint"));
}

#[test]
fn the_sheet_holds_no_secret_and_reveal_needs_a_terminal() {
    let workspace = attested();
    let admin = workspace.ikey(ADMIN.0, ADMIN.1);
    let reply =
        workspace.account().as_administrator("GET", &format!("/admin/v1/integrations/{admin}"), Map::new());
    let duoctl::sandbox::call::Reply::Ok(shown) = reply else { panic!("no application") };
    let secret = shown["secret_key"].as_str().unwrap().to_owned();
    for format in ["human", "markdown", "json"] {
        let sheet = workspace.ok(&["handoff", "emea", "--format", format]);
        assert!(sheet.contains(&admin) && sheet.contains("Endpoints") && !sheet.contains(&secret), "{sheet}");
        assert!(sheet.contains(&secret[36..]), "{sheet}");
    }
    let refused = workspace.run(&["handoff", "emea", "--reveal"]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(refused.stdout.is_empty());
}

#[test]
fn a_renamed_push_is_announced_and_a_key_that_may_do_more_is_drift() {
    let workspace = attested();
    let admin = workspace.ikey(ADMIN.0, ADMIN.1);
    workspace.modify(&admin, "adminapi_settings", "1");
    let output = workspace.run(&["plan"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(err.contains("drift, escalates_privilege") && err.contains("settings"), "{err}");
    assert!(out.contains("reduces_privilege"), "{out}");
    workspace.ok(&["apply", "--auto-approve"]);
    assert_eq!(workspace.again("emea"), Vec::<String>::new(), "the console holds nothing of it");
    workspace.replace("application_name: Acme IT Support", "application_name: Acme Help Desk");
    let output = workspace.run(&["plan"]);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(err.contains("end users will see the new name on every push"), "{err}");
}

#[test]
fn what_is_beyond_the_yaml_is_drift_that_escalates_in_every_format() {
    let workspace = attested();
    let admin = workspace.ikey(ADMIN.0, ADMIN.1);
    workspace.modify(&admin, "adminapi_settings", "1");
    for command in ["plan", "drift"] {
        let output = workspace.run(&[command, "--format", "json"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["drift"], json!({"escalates_privilege": 1}), "{command}");
        assert_eq!(document["risks"], json!({"reduces_privilege": 1}), "{command}");
        let step = &document["steps"][0];
        let drift = json!([{"risk": "escalates_privilege", "reason": "the key may do more"}]);
        assert_eq!((&step["drift"], &step["changes"][0]["origin"]), (&drift, &json!("drift")), "{command}");
        assert_eq!(step["changes"][0]["drift"]["risk"], "escalates_privilege", "{command}");
        let found = document["diagnostics"].as_array().unwrap();
        let found = found.iter().find(|found| found["code"] == "over-privileged").unwrap();
        assert!(found["message"].as_str().unwrap().ends_with("than the YAML declares: settings"), "{found}");
        let (exit, text) = workspace.says(&[command]);
        assert_eq!(exit, if command == "drift" { 2 } else { 0 });
        assert!(text.contains("! drift, escalates_privilege: as it is now, the key may do more"), "{text}");
        assert!(text.contains("Drift: 1 escalates_privilege. Risks: 1 reduces_privilege."), "{text}");
    }
    // An added permission is named next to a removed one; restoring it is what needs a consent.
    workspace.modify(&admin, "adminapi_read_log", "0");
    let (_, text) = workspace.says(&["plan"]);
    assert!(text.contains("than the YAML declares: settings"), "{text}");
    workspace.modify(&admin, "adminapi_read_log", "1");
    workspace.ok(&["apply", "--auto-approve"]);
    assert_eq!(workspace.plan()["drift"], json!({}));
    assert_eq!(workspace.plan()["empty"], true);
}

#[test]
fn an_outstanding_handoff_is_in_the_last_line_the_document_and_the_report() {
    let workspace = applied();
    assert_eq!(
        workspace.ok(&["plan"]).lines().last().unwrap(),
        "No changes. The account matches the configuration. 2 handoffs."
    );
    workspace.ok(&["attest", "apac"]);
    let (exit, text) = workspace.says(&["plan", "--detailed-exitcode"]);
    assert_eq!(
        (exit, text.contains("configuration. 1 handoff.")),
        (0, true),
        "a person's work is no pending change"
    );
    let output = workspace.run(&["apply", "--auto-approve", "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["plan"]["summary"]["handoffs"], 1);
    assert_eq!(document["handoffs"][0]["address"], "identity_intelligence.emea");
    workspace.replace("application_name: Acme IT Support", "application_name: Acme Help Desk");
    let text = workspace.ok(&["apply", "--auto-approve"]);
    assert!(text.contains("Applied: 1 of 1 steps. 1 handoff."), "{text}");
    let output = workspace.run(&["apply", "--auto-approve", "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["handoffs"].as_array().unwrap().len(), 1);
    workspace.ok(&["attest", "emea"]);
    let output = workspace.run(&["apply", "--auto-approve", "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["handoffs"], json!([]));
}

#[test]
fn each_secret_stands_where_it_was_delivered_in_every_format() {
    let workspace = Workspace::with(YAML);
    workspace
        .replace("    endpoints: true\n", "    endpoints: true\n    secret: {store: files, path: ii/emea}\n");
    workspace.replace("# the end", "secret_stores: {files: {type: file, path: out}}\n# the end");
    workspace.ok(&["apply", "--auto-approve"]);
    let (admin, auth) = ("file out/ii/emea/admin_api", "file out/ii/emea/auth_api");
    let human = workspace.ok(&["handoff", "emea"]);
    let markdown = workspace.ok(&["handoff", "emea", "--format", "markdown"]).replace('\\', "");
    for place in [admin, auth] {
        assert!(human.contains(&format!("it is delivered to {place}; it ends in ")), "{human}");
        assert!(markdown.contains(&format!("it is delivered to {place}; it ends in `")), "{markdown}");
    }
    let document: Value =
        serde_json::from_str(&workspace.ok(&["handoff", "emea", "--format", "json"])).unwrap();
    let fields = document["handoffs"][0]["fields"].as_array().unwrap();
    let places: Vec<&Value> =
        fields.iter().filter(|field| field["secret"] == true).map(|field| &field["delivered_to"]).collect();
    assert_eq!(places, [&json!(admin), &json!(auth)]);
    workspace.ok(&["attest", "emea"]);
    let rotate =
        ["keys", "rotate", "identity_intelligence.emea.auth_api", "--strategy=in-place", "--auto-approve"];
    let (exit, text) = workspace.says(&rotate);
    assert_eq!(
        (exit, text.contains("--allow breaks_handoff:identity_intelligence.emea.auth_api")),
        (5, true),
        "{text}"
    );
    let (exit, text) = workspace.says(&[&rotate[..], &["--allow", "breaks_handoff"]].concat());
    assert_eq!(exit, 0, "{text}");
    assert!(
        text.contains(
            "`duoctl handoff emea --sandbox` shows what to enter again; then record it with `duoctl attest emea --sandbox`"
        ),
        "{text}"
    );
    assert_eq!(workspace.again("emea"), ["Auth API secret key"]);
}

#[test]
fn a_new_push_application_and_a_new_place_change_exactly_their_fields() {
    let workspace = attested();
    let auth = workspace.ikey("authapi", "Acme IT Support");
    workspace.account().delete_application(&auth).unwrap();
    workspace.ok(&["apply", "--auto-approve"]);
    assert_eq!(workspace.again("emea"), ["Auth API integration key", "Auth API secret key"]);
    workspace.ok(&["attest", "emea"]);
    // What users see on the push is in Duo, not in the console.
    workspace.replace("application_name: Acme IT Support", "application_name: Acme Help Desk");
    workspace.ok(&["apply", "--auto-approve"]);
    assert_eq!(workspace.again("emea"), Vec::<String>::new());
    workspace.replace("display_name: Duo EMEA", "admin_api: {name: Acme to CII}\n    display_name: Duo EMEA");
    workspace.ok(&["apply", "--auto-approve"]);
    assert_eq!(workspace.again("emea"), Vec::<String>::new());
}
