//! Graphs as drawings. Each format writes the same words; only how it makes them harmless differs.

pub(super) mod dot;
mod layout;
pub(crate) mod mermaid;
pub(super) mod svg;

use std::collections::{BTreeMap, HashMap};

use super::document::{Document, GraphDocument};
use crate::language::address::Place;
use crate::reconcile::graph::{Mark, Node, NodeKind};
use crate::text::safe;

/// The graph of a document; `None` for any other document.
pub(super) fn of(document: &Document) -> Option<&GraphDocument> {
    match document {
        Document::Graph(graph) => Some(graph),
        _ => None,
    }
}

/// A node in words: its name with the sign of a change, and what it is. Safe to print, but nothing more.
pub(super) fn words(node: &Node) -> (String, String) {
    let sign = node.change.map(|change| format!("{} ", change.sign())).unwrap_or_default();
    let (name, about) = match (node.kind, node.members.as_slice()) {
        (NodeKind::Users, _) => ("All users".to_owned(), String::new()),
        (NodeKind::Application, [_, _, ..]) => several(node),
        (NodeKind::Application, members) => {
            let variant = members.first().and_then(|member| member.variant.as_deref());
            let name = if node.name.is_empty() { &node.id } else { &node.name };
            (name.clone(), facts(node, Some(node.id.as_str()).filter(|id| id != name), variant))
        }
        (NodeKind::IdentityIntelligence, _) => {
            let name = Place::entry(&node.name);
            (name.to_owned(), "Identity Intelligence".to_owned())
        }
        (NodeKind::Group, _) => (node.name.clone(), "group".to_owned()),
        (NodeKind::Policy, _) => (node.name.clone(), "policy".to_owned()),
        (NodeKind::Permission, _) => (node.name.clone(), "permission".to_owned()),
        (NodeKind::SecretStore, _) => (node.name.clone(), "secret store".to_owned()),
    };
    (format!("{sign}{}", safe(&name)), safe(&about))
}

/// Several applications: how many of which type, and some of them.
fn several(node: &Node) -> (String, String) {
    let count = node.members.len();
    let unmanaged = if node.unmanaged { "unmanaged " } else { "" };
    let mut types: Vec<&str> = node.members.iter().filter_map(|member| member.variant.as_deref()).collect();
    types.sort_unstable();
    types.dedup();
    let name = match types.as_slice() {
        [] => format!("{count} {unmanaged}applications"),
        [one] => format!("{count} {unmanaged}applications of type {one}"),
        several => format!("{count} {unmanaged}applications of {} types", several.len()),
    };
    let names: Vec<&str> = node.members.iter().take(3).map(|member| member.name.as_str()).collect();
    let more = if count > names.len() { ", …" } else { "" };
    let names = format!("{}{more}", names.join(", "));
    (name, if node.access.as_deref() == Some(NO_ONE) { format!("no users · {names}") } else { names })
}

const NO_ONE: &str = "no_users";

/// What is said about one application below its name.
fn facts(node: &Node, id: Option<&str>, variant: Option<&str>) -> String {
    let no_one = (node.access.as_deref() == Some(NO_ONE)).then_some("no users");
    let unmanaged = node.unmanaged.then_some("unmanaged");
    let (first, last) = if node.unmanaged { (unmanaged, id) } else { (id, None) };
    [first, variant, no_one, last].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Every application of a node with its address or key, for those who want to know exactly.
pub(super) fn members(node: &Node) -> String {
    let member = |(id, name): (&str, &str)| {
        if id == name { safe(id) } else { format!("{} ({})", safe(name), safe(id)) }
    };
    node.members.iter().map(|it| member((&it.id, &it.name))).collect::<Vec<_>>().join(", ")
}

/// What the marks mean, as far as they occur.
pub(super) fn legend(graph: &GraphDocument) -> Vec<(Mark, String)> {
    let marks = [Mark::Added, Mark::Changed, Mark::Removed];
    let occurs = |mark: &Mark| {
        graph.edges.iter().any(|edge| edge.change == Some(*mark))
            || graph.nodes.iter().any(|node| node.change == Some(*mark))
    };
    marks.into_iter().filter(occurs).map(|mark| (mark, format!("{} {}", mark.sign(), mark.word()))).collect()
}

/// The heading of a kind of node.
pub(super) fn heading(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Users | NodeKind::Group => "Who",
        NodeKind::IdentityIntelligence => "Identity Intelligence",
        NodeKind::Application => "Applications",
        NodeKind::Policy => "Policies",
        NodeKind::Permission => "Permissions",
        NodeKind::SecretStore => "Secret stores",
    }
}

/// What a drawing is of.
pub(super) fn title(graph: &GraphDocument) -> String {
    format!("{} on {}", safe(&graph.workspace), safe(&graph.api_hostname))
}

/// Names of neighbours by their kind, each with what a plan does to the connection.
type Neighbours = BTreeMap<NodeKind, Vec<(String, Option<Mark>)>>;

/// A node of an application with what it is connected to, by heading.
pub(super) struct Row<'g> {
    pub(super) node: &'g Node,
    pub(super) others: Neighbours,
}

/// The graph as a list: every node of an application with the names of its neighbours.
pub(super) fn rows(graph: &GraphDocument) -> Vec<Row<'_>> {
    let nodes: HashMap<&str, &Node> = graph.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut others: HashMap<&str, Neighbours> = HashMap::new();
    for edge in &graph.edges {
        for (one, other) in [(&edge.from, &edge.to), (&edge.to, &edge.from)] {
            let Some(other) = nodes.get(other.as_str()) else { continue };
            let name = words(&Node { change: None, ..(*other).clone() }).0;
            others.entry(one).or_default().entry(other.kind).or_default().push((name, edge.change));
        }
    }
    let applications = graph.nodes.iter().filter(|node| node.kind == NodeKind::Application);
    let mut rows = Vec::new();
    for node in applications {
        rows.push(Row { node, others: others.remove(node.id.as_str()).unwrap_or_default() });
    }
    rows
}
