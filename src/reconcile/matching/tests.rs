use serde_json::json;

use crate::diagnostic::{Code, Severity};
use crate::kinds::marker::MarkerState;
use crate::reconcile::plan::{Action, Prune};
use crate::reconcile::testing::{
    App, FakeDuo, app, codes, desired, marked, marked_as, outline, plan_of, plan_pruning, problems,
};

/// The plan's outline, and the one error that stops it.
fn of(apps: impl IntoIterator<Item = App>, duo: &FakeDuo) -> (String, Vec<(Code, String)>) {
    let plan = plan_of(&desired(apps), duo);
    let problems = problems(&plan).into_iter().map(|(code, message)| (code, message.to_owned())).collect();
    (outline(&plan), problems)
}

fn vpn() -> App {
    app("vpn", "radius", "VPN")
}

fn error(apps: impl IntoIterator<Item = App>, duo: &FakeDuo) -> (Code, String) {
    let (steps, problems) = of(apps, duo);
    assert_eq!(steps, "", "an error stops its address");
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

#[test]
fn the_only_unowned_application_of_the_type_and_name_is_adopted() {
    let duo = FakeDuo::new()
        .with("DI1", "radius", " VPN ", json!({}))
        .with("DI2", "unix", "VPN", json!({}))
        .with("DI3", "radius", "vpn", json!({}));
    assert_eq!(of([vpn()], &duo), ("adopt applications.vpn DI1".into(), vec![]));
}

#[test]
fn a_marker_wins_over_the_name() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({})).with(
        "DI2",
        "radius",
        "Renamed by hand",
        json!({"notes": marked("vpn")}),
    );
    let (steps, problems) = of([vpn()], &duo);
    assert_eq!(steps, "update applications.vpn DI2\n  name: \"Renamed by hand\" -> \"VPN\" (config)");
    assert_eq!(problems, vec![]);
}

#[test]
fn a_pin_wins_over_name_and_ambiguity() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({})).with("DI2", "radius", "VPN", json!({}));
    let (code, message) = error([vpn()], &duo);
    assert_eq!(code, Code::AmbiguousMatch);
    assert_eq!(message, "applications.vpn: 2 live applications of type `radius` are named `VPN`");
    let plan = plan_of(&desired([vpn()]), &duo);
    let help = plan.problems()[0].help.clone().unwrap();
    assert_eq!(help, "name the one that is meant: `integration_key:` DI1 or DI2");
    assert_eq!(of([vpn().pin("DI2")], &duo), ("adopt applications.vpn DI2".into(), vec![]));
    // What another address pins is no candidate.
    let other = app("other", "radius", "VPN").pin("DI1");
    assert_eq!(of([other, vpn()], &duo).0, "adopt applications.other DI1\nadopt applications.vpn DI2");
}

#[test]
fn a_pin_that_names_nothing_or_another_type_is_an_error() {
    let duo = FakeDuo::new().with("DI1", "unix", "VPN", json!({}));
    assert_eq!(
        error([vpn().pin("DI9")], &duo),
        (Code::PinMismatch, "applications.vpn: the account has no application DI9".into())
    );
    assert_eq!(
        error([vpn().pin("DI1")], &duo),
        (Code::PinMismatch, "applications.vpn: DI1 is of type `unix`".into())
    );
    // Also where it is owned already: a pin asks for this one, so it cannot be replaced by another one.
    let duo = FakeDuo::new().with("DI1", "unix", "VPN", json!({"notes": marked("vpn")}));
    assert_eq!(error([vpn().pin("DI1")], &duo).0, Code::PinMismatch);
}

#[test]
fn two_pins_on_one_application_stop_both() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({}));
    let (steps, problems) = of([vpn().pin("DI1"), app("copy", "radius", "VPN").pin("DI1")], &duo);
    assert_eq!(steps, "");
    assert_eq!(problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::PinMismatch; 2]);
}

#[test]
fn two_addresses_never_adopt_one_application() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({}));
    let (steps, problems) = of([vpn(), app("copy", "radius", "VPN")], &duo);
    assert_eq!(steps, "");
    assert_eq!(problems.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::AmbiguousMatch; 2]);
    // A pin settles it.
    let (steps, _) = of([vpn().pin("DI1"), app("copy", "radius", "VPN")], &duo);
    assert!(
        steps.starts_with("create applications.copy\n") && steps.ends_with("adopt applications.vpn DI1"),
        "{steps}"
    );
}

#[test]
fn a_marker_on_two_applications_is_an_error_that_lists_both() {
    let duo = FakeDuo::new().with("DI2", "radius", "VPN", json!({"notes": marked("vpn")})).with(
        "DI1",
        "radius",
        "Copy",
        json!({"notes": marked("vpn")}),
    );
    let message = "applications.vpn: 2 live applications carry its marker: DI1, DI2";
    assert_eq!(error([vpn()], &duo), (Code::DuplicateMarker, message.into()));
    assert_eq!(error([vpn().pin("DI1")], &duo).0, Code::DuplicateMarker);
}

