use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::config::model::{Allowance, Exception};
use crate::diagnostic::Spanned;
use crate::duo::object::Ikey;
use crate::kinds::marker::{Marker, MarkerState};
use crate::kinds::risk::CONSENTS;
use crate::reconcile::consent::Allowed;
use crate::reconcile::plan::{Options, Prune, plan};
use crate::reconcile::rotation::Orders;
use crate::reconcile::testing::{
    App, FakeDuo, HERE, app, desired, marked, marked_as, marker, now, options, outline, plan_of,
    plan_pruning, refusals,
};

fn none() -> Consent {
    Consent::default()
}

fn allow(text: &str) -> Consent {
    Consent { allow: vec![Allowed::parse(text).unwrap()], ..none() }
}

fn replace(glob: &str) -> Consent {
    allow(&format!("replaces:{glob}"))
}

/// An account that owns `count` applications, `a0` and so on.
fn owning(count: usize) -> FakeDuo {
    let mut duo = FakeDuo::new();
    for n in 0..count {
        duo.put(&format!("DI{n}"), "radius", &format!("App {n}"), json!({"notes": marked(&format!("a{n}"))}));
    }
    duo
}

/// The same applications in the YAML, with the first `renamed` of them renamed.
fn declaring(count: usize, renamed: usize) -> Desired {
    let entry = |n: usize| {
        app(&format!("a{n}"), "radius", &if n < renamed { format!("New {n}") } else { format!("App {n}") })
    };
    desired((0..count).map(entry))
}

#[test]
fn a_risk_is_lifted_by_its_own_name_and_nothing_else() {
    let duo = FakeDuo::new()
        .with("DI1", "radius", "VPN", json!({"user_access": "NO_USERS", "notes": marked("vpn")}))
        .with("DI2", "adminapi", "SIEM", json!({"notes": marked("siem")}));
    let desired = desired([
        app("vpn", "radius", "VPN"),
        app("siem", "adminapi", "SIEM").list("permissions", &["info"]),
    ]);
    let plan = plan_of(&desired, &duo);
    let widens = ("widens_access", Some("--allow widens_access:applications.vpn".to_owned()));
    let escalates = ("escalates_privilege", Some("--allow escalates_privilege:applications.siem".to_owned()));
    assert_eq!(refusals(&plan, &desired, &none()), [escalates.clone(), widens.clone()]);
    assert_eq!(refusals(&plan, &desired, &allow("widens_access")), std::slice::from_ref(&escalates));
    assert_eq!(
        refusals(&plan, &desired, &allow("widens_access:applications.vpn")),
        std::slice::from_ref(&escalates)
    );
    assert_eq!(
        refusals(&plan, &desired, &allow("widens_access:applications.siem")),
        [escalates.clone(), widens.clone()]
    );
    assert_eq!(
        refusals(&plan, &desired, &allow("escalates_privilege:applications.*")),
        std::slice::from_ref(&widens)
    );
    let others = ["replaces", "empty", "breaks_handoff", "overdue_key", "destroys"];
    let everything = Consent {
        allow: others.map(|name| Allowed::parse(name).unwrap()).into(),
        max_changes_percent: Some(100),
        max_deletes: Some(100),
        ..none()
    };
    assert_eq!(refusals(&plan, &desired, &everything), [escalates, widens]);
    // The consent that the refusal names is accepted.
    for refusal in judge(&plan, &desired, &none()) {
        let lift = refusal.lift.unwrap();
        let consent = allow(lift.strip_prefix("--allow ").unwrap());
        assert_eq!(judge(&plan, &desired, &consent).len(), 1, "{lift}");
    }
}

#[test]
fn a_standing_consent_in_the_yaml_counts() {
    let duo = FakeDuo::new().with(
        "DI1",
        "radius",
        "VPN",
        json!({"user_access": "NO_USERS", "notes": marked("vpn")}),
    );
    let mut desired = desired([app("vpn", "radius", "VPN")]);
    let plan = plan_of(&desired, &duo);
    let standing = |risk: &str, address: Option<&str>| {
        let (risk, address) = (risk.to_owned(), address.map(str::to_owned));
        let exception = Exception { reason: "launch day".to_owned(), until: None };
        vec![Spanned::new(Allowance { risk, address, exception }, HERE)]
    };
    desired.guards.allow = standing("widens_access", Some("applications.v*"));
    assert_eq!(refusals(&plan, &desired, &none()), []);
    desired.guards.allow = standing("widens_access", Some("applications.wiki"));
    assert_eq!(refusals(&plan, &desired, &none()).len(), 1);
    desired.guards.allow = standing("no_such_risk", None);
    assert_eq!(refusals(&plan, &desired, &none()).len(), 1);
}

