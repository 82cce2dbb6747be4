//! Leaving the YAML and coming back: use since a quarantine, what is restored with an address, what is retained.

use jiff::civil::date;
use serde_json::{Value, json};

use crate::diagnostic::{Code, Severity};
use crate::kinds::address::Address;
use crate::kinds::marker::{MarkerState, Notes};
use crate::reconcile::consent::Consent;
use crate::reconcile::desired::{Desired, Fate};
use crate::reconcile::observation::LastUse;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Prune, plan};
use crate::reconcile::testing::{
    App, FakeDuo, app, codes, desired, marked, marked_as, noon, options, outline, plan_of, plan_pruning,
    problems, refusals, requests,
};

fn owned(kind: &str, mut properties: Value) -> FakeDuo {
    if properties.get("notes").is_none() {
        properties["notes"] = json!(format!("text\n{}", marked("gone")));
    }
    FakeDuo::new().with("DI1", kind, "Gone", properties)
}

/// Quarantined long enough to be deleted.
fn due() -> FakeDuo {
    let notes = marked_as("gone", MarkerState::Quarantined(noon(date(2026, 1, 1))));
    owned("radius", json!({"user_access": "NO_USERS", "notes": notes}))
}

fn quarantined(mut duo: FakeDuo) -> FakeDuo {
    duo.apply(&plan_pruning(&desired([]), &duo, Prune::Quarantine));
    assert_eq!(duo.property("DI1", "user_access"), "NO_USERS");
    duo
}

/// Pinned, so that the YAML does not have to declare access and permissions.
fn pinned(kind: &str) -> App {
    app("gone", kind, "Gone").pin("DI1").without("user_access")
}

fn retaining(address: Address) -> Desired {
    Desired { removed: [(address, Fate::Retain)].into(), ..desired([]) }
}

fn deleting(address: Address) -> Desired {
    Desired { removed: [(address, Fate::Delete)].into(), ..desired([]) }
}

#[test]
fn what_is_still_used_is_not_deleted() {
    let mut duo = due();
    let used = LastUse { when: "2026-11-20T08:00:00Z".into(), who: "ann".into(), result: "denied".into() };
    duo.uses.insert("DI1".to_owned(), Observed::Present(Some(used)));
    let plan = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::StillUsed]));
    assert_eq!(
        problems(&plan)[0].1,
        "applications.gone: DI1 is not deleted: quarantined since 2026-01-01 but still in use: ann at 2026-11-20T08:00:00Z \
         (denied)"
    );
    assert_eq!(plan.problems()[0].severity, Severity::Warning);
    assert!(outline(&plan_pruning(&desired([]), &duo, Prune::Now)).starts_with("delete "));
    duo.uses.insert("DI1".to_owned(), Observed::Present(None));
    assert!(outline(&plan_pruning(&desired([]), &duo, Prune::Quarantine)).starts_with("delete "));
}

#[test]
fn a_log_that_cannot_be_read_stops_the_deletion_and_names_the_permission() {
    let mut duo = due();
    duo.uses.insert("DI1".to_owned(), Observed::Unreadable("403".to_owned()));
    let found = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert_eq!((outline(&found), codes(&found)), (String::new(), vec![Code::AccountUnreadable]));
    assert!(found.blocked().contains(&Address::application("gone")));
    let help = found.problems()[0].help.as_deref().unwrap();
    assert!(help.contains("read_log") && help.contains("--prune=now"), "{help}");
    // The log was not read yet.
    let mut observation = duo.observation();
    observation.uses.clear();
    let found = plan(&desired([]), &observation, &options(Prune::Quarantine));
    assert_eq!(outline(&found), "");
    assert_eq!(
        found.unlooked(),
        [("DI1".to_owned(), "2026-01-01T12:00:00Z".parse().unwrap())]
            .map(|(ikey, since)| (crate::duo::object::Ikey::new(ikey), since))
    );
    assert!(plan(&desired([]), &observation, &options(Prune::Now)).unlooked().is_empty());
}

#[test]
fn the_look_into_the_log_begins_at_the_moment_of_the_quarantine() {
    let duo = quarantined(owned("radius", json!({})));
    let mut observation = duo.observation();
    observation.uses.clear();
    let mut wanted = desired([]);
    wanted.guards.quarantine_days = 0;
    let found = plan(&wanted, &observation, &options(Prune::Quarantine));
    assert_eq!(found.unlooked()[0].1.to_string(), "2026-11-24T12:00:00Z");
}

