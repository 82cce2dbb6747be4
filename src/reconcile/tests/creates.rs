//! The risk of a new application: every access, permission and policy, in every kind of step that creates one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::duo::catalogue::PERMISSIONS;
use crate::kinds::address::Address;
use crate::kinds::marker::{Marker, MarkerState, Shut};
use crate::kinds::risk::Risk::{self, EscalatesPrivilege, WidensAccess};
use crate::reconcile::consent::{Allowed, Consent};
use crate::reconcile::guard::judge;
use crate::reconcile::testing::{App, FakeDuo, app, desired, marked_as, marker, now, plan_of};

/// How a new application is created.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Create {
    Fresh,
    /// The creation was interrupted before it let anyone in.
    Unfinished,
    /// It replaces a closed one of another type.
    Replacement,
    /// The same after an interruption.
    ResumedReplacement,
    /// It was quarantined, and its address was added again.
    Restored,
}

const CREATES: [Create; 5] =
    [Create::Fresh, Create::Unfinished, Create::Replacement, Create::ResumedReplacement, Create::Restored];

/// The value in the YAML, and how to set it.
type Access = (&'static str, fn(App) -> App);

fn account(create: Create, kind: &str) -> FakeDuo {
    let state = match create {
        Create::Fresh => return FakeDuo::new(),
        Create::Unfinished => MarkerState::Creating { since: now() },
        Create::Replacement => MarkerState::Owned,
        Create::ResumedReplacement => MarkerState::Replaced,
        Create::Restored => MarkerState::Quarantined(now()),
    };
    let replaces = matches!(create, Create::Replacement | Create::ResumedReplacement);
    let kind = if replaces { "unix" } else { kind };
    let mut live = json!({"user_access": "NO_USERS", "notes": marked_as("it", state)});
    if kind == "adminapi" {
        PERMISSIONS.iter().for_each(|flag| live[format!("adminapi_{}", flag.name)] = json!(0));
    }
    FakeDuo::new().with("DI1", kind, "It", live)
}

/// The consents that are needed in addition to the one for a replacement.
fn needed(create: Create, kind: &str, wanted: App) -> BTreeSet<Risk> {
    let desired = desired([wanted]);
    let plan = plan_of(&desired, &account(create, kind));
    assert!(plan.blocked().is_empty() && !plan.steps().is_empty(), "{:?}", plan.problems());
    let refusals = judge(&plan, &desired, &Consent::default()).into_iter();
    refusals.filter_map(|refusal| Risk::parse(refusal.guard)).filter(|risk| *risk != Risk::Replaces).collect()
}

#[test]
fn access_and_policies_of_new_applications() {
    let accesses: [Access; 3] = [
        ("no_users", |a| a.text("user_access", "no_users")),
        ("permitted_groups", |a| a.groups(&["Staff"])),
        ("all_users", |a| a),
    ];
    for create in CREATES {
        for (access, with_access) in accesses {
            for policy in [None, Some("Strict"), Some("Lax"), Some("Browsers")] {
                let wanted = with_access(app("it", "radius", "It"));
                let wanted = policy.map_or_else(
                    || with_access(app("it", "radius", "It")),
                    |policy| wanted.text("policy", policy),
                );
                let mut expected = BTreeSet::new();
                // A restored application already exists, so the stricter rules for changes apply.
                let is_change = create == Create::Restored;
                let weaker = policy == Some("Lax") && access != "no_users";
                let changes = is_change && (access != "no_users" || policy.is_some());
                // Replacing a closed application opens it to the groups.
                let opens = create == Create::Replacement && (access != "no_users" || policy.is_some());
                if access == "all_users" || weaker || changes || opens {
                    expected.insert(WidensAccess);
                }
                assert_eq!(needed(create, "radius", wanted), expected, "{create:?} {access} {policy:?}");
            }
        }
    }
}

#[test]
fn permissions_of_new_keys() {
    for create in CREATES {
        for flag in PERMISSIONS.iter().map(|flag| flag.name).chain(["brand_new", "brand_new_read"]) {
            for previous in [&[][..], &["info"], &["read_log", "settings_read"]] {
                let held: Vec<&str> = previous.iter().copied().chain([flag]).collect();
                let wanted =
                    app("it", "adminapi", "It").text("user_access", "no_users").list("permissions", &held);
                let only_reads = flag == "info" || flag.starts_with("read_") || flag.ends_with("_read");
                // Permissions are sent when a key is created, so adding one later is a change.
                let changes = matches!(create, Create::Unfinished | Create::Restored);
                let expected = match only_reads && !changes {
                    true => BTreeSet::new(),
                    false => BTreeSet::from([EscalatesPrivilege]),
                };
                // Duo shows no switch for a permission that it does not know.
                let unknown =
                    flag.starts_with("brand_new") && matches!(create, Create::Unfinished | Create::Restored);
                if !unknown {
                    assert_eq!(needed(create, "adminapi", wanted), expected, "{create:?} {held:?}");
                }
            }
        }
    }
}

#[test]
fn what_a_composite_is_by_definition_needs_no_consent_and_what_it_adds_does() {
    let part = |extra: &[&str]| {
        let held: Vec<&str> = ["read_log", "write_resource"].iter().chain(extra).copied().collect();
        let mut wanted =
            app("it", "adminapi", "It").text("user_access", "no_users").list("permissions", &held);
        wanted.0.address = Address::intelligence("emea").part("admin_api");
        let own = ["read_log", "write_resource"].map(str::to_owned);
        wanted.0.definition.insert("permissions", crate::kinds::value::FieldValue::set(own.into()));
        wanted
    };
    assert_eq!(needed(Create::Fresh, "adminapi", part(&[])), BTreeSet::new());
    assert_eq!(needed(Create::Fresh, "adminapi", part(&["admins_read"])), BTreeSet::new());
    let mut push = app("it", "authapi", "It");
    push.0.definition.insert("user_access", crate::kinds::value::FieldValue::text("ALL_USERS"));
    assert_eq!(needed(Create::Fresh, "authapi", push), BTreeSet::new());
    assert_eq!(needed(Create::Fresh, "adminapi", part(&["admins"])), BTreeSet::from([EscalatesPrivilege]));
}

#[test]
fn an_application_of_users_in_place_of_a_key_is_as_open_as_a_new_one() {
    // An Admin API application shows an access that no one can use.
    let duo = |access: &str| {
        FakeDuo::new().with(
            "DI1",
            "adminapi",
            "It",
            json!({"user_access": access, "notes": marker("it").to_string()}),
        )
    };
    let wanted = desired([app("it", "radius", "It")]);
    for access in ["ALL_USERS", "NO_USERS"] {
        let plan = plan_of(&wanted, &duo(access));
        assert!(plan.steps()[0].risks().contains_key(&WidensAccess), "{access}");
    }
}

#[test]
fn a_step_has_every_reason_and_a_refusal_says_them_all() {
    let wanted = desired([app("it", "radius", "It").text("policy", "Lax")]);
    let plan = plan_of(&wanted, &FakeDuo::new());
    let reasons = &plan.steps()[0].risks()[&WidensAccess];
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    let refusals = judge(&plan, &wanted, &Consent::default());
    assert_eq!(refusals.len(), 1);
    assert!(reasons.iter().all(|reason| refusals[0].message.contains(reason)), "{refusals:?}");
    assert_eq!(refusals[0].lift.as_deref(), Some("--allow widens_access:applications.it"));
    let allow = Allowed::parse("widens_access:applications.i*").unwrap();
    assert_eq!(judge(&plan, &wanted, &Consent { allow: vec![allow], ..Consent::default() }), []);
}

#[test]
fn a_restored_key_needs_a_consent_to_what_it_gets_back() {
    let shut = Shut { permissions: BTreeSet::from(["read_log".to_owned()]), ..Shut::default() };
    let notes = Marker { state: MarkerState::Quarantined(now()), shut, ..marker("it") }.to_string();
    let live: Value = json!({"user_access": "NO_USERS", "adminapi_read_log": 0, "notes": notes});
    let duo = FakeDuo::new().with("DI1", "adminapi", "It", live);
    let wanted = desired([app("it", "adminapi", "It").text("user_access", "no_users")]);
    let refusals = judge(&plan_of(&wanted, &duo), &wanted, &Consent::default());
    assert_eq!(refusals.iter().map(|refusal| refusal.guard).collect::<Vec<_>>(), ["escalates_privilege"]);
}
