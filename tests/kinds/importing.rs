//! Importing groups, policies and the global policy: the plan after it only adopts, and what refers to them uses their
//! addresses.

use serde_json::{Value, json};

use super::{call, listed};
use crate::support::{Folder, HEAD, Server};

const ALL: [&str; 4] = ["import", ".", "--kind", "all"];

fn with_switch(switch: &str) -> Server {
    let server = Server::start();
    if !switch.is_empty() {
        server.account().switches.set(switch).unwrap();
    }
    server
}

fn policy(server: &Server, name: &str, sections: Value) -> String {
    let body = json!({"policy_name": name, "sections": sections});
    call(server, "POST", "/admin/v2/policies", body)["policy_key"].as_str().unwrap().to_owned()
}

/// The plan only adopts, the apply does that and nothing else, and another import has nothing to add.
#[track_caller]
fn adopts_and_settles(folder: &Folder, server: &Server, import: &[&str]) {
    folder.duoctl(["validate"]).run().exits(0);
    let planned = folder.duoctl(["plan", "--format", "json"]).at(server).run().exits(0).json();
    let actions = planned["steps"].as_array().unwrap().iter().map(|step| step["action"].as_str().unwrap());
    let others: Vec<&str> = actions.filter(|action| *action != "adopt").collect();
    assert!(others.is_empty(), "{planned:#}");
    let policies = listed(server, "/admin/v2/policies");
    folder.duoctl(["apply", "--auto-approve"]).at(server).run().exits(0);
    folder.duoctl(["plan"]).at(server).run().exits(0).says("No changes.");
    assert_eq!(listed(server, "/admin/v2/policies"), policies);
    let before = folder.read("duo.yaml");
    folder.duoctl(import).at(server).run().exits(0).says("Nothing to import.");
    assert_eq!(folder.read("duo.yaml"), before);
}

