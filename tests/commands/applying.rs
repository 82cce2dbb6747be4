//! `apply`: the account becomes what the YAML declares, and the second run has nothing to do.

use serde_json::{Value, json};

use crate::support::{Folder, Server, THREE, even};

#[test]
fn the_first_run_creates_and_verifies_and_the_second_has_nothing_to_do() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    // One at a time, so that the lines keep their order.
    let first = folder.duoctl(["apply", "--auto-approve", "--parallelism=1"]).at(&server).run().exits(0);
    assert_eq!(first.stderr, "");
    insta::assert_snapshot!(even(&first.stdout), @r#"
    + create applications.helpdesk  "Help desk" (authapi)
        name            "Help desk"
        user_access     "permitted_groups"
        groups_allowed  "Employees"

    + create applications.siem  "SIEM export" (adminapi)
        name         "SIEM export"
        user_access  "no_users"
        permissions  "info", "read_resource"

    + create applications.vpn  "VPN" (radius)
        name            "VPN"
        user_access     "permitted_groups"
        groups_allowed  "Contractors", "VPN Users"
        policy          "Require trusted endpoints"
        notes           "Owned by the network team"
        ? not known: whether the policy requires less than the global one

    Plan: 3 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged.
    created applications.helpdesk DI…
    created applications.siem DI…
    created applications.vpn DI…
    Applied: 3 of 3 steps.

    verified applications.helpdesk  "Help desk" (authapi)
        auth check: Duo accepts the key for the Auth API
    verified applications.siem  "SIEM export" (adminapi)
        held: info, read_resource
        refused as it should: admins, admins_read, read_log, settings
        not testable: allow_to_set_permissions, integrations, integrations_read, settings_read, write_resource (shown as not granted): no read-only call proves it
    verified applications.vpn  "VPN" (radius)
        auth check: Duo accepts the key for the Auth API
    Verified: 3 of 3 applications.
    "#);
    let vpn = &server.named("VPN")[0];
    assert_eq!(vpn["user_access"], "PERMITTED_GROUPS");
    assert!(vpn["notes"].as_str().unwrap().starts_with("Owned by the network team"));

    let writes = server.writes();
    let second = folder.duoctl(["apply"]).at(&server).run().exits(0);
    assert!(second.stdout.starts_with("No changes. The account matches the configuration.\n"), "{second:?}");
    assert_eq!(server.writes(), writes, "the second run writes nothing");
    assert_eq!(server.account().applications().len(), 12 + 3);
}

#[test]
fn the_report_for_machines_is_one_document() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let first = folder.duoctl(["apply", "--auto-approve", "--format", "json"]).at(&server).run().exits(0);
    let document = first.json();
    assert_eq!(document["kind"], "apply");
    assert_eq!(document["summary"], json!({"applied": 3, "failed": 0, "not_attempted": 0}));
    assert_eq!(document["left"]["empty"], json!(true));
    assert_eq!(document["verify"]["passed"], json!(true));
    let statuses: Vec<_> = document["steps"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
    assert_eq!(statuses, ["applied", "applied", "applied"]);
    let ikeys: Vec<&Value> =
        document["steps"].as_array().unwrap().iter().map(|step| &step["integration_key"]).collect();
    assert!(ikeys.iter().all(|ikey| ikey.as_str().unwrap().starts_with("DI")), "{ikeys:?}");
    // Progress is for people, so it is not on stdout.
    assert_eq!(first.stderr.lines().filter(|line| line.starts_with("created ")).count(), 3);
    let quiet = folder.duoctl(["apply", "-q", "--format", "json"]).at(&server).run().exits(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.json()["plan"]["empty"], json!(true));
}

#[test]
fn a_change_is_sent_field_by_field_and_an_edit_in_duo_is_drift() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    folder.declare(&THREE.replace("Owned by the network team", "Owned by the VPN team"));
    server.edit("VPN", json!({"user_access": "NO_USERS"}));
    let outcome =
        folder.duoctl(["apply", "--auto-approve", "--allow", "widens_access"]).at(&server).run().exits(0);
    insta::assert_snapshot!(even(&outcome.stdout), @r#"
    ~ update applications.vpn  "VPN" (radius) DI…
        user_access     "no_users" -> "permitted_groups"  (drift: changed in Duo)
        groups_allowed  (drift: changed in Duo)
          + "Contractors"
          + "VPN Users"
        notes           "Owned by the network team" -> "Owned by the VPN team"
        ! drift, narrows_access: as it is now, fewer users may log in
        ! widens_access: more users may log in, which undoes the change in Duo
        @ 9 users gain access: ada.albrecht, alan.albrecht, edsger.bianchi, frances.bianchi, ivan.albrecht and 4 more

    Plan: 0 to add, 1 to change, 0 to adopt, 0 to delete. 12 unmanaged. Drift: 1 narrows_access. Risks: 1 widens_access.
    updated applications.vpn DI…
    Applied: 1 of 1 steps.

    verified applications.vpn  "VPN" (radius)
        auth check: Duo accepts the key for the Auth API
    Verified: 1 of 1 applications.
    "#);
    let vpn = &server.named("VPN")[0];
    assert!(vpn["notes"].as_str().unwrap().starts_with("Owned by the VPN team\n"));
    assert_eq!(vpn["user_access"], "PERMITTED_GROUPS");
}

