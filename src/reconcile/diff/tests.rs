use serde_json::{Value, json};

use crate::diagnostic::Code;
use crate::kinds::marker::{Applied, AppliedFields, Marker, short_hash};
use crate::kinds::risk::Risk;
use crate::kinds::value::FieldValue;
use crate::reconcile::testing::{
    App, FakeDuo, app, bodies, codes, desired, marked, marked_with, marker, outline, plan_of, problems,
};

fn vpn() -> App {
    app("vpn", "radius", "VPN")
}

fn one(kind: &str, live: serde_json::Value) -> FakeDuo {
    let mut live = live;
    if live.get("notes").is_none() {
        live["notes"] = json!(marked("vpn"));
    }
    FakeDuo::new().with("DI1", kind, "VPN", live)
}

#[test]
fn a_change_says_who_moved() {
    let greeting = |live: &str, wanted: &str| {
        let notes = marked_with("vpn", 't', &FieldValue::text("applied"));
        let duo = one("radius", json!({"greeting": live, "notes": notes}));
        outline(&plan_of(&desired([vpn().text("greeting", wanted)]), &duo))
    };
    let expected = |before: &str, after: &str, origin: &str| {
        format!("update applications.vpn DI1\n  greeting: \"{before}\" -> \"{after}\" ({origin})")
    };
    assert_eq!(greeting("applied", "new"), expected("applied", "new", "config"));
    assert_eq!(greeting("edited", "applied"), expected("edited", "applied", "drift"));
    assert_eq!(greeting("edited", "new"), expected("edited", "new", "both"));
    assert_eq!(greeting("new", "new"), "", "both moved to the same value");
    let never = outline(&plan_of(&desired([vpn().text("greeting", "new")]), &one("radius", json!({}))));
    assert_eq!(never, "update applications.vpn DI1\n  greeting: null -> \"new\" (config)");
}

#[test]
fn only_what_changes_is_sent() {
    let duo = one("radius", json!({"greeting": "old", "self_service_allowed": 1, "policy_key": "PO1"}));
    let wanted = vpn().text("greeting", "new").flag("self_service_allowed", true).text("policy", "Strict");
    assert_eq!(bodies(&plan_of(&desired([wanted]), &duo)), [json!({"greeting": "new"})]);
}

#[test]
fn groups_go_out_with_the_access_and_the_access_with_the_groups() {
    let permitted = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG2", "DG1"]});
    let sent = |live, wanted| bodies(&plan_of(&desired([wanted]), &one("radius", live)));
    let both = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": "DG1,DG3"});
    let wanted = || vpn().groups(&["Staff", "VPN Users"]);
    assert_eq!(sent(permitted.clone(), wanted()), std::slice::from_ref(&both), "another list");
    assert_eq!(sent(json!({}), wanted()), std::slice::from_ref(&both), "switching to groups");
    let kept = json!({"user_access": "NO_USERS", "groups_allowed": ["DG1", "DG3"]});
    assert_eq!(
        sent(kept, wanted()),
        std::slice::from_ref(&both),
        "switching back sends the list that Duo may have kept"
    );
    assert_eq!(sent(permitted.clone(), wanted().without("user_access")), [both], "the access is not managed");
    assert_eq!(sent(permitted.clone(), vpn()), [json!({"user_access": "ALL_USERS"})]);
    assert_eq!(sent(permitted, vpn().clear("groups_allowed")), [json!({"user_access": "ALL_USERS"})]);
}

#[test]
fn groups_that_would_not_count_are_an_error() {
    let code = |live, wanted| {
        let plan = plan_of(&desired([wanted]), &one("radius", live));
        assert_eq!(outline(&plan), "");
        codes(&plan)
    };
    let unmanaged = || vpn().without("user_access").list("groups_allowed", &["Staff"]);
    assert_eq!(code(json!({}), unmanaged()), [Code::AccessConflict]);
    assert_eq!(code(json!({}), vpn().list("groups_allowed", &["Staff"])), [Code::AccessConflict]);
    assert_eq!(code(json!({}), vpn().text("user_access", "permitted_groups")), [Code::AccessConflict]);
    assert_eq!(code(json!({}), vpn().groups(&[])), [Code::AccessConflict]);
    assert_eq!(code(json!({}), vpn().clear("user_access")), [Code::InvalidValue]);
}

#[test]
fn an_ignored_field_is_left_alone_in_every_request() {
    let live = json!({"user_access": "NO_USERS", "greeting": "theirs", "notes": format!("their notes\n{}", marked("vpn"))});
    let duo = one("radius", live);
    let wanted = vpn()
        .groups(&["Staff"])
        .text("notes", "ours")
        .text("greeting", "ours")
        .flag("self_service_allowed", true);
    let plan = plan_of(&desired([wanted.ignore(&["user_access", "notes", "greeting"])]), &duo);
    assert_eq!(bodies(&plan), [json!({"self_service_allowed": "1"})]);
    let mut after = duo.clone();
    after.apply(&plan);
    assert!(after.notes("DI1").starts_with("their notes\n[duoctl "), "{}", after.notes("DI1"));
    assert_eq!(after.property("DI1", "user_access"), json!("NO_USERS"));
}

