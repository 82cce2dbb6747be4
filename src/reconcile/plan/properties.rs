//! Properties that hold for every workspace and every account.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::diagnostic::Spanned;
use crate::duo::object::{Ikey, Kind, Object, ObjectId};
use crate::kinds::application::fields::{held_permissions, known_permissions};
use crate::kinds::marker::{Marker, MarkerState, Notes};
use crate::kinds::networks::Networks;
use crate::kinds::risk::Risk;
use crate::kinds::value::Setting;
use crate::kinds::value::parts;
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::settle::settle;
use crate::reconcile::plan::{Action, Plan, Prune, Step, plan};
use crate::reconcile::testing::fake_duo::{FakeDuo, Reach};
use crate::reconcile::testing::random::{accounts, workspaces};
use crate::reconcile::testing::{
    App, HERE, WORKSPACE, app, desired, options, outline, plan_of, plan_pruning,
};

pub(super) fn prunes() -> impl Strategy<Value = Prune> {
    proptest::sample::select(vec![Prune::No, Prune::Quarantine, Prune::Now])
}

/// Applies a plan, and records the values that Duo stored in another form.
fn apply_and_settle(duo: &mut FakeDuo, desired: &Desired, plan: &Plan) {
    duo.apply(plan);
    let written: Vec<_> = plan.steps().iter().map(|step| step.address.clone()).collect();
    for settlement in settle(desired, &duo.observation(), &written, false) {
        duo.update(settlement.id.as_str(), &settlement.body).unwrap();
    }
}

fn marker_of(duo: &FakeDuo, ikey: &Ikey) -> Option<Marker> {
    Notes::parse(&duo.notes(ikey.as_str())).marker
}

fn integration(duo: &FakeDuo, ikey: &Ikey) -> Object {
    duo.integrations().into_iter().find(|integration| integration.id == *ikey).unwrap()
}

fn networks(integration: &Object) -> Option<Networks> {
    let property = integration.property("networks_for_api_access")?;
    Networks::parse(parts(property)).ok().filter(|networks| !networks.is_empty())
}

/// A widening of one existing application's access that the step did not announce as a risk.
fn unannounced(step: &Step, before: &FakeDuo, after: &FakeDuo, ikey: &Ikey) -> Option<String> {
    let (old, new) = (integration(before, ikey), integration(after, ikey));
    let risks = step.risks();
    let widens = risks.contains_key(&Risk::WidensAccess);
    let creating = marker_of(before, ikey).is_some_and(|marker| {
        matches!(marker.state, MarkerState::Creating { .. } | MarkerState::Successor { .. })
    });
    let finishes = creating && before.reach(ikey.as_str()) == Reach::no_one();
    if !after.reach(ikey.as_str()).is_within(&before.reach(ikey.as_str())) && !widens && !finishes {
        return Some("more people may log in".to_owned());
    }
    if old.text("policy_key") != new.text("policy_key") && !widens && !finishes {
        return Some("another policy applies".to_owned());
    }
    if !held_permissions(&new).is_subset(&held_permissions(&old))
        && !risks.contains_key(&Risk::EscalatesPrivilege)
    {
        return Some("the key may do more".to_owned());
    }
    let wider = match (networks(&old), networks(&new)) {
        (Some(old), Some(new)) => !new.is_within(&old),
        (Some(_), None) => true,
        (None, _) => false,
    };
    (wider && !widens).then(|| "the key works from more addresses".to_owned())
}

