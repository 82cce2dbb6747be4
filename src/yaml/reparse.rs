//! Parses one entry of a file again instead of the whole file, so that an edit within an application takes the same time in
//! a file of any size.
//!
//! The tree is the one of parsing everything. Without anchors, directives and braces, what comes before an entry leaves the
//! parser in the state that a section with the same indentation does, and what follows begins with a key.

use std::ops::Range;

use super::build::{Builder, MAX_VALUES};
use super::node::{Data, Entry, Node, size};
use crate::diagnostic::Span;

/// What follows the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Entry,
    Section,
    Nothing,
}

/// Where an entry of a section is.
struct Piece {
    section: usize,
    entry: usize,
    next: Next,
    /// From its key to the line of what follows.
    range: Range<usize>,
    /// A text that stands for everything before it, and one for everything after it.
    before: String,
    after: String,
}

/// Changes the tree of the old text to the one of the new text, if they differ only within an entry of a section. The old
/// text has no findings, and then the new text has none. `None` if only parsing everything is certain; the tree is unchanged
/// then.
pub(crate) fn reparse(tree: &mut Node, old: &str, new: &str) -> Option<()> {
    if ties(old) {
        return None;
    }
    let changed = changed(old, new);
    let piece = piece(tree, old, &changed)?;
    let Piece { section, entry, next, ref range, .. } = piece;
    if next != Next::Nothing && changed.end >= range.end {
        return None;
    }
    let delta = isize::try_from(new.len()).ok()?.checked_sub(isize::try_from(old.len()).ok()?)?;
    let text = new.get(range.start..range.end.checked_add_signed(delta)?)?;
    if ties(text) {
        return None;
    }
    // A value has at least one byte.
    if size(tree) + text.len() > MAX_VALUES {
        return None;
    }
    let read = read(tree.span.file, text, &piece)?;
    let forward =
        isize::try_from(range.start).ok()?.checked_sub(isize::try_from(piece.before.len()).ok()?)?;
    let moved = |at: usize| if at >= range.end { at.checked_add_signed(delta).unwrap_or(at) } else { at };
    let placed = |at: usize| at.checked_add_signed(forward).unwrap_or(at);
    let Data::Mapping(sections) = &mut tree.data else { return None };
    let here = sections.get_mut(section)?;
    let Data::Mapping(entries) = &mut here.value.data else { return None };
    // Another key may be that of another entry.
    let place = entries.get_mut(entry).filter(|place| place.key.value == read.entry.key.value)?;
    *place = read.entry;
    shift_entry(place, &placed);
    entries.iter_mut().skip(entry + 1).for_each(|entry| shift_entry(entry, &moved));
    let end = &mut here.value.span.end;
    *end = if next == Next::Entry { moved(*end) } else { placed(read.section_end) };
    sections.iter_mut().skip(section + 1).for_each(|entry| shift_entry(entry, &moved));
    let end = &mut tree.span.end;
    *end = if next == Next::Nothing { placed(read.end) } else { moved(*end) };
    Some(())
}

/// Whether values may be copied to other places of the tree, keys may be missing from it or have lines of their own, or tags may
/// have other meanings.
fn ties(text: &str) -> bool {
    let directive = |(at, _): (usize, &str)| {
        text.get(..at).is_some_and(|text| text.is_empty() || text.ends_with(['\n', '\r']))
    };
    let properties = |(at, _): (usize, &str)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + 1..).and_then(|text| text.chars().next());
        before.is_none_or(|c| c.is_whitespace() || "[{,:".contains(c))
            && after.is_some_and(|c| !c.is_whitespace())
    };
    let own_line = |line: &str| line.trim_start_matches([' ', '-']).starts_with(['?', ':']);
    text.contains("<<")
        || text.match_indices(['&', '!']).any(properties)
        || text.match_indices('%').any(directive)
        || text.lines().any(own_line)
}

/// The range of the old text that differs.
fn changed(old: &str, new: &str) -> Range<usize> {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    start..old.len() - end
}

