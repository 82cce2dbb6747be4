//! Prints a document as canonical text.

use granit_parser::ScalarStyle;
use textwrap::core::display_width;

use super::super::edit::writing;
use super::lines::Lines;
use super::source::{Collection, Document, Entry, Key, Kind, Node, Remark, Scalar};

/// The maximum width of a line with a collection in brackets; a wider one is written as a block. Editors format YAML with the
/// same width (`config::association`).
pub(crate) const WIDTH: usize = 100;

/// The indentation of nested values.
const STEP: usize = 2;

/// Prints a document.
pub(super) fn document(document: Document) -> String {
    let Document { preamble, head, parted, root, foot, .. } = document;
    let mut lines = Lines::default();
    for line in preamble {
        if line.is_empty() { lines.blank() } else { lines.push(line, None) }
    }
    let headed = !head.is_empty();
    remarks(head, 0, false, &mut lines);
    if headed && parted {
        lines.blank();
    }
    if let Some(mut root) = root {
        let props = std::mem::take(&mut root.props).join(" ");
        if !props.is_empty() {
            lines.push(props, None);
        }
        match root.kind {
            Kind::Collection(collection) if !in_line(&collection, 0) => block(collection, 0, &mut lines),
            _ => lines.push(value_in_line(&root), None),
        }
    }
    remarks(foot, 0, false, &mut lines);
    lines.text()
}

fn remarks(remarks: Vec<Remark>, indent: usize, first: bool, lines: &mut Lines) {
    for (index, remark) in remarks.into_iter().enumerate() {
        if remark.blank && !(first && index == 0) {
            lines.blank();
        }
        lines.push(format!("{}{}", " ".repeat(indent), remark.text), None);
    }
}

fn block(collection: Collection, indent: usize, lines: &mut Lines) {
    let Collection { list, entries, foot, .. } = collection;
    for (index, mut entry) in entries.into_iter().enumerate() {
        let first = index == 0;
        if list {
            hoist(&mut entry, indent);
        }
        let alone = entry.lead.is_empty();
        remarks(std::mem::take(&mut entry.lead), indent, first, lines);
        if entry.blank && !(first && alone) {
            lines.blank();
        }
        match entry.key.take() {
            Some(key) => keyed(&key, entry, indent, lines),
            None => item(entry, indent, lines),
        }
    }
    remarks(foot, indent, false, lines);
}

/// Moves comments from between the dash of an item and its first key to above the dash.
fn hoist(entry: &mut Entry, indent: usize) {
    if !is_compact(&entry.value, indent) {
        return;
    }
    let mut above: Vec<Remark> = entry.trailing.take().into_iter().collect();
    if let Kind::Collection(collection) = &mut entry.value.kind {
        let list = collection.list;
        if let Some(first) = collection.entries.first_mut() {
            if list {
                hoist(first, indent + STEP);
            }
            above.append(&mut first.lead);
            first.blank = false;
        }
    }
    if let Some(first) = above.first_mut() {
        first.blank = std::mem::take(&mut entry.blank);
    }
    entry.lead.append(&mut above);
}

/// Whether an item's value starts on the line of its dash.
fn is_compact(value: &Node, indent: usize) -> bool {
    let room = indent + STEP;
    match &value.kind {
        Kind::Collection(collection) => value.props.is_empty() && !in_line(collection, room),
        Kind::Nothing | Kind::Alias(_) | Kind::Scalar(_) => false,
    }
}

fn item(mut entry: Entry, indent: usize, lines: &mut Lines) {
    if is_compact(&entry.value, indent) {
        let Kind::Collection(collection) = entry.value.kind else { return };
        let mut inner = Lines::default();
        block(collection, indent + STEP, &mut inner);
        inner.dash(indent);
        return lines.append(inner);
    }
    let head = format!("{}-", " ".repeat(indent));
    let trailing = entry.trailing.take();
    value(head, entry.value, trailing, indent, lines);
}

fn keyed(key: &Key, mut entry: Entry, indent: usize, lines: &mut Lines) {
    let props: String = key.props.iter().map(|prop| format!("{prop} ")).collect();
    let head = format!("{}{props}{}:", " ".repeat(indent), key_text(key));
    let trailing = entry.trailing.take();
    value(head, entry.value, trailing, indent, lines);
}

