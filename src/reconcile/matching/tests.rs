use serde_json::json;

use crate::diagnostic::{Code, Severity, Spanned};
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::kinds::marker::MarkerState;
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::{Action, Prune};
use crate::reconcile::testing::{
    App, FakeDuo, HERE, app, codes, desired, marked, marked_as, now, outline, plan_of, plan_pruning, problems,
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
    assert_eq!(help, "choose one: `integration_key:` DI1 or DI2");
    assert_eq!(of([vpn().pin("DI2")], &duo), ("adopt applications.vpn DI2".into(), vec![]));
    // An application that another address pins is not a candidate.
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
        (Code::PinMismatch, "applications.vpn: DI1 has the type `unix`".into())
    );
    // Also if it is already owned: a pin asks for this application, so it cannot be replaced by another one.
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
    // A pin resolves the conflict.
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
        "if `applications.old` was renamed to `applications.vpn`, run `duoctl adopt applications.vpn DI1`"
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
    let message = "applications.vpn: Duo did not return the type of DI1";
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
    let duo = FakeDuo::new().with("DI1", "radius", &forged, json!({})).with(
        "DI2",
        "radius",
        "x",
        json!({"greeting": forged.clone()}),
    );
    let plan = plan_pruning(&desired([vpn()]), &duo, Prune::Now);
    assert_eq!((plan.owned(), plan.orphans().len()), (0, 0));
    assert_eq!(plan.steps().iter().map(|step| step.action).collect::<Vec<_>>(), [Action::Create]);
}

#[test]
fn what_is_left_of_a_marker_stops_the_address_that_it_names_and_is_neither_adopted_nor_removed() {
    let whole = marked("vpn");
    for damaged in [
        format!("{whole} and more"),
        whole.replace(" -]", " - owned]"),
        whole.replace("[duoctl", "[Duoctl"),
        whole.replace(" -]", " "),
        format!("{}\n{whole}", marked("gone")),
        format!("{whole}\n{whole}"),
    ] {
        let duo = FakeDuo::new().with("DI1", "radius", "x", json!({"notes": damaged}));
        let plan = plan_pruning(&desired([vpn()]), &duo, Prune::Now);
        assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::DamagedMarker]), "{damaged}");
        assert!(plan.orphans().is_empty());
        // A pin says which application it is, and nothing of the remains is kept.
        let mut duo =
            FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": format!("Ours\n{damaged}")}));
        let pinned = desired([vpn().pin("DI1")]);
        let plan = plan_of(&pinned, &duo);
        assert_eq!(plan.steps()[0].action, Action::Adopt);
        duo.apply(&plan);
        let notes = duo.notes("DI1");
        assert!(notes.starts_with("Ours") && notes.matches("uoctl ").count() == 1, "{notes}");
    }
    // If the address cannot be read, it is not adopted by its name, and no second one is created.
    for damaged in ["[duoctl acme/applications.v", "[duoctl ]"] {
        let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": damaged}));
        let plan = plan_pruning(&desired([vpn()]), &duo, Prune::Now);
        assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::DamagedMarker]), "{damaged}");
    }
}

fn help(apps: impl IntoIterator<Item = App>, duo: &FakeDuo) -> String {
    let plan = plan_of(&desired(apps), duo);
    plan.problems()[0].help.clone().unwrap()
}

/// A part of an entry of `identity_intelligence`.
fn part(address: &str, kind: &str, name: &str) -> App {
    let mut part = app("x", kind, name);
    part.0.address = Address::new(address);
    part
}

fn marker_of(address: &str) -> String {
    format!("[duoctl acme/{address} -]")
}

fn formerly(app: App, name: &str) -> Desired {
    Desired { formerly: Some(Spanned::new(name.to_owned(), HERE)), ..desired([app]) }
}

#[test]
fn an_entry_that_was_renamed_moves_by_one_command_that_names_all_of_its_applications() {
    let entry = |key: &str| {
        let address = format!("identity_intelligence.{key}");
        let admin = part(&format!("{address}.admin_api"), "adminapi", "Identity Intelligence: Duo EMEA");
        [admin, part(&format!("{address}.auth_api"), "authapi", "Acme IT")]
    };
    let owned = |part: &str| json!({"notes": marker_of(&format!("identity_intelligence.emea.{part}"))});
    let duo = FakeDuo::new()
        .with("DI1", "adminapi", "Identity Intelligence: Duo EMEA", owned("admin_api"))
        .with("DI2", "authapi", "Acme IT", owned("auth_api"));
    let command = "if `identity_intelligence.emea` was renamed to `identity_intelligence.eu`, run \
                   `duoctl adopt identity_intelligence.eu.admin_api DI1 identity_intelligence.eu.auth_api DI2`";
    let plan = plan_of(&desired(entry("eu")), &duo);
    assert_eq!(codes(&plan), [Code::OwnedElsewhere; 2]);
    for problem in plan.problems() {
        assert!(problem.help.as_deref().unwrap().starts_with(command), "{:?}", problem.help);
    }
    let [admin, auth] = entry("eu");
    let plan = plan_of(&desired([admin.pin("DI1"), auth.pin("DI2")]), &duo);
    let adopted = "adopt identity_intelligence.eu.admin_api DI1\nadopt identity_intelligence.eu.auth_api DI2";
    assert_eq!(outline(&plan), adopted);
    assert!(plan.orphans().is_empty());
    // An application whose name also changed is included, as long as one of the two shows what happened.
    let [admin, _] = entry("eu");
    let other = part("identity_intelligence.eu.auth_api", "authapi", "Acme service desk");
    assert!(help([admin, other], &duo).starts_with(command));
}

