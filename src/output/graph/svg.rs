//! A graph as a picture: one file, light and dark, for a browser, a page or paper. `maud` escapes every text.

use maud::{Markup, PreEscaped, html};
use textwrap::core::display_width;

use super::layout::{HEIGHT, Layout, MARGIN, WIDTH};
use super::{legend, members, title, words};
use crate::output::document::GraphDocument;
use crate::reconcile::graph::{Mark, Node, NodeKind};
use crate::text::safe;

/// The style of a picture; every rule is limited to its class.
pub(in crate::output) const STYLE: &str = include_str!("svg.css");

/// How many columns of text a node has room for: in its name, which is bold, and below it.
const ROOM: (usize, usize) = (36, 47);

/// An edge: where its nodes are, and what a plan does to it.
type Line = ((i64, i64), (i64, i64), Option<Mark>);

/// From this many edges on, they are drawn fainter.
const MANY: usize = 120;

/// A file says what it is; an element of a page does not.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// The graph as a file.
pub(in crate::output) fn text(graph: &GraphDocument) -> String {
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    format!("{declaration}{}\n", picture(graph, Some(STYLE)).into_string())
}

/// The picture, with its style unless the page has it already.
pub(in crate::output) fn picture(graph: &GraphDocument, style: Option<&str>) -> Markup {
    let layout = Layout::of(graph);
    let (width, height) = layout.size;
    let edges =
        layout.edges.iter().zip(&graph.edges).filter_map(|(ends, edge)| Some(((*ends)?, edge.change)));
    let drawn = edges.filter_map(|((from, to), change)| {
        Some((*layout.places.get(from)?, *layout.places.get(to)?, change))
    });
    let mut drawn: Vec<Line> = drawn.collect();
    // What changes is drawn over all others.
    drawn.sort_by_key(|(.., change)| change.is_some());
    html! {
        svg class="graph" xmlns=[style.map(|_| NAMESPACE)] viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-labelledby="graph-title graph-sum" {
            title id="graph-title" { (title(graph)) }
            desc id="graph-sum" { (graph.last_line()) }
            @if let Some(style) = style { style { (PreEscaped(style)) } }
            rect class="paper" width=(width) height=(height) {}
            text class="top" x=(MARGIN) y="34" { (title(graph)) }
            text class="sum" x=(MARGIN) y="56" { (graph.last_line()) }
            (key(graph, width))
            g class=[(drawn.len() > MANY).then_some("many")] {
                @for (from, to, change) in &drawn { (edge(*from, *to, *change)) }
            }
            @for (x, y, heading) in &layout.headings { text class="heading" x=(x) y=(y) { (heading) } }
            @for (node, place) in graph.nodes.iter().zip(&layout.places) { (boxed(node, *place)) }
        }
    }
}

/// What the marks mean, at the right of the title.
fn key(graph: &GraphDocument, width: i64) -> Markup {
    let marks = legend(graph);
    html! {
        @if !marks.is_empty() {
            text class="legend" x=(width - MARGIN) y="34" text-anchor="end" {
                @for (index, (mark, words)) in marks.iter().enumerate() {
                    tspan class=(mark.word()) dx=[(index > 0).then_some(16)] { (words) }
                }
            }
        }
    }
}

/// From the right of one node to the left of another.
fn edge((x, y): (i64, i64), (to_x, to_y): (i64, i64), change: Option<Mark>) -> Markup {
    let (x, y, to_y) = (x + WIDTH, y + HEIGHT / 2, to_y + HEIGHT / 2);
    let bend = (to_x - x) / 2;
    let path = format!("M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}", x + bend, to_x - bend);
    let class = change.map(|change| format!("edge {}", change.word()));
    html! { path class=(class.as_deref().unwrap_or("edge")) d=(path) {} }
}

fn boxed(node: &Node, (x, y): (i64, i64)) -> Markup {
    let (name, about) = words(node);
    // Of all others, the heading of the column says it.
    let about = if node.kind == NodeKind::Application { about } else { String::new() };
    let change = node.change.map(|change| format!(" {}", change.word())).unwrap_or_default();
    let unmanaged = if node.unmanaged { " unmanaged" } else { "" };
    let class = format!("{}{unmanaged}{change}", node.kind.name());
    let whole = if node.members.is_empty() { safe(&node.name) } else { members(node) };
    let line = if about.is_empty() { HEIGHT / 2 + 5 } else { 18 };
    html! {
        g class=(class) {
            title { (whole) }
            rect class="box" x=(x) y=(y) width=(WIDTH) height=(HEIGHT) rx="7" {}
            // Nothing is drawn outside of it, however wide a letter is.
            svg x=(x) y=(y) width=(WIDTH - 6) height=(HEIGHT) {
                text class="name" x="12" y=(line) { (cut(&name, ROOM.0)) }
                @if !about.is_empty() { text class="about" x="12" y="33" { (cut(&about, ROOM.1)) } }
            }
        }
    }
}

/// As much of a text as there is room for; the title of the node has all of it.
fn cut(text: &str, room: usize) -> String {
    if display_width(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if display_width(&kept) >= room {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_its_room() {
        assert_eq!(cut("VPN Users", 9), "VPN Users");
        assert_eq!(cut("VPN Users of EMEA", 9), "VPN User…");
        assert_eq!(cut("VPN Users", 5), "VPN…");
        assert_eq!(cut("日本語のグループ", 9), "日本語の…");
        for name in ["W".repeat(99), "日".repeat(99), "\u{301}".repeat(99)] {
            assert!(display_width(&cut(&name, ROOM.0)) <= ROOM.0);
        }
    }

    #[test]
    fn the_style_cannot_end_its_element() {
        assert!(!STYLE.contains(['<', '&']) && STYLE.is_ascii());
    }
}
