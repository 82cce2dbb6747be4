//! What of a graph is shown: the surroundings of some nodes, and one node for applications that are alike.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, Mark, Node, NodeKind};

/// From more applications than this on, those that are alike share a node.
const MANY: usize = 30;

/// From more nodes of applications than this on, they may also differ in their type.
const STILL_MANY: usize = 60;

/// The edges of a node: whether each leads to it, its other end, and what a plan does to it.
type Ends = Vec<(bool, String, Option<Mark>)>;

/// What applications have in common that share a node: their connections, and what is said about each.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    unmanaged: bool,
    access: Option<String>,
    change: Option<Mark>,
    edges: Ends,
    /// Left out if applications of several types share a node.
    variant: Option<Option<String>>,
}

impl Graph {
    /// Only these nodes, those from which they can be reached, and those that they reach.
    #[must_use]
    pub fn around(&self, ids: &BTreeSet<String>) -> Self {
        let mut kept = ids.clone();
        for up in [true, false] {
            let mut reached = ids.clone();
            // Every path has at most two edges.
            for _ in 0..2 {
                let next: Vec<String> = self
                    .edges
                    .keys()
                    .map(|(from, to)| if up { (to, from) } else { (from, to) })
                    .filter(|(near, _)| reached.contains(*near))
                    .map(|(_, far)| far.clone())
                    .collect();
                reached.extend(next);
            }
            kept.extend(reached);
        }
        let both = |(from, to): &(String, String)| kept.contains(from) && kept.contains(to);
        Self {
            nodes: self.nodes.iter().filter(|(id, _)| kept.contains(*id)).map(owned).collect(),
            edges: self.edges.iter().filter(|(ends, _)| both(ends)).map(owned).collect(),
        }
    }

    /// With one node for applications that are alike, if there are many applications.
    #[must_use]
    pub fn grouped(&self) -> Self {
        if self.applications() <= MANY {
            return self.clone();
        }
        let by_type = self.merged(true);
        if by_type.applications() > STILL_MANY { self.merged(false) } else { by_type }
    }

    /// How many nodes stand for applications.
    fn applications(&self) -> usize {
        self.nodes.values().filter(|node| node.kind == NodeKind::Application).count()
    }

    fn merged(&self, by_type: bool) -> Self {
        let mut edges: BTreeMap<&str, Ends> = BTreeMap::new();
        for ((from, to), change) in &self.edges {
            edges.entry(from).or_default().push((false, to.clone(), *change));
            edges.entry(to).or_default().push((true, from.clone(), *change));
        }
        let mut alike: BTreeMap<Alike, Vec<&Node>> = BTreeMap::new();
        for node in self.nodes.values().filter(|node| node.kind == NodeKind::Application) {
            let variant = node.members.first().map(|member| member.variant.clone());
            let key = Alike {
                unmanaged: node.unmanaged,
                access: node.access.clone(),
                change: node.change,
                edges: edges.get(node.id.as_str()).cloned().unwrap_or_default(),
                variant: variant.filter(|_| by_type),
            };
            alike.entry(key).or_default().push(node);
        }
        let mut merged = self.clone();
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        let several = alike.values().filter_map(|nodes| Some((nodes.first()?, nodes.get(1..)?)));
        for (first, others) in several.filter(|(_, others)| !others.is_empty()) {
            gone.extend(others.iter().map(|other| other.id.as_str()));
            if let Some(node) = merged.nodes.get_mut(&first.id) {
                node.name.clear();
                node.members.extend(others.iter().flat_map(|other| other.members.clone()));
            }
        }
        merged.nodes.retain(|id, _| !gone.contains(id.as_str()));
        merged.edges.retain(|(from, to), _| !gone.contains(from.as_str()) && !gone.contains(to.as_str()));
        merged
    }
}