#[test]
fn the_seeded_account_reads_as_a_person_would_write_it() {
    let (folder, server) = (Folder::with(""), Server::start());
    let kinds = ["import", ".", "--kind", "group", "--kind", "policy", "--kind", "global-policy"];
    folder.duoctl(kinds).at(&server).run().exits(0);
    insta::assert_snapshot!(folder.read("duo.yaml").strip_prefix(HEAD).unwrap(), @r#"
    groups:
      contractors:
        name: Contractors
        description: External staff
      employees:
        name: Employees
        description: Everybody on the payroll
      engineering:
        name: Engineering
        description: Product development
      finance:
        name: Finance
        description: Accounting and controlling
      help-desk:
        name: Help Desk
        description: First level support
      interns-5kzzgy:
        name: Interns
        group_id: DGX35ZS4QQL63Y5KZZGY
        description: Interns of the branch offices
      interns-id5n55:
        name: Interns
        group_id: DGSV32O8OWALSRID5N55
        description: Interns of the headquarters
      it-administrators:
        name: IT Administrators
        description: Own the servers
      staff-from-ad-sync-hq:
        name: 'Staff (from AD sync "HQ")'
        description: Synchronised from the directory of the headquarters
      vpn-users:
        name: VPN Users
        description: May use the VPN
    policies:
      block-anonymous-networks:
        name: Block anonymous networks
        anonymous_networks: deny
      contractors:
        name: Contractors
        authentication_methods:
          auto_retry_sms: false
          blocked: [phonecall, sms]
          require_verified_push: true
          verified_push_digits: 3
        new_user: deny
      every-section:
        name: Every section
        anonymous_networks: no-action
        authentication_methods:
          auto_retry_sms: false
          blocked: [duo-push-pwl, webauthn-platform-pwl, webauthn-roaming-pwl]
          require_verified_push: true
          verified_push_digits: 6
        authentication_policy: enforce
        authorized_networks:
          mfa_required:
            ip_list: []
          no_2fa_required:
            ip_list: []
        browsers:
          allowed_browsers_list: [chrome, chrome-mobile, edge, firefox, ie, other-browsers, safari, safari-mobile]
          blocked_browsers_list: []
          browser_max_ood_days: 30
          out_of_date_behavior: no-remediation
        duo_desktop:
          enforce_device_id_pinning: never
          enforce_signed_payload: never
          requires_duo_desktop: []
        duo_mobile_app:
          require_updates: false
        full_disk_encryption: false
        mobile_device_biometrics: false
        new_user: enroll
        operating_systems:
          allow_unrestricted_os_list: [android, blackberry, chromeos, ios, linux, macos, unknownos, windows, windowsphone]
          block_os_list: []
          os_restrictions: {}
        plugins:
          flash: allow-all
          java: allow-all
          java_max_ood_days: 30
        remembered_devices:
          browser:
            user_based:
              confirm_per_app: false
              max_time: 12h
          windows_logon: "off"
        risk_based_factor_selection:
          limit_to_risk_based_auth_methods: false
          risk_based_verified_push_digits: 6
        screen_lock: true
        tampered_devices: false
        trusted_endpoints:
          cisco_secure_endpoint_can_block: false
          trusted_endpoint_checking: allow-all
        user_location:
          allow_access_no_2fa: []
          default: ignore-location
          deny_access: []
          ignore_location: []
          require_mfa: []
      remember-devices-for-a-week:
        name: Remember devices for a week
        remembered_devices:
          browser:
            user_based:
              confirm_per_app: false
              max_time: "7d"
          windows_logon: "off"
      require-trusted-endpoints:
        name: Require trusted endpoints
        trusted_endpoints:
          cisco_secure_endpoint_can_block: false
          trusted_endpoint_checking: require-trusted
    global_policy:
      anonymous_networks: no-action
      authentication_methods:
        auto_retry_sms: false
        blocked: [desktop, duo-passcode, phonecall]
        require_verified_push: true
        verified_push_digits: 3
      authentication_policy: enforce
      authorized_networks:
        blocked:
          ip_list: []
        mfa_required:
          ip_list: []
        no_2fa_required:
          ip_list: []
      browsers:
        allowed_browsers_list: [chrome, chrome-mobile, edge, firefox, ie, other-browsers, safari, safari-mobile]
        blocked_browsers_list: []
        browser_max_ood_days: 30
        out_of_date_behavior: no-remediation
      duo_desktop:
        enforce_device_id_pinning: never
        enforce_encryption: []
        enforce_firewall: []
        enforce_signed_payload: never
        enforce_system_password: []
        linux_endpoint_security_list: []
        macos_endpoint_security_list: []
        macos_remediation_note: ""
        prompt_to_install: []
        requires_duo_desktop: []
        windows_endpoint_security_list: []
        windows_remediation_note: ""
      duo_mobile_app:
        require_updates: false
      full_disk_encryption: false
      health_checks:
        enforce_device_id_pinning: never
        enforce_encryption: []
        enforce_firewall: []
        enforce_signed_payload: never
        enforce_system_password: []
        linux_endpoint_security_list: []
        macos_endpoint_security_list: []
        macos_remediation_note: ""
        prompt_to_install: []
        requires_duo_desktop: []
        windows_endpoint_security_list: []
        windows_remediation_note: ""
      mobile_device_biometrics: false
      new_user: enroll
      operating_systems:
        allow_unrestricted_os_list: [android, blackberry, chromeos, ios, linux, macos, unknownos, windows, windowsphone]
        block_os_list: []
        os_restrictions: {}
      plugins:
        flash: allow-all
        java: allow-all
        java_max_ood_days: 30
      remembered_devices:
        browser: "off"
        windows_logon: "off"
      risk_based_factor_selection:
        limit_to_risk_based_auth_methods: true
        risk_based_verified_push_digits: 3
      screen_lock: true
      tampered_devices: true
      trusted_endpoints:
        cisco_secure_endpoint_can_block: false
        trusted_endpoint_checking: allow-all
      user_location:
        allow_access_no_2fa: []
        default: ignore-location
        deny_access: []
        ignore_location: []
        require_mfa: []
    "#);
    adopts_and_settles(&folder, &server, &kinds);
}

#[test]
fn everything_is_imported_at_once_or_applications_later() {
    for switch in ["", "essentials"] {
        let (whole, server) = (Folder::with(""), with_switch(switch));
        whole.duoctl(ALL).at(&server).run().exits(0);
        let later = Folder::with("");
        let kinds = ["import", ".", "--kind", "global-policy", "--kind", "policy", "--kind", "group"];
        later.duoctl(kinds).at(&server).run().exits(0);
        later.duoctl(["plan"]).at(&server).run().exits(0).says("0 to add, 0 to change");
        later.duoctl(["import", "."]).at(&server).run().exits(0).says("Imported 11 applications.");
        assert_eq!(whole.read("duo.yaml"), later.read("duo.yaml"), "{switch}");
        let text = whole.read("duo.yaml");
        assert!(text.contains("groups_allowed: [groups.contractors, groups.employees]"), "{text}");
        assert!(text.contains("policy: policies.require-trusted-endpoints"), "{text}");
        adopts_and_settles(&whole, &server, &ALL);
    }
}

#[test]
fn an_authoritative_import_settles_too() {
    for head in ["", "authoritative: true\n"] {
        let (folder, server) = (Folder::with(head), Server::start());
        let arguments: &[&str] = if head.is_empty() { &["--authoritative"] } else { &[] };
        folder.duoctl(ALL).args(arguments).at(&server).run().exits(0);
        adopts_and_settles(&folder, &server, &ALL);
    }
}

#[test]
fn only_what_is_selected_is_imported() {
    let (folder, server) = (Folder::with(""), Server::start());
    let only = ["import", ".", "--kind", "group", "--kind", "application", "--only", "groups.finance"];
    let done = folder.duoctl(only).args(["--only", "Finance servers"]).at(&server).run().exits(0);
    done.says("+ duo.yaml  2 objects").says("Imported 1 group and 1 application.");
    let text = folder.read("duo.yaml");
    assert!(text.contains("groups_allowed: [groups.finance, IT Administrators]"), "{text}");
    assert!(text.contains("policy: Require trusted endpoints"), "{text}");
    let typed = ["import", ".", "--kind", "group", "--type", "rdp"];
    folder.duoctl(typed).at(&server).run().exits(64).tells("--type selects applications");
    let wrong = ["import", ".", "--kind", "policy", "--only", "policies.nothing"];
    folder.duoctl(wrong).at(&server).run().exits(64).tells("matches nothing that the account has");
}

#[test]
fn groups_and_policies_get_a_file_each_next_to_the_applications() {
    let (folder, server) = (Folder::empty(), Server::start());
    folder.write("duo.yaml", &format!("# $schema: duoctl.schema.json\n{HEAD}"));
    folder.duoctl(ALL).args(["--split", "application"]).at(&server).run().exits(0);
    for (file, begin) in [("groups.duo.yaml", "groups:\n"), ("policies.duo.yaml", "policies:\n")] {
        let text = folder.read(file);
        assert!(text.starts_with(&format!("# $schema: duoctl.schema.json\n{begin}")), "{text}");
    }
    assert!(folder.read("policies.duo.yaml").contains("\nglobal_policy:\n"));
    let vpn = folder.read("applications/branch-office-vpn.duo.yaml");
    assert!(vpn.contains("groups.contractors"), "{vpn}");
    adopts_and_settles(&folder, &server, &ALL);
}

#[test]
fn what_is_declared_already_is_referred_to_by_its_address() {
    let own =
        "groups: {finance-team: {name: Finance}}\npolicies: {strict: {name: Require trusted endpoints}}\n";
    let (folder, server) = (Folder::with(own), Server::start());
    folder.duoctl(["import", ".", "--only", "finance-servers"]).at(&server).run().exits(0);
    let text = folder.read("duo.yaml");
    assert!(text.contains("groups_allowed: [groups.finance-team, IT Administrators]"), "{text}");
    assert!(text.contains("policy: policies.strict"), "{text}");
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("0 to add, 0 to change, 2 to adopt");
}

#[test]
fn what_duoctl_does_not_know_is_written_raw_and_stays() {
    let (folder, server) = (Folder::with(""), with_switch("open-policies"));
    let unknown = json!({"brand_new_section": {"brand_new_field": true}});
    let global = call(&server, "GET", "/admin/v2/policies/global", json!({}));
    let global = global["policy_key"].as_str().unwrap().to_owned();
    call(&server, "PUT", &format!("/admin/v2/policies/{global}"), json!({"sections": unknown}));
    policy(
        &server,
        "Ahead",
        json!({
            "brand_new_section": {"brand_new_field": true}, "new_user": {"new_user_behavior": "brand-new"},
            "screen_lock": {"require_screen_lock": true},
        }),
    );
    policy(&server, "Twin", json!({"new_user": {"new_user_behavior": "deny"}}));
    policy(&server, "twin", json!({"new_user": {"new_user_behavior": "enroll"}}));
    call(
        &server,
        "POST",
        "/admin/v1/groups",
        json!({"name": "Sealed", "desc": "key 0123456789abcdefABCDEF0123456789abcdefAB"}),
    );
    let only = ["ahead", "twin-*", "global_policy", "sealed"].into_iter().flat_map(|only| ["--only", only]);
    folder.duoctl(ALL).args(only).at(&server).run().exits(0);
    insta::assert_snapshot!(crate::support::even(folder.read("duo.yaml").split("global_policy:").next().unwrap().strip_prefix(HEAD).unwrap()), @r#"
    groups:
      sealed:
        name: Sealed
        # `description` contains what looks like a secret, so it is not written; remove it in the Duo Admin Panel
    policies:
      ahead:
        name: Ahead
        screen_lock: true
        raw:
          new_user:
            new_user_behavior: brand-new
          brand_new_section:
            brand_new_field: true
      twin-j6m4t1:
        name: Twin
        policy_key: POI6EIQ632C0GGJ6M4T1
        new_user: deny
      twin-kayr34:
        name: twin
        policy_key: POWFSOL8Q0MUPHKAYR34
        new_user: enroll
    "#);
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("0 to add, 0 to change, 1 to adopt");
    folder.duoctl(["import", ".", "--kind", "all"]).at(&server).run().exits(0);
    adopts_and_settles(&folder, &server, &ALL);
}

#[test]
fn what_cannot_be_adopted_is_left_out_with_the_reason() {
    let (folder, server) = (Folder::with("groups:\n  finance: {name: Finance}\n"), Server::start());
    folder.duoctl(["apply", "--auto-approve"]).at(&server).run().exits(0);
    let groups = listed(&server, "/admin/v1/groups");
    let group = |name: &str| groups.iter().find(|group| group["name"] == name).unwrap().clone();
    let describe = |name: &str, text: Value| {
        let id = group(name)["group_id"].as_str().unwrap().to_owned();
        call(&server, "POST", &format!("/admin/v1/groups/{id}"), json!({"desc": text}));
    };
    describe("Contractors", group("Finance")["desc"].clone());
    describe("Engineering", json!("[duoctl other/groups.engineering -]"));
    describe("Employees", json!("x".repeat(250)));
    describe("Interns", json!("[duoctl acme/applications.vpn -]"));
    let done = folder.duoctl(["import", ".", "--kind", "group"]).at(&server).run().exits(0);
    done.says("it has a copy of the marker of `groups.finance`; remove `[duoctl ...]` from its description")
        .says("it has the marker of `applications.vpn`, which is not a group")
        .says("\"Employees\"")
        .says("Imported 5 groups. 1 owned by another workspace. 4 left out, see above.");
    describe("Contractors", json!("External staff"));
    folder.duoctl(["plan"]).at(&server).run().exits(0).says("0 to add, 0 to change");
}
