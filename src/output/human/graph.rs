//! A graph for people: each application with who reaches it and what it has.

use std::fmt::Write as _;

use crate::output::document::GraphDocument;
use crate::output::graph::{Row, rows, words};
use crate::output::paint::Paint;
use crate::reconcile::graph::{Mark, NodeKind};

/// Every application, then the last line.
pub(super) fn render(graph: &GraphDocument, paint: Paint) -> String {
    let mut text = String::new();
    for row in rows(graph) {
        application(&mut text, &row, paint);
    }
    let _ = writeln!(text, "{}", graph.last_line());
    text
}

fn application(text: &mut String, row: &Row<'_>, paint: Paint) {
    let (name, about) = words(row.node);
    let name = match row.node.change {
        Some(change) => marked(&name, change, paint),
        None => paint.strong(&name),
    };
    let _ = writeln!(text, "{name}  {}", paint.faint(&about));
    for (kind, others) in &row.others {
        let named = others.iter().map(|(name, change)| match change {
            Some(change) => marked(&format!("{} {name}", change.sign()), *change, paint),
            None => name.clone(),
        });
        let named: Vec<String> = named.collect();
        let _ = writeln!(text, "    {:<12}  {}", label(*kind), named.join(", "));
    }
}

fn marked(text: &str, change: Mark, paint: Paint) -> String {
    match change {
        Mark::Added => paint.good(text),
        Mark::Changed => paint.notice(text),
        Mark::Removed => paint.bad(text),
    }
}

fn label(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Users => "open to",
        NodeKind::Group => "groups",
        NodeKind::IdentityIntelligence => "part of",
        NodeKind::Application => "application",
        NodeKind::Policy => "policy",
        NodeKind::Permission => "permissions",
        NodeKind::SecretStore => "key in",
    }
}
