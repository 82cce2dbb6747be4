//! Where the nodes of a drawing are: three columns, each in the order in which the fewest edges cross, and each node as near to
//! its neighbours as the others let it be.

use std::collections::HashMap;

use crate::output::document::GraphDocument;
use crate::reconcile::graph::NodeKind;

use super::heading;

/// The width of a node.
pub(super) const WIDTH: i64 = 290;
/// The height of a node.
pub(super) const HEIGHT: i64 = 42;
/// Between two nodes of a column.
const GAP: i64 = 10;
/// Between two columns, for the edges.
const BETWEEN: i64 = 140;
/// Above the first node of a kind, for its heading.
const HEADING: i64 = 30;
/// Around everything.
pub(super) const MARGIN: i64 = 24;
/// Above the columns, for the title.
const TOP: i64 = 78;
/// How often the columns are sorted by their neighbours.
const SWEEPS: usize = 6;

/// A drawing before it has a form.
#[derive(Debug)]
pub(super) struct Layout {
    /// The left and upper end of each node, in the order of the document.
    pub(super) places: Vec<(i64, i64)>,
    /// The headings, each with its left end and its baseline.
    pub(super) headings: Vec<(i64, i64, &'static str)>,
    /// The ends of each edge as numbers of nodes; `None` if an end is missing.
    pub(super) edges: Vec<Option<(usize, usize)>>,
    /// The size of the whole.
    pub(super) size: (i64, i64),
}

impl Layout {
    /// Places the nodes of a graph.
    pub(super) fn of(graph: &GraphDocument) -> Self {
        let numbers: HashMap<&str, usize> =
            graph.nodes.iter().enumerate().map(|(number, node)| (node.id.as_str(), number)).collect();
        let ends = |from: &str, to: &str| Some((*numbers.get(from)?, *numbers.get(to)?));
        let edges: Vec<Option<(usize, usize)>> =
            graph.edges.iter().map(|edge| ends(&edge.from, &edge.to)).collect();
        let mut neighbours = vec![Vec::new(); graph.nodes.len()];
        for (from, to) in edges.iter().flatten() {
            for (one, other) in [(*from, *to), (*to, *from)] {
                if let Some(near) = neighbours.get_mut(one) {
                    near.push(other);
                }
            }
        }
        let kinds: Vec<NodeKind> = graph.nodes.iter().map(|node| node.kind).collect();
        let mut columns: [Column; 3] = [0, 1, 2].map(|column| Column::of(column, &kinds));
        let (mut places, mut bottom) = (vec![0; kinds.len()], 0);
        for sweep in 0..=SWEEPS {
            for column in &mut columns {
                // The last time, nodes move to their neighbours, but keep their order.
                if sweep < SWEEPS {
                    column.sort(&places, &neighbours);
                    column.stack(&mut places);
                }
            }
            bottom = columns.iter().map(|column| column.height(&places)).max().unwrap_or_default();
        }
        for column in [0, 2] {
            if let Some(column) = columns.get_mut(column) {
                column.settle(&mut places, &neighbours, bottom);
            }
        }
        let shown = columns.iter().enumerate().flat_map(|(number, column)| column.headings(number, &places));
        let headings = shown.collect();
        let x = |kind: NodeKind| left(column(kind));
        let placed = kinds.iter().zip(&places).map(|(kind, y)| (x(*kind), *y)).collect();
        let right = left(2) + WIDTH + MARGIN;
        Self { places: placed, headings, edges, size: (right, bottom.max(TOP + HEIGHT) + MARGIN) }
    }
}

fn left(column: usize) -> i64 {
    MARGIN + i64::try_from(column).unwrap_or_default() * (WIDTH + BETWEEN)
}

/// The column of a kind.
fn column(kind: NodeKind) -> usize {
    match kind {
        NodeKind::Users | NodeKind::Group | NodeKind::IdentityIntelligence => 0,
        NodeKind::Application => 1,
        NodeKind::Policy | NodeKind::Permission | NodeKind::SecretStore => 2,
    }
}

/// The nodes of a column from the top, by their headings.
struct Column {
    sections: Vec<(&'static str, Vec<usize>)>,
}

impl Column {
    fn of(number: usize, kinds: &[NodeKind]) -> Self {
        let mut sections: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for (node, kind) in kinds.iter().enumerate().filter(|(_, kind)| column(**kind) == number) {
            let title = heading(*kind);
            match sections.iter_mut().find(|(found, _)| *found == title) {
                Some((_, nodes)) => nodes.push(node),
                None => sections.push((title, vec![node])),
            }
        }
        Self { sections }
    }

    /// By the mean place of their neighbours; nodes without any come last.
    fn sort(&mut self, places: &[i64], neighbours: &[Vec<usize>]) {
        for (_, nodes) in &mut self.sections {
            nodes.sort_by_key(|node| mean(*node, places, neighbours).unwrap_or(i64::MAX));
        }
    }

