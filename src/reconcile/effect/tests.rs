use serde_json::json;

use super::*;
use crate::duo::object::{Id, Kind, Object};
use crate::reconcile::plan::Prune;
use crate::reconcile::testing::{FakeDuo, app, desired, marked, marked_as, plan_of, plan_pruning};

fn members(groups: &[(&str, &[&str], bool)]) -> Memberships {
    let of = |names: &[&str]| names.iter().map(|name| (format!("DU{name}"), (*name).to_owned())).collect();
    let active =
        |id: &&str| Object::decode(Kind::Group, json!({"group_id": id, "status": "Active"})).unwrap();
    let listed: Vec<Object> = groups.iter().map(|(id, ..)| active(id)).collect();
    let groups = groups
        .iter()
        .map(|(id, names, complete)| (Id::new(*id), Members { users: of(names), complete: *complete }));
    let statuses = GroupStatuses::new(&listed);
    Memberships { groups: groups.collect(), statuses, ..Memberships::default() }
}

fn with_users(mut people: Memberships, users: &[(&str, bool)]) -> Memberships {
    let user = |(name, may): &(&str, bool)| {
        let standing = if *may { Standing::Allowed } else { Standing::ShutOut };
        (format!("DU{name}"), User { name: (*name).to_owned(), standing })
    };
    people.users = Some(users.iter().map(user).collect());
    people.total = Some(users.len());
    people
}

/// Plans a change of one application's groups from `before` to `after`.
fn groups_change(before: &[&str], after: &[&str], people: &Memberships) -> Affected {
    let properties =
        json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": before, "notes": marked("vpn")});
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", properties);
    let plan = plan_of(&desired([app("vpn", "radius", "VPN").groups(after)]), &duo);
    assess(&plan, &duo.observation(), people).by_step.remove(&0).unwrap()
}

fn counted(count: &Headcount) -> (Bound, usize, Vec<&str>) {
    (count.bound, count.count, count.first.iter().map(String::as_str).collect())
}

#[test]
fn who_moves_between_groups_neither_gains_nor_loses() {
    let people = members(&[("DG1", &["ann", "bob", "eve"], true), ("DG2", &["bob", "cyd"], true)]);
    let affected = groups_change(&["DG1"], &["DG2"], &people);
    assert_eq!(counted(&affected.gains), (Bound::Exactly, 1, vec!["cyd"]));
    assert_eq!(counted(&affected.loses), (Bound::Exactly, 2, vec!["ann", "eve"]));
    // A group is added: no one loses access, whatever is known about the groups.
    let affected = groups_change(&["DG1"], &["DG1", "DG2"], &members(&[]));
    assert_eq!(counted(&affected.loses), (Bound::Exactly, 0, vec![]));
    assert_eq!(affected.gains.bound, Bound::Unknown);
}

#[test]
fn what_is_not_known_in_full_is_a_bound_and_never_a_number() {
    let affected = |one, two| {
        groups_change(&["DG1"], &["DG2"], &members(&[("DG1", &["ann"], one), ("DG2", &["ann", "bob"], two)]))
    };
    assert_eq!(counted(&affected(true, false).gains), (Bound::AtLeast, 1, vec!["bob"]));
    assert_eq!(counted(&affected(true, false).loses), (Bound::AtMost, 0, vec![]));
    assert_eq!(counted(&affected(false, true).gains), (Bound::AtMost, 1, vec!["bob"]));
    assert_eq!(affected(false, false).gains.bound, Bound::Unknown);
}