#[test]
fn an_application_that_exists_is_adopted_and_its_own_text_kept() {
    let server = Server::start();
    let folder = Folder::with(
        "applications: {finance: {type: rdp, name: Finance servers, user_access: permitted_groups}}\n",
    );
    folder.duoctl(["validate"]).run().exits(1);
    folder.declare(
        "applications:
  finance:
    {type: rdp, name: Finance servers, user_access: permitted_groups, groups_allowed: [Finance, IT Administrators]}\n",
    );
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    assert_eq!(plan.last_line(), "Plan: 0 to add, 0 to change, 1 to adopt, 0 to delete. 11 unmanaged.");
    folder
        .duoctl(["apply", "--auto-approve"])
        .at(&server)
        .run()
        .exits(0)
        .says("adopted applications.finance DI");
    let notes = server.named("Finance servers")[0]["notes"].as_str().unwrap().to_owned();
    assert!(notes.starts_with("Terminal servers of the finance department"), "{notes}");
    folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(0);
}

#[test]
fn what_left_the_yaml_is_quarantined_and_deleted_only_on_request() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let without_vpn = &THREE[..THREE.find("  vpn:").unwrap()];
    folder.declare(without_vpn);
    let kept = folder.duoctl(["apply"]).at(&server).run().exits(0);
    kept.says("? orphan applications.vpn").says("`duoctl apply --prune` quarantines it").says("No changes.");
    folder
        .duoctl(["apply", "--auto-approve", "--prune"])
        .at(&server)
        .run()
        .exits(0)
        .says("quarantined applications.vpn");
    assert_eq!(server.named("VPN")[0]["user_access"], "NO_USERS");
    folder
        .duoctl(["apply", "--prune"])
        .at(&server)
        .run()
        .exits(0)
        .says("has been quarantined since 20")
        .says("No changes.");

    // The mode's name says that it deletes; a number limits how many at once.
    let now = ["apply", "--auto-approve", "--prune=now", "--allow", "destroys"];
    let refused = folder.duoctl(now.iter().chain(&["--max-deletes", "0"])).at(&server).run().exits(5);
    refused.says("to allow it: --max-deletes 1");
    assert_eq!(server.named("VPN").len(), 1);
    folder.duoctl(now).at(&server).run().exits(0).says("deleted applications.vpn");
    assert_eq!(server.named("VPN").len(), 0);
    assert_eq!(server.account().applications().len(), 12 + 2);
    folder.duoctl(["plan", "--detailed-exitcode"]).at(&server).run().exits(0);
}

#[test]
fn one_part_can_be_applied_alone() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let outcome = folder
        .duoctl(["apply", "--auto-approve", "--only", "*.siem", "--no-verify"])
        .at(&server)
        .run()
        .exits(0);
    outcome.says("2 addresses were left out").says("Applied: 1 of 1 steps.");
    assert_eq!((server.named("SIEM export").len(), server.named("VPN").len()), (1, 0));
}

#[test]
fn a_connection_needs_keys_and_says_where_they_go() {
    let folder = Folder::with(THREE);
    let outcome = folder.duoctl(["plan"]).run().exits(1);
    insta::assert_snapshot!(outcome.stderr, @"
    error: tenant.credentials.integration_key: the environment variable DUO_IKEY is not set
      tenant.credentials.secret_key: the environment variable DUO_SKEY is not set
      see `tenant.credentials` in the YAML, or try `--sandbox`, which needs no keys
    ");
    folder.write(
        "duo.yaml",
        "version: 1\nworkspace: a\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n",
    );
    folder.duoctl(["plan"]).run().exits(1).warns("DUO_SKEY").warns("--sandbox");
}

#[test]
fn keys_come_from_files_and_commands_too() {
    let (folder, server) = (Folder::empty(), Server::start());
    let key = server.key("operator");
    folder.write("ikey", &format!("{}\n", key.integration_key));
    folder.write("skey", key.secret_key.expose());
    let yaml = |source: &str| {
        format!(
            "version: 1\nworkspace: acme\ntenant:\n  api_hostname: api-1a2b3c4d.duosecurity.com\n  credentials: \
             {{integration_key: {{file: ikey}}, secret_key: {source}}}\n{THREE}"
        )
    };
    for source in ["{file: skey}", "{command: [cat, skey]}"] {
        folder.write("duo.yaml", &yaml(source));
        folder.duoctl(["plan"]).at(&server).env("DUO_SKEY", "").run().exits(0).says("3 to add");
    }
    folder.write("duo.yaml", &yaml("{command: [sh, -c, 'cat skey; exit 3']}"));
    let failed = folder.duoctl(["plan"]).at(&server).run().exits(1);
    failed.warns("tenant.credentials.secret_key: the command `sh` ended with exit status: 3");
    // Duo's other secrets are not in its environment; everything else that it may need is.
    let second =
        "recovery: {integration_key: {env: DUO_RECOVERY_IKEY}, secret_key: {env: DUO_RECOVERY_SKEY}}";
    let nosy = "{command: [sh, -c, 'test \"$VAULT_TOKEN:$DUO_RECOVERY_SKEY\" = s.1: && cat skey']}";
    folder.write("duo.yaml", &yaml(&format!("{nosy}, {second}")));
    let call =
        folder.duoctl(["plan"]).at(&server).env("DUO_RECOVERY_SKEY", "hunter2").env("VAULT_TOKEN", "s.1");
    call.run().exits(0).says("3 to add");
}

#[test]
fn a_plan_only_key_reads_but_cannot_apply() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let key = server.key("plan-only");
    folder.duoctl(["plan"]).at_with(&server, &key).run().exits(0).says("3 to add");
    let outcome = folder.duoctl(["apply", "--auto-approve"]).at_with(&server, &key).run().exits(77);
    let outcome = outcome
        .says("failed applications.vpn")
        .says("fix the cause, then run `duoctl apply` again")
        .says("Applied: 0 of 3 steps, 3 failed.");
    assert_eq!(
        outcome.stdout.matches("lacks the permission").count(),
        1,
        "one cause, said once: {outcome:?}"
    );
    assert_eq!(server.account().applications().len(), 12);
}