fn value(mut head: String, node: Node, trailing: Option<Remark>, indent: usize, lines: &mut Lines) {
    for prop in &node.props {
        head.push(' ');
        head.push_str(prop);
    }
    let pad = " ".repeat(indent + STEP);
    match node.kind {
        Kind::Collection(collection) if !in_line(&collection, display_width(&head) + 1) => {
            lines.push(head, trailing);
            block(collection, indent + STEP, lines);
        }
        Kind::Scalar(scalar) if is_block(scalar.style) => {
            let header = header(&scalar);
            lines.push(format!("{head} {header}"), trailing);
            if !scalar.raw.is_empty() {
                for line in scalar.raw.split('\n') {
                    lines.verbatim(if line.is_empty() { String::new() } else { format!("{pad}{line}") });
                }
            }
            if header.ends_with('+') {
                lines.keep();
            }
        }
        Kind::Scalar(scalar) if scalar.raw.contains('\n') => {
            let single = writing::text(&scalar.value);
            let width = display_width(&head) + 1 + display_width(&single);
            if node.props.is_empty() && single == scalar.value && width <= WIDTH {
                return lines.push(format!("{head} {single}"), trailing);
            }
            let count = scalar.raw.split('\n').count();
            for (index, line) in scalar.raw.split('\n').enumerate() {
                let comment = if index + 1 == count { trailing.clone() } else { None };
                match (index, line.trim()) {
                    (0, line) => lines.push(format!("{head} {line}"), comment),
                    (_, "") => lines.verbatim(String::new()),
                    (_, line) => lines.push(format!("{pad}{line}"), comment),
                }
            }
        }
        Kind::Nothing => lines.push(head, trailing),
        kind => {
            let bare = Node { props: Vec::new(), start: 0, end: 0, kind };
            let tagged = node.props.iter().any(|prop| prop.starts_with('!'));
            let text = match &bare.kind {
                Kind::Scalar(scalar) if tagged => scalar.raw.clone(),
                _ => value_in_line(&bare),
            };
            lines.push(format!("{head} {text}"), trailing);
        }
    }
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

/// The header of a block scalar, with an indentation indicator only if necessary.
fn header(scalar: &Scalar) -> String {
    let sign = if matches!(scalar.style, ScalarStyle::Literal) { '|' } else { '>' };
    let told = scalar.header.contains(|c: char| c.is_ascii_digit());
    let depth = if told { STEP.to_string() } else { String::new() };
    // At the end of the file, a text without a trailing line break would get one.
    let open = !scalar.value.is_empty() && !scalar.value.ends_with('\n');
    let chomping = match scalar.header.chars().find(|c| matches!(c, '+' | '-')) {
        Some('+') if !open => "+",
        Some('-') => "-",
        _ if open => "-",
        _ => "",
    };
    format!("{sign}{depth}{chomping}")
}

/// Whether a collection is printed on one line that starts at a column.
fn in_line(collection: &Collection, column: usize) -> bool {
    if !collection.flow || has_remarks(collection) {
        return collection.entries.is_empty();
    }
    collection.entries.is_empty() || column + display_width(&collection_in_line(collection)) <= WIDTH
}

fn has_remarks(collection: &Collection) -> bool {
    let inside = |entry: &Entry| {
        let below = match &entry.value.kind {
            Kind::Collection(collection) => has_remarks(collection),
            Kind::Nothing | Kind::Alias(_) | Kind::Scalar(_) => false,
        };
        below || !entry.lead.is_empty() || entry.trailing.is_some()
    };
    !collection.foot.is_empty() || collection.entries.iter().any(inside)
}

fn collection_in_line(collection: &Collection) -> String {
    let entries: Vec<String> = collection
        .entries
        .iter()
        .map(|entry| {
            let value = match entry.value.kind {
                Kind::Nothing => with_props(&entry.value.props, "null"),
                _ => value_in_line(&entry.value),
            };
            match &entry.key {
                None => value,
                Some(key) => format!("{}: {value}", with_props(&key.props, &key_text(key))),
            }
        })
        .collect();
    if collection.list { format!("[{}]", entries.join(", ")) } else { format!("{{{}}}", entries.join(", ")) }
}

fn with_props(props: &[String], text: &str) -> String {
    let props: String = props.iter().map(|prop| format!("{prop} ")).collect();
    format!("{props}{text}")
}

fn value_in_line(node: &Node) -> String {
    let tagged = node.props.iter().any(|prop| prop.starts_with('!'));
    let text = match &node.kind {
        Kind::Nothing => String::new(),
        Kind::Alias(name) => name.clone(),
        Kind::Scalar(scalar) if tagged && !scalar.raw.contains('\n') => scalar.raw.clone(),
        Kind::Scalar(scalar) => scalar_text(scalar.style, &scalar.raw, &scalar.value),
        Kind::Collection(collection) => collection_in_line(collection),
    };
    with_props(&node.props, &text)
}

fn key_text(key: &Key) -> String {
    scalar_text(key.style, &key.raw, &key.value)
}

/// A value on one line, without unnecessary quotes.
fn scalar_text(style: ScalarStyle, raw: &str, value: &str) -> String {
    let canonical = writing::text(value);
    let keep = match style {
        ScalarStyle::Plain => true,
        ScalarStyle::DoubleQuoted => canonical != value,
        _ => false,
    };
    if keep && !raw.contains('\n') { raw.to_owned() } else { canonical }
}