/// A disabled group lets no one in: opening an application to it lets no one in, and moving it from an active group to
/// it shuts everyone out, regardless of how the statuses were read.
#[test]
fn a_disabled_group_gains_nobody_access_and_saves_nobody_from_losing_it() {
    let people = |status: &str, with_users: bool, nested: Option<&str>| {
        let of = |id: &str, status: &str| {
            Object::decode(Kind::Group, json!({"group_id": id, "status": status})).unwrap()
        };
        let mut people = members(&[("DG1", &["ann", "bob"], true), ("DG2", &["cyd"], true)]);
        people.statuses = GroupStatuses::new(&[of("DG1", "Active"), of("DG2", status)]);
        let user = |name: &str, group: &str, nested: Option<&str>| {
            let group = json!({"group_id": group, "status": nested});
            let user = json!({"user_id": format!("DU{name}"), "username": name, "status": "active", "groups": [group]});
            people.statuses.user(&user)
        };
        let all = [
            user("ann", "DG1", Some("Active")),
            user("bob", "DG1", Some("Active")),
            user("cyd", "DG2", nested),
        ];
        people.users = with_users.then(|| all.into());
        people
    };
    let both = |before: &str, after: &str, people: &Memberships| {
        let affected = groups_change(&[before], &[after], people);
        let shown = |count: &Headcount| (count.bound, count.count);
        (shown(&affected.gains), shown(&affected.loses))
    };
    let (one, two, no_one) = ((Bound::Exactly, 1), (Bound::Exactly, 2), (Bound::Exactly, 0));
    for nested in [None, Some("Disabled"), Some("disabled"), Some("brand new"), Some("active")] {
        for (status, with_users) in [("Disabled", true), ("disabled", true), ("Disabled", false)] {
            let people = people(status, with_users, nested);
            assert_eq!(both("DG1", "DG2", &people), (no_one, two), "{status} {nested:?}");
            assert_eq!(both("DG2", "DG1", &people), (two, no_one), "{status} {nested:?}");
        }
    }
    for status in ["Active", "active", "Bypass"] {
        let people = people(status, true, None);
        assert_eq!(both("DG1", "DG2", &people), (one, two));
        assert_eq!(both("DG2", "DG1", &people), (two, one));
    }
    // A status that duoctl does not know is never certain, in either direction.
    let perhaps = (Bound::AtMost, 1);
    for with_users in [true, false] {
        let people = people("brand new", with_users, None);
        assert_eq!(both("DG1", "DG2", &people), (perhaps, two));
        assert_eq!(both("DG2", "DG1", &people), (two, perhaps));
    }
}

#[test]
fn who_is_disabled_is_not_counted_where_that_is_known() {
    let people = members(&[("DG1", &["ann"], true), ("DG2", &["bob", "cyd"], true)]);
    let people = with_users(people, &[("ann", true), ("bob", false), ("cyd", true)]);
    assert_eq!(counted(&groups_change(&["DG1"], &["DG2"], &people).gains), (Bound::Exactly, 1, vec!["cyd"]));
}

#[test]
fn everybody_is_counted_with_names_or_by_the_total() {
    let properties =
        json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": ["DG1"], "notes": marked("vpn")});
    let duo = FakeDuo::new().with("DI1", "radius", "VPN", properties);
    let plan = plan_of(&desired([app("vpn", "radius", "VPN")]), &duo);
    let gains =
        |people: &Memberships| assess(&plan, &duo.observation(), people).by_step.remove(&0).unwrap().gains;
    let one = || members(&[("DG1", &["ann"], true)]);
    let known = with_users(one(), &[("ann", true), ("bob", true), ("cyd", false), ("dan", true)]);
    assert_eq!(counted(&gains(&known)), (Bound::Exactly, 2, vec!["bob", "dan"]));
    assert_eq!(counted(&gains(&Memberships { total: Some(40), ..one() })), (Bound::Exactly, 39, vec![]));
    assert_eq!(gains(&one()).bound, Bound::Unknown);
    let needs = needs(&plan, &duo.observation());
    assert!(needs.everybody && needs.groups.len() == 1);
}

