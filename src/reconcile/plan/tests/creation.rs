use serde_json::json;

use crate::diagnostic::Code;
use crate::kinds::marker::{MarkerState, NOTES_LIMIT, Notes};
use crate::reconcile::testing::{
    FakeDuo, app, bodies, codes, desired, marked_as, now, outline, plan_of, problems, requests,
};

#[test]
fn what_lets_people_in_has_a_call_of_its_own() {
    let wanted =
        app("vpn", "radius", "VPN").groups(&["VPN Users"]).text("greeting", "hello").text("notes", "ours");
    let plan = plan_of(&desired([wanted]), &FakeDuo::new());
    assert_eq!(
        outline(&plan),
        "create applications.vpn\n  name: null -> \"VPN\"\n  user_access: null -> \"permitted_groups\"\n  \
         groups_allowed: null -> [\"VPN Users\"]\n  greeting: null -> \"hello\"\n  notes: null -> \"ours\""
    );
    assert_eq!(
        requests(&plan),
        r#"create {"type":"radius","user_access":"NO_USERS","name":"VPN","greeting":"hello","notes":"ours\n[duoctl acme/applications.vpn aQ5NgHXHn1XToY48t4XA creating:2026-11-24T12:00:00Z]"}
finish {"user_access":"PERMITTED_GROUPS","groups_allowed":"DG1","notes":"ours\n[duoctl acme/applications.vpn aQ5NgHXHn1XToY48t4XA]"}"#
    );
    let summary = plan.summary();
    assert_eq!((summary.add, summary.change, summary.delete, summary.unmanaged), (1, 0, 0, 1));
}

#[test]
fn a_second_call_binds_what_lets_nobody_in() {
    let wanted = app("vpn", "radius", "VPN").text("user_access", "no_users").text("greeting", "hello");
    let plan = plan_of(&desired([wanted]), &FakeDuo::new());
    assert_eq!(
        requests(&plan),
        r#"create {"type":"radius","user_access":"NO_USERS","name":"VPN","greeting":"hello","notes":"[duoctl acme/applications.vpn a2VQn1XTt4XA creating:2026-11-24T12:00:00Z]"}
finish {"notes":"[duoctl acme/applications.vpn a2VQn1XTt4XA]"}"#
    );
}

#[test]
fn nobody_is_let_in_before_the_policy_is_attached() {
    let wanted = app("vpn", "radius", "VPN").groups(&["VPN Users"]).text("policy", "Strict");
    let duo = FakeDuo::new();
    let plan = plan_of(&desired([wanted]), &duo);
    let (create, finish) = (&bodies(&plan)[0], &bodies(&plan)[1]);
    assert_eq!(*create, json!({"type": "radius", "user_access": "NO_USERS", "name": "VPN"}));
    assert_eq!(
        *finish,
        json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": "DG1", "policy_key": "PO1"})
    );
    let mut states = Vec::new();
    let mut after = duo;
    after.apply_watched(&plan, |_, history| {
        for duo in history.iter().skip(1) {
            states.push(Notes::parse(&duo.notes("DINEW0")).marker.unwrap().state);
        }
    });
    assert_eq!(states, [MarkerState::Creating { since: now() }, MarkerState::Owned]);
}

#[test]
fn an_unfinished_creation_is_completed() {
    let wanted = desired([app("vpn", "radius", "VPN").groups(&["VPN Users"]).text("policy", "Strict")]);
    let mut duo = FakeDuo::new();
    let first = plan_of(&wanted, &duo);
    let mut created = None;
    duo.write(&first.steps()[0].writes[0], &mut created).unwrap();
    let second = plan_of(&wanted, &duo);
    assert_eq!(
        outline(&second),
        "update applications.vpn DINEW0\n  state: \"unfinished\" -> \"managed\" (config)\n  \
         user_access: \"no_users\" -> \"permitted_groups\" (config)\n  groups_allowed: null -> [\"VPN Users\"] (config)\n  \
         policy: null -> \"Strict\" (config)"
    );
    duo.apply(&second);
    assert!(plan_of(&wanted, &duo).is_empty());
}

