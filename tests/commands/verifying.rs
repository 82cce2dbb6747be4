//! `verify` and `doctor`: what is verified, what is not, and what to do about it.

use serde_json::{Value, json};

use crate::support::{Folder, HEAD, Server, THREE, even, object};

fn applied() -> (Folder, Server) {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    (folder, server)
}

fn verdicts(document: &Value) -> Vec<(&str, &str)> {
    let text = |value: &Value, key: &str| -> &'static str { value[key].as_str().unwrap().to_owned().leak() };
    document["applications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(it, "address"), text(it, "verdict")))
        .collect()
}

#[test]
fn every_key_is_proven_and_nothing_is_changed() {
    let (folder, server) = applied();
    let writes = server.writes();
    let outcome = folder.duoctl(["verify"]).at(&server).run().exits(0);
    assert_eq!(outcome.stderr, "note: reads 3 secret keys from Duo, which logs each\n");
    insta::assert_snapshot!(even(&outcome.stdout), @r#"
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
    assert_eq!(server.writes(), writes);
    let document = folder.duoctl(["verify", "--format", "json"]).at(&server).run().exits(0).json();
    assert_eq!((&document["kind"], &document["passed"]), (&json!("verify"), &json!(true)));
    assert_eq!(
        verdicts(&document),
        [
            ("applications.helpdesk", "verified"),
            ("applications.siem", "verified"),
            ("applications.vpn", "verified")
        ]
    );
    folder
        .duoctl(["verify", "-v", "--only", "*.siem"])
        .at(&server)
        .run()
        .exits(0)
        .says("Verified: 1 of 1 applications.");
}

#[test]
fn a_permission_that_was_changed_behind_its_back_is_a_failure() {
    let (folder, server) = applied();
    server.edit("SIEM export", json!({"adminapi_write_resource": "1", "adminapi_info": "0"}));
    let outcome = folder.duoctl(["verify"]).at(&server).run().exits(3);
    outcome
        .says("permission info: failed: the YAML declares it, but Duo shows it as not granted")
        .says("permission write_resource: failed: the YAML does not declare it, but Duo shows it as granted")
        .warns("the account differs from the YAML; `duoctl plan` shows how");
    let document = folder.duoctl(["verify", "--format", "json"]).at(&server).run().exits(3).json();
    assert_eq!(verdicts(&document)[1], ("applications.siem", "failed"));
    // Ignored fields are left to Duo.
    folder.declare(&THREE.replace(
        "permissions: [info, read_resource]}",
        "permissions: [info, read_resource], ignore: [{field: permissions, reason: trial}]}",
    ));
    folder.duoctl(["verify"]).at(&server).run().exits(0);
}

#[test]
fn what_is_not_there_is_a_failure() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["verify"]).at(&server).run().exits(3).says("Verified: 0 of 3 applications, 3 failed.");
}

#[test]
fn what_cannot_be_told_apart_is_not_called_missing() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    for _ in 0..2 {
        let twin = object(json!({"type": "radius", "name": "VPN", "user_access": "NO_USERS"}));
        server.account().create_application(twin).unwrap_or_else(|_| panic!("refused"));
    }
    let outcome = folder.duoctl(["verify", "--only", "*.vpn"]).at(&server).run().exits(1);
    outcome
        .warns("2 live applications of type `radius` are named `VPN`")
        .says("cannot tell which application it is");
}

#[test]
fn answers_that_prove_nothing_are_neither_good_nor_bad() {
    let (folder, server) = applied();
    // The list can be read, then the keys cannot.
    let process = {
        server.disturb("delay=100");
        folder.duoctl(["verify", "--only", "*.helpdesk"]).at(&server).start()
    };
    let lists = *server.account().requests().get("GET /admin/v3/integrations").unwrap();
    server.wait_until("the list is read", |account| account.requests()["GET /admin/v3/integrations"] > lists);
    server.disturb("5xx=999");
    process.end().exits(75).says("inconclusive").says("Verified: 0 of 1 applications, 1 inconclusive.");
}

