//! The page of `graph`: the picture, and the same as a table.

use maud::{Markup, html};

use super::page::{Page, Tone, code, section, tag, tool};
use crate::output::document::{GraphDocument, GraphSource};
use crate::output::graph::{Row, rows, svg, words};
use crate::reconcile::graph::{Mark, NodeKind};
use crate::text::safe;

/// The columns of the table.
const COLUMNS: [(&str, &[NodeKind]); 4] = [
    ("Who", &[NodeKind::Users, NodeKind::Group, NodeKind::IdentityIntelligence]),
    ("Policy", &[NodeKind::Policy]),
    ("Permissions", &[NodeKind::Permission]),
    ("Secret store", &[NodeKind::SecretStore]),
];

/// The page.
pub(super) fn page(graph: &GraphDocument) -> Page<'_> {
    let picture = html! { div class="wide" { (svg::picture(graph, None)) } };
    let rows = rows(graph);
    let table = html! {
        div class="wide" {
            table {
                thead { tr { th { "Application" } @for (title, _) in COLUMNS { th { (title) } } th { "State" } } }
                tbody { @for row in &rows { (application(row, graph.source)) } }
            }
        }
    };
    Page {
        title: "duoctl graph".to_owned(),
        about: [Some(&graph.workspace), Some(&graph.api_hostname)],
        summary: vec![(graph.last_line(), Tone::Calm)],
        tiles: Vec::new(),
        sections: vec![
            section("Graph", [picture]),
            section("Applications", (!rows.is_empty()).then_some(table)),
        ],
        foot: tool(),
    }
}

fn application(row: &Row<'_>, source: GraphSource) -> Markup {
    let (name, _) = words(row.node);
    let first = row.node.members.first();
    let variant = first.and_then(|member| member.variant.as_deref()).unwrap_or_default();
    let state = match (row.node.change, row.node.unmanaged, source) {
        (Some(change), ..) => change.word(),
        (None, true, _) => "unmanaged",
        (None, false, GraphSource::Account) => "managed",
        (None, false, GraphSource::Yaml) => "declared",
    };
    let own = row.node.change.map_or(if row.node.unmanaged { Tone::Faint } else { Tone::Calm }, tone);
    html! {
        tr data-address=(safe(&row.node.id)) data-kind=(safe(variant)) data-state=(state) {
            th scope="row" {
                (name)
                @for member in &row.node.members { p class="place" { (code(&member.id)) @if row.node.members.len() > 1 { " " (safe(&member.name)) } } }
            }
            @for (_, kinds) in COLUMNS {
                td {
                    @for (index, (name, change)) in kinds.iter().filter_map(|kind| row.others.get(kind)).flatten().enumerate() {
                        @if index > 0 { ", " }
                        @match change {
                            Some(change) => b class=(tone(*change).class()) { (change.sign()) " " (name) },
                            None => (name),
                        }
                    }
                }
            }
            td { (tag(state, own)) }
        }
    }
}

fn tone(change: Mark) -> Tone {
    match change {
        Mark::Added => Tone::Good,
        Mark::Changed => Tone::Notice,
        Mark::Removed => Tone::Bad,
    }
}