/// The entry that describes an application exactly as it is.
fn declare(key: &str, live: &Object) -> App {
    let mut entry = app(key, live.variant(), live.name()).pin(live.id.as_str());
    let access = live.text("user_access").to_lowercase();
    entry = if access.is_empty() { entry.without("user_access") } else { entry.text("user_access", &access) };
    let list = |wire: &str| live.property(wire).map(parts).unwrap_or_default();
    let items =
        |items: Vec<String>| Setting::List(items.into_iter().map(|item| Spanned::new(item, HERE)).collect());
    if access == "permitted_groups" {
        entry = entry.set("groups_allowed", items(list("groups_allowed")));
    }
    let text = |text: &str| if text.is_empty() { Setting::Clear } else { Setting::Text(text.to_owned()) };
    entry = entry
        .set("policy", text(live.text("policy_key")))
        .set("greeting", text(live.text("greeting")))
        .set("notes", text(&Notes::parse(live.notes()).text));
    if !live.text("username_normalization_policy").is_empty() {
        entry = entry.text(
            "username_normalization_policy",
            &live.text("username_normalization_policy").to_lowercase(),
        );
    }
    if !known_permissions(live).is_empty() {
        entry = entry.set("permissions", items(held_permissions(live).into_iter().collect()));
    }
    if let Some(networks) = networks(live) {
        entry = entry.set("networks_for_api_access", items(networks.texts()));
    }
    if let Some(document) = live.property("sso").filter(|sso| sso.is_object()) {
        let mut document = document.clone();
        document.as_object_mut().unwrap().remove("idp_metadata");
        entry = entry.sso(document);
    }
    entry
}