#[test]
fn nothing_has_to_be_known_of_other_changes() {
    let duo = FakeDuo::new().with("DI1", "radius", "Old name", json!({"notes": marked("vpn")}));
    let plan = plan_of(&desired([app("vpn", "radius", "VPN").text("greeting", "hi")]), &duo);
    assert_eq!(plan.steps().len(), 1);
    assert!(needs(&plan, &duo.observation()).is_empty());
    let key = FakeDuo::new().with("DI1", "adminapi", "Key", json!({"notes": marked("key")}));
    let plan = plan_of(&desired([app("key", "adminapi", "Key").text("user_access", "no_users")]), &key);
    assert_eq!(plan.steps().len(), 1);
    assert!(needs(&plan, &key.observation()).is_empty(), "no one logs in to a key");
    let new = plan_of(&desired([app("new", "radius", "New")]), &FakeDuo::new());
    assert!(needs(&new, &FakeDuo::new().observation()).is_empty(), "no one uses what does not exist");
}

#[test]
fn a_removal_and_a_replacement_cost_people_their_access() {
    let duo = FakeDuo::new().with("DI1", "radius", "Gone", json!({"notes": marked("gone")}));
    let people = with_users(Memberships::default(), &[("ann", true), ("bob", true)]);
    for prune in [Prune::Quarantine, Prune::Now] {
        let plan = plan_pruning(&desired([]), &duo, prune);
        let affected = assess(&plan, &duo.observation(), &people).by_step.remove(&0).unwrap();
        assert_eq!(counted(&affected.loses), (Bound::Exactly, 2, vec!["ann", "bob"]));
    }
    let wanted = desired([app("gone", "unix", "Gone").text("user_access", "no_users")]);
    let affected = assess(&plan_of(&wanted, &duo), &duo.observation(), &people).by_step.remove(&0).unwrap();
    assert_eq!(affected.loses.count, 2);
    // Users who were shut out by a quarantine do not lose anything more.
    let shut = json!({"user_access": "NO_USERS", "notes": marked_as("gone", crate::kinds::marker::MarkerState::Quarantined("2026-01-01T12:00:00Z".parse().unwrap()))});
    let duo = FakeDuo::new().with("DI1", "radius", "Gone", shut);
    let plan = plan_pruning(&desired([]), &duo, Prune::Quarantine);
    assert_eq!(plan.steps().len(), 1);
    assert!(assess(&plan, &duo.observation(), &people).by_step.is_empty());
}

#[test]
fn a_policy_names_who_shares_it_managed_or_not() {
    let shared = |name: &str, notes: &str| (name.to_owned(), json!({"policy_key": "PO1", "notes": notes}));
    let mut duo = FakeDuo::new().with(
        "DI1",
        "radius",
        "VPN",
        json!({"notes": marked("vpn"), "policy_key": "PO2", "user_access": "ALL_USERS"}),
    );
    for (ikey, (name, properties)) in
        [("DI2", shared("Wiki", &marked("wiki"))), ("DI3", shared("Panel \u{202e}", ""))]
    {
        duo.put(ikey, "radius", &name, properties);
    }
    let plan = plan_of(
        &desired([
            app("vpn", "radius", "VPN").text("policy", "Strict"),
            app("wiki", "radius", "Wiki").text("policy", "Strict"),
        ]),
        &duo,
    );
    let people = Memberships { total: Some(7), ..Memberships::default() };
    let affected = assess(&plan, &duo.observation(), &people).by_step.remove(&0).unwrap();
    assert!(!affected.access_changes);
    let policy = affected.policy.unwrap();
    assert_eq!(policy.users.count, 7);
    let names = |shared: &SharedPolicy| {
        let name =
            |sharing: &Sharing| sharing.address.as_ref().map_or(sharing.name.clone(), ToString::to_string);
        (shared.name.clone().unwrap(), shared.shared_with.iter().map(name).collect::<Vec<_>>())
    };
    assert_eq!(names(&policy.from.unwrap()), ("Lax".to_owned(), vec![]));
    assert_eq!(
        names(&policy.to.unwrap()),
        ("Strict".to_owned(), vec!["Panel \u{202e}".to_owned(), "applications.wiki".to_owned()])
    );
}
