//! Unproven markers never lead to a write.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use crate::diagnostic::{Code, Severity};
use crate::duo::object::{Ikey, ObjectId};
use crate::kinds::address::Address;
use crate::kinds::marker::{AccessBefore, Applied, Marker, MarkerState, Notes, Shut, short_hash};
use crate::kinds::seal::Verdict;
use crate::kinds::value::FieldValue;
use crate::reconcile::consent::Consent;
use crate::reconcile::delivery::{Held, HeldKeys};
use crate::reconcile::desired::Desired;
use crate::reconcile::diff::Origin;
use crate::reconcile::guard::judge;
use crate::reconcile::observation::Proofs;
use crate::reconcile::plan::properties::prunes;
use crate::reconcile::plan::{Action, Options, Plan, Prune, Write, plan};
use crate::reconcile::rotation::Orders;
use crate::reconcile::testing::random::{accounts, workspaces};
use crate::reconcile::testing::{
    App, FakeDuo, app, codes, desired, marked, marker, now, options, outline, plan_of, plan_pruning,
};

/// Every marker state that a single application can have.
fn states() -> Vec<MarkerState> {
    let ikey = || Ikey::new("DIOLD");
    vec![
        MarkerState::Owned,
        MarkerState::Creating { since: now() },
        MarkerState::Replaced,
        MarkerState::Renewing,
        MarkerState::Quarantined(now() - jiff::SignedDuration::from_hours(24 * 400)),
        MarkerState::Retired(now() - jiff::SignedDuration::from_hours(24 * 400)),
        MarkerState::Rotating(Ikey::new("DIWORD")),
        MarkerState::Successor { of: ikey(), since: now() },
        MarkerState::Delivered { of: ikey(), since: now(), at: now() },
        MarkerState::Abandoned { of: ikey() },
        MarkerState::Untested(None),
    ]
}

/// What a run is asked to do at the address.
fn commands() -> Vec<(&'static str, Prune, Orders)> {
    let at = || BTreeSet::from([Address::application("vpn")]);
    vec![
        ("apply", Prune::No, Orders::default()),
        ("apply --prune", Prune::Quarantine, Orders::default()),
        ("apply --prune=now", Prune::Now, Orders::default()),
        ("rotate", Prune::No, Orders { begin: at(), ..Orders::default() }),
        ("rotate --confirm", Prune::No, Orders { confirmed: at(), ..Orders::default() }),
        ("rotate --abort", Prune::No, Orders { abort: at(), ..Orders::default() }),
    ]
}

fn run(desired: &Desired, duo: &FakeDuo, held: Option<&Held>, prune: Prune, orders: Orders) -> Plan {
    let mut observation = duo.observation();
    observation.held.extend(held.map(|held| (Address::application("vpn"), held.clone())));
    let options = Options { hold_back: true, rotation: orders, ..options(prune) };
    plan(desired, &observation, &options)
}

/// The applications that a plan writes to, deletes or hands out the keys of.
fn touched(plan: &Plan) -> BTreeSet<String> {
    let writes = plan.steps().iter().flat_map(|step| &step.writes);
    writes
        .filter_map(|write| match write {
            Write::Update(ikey, _) | Write::Bind(ikey, _) | Write::Link(ikey, _) | Write::Delete(ikey) => {
                Some(ikey.to_string())
            }
            Write::Deliver(ikey) | Write::Prove(ikey) => ikey.as_ref().map(ToString::to_string),
            Write::Create(..) | Write::Finish(_) => None,
        })
        .collect()
}

fn vpn() -> App {
    app("vpn", "radius", "VPN").delivered(false)
}

/// `DIOLD` is the application of the address, with a sealed marker; `DIWORD` carries the unproven marker.
fn account(state: &MarkerState, verdict: Verdict, access: &str, protected: bool) -> FakeDuo {
    let shut = if state.shut_since().is_some() {
        Shut { access: Some(AccessBefore::Everybody), ..Shut::default() }
    } else {
        Shut::default()
    };
    let words = Marker { state: state.clone(), shut, protected, ..marker("vpn") };
    let mut duo = FakeDuo::new().with("DIOLD", "radius", "VPN", json!({"notes": marked("vpn")})).with(
        "DIWORD",
        "radius",
        "Break glass",
        json!({"notes": words.to_string(), "user_access": access}),
    );
    duo.proofs.set(Ikey::new("DIWORD"), verdict);
    duo
}