/// A server error proves nothing about a key: no message suggests resetting a working key that clients use.
#[test]
fn a_servers_error_fails_no_key() {
    let (server, folder) = (
        Server::start(),
        Folder::with(
            "applications:
  helpdesk: {type: authapi, name: Help desk, user_access: permitted_groups, groups_allowed: [Employees]}
  intranet: {type: websdk, name: Intranet pages, user_access: permitted_groups, groups_allowed: [Employees]}
  siem: {type: adminapi, name: SIEM export, user_access: no_users, permissions: [info]}
",
        ),
    );
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    for fault in [
        "5xx=99@/oauth/v1/health_check",
        "html=99@/oauth/v1/health_check",
        "5xx=99@/auth/v2/check",
        "5xx=99@/admin/v1/info",
        "429=99@/oauth/v1/health_check",
    ] {
        server.disturb(fault);
        let outcome = folder.duoctl(["verify"]).at(&server).run().exits(75).says("1 inconclusive.");
        assert!(!outcome.stdout.contains("reset"), "{fault}: {}", outcome.stdout);
        server.calm();
    }
    folder.duoctl(["verify"]).at(&server).run().exits(0).says("Verified: 3 of 3 applications.");
}

#[test]
fn a_healthy_connection_is_proven_thing_by_thing() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let outcome = folder.duoctl(["doctor"]).at(&server).run().exits(0);
    insta::assert_snapshot!(even(&outcome.stdout), @"
    verified hostname and TLS: api-1a2b3c4d.duosecurity.com answers as Duo
    verified clock: differs from Duo's by … s
    verified operator key: DI… is accepted by the Admin API
    verified read applications: the list of applications answers
    shown by Duo permission read_resource: granted: plan, drift, verify and import read applications; plan reads groups; plan reads policies
    shown by Duo permission integrations: granted: apply creates and changes applications; verify and rotate read secret keys
    shown by Duo permission allow_to_set_permissions: granted: apply sets permissions of Admin API applications
    shown by Duo permission read_log: granted: drift --who names who changed an application; apply --prune checks that a quarantined application is unused
    verified read groups: 10 groups
    verified read policies: 6 policies
    Healthy: duoctl can work with this account.
    ");
    let document = folder.duoctl(["doctor", "--format", "json"]).at(&server).run().exits(0).json();
    assert_eq!((&document["kind"], &document["healthy"]), (&json!("doctor"), &json!(true)));
    assert_eq!(server.writes(), 0);
}

#[test]
fn what_keeps_duoctl_from_working_comes_with_the_way_out() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let doctor = |key: &str| folder.duoctl(["doctor"]).at_with(&server, &server.key(key)).run();
    doctor("plan-only").exits(1).says("failed permission integrations").says("select `Grant applications`");
    doctor("no-permissions").exits(77).says("failed read applications").says("Not healthy: see above.");
    doctor("auth").exits(77).says("failed operator key").says("an Auth API application");
    let wrong = folder
        .duoctl(["doctor"])
        .at(&server)
        .env("DUO_SKEY", "wrongwrongwrongwrongwrongwrongwrongwrong")
        .run()
        .exits(77);
    wrong.says("verified hostname and TLS").says("failed operator key");
    server.disturb("skew=900");
    folder
        .duoctl(["doctor"])
        .at(&server)
        .run()
        .exits(1)
        .says("failed clock: it differs from Duo's by 9")
        .says("synchronise this machine's clock");
}

