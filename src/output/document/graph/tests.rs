//! A plan drawn into the graph of the account ends at the graph of the YAML, and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Sources;
use crate::duo::object::{Ikey, Kind};
use crate::kinds::address::Address;
use crate::kinds::value::Setting;
use crate::reconcile::desired::{Desired, Wanted};
use crate::reconcile::graph::build::{declared, observed};
use crate::reconcile::observation::Observation;
use crate::reconcile::plan::{Plan, Prune};
use crate::reconcile::testing::fake_duo::FakeDuo;
use crate::reconcile::testing::random::{accounts, workspaces};
use crate::reconcile::testing::{app, desired, plan_pruning};

/// The graph of the YAML and that of the account, each with the plan in it.
fn graphs(desired: &Desired, observation: &Observation, plan: &Plan) -> (Graph, Graph) {
    let document = PlanDocument::new(plan, &[], desired, &Sources::default());
    let addresses: BTreeMap<Ikey, Address> =
        plan.matched().iter().map(|(address, ikey)| (ikey.clone(), address.clone())).collect();
    let (mut yaml, mut account) =
        (declared(desired), observed(desired, observation, &addresses, &BTreeSet::new()));
    mark_changes(&mut yaml, &document, GraphSource::Yaml);
    mark_changes(&mut account, &document, GraphSource::Account);
    (yaml, account)
}

/// What an application is connected to of a kind, after the plan or before it.
fn connections(graph: &Graph, address: &str, kind: NodeKind, without: Mark) -> BTreeSet<String> {
    let edges = graph.edges().into_iter().filter(|edge| edge.change != Some(without));
    let ends = edges.filter_map(|edge| match (edge.from == address, edge.to == address) {
        (true, _) => Some(edge.to),
        (_, true) => Some(edge.from),
        (false, false) => None,
    });
    ends.filter(|id| graph.node(id).is_some_and(|node| node.kind == kind)).collect()
}

/// Names instead of IDs, which the YAML may use as well.
fn named(ids: BTreeSet<String>, observation: &Observation) -> BTreeSet<String> {
    let mut names = BTreeMap::new();
    for (kind, word) in [(Kind::Group, "group"), (Kind::Policy, "policy")] {
        let all = observation.objects.present(kind).iter();
        names.extend(all.map(|one| (format!("{word}:{}", one.id), format!("{word}:{}", one.name()))));
    }
    ids.into_iter().map(|id| names.get(&id).cloned().unwrap_or(id)).collect()
}

/// Whether the YAML sets a field to a value that is compared.
fn sets(wanted: &Wanted, field: &str) -> bool {
    let value = wanted.settings.get(field).map(|setting| &setting.value);
    let is_set = value.is_some_and(|value| !matches!(value, Setting::Clear | Setting::LeftOut));
    is_set && !wanted.ignore.iter().any(|ignored| ignored == field)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_account_with_the_plan_is_the_yaml(desired in workspaces(), duo in accounts()) {
        let plan = plan_pruning(&desired, &duo, Prune::No);
        let observation = duo.observation();
        let (yaml, account) = graphs(&desired, &observation, &plan);
        let lives = duo.integrations();
        for wanted in &desired.objects {
            let address = wanted.address.as_str();
            let rotates = plan.rotations().iter().any(|rotation| rotation.address == wanted.address);
            if plan.blocked().contains(&wanted.address) || rotates {
                continue;
            }
            let live = plan.matched().get(&wanted.address);
            let live = live.and_then(|ikey| lives.iter().find(|live| live.id == *ikey));
            // What Duo does not show is not planned.
            let shown = |wire: &str| live.is_none_or(|live| live.property(wire).is_some());
            for (field, kind) in CONNECTIONS {
                let after = |graph: &Graph| named(connections(graph, address, kind, Mark::Removed), &observation);
                let compared = sets(wanted, field) && match kind {
                    NodeKind::Users | NodeKind::Group => sets(wanted, "user_access") && shown("user_access"),
                    NodeKind::Permission => after(&yaml).iter().all(|id| {
                        id.strip_prefix("permission:").is_some_and(|name| shown(&format!("adminapi_{name}")))
                    }),
                    _ => true,
                };
                if compared {
                    prop_assert_eq!(after(&account), after(&yaml), "{} {:?}", address, kind);
                }
            }
        }
    }
}

#[test]
fn what_changes_is_marked_on_both_sides() {
    let mut duo = FakeDuo::new();
    let before = desired([
        app("vpn", "radius", "VPN").groups(&["VPN Users", "Contractors"]).text("policy", "PO1"),
        app("wiki", "websdk", "Wiki"),
        app("siem", "adminapi", "SIEM").text("user_access", "no_users").list("permissions", &["read_log"]),
    ]);
    duo.apply(&plan_pruning(&before, &duo, Prune::No));
    let after = desired([
        app("vpn", "radius", "VPN").groups(&["Contractors", "Staff"]).clear("policy"),
        app("wiki", "websdk", "Wiki").groups(&["DG1"]),
        app("siem", "adminapi", "SIEM")
            .text("user_access", "no_users")
            .list("permissions", &["read_log", "info"]),
        app("new", "radius", "New"),
    ]);
    let plan = plan_pruning(&after, &duo, Prune::No);
    let (yaml, account) = graphs(&after, &duo.observation(), &plan);
    for graph in [yaml, account] {
        let marks = |address: &str| {
            let edges = graph.edges().into_iter().filter(|edge| edge.from == address || edge.to == address);
            let marked = edges.filter_map(|edge| {
                let other = if edge.from == address { edge.to } else { edge.from };
                Some(format!("{}{}", edge.change?.sign(), other))
            });
            marked.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
        };
        let changes = |key: &str| graph.node(&format!("applications.{key}")).unwrap().change;
        let groups: Vec<&str> = graph.ids().filter(|id| id.starts_with("group:")).collect();
        assert_eq!(marks("applications.siem"), "+permission:info", "{groups:?}");
        assert_eq!(marks("applications.new"), "+users:all");
        let wiki = marks("applications.wiki");
        assert!(wiki.contains("-users:all") && wiki.contains("+group:"), "{wiki}");
        let vpn = marks("applications.vpn");
        assert_eq!(vpn.matches("group:").count(), 2, "{vpn}");
        assert!(vpn.contains("-policy:"), "{vpn}");
        assert_eq!((changes("vpn"), changes("new")), (Some(Mark::Changed), Some(Mark::Added)));
    }
}