/// For every marker state on another application than that of the address, every verdict that proves nothing and every
/// command: nothing is sent to the application, and its key is not delivered.
#[test]
fn no_word_that_is_not_proven_leads_to_a_write() {
    let store = Held::Keys(HeldKeys {
        ikey: "DIOLD".to_owned(),
        address: "applications.vpn".to_owned(),
        ..HeldKeys::default()
    });
    for state in states() {
        for verdict in [Verdict::Forged, Verdict::Foreign, Verdict::Unbound, Verdict::Doubted] {
            for access in ["ALL_USERS", "NO_USERS"] {
                for (command, prune, orders) in commands() {
                    for held in [None, Some(&Held::Nothing), Some(&store)] {
                        for declared in [true, false] {
                            let duo = account(&state, verdict, access, false);
                            let wanted =
                                if declared { desired([vpn()]) } else { desired([app("x", "unix", "x")]) };
                            let plan = run(&wanted, &duo, held, prune, orders.clone());
                            assert!(
                                !touched(&plan).contains("DIWORD"),
                                "{command}: {state:?} {verdict:?} {access} {declared} {held:?}\n{}",
                                outline(&plan)
                            );
                        }
                    }
                }
            }
        }
    }
}

/// The only marker of the address is unproven: the application is only a claim.
#[test]
fn a_claim_is_changed_as_what_is_adopted_and_nothing_more() {
    let alone = |name, verdict| {
        let mut duo = FakeDuo::new().with("DI1", "radius", name, json!({"notes": marked("vpn")}));
        duo.proofs.set(Ikey::new("DI1"), verdict);
        duo
    };
    let found = |verdict, held: &Held, wanted: App| {
        let wanted = desired([wanted.text("greeting", "Hi")]);
        run(&wanted, &alone("VPN", verdict), Some(held), Prune::No, Orders::default())
    };
    // An application with another name would not be adopted either.
    let other =
        run(&desired([vpn()]), &alone("Payroll", Verdict::Foreign), None, Prune::No, Orders::default());
    assert_eq!((outline(&other), codes(&other)), (String::new(), vec![Code::UnverifiedState]));
    let actions = |plan: &Plan| plan.steps().iter().map(|step| step.action).collect::<Vec<_>>();
    let own = Held::Keys(HeldKeys {
        ikey: "DI1".to_owned(),
        address: "applications.vpn".to_owned(),
        delivered_at: "x".to_owned(),
        ..HeldKeys::default()
    });
    // Settings are changed, the key stays where it is.
    let plan = found(Verdict::Foreign, &Held::Nothing, vpn());
    assert_eq!((actions(&plan), codes(&plan)), (vec![Action::Update], vec![Code::UnverifiedState]));
    assert!(plan.claimed().contains(&Ikey::new("DI1")));
    // A pin, the store and a consent prove ownership.
    for (verdict, held, wanted) in [
        (Verdict::Valid, &Held::Nothing, vpn()),
        (Verdict::Trusted, &Held::Nothing, vpn()),
        (Verdict::Foreign, &Held::Nothing, vpn().pin("DI1")),
        (Verdict::Foreign, &own, vpn()),
    ] {
        let plan = found(verdict, held, wanted);
        assert_eq!(actions(&plan), [Action::Update, Action::Deliver], "{verdict:?}");
        assert!(codes(&plan).is_empty() && plan.claimed().is_empty());
        assert!(plan.steps().iter().all(|step| step.rests_on.is_empty()));
    }
    // If duoctl did not write the marker and nothing else proves ownership, nothing happens.
    let plan = found(Verdict::Forged, &Held::Nothing, vpn());
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::ForgedMarker]));
    // Keys that were delivered for another address prove nothing.
    let other = Held::Keys(HeldKeys {
        ikey: "DI1".to_owned(),
        address: "applications.other".to_owned(),
        ..HeldKeys::default()
    });
    assert_eq!(codes(&found(Verdict::Foreign, &other, vpn())), [Code::UnverifiedState]);
}

