//! The traps of duo-api.md, section 10, that concern the core. Each test has the number of its trap in its name and
//! fails without the rule. The traps of the API client and of the language are tested in their modules.

use serde_json::{Value, json};

use crate::diagnostic::Code;

use crate::duo::object::{Kind, Object};

use super::consent::Consent;
use super::plan::{Action, Prune, Write};
use super::testing::{
    App, FakeDuo, app, bodies, codes, desired, marked, marker, outline, plan_of, plan_pruning, refusals,
    renamed,
};
use crate::kinds::application::fields::FIELDS;
use crate::kinds::marker::{Marker, MarkerState, Notes};

fn vpn() -> App {
    app("vpn", "radius", "VPN")
}

fn siem() -> App {
    app("vpn", "adminapi", "VPN")
}

/// The outline of the plan for one owned application.
fn plan(kind: &str, live: Value, wanted: App) -> String {
    outline(&plan_of(&desired([wanted]), &owned(kind, live)))
}

fn owned(kind: &str, live: Value) -> FakeDuo {
    let mut live = live;
    if live.get("notes").is_none() {
        live["notes"] = json!(marked("vpn"));
    }
    FakeDuo::new().with("DI1", kind, "VPN", live)
}

fn sent(kind: &str, live: Value, wanted: App) -> Vec<Value> {
    bodies(&plan_of(&desired([wanted]), &owned(kind, live)))
}

#[test]
fn trap_01_groups_are_a_set_sent_as_sorted_text() {
    let live = |groups: Value| json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": groups});
    for same in
        [json!(["DG3", "DG1"]), json!(["DG1", "DG3"]), json!("DG3, DG1"), json!(["DG1", "DG3", "DG1"])]
    {
        assert_eq!(plan("radius", live(same), vpn().groups(&["Staff", "VPN Users"])), "");
    }
    let body = &sent("radius", live(json!([])), vpn().groups(&["Staff", "DG1", "VPN Users"]))[0];
    assert_eq!(body["groups_allowed"], json!("DG1,DG3"));
}

#[test]
fn trap_02_access_is_declared_and_never_inferred_from_the_list() {
    // An empty list with `NO_USERS` lets no one in, whatever older versions made of it.
    let no_one = json!({"user_access": "NO_USERS", "groups_allowed": []});
    assert!(plan("radius", no_one, vpn()).contains("user_access: \"no_users\" -> \"all_users\""));
    let body = &sent("radius", json!({}), vpn().text("user_access", "no_users").clear("groups_allowed"))[0];
    assert_eq!(
        body,
        &json!({"user_access": "NO_USERS"}),
        "no list without permitted_groups, and never an empty one"
    );
}

