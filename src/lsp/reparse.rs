//! Parses one entry of a file again instead of the whole file, where that certainly leads to the same tree. An edit within
//! an application then takes the same time in a file of any size.

use std::ops::Range;

use crate::diagnostic::Span;
use crate::yaml::{self, Data, Entry, Node};

/// The key below an entry that is parsed alone.
const BELOW: &str = "below";

/// Trees near the limits of a file are parsed as a whole, which counts.
const MAX_VALUES: usize = 400_000;
const MAX_DEPTH: usize = 16;

/// The tree of the new text, made from the tree of the old one. `None` if only parsing everything is certain.
pub(super) fn reparsed(tree: &mut Node, old: &str, new: &str) -> Option<()> {
    if yaml::size(tree) > MAX_VALUES {
        return None;
    }
    let changed = changed(old, new);
    let delta = i64::try_from(new.len()).ok()? - i64::try_from(old.len()).ok()?;
    let (section, entry) = around(tree, old, &changed)?;
    let (part, column) = part(tree, old, section, entry)?;
    // A change of the next entry's indentation is none of this one.
    if changed.end >= part.end {
        return None;
    }
    let end = usize::try_from(i64::try_from(part.end).ok()? + delta).ok()?;
    let text = new.get(part.start..end)?;
    if !is_alone(old.get(part.clone())?, column) || !is_alone(text, column) {
        return None;
    }
    // With its indentation and another entry below, so that it is read as it is in the file.
    let mut findings = Vec::new();
    let indent = " ".repeat(column);
    let padded = format!("{indent}{text}{indent}{BELOW}:\n");
    let fresh = yaml::parse(tree.span.file, &padded, &mut findings)?;
    let Data::Mapping(mut fresh) = fresh.data else { return None };
    let below = fresh.pop().filter(|below| below.key.value == BELOW);
    let mut fresh = fresh.pop().filter(|_| below.is_some() && fresh.is_empty() && findings.is_empty())?;
    let Data::Mapping(sections) = &mut tree.data else { return None };
    let Data::Mapping(entries) = &mut sections.get_mut(section)?.value.data else { return None };
    let place = entries.get_mut(entry)?;
    // Another key could be that of another entry.
    if fresh.key.value != place.key.value || depth(&fresh.value) > MAX_DEPTH {
        return None;
    }
    let forward = i64::try_from(part.start).ok()? - i64::try_from(column).ok()?;
    shift_entry(&mut fresh, forward);
    *place = fresh;
    entries.iter_mut().skip(entry + 1).for_each(|entry| shift_entry(entry, delta));
    // What follows ends where it did, only elsewhere.
    let moved = |end: usize| i64::try_from(end).ok().and_then(|end| usize::try_from(end + delta).ok());
    let value = &mut sections.get_mut(section)?.value;
    value.span.end = moved(value.span.end)?;
    sections.iter_mut().skip(section + 1).for_each(|entry| shift_entry(entry, delta));
    tree.span.end = moved(tree.span.end)?;
    Some(())
}

/// The range of the old text that differs.
fn changed(old: &str, new: &str) -> Range<usize> {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    start..old.len() - end
}

/// The section and the entry in it that the change is in, behind its first character.
fn around(tree: &Node, old: &str, changed: &Range<usize>) -> Option<(usize, usize)> {
    // An anchor or an alias ties one entry to others, a directive or a second document all of them.
    let ties =
        [" &", " *", "[&", "[*", "{&", "{*", ",&", ",*", "<<", "\n---", "\n...", "\n%", "\t", "\u{feff}"];
    if ties.iter().any(|tie| old.contains(tie)) || old.starts_with(['%', '-']) {
        return None;
    }
    let within = |entries: &[Entry]| {
        let next = entries.partition_point(|entry| entry.key.span.start < changed.start);
        next.checked_sub(1)
    };
    let Data::Mapping(sections) = &tree.data else { return None };
    let section = within(sections)?;
    let Data::Mapping(entries) = &sections.get(section)?.value.data else { return None };
    Some((section, within(entries)?))
}

