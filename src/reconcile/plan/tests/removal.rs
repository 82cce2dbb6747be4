use serde_json::{Value, json};

use crate::diagnostic::Code;
use crate::kinds::marker::{MarkerState, NOTES_LIMIT, Notes};
use crate::reconcile::plan::Prune;
use crate::reconcile::testing::{
    FakeDuo, app, bodies, codes, desired, marked, marked_as, now, outline, plan_of, plan_pruning, problems,
    requests,
};

fn orphan(kind: &str, properties: Value) -> FakeDuo {
    let mut properties = properties;
    if properties.get("notes").is_none() {
        properties["notes"] = json!(format!("text\n{}", marked("gone")));
    }
    FakeDuo::new().with("DI1", kind, "Gone", properties)
}

fn quarantined(days_ago: i64) -> String {
    let since = now() - jiff::SignedDuration::from_hours(24 * days_ago);
    marked_as("gone", MarkerState::Quarantined(since))
}

fn pruned(duo: &FakeDuo, prune: Prune) -> String {
    outline(&plan_pruning(&desired([app("wiki", "unix", "Wiki").pin("DIWIKI")]), &with_wiki(duo), prune))
}

/// Declares something, so that the workspace is not empty.
fn with_wiki(duo: &FakeDuo) -> FakeDuo {
    duo.clone().with("DIWIKI", "unix", "Wiki", json!({"notes": marked("wiki")}))
}

#[test]
fn an_orphan_is_only_reported() {
    let plan = plan_of(&desired([]), &orphan("radius", json!({})));
    assert_eq!(outline(&plan), "");
    assert!(plan.is_empty());
    let orphan = &plan.orphans()[0];
    assert_eq!(
        (orphan.address.as_str(), orphan.ikey.as_str(), orphan.name.as_str()),
        ("applications.gone", "DI1", "Gone")
    );
    assert_eq!((orphan.quarantined_since.as_deref(), orphan.protected), (None, false));
}

#[test]
fn a_quarantine_lets_nobody_in_and_keeps_the_text() {
    let duo = orphan("radius", json!({}));
    let plan = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert_eq!(
        outline(&plan),
        "quarantine applications.gone DI1\n  !narrows_access: no user may log in anymore"
    );
    assert_eq!(
        requests(&plan),
        r#"update DI1 {"user_access":"NO_USERS","notes":"text\n[duoctl acme/applications.gone - quarantined:2026-11-24T12:00:00Z had:all_users]"}"#
    );
    let mut after = duo;
    after.apply(&plan);
    let again = plan_pruning(&desired([]), &after, Prune::Quarantine);
    assert_eq!(outline(&again), "");
    assert_eq!(again.orphans()[0].quarantined_since.as_deref(), Some("2026-11-24"));
}

#[test]
fn a_quarantined_key_loses_its_permissions() {
    let duo =
        orphan("adminapi", json!({"adminapi_info": 1, "adminapi_brand_new": "1", "adminapi_admins": "odd"}));
    let plan = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert_eq!(
        bodies(&plan),
        [
            json!({"user_access": "NO_USERS", "adminapi_info": "0", "adminapi_brand_new": "0", "adminapi_admins": "0"})
        ]
    );
}

#[test]
fn a_deletion_waits_for_the_quarantine_to_end() {
    let shut = |days| orphan("radius", json!({"user_access": "NO_USERS", "notes": quarantined(days)}));
    let deleted =
        "delete applications.gone DI1\n  !destroys: its keys stop working for good; Duo has no undelete";
    assert_eq!(pruned(&shut(13), Prune::Quarantine), "");
    let expected = "delete applications.gone DI1\n  !destroys: it was quarantined for the whole period and not used since; \
                    Duo has no undelete";
    assert_eq!(pruned(&shut(14), Prune::Quarantine), expected);
    assert_eq!(pruned(&shut(400), Prune::Quarantine), expected);
    assert_eq!(pruned(&shut(-400), Prune::Quarantine), "", "a date in the future");
    assert_eq!(pruned(&shut(14), Prune::No), "");
    assert_eq!(pruned(&shut(0), Prune::Now), deleted);
    assert_eq!(pruned(&orphan("radius", json!({})), Prune::Now), deleted);
}

#[test]
fn what_someone_opened_again_is_shut_again_and_not_deleted() {
    let shut_again = "quarantine applications.gone DI1\n  !narrows_access: no user may log in anymore";
    for access in ["ALL_USERS", "PERMITTED_GROUPS", "BRAND_NEW"] {
        let duo = orphan("radius", json!({"user_access": access, "notes": quarantined(400)}));
        assert_eq!(pruned(&duo, Prune::Quarantine), shut_again, "{access}");
    }
    let key =
        orphan("adminapi", json!({"user_access": "NO_USERS", "adminapi_info": 1, "notes": quarantined(400)}));
    assert_eq!(pruned(&key, Prune::Quarantine), shut_again);
    // Users never log in to an Admin API application; only its permissions count.
    let key = orphan("adminapi", json!({"user_access": "ALL_USERS", "notes": quarantined(400)}));
    assert!(pruned(&key, Prune::Quarantine).starts_with("delete "));
}