#[test]
fn an_ignored_field_is_still_set_when_the_application_is_created() {
    let wanted = vpn().text("greeting", "ours").ignore(&["greeting"]);
    let plan = plan_of(&desired([wanted]), &FakeDuo::new());
    assert_eq!(bodies(&plan)[0]["greeting"], json!("ours"));
}

#[test]
fn what_duo_made_of_a_value_does_not_come_back() {
    let asked = FieldValue::text("R&D");
    let kept = FieldValue::text("R&amp;D");
    let notes = |asked: &FieldValue, kept: &FieldValue| {
        let applied = Applied { asked: short_hash('t', asked), kept: Some(short_hash('t', kept)) };
        Marker { applied: AppliedFields::from([('t', applied)]), ..marker("vpn") }.to_string()
    };
    let plan = |live: &str, wanted: &str| {
        let duo = one("radius", json!({"greeting": live, "notes": notes(&asked, &kept)}));
        outline(&plan_of(&desired([vpn().text("greeting", wanted)]), &duo))
    };
    assert_eq!(plan("R&amp;D", "R&D"), "");
    assert_eq!(plan("R&D", "R&D"), "", "Duo changed its mind");
    let drift = "update applications.vpn DI1\n  greeting: \"edited\" -> \"R&D\" (drift)";
    assert_eq!(plan("edited", "R&D"), drift);
    let config = "update applications.vpn DI1\n  greeting: \"R&amp;D\" -> \"new\" (config)";
    assert_eq!(plan("R&amp;D", "new"), config);
}

#[test]
fn no_marker_hides_a_change_of_access() {
    // Whatever a marker claims, only text can be kept in another form.
    let fields: Vec<(char, FieldValue, FieldValue)> = vec![
        ('a', FieldValue::Text("NO_USERS".into()), FieldValue::Text("ALL_USERS".into())),
        ('s', FieldValue::Flag(false), FieldValue::Flag(true)),
        ('p', FieldValue::Text("PO1".into()), FieldValue::Text("PO2".into())),
        ('u', FieldValue::Text("none".into()), FieldValue::Text("simple".into())),
    ];
    let applied = fields.iter().map(|(code, asked, kept)| {
        (*code, Applied { asked: short_hash(*code, asked), kept: Some(short_hash(*code, kept)) })
    });
    let forged = Marker { applied: applied.collect(), ..marker("vpn") }.to_string();
    let live = json!({"self_service_allowed": 1, "policy_key": "PO2", "username_normalization_policy": "Simple", "notes": forged});
    let wanted = vpn()
        .text("user_access", "no_users")
        .flag("self_service_allowed", false)
        .text("policy", "Strict")
        .text("username_normalization_policy", "none");
    let plan = plan_of(&desired([wanted]), &one("radius", live));
    let changed: Vec<&str> = plan.steps()[0].changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(changed, ["user_access", "policy", "self_service_allowed", "username_normalization_policy"]);
}

#[test]
fn the_values_that_decide_access_have_hashes_of_their_own() {
    for (code, texts) in
        [('a', vec!["ALL_USERS", "PERMITTED_GROUPS", "NO_USERS"]), ('u', vec!["none", "simple"])]
    {
        let mut hashes: Vec<_> =
            texts.iter().map(|text| short_hash(code, &FieldValue::Text((*text).into()))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), texts.len());
    }
}

#[test]
fn what_is_not_understood_is_not_taken_for_absent() {
    let plan = |kind: &str, live, wanted| plan_of(&desired([wanted]), &one(kind, live));
    // A switch with an unknown value does not count as off.
    let odd = plan(
        "radius",
        json!({"self_service_allowed": "sometimes"}),
        vpn().flag("self_service_allowed", false),
    );
    assert_eq!((outline(&odd), codes(&odd)), (String::new(), vec![Code::NotOfferedYet]));
    // A permission with an unknown value counts as granted, so it is revoked.
    let admin = || app("vpn", "adminapi", "VPN");
    let odd = plan("adminapi", json!({"adminapi_admins": "sometimes"}), admin().list("permissions", &[]));
    assert_eq!(bodies(&odd)[0]["adminapi_admins"], json!("0"));
    // Networks and groups in an unknown format count as different.
    let live = json!({"networks_for_api_access": [{"cidr": "192.0.2.0/24"}]});
    let odd = plan("adminapi", live, admin().clear("networks_for_api_access"));
    assert_eq!(odd.steps().len(), 1);
    let live = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG3", {"group_id": "DG1"}]});
    assert_eq!(plan("radius", live, vpn().groups(&["Staff"])).steps().len(), 1);
    // If Duo does not show the access, nothing is planned, not even for the groups.
    let live = json!({"user_access": null, "groups_allowed": ["DG1"]});
    let hidden = plan("radius", live, vpn().groups(&["Staff"]));
    assert_eq!((outline(&hidden), codes(&hidden)), (String::new(), vec![Code::NotOfferedYet; 2]));
}

