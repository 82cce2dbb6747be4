//! Bindings in every form, what applies in the end, and what a change does; the last is checked against an evaluator that
//! is written from policies.md, sections 3 and 6, and shares nothing with the product.

mod evaluator;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::duo::object::{Id, Kind, Object};
use crate::kinds::risk::Risk::{self, NarrowsAccess as Narrows, WidensAccess as Widens};

/// An account: a global policy, an application policy, and one for a group.
struct Account {
    policies: Vec<Object>,
    applications: Vec<Object>,
    groups: Vec<Object>,
}

fn object(kind: Kind, value: Value) -> Object {
    Object::decode(kind, value).unwrap()
}

fn policy(id: &str, sections: Value, applies_to: Value) -> Object {
    let value =
        json!({"policy_key": id, "policy_name": id, "sections": sections, "policy_applies_to": applies_to});
    object(Kind::Policy, value)
}

fn global(sections: Value) -> Object {
    object(Kind::Policy, json!({"policy_key": "POG", "is_global_policy": true, "sections": sections}))
}

fn application(id: &str, policy: &str) -> Object {
    object(
        Kind::Application,
        json!({"integration_key": id, "name": format!("App {id}"), "policy_key": policy}),
    )
}

fn id(text: &str) -> Id {
    Id::new(text)
}

fn ids(texts: &[&str]) -> BTreeSet<Id> {
    texts.iter().map(|text| id(text)).collect()
}

fn new_user(value: &str) -> Value {
    json!({"new_user": {"new_user_behavior": value}})
}

fn bound(groups: Value, position: i64) -> Value {
    json!({"app_integration_key": "DI1", "apply_type": "group_app", "groups": groups, "group_position": position})
}

impl Account {
    fn new(bindings: Value) -> Self {
        Self {
            policies: vec![
                global(new_user("enroll")),
                policy("POA", new_user("deny"), json!([])),
                policy("POB", new_user("no-mfa"), bindings),
            ],
            applications: vec![application("DI1", "POA"), application("DI2", "")],
            groups: ["DG1", "DG2"]
                .iter()
                .map(|id| object(Kind::Group, json!({"group_id": id, "name": format!("Group {id}")})))
                .collect(),
        }
    }

    fn world(&self) -> World<'_> {
        World::new(&self.policies, &self.applications, &self.groups)
    }
}

