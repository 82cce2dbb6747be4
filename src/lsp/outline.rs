//! The outline of a file, and what can be folded.

use gen_lsp_types as lsp;

use crate::yaml::{Data, Entry, Node, find};

use super::position::{Encoding, Lines};

/// The outline: top-level keys, their entries, and the keys of these.
pub(super) fn symbols(
    tree: &Node,
    text: &str,
    lines: &Lines,
    encoding: Encoding,
) -> Vec<lsp::DocumentSymbol> {
    level(tree, text, lines, encoding, 0)
}

/// How deep the outline is.
const DEPTH: usize = 3;

fn level(
    node: &Node,
    text: &str,
    lines: &Lines,
    encoding: Encoding,
    depth: usize,
) -> Vec<lsp::DocumentSymbol> {
    let Data::Mapping(entries) = &node.data else { return Vec::new() };
    // Entries of a merge key are written elsewhere.
    let own = entries
        .iter()
        .filter(|entry| node.span.start <= entry.key.span.start && entry.key.span.end <= node.span.end);
    let symbol = |entry: &Entry| {
        let children = if depth + 1 < DEPTH {
            level(&entry.value, text, lines, encoding, depth + 1)
        } else {
            Vec::new()
        };
        let end = entry.value.span.end.max(entry.key.span.end);
        lsp::DocumentSymbol {
            name: if entry.key.value.is_empty() { "\"\"".to_owned() } else { entry.key.value.clone() },
            detail: detail(&entry.value),
            kind: match (&entry.value.data, depth) {
                (_, 0) => lsp::SymbolKind::Namespace,
                (Data::Mapping(_), 1) => lsp::SymbolKind::Object,
                (Data::Mapping(_), _) => lsp::SymbolKind::Struct,
                (Data::List(_), _) => lsp::SymbolKind::Array,
                _ => lsp::SymbolKind::Property,
            },
            range: lines.range(text, entry.key.span.start..end, encoding),
            selection_range: lines.range(text, entry.key.span.start..entry.key.span.end, encoding),
            children: (!children.is_empty()).then_some(children),
            ..lsp::DocumentSymbol {
                name: String::new(),
                detail: None,
                kind: lsp::SymbolKind::Key,
                tags: None,
                #[allow(deprecated)]
                deprecated: None,
                range: lsp::Range::default(),
                selection_range: lsp::Range::default(),
                children: None,
            }
        }
    };
    own.map(symbol).collect()
}

/// A few words about a value: its text, or its type and name.
fn detail(node: &Node) -> Option<String> {
    let text = |node: &Node| match &node.data {
        Data::Text(text) | Data::Number(_, text) => Some(text.chars().take(80).collect::<String>()),
        Data::Flag(flag) => Some(flag.to_string()),
        Data::Null | Data::List(_) | Data::Mapping(_) => None,
    };
    match &node.data {
        Data::Mapping(entries) => {
            let known = ["type", "name", "display_name"].into_iter();
            let found: Vec<String> = known.filter_map(|key| text(&find(entries, key)?.value)).collect();
            (!found.is_empty()).then(|| found.join(", "))
        }
        _ => text(node),
    }
}

/// What can be folded: values over several lines, and comments over several lines.
pub(super) fn folds(tree: Option<&Node>, text: &str, lines: &Lines) -> Vec<lsp::FoldingRange> {
    let mut found = Vec::new();
    if let Some(tree) = tree {
        below(tree, lines, &mut found);
    }
    let is_comment = |line: usize| lines.text(text, line).trim_start().starts_with('#');
    let mut line = 0;
    while line < lines.count() {
        let start = line;
        while line < lines.count() && is_comment(line) {
            line += 1;
        }
        if line > start + 1 {
            found.push(fold(start, line - 1, Some(lsp::FoldingRangeKind::Comment)));
        }
        line += 1;
    }
    found
}

fn below(node: &Node, lines: &Lines, found: &mut Vec<lsp::FoldingRange>) {
    match &node.data {
        Data::Mapping(entries) => {
            for Entry { key, value } in entries {
                if key.span.start < node.span.start || value.span.start < key.span.start {
                    continue;
                }
                let (first, last) = (
                    lines.line(key.span.start),
                    lines.line(value.span.end.saturating_sub(1).max(key.span.start)),
                );
                if last > first {
                    found.push(fold(first, last, None));
                }
                below(value, lines, found);
            }
        }
        Data::List(items) => {
            for item in items.iter().filter(|item| item.span.start >= node.span.start) {
                let (first, last) =
                    (lines.line(item.span.start), lines.line(item.span.end.saturating_sub(1)));
                if last > first && matches!(item.data, Data::Mapping(_)) {
                    found.push(fold(first, last, None));
                }
                below(item, lines, found);
            }
        }
        Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => {}
    }
}

fn fold(first: usize, last: usize, kind: Option<lsp::FoldingRangeKind>) -> lsp::FoldingRange {
    let number = |line| u32::try_from(line).unwrap_or(u32::MAX);
    lsp::FoldingRange {
        start_line: number(first),
        end_line: number(last),
        kind,
        ..lsp::FoldingRange::default()
    }
}
