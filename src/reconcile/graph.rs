//! Who can reach what, as a graph: people, applications, and what holds for or belongs to an application. Pure, like the
//! plan: the YAML or a reading of the account goes in.

pub mod build;
mod view;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a node stands for. Edges lead from people and entries to applications, and from there to all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Every user of the account.
    Users,
    /// A group that may log in.
    Group,
    /// An entry of `identity_intelligence`, which has one or two applications.
    IdentityIntelligence,
    /// An application, or several that are alike.
    Application,
    /// The policy of an application.
    Policy,
    /// A permission of an Admin API application.
    Permission,
    /// A secret store that gets the key of an application.
    SecretStore,
}

impl NodeKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Users,
        Self::Group,
        Self::IdentityIntelligence,
        Self::Application,
        Self::Policy,
        Self::Permission,
        Self::SecretStore,
    ];

    /// The name of one, as in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Group => "group",
            Self::IdentityIntelligence => "identity_intelligence",
            Self::Application => "application",
            Self::Policy => "policy",
            Self::Permission => "permission",
            Self::SecretStore => "secret_store",
        }
    }

    /// The ID of a node of this kind. Applications and entries have their address instead.
    pub fn id(self, name: &str) -> String {
        match self {
            Self::Application | Self::IdentityIntelligence => name.to_owned(),
            Self::Users | Self::Group | Self::Policy | Self::Permission | Self::SecretStore => {
                format!("{}:{name}", self.name())
            }
        }
    }
}

/// What a plan does to a node or an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It is new.
    Added,
    /// It stays, but something about it changes.
    Changed,
    /// It goes away; for a quarantined application, no one can use it any longer.
    Removed,
}

impl Mark {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }

    /// The sign, as in plans.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Changed => "~",
            Self::Removed => "-",
        }
    }
}

/// One application of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Its address, or its integration key if it is not managed.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type, if the YAML names one.
    #[serde(rename = "type")]
    pub variant: Option<String>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Unique in the document: an address, the integration key of an unmanaged application, or a kind and a name such as
    /// `group:VPN Users`.
    pub id: String,
    /// What it stands for.
    pub kind: NodeKind,
    /// Its name; empty for several applications.
    pub name: String,
    /// Only for applications: `all_users`, `permitted_groups` or `no_users`; null if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// Whether nothing in the YAML declares it; only if the account was read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmanaged: bool,
    /// The applications that it stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// What the plan does to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Mark>,
}

impl Node {
    /// A node other than an application.
    pub fn new(kind: NodeKind, name: &str) -> Self {
        Self {
            id: kind.id(name),
            kind,
            name: name.to_owned(),
            access: None,
            unmanaged: false,
            members: Vec::new(),
            change: None,
        }
    }
}

/// A connection between two nodes, by their IDs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// Who, or which application.
    pub from: String,
    /// Which application, or what it has.
    pub to: String,
    /// What the plan does to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Mark>,
}

/// The graph while it is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: BTreeMap<String, Node>,
    edges: BTreeMap<(String, String), Option<Mark>>,
}

impl Graph {
    /// The nodes by their kind and ID.
    pub fn nodes(&self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self.nodes.values().cloned().collect();
        nodes.sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
        nodes
    }

    /// The edges by their ends.
    pub fn edges(&self) -> Vec<Edge> {
        let edge = |((from, to), change): (&(String, String), &Option<Mark>)| Edge {
            from: from.clone(),
            to: to.clone(),
            change: *change,
        };
        self.edges.iter().map(edge).collect()
    }

    /// A node by its ID.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// The IDs of all nodes.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// Whether an application is connected to a node.
    pub fn connects(&self, application: &str, other: &Node) -> bool {
        self.edges.contains_key(&ends(application, other))
    }

    /// Adds a node, unless there is one with its ID.
    pub fn add(&mut self, node: Node) {
        self.nodes.entry(node.id.clone()).or_insert(node);
    }

    /// Adds an edge to or from an application, and the node at its other end.
    pub fn connect(&mut self, application: &str, other: Node) {
        let ends = ends(application, &other);
        self.add(other);
        self.edges.entry(ends).or_default();
    }

    /// Says what a plan does to a node.
    pub fn mark(&mut self, id: &str, change: Mark) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.change = Some(change);
        }
    }

    /// Says what a plan does to an edge of an application, if there is one.
    pub fn mark_edge(&mut self, application: &str, other: &Node, change: Mark) {
        if let Some(found) = self.edges.get_mut(&ends(application, other)) {
            *found = Some(change);
        }
    }

    /// Says what a plan does to the edges between an application and nodes of a kind, except some.
    pub fn mark_others(&mut self, application: &str, kind: NodeKind, except: &[Node], change: Mark) {
        let is_meant = |id: &str| {
            let node = self.nodes.get(id).filter(|node| node.kind == kind);
            node.is_some_and(|node| except.iter().all(|other| other.id != node.id))
        };
        for ((from, to), found) in &mut self.edges {
            if to == application && is_meant(from) || from == application && is_meant(to) {
                *found = Some(change);
            }
        }
    }

    /// Says what a plan does to the edges of an application: to all of them, or only to those by which people reach it.
    pub fn mark_edges(&mut self, application: &str, only_people: bool, change: Mark) {
        for ((from, to), found) in &mut self.edges {
            if to == application || from == application && !only_people {
                *found = Some(change);
            }
        }
    }
}

/// The ends of an edge between an application and another node.
fn ends(application: &str, other: &Node) -> (String, String) {
    match other.kind {
        NodeKind::Users | NodeKind::Group | NodeKind::IdentityIntelligence => {
            (other.id.clone(), application.to_owned())
        }
        NodeKind::Application | NodeKind::Policy | NodeKind::Permission | NodeKind::SecretStore => {
            (application.to_owned(), other.id.clone())
        }
    }
}
