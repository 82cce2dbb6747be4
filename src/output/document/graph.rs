//! The document of `graph`: who can reach what, and what a plan changes about it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::bare_key;
use crate::reconcile::graph::build::{Access, Part};
use crate::reconcile::graph::{Edge, Graph, Mark, Node, NodeKind};
use crate::reconcile::plan::Action;

use super::kind::{FORMAT_VERSION, Kind};
use super::plan::{PlanDocument, StepDocument};

/// Where a graph comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GraphSource {
    /// The YAML.
    Yaml,
    /// The account.
    Account,
}

/// The outcome of `graph`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GraphDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `graph`.
    #[schemars(with = "String", extend("const" = "graph"))]
    pub kind: Kind,
    /// The workspace.
    pub workspace: String,
    /// The account's API hostname.
    pub api_hostname: String,
    /// Where it comes from.
    pub source: GraphSource,
    /// People, applications and what they have, by kind and ID.
    pub nodes: Vec<Node>,
    /// From people and entries to applications, and from applications to what they have.
    pub edges: Vec<Edge>,
}

impl GraphDocument {
    /// A document of a graph.
    pub fn new(workspace: &str, host: &str, source: GraphSource, graph: &Graph) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Graph,
            workspace: workspace.to_owned(),
            api_hostname: host.to_owned(),
            source,
            nodes: graph.nodes(),
            edges: graph.edges(),
        }
    }

    /// Whether it shows what a plan changes.
    pub fn has_changes(&self) -> bool {
        let edges = self.edges.iter().map(|edge| edge.change);
        self.nodes.iter().map(|node| node.change).chain(edges).any(|change| change.is_some())
    }
}

/// Marks in a graph what a plan adds, changes and removes. What goes away is added to the graph of the YAML, and what is new
/// to that of the account.
pub fn mark_changes(graph: &mut Graph, plan: &PlanDocument, source: GraphSource) {
    // Only applications have nodes of their own.
    for step in plan.steps.iter().filter(|step| step.kind == crate::kinds::Kind::Application) {
        let existed = graph.node(&step.address).is_some();
        if !existed {
            part(step, None).add_to(graph);
        }
        match step.action {
            Action::Create => {
                if source == GraphSource::Account {
                    connect(graph, step, &part(step, Some(false)));
                }
                graph.mark(&step.address, Mark::Added);
                graph.mark_edges(&step.address, false, Mark::Added);
            }
            Action::Delete => {
                graph.mark(&step.address, Mark::Removed);
                graph.mark_edges(&step.address, false, Mark::Removed);
            }
            Action::Quarantine => {
                graph.mark(&step.address, Mark::Removed);
                graph.mark_edges(&step.address, true, Mark::Removed);
                graph.mark_others(&step.address, NodeKind::Permission, &[], Mark::Removed);
            }
            Action::Update | Action::Adopt | Action::Replace => {
                graph.mark(&step.address, Mark::Changed);
                mark_connections(graph, step, source);
            }
            Action::Deliver | Action::Rotate | Action::Retain => graph.mark(&step.address, Mark::Changed),
        }
    }
}

/// The fields that connect an application, with what they connect it to.
const CONNECTIONS: [(&str, NodeKind); 4] = [
    ("user_access", NodeKind::Users),
    ("groups_allowed", NodeKind::Group),
    ("policy", NodeKind::Policy),
    ("permissions", NodeKind::Permission),
];

/// Marks what an application loses and gets.
fn mark_connections(graph: &mut Graph, step: &StepDocument, source: GraphSource) {
    let (before, after) = (part(step, Some(true)), part(step, Some(false)));
    let (lost, got) = (others(&before), others(&after));
    let changes = |field: &str| step.changes.iter().any(|change| change.field == field);
    let address = step.address.as_str();
    match source {
        // The account says by name what a plan may only have by ID.
        GraphSource::Account => {
            for (_, kind) in CONNECTIONS.into_iter().filter(|(field, _)| changes(field)) {
                graph.mark_others(address, kind, &got, Mark::Removed);
            }
            for other in &got {
                if !graph.connects(address, other) {
                    graph.connect(address, other.clone());
                    graph.mark_edge(address, other, Mark::Added);
                }
            }
        }
        GraphSource::Yaml => {
            // The YAML may name something by its ID, and then the plan has a name for it.
            for (_, kind) in CONNECTIONS.into_iter().filter(|(field, _)| changes(field)) {
                let mut renamed =
                    got.iter().filter(|it| it.kind == kind && !graph.connects(address, it)).peekable();
                if renamed.peek().is_some() && renamed.all(|other| !lost.contains(other)) {
                    graph.mark_others(address, kind, &got, Mark::Added);
                }
            }
            for other in lost.iter().filter(|other| !got.contains(other)) {
                graph.connect(address, other.clone());
                graph.mark_edge(address, other, Mark::Removed);
            }
            for other in got.iter().filter(|other| !lost.contains(other)) {
                graph.mark_edge(address, other, Mark::Added);
            }
        }
    }
    // The groups may stay as they are while the switch that makes them count changes.
    match after.access {
        Access::Everyone | Access::NoOne => graph.mark_others(address, NodeKind::Group, &[], Mark::Removed),
        Access::Groups(groups) if groups.is_empty() && changes("user_access") => {
            graph.mark_others(address, NodeKind::Group, &[], Mark::Added);
        }
        Access::Groups(_) | Access::Unknown => {}
    }
}

fn connect(graph: &mut Graph, step: &StepDocument, part: &Part) {
    others(part).into_iter().for_each(|other| graph.connect(&step.address, other));
}

/// What an application is connected to.
fn others(part: &Part) -> Vec<Node> {
    let policy = part.policy.iter().map(|name| Node::new(NodeKind::Policy, name));
    let permissions = part.permissions.iter().map(|name| Node::new(NodeKind::Permission, name));
    let store = part.store.iter().map(|name| Node::new(NodeKind::SecretStore, name));
    part.access.nodes().into_iter().chain(policy).chain(permissions).chain(store).collect()
}

/// The application of a step, with the connections that its changes show: those before or after them, or none.
fn part(step: &StepDocument, before: Option<bool>) -> Part {
    let value = |field: &str| -> Option<&Value> {
        let change = step.changes.iter().find(|change| change.field == field)?;
        before.map(|before| if before { &change.before } else { &change.after })
    };
    let texts = |field: &str| -> BTreeSet<String> {
        let items = value(field).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(bare_key).collect()
    };
    let text = |field: &str| value(field).and_then(Value::as_str);
    let delivered = step.delivery.as_ref().filter(|_| before == Some(false) && step.action == Action::Create);
    Part {
        id: step.address.clone(),
        name: step.name.clone(),
        variant: Some(step.variant.clone()).filter(|variant| !variant.is_empty()),
        unmanaged: false,
        access: Access::of(text("user_access").unwrap_or_default(), texts("groups_allowed")),
        policy: text("policy").map(bare_key),
        permissions: texts("permissions"),
        store: delivered.map(|delivery| delivery.store.clone()),
    }
}

#[cfg(test)]
mod tests;