#[test]
fn an_unfinished_creation_that_is_as_wanted_only_loses_the_word() {
    let notes = marked_as("vpn", MarkerState::Creating { since: now() });
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": notes, "user_access": "NO_USERS"}));
    let plan = plan_of(&desired([app("vpn", "radius", "VPN").text("user_access", "no_users")]), &duo);
    assert_eq!(
        outline(&plan),
        "update applications.vpn DI1\n  state: \"unfinished\" -> \"managed\" (config)"
    );
    assert_eq!(bodies(&plan), [json!({})]);
}

#[test]
fn what_has_no_type_or_name_cannot_be_created() {
    let mut wanted = app("vpn", "radius", "VPN");
    wanted.0.name = None;
    assert_eq!(codes(&plan_of(&desired([wanted]), &FakeDuo::new())), [Code::MissingKey]);
    let mut wanted = app("vpn", "radius", "VPN");
    wanted.0.variant = None;
    assert_eq!(codes(&plan_of(&desired([wanted]), &FakeDuo::new())), [Code::MissingKey]);
}

#[test]
fn notes_and_marker_together_stay_within_the_limit() {
    let with = |length: usize, policy: bool| {
        let wanted = app("vpn", "radius", "VPN").text("notes", &"é".repeat(length));
        let wanted = if policy { wanted.text("policy", "Strict") } else { wanted };
        desired([wanted.text("user_access", if policy { "all_users" } else { "no_users" })])
    };
    let marker = "\n[duoctl acme/applications.vpn aPHEn1XToY48 creating:2026-11-24T12:00:00Z adopted ~40SYRC9GNBPQCDHY8NR5]".len();
    let fitting = NOTES_LIMIT - marker;
    assert!(plan_of(&with(fitting, false), &FakeDuo::new()).problems().is_empty());
    let plan = plan_of(&with(fitting + 1, false), &FakeDuo::new());
    assert_eq!(outline(&plan), "");
    let message = "applications.vpn: notes and marker together are 513 characters, more than 512";
    assert_eq!(problems(&plan), [(Code::InvalidNotes, message)]);
    assert_eq!(plan.problems()[0].help.as_deref(), Some("shorten the notes by 1 character"));
    // A policy adds a hash to the marker.
    assert_eq!(codes(&plan_of(&with(fitting - 3, true), &FakeDuo::new())), [Code::InvalidNotes]);
    assert!(plan_of(&with(fitting - 4, true), &FakeDuo::new()).problems().is_empty());
}

#[test]
fn every_kind_of_field_is_sent_in_its_own_form() {
    let wanted = app("siem", "adminapi", "SIEM")
        .text("user_access", "no_users")
        .list("permissions", &["read_log", "info"])
        .list("networks_for_api_access", &["192.0.2.8/32", "10.0.0.0/25", "10.0.0.128/25"]);
    assert_eq!(
        bodies(&plan_of(&desired([wanted]), &FakeDuo::new())),
        [
            json!({"type": "adminapi", "user_access": "NO_USERS", "name": "SIEM", "adminapi_info": "1",
            "adminapi_read_log": "1", "networks_for_api_access": "10.0.0.0/24,192.0.2.8"}),
            json!({})
        ]
    );
    let wanted = app("portal", "websdk", "Portal")
        .flag("self_service_allowed", true)
        .text("username_normalization_policy", "simple")
        .clear("greeting")
        .clear("policy");
    assert_eq!(
        bodies(&plan_of(&desired([wanted]), &FakeDuo::new())),
        [
            json!({"type": "websdk", "user_access": "NO_USERS", "name": "Portal", "self_service_allowed": "1",
                "username_normalization_policy": "simple", "greeting": ""}),
            json!({"user_access": "ALL_USERS"})
        ]
    );
    let wanted = app("wiki", "sso-generic", "Wiki").sso(json!({"saml_config": {"role_attrs":
        {"role": {"admin": ["Admins"], "editor": "Staff"}}}}));
    assert_eq!(
        bodies(&plan_of(&desired([wanted]), &FakeDuo::new()))[0]["sso"],
        json!({"saml_config": {"role_attrs": {"role": {"admin": ["DG4"], "editor": "DG3"}}}})
    );
}
