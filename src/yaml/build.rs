//! Builds a tree from the parser's events, resolves aliases and merge keys, and reports duplicate keys.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::node::{Data, Entry, MAX_DEPTH, Node};
use super::scalar::plain;
use super::syntax;
use crate::diagnostic::{Code, Diagnostic, Span, Spanned};

/// The maximum number of values in one file.
pub(super) const MAX_VALUES: usize = 500_000;

/// The maximum number of values that aliases and anchors add to one file.
const MAX_ALIASED: usize = 300_000;

/// Every this many bytes of a text count as one more value, because copies include the whole text.
const TEXT_UNIT: usize = 128;

/// A collection that is still open.
struct Frame {
    start: usize,
    end: usize,
    flow: bool,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Option<Spanned<String>>, merges: Vec<(Spanned<String>, Node)> },
}

/// An anchored value with its number of values and depth, so that an alias is counted before it is copied.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

pub(super) struct Builder<'a> {
    file: usize,
    text: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
    values: usize,
    root: Option<Node>,
    documents: usize,
}

/// Parsing cannot continue; the diagnostic is already recorded.
struct Stop;

impl<'a> Builder<'a> {
    pub(super) fn new(file: usize, text: &'a str, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            file,
            text,
            diagnostics,
            stack: Vec::new(),
            anchors: HashMap::new(),
            aliased: 0,
            values: 0,
            root: None,
            documents: 0,
        }
    }

    pub(super) fn run(mut self) -> Option<Node> {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let parser = Parser::new_from_str_with_options(self.text, options);
        for next in parser {
            let step = match next {
                Ok((event, span)) => self.event(event, span),
                Err(error) => {
                    self.diagnostics.push(syntax::error(self.file, self.text, &error));
                    Err(Stop)
                }
            };
            if step.is_err() {
                return None;
            }
        }
        self.root
    }

    fn event(&mut self, event: Event<'_>, span: granit_parser::Span) -> Result<(), Stop> {
        let place = self.span(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let place = self.line_of(place.start);
                    self.fail(Diagnostic::error(Code::Syntax, place, "a second YAML document starts here").help(
                        "a file holds one document: remove the `---` line, or move what follows to its own `*.duo.yaml` file",
                    ))?;
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                if anchor == 0
                    && tag.is_none()
                    && let Some(key) = self.open_key()
                {
                    *key = Some(Spanned::new(text.into_owned(), place));
                    return Ok(());
                }
                let raw = self.open_key().is_some().then(|| text.clone().into_owned());
                let data = self.scalar(text, style, tag.as_deref(), place)?;
                self.value(Node { data, span: place }, anchor, raw)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.collection_tag(tag.as_deref(), place)?;
                self.open(place, style, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(style, anchor, tag) => {
                self.collection_tag(tag.as_deref(), place)?;
                let content = Content::Mapping { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open(place, style, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place),
            Event::Alias(id) => self.alias(id, place),
            _ => Ok(()),
        }
    }

    fn span(&self, span: granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        Span { file: self.file, start: range.start, end: range.end }
    }

    fn fail(&mut self, diagnostic: Diagnostic) -> Result<(), Stop> {
        self.diagnostics.push(diagnostic);
        Err(Stop)
    }

    fn open(
        &mut self,
        place: Span,
        style: granit_parser::StructureStyle,
        anchor: usize,
        content: Content,
    ) -> Result<(), Stop> {
        if self.stack.len() >= MAX_DEPTH {
            return self.fail(syntax::too_deep(place));
        }
        if let Some(Frame { content: Content::Mapping { key: None, .. }, .. }) = self.stack.last() {
            return self.fail(syntax::bad_key(place));
        }
        let flow = matches!(style, granit_parser::StructureStyle::Flow);
        self.stack.push(Frame { start: place.start, end: place.end, flow, anchor, content });
        Ok(())
    }

    fn close(&mut self, place: Span) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        // The parser reports the end of a block collection at the next token, which may be lines below.
        let end = if frame.flow { place.end } else { frame.end };
        let data = match frame.content {
            Content::List(items) => Data::List(items),
            Content::Mapping { entries, merges, .. } => Data::Mapping(self.finish_mapping(entries, merges)),
        };
        let span = Span { file: self.file, start: frame.start, end: end.max(frame.start) };
        self.value(Node { data, span }, frame.anchor, None)
    }

    /// The slot for the next value if it is a key.
    fn open_key(&mut self) -> Option<&mut Option<Spanned<String>>> {
        match self.stack.last_mut() {
            Some(Frame { content: Content::Mapping { key: key @ None, .. }, .. }) => Some(key),
            _ => None,
        }
    }

    /// Adds a finished value: as a key, as the value of the open key, to the open list, or as the document.
    fn value(&mut self, node: Node, anchor: usize, raw: Option<String>) -> Result<(), Stop> {
        self.values += 1;
        if self.values > MAX_VALUES {
            let message = "the file has too many values";
            let help = format!("a file can have at most {MAX_VALUES} values; split it");
            return self.fail(Diagnostic::error(Code::TooLarge, node.span, message).help(help));
        }
        if anchor > 0 {
            let (size, depth) = measure(&node);
            // An anchored value is stored twice, and anchors may be nested.
            self.count(size, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.end = frame.end.max(node.span.end);
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Mapping { entries, key, merges } => match key.take() {
                None => match raw {
                    Some(raw) => *key = Some(Spanned::new(raw, node.span)),
                    None => return self.fail(syntax::bad_key(node.span)),
                },
                Some(name) => {
                    let mut value = node;
                    if matches!(value.data, Data::Null) && value.span.start >= value.span.end {
                        value.span = name.span;
                    }
                    let quoted = self.text.get(name.span.start..).is_some_and(|t| t.starts_with(['"', '\'']));
                    if name.value == "<<" && !quoted {
                        merges.push((name, value));
                    } else {
                        entries.push(Entry { key: name, value });
                    }
                }
            },
        }
        Ok(())
    }

    /// Counts values against the budget of the file before they are copied.
    fn count(&mut self, size: usize, place: Span) -> Result<(), Stop> {
        self.aliased = self.aliased.saturating_add(size);
        if self.aliased > MAX_ALIASED {
            return self.fail(
                Diagnostic::error(
                    Code::TooLarge,
                    place,
                    "the aliases of this file expand to too many values",
                )
                .help(format!(
                    "aliases can add at most {MAX_ALIASED} values; write them out or split the file"
                )),
            );
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, place: Span) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&id) else {
            return self.fail(
                Diagnostic::error(Code::Syntax, place, "the value refers to itself")
                    .help("an alias can only name an anchor whose value ends before the alias"),
            );
        };
        let size = anchored.size;
        self.count(size, place)?;
        let Some(anchored) = self.anchors.get(&id) else { return Ok(()) };
        if self.stack.len() + anchored.depth > MAX_DEPTH {
            return self.fail(syntax::too_deep(place));
        }
        let node = anchored.node.clone();
        let raw = match &node.data {
            Data::Text(text) | Data::Number(_, text) => Some(text.clone()),
            Data::Null | Data::Flag(_) | Data::List(_) | Data::Mapping(_) => None,
        };
        let is_key = self.open_key().is_some();
        // A key gets the place of the alias; a value keeps the place where it was written.
        let node = if is_key { Node { span: place, ..node } } else { node };
        let end = place.end;
        self.value(node, 0, raw)?;
        if let Some(frame) = self.stack.last_mut() {
            frame.end = end;
        }
        Ok(())
    }

    /// Reports duplicate keys and applies merge keys: own keys win, then earlier merges.
    fn finish_mapping(&mut self, entries: Vec<Entry>, merges: Vec<(Spanned<String>, Node)>) -> Vec<Entry> {
        let mut entries = self.without_duplicates(entries);
        if let [first, second, ..] = merges.as_slice() {
            self.diagnostics.push(
                syntax::duplicate_key(&second.0, first.0.span)
                    .help("merge several mappings with a list: `<<: [*a, *b]`"),
            );
        }
        let mut own: HashSet<String> = match merges.is_empty() {
            true => HashSet::new(),
            false => entries.iter().map(|entry| entry.key.value.clone()).collect(),
        };
        for (key, node) in merges {
            let parts = match node.data {
                Data::List(items) => items,
                Data::Mapping(_) => vec![node],
                _ => {
                    self.diagnostics.push(syntax::bad_merge(key.span, node.kind()));
                    continue;
                }
            };
            for part in parts {
                let Data::Mapping(merged) = part.data else {
                    self.diagnostics.push(syntax::bad_merge(key.span, part.kind()));
                    continue;
                };
                entries.extend(merged.into_iter().filter(|entry| own.insert(entry.key.value.clone())));
            }
        }
        entries
    }

    fn without_duplicates(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        // Most mappings have only a few keys; a linear search is faster than hashing.
        let clean = if entries.len() <= 16 {
            entries.iter().enumerate().all(|(index, entry)| {
                entries.iter().take(index).all(|earlier| earlier.key.value != entry.key.value)
            })
        } else {
            entries.iter().map(|entry| entry.key.value.as_str()).collect::<HashSet<_>>().len()
                == entries.len()
        };
        if clean {
            return entries;
        }
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            match seen.get(&entry.key.value) {
                Some(first) => self
                    .diagnostics
                    .push(syntax::duplicate_key(&entry.key, *first).help("keep one of the two")),
                None => {
                    seen.insert(entry.key.value.clone(), entry.key.span);
                    kept.push(entry);
                }
            }
        }
        kept
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        place: Span,
    ) -> Result<Data, Stop> {
        match tag.map(|tag| (tag.core_suffix(), tag.original())) {
            None if matches!(style, ScalarStyle::Plain) => Ok(plain(text)),
            None | Some((Some("str"), _)) => Ok(Data::Text(text.into_owned())),
            Some((Some("null" | "bool" | "int" | "float"), _)) => Ok(plain(text)),
            Some((_, written)) if written == "!" => Ok(Data::Text(text.into_owned())),
            Some((_, written)) => {
                self.fail(syntax::unknown_tag(&written, place))?;
                Err(Stop)
            }
        }
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, place: Span) -> Result<(), Stop> {
        match tag {
            None => Ok(()),
            Some(tag) if matches!(tag.core_suffix(), Some("map" | "seq")) || tag.original() == "!" => Ok(()),
            Some(tag) => self.fail(syntax::unknown_tag(&tag.original(), place)),
        }
    }

    /// The rest of the line from an offset on.
    fn line_of(&self, start: usize) -> Span {
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        Span { file: self.file, start, end: start + length }
    }
}

fn measure(node: &Node) -> (usize, usize) {
    let add = |(size, depth): (usize, usize), child: &Node| {
        let (child_size, child_depth) = measure(child);
        (size.saturating_add(child_size), depth.max(child_depth + 1))
    };
    match &node.data {
        Data::List(items) => items.iter().fold((1, 1), add),
        Data::Mapping(entries) => {
            let keys = entries.iter().map(|entry| entry.key.value.len() / TEXT_UNIT).sum::<usize>();
            entries.iter().map(|entry| &entry.value).fold((1 + keys, 1), add)
        }
        Data::Text(text) | Data::Number(_, text) => (1 + text.len() / TEXT_UNIT, 0),
        Data::Null | Data::Flag(_) => (1, 0),
    }
}
