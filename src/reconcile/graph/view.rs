//! What of a graph is shown: the surroundings of some nodes, and one node for applications that are alike.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, Mark, Node, NodeKind};

/// From more applications than this on, those that are alike share a node.
const MANY: usize = 30;

/// From more nodes of applications than this on, they may also differ in their type.
const STILL_MANY: usize = 60;

/// What applications have in common that share a node: their connections, and what is said about each.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    unmanaged: bool,
    access: Option<String>,
    change: Option<Mark>,
    edges: Vec<(bool, String, Option<Mark>)>,
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
        let mut edges: BTreeMap<&str, Vec<(bool, String, Option<Mark>)>> = BTreeMap::new();
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
