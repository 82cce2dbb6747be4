//! The layout of a file, with everything needed to print it again: styles, anchors, tags, places and comments.
//! [`crate::yaml`] reads the meaning.

use std::collections::VecDeque;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Directives, the `---` line and the comments before it, as lines.
    pub(super) preamble: Vec<String>,
    /// The end of the preamble.
    pub(super) body: usize,
    /// Comments about the file and not about its first key.
    pub(super) head: Vec<Remark>,
    /// Whether an empty line separates the head from the rest.
    pub(super) parted: bool,
    pub(super) root: Option<Node>,
    /// Comments after a root that is not a block, or of a file without a value.
    pub(super) foot: Vec<Remark>,
    /// All comments by place, until they are attached.
    pub(super) comments: Vec<Comment>,
    /// The places of texts that keep trailing empty lines.
    pub(super) kept: Vec<Range<usize>>,
}

/// A comment with its place.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    pub(super) at: usize,
    /// Includes the `#`, without trailing spaces.
    pub(super) text: String,
}

/// A comment that is attached to something.
#[derive(Clone, Debug)]
pub(super) struct Remark {
    pub(super) text: String,
    /// Whether an empty line precedes it.
    pub(super) blank: bool,
    /// Its column, which tells the block that it belongs to.
    pub(super) column: usize,
}

/// A value as written.
#[derive(Debug)]
pub(super) struct Node {
    /// Anchor and tag, in their order.
    pub(super) props: Vec<String>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// An implied value.
    Nothing,
    /// `*name`.
    Alias(String),
    Scalar(Scalar),
    Collection(Collection),
}

#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) style: ScalarStyle,
    /// The raw text; for a block, the lines below its header.
    pub(super) raw: String,
    /// The parsed text.
    pub(super) value: String,
    /// `|` or `>` with its indicators.
    pub(super) header: String,
}

#[derive(Debug)]
pub(super) struct Collection {
    pub(super) list: bool,
    pub(super) flow: bool,
    /// The column of its entries, if it is a block.
    pub(super) column: usize,
    pub(super) entries: Vec<Entry>,
    /// Comments after its last entry.
    pub(super) foot: Vec<Remark>,
}

/// A key with its value, or a list item.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) column: usize,
    pub(super) key: Option<Key>,
    pub(super) value: Node,
    /// Whether an empty line precedes it.
    pub(super) blank: bool,
    /// Comments above it.
    pub(super) lead: Vec<Remark>,
    /// The comment at the end of its line.
    pub(super) trailing: Option<Remark>,
}

#[derive(Debug)]
pub(super) struct Key {
    pub(super) props: Vec<String>,
    pub(super) style: ScalarStyle,
    pub(super) raw: String,
    pub(super) value: String,
}

impl Key {
    /// Whether it is an unquoted `<<`.
    pub(super) fn merges(&self) -> bool {
        self.raw == "<<"
    }
}

struct Open {
    props: Vec<String>,
    start: usize,
    flow: bool,
    list: bool,
    entries: Vec<Entry>,
    waiting: Option<(usize, usize, Key)>,
}

struct Reader<'t> {
    text: &'t str,
    document: Document,
    stack: Vec<Open>,
    /// Anchors and tags that do not have a value yet.
    pending: VecDeque<(usize, String)>,
    scanned: usize,
}