#[test]
fn another_workspace_keeps_its_applications() {
    let theirs = "[duoctl other/applications.vpn -]";
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": theirs}));
    let message = "applications.vpn: DI1 belongs to other/applications.vpn";
    assert_eq!(error([vpn()], &duo), (Code::OwnedElsewhere, message.into()));
    assert_eq!(error([vpn().pin("DI1")], &duo), (Code::OwnedElsewhere, message.into()));
    assert_eq!(plan_of(&desired([]), &duo).owned(), 0);
}

#[test]
fn an_application_of_a_sibling_is_no_candidate() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("other")}));
    let (steps, problems) = of([app("other", "radius", "VPN"), vpn()], &duo);
    assert!(steps.starts_with("create applications.vpn"), "{steps}");
    assert_eq!(problems, vec![]);
    assert_eq!(error([app("other", "radius", "VPN"), vpn().pin("DI1")], &duo).0, Code::OwnedElsewhere);
}

#[test]
fn an_address_moves_by_a_pin_and_only_by_one() {
    let duo =
        FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": format!("text\n{}", marked("old"))}));
    let message = "applications.vpn: DI1 belongs to acme/applications.old";
    assert_eq!(error([vpn()], &duo), (Code::OwnedElsewhere, message.into()));
    let plan = plan_of(&desired([vpn()]), &duo);
    let help = plan.problems()[0].help.as_deref().unwrap();
    assert!(help.starts_with(
        "if `applications.old` is called `applications.vpn` now: `duoctl adopt applications.vpn DI1`"
    ));
    let moved = desired([vpn().pin("DI1")]);
    let plan = plan_of(&moved, &duo);
    assert_eq!(outline(&plan), "adopt applications.vpn DI1");
    assert!(plan.orphans().is_empty());
    let mut after = duo.clone();
    after.apply(&plan);
    assert!(after.notes("DI1").starts_with("text\n[duoctl acme/applications.vpn "), "{}", after.notes("DI1"));
    assert!(plan_of(&moved, &after).is_empty());
}

#[test]
fn a_rename_without_a_pin_does_not_remove_what_it_renames() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("old")}));
    for prune in [Prune::Quarantine, Prune::Now] {
        let plan = plan_pruning(&desired([vpn()]), &duo, prune);
        assert_eq!(outline(&plan), "");
        assert_eq!(codes(&plan), [Code::OwnedElsewhere, Code::AmbiguousMatch]);
        assert_eq!(plan.problems()[1].severity, Severity::Warning);
        assert_eq!(plan.orphans().len(), 1);
    }
}

#[test]
fn an_application_without_a_type_is_neither_adopted_nor_replaced() {
    let duo = FakeDuo::new().with("DI1", "", "VPN", json!({"notes": marked("vpn")}));
    let message = "applications.vpn: Duo does not say of which type DI1 is";
    assert_eq!(error([vpn()], &duo), (Code::AccountUnreadable, message.into()));
}

#[test]
fn a_pin_on_what_a_replacement_was_about_to_delete_keeps_it() {
    let notes = marked_as("vpn", MarkerState::Replaced);
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": notes}));
    let plan = plan_of(&desired([vpn().pin("DI1")]), &duo);
    assert_eq!(plan.steps().iter().map(|step| step.action).collect::<Vec<_>>(), [Action::Update]);
    assert!(plan.steps()[0].deletes().is_empty());
}

#[test]
fn names_and_notes_forge_no_marker() {
    let forged = marked("vpn");
    let duo = FakeDuo::new()
        .with("DI1", "radius", &forged, json!({}))
        .with("DI2", "radius", "x", json!({"greeting": forged.clone()}))
        .with("DI3", "radius", "x", json!({"notes": format!("{forged} and more")}))
        .with("DI4", "radius", "x", json!({"notes": forged.replace("acme", "ACME/acme")}))
        .with("DI5", "radius", "x", json!({"notes": forged.replace(" -]", " - owned]")}));
    let plan = plan_pruning(&desired([vpn()]), &duo, Prune::Now);
    assert_eq!(plan.owned(), 0);
    assert!(plan.orphans().is_empty());
    assert_eq!(plan.steps().iter().map(|step| step.action).collect::<Vec<_>>(), [Action::Create]);
    // The marker is the last one, so a quotation in the text before it owns nothing.
    let quoted = format!("{}\n{}", marked("gone"), marked("vpn"));
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": quoted}));
    let plan = plan_pruning(&desired([vpn()]), &duo, Prune::Now);
    assert_eq!(outline(&plan), "");
}
