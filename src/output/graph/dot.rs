//! A graph in Graphviz's language.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{members, title, words};
use crate::output::document::GraphDocument;
use crate::reconcile::graph::{Mark, Node, NodeKind};

const BEGIN: &str = "  graph [rankdir=LR, ranksep=1.4, nodesep=0.18, labelloc=t, fontname=\"Helvetica\", fontsize=13, charset=\"UTF-8\"];
  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#8a96a3\", fontname=\"Helvetica\", fontsize=11, margin=\"0.14,0.06\"];
  edge [color=\"#8a96a3\", arrowsize=0.6, fontname=\"Helvetica\"];
";

/// The graph as text.
pub(in crate::output) fn text(graph: &GraphDocument) -> String {
    let label = format!("{}\n{}", title(graph), graph.last_line());
    let mut text = format!("digraph duoctl {{\n{BEGIN}  label={};\n", quoted(&label));
    let names: HashMap<&str, usize> =
        graph.nodes.iter().enumerate().map(|(number, node)| (node.id.as_str(), number)).collect();
    for (number, node) in graph.nodes.iter().enumerate() {
        let (name, about) = words(node);
        let label = if about.is_empty() { name } else { format!("{name}\n{about}") };
        let tooltip = if node.members.is_empty() { node.id.clone() } else { members(node) };
        let tooltip = quoted(&crate::text::safe(&tooltip));
        let _ = writeln!(text, "  n{number} [label={}, tooltip={tooltip}{}];", quoted(&label), look(node));
    }
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (names.get(edge.from.as_str()), names.get(edge.to.as_str())) else {
            continue;
        };
        let look = match edge.change {
            Some(Mark::Added) => " [color=\"#1a7f37\", fontcolor=\"#1a7f37\", penwidth=2, label=\"+\"]",
            Some(Mark::Removed) => {
                " [color=\"#c21e2c\", fontcolor=\"#c21e2c\", penwidth=2, style=dashed, label=\"-\"]"
            }
            Some(Mark::Changed) | None => "",
        };
        let _ = writeln!(text, "  n{from} -> n{to}{look};");
    }
    text.push_str("}\n");
    text
}

/// The attributes by which a node differs from others.
fn look(node: &Node) -> String {
    let shape = match node.kind {
        NodeKind::Users | NodeKind::Group => ", fillcolor=\"#e3effb\"",
        NodeKind::IdentityIntelligence => ", fillcolor=\"#ece6fb\"",
        NodeKind::Application => "",
        NodeKind::Policy => ", fillcolor=\"#f3efe0\"",
        NodeKind::Permission => ", fillcolor=\"#f7e9e1\"",
        NodeKind::SecretStore => ", fillcolor=\"#e6f1ec\"",
    };
    let change = match node.change {
        Some(Mark::Added) => ", color=\"#1a7f37\", penwidth=2",
        Some(Mark::Changed) => ", color=\"#8a5a00\", penwidth=2",
        Some(Mark::Removed) => ", color=\"#c21e2c\", penwidth=2, style=\"rounded,filled,dashed\"",
        None if node.unmanaged => ", style=\"rounded,filled,dashed\"",
        None => "",
    };
    format!("{shape}{change}")
}

/// A quoted string. Graphviz reads escapes such as `\N` in it, and entities of HTML; a line break is its own.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '&' => quoted.push_str("&amp;"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