/// Someone overwrites the marker of an application, and perhaps renames it: a second one is created only if nothing shows
/// anymore that the first one belongs to the address. The store shows it, and so do type and name.
#[test]
fn nothing_is_created_beside_what_may_be_it() {
    let stored = Held::Keys(HeldKeys {
        ikey: "DI1".to_owned(),
        address: "applications.vpn".to_owned(),
        ..HeldKeys::default()
    });
    for state in states() {
        for (workspace, address) in [("acme", "vpn"), ("acme", "other"), ("acme", "gone"), ("zz", "vpn")] {
            for verdict in [Verdict::Forged, Verdict::Foreign, Verdict::Unbound, Verdict::Doubted] {
                for (name, held) in
                    [("VPN", &Held::CannotTell), ("VPN", &Held::Nothing), ("VPN", &stored), ("Else", &stored)]
                {
                    let words =
                        Marker { workspace: workspace.to_owned(), state: state.clone(), ..marker(address) };
                    let mut duo = FakeDuo::new()
                        .with("DI1", "radius", name, json!({"notes": words.to_string()}))
                        .with("DI2", "unix", "Other", json!({"notes": marked("other")}));
                    duo.proofs.set(Ikey::new("DI1"), verdict);
                    let wanted = desired([vpn(), app("other", "unix", "Other")]);
                    let plan = run(&wanted, &duo, Some(held), Prune::No, Orders::default());
                    let creates = plan.steps().iter().any(|step| step.action == Action::Create);
                    let what = format!("{state:?} {workspace}/{address} {verdict:?} {name} {held:?}");
                    assert!(!creates, "{what}\n{}", outline(&plan));
                }
            }
        }
    }
}

/// Blocking the old application of a rotation and marking it as retired does not end the rotation.
#[test]
fn a_rotation_is_not_over_because_an_unproven_marker_says_so() {
    let twin =
        Marker { state: MarkerState::Successor { of: Ikey::new("DI1"), since: now() }, ..marker("vpn") };
    let old = Marker { state: MarkerState::Retired(now()), ..marker("vpn") };
    for (verdict, held) in [(Verdict::Valid, false), (Verdict::Foreign, true)] {
        let mut duo = FakeDuo::new()
            .with("DI1", "radius", "VPN", json!({"notes": old.to_string(), "user_access": "NO_USERS"}))
            .with("DI2", "radius", "VPN", json!({"notes": twin.to_string()}));
        duo.proofs.set(Ikey::new("DI1"), verdict);
        let wanted = desired([app("vpn", "radius", "VPN")]);
        let plan = run(&wanted, &duo, None, Prune::No, Orders::default());
        assert_eq!(plan.steps().is_empty(), held, "{verdict:?}: {}", outline(&plan));
        assert_eq!(codes(&plan).contains(&Code::UnverifiedState), held, "{:?}", plan.problems());
    }
}

/// Two edits of notes move the marker from the real application to another one.
#[test]
fn a_marker_that_was_moved_is_told_by_the_store() {
    let mut duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": ""})).with(
        "DI2",
        "radius",
        "Theirs",
        json!({"notes": marked("vpn")}),
    );
    let held = Held::Keys(HeldKeys {
        ikey: "DI1".to_owned(),
        address: "applications.vpn".to_owned(),
        ..HeldKeys::default()
    });
    for verdict in [Verdict::Foreign, Verdict::Unbound, Verdict::Forged] {
        duo.proofs.set(Ikey::new("DI2"), verdict);
        let plan = run(&desired([vpn()]), &duo, Some(&held), Prune::Now, Orders::default());
        assert_eq!(touched(&plan), BTreeSet::new(), "{verdict:?}\n{}", outline(&plan));
        let stopped = [Code::StoreDisagrees, Code::ForgedMarker, Code::LostMarker];
        assert!(codes(&plan).iter().any(|code| stopped.contains(code)), "{:?}", codes(&plan));
    }
}