/// The entry that a change is in, behind the first character of its key. Only of block mappings.
fn piece(tree: &Node, old: &str, changed: &Range<usize>) -> Option<Piece> {
    let sections = block(tree, old)?;
    let section = before(sections, changed.start)?;
    let entries = block(&sections.get(section)?.value, old)?;
    let entry = before(entries, changed.start)?;
    let start = entries.get(entry)?.key.span.start;
    let (next, end) = match (entries.get(entry + 1), sections.get(section + 1)) {
        (Some(next), _) => (Next::Entry, next.key.span.start),
        (None, Some(next)) => (Next::Section, next.key.span.start),
        (None, None) => (Next::Nothing, old.len()),
    };
    let indentation = |at: usize| old.get(line(old, at)?..at);
    let of_section = indentation(sections.get(section)?.key.span.start)?;
    let before = format!("{of_section}s:\n{}", indentation(start)?);
    let (end, after) = match next {
        Next::Nothing => (end, String::new()),
        Next::Entry | Next::Section => (line(old, end)?, format!("{}below:\n", indentation(end)?)),
    };
    Some(Piece { section, entry, next, range: start..end, before, after })
}

/// The entries of a mapping that is not in braces.
fn block<'n>(node: &'n Node, text: &str) -> Option<&'n [Entry]> {
    let Data::Mapping(entries) = &node.data else { return None };
    let opening = text.get(node.span.start..entries.first()?.key.span.start)?;
    (!opening.contains('{')).then_some(entries)
}

/// The last entry whose key begins before an offset.
fn before(entries: &[Entry], offset: usize) -> Option<usize> {
    entries.partition_point(|entry| entry.key.span.start < offset).checked_sub(1)
}

/// Where the line of an offset begins.
fn line(text: &str, at: usize) -> Option<usize> {
    Some(text.get(..at)?.rfind(['\n', '\r']).map_or(0, |newline| newline + 1))
}

/// An entry that was parsed, and where the mappings end that it is in.
struct Read {
    entry: Entry,
    section_end: usize,
    end: usize,
}

/// Parses an entry with its surroundings.
fn read(file: usize, text: &str, piece: &Piece) -> Option<Read> {
    let Piece { before, after, next, .. } = piece;
    let mut findings = Vec::new();
    let tree = Builder::new(file, &format!("{before}{text}{after}"), &mut findings).run()?;
    let end = tree.span.end;
    let section = entries(tree, 1 + usize::from(*next == Next::Section))?.next()?.value;
    let section_end = section.span.end;
    let entry = entries(section, 1 + usize::from(*next == Next::Entry))?.next()?;
    findings.is_empty().then_some(Read { entry, section_end, end })
}

/// The entries of a mapping that has as many.
fn entries(node: Node, count: usize) -> Option<impl Iterator<Item = Entry>> {
    let Data::Mapping(entries) = node.data else { return None };
    (entries.len() == count).then(|| entries.into_iter())
}

fn shift_entry(entry: &mut Entry, to: &impl Fn(usize) -> usize) {
    shift_span(&mut entry.key.span, to);
    shift(&mut entry.value, to);
}

fn shift(node: &mut Node, to: &impl Fn(usize) -> usize) {
    shift_span(&mut node.span, to);
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(|item| shift(item, to)),
        Data::Mapping(entries) => entries.iter_mut().for_each(|entry| shift_entry(entry, to)),
        Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => {}
    }
}