#[test]
fn trap_03_a_list_that_duo_kept_does_not_count_and_is_sent_when_switching_back() {
    let kept = json!({"user_access": "NO_USERS", "groups_allowed": ["DG1"]});
    assert_eq!(plan("radius", kept.clone(), vpn().text("user_access", "no_users")), "");
    let body = &sent("radius", kept, vpn().groups(&["VPN Users"]))[0];
    assert_eq!(body, &json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": "DG1"}));
}

#[test]
fn trap_04_every_create_says_that_nobody_may_log_in_yet() {
    for (wanted, access) in [
        (vpn(), Some("ALL_USERS")),
        (vpn().without("user_access"), None),
        (vpn().text("policy", "Strict"), Some("ALL_USERS")),
        (siem().text("user_access", "no_users"), None),
    ] {
        let plan = plan_of(&desired([wanted]), &FakeDuo::new());
        let bodies = bodies(&plan);
        assert_eq!(bodies[0]["user_access"], json!("NO_USERS"));
        assert_eq!(
            bodies.get(1).and_then(|finish| finish.get("user_access").cloned()),
            access.map(|text| json!(text))
        );
    }
}

#[test]
fn trap_05_switches_are_equal_in_every_spelling_and_sent_as_text() {
    for on in [json!(1), json!("1"), json!(true), json!("True")] {
        let live = json!({"self_service_allowed": on, "policy_key": null});
        assert_eq!(plan("radius", live, vpn().flag("self_service_allowed", true)), "", "{on}");
        assert_eq!(
            plan("adminapi", json!({"adminapi_info": on}), siem().list("permissions", &["info"])),
            "",
            "{on}"
        );
    }
    assert_eq!(
        sent("radius", json!({}), vpn().flag("self_service_allowed", true))[0]["self_service_allowed"],
        json!("1")
    );
    assert_eq!(
        sent("adminapi", json!({}), siem().list("permissions", &["info"]))[0]["adminapi_info"],
        json!("1")
    );
}

#[test]
fn trap_06_absent_null_and_empty_are_one_value() {
    for empty in [json!(null), json!(""), json!("  ")] {
        let live = json!({"greeting": empty, "policy_key": empty, "networks_for_api_access": empty});
        assert_eq!(plan("radius", live.clone(), vpn().clear("greeting").clear("policy")), "", "{empty}");
        assert_eq!(plan("adminapi", live, siem().clear("networks_for_api_access")), "", "{empty}");
    }
    assert_eq!(
        plan("adminapi", json!({"networks_for_api_access": []}), siem().clear("networks_for_api_access")),
        ""
    );
}

#[test]
fn trap_07_a_policy_is_detached_by_an_empty_text_and_left_alone_by_omission() {
    let live = json!({"policy_key": "PO1"});
    assert_eq!(sent("radius", live.clone(), vpn().clear("policy")), [json!({"policy_key": ""})]);
    assert_eq!(sent("radius", live, vpn()), Vec::<Value>::new());
}

#[test]
fn trap_08_the_universal_prompt_waits_until_duo_offers_it() {
    let hidden = json!({"prompt_v4_enabled": null, "frameless_auth_prompt_enabled": null});
    let duo = owned("websdk", hidden);
    let wanted = |on| desired([app("vpn", "websdk", "VPN").flag("prompt_v4_enabled", on)]);
    let plan = plan_of(&wanted(true), &duo);
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::NotOfferedYet]));
    assert!(plan.is_empty(), "a warning stops nothing");
    assert!(plan_of(&wanted(false), &duo).problems().is_empty());
    let offered = owned("websdk", json!({}));
    assert_eq!(bodies(&plan_of(&wanted(false), &offered)), [json!({"prompt_v4_enabled": "0"})]);
}

#[test]
fn trap_09_normalisation_is_equal_in_any_case_and_blank_is_unset() {
    let wanted = |policy: &str| vpn().text("username_normalization_policy", policy);
    for (live, policy) in [("Simple", "simple"), ("SIMPLE", "simple"), ("None", "none")] {
        assert_eq!(plan("radius", json!({"username_normalization_policy": live}), wanted(policy)), "");
    }
    assert!(
        plan("radius", json!({"username_normalization_policy": "None"}), wanted("simple")).contains("simple")
    );
    assert!(
        plan("radius", json!({"username_normalization_policy": ""}), wanted("none"))
            .contains("null -> \"none\"")
    );
    // A type without this field.
    let hidden = plan_of(
        &desired([wanted("simple")]),
        &owned("radius", json!({"username_normalization_policy": null})),
    );
    assert_eq!(codes(&hidden), [Code::NotOfferedYet]);
}

#[test]
fn trap_10_the_secret_key_is_no_part_of_the_plan() {
    let duo = owned("radius", json!({}));
    let mut reset = duo.clone();
    reset.edit("DI1", "secret_key", json!(format!("{}ZZZZ", "*".repeat(36))));
    let wanted = desired([vpn().text("greeting", "new")]);
    let (before, after) = (plan_of(&wanted, &duo), plan_of(&wanted, &reset));
    assert_eq!(before.fingerprint(), after.fingerprint());
    assert!(!format!("{after:?}").contains("***"));
}

