//! YAML as a tree in which every key and value has its place. Aliases and merge keys are resolved, within a budget.
//!
//! YAML 1.2: only `true` and `false` are booleans, so `no` and `on` are text; a number with a leading zero or with
//! underscores is text too.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Number, Value};

use super::diagnostic::{Code, Diagnostic, Span, Spanned};
use super::texts::shown;

/// How deep values may be nested, aliases followed.
pub const MAX_DEPTH: usize = 64;

/// How many values aliases may add to one file.
const MAX_ALIASED: usize = 1_000_000;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub data: Data,
    /// From its first to its last byte; for a value that is only implied (`key:`), the place of its key.
    pub span: Span,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Data {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number, with its text as written.
    Number(Number, String),
    /// Anything else that is one value.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping; every key stands once.
    Mapping(Vec<Entry>),
}

/// One key of a mapping, with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// What kind of value it is, for messages: `a text`, `a list`, ...
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Flag(_) => "true or false",
            Data::Number(..) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Mapping(_) => "a mapping",
        }
    }

    /// The value as JSON, as an editor's schema check sees it.
    pub fn json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Flag(flag) => Value::Bool(*flag),
            Data::Number(number, _) => Value::Number(number.clone()),
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => items.iter().map(Self::json).collect(),
            Data::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.value.clone(), entry.value.json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// The first value of a mapping's entries under a key.
pub fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key.value == key)
}

/// Reads the text of one file. `None` where it holds no value, or is not YAML; the diagnostics say which.
pub fn parse(file: usize, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    Builder::new(file, text, diagnostics).run()
}

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

/// An anchored value: how many values it holds and how deep it is, so that an alias is counted before it is copied.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

struct Builder<'a> {
    file: usize,
    text: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
    root: Option<Node>,
    documents: usize,
}

/// Reading cannot go on; the diagnostic is already recorded.
struct Stop;