/// The key of an application that was matched only by name is not delivered without consent; until then the marker says
/// `adopted`.
#[test]
fn the_key_of_what_was_adopted_needs_a_consent() {
    let risk = |plan: &Plan| plan.risks().keys().any(|risk| risk.name() == "adopts_key");
    let with = |held: &Held, duo: &FakeDuo, wanted: App| {
        run(&desired([wanted]), duo, Some(held), Prune::No, Orders::default())
    };
    let mut duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({}));
    assert!(risk(&with(&Held::Nothing, &duo, vpn())));
    assert!(!risk(&with(&Held::Nothing, &duo, vpn().pin("DI1"))));
    let plan = plan_of(&desired([app("vpn", "radius", "VPN")]), &duo);
    assert!(!risk(&plan), "no key is delivered");
    duo.apply(&plan);
    assert!(duo.notes("DI1").ends_with(" adopted]"), "{}", duo.notes("DI1"));
    // A store that is declared later needs the consent, too.
    assert!(risk(&with(&Held::Nothing, &duo, vpn())));
    // An update keeps `adopted`, a pin removes it.
    duo.apply(&plan_of(&desired([app("vpn", "radius", "VPN").text("greeting", "Hi")]), &duo));
    assert!(duo.notes("DI1").ends_with(" adopted]"));
    duo.apply(&plan_of(&desired([app("vpn", "radius", "VPN").text("greeting", "Ho").pin("DI1")]), &duo));
    assert!(!duo.notes("DI1").contains("adopted"));
    // An application that duoctl created needs no consent.
    let created = with(&Held::Nothing, &FakeDuo::new(), vpn());
    assert!(!risk(&created) && created.steps().iter().any(|step| step.delivery.is_some()));
    // A store that cannot be read gets the key before the adoption, with consent.
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({}));
    let plan = with(&Held::CannotTell, &duo, app("vpn", "radius", "VPN").delivered(true));
    assert!(risk(&plan));
    let mut after = duo;
    after.apply(&plan);
    assert!(!after.notes("DI1").contains("adopted"));
}

/// The hashes in a marker are public. A recorded stored value therefore counts only in a proven marker, or if Duo may have
/// turned the declared text into it.
#[test]
fn a_row_that_is_not_proven_hides_no_edit() {
    for (live, verdict, hidden) in [
        ("VPN - call 555 0100", Verdict::Valid, true),
        ("VPN - call 555 0100", Verdict::Foreign, false),
        ("vpn of the", Verdict::Foreign, true),
        ("!", Verdict::Foreign, false),
    ] {
        let hash = |text: &str| short_hash('n', &FieldValue::text(text));
        let row = Applied { asked: hash("VPN of the office"), kept: Some(hash(live)) };
        let notes = Marker { applied: [('n', row)].into(), ..marker("vpn") }.to_string();
        let mut duo = FakeDuo::new().with("DI1", "radius", live, json!({"notes": notes}));
        duo.proofs.set(Ikey::new("DI1"), verdict);
        let plan = plan_of(&desired([app("vpn", "radius", "VPN of the office")]), &duo);
        assert_eq!(plan.steps().is_empty(), hidden, "{live} {verdict:?}: {}", outline(&plan));
    }
}

/// An application with blocked logins and a marker that claims a quarantine long ago.
#[test]
fn no_word_shortens_a_quarantine() {
    let shut = MarkerState::Quarantined(now() - jiff::SignedDuration::from_hours(24 * 400));
    let notes = Marker { state: shut, ..marker("gone") }.to_string();
    for (verdict, deleted) in [
        (Verdict::Valid, true),
        (Verdict::Foreign, false),
        (Verdict::Forged, false),
        (Verdict::Unbound, false),
    ] {
        let mut duo =
            FakeDuo::new().with("DI1", "radius", "Gone", json!({"notes": notes, "user_access": "NO_USERS"}));
        duo.proofs.set(Ikey::new("DI1"), verdict);
        let plan = run(&desired([app("x", "unix", "x")]), &duo, None, Prune::Quarantine, Orders::default());
        let deletes = plan.steps().iter().any(|step| !step.deletes().is_empty());
        assert_eq!(deletes, deleted, "{verdict:?}: {}", outline(&plan));
        // What blocks the deletion is an error, so that the run reports it.
        let errors = plan.problems().iter().any(|problem| problem.severity == Severity::Error);
        assert_eq!(errors, !deleted, "{verdict:?}: {:?}", plan.problems());
    }
}

/// A marker of a creation in progress that is put back on its own application years later lifts no risk.
#[test]
fn no_word_lifts_a_risk_but_the_one_of_a_creation_of_today() {
    let at = |hours: i64| now() - jiff::SignedDuration::from_hours(hours);
    let states = |hours: i64| {
        [
            MarkerState::Creating { since: at(hours) },
            MarkerState::Successor { of: Ikey::new("DIGONE"), since: at(hours) },
        ]
    };
    for (hours, verdict, widens) in [
        (23, Verdict::Valid, false),
        (23, Verdict::Born, false),
        (24, Verdict::Valid, true),
        (24 * 400, Verdict::Born, true),
        (1, Verdict::Trusted, true),
    ] {
        for state in states(hours) {
            let notes = Marker { state: state.clone(), ..marker("vpn") }.to_string();
            let mut duo = FakeDuo::new().with(
                "DI1",
                "radius",
                "VPN",
                json!({"notes": notes, "user_access": "NO_USERS"}),
            );
            duo.proofs.set(Ikey::new("DI1"), verdict);
            let wanted = app("vpn", "radius", "VPN").groups(&["VPN Users"]);
            let plan = plan_of(&desired([wanted]), &duo);
            let found = plan.risks().keys().any(|risk| risk.name() == "widens_access");
            assert_eq!(found, widens, "{state:?} {verdict:?}\n{}", outline(&plan));
        }
    }
}