#[test]
fn only_what_a_consent_lifts_can_be_allowed() {
    for name in ["empty:applications.vpn", "neutral", "narrows_access", "everything", ""] {
        assert!(Allowed::parse(name).is_err(), "{name}");
    }
    assert!(Allowed::parse("widens_access:[").is_err());
    assert!(Allowed::parse("breaks_handoff:identity_intelligence.*").is_ok());
}

#[test]
fn a_replacement_needs_its_own_consent() {
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": marked("vpn")}));
    let desired = desired([app("vpn", "ldapproxy", "VPN")]);
    let plan = plan_of(&desired, &duo);
    let refused = ("replaces", Some("--allow replaces:applications.vpn".to_owned()));
    assert_eq!(refusals(&plan, &desired, &none()), std::slice::from_ref(&refused));
    assert_eq!(refusals(&plan, &desired, &replace("applications.wiki")), [refused]);
    assert_eq!(refusals(&plan, &desired, &replace("applications.vpn")), []);
}

#[test]
fn the_rest_of_a_replacement_needs_it_too() {
    let replaced = marked_as("vpn", MarkerState::Replaced);
    let duo = FakeDuo::new().with("DI1", "unix", "VPN", json!({"notes": replaced})).with(
        "DI2",
        "radius",
        "VPN",
        json!({"notes": marked("vpn")}),
    );
    let desired = desired([app("vpn", "radius", "VPN")]);
    let plan = plan_of(&desired, &duo);
    assert_eq!(
        outline(&plan),
        "delete applications.vpn DI1\n  !replaces: left over from a replacement\n  !destroys: the old application is deleted; Duo \
         has no undelete"
    );
    assert_eq!(
        refusals(&plan, &desired, &none()),
        [("replaces", Some("--allow replaces:applications.vpn".to_owned()))]
    );
    assert_eq!(refusals(&plan, &desired, &replace("*")), []);
}

#[test]
fn deletes_are_counted_by_application() {
    let duo = owning(5);
    let mut desired = declaring(1, 0);
    let plan = plan_pruning(&desired, &duo, Prune::Now);
    assert_eq!(refusals(&plan, &desired, &none()).len(), 5, "each deletion, and their number");
    let none = || allow("destroys:applications.a[1-4]");
    assert_eq!(refusals(&plan, &desired, &none()), [("max_deletes", Some("--max-deletes 4".to_owned()))]);
    assert_eq!(refusals(&plan, &desired, &Consent { max_deletes: Some(4), ..none() }), []);
    assert_eq!(refusals(&plan, &desired, &Consent { max_deletes: Some(3), ..none() }).len(), 1);
    desired.guards.max_deletes = 4;
    assert_eq!(refusals(&plan, &desired, &none()), []);
    // A replacement also deletes, including what an older one left behind.
    let replaced = marked_as("a0", MarkerState::Replaced);
    let duo = owning(1).with("DIOLD", "unix", "App 0", json!({"notes": replaced}));
    let mut desired = crate::reconcile::testing::desired([app("a0", "ldapproxy", "App 0")]);
    desired.guards.max_deletes = 1;
    let plan = plan_of(&desired, &duo);
    let refused = ("max_deletes", Some("--max-deletes 2".to_owned()));
    assert_eq!(refusals(&plan, &desired, &replace("*")), [refused]);
}

