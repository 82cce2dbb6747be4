use serde_json::json;

use crate::kinds::marker::{Applied, Marker, Notes, short_hash};
use crate::kinds::value::FieldValue;
use crate::reconcile::plan::{Action, Options, plan};
use crate::reconcile::selection::Selection;
use crate::reconcile::testing::{
    FakeDuo, app, bodies, desired, marked, options, outline, plan_of, renamed, requests,
};

#[test]
fn adoption_sends_notes_only_and_keeps_them_byte_for_byte() {
    let notes = "Owned by the network team\r\n\t";
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": notes}));
    let wanted = desired([app("vpn", "radius", "VPN")]);
    let plan = plan_of(&wanted, &duo);
    assert_eq!(
        requests(&plan),
        r#"update DI1 {"notes":"Owned by the network team\r\n\t\n[duoctl acme/applications.vpn aPHEn1XT adopted]"}"#
    );
    assert_eq!(plan.summary().adopt, 1);
    let mut after = duo;
    after.apply(&plan);
    assert_eq!(Notes::parse(&after.notes("DI1")).text, notes);
    assert!(plan_of(&wanted, &after).is_empty());
}

#[test]
fn an_adoption_that_also_changes_is_two_steps() {
    let duo =
        FakeDuo::new().with("DI1", "radius", "VPN", json!({"user_access": "NO_USERS", "greeting": "old"}));
    let plan = plan_of(&desired([app("vpn", "radius", "VPN").text("greeting", "new")]), &duo);
    assert_eq!(
        outline(&plan),
        "adopt applications.vpn DI1\nupdate applications.vpn DI1\n  \
         user_access: \"no_users\" -> \"all_users\" (config) !widens_access\n  greeting: \"old\" -> \"new\" (config)"
    );
    assert_eq!(bodies(&plan), [json!({}), json!({"user_access": "ALL_USERS", "greeting": "new"})]);
    // Between the two steps the marker records only what is already applied.
    let mut states = Vec::new();
    duo.clone().apply_watched(&plan, |_, history| {
        let marker = Notes::parse(&history.last().unwrap().notes("DI1")).marker.unwrap();
        states.push(marker.applied.keys().collect::<String>());
    });
    assert_eq!(states, ["n", "ant"]);
}

#[test]
fn each_field_is_cleared_by_null() {
    let live = json!({"notes": format!("text\n{}", marked("vpn")), "greeting": "hello", "policy_key": "PO1",
        "username_normalization_policy": "Simple"});
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", live);
    let wanted = app("vpn", "radius", "VPN")
        .clear("greeting")
        .clear("policy")
        .clear("notes")
        .clear("username_normalization_policy");
    let desired = desired([wanted]);
    let plan = plan_of(&desired, &duo);
    assert_eq!(
        bodies(&plan),
        [json!({"policy_key": "", "username_normalization_policy": "none", "greeting": ""})]
    );
    let mut after = duo;
    after.apply(&plan);
    assert!(after.notes("DI1").starts_with("[duoctl "), "{}", after.notes("DI1"));
    assert!(plan_of(&desired, &after).is_empty());
}

#[test]
fn a_key_that_is_left_out_is_left_alone() {
    let live = json!({"notes": format!("text\n{}", marked("vpn")), "greeting": "hello", "policy_key": "PO1",
        "self_service_allowed": 1, "brand_new": {"x": 1}});
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", live);
    assert!(plan_of(&desired([app("vpn", "radius", "VPN")]), &duo).is_empty());
}

#[test]
fn a_policy_is_attached_swapped_and_detached() {
    let sent = |live, wanted: Option<&str>| {
        let duo =
            FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("vpn"), "policy_key": live}));
        let entry = app("vpn", "radius", "VPN");
        let entry =
            wanted.map_or(app("vpn", "radius", "VPN").clear("policy"), |policy| entry.text("policy", policy));
        bodies(&plan_of(&desired([entry]), &duo))
    };
    assert_eq!(sent(json!(null), Some("Strict")), [json!({"policy_key": "PO1"})]);
    assert_eq!(sent(json!("PO1"), Some("PO2")), [json!({"policy_key": "PO2"})]);
    assert_eq!(sent(json!("PO1"), None), [json!({"policy_key": ""})]);
    assert!(sent(json!("PO1"), Some("Strict")).is_empty() && sent(json!(""), None).is_empty());
}

#[test]
fn protection_reaches_the_marker() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("vpn")}));
    let wanted = desired([app("vpn", "radius", "VPN").protect()]);
    let plan = plan_of(&wanted, &duo);
    assert_eq!(outline(&plan), "update applications.vpn DI1\n  protect: false -> true (config)");
    let mut after = duo;
    after.apply(&plan);
    assert!(after.notes("DI1").ends_with(" protected]"));
    assert!(plan_of(&wanted, &after).is_empty());
    let unprotected = plan_of(&desired([app("vpn", "radius", "VPN")]), &after);
    assert_eq!(outline(&unprotected), "update applications.vpn DI1\n  protect: true -> false (config)");
}