impl<'a> Builder<'a> {
    fn new(file: usize, text: &'a str, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            file,
            text,
            diagnostics,
            stack: Vec::new(),
            anchors: HashMap::new(),
            aliased: 0,
            root: None,
            documents: 0,
        }
    }

    fn run(mut self) -> Option<Node> {
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
                    self.syntax_error(&error);
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
                    self.fail(Diagnostic::error(Code::Syntax, place, "a second YAML document begins here").help(
                        "a file holds one document: remove the `---` line, or move what follows it to a file of its own named `*.duo.yaml`",
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
            return self.fail(too_deep(place));
        }
        if let Some(Frame { content: Content::Mapping { key: None, .. }, .. }) = self.stack.last() {
            return self.fail(bad_key(place));
        }
        let flow = matches!(style, granit_parser::StructureStyle::Flow);
        self.stack.push(Frame { start: place.start, end: place.end, flow, anchor, content });
        Ok(())
    }

    fn close(&mut self, place: Span) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        // The end of a block collection is reported where the next token begins, which may be lines below.
        let end = if frame.flow { place.end } else { frame.end };
        let data = match frame.content {
            Content::List(items) => Data::List(items),
            Content::Mapping { entries, merges, .. } => Data::Mapping(self.finish_mapping(entries, merges)),
        };
        let span = Span { file: self.file, start: frame.start, end: end.max(frame.start) };
        self.value(Node { data, span }, frame.anchor, None)
    }

    /// Where the next value goes if it is a key.
    fn open_key(&mut self) -> Option<&mut Option<Spanned<String>>> {
        match self.stack.last_mut() {
            Some(Frame { content: Content::Mapping { key: key @ None, .. }, .. }) => Some(key),
            _ => None,
        }
    }

    /// Places a finished value: as a key, as the value of the open key, in the open list, or as the document.
    fn value(&mut self, node: Node, anchor: usize, raw: Option<String>) -> Result<(), Stop> {
        if anchor > 0 {
            let (size, depth) = measure(&node);
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
                    None => return self.fail(bad_key(node.span)),
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

    fn alias(&mut self, id: usize, place: Span) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&id) else {
            return self.fail(
                Diagnostic::error(Code::Syntax, place, "the value refers to itself")
                    .help("an alias may only name an anchor whose value is complete before it"),
            );
        };
        self.aliased = self.aliased.saturating_add(anchored.size);
        if self.aliased > MAX_ALIASED {
            return self.fail(
                Diagnostic::error(
                    Code::TooLarge,
                    place,
                    "the aliases of this file expand to too many values",
                )
                .help(format!(
                    "at most {MAX_ALIASED} values may come from aliases; write them out or split the file"
                )),
            );
        }
        if self.stack.len() + anchored.depth > MAX_DEPTH {
            return self.fail(too_deep(place));
        }
        let node = anchored.node.clone();
        let raw = match &node.data {
            Data::Text(text) | Data::Number(_, text) => Some(text.clone()),
            Data::Null | Data::Flag(_) | Data::List(_) | Data::Mapping(_) => None,
        };
        let is_key = self.open_key().is_some();
        // A key stands where the alias is; a value keeps the place where it was written.
        let node = if is_key { Node { span: place, ..node } } else { node };
        let end = place.end;
        self.value(node, 0, raw)?;
        if let Some(frame) = self.stack.last_mut() {
            frame.end = end;
        }
        Ok(())
    }

    /// Reports duplicate keys and fills in what merge keys bring: own keys win, then earlier merges.
    fn finish_mapping(&mut self, entries: Vec<Entry>, merges: Vec<(Spanned<String>, Node)>) -> Vec<Entry> {
        let mut entries = self.without_duplicates(entries);
        if let [first, second, ..] = merges.as_slice() {
            self.diagnostics.push(
                duplicate_key(&second.0, first.0.span)
                    .help("merge several mappings with a list: `<<: [*a, *b]`"),
            );
        }
        for (key, node) in merges {
            let parts = match node.data {
                Data::List(items) => items,
                Data::Mapping(_) => vec![node],
                _ => {
                    self.diagnostics.push(bad_merge(key.span, node.kind()));
                    continue;
                }
            };
            for part in parts {
                let Data::Mapping(merged) = part.data else {
                    self.diagnostics.push(bad_merge(key.span, part.kind()));
                    continue;
                };
                let own: HashSet<String> = entries.iter().map(|entry| entry.key.value.clone()).collect();
                entries.extend(merged.into_iter().filter(|entry| !own.contains(&entry.key.value)));
            }
        }
        entries
    }

    fn without_duplicates(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        // The usual mapping has a handful of keys, where looking at each is faster than hashing.
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
                Some(first) => {
                    self.diagnostics.push(duplicate_key(&entry.key, *first).help("keep one of the two"))
                }
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
                self.fail(unknown_tag(&written, place))?;
                Err(Stop)
            }
        }
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, place: Span) -> Result<(), Stop> {
        match tag {
            None => Ok(()),
            Some(tag) if matches!(tag.core_suffix(), Some("map" | "seq")) || tag.original() == "!" => Ok(()),
            Some(tag) => self.fail(unknown_tag(&tag.original(), place)),
        }
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let start = error.marker().byte_offset().unwrap_or_default().min(self.text.len());
        let place = Span { file: self.file, start, end: (start + 1).min(self.text.len()).max(start) };
        if let Some(tab) = self.tab_in_indentation(start) {
            let place = Span { file: self.file, start: tab, end: tab + 1 };
            self.diagnostics.push(
                Diagnostic::error(Code::Syntax, place, "a tab is used for indentation")
                    .help("YAML takes spaces only; two per level is usual"),
            );
            return;
        }
        let found = match error.kind() {
            ErrorKind::RecursionLimitExceeded => too_deep(place),
            ErrorKind::UnclosedQuotedScalar => {
                Diagnostic::error(Code::Syntax, place, "the quote that opens here is never closed")
                    .help("close it with the same quote; double a single quote inside single quotes, and write \\\" inside double quotes")
            }
            ErrorKind::UnclosedFlowCollection { open } => {
                Diagnostic::error(Code::Syntax, place, format!("the `{open}` that opens here is never closed"))
                    .help("close it, or write one item per line")
            }
            ErrorKind::UnknownAnchor => {
                Diagnostic::error(Code::Syntax, place, "the alias names an anchor that does not exist before it")
                    .help("anchors are per file: write `&name` at the value first; quote the text if it only begins with `*`")
            }
            ErrorKind::UnexpectedCharacter { character } => Diagnostic::error(
                Code::Syntax,
                place,
                format!("unexpected character `{}`", character.escape_debug()),
            )
            .help("quote the text if the character belongs to it"),
            _ => {
                let info = error.info();
                Diagnostic::error(Code::Syntax, place, format!("this is not YAML: {info}"))
                    .help("check the indentation and the quotes here and in the line above")
            }
        };
        self.diagnostics.push(found);
    }

    /// The first tab in the indentation of the line at an offset, or of the next one: what the parser stumbles over
    /// when it complains about a value that goes on.
    fn tab_in_indentation(&self, offset: usize) -> Option<usize> {
        let start = self.text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
        let mut line_start = start;
        for line in self.text.get(start..)?.split_inclusive('\n').take(2) {
            let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
            if let Some(tab) = line.get(..indentation).and_then(|blank| blank.find('\t'))
                && !line.trim().is_empty()
            {
                return Some(line_start + tab);
            }
            line_start += line.len();
        }
        None
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
        Data::Mapping(entries) => entries.iter().map(|entry| &entry.value).fold((1, 1), add),
        Data::Null | Data::Flag(_) | Data::Number(..) | Data::Text(_) => (1, 0),
    }
}