fn decides(world: &World<'_>, application: &str, groups: &[&str]) -> Result<String, &'static str> {
    let found = world.effective(&id(application), &ids(groups), "new_user")?;
    Ok(found.map(|(_, id)| id.to_string()).unwrap_or_default())
}

/// The worst risk for an application.
fn worst(before: &World<'_>, after: &World<'_>, application: &str) -> Option<Risk> {
    judge(before, after).get(&id(application))?.iter().map(|change| change.worst().0).max()
}

#[test]
fn bindings_are_read_in_every_form() {
    for groups in [
        json!([{"group_id": "DG1", "group_name": "Group DG1"}]),
        json!([{"group_name": "Group DG1"}]),
        json!(["DG1"]),
        json!(["Group DG1"]),
        json!("DG1"),
    ] {
        let account = Account::new(json!([bound(groups.clone(), 1)]));
        let world = account.world();
        assert_eq!(decides(&world, "DI1", &["DG1"]).unwrap(), "POB", "{groups}");
        assert_eq!(decides(&world, "DI1", &["DG2"]).unwrap(), "POA");
        assert_eq!(decides(&world, "DI2", &["DG1"]).unwrap(), "POG");
    }
    let mut entry = bound(Value::Null, 1);
    entry.as_object_mut().unwrap().remove("groups");
    entry["group_name"] = json!("Group DG1");
    let account = Account::new(json!([entry]));
    let reached = account.world();
    assert_eq!(
        reached.reached(&id("POB")),
        [Reach { application: &id("DI1"), name: "App DI1", how: How::Groups(ids(&["DG1"])) }]
    );
    assert_eq!(reached.reached(&id("POA"))[0].how, How::Application);
    assert_eq!(reached.reached(&id("POG")).len(), 2);
}

#[test]
fn applications_that_only_hold_keys_are_left_out() {
    let mut entry = bound(json!(["DG1"]), 1);
    entry["app_integration_key"] = json!("DI9");
    let mut account = Account::new(json!([entry]));
    let keys = json!({"integration_key": "DI9", "type": "adminapi", "policy_key": "POA"});
    account.applications.push(object(Kind::Application, keys));
    let world = account.world();
    assert_eq!(world.reached(&id("POG")).len(), 2);
    assert_eq!(world.reached(&id("POB")), []);
}

#[test]
fn what_is_not_understood_is_never_nothing() {
    for (bindings, applications) in [
        (json!([{"app_integration_key": "DI1", "apply_type": "brand_new"}]), 1),
        (json!([bound(json!([{"group_name": "Nobody knows it"}]), 1)]), 1),
        (json!([bound(json!([]), 1)]), 1),
        (json!([{"apply_type": "user_group", "groups": ["DG1"]}]), 2),
        (json!("DI1"), 2),
        (Value::Null, 2),
    ] {
        let account = Account::new(bindings.clone());
        let before = account.world();
        let unknown = before.reached(&id("POB"));
        assert_eq!(
            unknown.iter().filter(|reach| reach.how == How::Unknown).count(),
            applications,
            "{bindings}"
        );
        // Its own change, and a change of what it may cover.
        let mut after = before.clone();
        after.set_section(&id("POB"), "new_user", Some(new_user("deny")["new_user"].clone()));
        assert_eq!(worst(&before, &after, "DI1"), Some(Widens), "{bindings}");
        let mut after = before.clone();
        after.attach(&id("DI1"), None);
        after.set_section(&id("POG"), "new_user", Some(new_user("deny")["new_user"].clone()));
        assert_eq!(worst(&before, &after, "DI1"), Some(Widens), "{bindings}");
    }
    // A policy that was not read.
    let mut account = Account::new(json!([]));
    account.applications[1] = application("DI2", "POX");
    let before = account.world();
    let mut after = before.clone();
    after.set_section(&id("POG"), "new_user", Some(new_user("deny")["new_user"].clone()));
    assert!(decides(&before, "DI2", &[]).is_err());
    assert_eq!(worst(&before, &after, "DI2"), Some(Widens));
    assert_eq!(worst(&before, &before.clone(), "DI2"), None);
}

#[test]
fn a_section_is_from_the_first_group_policy_then_from_the_application_then_global() {
    let mut account = Account::new(json!([bound(json!(["DG1"]), 2)]));
    account.policies.push(policy("POC", new_user("enroll"), json!([bound(json!(["DG2"]), 1)])));
    account.policies.push(policy("POD", json!({}), json!([bound(json!(["DG2"]), 0)])));
    let world = account.world();
    assert_eq!(decides(&world, "DI1", &["DG1", "DG2"]).unwrap(), "POC");
    assert_eq!(decides(&world, "DI1", &["DG1"]).unwrap(), "POB");
    assert_eq!(decides(&world, "DI1", &[]).unwrap(), "POA");
    // Another one is bound, at a place that is not known.
    let mut after = world.clone();
    after.bind(&id("DI1"), &id("POA"), ids(&["DG2"]));
    assert_eq!(
        decides(&after, "DI1", &["DG2"]),
        Err("cannot be judged: the order of the group policies is not known")
    );
    assert_eq!(worst(&world, &after, "DI1"), Some(Widens));
    after.unbind(&id("DI1"), &id("POA"), &ids(&["DG2"]));
    assert_eq!(judge(&world, &after), [].into());
    // For users of both groups, the order decides: without the first policy, the second one takes over.
    after.unbind(&id("DI1"), &id("POC"), &ids(&["DG2"]));
    let changes = &judge(&world, &after)[&id("DI1")];
    let both: Vec<&Change> =
        changes.iter().filter(|change| change.users.contains(&ids(&["DG1", "DG2"]))).collect();
    assert_eq!((both.len(), both[0].worst().0), (1, Widens));
    let second = changes.iter().find(|change| change.users.contains(&ids(&["DG2"]))).unwrap();
    assert_eq!(
        (second.from.as_ref(), second.to.as_ref(), second.worst().0),
        (Some(&id("POC")), Some(&id("POA")), Narrows)
    );
}

#[test]
fn a_change_is_judged_for_every_application_that_it_reaches() {
    let account = Account::new(json!([bound(json!(["DG1"]), 1)]));
    let before = account.world();
    let changed = |edit: &dyn Fn(&mut World<'_>)| {
        let mut after = before.clone();
        edit(&mut after);
        ["DI1", "DI2"].map(|application| worst(&before, &after, application))
    };
    let deny = || Some(json!({"new_user_behavior": "deny"}));
    assert_eq!(changed(&|_| ()), [None, None]);
    // The global policy decides only where no other has the section.
    assert_eq!(changed(&|world| world.set_section(&id("POG"), "new_user", deny())), [None, Some(Narrows)]);
    assert_eq!(changed(&|world| world.set_section(&id("POA"), "new_user", None)), [Some(Widens), None]);
    assert_eq!(changed(&|world| world.set_section(&id("POB"), "new_user", deny())), [Some(Narrows), None]);
    assert_eq!(changed(&|world| world.set_section(&id("PON"), "new_user", deny())), [None, None]);
    assert_eq!(changed(&|world| world.attach(&id("DI1"), None)), [Some(Widens), None]);
    assert_eq!(changed(&|world| world.attach(&id("DI2"), Some(&id("POA")))), [None, Some(Narrows)]);
    assert_eq!(changed(&|world| world.delete(&id("POA"))), [Some(Widens), None]);
    assert_eq!(changed(&|world| world.delete(&id("POB"))), [Some(Narrows), None]);
    // A new application is compared with the global policy.
    let mut after = before.clone();
    after.attach(&id("DI3"), Some(&id("POB")));
    assert_eq!(worst(&before, &after, "DI3"), Some(Widens));
}

#[test]
fn a_large_account_is_judged_at_once() {
    let bindings = |at: usize| json!([{"app_integration_key": format!("DI{at}"), "apply_type": "group_app", "groups": ["DG1"], "group_position": 1}]);
    let mut policies: Vec<Object> =
        (0..500).map(|at| policy(&format!("PO{at}"), new_user("deny"), bindings(at))).collect();
    policies.push(global(
        json!({"new_user": {"new_user_behavior": "enroll"}, "screen_lock": {"require_screen_lock": true}}),
    ));
    let applications: Vec<Object> =
        (0..10_000).map(|at| application(&format!("DI{at}"), &format!("PO{}", at % 600))).collect();
    let groups = [object(Kind::Group, json!({"group_id": "DG1", "name": "Group"}))];
    let before = World::new(&policies, &applications, &groups);
    for (changed, reached) in [("PO7", 17), ("POG", 10_000)] {
        let mut after = before.clone();
        after.set_section(&id(changed), "screen_lock", Some(json!({"require_screen_lock": false})));
        let start = Instant::now();
        let found = judge(&before, &after);
        println!("{changed}: {:?}", start.elapsed());
        assert_eq!(found.len(), reached);
        // Far above what it takes, so that only another order of growth fails.
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