#[test]
fn groups_that_the_yaml_clears_are_none_that_a_quarantine_had() {
    let notes = "[duoctl acme/applications.gone - quarantined:2026-11-24T12:00:00Z had:DG1]";
    let mut duo = orphan("radius", json!({"user_access": "NO_USERS", "notes": notes}));
    let wanted = desired([app("gone", "radius", "Gone").clear("groups_allowed").ignore(&["user_access"])]);
    let plan = plan_of(&wanted, &duo);
    duo.apply(&plan);
    assert_eq!(duo.property("DI1", "groups_allowed"), json!(["DG1"]), "{}", outline(&plan));
    assert_eq!(outline(&plan_of(&wanted, &duo)), "");
}

#[test]
fn an_address_comes_back_from_quarantine() {
    let wanted = || app("gone", "radius", "Gone").text("policy", "Strict");
    let mut duo = orphan("radius", json!({"policy_key": "PO1"}));
    duo.apply(&plan_of(&desired([wanted()]), &duo));
    duo.apply(&plan_pruning(&desired([]), &duo, Prune::Quarantine));
    let plan = plan_of(&desired([wanted()]), &duo);
    assert_eq!(
        outline(&plan),
        "update applications.gone DI1\n  state: \"quarantined since 2026-11-24\" -> \"managed\" (config)\n  \
         user_access: \"no_users\" -> \"all_users\" (config) !widens_access"
    );
    duo.apply(&plan);
    assert!(plan_of(&desired([wanted()]), &duo).is_empty());
    assert_eq!(Notes::parse(&duo.notes("DI1")).marker.unwrap().state, MarkerState::Owned);
}

#[test]
fn copies_of_a_marker_are_not_removed() {
    let duo = orphan("radius", json!({})).with("DI2", "unix", "Victim", json!({"notes": marked("gone")}));
    for prune in [Prune::Quarantine, Prune::Now] {
        let plan = plan_pruning(&desired([]), &duo, prune);
        assert_eq!(outline(&plan), "");
        assert_eq!(codes(&plan), [Code::DuplicateMarker; 2]);
        assert_eq!(plan.orphans().len(), 2);
    }
    // A copied quarantine marker does not make another application a quarantined one.
    let duo = orphan("radius", json!({"user_access": "NO_USERS", "notes": quarantined(400)})).with(
        "DI2",
        "unix",
        "Victim",
        json!({"notes": quarantined(400)}),
    );
    assert_eq!(outline(&plan_pruning(&desired([]), &duo, Prune::Quarantine)), "");
}

#[test]
fn what_a_replacement_left_behind_goes_with_its_address() {
    let duo = orphan("radius", json!({})).with(
        "DI2",
        "unix",
        "Gone",
        json!({"notes": marked_as("gone", MarkerState::Replaced)}),
    );
    let plan = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert_eq!(plan.steps().len(), 2);
    let mut after = duo;
    after.apply(&plan);
    let again = plan_pruning(&desired([]), &after, Prune::Quarantine);
    assert_eq!((outline(&again), codes(&again)), (String::new(), vec![]));
    // The leftover is quarantined already, the other one not yet.
    let mut half = after;
    half.edit("DI1", "notes", json!(marked("gone")));
    let plan = plan_pruning(&desired([]), &half, Prune::Quarantine);
    assert_eq!((plan.steps().len(), codes(&plan)), (1, vec![]));
}

#[test]
fn the_date_of_a_quarantine_needs_room_in_the_notes() {
    let notes = |length: usize| format!("{}\n{}", "n".repeat(length), marked("gone"));
    let room = NOTES_LIMIT
        - "\n[duoctl acme/applications.gone - quarantined:2026-11-24T12:00:00Z had:all_users adopted ~40SYRC9GNBPQCDHY8NR5]".len();
    let duo = orphan("radius", json!({"notes": notes(room)}));
    assert_eq!(plan_pruning(&desired([]), &duo, Prune::Quarantine).steps().len(), 1);
    let duo = orphan("radius", json!({"notes": notes(room + 1)}));
    let plan = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert_eq!(outline(&plan), "");
    let message = "applications.gone: the notes of DI1 leave no room for the date of the quarantine";
    assert_eq!(problems(&plan), [(Code::InvalidNotes, message)]);
}

#[test]
fn orphans_of_other_workspaces_are_none() {
    let duo = orphan("radius", json!({"notes": "[duoctl other/applications.gone -]"}));
    let plan = plan_pruning(&desired([]), &duo, Prune::Now);
    assert!(plan.is_empty() && plan.orphans().is_empty());
    assert_eq!(plan.summary().unmanaged, 2);
}

#[test]
fn dates_are_read_from_the_marker() {
    let notes = "[duoctl acme/applications.gone - quarantined:2026-02-29T12:00:00Z]";
    let plan = plan_pruning(&desired([]), &orphan("radius", json!({"notes": notes})), Prune::Now);
    assert!(plan.orphans().is_empty(), "a marker with an invalid date does not count");
    assert_eq!(now().to_string(), "2026-11-24T12:00:00Z");
}