/// A plain scalar by the core schema of YAML 1.2, stricter with numbers.
fn plain(text: Cow<'_, str>) -> Data {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Flag(true),
        "false" | "False" | "FALSE" => return Data::Flag(false),
        _ => {}
    }
    match number(&text) {
        Some(number) => Data::Number(number, text.into_owned()),
        None => Data::Text(text.into_owned()),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut characters = digits.chars();
    let leading = characters.next()?;
    if !(leading.is_ascii_digit() || leading == '.') {
        return None;
    }
    let second = characters.next();
    if leading == '0' && second.is_some_and(|second| second.is_ascii_digit()) {
        return None;
    }
    if digits.chars().all(|c| c.is_ascii_digit()) {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        return unsigned
            .parse::<i64>()
            .map(Number::from)
            .ok()
            .or_else(|| unsigned.parse::<u64>().map(Number::from).ok());
    }
    let only_number = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    if only_number { text.parse::<f64>().ok().and_then(Number::from_f64) } else { None }
}

fn duplicate_key(key: &Spanned<String>, first: Span) -> Diagnostic {
    Diagnostic::error(Code::DuplicateKey, key.span, format!("the key {} stands twice", shown(&key.value)))
        .related(first, "it stands here first")
}

fn bad_key(place: Span) -> Diagnostic {
    Diagnostic::error(Code::Syntax, place, "a key must be a plain text")
        .help("quote the text if it begins with one of `[ { & * ! | > % @`")
}

fn bad_merge(place: Span, kind: &str) -> Diagnostic {
    Diagnostic::error(Code::WrongType, place, format!("`<<` merges mappings, and this is {kind}"))
        .help("write `<<: *anchor`, or `<<: [*first, *second]`; what stands first wins")
}

fn too_deep(place: Span) -> Diagnostic {
    Diagnostic::error(Code::TooLarge, place, format!("values are nested deeper than {MAX_DEPTH} levels"))
        .help("nothing in the language needs that depth; check the indentation and the brackets")
}

