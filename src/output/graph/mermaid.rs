//! A graph in Mermaid, which GitHub, GitLab and MkDocs draw.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::words;
use crate::output::document::GraphDocument;
use crate::reconcile::graph::{Mark, Node, NodeKind};

/// How many edges a renderer draws unless its site says otherwise, and how long the text may be.
const MOST: (usize, usize) = (500, 50_000);

/// Colours that read on light and on dark pages.
const CLASSES: &str = "  classDef unmanaged stroke-dasharray: 5 4
  classDef added fill:#dcf5e3,stroke:#1a7f37,stroke-width:2px,color:#0b3d1a
  classDef changed fill:#fdf1d3,stroke:#8a5a00,stroke-width:2px,color:#4a3000
  classDef removed fill:#fde3e4,stroke:#c21e2c,stroke-width:2px,stroke-dasharray:5 4,color:#5c0d14
";

/// The graph as text, with its last line as a comment.
pub(in crate::output) fn text(graph: &GraphDocument) -> String {
    let mut text = format!("%% {}\nflowchart LR\n", comment(&graph.last_line()));
    let names: HashMap<&str, usize> =
        graph.nodes.iter().enumerate().map(|(number, node)| (node.id.as_str(), number)).collect();
    for (number, node) in graph.nodes.iter().enumerate() {
        let (open, close) = shape(node.kind);
        let class = class(node).map(|class| format!(":::{class}")).unwrap_or_default();
        let _ = writeln!(text, "  n{number}{open}\"{}\"{close}{class}", label(node));
    }
    let known = graph
        .edges
        .iter()
        .filter_map(|edge| Some((names.get(edge.from.as_str())?, names.get(edge.to.as_str())?, edge.change)));
    let mut styles = String::new();
    for (number, (from, to, change)) in known.enumerate() {
        let line = match change {
            Some(Mark::Removed) => "-.->|-|",
            Some(Mark::Added) => "-->|+|",
            Some(Mark::Changed) | None => "-->",
        };
        let _ = writeln!(text, "  n{from} {line} n{to}");
        let colour = match change {
            Some(Mark::Added) => "#1a7f37",
            Some(Mark::Removed) => "#c21e2c",
            Some(Mark::Changed) | None => continue,
        };
        let _ = writeln!(styles, "  linkStyle {number} stroke:{colour},stroke-width:2px");
    }
    text.push_str(CLASSES);
    text.push_str(&styles);
    text
}

/// Whether renderers draw it: they refuse what is larger.
pub(crate) fn is_drawn(graph: &GraphDocument) -> bool {
    graph.edges.len() <= MOST.0 && text(graph).len() <= MOST.1
}

fn shape(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Users | NodeKind::Group => ("([", "])"),
        NodeKind::IdentityIntelligence => ("[[", "]]"),
        NodeKind::Application => ("[", "]"),
        NodeKind::Policy => ("{{", "}}"),
        NodeKind::Permission => ("(", ")"),
        NodeKind::SecretStore => ("[(", ")]"),
    }
}

fn class(node: &Node) -> Option<&'static str> {
    node.change.map(Mark::word).or(node.unmanaged.then_some("unmanaged"))
}

fn label(node: &Node) -> String {
    let (name, about) = words(node);
    if about.is_empty() { escaped(&name) } else { format!("{}<br>{}", escaped(&name), escaped(&about)) }
}

/// Mermaid's entities: every character that could mean anything to its parser, to its Markdown or to HTML is written as its
/// number.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut inside = false;
    while let Some(c) = rest.next() {
        // Within a word these are no list and no emphasis.
        let joins =
            matches!(c, '.' | '-' | '_') && inside && rest.peek().is_some_and(|next| next.is_alphabetic());
        inside = c.is_alphabetic();
        if c.is_alphanumeric() || joins || matches!(c, ' ' | ',' | '·' | '…') {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
            // Formulas, line breaks and icons are looked for after entities are read; a hair space keeps such signs apart.
            if matches!((c, rest.peek()), ('$', Some('$')) | ('\\', Some('n')) | (':', Some('f'))) {
                escaped.push_str("#8202;");
            }
        }
    }
    escaped
}

/// A comment has no entities, and `%%{` would begin a directive.
fn comment(line: &str) -> String {
    line.chars().filter(|c| !matches!(c, '{' | '}' | '%')).collect()
}