#[test]
fn changes_are_counted_as_a_share_of_ten_or_more_owned_applications() {
    let refused = |plan: &Plan, desired: &Desired, percent| {
        refusals(plan, desired, &Consent { max_changes_percent: percent, ..none() })
    };
    let (duo, desired) = (owning(9), declaring(9, 9));
    assert_eq!(refused(&plan_of(&desired, &duo), &desired, None), []);
    let (duo, desired) = (owning(10), declaring(10, 3));
    assert_eq!(refused(&plan_of(&desired, &duo), &desired, None), []);
    let (duo, desired) = (owning(13), declaring(13, 4));
    let plan = plan_of(&desired, &duo);
    assert_eq!(refused(&plan, &desired, None), [("max_changes", Some("--max-changes 31%".to_owned()))]);
    assert_eq!(refused(&plan, &desired, Some(31)), []);
    assert_eq!(refused(&plan, &desired, Some(30)).len(), 1);
    // Adopting applications does not change any owned one, however many there are.
    let mut duo = owning(10);
    let mut wanted = declaring(10, 0).objects;
    for n in 0..40 {
        duo.put(&format!("DINEW{n}"), "radius", &format!("Old {n}"), json!({"greeting": "other"}));
        wanted.push(app(&format!("n{n}"), "radius", &format!("Old {n}")).text("greeting", "hello").0);
    }
    let desired = Desired { objects: wanted, ..declaring(0, 0) };
    assert_eq!(refused(&plan_of(&desired, &duo), &desired, None), []);
}

#[test]
fn an_empty_workspace_is_refused() {
    let (duo, desired) = (owning(2), declaring(0, 0));
    for prune in [Prune::No, Prune::Quarantine] {
        let plan = plan_pruning(&desired, &duo, prune);
        assert_eq!(refusals(&plan, &desired, &none()), [("empty", Some("--allow empty".to_owned()))]);
        assert_eq!(refusals(&plan, &desired, &allow("empty")), []);
    }
    assert_eq!(refusals(&plan_of(&desired, &FakeDuo::new()), &desired, &none()), []);
}

#[test]
fn what_is_protected_is_not_removed_by_any_flag() {
    let everything = all_consents;
    let protected = Marker { protected: true, ..marker("vpn") }.to_string();
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": protected}));
    let gone = desired([app("wiki", "radius", "Wiki")]);
    for prune in [Prune::Quarantine, Prune::Now] {
        let plan = plan_pruning(&gone, &duo, prune);
        let guards: Vec<_> =
            refusals(&plan, &gone, &everything()).into_iter().map(|(guard, _)| guard).collect();
        assert_eq!(guards, ["protect"]);
    }
    // By the marker, by the YAML, or by both.
    for notes in [marked("vpn"), protected.clone()] {
        for wanted in [app("vpn", "unix", "VPN"), app("vpn", "unix", "VPN").protect()] {
            let either = wanted.0.protect || notes.contains("protected");
            let duo = FakeDuo::new().with("DI1", "radius", "VPN", json!({"notes": notes}));
            let desired = desired([wanted]);
            let refused = refusals(&plan_of(&desired, &duo), &desired, &everything());
            assert_eq!(refused.iter().any(|(guard, _)| *guard == "protect"), either);
        }
    }
    let replaced = marked_as("vpn", MarkerState::Replaced);
    let duo = FakeDuo::new().with("DI1", "unix", "VPN", json!({"notes": replaced})).with(
        "DI2",
        "radius",
        "VPN",
        json!({"notes": protected}),
    );
    let kept = desired([app("vpn", "radius", "VPN").protect()]);
    assert_eq!(refusals(&plan_of(&kept, &duo), &kept, &everything()).len(), 1);
}

/// Every consent.
fn all_consents() -> Consent {
    Consent {
        allow: CONSENTS.iter().map(|consent| Allowed::parse(consent.value).unwrap()).collect(),
        max_changes_percent: Some(100),
        max_deletes: Some(1000),
        callers: Vec::new(),
    }
}

/// Whether a change to the operator's own application is refused despite every consent.
fn locks_out(live: Value, wanted: App, address: Option<&str>) -> bool {
    let mut duo = FakeDuo::new();
    let mut properties = json!({"user_access": "NO_USERS", "notes": marked("operator"),
        "adminapi_integrations": 1, "adminapi_read_resource": 1});
    properties.as_object_mut().unwrap().extend(live.as_object().unwrap().clone());
    duo.put("DIOPERATOR", "adminapi", "duoctl", properties);
    let mut desired = desired([wanted.text("user_access", "no_users")]);
    desired.guards.caller_address = address.map(|address| address.parse::<IpAddr>().unwrap());
    let plan = plan_of(&desired, &duo);
    assert!(!plan.steps().is_empty(), "nothing would change: {:?}", plan.problems());
    let refused = judge(&plan, &desired, &all_consents());
    assert!(
        refused.iter().all(|refusal| refusal.guard == "self_lockout" && refusal.lift.is_none()),
        "{refused:?}"
    );
    !refused.is_empty()
}