fn unknown_tag(tag: &str, place: Span) -> Diagnostic {
    Diagnostic::error(Code::Syntax, place, format!("the tag {} is not part of the language", shown(tag)))
        .help("remove it; quote the text if it only begins with `!`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        let mut diagnostics = Vec::new();
        let node = parse(0, text, &mut diagnostics);
        assert_eq!(diagnostics, [], "{text}");
        node.map_or(Value::Null, |node| node.json())
    }

    fn refused(text: &str) -> (Code, usize) {
        let mut diagnostics = Vec::new();
        parse(0, text, &mut diagnostics);
        let first = diagnostics.first().expect("refused");
        (first.code, first.span.expect("a place").start)
    }

    #[test]
    fn plain_values_follow_yaml_1_2() {
        let text = "[no, on, true, ~, 12, -3, 1.5, 0600, 1_000, 1e3, .5, '12', 99999999999999999999, 1.2.3, 2027-01-01]";
        let value = json!([
            "no",
            "on",
            true,
            null,
            12,
            -3,
            1.5,
            "0600",
            "1_000",
            1000.0,
            0.5,
            "12",
            "99999999999999999999",
            "1.2.3",
            "2027-01-01"
        ]);
        assert_eq!(read(text), value);
    }

    #[test]
    fn merges_fill_in_what_is_not_there() {
        let text =
            "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  x: 3\n  <<: [*a, *b]\nd: {<<: *a, '<<': 5}\n";
        let read = read(text);
        assert_eq!(read["c"], json!({"x": 3, "y": 1, "z": 2}));
        assert_eq!(read["d"], json!({"<<": 5, "x": 1, "y": 1}));
    }

    #[test]
    fn spans_cover_what_was_written() {
        let text = "a:\n  - one\n  - {b: 'two'}\n\nc:\n";
        let node = parse(0, text, &mut Vec::new()).expect("a value");
        let Data::Mapping(entries) = node.data else { panic!("a mapping") };
        let slice = |span: Span| text.get(span.start..span.end).expect("inside");
        assert_eq!(slice(entries[0].value.span), "- one\n  - {b: 'two'}");
        let Data::List(items) = &entries[0].value.data else { panic!("a list") };
        assert_eq!(slice(items[1].span), "{b: 'two'}");
        assert_eq!(slice(entries[1].value.span), "c");
    }

    #[test]
    fn bombs_and_depth_are_refused_quickly() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let previous = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{previous}]\n"));
        }
        assert_eq!(refused(&bomb).0, Code::TooLarge);
        assert_eq!(refused(&"[".repeat(100_000)).0, Code::TooLarge);
        let mut chain = String::from("a0: &a0 [x]\n");
        for level in 1..200 {
            chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert_eq!(refused(&chain).0, Code::TooLarge);
        assert_eq!(refused("a: &a [*a]").0, Code::Syntax);
    }

    #[test]
    fn what_is_not_yaml_is_said_where_it_is() {
        assert_eq!(refused("a:\n\tb: c\n"), (Code::Syntax, 3));
        assert_eq!(refused("a: 'x\nb: c\n"), (Code::Syntax, 3));
        assert_eq!(refused("a: b\n---\nc: d\n"), (Code::Syntax, 5));
        assert_eq!(refused("? [a]\n: b\n").0, Code::Syntax);
        assert_eq!(refused("a: !env X\n").0, Code::Syntax);
        assert_eq!(refused("a: 1\nb: 2\na: 3\n"), (Code::DuplicateKey, 10));
        assert_eq!(refused("a: *missing\n").0, Code::Syntax);
        assert_eq!(refused("a: {<<: text}\n").0, Code::WrongType);
    }

    #[test]
    fn one_anchor_may_be_used_many_times() {
        let mut text = String::from("base: &base {a: 1}\n");
        for index in 0..5_000 {
            text.push_str(&format!("k{index}: {{<<: *base, b: {index}}}\n"));
        }
        assert_eq!(read(&text)["k4999"], json!({"b": 4999, "a": 1}));
    }
}