#[test]
fn a_workspace_takes_over_what_carries_its_former_name_and_is_declared() {
    let former = |address: &str| json!({"notes": format!("text\n[duoctl acme-old/{address} -]")});
    let duo = FakeDuo::new()
        .with("DI1", "radius", "VPN", former("applications.vpn"))
        .with("DI2", "radius", "Wiki", former("applications.wiki"))
        .with("DI3", "radius", "Else", json!({"notes": "[duoctl other/applications.vpn -]"}));
    let expected =
        "if the workspace `acme-old` was renamed to `acme`, run `duoctl adopt --formerly acme-old`; if not, ";
    assert!(help([vpn()], &duo).starts_with(expected), "{}", help([vpn()], &duo));
    let renamed = || formerly(vpn(), "acme-old");
    for prune in [Prune::No, Prune::Quarantine, Prune::Now] {
        let plan = plan_pruning(&renamed(), &duo, prune);
        assert_eq!(outline(&plan), "adopt applications.vpn DI1", "the rest may be another workspace's");
        assert_eq!(codes(&plan), [Code::FormerName]);
        assert!(plan.problems()[0].message.contains("DI2 (applications.wiki)") && plan.orphans().is_empty());
    }
    let mut after = duo.clone();
    after.apply(&plan_of(&renamed(), &duo));
    assert!(after.notes("DI1").starts_with("text\n[duoctl acme/applications.vpn "), "{}", after.notes("DI1"));
    assert!(plan_of(&renamed(), &after).is_empty() && plan_of(&desired([vpn()]), &after).is_empty());
    // Once no application carries the former name, the key can be removed.
    let none = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("vpn")}));
    let idle = plan_of(&renamed(), &none);
    let message = "no application carries the former name `acme-old` any longer";
    assert_eq!(problems(&idle), [(Code::FormerName, message)]);
    // An address that was renamed in the same step moves by a pin, as usual.
    let moved = app("vpn2", "radius", "VPN");
    let plan = plan_of(&formerly(moved, "acme-old"), &duo);
    assert!(plan.problems()[0].help.as_deref().unwrap().contains("`duoctl adopt applications.vpn2 DI1`"));
    let pinned = app("vpn2", "radius", "VPN").pin("DI1");
    assert_eq!(outline(&plan_of(&formerly(pinned, "acme-old"), &duo)), "adopt applications.vpn2 DI1");
}

#[test]
fn nothing_is_renamed_while_its_key_is_being_rotated() {
    let since = now();
    for state in [
        MarkerState::Successor { of: Ikey::new("DI1"), since },
        MarkerState::Delivered { of: Ikey::new("DI1"), since, at: since },
    ] {
        let pair = |workspace: &str| {
            let notes = |notes: String| notes.replace("duoctl acme/", &format!("duoctl {workspace}/"));
            FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": notes(marked("old"))})).with(
                "DI2",
                "radius",
                "VPN",
                json!({"notes": notes(marked_as("old", state.clone()))}),
            )
        };
        let until = "its key is being rotated: change it back to `applications.old` until the rotation ends";
        assert!(help([vpn()], &pair("acme")).starts_with(until));
        for ikey in ["DI1", "DI2"] {
            assert_eq!(error([vpn().pin(ikey)], &pair("acme")).0, Code::OwnedElsewhere);
            assert!(help([vpn().pin(ikey)], &pair("acme")).starts_with(until));
        }
        let plan = plan_of(&formerly(app("old", "radius", "VPN"), "acme-old"), &pair("acme-old"));
        assert_eq!((outline(&plan), codes(&plan)[0]), (String::new(), Code::RotationUnderWay));
    }
    // An application that a rotation retired is not in the way.
    let duo = FakeDuo::new()
        .with("DI1", "radius", "VPN", json!({"notes": marked_as("old", MarkerState::Retired(now()))}))
        .with("DI2", "radius", "VPN", json!({"notes": marked("old")}));
    assert!(help([vpn()], &duo).contains("`duoctl adopt applications.vpn DI2`"), "{}", help([vpn()], &duo));
}

#[test]
fn the_way_on_fits_the_owner() {
    let duo =
        FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": "[duoctl other/applications.gate -]"}));
    let released = "to move it here, release it in `other` first: remove the entry there, \
                    add `removed: {applications.gate: retain}`, and apply";
    assert!(help([vpn()], &duo).starts_with(released), "{}", help([vpn()], &duo));
    let siblings = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("other")}));
    let sibling = help([app("other", "radius", "VPN"), vpn().pin("DI1")], &siblings);
    let expected =
        "the YAML also declares `applications.other`: remove `integration_key` here, or remove that entry";
    assert_eq!(sibling, expected);
    let several = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("a")})).with(
        "DI2",
        "radius",
        "VPN",
        json!({"notes": marked("b")}),
    );
    let expected = "choose one with `duoctl adopt applications.vpn IKEY`: DI1 or DI2";
    assert!(help([vpn()], &several).starts_with(expected));
}
