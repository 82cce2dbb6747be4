//! The layout of a file: the places of keys, values and comments, and which values are aliases. [`crate::yaml`] reads the
//! meaning; this module only finds places.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

/// A value as written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// From its first to its last byte, without the anchor and tag before it.
    pub(super) place: Range<usize>,
    pub(super) shape: Shape,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// `*name`.
    Alias,
    /// A scalar; `block` for `|` and `>`, whose place covers only the lines below.
    Scalar {
        block: bool,
    },
    List {
        flow: bool,
        items: Vec<Written>,
    },
    Mapping {
        flow: bool,
        entries: Vec<Pair>,
    },
}

/// A key and its value as written.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) key: String,
    pub(super) key_place: Range<usize>,
    /// Whether it is an unquoted `<<`.
    pub(super) merges: bool,
    pub(super) value: Written,
}

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) root: Option<Written>,
    /// The places of the comments, including `#`.
    pub(super) comments: Vec<Range<usize>>,
}

struct Open {
    start: usize,
    end: usize,
    flow: bool,
    content: Content,
}

enum Content {
    List(Vec<Written>),
    Mapping(Vec<Pair>, Option<(String, Range<usize>)>),
}

/// Reads the places of a YAML file. `None` if it is not YAML or has a key that is not plain text.
pub(super) fn read(text: &str) -> Option<File> {
    let mut file = File::default();
    let mut stack: Vec<Open> = Vec::new();
    let options = granit_parser::options! { emit_comments: true };
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.ok()?;
        let place = span.byte_range()?;
        let (key, finished) = match event {
            Event::Comment(..) => {
                // Some spans of comments end in the middle of the line, but a comment always extends to its end.
                let rest = text.get(place.start..)?;
                let end = place.start + rest.find(['\n', '\r']).unwrap_or(rest.len());
                file.comments.push(place.start..end);
                continue;
            }
            Event::Scalar(value, style, ..) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let place = if block { whole_lines(text, place) } else { place };
                (Some(value.into_owned()), Written { place, shape: Shape::Scalar { block } })
            }
            Event::Alias(_) => {
                (text.get(place.clone()).map(str::to_owned), Written { place, shape: Shape::Alias })
            }
            Event::SequenceStart(style, ..) => {
                stack.push(open(place, style, Content::List(Vec::new())));
                continue;
            }
            Event::MappingStart(style, ..) => {
                stack.push(open(place, style, Content::Mapping(Vec::new(), None)));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => (None, close(stack.pop()?, &place)),
            _ => continue,
        };
        let Some(frame) = stack.last_mut() else {
            file.root = Some(finished);
            continue;
        };
        let mut finished = finished;
        if finished.place.is_empty() {
            // The parser reports an implied value at the next token, which may be lines below.
            let end = match &frame.content {
                Content::Mapping(_, Some((_, key))) => after_colon(text, key.end),
                Content::Mapping(_, None) | Content::List(_) => {
                    finished.place.end.min(frame.end.max(frame.start))
                }
            };
            finished.place = end..end;
        }
        frame.end = frame.end.max(finished.place.end);
        match &mut frame.content {
            Content::List(items) => items.push(finished),
            Content::Mapping(entries, waiting) => match waiting.take() {
                None => *waiting = Some((key?, finished.place)),
                Some((key, key_place)) => {
                    let merges = text.get(key_place.clone()) == Some("<<");
                    entries.push(Pair { key, key_place, merges, value: finished });
                }
            },
        }
    }
    Some(file)
}

/// The offset after the colon that follows a key, or after the key if there is no colon.
pub(super) fn after_colon(text: &str, key_end: usize) -> usize {
    let rest = text.get(key_end..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let colon = rest.get(blank..).is_some_and(|rest| rest.starts_with(':'));
    key_end + if colon { blank + 1 } else { 0 }
}

/// Corrects the end of a block scalar, which the parser may report in the indentation of the next line.
fn whole_lines(text: &str, place: Range<usize>) -> Range<usize> {
    let body = text.get(place.clone()).unwrap_or_default();
    let line = body.rfind('\n').map_or(0, |newline| newline + 1);
    let blank = line > 0 && body.get(line..).is_some_and(|rest| rest.trim().is_empty());
    place.start..if blank { place.start + line } else { place.end }
}

fn open(place: Range<usize>, style: StructureStyle, content: Content) -> Open {
    Open { start: place.start, end: place.end, flow: matches!(style, StructureStyle::Flow), content }
}

fn close(open: Open, place: &Range<usize>) -> Written {
    let Open { start, end, flow, content } = open;
    // The parser reports the end of a block collection at the next token, which may be lines below.
    let end = if flow { place.end } else { end };
    let shape = match content {
        Content::List(items) => Shape::List { flow, items },
        Content::Mapping(entries, _) => Shape::Mapping { flow, entries },
    };
    Written { place: start..end, shape }
}

/// The pair of a key that is in the mapping itself and not merged.
pub(super) fn own<'p>(entries: &'p [Pair], key: &str) -> Option<&'p Pair> {
    entries.iter().find(|pair| !pair.merges && pair.key == key)
}

/// The end of a value whose last part is a block scalar.
pub(super) fn last_scalar(node: &Written) -> Option<usize> {
    match &node.shape {
        Shape::Scalar { block } => block.then_some(node.place.end),
        Shape::Alias => None,
        Shape::List { flow, items } => items.last().filter(|_| !flow).and_then(last_scalar),
        Shape::Mapping { flow, entries } => {
            entries.last().filter(|_| !flow).and_then(|pair| last_scalar(&pair.value))
        }
    }
}