/// The lines of an entry up to the next one, from its key on, and the column of the key. Only of block mappings with
/// another entry below.
fn part(tree: &Node, old: &str, section: usize, entry: usize) -> Option<(Range<usize>, usize)> {
    let Data::Mapping(sections) = &tree.data else { return None };
    let Data::Mapping(entries) = &sections.get(section)?.value.data else { return None };
    let start = entries.get(entry)?.key.span.start;
    let next = entries.get(entry + 1)?.key.span.start;
    let line = |at: usize| old.get(..at)?.rfind('\n').map(|newline| newline + 1);
    let column = start - line(start)?;
    let blank =
        |range: Range<usize>| old.get(range).is_some_and(|text| text.bytes().all(|byte| byte == b' '));
    let end = line(next)?;
    (start < end && column > 0 && blank(line(start)?..start) && blank(end..next) && next - end == column)
        .then_some((start..end, column))
}

/// Whether a text is one entry whose other lines are indented further than its key.
fn is_alone(text: &str, column: usize) -> bool {
    let deeper = |line: &str| {
        let content = line.trim_start_matches(' ');
        content.trim().is_empty() || content.starts_with('#') || line.len() - content.len() > column
    };
    let ties = ['&', '*', '\t', '\u{feff}', '%'];
    text.ends_with('\n') && !text.contains(ties) && !text.contains("<<") && text.lines().skip(1).all(deeper)
}

fn depth(node: &Node) -> usize {
    1 + match &node.data {
        Data::List(items) => items.iter().map(depth).max().unwrap_or_default(),
        Data::Mapping(entries) => entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or_default(),
        Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => 0,
    }
}

fn shift_entry(entry: &mut Entry, delta: i64) {
    shift_span(&mut entry.key.span, delta);
    shift(&mut entry.value, delta);
}

fn shift(node: &mut Node, delta: i64) {
    shift_span(&mut node.span, delta);
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(|item| shift(item, delta)),
        Data::Mapping(entries) => entries.iter_mut().for_each(|entry| shift_entry(entry, delta)),
        Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => {}
    }
}

fn shift_span(span: &mut Span, delta: i64) {
    let moved =
        |at: usize| i64::try_from(at).ok().and_then(|at| usize::try_from(at + delta).ok()).unwrap_or(at);
    *span = Span { start: moved(span.start), end: moved(span.end), ..*span };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "version: 1\n# é\napplications:\n  vpn:\n    type: radius # one\n    groups: [A, B]\n\n  wiki: {type: websdk,\n    name: \"W\"}\n  # about the next\n  last:\n    name: >-\n      two\n      lines\n  end:\nguards:\n  allow: []\n  max: 1\nlast:\n";

    fn tree(text: &str) -> Option<Node> {
        let mut findings = Vec::new();
        yaml::parse(0, text, &mut findings).filter(|_| findings.is_empty())
    }

    #[test]
    fn an_edit_within_an_entry_does_not_parse_the_others() {
        let new = TEXT.replace("radius", "ra\u{1f511}ius");
        let mut edited = tree(TEXT).unwrap();
        assert_eq!(reparsed(&mut edited, TEXT, &new), Some(()));
        assert_eq!(format!("{edited:?}"), format!("{:?}", tree(&new).unwrap()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        /// Whatever is edited, the tree is the one of parsing everything, or there is none.
        #[test]
        fn the_tree_is_that_of_parsing_everything(
            from in 0..TEXT.len(),
            length in 0..9_usize,
            text in prop::sample::select(vec![
                "", "x", ": ", "\n", "\r\n", "  ", "    ", "- ", "[", "]", "}", "{", "\"", "'", "#", " #", "&a ", "*a", "\u{1f511}", "é",
                "|\n", ">\n      x\n", "\n  new: 1\n", "\n    key: v\n", "---\n", "? ", "!tag ", "\t", "%", "vpn", "\nx: 1\n",
            ]),
        ) {
            let to = (from + length).min(TEXT.len());
            prop_assume!(TEXT.is_char_boundary(from) && TEXT.is_char_boundary(to));
            let mut new = TEXT.to_owned();
            new.replace_range(from..to, text);
            let mut edited = tree(TEXT).unwrap();
            if reparsed(&mut edited, TEXT, &new).is_some() {
                prop_assert_eq!(Some(format!("{edited:?}")), tree(&new).map(|tree| format!("{tree:?}")), "{}", new);
            }
        }
    }
}