/// Reads the layout of a YAML file with plain keys. `None` if it is not one.
pub(super) fn read(text: &str) -> Option<Document> {
    let mut reader = Reader {
        text,
        document: Document::default(),
        stack: Vec::new(),
        pending: VecDeque::new(),
        scanned: 0,
    };
    let options = granit_parser::options! { emit_comments: true };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.ok()?;
        reader.event(event, span.byte_range()?)?;
    }
    reader.document.comments.sort_by_key(|comment| comment.at);
    Some(reader.document)
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, place: Range<usize>) -> Option<()> {
        match event {
            Event::Comment(..) => {
                // Some spans of comments end in the middle of the line, but a comment always extends to its end.
                let end = line_end(self.text, place.start);
                let text = self.text.get(place.start..end)?.trim_end().to_owned();
                self.document.comments.push(Comment { at: place.start, text });
            }
            Event::DocumentStart(true, _) => self.preamble(place.start)?,
            Event::Scalar(value, style, anchor, tag) => {
                let props = self.props(place.start, usize::from(anchor > 0) + usize::from(tag.is_some()))?;
                let node = self.scalar(value.into_owned(), style, place, props)?;
                self.finished(node)?;
            }
            Event::Alias(_) => {
                self.props(place.start, 0)?;
                let name = self.text.get(place.clone())?.to_owned();
                let node =
                    Node { props: Vec::new(), start: place.start, end: place.end, kind: Kind::Alias(name) };
                self.finished(node)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.open(place, style, true, usize::from(anchor > 0) + usize::from(tag.is_some()))?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.open(place, style, false, usize::from(anchor > 0) + usize::from(tag.is_some()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&place)?,
            _ => {}
        }
        Some(())
    }

    fn preamble(&mut self, at: usize) -> Option<()> {
        let marker = if self.text.get(at..).is_some_and(|rest| rest.starts_with("---")) {
            at
        } else {
            at + self.text.get(at..)?.find("---")?
        };
        let end = line_end(self.text, marker);
        let rest = self.text.get(marker + 3..end)?.trim();
        let whole = rest.is_empty() || rest.starts_with('#');
        let end = if whole { end } else { marker + 3 };
        let mut lines: Vec<String> =
            self.text.get(..end)?.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
        if lines.first().is_some_and(String::is_empty) {
            lines.remove(0);
        }
        self.document.preamble = lines;
        self.document.body = end;
        self.scanned = end;
        Some(())
    }

    /// The anchor and tag before a node that starts here; those of an outer node come first.
    fn props(&mut self, start: usize, count: usize) -> Option<Vec<String>> {
        let gap = self.text.get(self.scanned..start.max(self.scanned))?;
        for (offset, token) in tokens(gap) {
            if token.starts_with(['&', '!']) {
                self.pending.push_back((self.scanned + offset, token.to_owned()));
            }
        }
        self.scanned = self.scanned.max(start);
        (0..count).map(|_| self.pending.pop_front().map(|(_, token)| token)).collect()
    }

    fn scalar(
        &mut self,
        value: String,
        style: ScalarStyle,
        place: Range<usize>,
        props: Vec<String>,
    ) -> Option<Node> {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block {
            return self.block(value, style, props);
        }
        if place.is_empty() {
            return Some(Node { props, start: place.start, end: place.end, kind: Kind::Nothing });
        }
        let raw = self.text.get(place.clone())?.to_owned();
        self.scanned = self.scanned.max(place.end);
        let scalar = Scalar { style, raw, value, header: String::new() };
        Some(Node { props, start: place.start, end: place.end, kind: Kind::Scalar(scalar) })
    }

    /// Reads a `|` or `>` text. Finds the end of its lines, because its span may be too short or too long.
    fn block(&mut self, value: String, style: ScalarStyle, props: Vec<String>) -> Option<Node> {
        let sign = if matches!(style, ScalarStyle::Literal) { '|' } else { '>' };
        let (floor, parent) = match self.stack.last() {
            Some(open) => match (&open.waiting, open.entries.last()) {
                (Some((start, end, _)), _) => (after_colon(self.text, *end), column(self.text, *start)),
                (None, Some(last)) => (last.end, column(self.text, open.start)),
                (None, None) => (open.start, column(self.text, open.start)),
            },
            None => return None,
        };
        let gap = self.text.get(floor..)?;
        let (offset, _) = tokens(gap).find(|(_, token)| token.starts_with(sign))?;
        let header_start = floor + offset;
        let header_end = line_end(self.text, header_start);
        let header: String =
            self.text.get(header_start..header_end)?.chars().take_while(|c| !c.is_whitespace()).collect();
        let first = (header_end + 1).min(self.text.len());
        let keeps = header.contains('+');
        let told = header.chars().find_map(|c| c.to_digit(10)).and_then(|digit| usize::try_from(digit).ok());
        let mut lines: Vec<&str> = Vec::new();
        let mut indent = told.map(|told| parent + told);
        for line in self.text.get(first..)?.split('\n') {
            let depth = line.len() - line.trim_start_matches(' ').len();
            let empty = line.trim_start_matches(' ').is_empty();
            if !empty {
                let indent = *indent.get_or_insert(depth);
                if depth < indent || indent <= parent {
                    break;
                }
            }
            lines.push(line);
        }
        // There is no line after the last line break of the file.
        let whole = first + lines.iter().map(|line| line.len() + 1).sum::<usize>() > self.text.len();
        if whole && lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let all = lines.len();
        while !keeps && lines.last().is_some_and(|line| line.trim().is_empty()) {
            let beyond = indent.is_some_and(|indent| lines.last().is_some_and(|line| line.len() > indent));
            if beyond {
                break;
            }
            lines.pop();
        }
        let length: usize = lines.iter().map(|line| line.len() + 1).sum();
        let end = (first + length).saturating_sub(1).clamp(header_end, self.text.len());
        if keeps && all > 0 {
            self.document.kept.push(first..(first + length).min(self.text.len()));
        }
        let cut = indent.unwrap_or(0);
        let raw: Vec<&str> = lines.iter().map(|line| line.get(cut..).unwrap_or_default()).collect();
        self.scanned = self.scanned.max(end);
        let scalar = Scalar { style, raw: raw.join("\n"), value, header };
        let kind = Kind::Scalar(scalar);
        // The text starts after the header, so a comment there belongs to the key's line.
        Some(Node { props, start: header_end, end, kind })
    }

    fn open(&mut self, place: Range<usize>, style: StructureStyle, list: bool, props: usize) -> Option<()> {
        let props = self.props(place.start, props)?;
        let flow = matches!(style, StructureStyle::Flow);
        // The parser reports a list that is not indented below its key after its first dash.
        let before = self.text.get(..place.start)?.trim_end();
        let behind =
            list && !flow && !self.text.get(place.start..)?.starts_with('-') && before.ends_with('-');
        let start = if behind { before.len() - 1 } else { place.start };
        self.stack.push(Open { props, start, flow, list, entries: Vec::new(), waiting: None });
        Some(())
    }

    fn close(&mut self, place: &Range<usize>) -> Option<()> {
        let open = self.stack.pop()?;
        let last = open.entries.last().map_or(open.start, |entry| entry.end);
        // The parser reports the end of a block at the next token, which may be lines below.
        let end = if open.flow { place.end.max(last) } else { last };
        if open.flow {
            self.props(end, 0)?;
        }
        let column = open.entries.first().map_or(0, |entry| entry.column);
        let collection =
            Collection { list: open.list, flow: open.flow, column, entries: open.entries, foot: Vec::new() };
        self.finished(Node { props: open.props, start: open.start, end, kind: Kind::Collection(collection) })
    }

    fn finished(&mut self, mut node: Node) -> Option<()> {
        let text = self.text;
        let Some(open) = self.stack.last_mut() else {
            if !matches!(node.kind, Kind::Nothing) || !node.props.is_empty() {
                self.document.root = Some(node);
            }
            return Some(());
        };
        let behind = open.entries.last().map_or(open.start, |entry| entry.end);
        if open.list {
            let start = if open.flow { node.start } else { dash(text, behind)? };
            if matches!(node.kind, Kind::Nothing) {
                let end = if open.flow { behind.max(start.min(node.end)) } else { start + 1 };
                (node.start, node.end) = (end, end);
            }
            open.entries.push(entry(text, start, None, node));
            return Some(());
        }
        match open.waiting.take() {
            None => {
                let Kind::Scalar(scalar) = node.kind else { return None };
                let props_at = text.get(behind..node.start).and_then(|gap| {
                    tokens(gap)
                        .find(|(_, token)| token.starts_with(['&', '!']))
                        .map(|(offset, _)| behind + offset)
                });
                let start = if node.props.is_empty() { node.start } else { props_at.unwrap_or(node.start) };
                let Scalar { style, raw, value, .. } = scalar;
                open.waiting = Some((start, node.end, Key { props: node.props, style, raw, value }));
            }
            Some((start, key_end, key)) => {
                if matches!(node.kind, Kind::Nothing) {
                    // The parser reports it at the next token, which may be lines below.
                    let end = match self.scanned > key_end && !node.props.is_empty() {
                        true => text.get(..self.scanned).map_or(key_end, |text| text.trim_end().len()),
                        false => after_colon(text, key_end),
                    };
                    (node.start, node.end) = (end, end);
                }
                open.entries.push(entry(text, start, Some(key), node));
            }
        }
        Some(())
    }
}

fn entry(text: &str, start: usize, key: Option<Key>, value: Node) -> Entry {
    let end = value.end.max(start);
    let column = column(text, start);
    Entry { start, end, column, key, value, blank: false, lead: Vec::new(), trailing: None }
}

/// The offset after the colon that follows a key, or after the key if there is no colon.
fn after_colon(text: &str, key_end: usize) -> usize {
    let rest = text.get(key_end..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let colon = rest.get(blank..).is_some_and(|rest| rest.starts_with(':'));
    key_end + if colon { blank + 1 } else { 0 }
}

/// The first dash of a list item after a place.
fn dash(text: &str, behind: usize) -> Option<usize> {
    tokens(text.get(behind..)?).find(|(_, token)| *token == "-").map(|(offset, _)| behind + offset)
}

/// The words of a text between values, without comments. Characters of flow collections separate words.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let skipped = rest.len() - rest.trim_start_matches(parts_words).len();
            let word = rest.get(skipped..).filter(|word| !word.is_empty())?;
            at += skipped;
            if word.starts_with('#') {
                at += word.find('\n').unwrap_or(word.len());
                continue;
            }
            let length = word.find(parts_words).unwrap_or(word.len());
            let found = (at, word.get(..length)?);
            at += length;
            return Some(found);
        }
    })
}

fn parts_words(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}')
}

/// The end of the line of a place, before its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find('\n').unwrap_or(rest.len())
}

/// The start of the line of a place.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The number of characters before a place on its line.
pub(super) fn column(text: &str, at: usize) -> usize {
    text.get(line_start(text, at)..at).map_or(0, |before| before.chars().count())
}