    /// One below the other, from the top.
    fn stack(&self, places: &mut [i64]) {
        let mut top = TOP;
        for (_, nodes) in &self.sections {
            top += HEADING;
            for node in nodes {
                put(places, *node, top);
                top += HEIGHT + GAP;
            }
        }
    }

    /// Each as near to its neighbours as the nodes above and below it let it be.
    fn settle(&self, places: &mut [i64], neighbours: &[Vec<usize>], bottom: i64) {
        let order: Vec<(usize, i64)> = self
            .sections
            .iter()
            .flat_map(|(_, nodes)| {
                nodes.iter().enumerate().map(|(index, node)| (*node, if index == 0 { HEADING } else { 0 }))
            })
            .collect();
        let mut top = TOP;
        for (node, above) in &order {
            let wanted = mean(*node, places, neighbours).unwrap_or(top);
            let place = wanted.max(top + above);
            put(places, *node, place);
            top = place + HEIGHT + GAP;
        }
        let mut end = bottom;
        for (node, above) in order.iter().rev() {
            let place = places.get(*node).copied().unwrap_or_default().min(end - HEIGHT);
            put(places, *node, place);
            end = place - GAP - above;
        }
    }

    fn height(&self, places: &[i64]) -> i64 {
        let all = self.sections.iter().flat_map(|(_, nodes)| nodes);
        all.filter_map(|node| places.get(*node)).max().map_or(0, |last| last + HEIGHT)
    }

    fn headings(&self, number: usize, places: &[i64]) -> Vec<(i64, i64, &'static str)> {
        let first = |nodes: &[usize]| nodes.first().and_then(|node| places.get(*node)).copied();
        let all = self.sections.iter().filter_map(|(title, nodes)| Some((*title, first(nodes)?)));
        all.map(|(title, top)| (left(number), top - 8, title)).collect()
    }
}

fn put(places: &mut [i64], node: usize, place: i64) {
    if let Some(found) = places.get_mut(node) {
        *found = place;
    }
}

/// The mean place of a node's neighbours.
fn mean(node: usize, places: &[i64], neighbours: &[Vec<usize>]) -> Option<i64> {
    let near = neighbours.get(node)?;
    let sum: i64 = near.iter().filter_map(|other| places.get(*other)).sum();
    sum.checked_div(i64::try_from(near.len()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::document::GraphSource;
    use crate::reconcile::graph::{Graph, Node};

    /// Applications, each with one of the groups and one of the policies.
    fn graph(applications: usize, groups: usize, policies: usize) -> GraphDocument {
        let mut graph = Graph::default();
        for number in 0..applications {
            let id = format!("applications.a{number:03}");
            graph.add(Node::new(NodeKind::Application, &id));
            if groups > 0 {
                graph.connect(&id, Node::new(NodeKind::Group, &format!("g{}", number * 7 % groups)));
            }
            if policies > 0 {
                graph.connect(&id, Node::new(NodeKind::Policy, &format!("p{}", number * 5 % policies)));
            }
        }
        GraphDocument::new("acme", "api.example.com", GraphSource::Yaml, &graph)
    }

    #[test]
    fn nodes_lie_inside_and_never_on_each_other() {
        for (applications, groups, policies) in [(0, 0, 0), (1, 1, 1), (3, 9, 0), (40, 7, 5), (5, 0, 30)] {
            let layout = Layout::of(&graph(applications, groups, policies));
            for (number, (x, y)) in layout.places.iter().enumerate() {
                assert!(*x >= MARGIN && x + WIDTH + MARGIN <= layout.size.0, "{x}");
                assert!(*y >= TOP + HEADING && y + HEIGHT + MARGIN <= layout.size.1, "{y} {:?}", layout.size);
                for (other, below) in layout.places.iter().skip(number + 1) {
                    assert!(x != other || (y - below).abs() >= HEIGHT + GAP, "{y} {below}");
                }
            }
        }
    }

    #[test]
    fn neighbours_are_near() {
        // Each of ten groups has its own application, in the opposite order of their names.
        let mut graph = Graph::default();
        for number in 0..10 {
            let id = format!("applications.a{number}");
            graph.add(Node::new(NodeKind::Application, &id));
            graph.connect(&id, Node::new(NodeKind::Group, &format!("g{}", 9 - number)));
        }
        let layout = Layout::of(&GraphDocument::new("acme", "h", GraphSource::Yaml, &graph));
        for (from, to) in layout.edges.iter().flatten() {
            let (from, to) = (layout.places[*from].1, layout.places[*to].1);
            assert_eq!(from, to, "a straight line crosses no other");
        }
    }
}