/// Deletion requires a proven marker, blocked logins that Duo shows, and no change by anyone else since.
#[test]
fn a_quarantine_counts_from_the_latest_thing_known() {
    let day = |days: i64| now() - jiff::SignedDuration::from_hours(24 * days);
    let notes = Marker { state: MarkerState::Quarantined(day(400)), ..marker("gone") }.to_string();
    let duo =
        FakeDuo::new().with("DI1", "radius", "Gone", json!({"notes": notes, "user_access": "NO_USERS"}));
    let wanted = desired([app("x", "unix", "x")]);
    let actions = |duo: &FakeDuo, prune, touched: Option<i64>| {
        let mut observation = duo.observation();
        observation.touched.extend(touched.map(|days| (Ikey::new("DI1"), day(days))));
        let plan = plan(&wanted, &observation, &options(prune));
        plan.steps()
            .iter()
            .filter(|step| step.action != Action::Create)
            .map(|step| step.action)
            .collect::<Vec<_>>()
    };
    assert_eq!(actions(&duo, Prune::Quarantine, None), [Action::Delete]);
    assert_eq!(actions(&duo, Prune::Quarantine, Some(15)), [Action::Delete]);
    assert_eq!(actions(&duo, Prune::Quarantine, Some(13)), [], "someone changed it recently");
    // An adopted application is not deleted without consent.
    for (adopted, needs) in [(false, false), (true, true)] {
        let notes = Marker { adopted, ..Notes::parse(&notes).marker.unwrap() }.to_string();
        let mut duo = duo.clone();
        duo.update("DI1", json!({"notes": notes}).as_object().unwrap()).unwrap();
        let plan = plan_pruning(&wanted, &duo, Prune::Quarantine);
        let refused = judge(&plan, &wanted, &Consent::default());
        assert_eq!(refused.iter().any(|refusal| refusal.guard == "destroys"), needs, "{refused:?}");
    }
    // If only a person vouches for the marker, the quarantine begins now.
    let mut trusted = duo.clone();
    trusted.proofs.set(Ikey::new("DI1"), Verdict::Trusted);
    for prune in [Prune::Quarantine, Prune::Now] {
        assert_eq!(actions(&trusted, prune, None), [Action::Quarantine]);
    }
    // Access that Duo does not show is unknown.
    let mut hidden = duo;
    hidden.applications.get_mut("DI1").unwrap().remove("user_access");
    assert_eq!(actions(&hidden, Prune::Quarantine, None), []);
    let plan = plan_pruning(&wanted, &hidden, Prune::Quarantine);
    assert!(codes(&plan).contains(&Code::AccountUnreadable), "{:?}", plan.problems());
}