#[test]
fn trap_11_legacy_properties_are_never_managed() {
    let legacy = [
        "enroll_policy",
        "trusted_device_days",
        "ip_whitelist",
        "ip_whitelist_enroll_policy",
        "visual_style",
    ];
    assert!(
        FIELDS.iter().all(|field| !legacy.contains(&field.wire_name()) && !legacy.contains(&field.name()))
    );
    let live = json!({"enroll_policy": "allow", "trusted_device_days": 60, "ip_whitelist": ["192.0.2.8"]});
    assert_eq!(plan("radius", live, vpn()), "");
}

#[test]
fn trap_12_networks_are_equal_by_what_they_cover() {
    let wanted =
        || siem().list("networks_for_api_access", &["192.0.2.0/25", "192.0.2.128/25", "198.51.100.7"]);
    for same in [
        json!("192.0.2.0/24,198.51.100.7/32"),
        json!(" 198.51.100.7 , 192.0.2.0-192.0.2.255"),
        json!(["198.51.100.7", "192.0.2.0/24"]),
    ] {
        assert_eq!(plan("adminapi", json!({"networks_for_api_access": same}), wanted()), "");
    }
    let other = json!({"networks_for_api_access": "192.0.2.0/24,198.51.100.7/31"});
    assert_eq!(
        sent("adminapi", other, wanted())[0]["networks_for_api_access"],
        json!("192.0.2.0/24,198.51.100.7")
    );
}

#[test]
fn trap_13_another_type_is_a_replacement_and_needs_its_consent() {
    let desired = desired([app("vpn", "ldapproxy", "VPN")]);
    let plan = plan_of(&desired, &owned("radius", json!({})));
    assert_eq!(plan.steps().iter().map(|step| step.action).collect::<Vec<_>>(), [Action::Replace]);
    assert_eq!(refusals(&plan, &desired, &Consent::default())[0].0, "replaces");
}

#[test]
fn trap_14_a_rename_in_the_panel_is_a_change_of_the_name() {
    let plan = plan("radius", json!({"name": "Renamed"}), vpn());
    assert_eq!(plan, "update applications.vpn DI1\n  name: \"Renamed\" -> \"VPN\" (config)");
}

#[test]
fn trap_15_a_create_whose_answer_was_lost_is_found_again() {
    let desired = desired([vpn().text("user_access", "no_users")]);
    let mut duo = FakeDuo::new();
    let first = plan_of(&desired, &duo);
    duo.write(&first.steps()[0].writes[0], &mut None).unwrap();
    duo.put("DI2", "radius", "VPN", json!({}));
    let second = plan_of(&desired, &duo);
    let finished = "update applications.vpn DINEW0\n  state: \"unfinished\" -> \"managed\" (config)";
    assert_eq!(outline(&second), finished, "the marker says which one it is");
    assert_eq!(second.matched().values().map(|ikey| ikey.as_str()).collect::<Vec<_>>(), ["DINEW0"]);
}

#[test]
fn trap_16_a_lost_marker_deletes_nothing_and_comes_back() {
    let duo = owned("radius", json!({"notes": "someone tidied up"}));
    assert_eq!(outline(&plan_pruning(&desired([]), &duo, Prune::Now)), "");
    assert_eq!(plan("radius", json!({"notes": "someone tidied up"}), vpn()), "adopt applications.vpn DI1");
    assert!(marked("identity_intelligence.emea.admin_api").len() < 100, "{}", marked("x"));
}

#[test]
fn trap_17_unknown_properties_are_ignored() {
    let live = json!({"sensitivity_level": {"name": "Critical"}, "brand_new": [1, 2]});
    assert_eq!(plan("radius", live.clone(), vpn()), "");
    let wanted = desired([vpn().text("greeting", "new")]);
    let with = plan_of(&wanted, &owned("radius", live));
    assert_eq!(with.fingerprint(), plan_of(&wanted, &owned("radius", json!({}))).fingerprint());
}