#[test]
fn who_might_log_in_comes_back_where_the_yaml_leaves_it_alone() {
    let groups = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG2", "DG1"]});
    for before in [groups, json!({"user_access": "ALL_USERS"}), json!({"user_access": "NO_USERS"})] {
        let before = owned("radius", before);
        let mut duo = quarantined(before.clone());
        duo.edit("DI1", "groups_allowed", json!([]));
        let plan = plan_of(&desired([pinned("radius")]), &duo);
        if before.property("DI1", "user_access") != "NO_USERS" {
            assert!(outline(&plan).contains("!widens_access"), "{}", outline(&plan));
            let lifted = refusals(&plan, &desired([pinned("radius")]), &Consent::default());
            assert_eq!(lifted[0].0, "widens_access");
        }
        duo.apply(&plan);
        assert_eq!(duo.reach("DI1"), before.reach("DI1"));
        assert!(plan_of(&desired([pinned("radius")]), &duo).is_empty());
    }
}

#[test]
fn what_a_key_might_do_comes_back_where_the_yaml_leaves_it_alone() {
    let before =
        owned("adminapi", json!({"adminapi_info": 1, "adminapi_read_log": "1", "user_access": "NO_USERS"}));
    let mut duo = quarantined(before);
    assert_eq!(duo.property("DI1", "adminapi_info"), 0);
    let back = plan_of(&desired([pinned("adminapi")]), &duo);
    assert!(
        outline(&back).contains(r#"permissions: null -> ["info","read_log"] (config) !escalates_privilege"#),
        "{}",
        outline(&back)
    );
    duo.apply(&back);
    assert_eq!(
        (duo.property("DI1", "adminapi_info"), duo.property("DI1", "adminapi_read_log")),
        (json!(1), json!(1))
    );
    assert_eq!(duo.property("DI1", "adminapi_admins"), 0);
    assert!(plan_of(&desired([pinned("adminapi")]), &duo).is_empty());
}

#[test]
fn what_the_yaml_declares_wins_over_what_was() {
    let before = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG2"]});
    let mut duo = quarantined(owned("radius", before));
    let wanted = || desired([app("gone", "radius", "Gone").pin("DI1").text("user_access", "all_users")]);
    duo.apply(&plan_of(&wanted(), &duo));
    assert_eq!(duo.property("DI1", "user_access"), "ALL_USERS");
    assert!(plan_of(&wanted(), &duo).is_empty());
}

#[test]
fn what_someone_opened_meanwhile_is_left_as_it_is() {
    let mut duo = quarantined(owned("radius", json!({"user_access": "ALL_USERS"})));
    duo.edit("DI1", "user_access", json!("PERMITTED_GROUPS"));
    duo.edit("DI1", "groups_allowed", json!(["DG3"]));
    let back = plan_of(&desired([pinned("radius")]), &duo);
    assert!(!outline(&back).contains("user_access"), "{}", outline(&back));
    assert!(!requests(&back).contains("user_access"));
}

#[test]
fn groups_that_found_no_room_in_the_notes_have_to_be_declared() {
    let text = "n".repeat(390);
    let notes = format!("{text}\n{}", marked("gone"));
    let ids: Vec<String> = (1..=4).map(|n| format!("DG{n:0>18}")).collect();
    let properties = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ids, "notes": notes});
    let duo = quarantined(owned("radius", properties));
    assert!(duo.notes("DI1").contains(" had:?"), "{}", duo.notes("DI1"));
    let plan = plan_of(&desired([pinned("radius")]), &duo);
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::AccessConflict]));
    let declared = app("gone", "radius", "Gone").pin("DI1");
    assert!(outline(&plan_of(&desired([declared]), &duo)).starts_with("update "));
}