fn owned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reconcile::graph::build::{Access, Part};

    fn part(number: usize, groups: &[usize], policy: Option<usize>, variant: usize) -> Part {
        Part {
            id: format!("applications.a{number:03}"),
            name: format!("A{number}"),
            variant: Some(format!("t{variant}")),
            unmanaged: number.is_multiple_of(7),
            access: Access::Groups(groups.iter().map(|group| format!("g{group}")).collect()),
            policy: policy.map(|policy| format!("p{policy}")),
            permissions: BTreeSet::new(),
            store: None,
        }
    }

    fn graphs() -> impl Strategy<Value = Graph> {
        let one = (proptest::collection::vec(0..3_usize, 0..3), proptest::option::of(0..2_usize), 0..6_usize);
        proptest::collection::vec((one, any::<bool>()), 0..150).prop_map(|all| {
            let mut graph = Graph::default();
            for (number, ((groups, policy, variant), changed)) in all.iter().enumerate() {
                let part = part(number, groups, *policy, *variant);
                part.add_to(&mut graph);
                if *changed && number.is_multiple_of(5) {
                    graph.mark(&part.id, Mark::Changed);
                    graph.mark_edges(&part.id, true, Mark::Added);
                }
            }
            graph
        })
    }

    /// What is connected to a node, and how.
    fn neighbours(graph: &Graph, id: &str) -> BTreeSet<(String, Option<Mark>)> {
        let edges = graph.edges().into_iter();
        let near = edges.filter(|edge| edge.from == id || edge.to == id);
        near.map(|edge| (if edge.from == id { edge.to } else { edge.from }, edge.change)).collect()
    }

    proptest! {
        #[test]
        fn what_shares_a_node_is_alike_and_nothing_is_lost(graph in graphs()) {
            let grouped = graph.grouped();
            let mut members = 0;
            for node in grouped.nodes().iter().filter(|node| node.kind == NodeKind::Application) {
                for member in &node.members {
                    members += 1;
                    let own = graph.node(&member.id).unwrap();
                    prop_assert_eq!((own.change, own.unmanaged), (node.change, node.unmanaged));
                    prop_assert_eq!(neighbours(&graph, &own.id), neighbours(&grouped, &node.id));
                }
            }
            prop_assert_eq!(members, graph.applications());
            let others = |graph: &Graph| graph.nodes().len() - graph.applications();
            prop_assert_eq!(others(&graph), others(&grouped));
            prop_assert!(graph.applications() > MANY || graph == grouped);
        }

        #[test]
        fn around_a_node_is_what_it_reaches_and_what_reaches_it(graph in graphs(), which in any::<prop::sample::Index>()) {
            let nodes = graph.nodes();
            if nodes.is_empty() {
                return Ok(());
            }
            let id = which.get(&nodes).id.clone();
            let around = graph.around(&[id.clone()].into());
            prop_assert_eq!(neighbours(&around, &id), neighbours(&graph, &id));
            let edges: BTreeSet<(String, String)> = graph.edges().into_iter().map(|it| (it.from, it.to)).collect();
            let reaches = |from: &str, to: &str| {
                let ids = std::iter::once(from).chain(graph.ids());
                from == to || ids.into_iter().any(|middle| {
                    let step = |from: &str, to: &str| from == to || edges.contains(&(from.to_owned(), to.to_owned()));
                    step(from, middle) && step(middle, to)
                })
            };
            for node in nodes {
                let expected = reaches(&id, &node.id) || reaches(&node.id, &id);
                prop_assert_eq!(around.node(&node.id).is_some(), expected, "{}", node.id);
            }
        }
    }

    #[test]
    fn three_hundred_applications_are_few_nodes() {
        let mut graph = Graph::default();
        (0..300)
            .for_each(|number| part(number, &[number % 3], Some(number % 2), number % 5).add_to(&mut graph));
        assert!(graph.grouped().applications() <= STILL_MANY, "{}", graph.grouped().applications());
        // Of one type each, they are told apart by it.
        let mut few = Graph::default();
        (0..40).for_each(|number| part(number, &[0], None, number % 2).add_to(&mut few));
        let types = few.grouped().nodes().into_iter().filter(|node| node.kind == NodeKind::Application);
        for node in types {
            let types: BTreeSet<_> = node.members.iter().map(|member| member.variant.clone()).collect();
            assert_eq!(types.len(), 1);
        }
    }
}
