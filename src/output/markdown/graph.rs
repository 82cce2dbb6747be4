//! A graph as a diagram in a comment, which forges draw.

use crate::output::document::GraphDocument;
use crate::output::graph::mermaid;

use super::comment::{Comment, Detail};
use super::text::{code, summary};

/// The comment; a diagram that is larger than forges draw is left out, with what to do instead.
pub(super) fn comment(graph: &GraphDocument, marker: String) -> Comment {
    let head = format!(
        "### duoctl graph: {} on {}\n\n{}\n",
        code(&graph.workspace),
        code(&graph.api_hostname),
        summary(&graph.last_line())
    );
    let diagram = if mermaid::is_drawn(graph) {
        format!("\n```mermaid\n{}```\n", mermaid::text(graph))
    } else {
        "\nThe graph is too large for a diagram here: use `--focus ADDRESS`, or `--format svg`.\n".to_owned()
    };
    Comment {
        marker,
        head: format!("{head}{diagram}"),
        sections: Vec::new(),
        details: Vec::<Detail>::new(),
        foot: format!("<sub>duoctl {}</sub>", env!("CARGO_PKG_VERSION")),
    }
}
