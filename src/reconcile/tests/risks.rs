//! The risk of every transition of every field.

use serde_json::{Value, json};

use crate::kinds::marker::{Marker, MarkerState};
use crate::kinds::risk::Risk::{self, *};
use crate::reconcile::plan::Action;
use crate::reconcile::testing::{App, FakeDuo, app, desired, marked, marker, now, plan_of};

/// The risk of each change that an update of one owned application makes, by field.
fn risks(kind: &str, live: Value, wanted: impl FnOnce(App) -> App) -> Vec<(String, Risk)> {
    let mut live = live;
    if live.get("notes").is_none() {
        live["notes"] = json!(marked("it"));
    }
    let duo = FakeDuo::new().with("DI1", kind, "It", live);
    let plan = plan_of(&desired([wanted(app("it", kind, "It"))]), &duo);
    assert!(plan.problems().is_empty(), "{:?}", plan.problems());
    assert!(plan.steps().iter().all(|step| step.action == Action::Update));
    plan.steps()
        .iter()
        .flat_map(|step| &step.changes)
        .map(|change| (change.field.clone(), change.risk))
        .collect()
}

fn groups(ids: &[&str]) -> Value {
    json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ids})
}

type Row = (&'static str, Value, fn(App) -> App, &'static [(&'static str, Risk)]);

#[test]
fn the_risk_of_every_transition() {
    let admin = |flags: &[&str]| {
        let mut live = json!({"user_access": "NO_USERS"});
        flags.iter().for_each(|flag| live[format!("adminapi_{flag}")] = json!(1));
        live
    };
    let no_one = || json!({"user_access": "NO_USERS"});
    let from = |networks: &str| json!({"user_access": "NO_USERS", "networks_for_api_access": networks});
    let saml = |sign: bool| json!({"sso": {"saml_config": {"sign_response": sign}}});
    let rows: Vec<Row> = vec![
        // --- who may log in
        ("radius", json!({}), |a| a.text("user_access", "no_users"), &[("user_access", NarrowsAccess)]),
        (
            "radius",
            json!({}),
            |a| a.groups(&["Staff"]),
            &[("user_access", NarrowsAccess), ("groups_allowed", Neutral)],
        ),
        ("radius", no_one(), |a| a, &[("user_access", WidensAccess)]),
        (
            "radius",
            no_one(),
            |a| a.groups(&["Staff"]),
            &[("user_access", WidensAccess), ("groups_allowed", Neutral)],
        ),
        ("radius", groups(&["DG1"]), |a| a, &[("user_access", WidensAccess)]),
        (
            "radius",
            groups(&["DG1"]),
            |a| a.text("user_access", "no_users"),
            &[("user_access", NarrowsAccess)],
        ),
        (
            "radius",
            groups(&["DG1"]),
            |a| a.text("user_access", "no_users").clear("groups_allowed"),
            &[("user_access", NarrowsAccess), ("groups_allowed", Neutral)],
        ),
        ("radius", json!({"user_access": "BRAND_NEW"}), |a| a, &[("user_access", WidensAccess)]),
        (
            "radius",
            json!({"user_access": "BRAND_NEW"}),
            |a| a.text("user_access", "no_users"),
            &[("user_access", NarrowsAccess)],
        ),
        // --- which groups
        ("radius", groups(&["DG1", "DG3"]), |a| a.groups(&["Staff"]), &[("groups_allowed", NarrowsAccess)]),
        (
            "radius",
            groups(&["DG3"]),
            |a| a.groups(&["Staff", "VPN Users"]),
            &[("groups_allowed", WidensAccess)],
        ),
        ("radius", groups(&["DG1"]), |a| a.groups(&["Staff"]), &[("groups_allowed", WidensAccess)]),
        ("radius", groups(&[]), |a| a.groups(&["Staff"]), &[("groups_allowed", WidensAccess)]),
        (
            "radius",
            groups(&["DG1"]),
            |a| a.without("user_access").list("groups_allowed", &["Staff"]),
            &[("groups_allowed", WidensAccess)],
        ),
        // --- which policy
        ("radius", json!({}), |a| a.text("policy", "Strict"), &[("policy", WidensAccess)]),
        ("radius", json!({"policy_key": "PO1"}), |a| a.text("policy", "Lax"), &[("policy", WidensAccess)]),
        ("radius", json!({"policy_key": "PO1"}), |a| a.clear("policy"), &[("policy", WidensAccess)]),
        // --- what a key may do
        (
            "adminapi",
            admin(&["info"]),
            |a| a.text("user_access", "no_users").list("permissions", &["info", "admins"]),
            &[("permissions", EscalatesPrivilege)],
        ),
        (
            "adminapi",
            admin(&["info"]),
            |a| a.text("user_access", "no_users").list("permissions", &["read_log"]),
            &[("permissions", EscalatesPrivilege)],
        ),
        (
            "adminapi",
            admin(&["info", "read_log"]),
            |a| a.text("user_access", "no_users").list("permissions", &["info"]),
            &[("permissions", ReducesPrivilege)],
        ),
        (
            "adminapi",
            admin(&["info"]),
            |a| a.text("user_access", "no_users").list("permissions", &[]),
            &[("permissions", ReducesPrivilege)],
        ),
        (
            "adminapi",
            admin(&[]),
            |a| a.text("user_access", "no_users").list("permissions", &["info"]),
            &[("permissions", EscalatesPrivilege)],
        ),
        // --- from where a key works
        (
            "adminapi",
            from(""),
            |a| a.text("user_access", "no_users").list("networks_for_api_access", &["192.0.2.0/24"]),
            &[("networks_for_api_access", NarrowsAccess)],
        ),
        (
            "adminapi",
            from("192.0.2.0/24"),
            |a| a.text("user_access", "no_users").clear("networks_for_api_access"),
            &[("networks_for_api_access", WidensAccess)],
        ),
        (
            "adminapi",
            from("192.0.2.0/24"),
            |a| a.text("user_access", "no_users").list("networks_for_api_access", &["192.0.2.9"]),
            &[("networks_for_api_access", NarrowsAccess)],
        ),
        (
            "adminapi",
            from("192.0.2.0/24"),
            |a| a.text("user_access", "no_users").list("networks_for_api_access", &["192.0.2.0/23"]),
            &[("networks_for_api_access", WidensAccess)],
        ),
        (
            "adminapi",
            from("office"),
            |a| a.text("user_access", "no_users").list("networks_for_api_access", &["192.0.2.0/23"]),
            &[("networks_for_api_access", WidensAccess)],
        ),
        // --- what users may do
        (
            "radius",
            json!({}),
            |a| a.flag("self_service_allowed", true),
            &[("self_service_allowed", WidensAccess)],
        ),
        (
            "radius",
            json!({"self_service_allowed": 1}),
            |a| a.flag("self_service_allowed", false),
            &[("self_service_allowed", NarrowsAccess)],
        ),
        (
            "radius",
            json!({}),
            |a| a.text("username_normalization_policy", "simple"),
            &[("username_normalization_policy", WidensAccess)],
        ),
        (
            "radius",
            json!({"username_normalization_policy": "Simple"}),
            |a| a.clear("username_normalization_policy"),
            &[("username_normalization_policy", NarrowsAccess)],
        ),
        // --- how logins are trusted
        (
            "sso-generic",
            saml(true),
            |a| a.sso(json!({"saml_config": {"sign_response": false}})),
            &[("sso.saml_config.sign_response", WidensAccess)],
        ),
        // --- what does not change access
        ("websdk", json!({}), |a| a.flag("prompt_v4_enabled", false), &[("prompt_v4_enabled", Neutral)]),
        (
            "radius",
            json!({}),
            |a| a.text("greeting", "hello").text("notes", "ours"),
            &[("greeting", Neutral), ("notes", Neutral)],
        ),
        ("radius", json!({"name": "Other"}), |a| a, &[("name", Neutral)]),
        ("radius", json!({}), App::protect, &[("protect", Neutral)]),
    ];
    for (kind, live, wanted, expected) in rows {
        let shown = live.to_string();
        let expected: Vec<(String, Risk)> =
            expected.iter().map(|(field, risk)| ((*field).to_owned(), *risk)).collect();
        assert_eq!(risks(kind, live, wanted), expected, "{kind} {shown}");
    }
}

#[test]
fn only_what_finishes_a_creation_is_excused_by_the_marker() {
    let creating = Marker { state: MarkerState::Creating { since: now() }, ..marker("it") }.to_string();
    let wanted = |a: App| a.groups(&["Staff"]).text("policy", "Strict").flag("self_service_allowed", true);
    let unfinished = json!({"user_access": "NO_USERS", "notes": creating});
    assert_eq!(
        risks("radius", unfinished, wanted),
        [
            ("state".to_owned(), Neutral),
            ("user_access".to_owned(), Neutral),
            ("groups_allowed".to_owned(), Neutral),
            ("policy".to_owned(), Neutral),
            ("self_service_allowed".to_owned(), WidensAccess),
        ]
    );
    // Someone wrote the state into the marker of an application that is in use.
    let mut open = groups(&["DG1"]);
    open["notes"] = json!(creating);
    assert_eq!(
        risks("radius", open, |a| a.text("policy", "Lax")),
        [
            ("state".to_owned(), Neutral),
            ("user_access".to_owned(), WidensAccess),
            ("policy".to_owned(), WidensAccess),
        ]
    );
}

#[test]
fn every_risk_has_a_name_of_its_own() {
    for risk in Risk::ALL {
        assert_eq!(Risk::parse(risk.name()), Some(risk));
    }
    assert_eq!(Risk::parse("widens"), None);
}