fn text_of(plan: &Plan) -> Value {
    let problems: BTreeSet<String> = plan.problems().iter().map(|problem| format!("{problem:?}")).collect();
    json!({"steps": plan.steps(), "orphans": plan.orphans(), "problems": problems, "summary": plan.summary(),
        "blocked": plan.blocked(), "fingerprint": plan.fingerprint()})
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn after_an_apply_nothing_is_left_to_do(desired in workspaces(), mut duo in accounts(), prune in prunes()) {
        let first = plan_pruning(&desired, &duo, prune);
        apply_and_settle(&mut duo, &desired, &first);
        let second = plan_pruning(&desired, &duo, prune);
        prop_assert_eq!(outline(&second), "", "after\n{}", outline(&first));
        prop_assert_eq!(first.blocked(), second.blocked(), "{:?}", second.problems());
        prop_assert_eq!(second.is_empty(), first.blocked().is_empty());
    }

    #[test]
    fn what_is_applied_to_an_empty_account_is_all_there(desired in workspaces()) {
        let mut duo = FakeDuo::new();
        let first = plan_of(&desired, &duo);
        prop_assert!(first.steps().iter().all(|step| step.action == Action::Create));
        prop_assert_eq!(first.steps().len(), desired.objects.len());
        apply_and_settle(&mut duo, &desired, &first);
        let second = plan_of(&desired, &duo);
        prop_assert!(second.is_empty(), "{}", outline(&second));
        prop_assert_eq!(second.owned(), desired.objects.len());
    }

    #[test]
    fn an_account_described_as_it_is_is_only_adopted(mut duo in accounts()) {
        let lives = duo.integrations();
        let plain = |live: &&Object| {
            // Excludes what the YAML cannot express: no type, an unknown access value, a list without effect.
            let access = live.text("user_access");
            let groups = live.property("groups_allowed").map(parts).unwrap_or_default();
            Notes::parse(live.notes()).marker.is_none() && !live.variant().is_empty() && live.text("user_access") != "BRAND_NEW"
                && !(access == "PERMITTED_GROUPS" && (groups.is_empty() || groups.contains(&"DGGONE".to_owned())))
                && live.property("networks_for_api_access") != Some(&json!("office"))
        };
        let apps: Vec<App> = lives.iter().filter(plain).enumerate().map(|(n, live)| declare(&format!("m{n}"), live)).collect();
        let count = apps.len();
        let desired = desired(apps);
        let first = plan_of(&desired, &duo);
        prop_assert!(first.steps().iter().all(|step| step.action == Action::Adopt), "{}", outline(&first));
        prop_assert_eq!(first.steps().len(), count, "{:?}", first.problems());
        let untouched = duo.clone();
        apply_and_settle(&mut duo, &desired, &first);
        let second = plan_of(&desired, &duo);
        prop_assert!(second.is_empty(), "{}{:?}", outline(&second), second.problems());
        for (ikey, mut application) in duo.applications {
            application.insert("notes".to_owned(), json!(untouched.notes(&ikey)));
            prop_assert_eq!(&application, &untouched.applications[&ikey]);
        }
    }

    #[test]
    fn order_means_nothing(desired in workspaces(), duo in accounts(), prune in prunes(), seed in any::<u64>()) {
        let mut observation = duo.observation();
        let before = plan(&desired, &observation, &options(prune));
        let shuffled = |n: usize| usize::try_from(seed % 7).unwrap() % n.max(1);
        let mut turned = desired.clone();
        let n = shuffled(turned.objects.len());
        turned.objects.rotate_left(n);
        turned.objects.reverse();
        let integrations = duo.integrations().into_iter().rev();
        let mut integrations: Vec<_> = integrations.collect();
        let n = shuffled(integrations.len());
        integrations.rotate_left(n);
        observation.objects.set(Kind::Application, crate::reconcile::observed::Observed::Present(integrations));
        observation.objects.set(Kind::Group, crate::reconcile::observed::Observed::Present(duo.groups.iter().rev().cloned().collect()));
        observation.objects.set(Kind::Policy, crate::reconcile::observed::Observed::Present(duo.policies.iter().rev().cloned().collect()));
        let after = plan(&turned, &observation, &options(prune));
        prop_assert_eq!(text_of(&before), text_of(&after));
    }

    #[test]
    fn nothing_foreign_is_written_and_nothing_removed_unasked(desired in workspaces(), duo in accounts(), prune in prunes()) {
        let plan = plan_pruning(&desired, &duo, prune);
        let left = plan.orphans().iter().chain(plan.retired());
        let orphans: BTreeSet<&Ikey> = left.map(|orphan| &orphan.ikey).collect();
        let matched: BTreeSet<&Ikey> = plan.matched().values().collect();
        for step in plan.steps() {
            let removes = matches!(step.action, Action::Delete | Action::Quarantine);
            let rest = step.risks().contains_key(&Risk::Replaces);
            prop_assert!(!removes || rest || prune != Prune::No, "{}", outline(&plan));
            for ikey in step.targets().into_iter().filter_map(ObjectId::ikey) {
                let marker = marker_of(&duo, ikey);
                let ours = marker.as_ref().is_some_and(|marker| marker.workspace == WORKSPACE);
                let of_rotation = plan.rotations().iter().any(|rotation| {
                    rotation.address == step.address && [&rotation.old, &rotation.successor].contains(&ikey)
                });
                if of_rotation {
                    prop_assert!(!removes && ours);
                } else if removes && !rest {
                    prop_assert!(orphans.contains(ikey) && ours);
                } else if step.action == Action::Replace || rest {
                    prop_assert!(ours && marker.is_some_and(|marker| marker.address == step.address));
                } else {
                    prop_assert!(matched.contains(ikey) && (ours || marker.is_none()));
                }
            }
        }
        for step in plan.steps().iter().filter(|step| plan.blocked().contains(&step.address)) {
            prop_assert!(false, "{} is blocked and has a step", step.address);
        }
    }

    #[test]
    fn no_request_widens_access_on_the_way_or_unannounced(desired in workspaces(), mut duo in accounts(), prune in prunes()) {
        let plan = plan_pruning(&desired, &duo, prune);
        let mut found = Vec::new();
        duo.apply_watched(&plan, |step, history| {
            let (Some(first), Some(last)) = (history.first(), history.last()) else { return };
            for (before, after) in history.iter().zip(history.iter().skip(1)) {
                for ikey in after.applications.keys() {
                    let (was, is, will) = (first.reach(ikey), after.reach(ikey), last.reach(ikey));
                    if !is.is_within(&was) && !is.is_within(&will) {
                        found.push(format!("{ikey} is wider on the way than before and after"));
                    }
                    let policy = |duo: &FakeDuo| duo.property(ikey, "policy_key");
                    if is != Reach::no_one() && policy(after) != policy(last) && !first.applications.contains_key(ikey) {
                        found.push(format!("{ikey} is open before its policy is attached"));
                    }
                    if before.applications.contains_key(ikey) && first.applications.contains_key(ikey) {
                        found.extend(unannounced(step, before, after, &Ikey::new(ikey.clone())));
                    }
                }
            }
        });
        prop_assert!(found.is_empty(), "{found:?}\n{}", outline(&plan));
    }
}