/// A reply without `sso` does not show the settings: they are unknown, so nothing is planned for them.
#[test]
fn settings_of_single_sign_on_that_a_reply_leaves_out_are_no_change() {
    let saml = || json!({"saml_config": {"entity_id": "https://a", "acs_urls": [{"url": "https://a/acs"}]}});
    let plan = |live: Value| {
        let wanted = app("vpn", "sso-generic", "VPN").sso(saml()).text("greeting", "hi");
        plan_of(&desired([wanted]), &one("sso-generic", live))
    };
    for live in [json!({"sso": null}), json!({})] {
        let hidden = plan(live);
        assert_eq!(codes(&hidden), [Code::NotOfferedYet]);
        assert_eq!(hidden.steps().len(), 1, "the greeting alone");
        assert_eq!(bodies(&hidden)[0].get("sso"), None);
        assert!(hidden.steps()[0].risks().is_empty(), "{:?}", hidden.steps()[0].risks());
    }
    // An empty document is a known value.
    let empty = plan(json!({"sso": {}}));
    assert!(bodies(&empty)[0].get("sso").is_some() && codes(&empty).is_empty());
}

#[test]
fn names_that_do_not_resolve_stop_only_their_address() {
    let duo = FakeDuo::new();
    let wanted = [
        vpn().groups(&["Staff", "Nobody", "Nowhere"]).text("policy", "None such"),
        app("wiki", "radius", "Wiki"),
    ];
    let plan = plan_of(&desired(wanted), &duo);
    assert!(outline(&plan).starts_with("create applications.wiki") && plan.steps().len() == 1);
    assert_eq!(
        problems(&plan),
        [
            (Code::UnknownReference, "applications.vpn: the account has no group named `Nobody`"),
            (Code::UnknownReference, "applications.vpn: the account has no group named `Nowhere`"),
            (Code::UnknownReference, "applications.vpn: the account has no policy named `None such`"),
        ]
    );
    assert!(!plan.is_empty() && plan.blocked().len() == 1);
}

#[test]
fn permissions_are_exactly_the_declared_ones() {
    let admin = |names: &[&str]| app("vpn", "adminapi", "VPN").list("permissions", names);
    let plan = |live, wanted| plan_of(&desired([wanted]), &one("adminapi", live));
    // Revoked permissions are sent as 0, including one that duoctl does not know.
    let live = json!({"adminapi_info": 1, "adminapi_admins": 1, "adminapi_brand_new": 1});
    let revoking = plan(live, admin(&["info", "read_log"]));
    let body = &bodies(&revoking)[0];
    for (name, value) in
        [("info", "1"), ("read_log", "1"), ("admins", "0"), ("brand_new", "0"), ("settings", "0")]
    {
        assert_eq!(body[format!("adminapi_{name}")], json!(value), "{name}");
    }
    // A permission that Duo does not show is neither sent nor waited for.
    let missing = plan(json!({"adminapi_info": 1}), admin(&["info", "settings_read"]));
    assert_eq!((outline(&missing), codes(&missing)), (String::new(), vec![Code::NotOfferedYet]));
    // A permission that Duo may not change after the creation is tried both ways, and the plan warns about it.
    let late = plan(json!({}), admin(&["allow_to_set_permissions", "info"]));
    assert_eq!(bodies(&late)[0]["adminapi_allow_to_set_permissions"], json!("1"));
    assert!(late.steps()[0].risks().contains_key(&Risk::EscalatesPrivilege));
    assert_eq!(codes(&late), [Code::NotOfferedYet]);
    let held = json!({"adminapi_allow_to_set_permissions": 1});
    assert_eq!(outline(&plan(held.clone(), admin(&["allow_to_set_permissions"]))), "");
    let revoked = plan(held, admin(&[]));
    assert_eq!(bodies(&revoked)[0]["adminapi_allow_to_set_permissions"], json!("0"));
    assert_eq!(codes(&revoked), [Code::NotOfferedYet]);
    // If it does not change, another permission can change without it.
    let previous = plan(json!({"adminapi_info": 1}), admin(&["read_log"]));
    assert_eq!(bodies(&previous)[0].get("adminapi_allow_to_set_permissions"), None);
    assert!(codes(&previous).is_empty());
    let created = plan_of(&desired([admin(&["allow_to_set_permissions", "settings_read"])]), &FakeDuo::new());
    assert_eq!(bodies(&created)[0]["adminapi_allow_to_set_permissions"], json!("1"));
    assert_eq!(bodies(&created)[0]["adminapi_settings_read"], json!("1"));
}