#[test]
fn the_operator_is_never_weakened_removed_or_shut_out() {
    let operator = || app("operator", "adminapi", "duoctl");
    let permitted = |names: &[&str]| operator().list("permissions", names);
    assert!(locks_out(json!({}), app("operator", "accountsapi", "duoctl"), None), "replaced");
    assert!(locks_out(json!({}), permitted(&["read_resource"]), None), "fewer permissions");
    assert!(
        locks_out(json!({}), permitted(&["read_resource", "admins"]), None),
        "one goes, another one comes"
    );
    assert!(
        !locks_out(json!({}), permitted(&["read_resource", "integrations", "info"]), None),
        "more permissions"
    );
    let only = |networks: &[&str]| operator().list("networks_for_api_access", networks);
    assert!(locks_out(json!({}), only(&["192.0.2.0/24"]), None), "duoctl's address is not known");
    assert!(locks_out(json!({}), only(&["192.0.2.0/24"]), Some("198.51.100.1")), "elsewhere");
    assert!(!locks_out(json!({}), only(&["192.0.2.0/24"]), Some("192.0.2.7")), "inside");
    assert!(
        !locks_out(json!({}), only(&["192.0.2.0/24"]), Some("::ffff:192.0.2.7")),
        "inside, written as IPv6"
    );
    let restricted = json!({"networks_for_api_access": "192.0.2.0/24"});
    assert!(!locks_out(restricted, operator().clear("networks_for_api_access"), None), "no restriction");
    assert!(!locks_out(json!({}), operator().text("notes", "ours"), None), "only its notes");
    let gone = desired([app("wiki", "radius", "Wiki")]);
    let mut duo = FakeDuo::new();
    duo.edit("DIOPERATOR", "notes", json!(marked("operator")));
    for prune in [Prune::Quarantine, Prune::Now] {
        let plan = plan_pruning(&gone, &duo, prune);
        assert!(judge(&plan, &gone, &all_consents()).iter().any(|refusal| refusal.guard == "self_lockout"));
    }
}

#[test]
fn the_operator_is_found_among_all_that_a_step_touches() {
    let replaced = marked_as("operator", MarkerState::Replaced);
    let mut duo = FakeDuo::new().with("DI1", "unix", "x", json!({"notes": replaced}));
    duo.edit("DIOPERATOR", "notes", json!(marked("operator")));
    let desired = desired([app("operator", "accountsapi", "duoctl")]);
    let plan = plan_of(&desired, &duo);
    assert_eq!(plan.steps().len(), 1);
    assert!(judge(&plan, &desired, &all_consents()).iter().any(|refusal| refusal.guard == "self_lockout"));
}

#[test]
fn no_rotation_puts_the_operator_out_of_use() {
    // The other application of each, as the markers name it.
    let delivered = |of: &str| MarkerState::Delivered { of: Ikey::new(of), since: now(), at: now() };
    let rotating = |successor: &str| MarkerState::Rotating(Ikey::new(successor));
    let address = BTreeSet::from([Address::application("operator")]);
    // As the old key of a rotation that ends, and as the new key of one that is aborted.
    let ends = Orders { confirmed: address.clone(), ..Orders::default() };
    let aborted = Orders { abort: address, ..Orders::default() };
    for (operator, other, rotation) in [
        (rotating("DI2"), delivered("DIOPERATOR"), ends),
        (delivered("DI2"), rotating("DIOPERATOR"), aborted),
    ] {
        let mut duo = FakeDuo::new();
        for (ikey, state) in [("DIOPERATOR", operator), ("DI2", other)] {
            let properties = json!({"user_access": "NO_USERS", "adminapi_integrations": 1,
                "notes": marked_as("operator", state)});
            duo.put(ikey, "adminapi", "duoctl", properties);
        }
        let desired = desired([app("operator", "adminapi", "duoctl").text("user_access", "no_users")]);
        let plan = plan(&desired, &duo.observation(), &Options { rotation, ..options(Prune::No) });
        assert_eq!(plan.steps().iter().map(|step| step.action).collect::<Vec<_>>(), [Action::Rotate]);
        assert_eq!(refusals(&plan, &desired, &all_consents()), [("self_lockout", None)]);
    }
}
