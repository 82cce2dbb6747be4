use serde_json::json;

use crate::diagnostic::Code;
use crate::kinds::address::Address;
use crate::kinds::marker::{Marker, MarkerState};
use crate::kinds::risk::Risk;
use crate::reconcile::plan::{Action, Prune, Write};
use crate::reconcile::testing::{
    App, FakeDuo, app, codes, desired, marked, marked_as, marker, outline, plan_of, plan_pruning,
};

const KEYS: &str =
    "!replaces: a new integration key and secret key; anything that uses the old ones stops working";

fn old() -> FakeDuo {
    let live = json!({"notes": format!("text\n{}", marked("vpn")), "user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"]});
    FakeDuo::new().with("DIOLD", "radius", "VPN", live)
}

fn wanted() -> App {
    app("vpn", "ldapproxy", "VPN").groups(&["VPN Users"])
}

fn kinds(duo: &FakeDuo) -> Vec<String> {
    let others = duo.applications.keys().filter(|ikey| *ikey != "DIOPERATOR");
    others.map(|ikey| duo.property(ikey, "type").as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_old_one_is_marked_the_new_one_created_and_only_then_the_old_one_deleted() {
    let desired = desired([wanted()]);
    let mut duo = old();
    let plan = plan_of(&desired, &duo);
    assert_eq!(
        outline(&plan),
        format!(
            "replace applications.vpn DIOLD\n  type: \"radius\" -> \"ldapproxy\" !replaces\n  name: \"VPN\" -> \"VPN\"\n  \
             user_access: \"permitted_groups\" -> \"permitted_groups\"\n  \
             groups_allowed: [\"VPN Users\"] -> [\"VPN Users\"]\n  {KEYS}\n  !destroys: the old application is deleted; \
             Duo has no undelete"
        )
    );
    let writes = &plan.steps()[0].writes;
    assert!(
        matches!(
            writes.as_slice(),
            [Write::Update(..), Write::Create(..), Write::Finish(_), Write::Prove(None), Write::Delete(_)]
        ),
        "{writes:?}"
    );
    assert_eq!((plan.summary().add, plan.summary().delete), (1, 1));
    duo.apply(&plan);
    assert_eq!(kinds(&duo), ["ldapproxy"]);
    assert!(plan_of(&desired, &duo).is_empty());
}

#[test]
fn an_interrupted_replacement_is_continued_at_every_point() {
    for policy in [false, true] {
        let entry = || if policy { wanted().text("policy", "Strict") } else { wanted() };
        let desired = desired([entry()]);
        let writes = plan_of(&desired, &old()).steps()[0].writes.len();
        for done in 0..writes {
            let mut duo = old();
            let plan = plan_of(&desired, &duo);
            let mut created = None;
            for write in plan.steps()[0].writes.iter().take(done) {
                duo.write(write, &mut created).unwrap();
            }
            let again = plan_of(&desired, &duo);
            assert!(again.problems().is_empty(), "{:?}", again.problems());
            duo.apply(&again);
            assert_eq!(kinds(&duo), ["ldapproxy"], "interrupted after {done} requests");
            assert!(plan_of(&desired, &duo).is_empty());
        }
    }
}

#[test]
fn a_replacement_that_is_aborted_takes_the_old_one_back() {
    let (forth, back) = (desired([wanted()]), desired([app("vpn", "radius", "VPN").groups(&["VPN Users"])]));
    for done in 1..=2 {
        let mut duo = old();
        let mut created = None;
        for write in plan_of(&forth, &duo).steps()[0].writes.iter().take(done) {
            duo.write(write, &mut created).unwrap();
        }
        let plan = plan_of(&back, &duo);
        let actions: Vec<_> = plan.steps().iter().map(|step| step.action).collect();
        assert_eq!(actions, [Action::Update, Action::Delete].into_iter().take(done).collect::<Vec<_>>());
        duo.apply(&plan);
        assert!(duo.applications.contains_key("DIOLD"), "the application in use is kept");
        assert_eq!(kinds(&duo), ["radius"]);
        assert!(plan_of(&back, &duo).is_empty());
    }
}

#[test]
fn two_that_could_be_taken_back_are_an_error() {
    let notes = marked_as("vpn", MarkerState::Replaced);
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": notes})).with(
        "DI2",
        "radius",
        "VPN",
        json!({"notes": notes}),
    );
    let plan = plan_of(&desired([app("vpn", "radius", "VPN")]), &duo);
    assert_eq!((outline(&plan), codes(&plan)), (String::new(), vec![Code::DuplicateMarker]));
}

#[test]
fn what_a_replacement_widens_is_shown_against_the_old_application() {
    let mut duo = old();
    duo.edit("DIOLD", "policy_key", json!("PO1"));
    let risks = |wanted: App| plan_of(&desired([wanted]), &duo).steps()[0].risks();
    assert!(risks(app("vpn", "ldapproxy", "VPN").text("policy", "Strict")).contains_key(&Risk::WidensAccess));
    assert!(!risks(wanted().text("policy", "Strict")).contains_key(&Risk::WidensAccess));
    let lost = risks(wanted());
    assert_eq!(lost[&Risk::WidensAccess], ["the policy of the old application is not carried over"]);
}

#[test]
fn a_replaced_part_of_an_integration_breaks_its_handoff() {
    let mut wanted = wanted();
    wanted.0.address = Address::intelligence("emea").part("auth_api");
    let notes = Marker { address: wanted.0.address.clone(), ..marker("x") }.to_string();
    let duo = FakeDuo::new().with("DIOLD", "radius", "VPN", json!({"notes": notes}));
    let plan = plan_of(&desired([wanted]), &duo);
    assert_eq!(plan.steps()[0].risks()[&Risk::BreaksHandoff], ["the console holds the old keys"]);
    assert!(plan.matched().is_empty(), "a handoff must not show the key of what is about to go");
    let gone = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert!(gone.steps()[0].risks().contains_key(&Risk::BreaksHandoff));
}