#[test]
fn trap_18_unknown_values_are_carried() {
    let live = json!({"user_access": "BY_APPOINTMENT", "username_normalization_policy": "Strict"});
    let shown = plan("radius", live.clone(), vpn().text("username_normalization_policy", "simple"));
    assert!(
        shown.contains("user_access: \"by_appointment\" -> \"all_users\" (config) !widens_access"),
        "{shown}"
    );
    assert!(shown.contains("\"strict\" -> \"simple\""), "{shown}");
    let unknown = FakeDuo::new().with("DI1", "type-of-tomorrow", "VPN", json!({}));
    assert_eq!(
        outline(&plan_of(&desired([app("vpn", "type-of-tomorrow", "VPN")]), &unknown)),
        "adopt applications.vpn DI1"
    );
}

#[test]
fn trap_19_a_setting_that_duo_does_not_show_is_not_waited_for() {
    let duo = owned("accountsapi", json!({}));
    let wanted =
        app("vpn", "accountsapi", "VPN").list("permissions", &["info"]).flag("self_service_allowed", true);
    let plan = plan_of(&desired([wanted]), &duo);
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::NotOfferedYet; 2]));
}

#[test]
fn trap_20_a_permission_is_revoked_by_sending_0() {
    let live = json!({"adminapi_info": 1, "adminapi_admins": 1});
    let body = &sent("adminapi", live.clone(), siem().list("permissions", &["info"]))[0];
    assert_eq!(body["adminapi_admins"], json!("0"));
    assert_eq!(body["adminapi_info"], json!("1"));
    let none = &sent("adminapi", live, siem().list("permissions", &[]))[0];
    assert_eq!((&none["adminapi_admins"], &none["adminapi_info"]), (&json!("0"), &json!("0")));
}

#[test]
fn trap_21_newer_permissions_are_sent_only_where_duo_shows_them() {
    let wanted = || siem().list("permissions", &["info", "settings_read", "allow_to_set_permissions"]);
    let plan = plan_of(&desired([wanted()]), &owned("adminapi", json!({})));
    let body = &bodies(&plan)[0];
    assert!(body.get("adminapi_settings_read").is_none());
    assert_eq!(body["adminapi_allow_to_set_permissions"], json!("1"), "not certain, but worth a try");
    assert_eq!(codes(&plan), [Code::NotOfferedYet; 2]);
    let newer = json!({"adminapi_settings_read": 0});
    assert_eq!(sent("adminapi", newer, wanted())[0]["adminapi_settings_read"], json!("1"));
}

#[test]
fn trap_22_the_operator_is_refused() {
    let mut duo = FakeDuo::new();
    duo.edit("DIOPERATOR", "notes", json!(marked("operator")));
    let desired = desired([app("operator", "adminapi", "duoctl").list("permissions", &["read_resource"])]);
    let refused = refusals(&plan_of(&desired, &duo), &desired, &Consent::default());
    assert!(refused.contains(&("self_lockout", None)), "{refused:?}");
}

#[test]
fn trap_23_what_duo_generates_is_no_difference() {
    let live = |cert: &str| {
        json!({"sso": {"idp_metadata": {"cert": cert}, "oauth_config": {
            "clients": [{"client_id": "c1", "name": "job", "client_secret": cert}]}}})
    };
    let wanted = || {
        app("vpn", "sso-oauth-client-credentials", "VPN")
            .sso(json!({"oauth_config": {"clients": [{"client_id": "c1", "name": "job"}]}}))
    };
    assert_eq!(plan("sso-oauth-client-credentials", live("one"), wanted()), "");
    assert_eq!(plan("sso-oauth-client-credentials", live("two"), wanted()), "");
}