#[test]
fn a_selection_covers_only_its_addresses() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({})).with(
        "DI2",
        "radius",
        "Gone",
        json!({"notes": marked("gone")}),
    );
    let wanted = desired([
        app("vpn", "radius", "VPN"),
        app("wiki", "radius", "Wiki").text("policy", "None such"),
        app("siem", "radius", "SIEM"),
    ]);
    let selection = Selection::new(&["applications.[sv]*".to_owned()], &["*.siem".to_owned()]).unwrap();
    let selected = Options { selection, ..options(crate::reconcile::plan::Prune::Now) };
    let plan = plan(&wanted, &duo.observation(), &selected);
    assert_eq!(outline(&plan), "adopt applications.vpn DI1");
    assert_eq!((plan.left_out(), plan.declared()), (3, 3));
    assert!(
        plan.is_empty() == plan.steps().is_empty() && plan.problems().is_empty() && plan.orphans().is_empty()
    );
}

#[test]
fn what_is_kept_survives_an_update_of_another_field() {
    let kept = Applied {
        asked: short_hash('n', &FieldValue::text("R&D")),
        kept: Some(short_hash('n', &FieldValue::text("R&amp;D"))),
    };
    let notes =
        Marker { applied: [('n', kept)].into(), ..crate::reconcile::testing::marker("vpn") }.to_string();
    let duo = FakeDuo::new().with("DI1", "radius", "R&amp;D", json!({"notes": notes}));
    let wanted = desired([app("vpn", "radius", "R&D").text("greeting", "new")]);
    let plan = plan_of(&wanted, &duo);
    assert_eq!(bodies(&plan), [json!({"greeting": "new"})]);
    let mut after = duo;
    after.apply(&plan);
    assert_eq!(Notes::parse(&after.notes("DI1")).marker.unwrap().applied[&'n'], kept);
    assert!(plan_of(&wanted, &after).is_empty());
}

#[test]
fn a_fingerprint_says_what_moved() {
    let duo = FakeDuo::new()
        .with("DI1", "radius", "VPN", json!({"notes": marked("vpn"), "greeting": "old"}))
        .with("DI2", "radius", "Wiki", json!({"notes": marked("wiki")}));
    let wanted = desired([
        app("vpn", "radius", "VPN").text("greeting", "new").text("policy", "Strict"),
        app("wiki", "radius", "Wiki"),
    ]);
    let then = plan_of(&wanted, &duo).fingerprint().clone();
    let moved = |change: &dyn Fn(&mut FakeDuo)| {
        let mut duo = duo.clone();
        change(&mut duo);
        then.moved(plan_of(&wanted, &duo).fingerprint())
    };
    assert_eq!(moved(&|_| {}), Vec::<String>::new());
    assert_eq!(moved(&|duo| duo.edit("DI2", "greeting", json!("not managed"))), Vec::<String>::new());
    assert_eq!(
        moved(&|duo| duo.edit("DI1", "groups_allowed", json!(["DG1"]))),
        ["application DI1 changed in Duo"]
    );
    assert_eq!(
        moved(&|duo| duo.edit("DI2", "name", json!("Renamed"))),
        ["application DI2 needs a change that is not in the plan"]
    );
    assert_eq!(
        moved(&|duo| {
            duo.edit("DI1", "greeting", json!("new"));
            duo.edit("DI1", "policy_key", json!("PO1"));
        }),
        ["application DI1 no longer needs a change"]
    );
    assert_eq!(
        moved(&|duo| duo.put("DI3", "unix", "x", json!({}))),
        ["applications were added or removed in Duo"]
    );
    // Another policy now has that name.
    let swapped = moved(&|duo| {
        duo.policies.retain(|policy| policy.id.as_str() != "PO1");
        duo.policies[1] = renamed(&duo.policies[1], "Strict");
    });
    assert_eq!(swapped, ["a group, a policy or an option of the plan changed"]);
    let mut later = then.clone();
    (later.host, later.tool_version, later.yaml) = ("other".into(), "9.9.9".into(), "other".into());
    assert_eq!(then.moved(&later).len(), 3);
}

#[test]
fn steps_are_in_the_order_of_their_addresses() {
    let apps = ["b", "a", "c"].map(|key| app(key, "radius", key));
    let plan = plan_of(&desired(apps), &FakeDuo::new());
    let order: Vec<&str> = plan.steps().iter().map(|step| step.address.as_str()).collect();
    assert_eq!(order, ["applications.a", "applications.b", "applications.c"]);
    assert!(plan.steps().iter().all(|step| step.action == Action::Create));
}