/// Every deletion of an application is announced as a risk and counted.
fn told(plan: &Plan) -> Result<(), TestCaseError> {
    let writes = plan.steps().iter().flat_map(|step| &step.writes);
    let deleted = writes.filter(|write| matches!(write, Write::Delete(_))).count();
    prop_assert_eq!(plan.summary().delete, deleted);
    for step in plan.steps().iter().filter(|step| !step.deletes().is_empty()) {
        prop_assert!(step.risks().keys().any(|risk| risk.name() == "destroys"), "{}", outline(plan));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Without the key that sealed the markers, a plan has the same steps and the same fingerprint.
    #[test]
    fn a_plan_without_the_key_is_the_same_plan(desired in workspaces(), mut duo in accounts(), prune in prunes()) {
        let with = plan_pruning(&desired, &duo, prune);
        duo.proofs = Proofs::all(Verdict::Foreign);
        let without = plan_pruning(&desired, &duo, prune);
        // Only the marker shows whether the YAML or Duo changed.
        let steps = |plan: &Plan| {
            let origins = ["config", "drift", "both", "unknown"].map(|origin| format!(" ({origin})"));
            origins.iter().fold(outline(plan), |text, origin| text.replace(origin, ""))
        };
        prop_assert_eq!(steps(&with), steps(&without));
        for step in without.steps().iter().filter(|step| step.action == Action::Update) {
            let marked = !Notes::parse(&duo.notes(step.id.as_ref().unwrap().as_str())).marker.is_none_or(|marker| marker.address != step.address || marker.workspace != "acme");
            let told = |origin| matches!(origin, Some(Origin::Config | Origin::Drift | Origin::Both));
            let settings = step.changes.iter().filter(|change| !matches!(change.field.as_str(), "state" | "protect"));
            prop_assert!(!marked || !settings.clone().any(|change| told(change.origin)), "{}", outline(&without));
        }
        prop_assert_eq!(with.fingerprint(), without.fingerprint());
        // Each step that changes an application with a marker records the claim.
        let pins: BTreeSet<&Ikey> = desired.objects.iter().filter_map(|wanted| Some(&wanted.pin.as_ref()?.value)).collect();
        for step in without.steps() {
            for ikey in step.targets().into_iter().filter_map(ObjectId::ikey) {
                let ours = Notes::parse(&duo.notes(ikey.as_str())).marker.is_some_and(|marker| marker.workspace == "acme");
                let told = step.rests_on.iter().any(|claim| claim.ikey == *ikey);
                prop_assert!(told || !ours || pins.contains(ikey), "{}", outline(&without));
            }
        }
    }

    #[test]
    fn every_deletion_is_told_and_counted(desired in workspaces(), duo in accounts(), prune in prunes(), abort in any::<bool>()) {
        let mut orders = Orders::default();
        if abort {
            orders.abort.extend(desired.objects.iter().map(|wanted| wanted.address.clone()));
        }
        let plan = plan(&desired, &duo.observation(), &Options { rotation: orders, ..options(prune) });
        told(&plan)?;
        // Aborting a rotation deletes at most one application, whatever the markers say.
        let rotated = plan.steps().iter().filter(|step| step.action == Action::Rotate);
        prop_assert!(rotated.map(|step| step.deletes().len()).all(|deletes| deletes <= 1));
    }

    /// A run that carries out a plan changes only settings of applications that it cannot verify.
    #[test]
    fn what_cannot_be_verified_is_held_back(desired in workspaces(), mut duo in accounts(), prune in prunes()) {
        duo.proofs = Proofs::all(Verdict::Foreign);
        let held = plan(&desired, &duo.observation(), &Options { hold_back: true, ..options(prune) });
        for step in held.steps().iter().filter(|step| !step.rests_on.is_empty()) {
            prop_assert!(matches!(step.action, Action::Update | Action::Adopt), "{}", outline(&held));
            prop_assert!(step.rests_on.iter().all(|claim| claim.word == "plain"));
        }
        let whole = plan_pruning(&desired, &duo, prune);
        let kept: BTreeSet<String> = held.steps().iter().map(|step| format!("{} {:?}", step.address, step.action)).collect();
        let errors: BTreeSet<&str> = held.problems().iter().map(|problem| problem.message.as_str()).collect();
        for step in whole.steps().iter().filter(|step| !kept.contains(&format!("{} {:?}", step.address, step.action))) {
            prop_assert!(errors.iter().any(|error| error.contains(step.address.as_str())), "{} is lost", step.address);
        }
    }

    /// An application with a marker that duoctl did not write is neither changed nor removed, unless it is pinned.
    #[test]
    fn what_is_forged_is_left_alone(desired in workspaces(), mut duo in accounts(), prune in prunes(), chosen in any::<u64>()) {
        let marked: Vec<String> = duo
            .applications
            .keys()
            .filter(|ikey| Notes::parse(&duo.notes(ikey)).marker.is_some())
            .cloned()
            .collect();
        let forged: BTreeMap<String, bool> =
            marked.into_iter().enumerate().map(|(n, ikey)| (ikey, chosen >> (n % 64) & 1 == 1)).collect();
        for (ikey, _) in forged.iter().filter(|(_, forged)| **forged) {
            duo.proofs.set(Ikey::new(ikey.as_str()), Verdict::Forged);
        }
        let plan = plan_pruning(&desired, &duo, prune);
        let pins: BTreeSet<&str> = desired.objects.iter().filter_map(|wanted| Some(wanted.pin.as_ref()?.value.as_str())).collect();
        for ikey in touched(&plan) {
            prop_assert!(forged.get(&ikey) != Some(&true) || pins.contains(ikey.as_str()), "{ikey}\n{}", outline(&plan));
        }
    }
}