#[test]
fn trap_24_only_declared_leaves_are_compared_in_any_order() {
    let live = json!({"sso": {"oidc_config": {
        "grant_types": {"authorization_code": {"access_token_lifespan": 3600, "allow_pkce_only": false}},
        "redirect_uris": ["https://b.example.com", "https://a.example.com"],
        "scopes": [{"name": "profile", "idp_attribute_claim_mapping": []}, {"name": "openid"}]}}});
    let wanted = json!({"oidc_config": {"grant_types": {"authorization_code": true},
        "redirect_uris": ["https://a.example.com", "https://b.example.com"],
        "scopes": [{"name": "openid"}, {"name": "profile"}]}});
    assert_eq!(plan("sso-oidc-generic", live, app("vpn", "sso-oidc-generic", "VPN").sso(wanted)), "");
    let live = json!({"sso": {"saml_config": {"sign_response": "True", "sign_assertion": true}}});
    let wanted = json!({"saml_config": {"sign_response": true}});
    assert_eq!(plan("sso-generic", live, app("vpn", "sso-generic", "VPN").sso(wanted)), "");
}

#[test]
fn trap_25_groups_inside_role_attributes_are_resolved() {
    let wanted = |groups: Value| {
        app("vpn", "sso-generic", "VPN")
            .sso(json!({"saml_config": {"role_attrs": {"a.b": {"admin": groups}}}}))
    };
    let live = json!({"sso": {"saml_config": {"role_attrs": {"a.b": {"admin": ["DG4"]}}}}});
    assert_eq!(plan("sso-generic", live.clone(), wanted(json!(["Admins"]))), "");
    assert_eq!(plan("sso-generic", live.clone(), wanted(json!("Admins"))), "");
    let shown = plan("sso-generic", live, wanted(json!(["Staff"])));
    assert!(
        shown.contains("sso.saml_config.role_attrs.\"a.b\".admin: [\"Admins\"] -> [\"Staff\"]"),
        "{shown}"
    );
    let unknown = plan_of(&desired([wanted(json!("Nobody"))]), &FakeDuo::new());
    assert_eq!(codes(&unknown), [Code::UnknownReference]);
}

#[test]
fn trap_26_a_policy_is_attached_from_the_application_only() {
    let plan = plan_of(&desired([vpn().text("policy", "Strict")]), &owned("radius", json!({})));
    let writes: Vec<&Write> = plan.steps().iter().flat_map(|step| &step.writes).collect();
    assert!(
        matches!(writes.as_slice(), [Write::Update(ikey, body)] if ikey.as_str() == "DI1" && body.contains_key("policy_key"))
    );
}

#[test]
fn trap_27_a_group_id_that_has_vanished_stops_the_address() {
    let live = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"]});
    let mut duo = owned("radius", live);
    duo.groups.retain(|group| group.id.as_str() != "DG3");
    let plan = plan_of(&desired([vpn().groups(&["DG1", "DG3"])]), &duo);
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::UnknownReference]));
}

#[test]
fn trap_28_one_unresolved_group_stops_the_whole_address() {
    let live = json!({"user_access": "NO_USERS", "greeting": "old"});
    let wanted = vpn().groups(&["VPN Users", "Nobody"]).text("greeting", "new");
    let plan = plan_of(&desired([wanted]), &owned("radius", live));
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::UnknownReference]));
    let mut duo = owned("radius", json!({}));
    duo.groups[1] = renamed(&duo.groups[1], "VPN Users");
    assert_eq!(codes(&plan_of(&desired([vpn().groups(&["VPN Users"])]), &duo)), [Code::AmbiguousReference]);
}

#[test]
fn trap_29_a_list_that_was_not_read_is_not_an_empty_one() {
    let mut observation = owned("radius", json!({})).observation();
    observation
        .objects
        .set(Kind::Application, super::observed::Observed::Unreadable("3 of 5 applications".to_owned()));
    let plan = super::plan::plan(&desired([vpn()]), &observation, &super::testing::options(Prune::Now));
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::AccountUnreadable]));
}