#[test]
fn an_identity_intelligence_entry_is_applied_verified_and_handed_off() {
    let server = Server::start();
    let folder = Folder::empty();
    let head = HEAD.replace("tenant:\n", "tenant:\n  plan: advantage\n");
    folder.write(
        "duo.yaml",
        &format!(
            "{head}identity_intelligence:\n  emea:\n    display_name: Duo EMEA\n    access: read_write\n    push_verification: \
             {{application_name: Acme IT Support}}\n    endpoints: true\n"
        ),
    );
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    assert_eq!(
        plan.last_line(),
        "Plan: 2 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged. 1 handoff."
    );
    let applied = folder.duoctl(["apply", "--auto-approve", "--parallelism=1"]).at(&server).run().exits(0);
    insta::assert_snapshot!(even(&applied.stdout), @r#"
    + create identity_intelligence.emea.admin_api  "Identity Intelligence: Duo EMEA" (adminapi)
        name         "Identity Intelligence: Duo EMEA"
        user_access  "no_users"
        permissions  "read_log", "read_resource", "write_resource"

    + create identity_intelligence.emea.auth_api  "Acme IT Support" (authapi)
        name         "Acme IT Support"
        user_access  "all_users"

    * handoff identity_intelligence.emea
        Cisco Identity Intelligence: Integrations -> Add Integration -> Duo; some values are known after the apply
        General Settings
          Display name               Duo EMEA
          API hostname               api-1a2b3c4d.duosecurity.com
          Integration key            (known after the apply)
          Secret key                 (known after the apply)
          Support Push Verification  on
          Auth API integration key   (known after the apply)
          Auth API secret key        (known after the apply)
        Advanced Settings
          Endpoints                  on
        1. Save (the button may be labelled Connect)
        2. on the Integrations page, open the menu of the integration: Test Connectivity
        3. after a successful test: Collect Now

    Plan: 2 to add, 0 to change, 0 to adopt, 0 to delete. 12 unmanaged. 1 handoff.
    created identity_intelligence.emea.admin_api DI…
    created identity_intelligence.emea.auth_api DI…
    Applied: 2 of 2 steps. 1 handoff.

    * handoff identity_intelligence.emea
        Cisco Identity Intelligence: Integrations -> Add Integration -> Duo; these values are not attested yet
        General Settings
          Display name               Duo EMEA
          API hostname               api-1a2b3c4d.duosecurity.com
          Integration key            DI…
          Secret key                 copy it from the Duo Admin Panel, or from `duoctl handoff emea --reveal`; it ends in …
          Support Push Verification  on
          Auth API integration key   DI…
          Auth API secret key        copy it from the Duo Admin Panel, or from `duoctl handoff emea --reveal`; it ends in …
        Advanced Settings
          Endpoints                  on
        1. Save (the button may be labelled Connect)
        2. on the Integrations page, open the menu of the integration: Test Connectivity
        3. after a successful test: Collect Now
        4. `duoctl attest emea`

    verified identity_intelligence.emea.admin_api  "Identity Intelligence: Duo EMEA" (adminapi)
        held: read_log, read_resource
        refused as it should: admins, admins_read, info, settings
        not testable: write_resource (shown as granted), allow_to_set_permissions, integrations, integrations_read, settings_read (shown as not granted): no read-only call proves it
    verified identity_intelligence.emea.auth_api  "Acme IT Support" (authapi)
        auth check: Duo accepts the key for the Auth API
    Verified: 2 of 2 applications.
    "#);
}

/// Every set of newer and older read permissions: what is reported as held is held, and what cannot be determined is
/// reported with its reason, once per reason.
#[test]
fn permissions_are_named_exactly() {
    for (declared, held, refused) in [
        ("[settings_read]", "settings_read", "admins, admins_read, info, read_log, read_resource"),
        ("[admins_read, info]", "admins_read, info", "read_log, read_resource, settings"),
        (
            "[integrations_read, read_log]",
            "integrations_read, read_log",
            "admins, admins_read, info, read_resource, settings",
        ),
        ("[read_resource, settings]", "read_resource, settings", "admins, admins_read, info, read_log"),
    ] {
        let server = Server::start();
        let folder = Folder::with(&format!(
            "applications:\n  siem: {{type: adminapi, name: SIEM export, user_access: no_users, permissions: {declared}}}\n"
        ));
        let allow = ["apply", "--auto-approve", "--no-verify", "--allow=escalates_privilege"];
        folder.duoctl(allow).at(&server).run().exits(0);
        let outcome = folder.duoctl(["verify"]).at(&server).run().exits(0);
        let outcome = outcome
            .says(&format!("    held: {held}\n"))
            .says(&format!("    refused as it should: {refused}\n"));
        let untested: Vec<&str> =
            outcome.stdout.lines().filter_map(|line| line.trim().strip_prefix("not testable: ")).collect();
        let reasons: Vec<&str> = untested.iter().map(|line| line.split_once(": ").unwrap().1).collect();
        assert!(
            !reasons.is_empty() && untested.iter().all(|line| line.contains("(shown as ")),
            "{untested:?}"
        );
        let distinct: std::collections::BTreeSet<_> = reasons.iter().collect();
        assert_eq!(distinct.len(), reasons.len(), "{untested:?}");
        let report = folder.duoctl(["verify", "--format", "json"]).at(&server).run().exits(0).json();
        let checks = report["applications"][0]["checks"].as_array().unwrap();
        let names: std::collections::BTreeSet<&str> =
            checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!((names.len(), checks.len()), (11, 11), "{names:?}");
    }
}

/// A key that only works from elsewhere: every permission has the reason, also without -v.
#[test]
fn what_cannot_be_tested_says_why() {
    let siem = "applications:\n  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info, read_log], \
                networks_for_api_access: [192.0.2.0/24]}\n";
    let (folder, server) = (Folder::with(siem), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    let outcome = folder.duoctl(["verify"]).at(&server).run().exits(0);
    insta::assert_snapshot!(even(&outcome.stdout), @r#"
    not testable applications.siem  "SIEM" (adminapi)
        not testable: info, read_log (shown as granted), admins, admins_read, read_resource, settings (shown as not granted): the call is refused, perhaps because `networks_for_api_access` excludes this machine
        not testable: allow_to_set_permissions, integrations, integrations_read, settings_read, write_resource (shown as not granted): no read-only call proves it
    Verified: 0 of 1 applications, 1 not testable.
    "#);
}

/// apply accepts what verify suggests.
#[test]
fn the_advice_of_verify_works() {
    type Edit = fn(&Server);
    let edits: [(&str, Edit); 4] = [
        ("a permission taken away", |server| server.edit("SIEM export", json!({"adminapi_info": "0"}))),
        ("a permission given", |server| server.edit("SIEM export", json!({"adminapi_write_resource": "1"}))),
        ("one taken and one given", |server| {
            server.edit("SIEM export", json!({"adminapi_info": "0", "adminapi_admins_read": "1"}));
        }),
        ("the application deleted", |server| {
            let ikey = server.ikey("SIEM export");
            server.account().delete_application(&ikey).unwrap_or_else(|_| panic!("refused"));
        }),
    ];
    for (name, edit) in edits {
        for others in [false, true] {
            let (folder, server) = applied();
            edit(&server);
            if others {
                // An apply refuses another address for a different reason.
                server.edit("VPN", json!({"user_access": "NO_USERS"}));
            }
            let outcome = folder.duoctl(["verify", "--only", "*.siem"]).at(&server).run().exits(3);
            let advice = outcome.stdout.lines().find_map(|line| line.trim().strip_prefix("run `duoctl "));
            let advice = advice.unwrap_or_else(|| panic!("{name}: {}", outcome.stdout));
            let advice = advice.split('`').next().unwrap();
            let words = advice.split(' ').chain(["--auto-approve", "--no-verify"]);
            folder.duoctl(words).at(&server).run().exits(0);
            folder.duoctl(["verify", "--only", "*.siem"]).at(&server).run().exits(0);
        }
    }
}

/// A risk that only reverts a change made in Duo does not read like the opposite, and a step that waits for another consent is
/// named.
#[test]
fn a_consent_that_is_missing_says_what_else_waits() {
    let yaml = THREE.replace(
        "permitted_groups, groups_allowed: [Employees]}",
        "no_users, secret: {store: local, path: desk}}",
    ) + "secret_stores: {local: {type: file, path: kept}}\n";
    let (folder, server) = (Folder::with(&yaml), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    server.edit("SIEM export", json!({"adminapi_info": "0"}));
    std::fs::remove_dir_all(folder.path("kept")).unwrap();
    let lines = |outcome: &crate::support::Outcome| {
        let of_risks = outcome.stdout.lines().map(str::trim).filter(|line| line.starts_with("! "));
        of_risks.map(str::to_owned).collect::<Vec<_>>()
    };
    let plan = folder.duoctl(["plan"]).at(&server).run().exits(0);
    assert_eq!(
        lines(&plan),
        [
            "! drift, reduces_privilege: as it is now, the key may do less",
            "! escalates_privilege: the key may do more, which undoes the change in Duo",
            "! escalates_privilege: applications.siem: the key may do more",
        ]
    );
    let waits = "held back until then: deliver applications.helpdesk (`--exclude applications.siem` applies the rest)";
    plan.says(waits);
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(5).says(waits);
    assert!(!folder.path("kept").exists());
    let rest = ["apply", "--auto-approve", "--no-verify", "--exclude", "applications.siem"];
    folder.duoctl(rest).at(&server).run().exits(0).says("delivered");
    assert!(folder.path("kept/desk").exists());
}