fn shift_span(span: &mut Span, to: &impl Fn(usize) -> usize) {
    *span = Span { start: to(span.start), end: to(span.end), ..*span };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXTS: &[&str] = &[
        "version: 1\n# é\napplications:\n  vpn:\n    type: radius # one\n    groups: [A, B]\n\n  wiki: {type: websdk,\n    name: \"W\"}\n  # about the next\n  last:\n    name: >-\n      two\n      lines\n  end:\nguards:\n  allow: []\n  max: 1\nlast:\n",
        "a:\n    'one': |+\n      x\n\n    two:\n    three: 'a\n      b'\n  # less\n    four: a\n      b\n# none\n\nb:\n  c: d\n  e:\n    - 1\n    - f: R & D",
        "a:\r\n  x:\r\n    y: 1\r\n    z: [1,\r\n      2]\r\n  v: \"\"\r\nb:\r\n  c: {}\r\n",
        "---\na: {\n  x: {y: 1},\n  z: w}\nb: # {\n  c: 1\n  d: !!str 2\n  ? e\n  : f\nc:\n- g: h\n  i: j\n- k\n",
        "# c\n%TAG !! tag:example.org,2000:\n---\n  a:\n    b: 1\n    bx:\n      c: 2\n      cx: 3\n    b2: 4\n  d:\n    e: 5\n",
        "a:\n  b: 1\n  bx:\n    c: 2\n    cx: 3\n  <<: {f: 1, b: 3}\n  b2: 4\nd:\n  ? e\n  : 5\n  f: 6\n",
        "  a:\n    b: 1\n    bx:\n      c: 2\n      cx: 3\n    b2: 4\n  d:\n    ? e\n    : 5\n    !!str f: 6\n    g: 7\n",
        "x: &x\n  vpn: &y {a: 1}\na:\n  one:\n    <<: *y\n  two: *y\nb: *x\nc:\n  d: 1\n",
    ];

    const TYPED: &[&str] = &[
        "",
        "x",
        ": ",
        "\n",
        "\r",
        "\r\n",
        "  ",
        "    ",
        "- ",
        "[",
        "]",
        "}",
        "{",
        "\"",
        "'",
        "#",
        " #",
        "&a ",
        "*a",
        "<<: {}",
        "\u{1f511}",
        "é",
        "|\n",
        ">\n      x\n",
        "|2\n",
        "\n  new: 1\n",
        "\n    key: v\n",
        "\n      deep",
        "---\n",
        "\n...\n",
        "? ",
        "!tag ",
        "!!str ",
        "\t",
        "%",
        "\n%YAML 1.2\n",
        "vpn",
        "\nx: 1\n",
        "\u{2028}",
        "\u{85}",
        "\u{feff}",
        ",",
        "  vpn:\n",
    ];

    fn tree(text: &str) -> Option<Node> {
        let mut findings = Vec::new();
        Builder::new(0, text, &mut findings).run().filter(|_| findings.is_empty())
    }

    #[test]
    fn an_edit_within_an_entry_does_not_parse_the_others() {
        let text = TEXTS[0];
        for (word, other) in
            [("radius", "ra\u{1f511}ius"), ("  end:\n", "  end: 1\n"), ("max: 1", "max: 22"), ("\"W\"", "W")]
        {
            let new = text.replace(word, other);
            let mut edited = tree(text).unwrap();
            assert_eq!(reparse(&mut edited, text, &new), Some(()), "{word}");
            assert_eq!(format!("{edited:?}"), format!("{:?}", tree(&new).unwrap()));
        }
    }

    #[test]
    fn the_limit_of_a_file_counts() {
        let (text, longer) = ("a:\n  b: [1]\n  c: []\n", "a:\n  b: [1, 2, 3]\n  c: []\n");
        let mut full = tree(text).unwrap();
        assert!(reparse(&mut full.clone(), text, longer).is_some());
        let one = Node { data: Data::Null, span: full.span };
        let Data::Mapping(sections) = &mut full.data else { panic!() };
        let Data::Mapping(entries) = &mut sections[0].value.data else { panic!() };
        entries[1].value.data = Data::List(vec![one; MAX_VALUES - 9]);
        assert!(reparse(&mut full, text, longer).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

        /// Whatever is edited, the tree is the one of parsing everything, or it stays as it is.
        #[test]
        fn the_tree_is_that_of_parsing_everything(
            text in prop::sample::select(TEXTS),
            edits in prop::collection::vec(
                (any::<prop::sample::Index>(), 0..9_usize, prop::sample::select(TYPED)),
                1..5,
            ),
        ) {
            let mut old = text.to_owned();
            let mut edited = tree(text).unwrap();
            for (from, length, typed) in edits {
                let places: Vec<usize> = old.char_indices().map(|(at, _)| at).chain([old.len()]).collect();
                let from = from.index(places.len());
                let mut new = old.clone();
                new.replace_range(places[from]..places[(from + length).min(places.len() - 1)], typed);
                let before = format!("{edited:?}");
                let expected = tree(&new).map(|tree| format!("{tree:?}"));
                if reparse(&mut edited, &old, &new).is_some() {
                    prop_assert_eq!(Some(format!("{edited:?}")), expected, "{:?}", new);
                    old = new;
                } else {
                    prop_assert_eq!(format!("{edited:?}"), before);
                    let Some(fresh) = tree(&new) else { continue };
                    edited = fresh;
                    old = new;
                }
            }
        }
    }
}