#[test]
fn trap_33_the_factor_switches_of_groups_are_not_managed() {
    let factors = ["push_enabled", "sms_enabled", "voice_enabled", "mobile_otp_enabled"];
    assert!(
        FIELDS.iter().all(|field| !factors.contains(&field.name()) && !factors.contains(&field.wire_name()))
    );
    let group = |on: bool| {
        let mut group = json!({"group_id": "DG1", "name": "VPN Users", "status": "active"});
        factors.iter().for_each(|factor| group[*factor] = json!(on));
        Object::decode(Kind::Group, group).unwrap()
    };
    let planned = |on: bool| {
        let mut duo = owned("radius", json!({}));
        duo.groups = vec![group(on)];
        plan_of(&desired([vpn().groups(&["VPN Users"])]), &duo)
    };
    let (on, off) = (planned(true), planned(false));
    assert_eq!((outline(&on), on.fingerprint()), (outline(&off), off.fingerprint()));
    assert!(bodies(&on).iter().all(|body| factors.iter().all(|factor| body.get(*factor).is_none())));
}

#[test]
fn trap_34_numbers_are_equal_as_text_and_as_floats() {
    let live = |number: Value| {
        json!({"sso": {"oidc_config": {"grant_types": {"authorization_code":
        {"access_token_lifespan": number}}}}})
    };
    let wanted =
        json!({"oidc_config": {"grant_types": {"authorization_code": {"access_token_lifespan": 3600}}}});
    for same in [json!(3600), json!("3600"), json!(3600.0)] {
        let wanted = app("vpn", "sso-oidc-generic", "VPN").sso(wanted.clone());
        assert_eq!(plan("sso-oidc-generic", live(same), wanted), "");
    }
}

#[test]
fn trap_35_text_is_equal_trimmed_and_composed() {
    let live =
        json!({"name": "VPN ", "greeting": "Caf\u{e9}\n", "notes": format!(" text \n{}", marked("vpn"))});
    let wanted = vpn().text("greeting", " Cafe\u{301}").text("notes", "text");
    assert_eq!(plan("radius", live, wanted), "");
}

#[test]
fn trap_35_what_duo_made_of_a_text_is_recorded_once() {
    let mut duo = FakeDuo::new();
    duo.quirks.escapes = true;
    let desired = desired([app("vpn", "radius", "R&D").text("greeting", "a < b").text("notes", "1 & 2")]);
    let first = plan_of(&desired, &duo);
    duo.apply(&first);
    assert!(!plan_of(&desired, &duo).is_empty());
    let written = [first.steps()[0].address.clone()];
    let settlements = super::plan::settle::settle(&desired, &duo.observation(), &written, false);
    assert_eq!(settlements.len(), 1);
    assert_eq!(
        settlements[0].fields.iter().map(|(field, ..)| field.as_str()).collect::<Vec<_>>(),
        ["name", "notes", "greeting"]
    );
    duo.update("DINEW0", &settlements[0].body).unwrap();
    assert!(plan_of(&desired, &duo).is_empty());
    assert!(super::plan::settle::settle(&desired, &duo.observation(), &written, false).is_empty());
    assert!(super::plan::settle::settle(&desired, &duo.observation(), &[]).is_empty());
}

#[test]
fn trap_37_what_only_the_panel_can_set_is_left_alone() {
    let live = json!({"notes": "", "web_referers_enabled": 1, "missing_web_referer_policy": "deny", "offline_auth_enabled": 1});
    let duo = owned("rdp", live.clone());
    let mut after = duo.clone();
    after.apply(&plan_of(&desired([app("vpn", "rdp", "VPN")]), &duo));
    for property in ["web_referers_enabled", "missing_web_referer_policy", "offline_auth_enabled"] {
        assert_eq!(after.property("DI1", property), live[property]);
    }
    let owned = Notes::parse(&after.notes("DI1")).marker.unwrap();
    assert_eq!(
        owned,
        Marker { applied: owned.applied.clone(), state: MarkerState::Owned, adopted: true, ..marker("vpn") }
    );
}

/// The traps of the API client and of the language are tested in their modules, also under their numbers.
#[test]
fn every_trap_has_a_test_that_bears_its_number() {
    let mut numbers = std::collections::BTreeSet::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let tests = text
                    .lines()
                    .filter_map(|line| line.split_once("fn trap_")?.1.get(..2)?.parse::<u32>().ok());
                numbers.extend(tests);
            }
        }
    }
    assert_eq!(numbers, (1..=37).collect());
}