#[test]
fn what_is_retained_loses_its_marker_and_nothing_else() {
    let duo = owned("radius", json!({"policy_key": "PO1"}));
    let wanted = retaining(Address::application("gone"));
    for prune in [Prune::No, Prune::Quarantine, Prune::Now] {
        let found = plan_pruning(&wanted, &duo, prune);
        assert_eq!(
            outline(&found),
            "retain applications.gone DI1\n  state: \"managed\" -> \"unmanaged\" (config)"
        );
        assert_eq!(requests(&found), r#"update DI1 {"notes":"text"}"#);
        assert_eq!((found.orphans().len(), found.summary().retain, found.summary().change), (0, 1, 0));
    }
    let mut after = duo;
    after.apply(&plan_of(&wanted, &after));
    let again = plan_of(&wanted, &after);
    assert!(again.is_empty() && again.orphans().is_empty());
    assert_eq!(Notes::parse(&after.notes("DI1")).marker, None);
    assert_eq!(after.notes("DI1"), "text");
}

#[test]
fn a_protected_application_may_be_retained_but_not_by_another_address() {
    let protected =
        crate::kinds::marker::Marker { protected: true, ..crate::reconcile::testing::marker("gone") };
    let duo = owned("radius", json!({"notes": protected.to_string()}));
    let wanted = retaining(Address::application("gone"));
    let found = plan_of(&wanted, &duo);
    assert_eq!((found.steps().len(), refusals(&found, &wanted, &Consent::default())), (1, vec![]));
    let other = plan_of(&retaining(Address::application("go")), &duo);
    assert_eq!((other.steps().len(), other.orphans().len()), (0, 1));
}

#[test]
fn what_is_retained_out_of_quarantine_works_again() {
    let before = owned("radius", json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"]}));
    let mut duo = quarantined(before.clone());
    let wanted = retaining(Address::application("gone"));
    let found = plan_pruning(&wanted, &duo, Prune::Quarantine);
    assert!(outline(&found).contains("!widens_access"), "{}", outline(&found));
    duo.apply(&found);
    assert_eq!((duo.reach("DI1"), duo.notes("DI1")), (before.reach("DI1"), "text".to_owned()));
}

#[test]
fn a_composite_is_retained_with_all_its_parts() {
    let marker = |part: &str| format!("[duoctl acme/identity_intelligence.emea.{part} -]");
    let duo = FakeDuo::new().with("DI1", "adminapi", "A", json!({"notes": marker("admin_api")})).with(
        "DI2",
        "authapi",
        "B",
        json!({"notes": marker("auth_api")}),
    );
    let found = plan_of(&retaining(Address::intelligence("emea")), &duo);
    assert_eq!(found.steps().len(), 2);
    assert_eq!(plan_of(&retaining(Address::intelligence("eme")), &duo).steps().len(), 0);
}

/// `delete` does the same as a run with `--prune`, but at this address only.
#[test]
fn what_is_to_be_deleted_is_quarantined_and_then_deleted_without_a_flag() {
    let duo = owned("radius", json!({"policy_key": "PO1"}));
    let wanted = deleting(Address::application("gone"));
    let pruned = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert!(outline(&pruned).starts_with("quarantine "), "{}", outline(&pruned));
    assert_eq!(outline(&plan_of(&wanted, &duo)), outline(&pruned));
    assert_eq!(plan_of(&deleting(Address::application("other")), &duo).steps().len(), 0);
    // Nothing happens during the quarantine; afterwards the deletion has its risk.
    assert_eq!(plan_of(&wanted, &quarantined(duo)).steps().len(), 0);
    let mut duo = due();
    duo.uses.insert("DI1".to_owned(), Observed::Present(None));
    let found = plan_of(&wanted, &duo);
    assert!(outline(&found).starts_with("delete "), "{}", outline(&found));
    assert!(found.steps()[0].risks().contains_key(&crate::kinds::risk::Risk::Destroys));
    assert_eq!(outline(&found), outline(&plan_pruning(&desired([]), &duo, Prune::Quarantine)));
    // `--prune=now` goes further than the YAML.
    let now = plan_pruning(&wanted, &owned("radius", json!({})), Prune::Now);
    assert!(outline(&now).starts_with("delete "), "{}", outline(&now));
}

#[test]
fn what_is_said_of_a_part_counts_more_than_what_is_said_of_its_entry() {
    let entry = Address::intelligence("emea");
    let removed = [(entry.clone(), Fate::Delete), (entry.part("auth_api"), Fate::Retain)];
    let wanted = Desired { removed: removed.into(), ..desired([]) };
    assert_eq!(wanted.fate(&entry.part("admin_api")), Some(Fate::Delete));
    assert_eq!(wanted.fate(&entry.part("auth_api")), Some(Fate::Retain));
    assert_eq!(wanted.fate(&Address::intelligence("eme").part("admin_api")), None);
}
