//! Where the cursor is, read from the lines around it. Unlike a tree, this works for text that is only half typed, and takes
//! the same time in a file of any size as long as its mappings are small.

use std::ops::Range;

use super::documents::Text;
use super::tables::Step;

/// How many lines above are searched for the beginning of a value in brackets.
const FLOW_LINES: usize = 100;

/// What is at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// A key, or the place for one, or for a value on its own line.
    Key,
    /// The value of this key.
    Value(String),
    /// An item of a list.
    Item,
}

/// Where the cursor is.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// The way to the mapping or list around the cursor.
    pub(super) path: Vec<Step>,
    pub(super) at: At,
    /// The place of the whole word at the cursor.
    pub(super) word: Range<usize>,
    /// The keys of the same mapping, with their values if these are on the same line.
    pub(super) siblings: Vec<(String, String)>,
    /// Whether the cursor is in brackets.
    pub(super) flow: bool,
}

impl Context {
    /// The way to the value at the cursor: that of the key, if the cursor is in a key.
    pub(super) fn full(&self, text: &str) -> Vec<Step> {
        let last = match &self.at {
            At::Key => Step::Key(unquoted(text.get(self.word.clone()).unwrap_or_default()).to_owned()),
            At::Value(key) => Step::Key(key.clone()),
            At::Item => Step::Item,
        };
        self.path.iter().cloned().chain([last]).collect()
    }
}

/// A token at the start of a line.
#[derive(Clone, Debug)]
enum Token {
    /// `- `, with its column.
    Dash(usize),
    /// A key with its column, and where its value begins in the line.
    Key { column: usize, name: String, value: usize },
}

impl Token {
    fn column(&self) -> usize {
        match self {
            Self::Dash(column) | Self::Key { column, .. } => *column,
        }
    }
}

/// Reads the dashes and the key at the start of a line. Also returns where what follows them begins.
fn tokens(line: &str) -> (Vec<Token>, usize) {
    let mut tokens = Vec::new();
    let mut at = line.len() - line.trim_start_matches(' ').len();
    while let Some(rest) = line.get(at..) {
        let gap = |rest: &str| rest.len() - rest.trim_start_matches(' ').len();
        if rest == "-" || rest.starts_with("- ") {
            tokens.push(Token::Dash(at));
            at += 1;
            at += line.get(at..).map(gap).unwrap_or_default();
            continue;
        }
        if let Some((name, colon)) = key(rest) {
            let value = at + colon + 1;
            let value = value + line.get(value..).map(gap).unwrap_or_default();
            tokens.push(Token::Key { column: at, name, value });
            return (tokens, value);
        }
        break;
    }
    (tokens, at)
}

/// The key that a text begins with, and where its colon is.
fn key(text: &str) -> Option<(String, usize)> {
    let end = match text.chars().next()? {
        quote @ ('"' | '\'') => text.get(1..)?.find(quote)? + 2,
        '#' | '[' | '{' | ']' | '}' | ',' | '|' | '>' | '%' | '@' | '`' => return None,
        _ => {
            let colon = |(at, _): &(usize, &str)| {
                text.get(at + 1..)
                    .is_none_or(|rest| rest.is_empty() || rest.starts_with([' ', ',', '}', ']']))
            };
            text.match_indices(':').find(colon)?.0
        }
    };
    let name = text.get(..end)?;
    (text.get(end..)?.starts_with(':') && !name.contains(" #"))
        .then(|| (unquoted(name.trim()).to_owned(), end))
}

pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// A value on one line, without a comment.
fn scalar(text: &str) -> &str {
    let text = text.trim();
    let text = if text.starts_with('#') { "" } else { text.split(" #").next().unwrap_or_default() };
    unquoted(text)
}

/// Whether nothing follows a key but what may precede a block: a comment, or an anchor.
fn opens_block(rest: &str) -> bool {
    let rest = rest.trim();
    rest.is_empty() || rest.starts_with('#') || rest.starts_with('&') && !rest.contains(' ')
}

/// Where the cursor is; `None` in a comment, or where the lines make no sense.
pub(super) fn context(text: &Text, offset: usize) -> Option<Context> {
    let line = text.lines.line(offset);
    let first = line.saturating_sub(FLOW_LINES);
    for opening in (first..=line).rev() {
        let content = text.lines.text(&text.text, opening);
        if (opening == line || content.contains(['[', '{']))
            && let Some(found) = in_flow(text, opening, offset)
        {
            return found;
        }
    }
    in_block(text, line, offset)
}

fn in_block(text: &Text, line: usize, offset: usize) -> Option<Context> {
    let content = text.lines.text(&text.text, line);
    let begin = text.lines.begin(&text.text, line);
    let cursor = offset.saturating_sub(begin).min(content.len());
    if content.get(..cursor)?.trim_start().starts_with('#') || content.get(..cursor)?.contains(" #") {
        return None;
    }
    let (tokens, rest) = tokens(content);
    let blank = content.trim().is_empty();
    let column = tokens.last().map_or(if blank { cursor } else { rest }, Token::column);
    let outermost = tokens.first().map_or(column, Token::column);
    let word_at = |range: Range<usize>| begin + range.start..begin + range.end;
    let rest_end = rest + content.get(rest..)?.trim_end().len();
    let after_colon = |column: usize, name: &str| column + quoted_len(content, column, name) + 2;
    let (at, word, inner) = match tokens.last() {
        Some(Token::Key { column, name, value }) if cursor >= after_colon(*column, name) => {
            let end = comment_start(content, *value);
            // Before a comment there is only a place for a value.
            let word = if end > *value { (*value).min(cursor)..end.max(cursor) } else { cursor..cursor };
            (At::Value(name.clone()), word, *column)
        }
        Some(Token::Key { column, name, .. }) => {
            (At::Key, *column..column + quoted_len(content, *column, name), *column)
        }
        Some(Token::Dash(_)) => (At::Item, rest..rest_end.max(rest), rest),
        None if blank => (At::Key, cursor..cursor, cursor),
        None => (At::Key, rest..rest_end, rest),
    };
    let mut path = above(text, line, outermost, matches!(tokens.first(), Some(Token::Dash(_))))?;
    let dashes = tokens.iter().filter(|token| matches!(token, Token::Dash(_))).count();
    let items = if at == At::Item { dashes.saturating_sub(1) } else { dashes };
    path.extend(std::iter::repeat_n(Step::Item, items));
    let siblings = if at == At::Item { Vec::new() } else { siblings(text, line, inner, dashes > 0) };
    Some(Context { path, at, word: word_at(word), siblings, flow: false })
}

/// Where the comment behind a value begins, or where the value ends.
fn comment_start(line: &str, value: usize) -> usize {
    let rest = line.get(value..).unwrap_or_default();
    let end = if rest.starts_with('#') { 0 } else { rest.find(" #").unwrap_or(rest.len()) };
    value + rest.get(..end).unwrap_or_default().trim_end().len()
}

fn quoted_len(line: &str, column: usize, name: &str) -> usize {
    let quoted = line.get(column..).is_some_and(|rest| rest.starts_with(['"', '\'']));
    if quoted { name.len() + 2 } else { name.len() }
}

/// The way to the block whose lines begin at a column.
fn above(text: &Text, line: usize, column: usize, dash: bool) -> Option<Vec<Step>> {
    let mut path = Vec::new();
    let (mut limit, mut dash) = (column, dash);
    for above in (0..line).rev() {
        if limit == 0 && !dash {
            break;
        }
        let content = text.lines.text(&text.text, above);
        let indent = content.len() - content.trim_start_matches(' ').len();
        if indent > limit || indent == limit && !dash || content.trim().is_empty() {
            continue;
        }
        if content.get(indent..)?.starts_with('#') || content.starts_with("---") || content.starts_with('%') {
            continue;
        }
        let (tokens, _) = tokens(content);
        for token in tokens.iter().rev() {
            match token {
                Token::Key { column, name, value } if *column < limit || dash && *column == limit => {
                    if !opens_block(content.get(*value..).unwrap_or_default()) {
                        return None;
                    }
                    path.push(Step::Key(name.clone()));
                    (limit, dash) = (*column, false);
                }
                Token::Dash(column) if *column < limit => {
                    path.push(Step::Item);
                    (limit, dash) = (*column, true);
                }
                Token::Key { .. } | Token::Dash(_) => {}
            }
        }
    }
    path.reverse();
    Some(path)
}

/// The keys of a block mapping at a column, except that of the line itself.
fn siblings(text: &Text, line: usize, column: usize, dash: bool) -> Vec<(String, String)> {
    let key_at = |line: usize| -> Option<Option<(String, String, bool)>> {
        let content = text.lines.text(&text.text, line);
        let indent = content.len() - content.trim_start_matches(' ').len();
        if content.trim().is_empty() || content.get(indent..).is_some_and(|rest| rest.starts_with('#')) {
            return Some(None);
        }
        let (tokens, _) = tokens(content);
        let found = tokens.iter().find_map(|token| match token {
            Token::Key { column: at, name, value } if *at == column => {
                let value = scalar(content.get(*value..).unwrap_or_default()).to_owned();
                Some((name.clone(), value, indent < column))
            }
            _ => None,
        });
        // A line to the left ends the mapping, unless it is the dash of its first key.
        (indent >= column || found.is_some()).then_some(found)
    };
    let mut found = Vec::new();
    if !dash {
        for above in (0..line).rev() {
            let Some(sibling) = key_at(above) else { break };
            if let Some((name, value, first)) = sibling {
                found.push((name, value));
                if first {
                    break;
                }
            }
        }
    }
    for below in line + 1..text.lines.count() {
        match key_at(below) {
            None | Some(Some((_, _, true))) => break,
            Some(Some((name, value, _))) => found.push((name, value)),
            Some(None) => {}
        }
    }
    found
}

/// An open bracket.
enum Frame {
    List,
    Mapping { key: Option<String>, seen: Vec<(String, String)> },
}

/// Where the cursor is within a value in brackets that begins on a line. `None` if the cursor is not in one; `Some(None)`
/// in a comment there.
fn in_flow(text: &Text, line: usize, offset: usize) -> Option<Option<Context>> {
    let content = text.lines.text(&text.text, line);
    let begin = text.lines.begin(&text.text, line);
    let (tokens, rest) = tokens(content);
    if !content.get(rest..)?.starts_with(['[', '{']) {
        return None;
    }
    let all = text.text.get(begin + rest..)?;
    let cursor = offset.checked_sub(begin + rest)?;
    let (frames, token, closed) = scan(all, cursor)?;
    frames.last()?;
    let outermost = tokens.first().map_or(rest, Token::column);
    let mut path = above(text, line, outermost, matches!(tokens.first(), Some(Token::Dash(_))))?;
    path.extend(tokens.iter().map(|token| match token {
        Token::Dash(_) => Step::Item,
        Token::Key { name, .. } => Step::Key(name.clone()),
    }));
    let mut context = Context {
        path,
        at: At::Key,
        word: begin + rest + token.start..begin + rest + token.end,
        siblings: Vec::new(),
        flow: true,
    };
    let last = frames.len() - 1;
    for (index, frame) in frames.into_iter().enumerate() {
        match frame {
            Frame::List if index == last => context.at = At::Item,
            Frame::List => context.path.push(Step::Item),
            Frame::Mapping { key, mut seen } if index == last => {
                context.at = key.map_or(At::Key, At::Value);
                seen.extend(closed.iter().cloned());
                context.siblings = seen;
            }
            Frame::Mapping { key, .. } => context.path.push(Step::Key(key.unwrap_or_default())),
        }
    }
    Some(Some(context))
}

/// The open brackets at the cursor, the word there, and the keys that follow it in the same mapping.
#[allow(clippy::type_complexity, reason = "read at one place")]
fn scan(text: &str, cursor: usize) -> Option<(Vec<Frame>, Range<usize>, Vec<(String, String)>)> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut word: Option<Range<usize>> = None;
    let mut rest = text.char_indices().peekable();
    let mut pending: Option<usize> = None;
    while let Some((at, c)) = rest.next() {
        if at >= cursor {
            break;
        }
        match c {
            '[' | '{' if pending.is_none() => frames.push(if c == '[' {
                Frame::List
            } else {
                Frame::Mapping { key: None, seen: Vec::new() }
            }),
            ']' | '}' | ',' => {
                finish(&mut frames, text.get(pending.take().unwrap_or(at)..at).unwrap_or_default());
                if c != ',' {
                    frames.pop()?;
                    if frames.is_empty() {
                        return None;
                    }
                    finish(&mut frames, "");
                }
            }
            ':' if text
                .get(at + 1..)
                .is_none_or(|after| after.is_empty() || after.starts_with([' ', '\n', '\r'])) =>
            {
                let name = unquoted(text.get(pending.take().unwrap_or(at)..at).unwrap_or_default());
                if let Some(Frame::Mapping { key, .. }) = frames.last_mut() {
                    *key = Some(name.to_owned());
                }
            }
            '"' | '\'' if pending.is_none() => {
                pending = Some(at);
                let end = text.get(at + 1..)?.find(c).map(|end| at + 1 + end);
                let end = end.filter(|end| *end < cursor)?;
                while rest.next_if(|(next, _)| *next <= end).is_some() {}
            }
            '#' if pending.is_none() => return None,
            c if c.is_whitespace() => {}
            _ => {
                pending.get_or_insert(at);
            }
        }
    }
    let start = pending.unwrap_or(cursor);
    let tail = text.get(cursor..).unwrap_or_default();
    let stop = tail.find([',', ']', '}', '\n', '\r', '#']).unwrap_or(tail.len());
    let colon = tail.find(": ").filter(|colon| *colon < stop);
    let end = cursor + tail.get(..colon.unwrap_or(stop)).unwrap_or_default().trim_end().len();
    word.get_or_insert(start..end.max(start));
    Some((frames, word?, keys_after(tail)))
}

/// Ends an entry or item.
fn finish(frames: &mut [Frame], value: &str) {
    if let Some(Frame::Mapping { key, seen }) = frames.last_mut()
        && let Some(name) = key.take()
    {
        seen.push((name, unquoted(value).to_owned()));
    }
}

/// The keys after the cursor, up to the end of its mapping; only on the same line.
fn keys_after(tail: &str) -> Vec<(String, String)> {
    let line = tail.split(['\n', '\r']).next().unwrap_or_default();
    let end = line.find('}').unwrap_or(line.len());
    let parts = line.get(..end).unwrap_or_default().split(',').skip(1);
    parts
        .filter_map(|part| part.split_once(": "))
        .map(|(key, value)| (unquoted(key).to_owned(), unquoted(value).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way, what is at the cursor (`|`), the word there, and the other keys.
    fn at(marked: &str) -> Option<(String, At, String, Vec<String>)> {
        let (before, after) = marked.split_once('|').unwrap();
        let text = Text::new(format!("{before}{after}"));
        let found = context(&text, before.len())?;
        let path = found.path.iter().map(|step| match step {
            Step::Key(key) => format!("/{key}"),
            Step::Item => "/-".to_owned(),
        });
        let keys = found.siblings.iter().map(|(key, _)| key.clone());
        Some((path.collect(), found.at, text.text[found.word].to_owned(), keys.collect()))
    }

    fn found(marked: &str, path: &str, what: At, word: &str, keys: &[&str]) {
        let (is_path, is_what, is_word, is_keys) = at(marked).unwrap_or_else(|| panic!("{marked}"));
        assert_eq!((is_path.as_str(), &is_what, is_word.as_str()), (path, &what, word), "{marked}");
        assert_eq!(is_keys, keys, "{marked}");
    }

    #[test]
    fn a_place_in_a_block_is_read_from_its_indentation() {
        let value = |key: &str| At::Value(key.to_owned());
        found("|", "", At::Key, "", &[]);
        found("wor|k", "", At::Key, "work", &[]);
        found("a:\n  b:\n    |\n", "/a/b", At::Key, "", &[]);
        found("a:\n  b:\n    c: 1\n    d|\n  e: 2\n", "/a/b", At::Key, "d", &["c"]);
        found("a:\n  b: {}\n  |\n  c: 1\nz: 1\n", "/a", At::Key, "", &["b", "c"]);
        found("a:\n  b: x y|\n", "/a", value("b"), "x y", &[]);
        found("a:\n  b: | # why\n", "/a", value("b"), "", &[]);
        found("a:\n  b|: 1\n  c: 2\n", "/a", At::Key, "b", &["c"]);
        found("a:\n  - x\n  - y|\n", "/a", At::Item, "y", &[]);
        found("a:\n- y|\n", "/a", At::Item, "y", &[]);
        found("a:\n  - b: 1\n    c|\n", "/a/-", At::Key, "c", &["b"]);
        found("a:\n  - b: 1\n    c: 2\n  - b: |\n    d: 1\n", "/a/-", value("b"), "", &["d"]);
        found("a:\n  - b:\n      c: |", "/a/-/b", value("c"), "", &[]);
        found("\"a\":\r\n  b:\r\n    c|\r\n", "/a/b", At::Key, "c", &[]);
        found("x: &x\n  y|\n", "/x", At::Key, "y", &[]);
    }

    #[test]
    fn a_place_in_brackets_is_read_from_the_brackets() {
        let value = |key: &str| At::Value(key.to_owned());
        found("a: {b: 1, c|", "/a", At::Key, "c", &["b"]);
        found("a: {b: 1, |, d: 2}", "/a", At::Key, "", &["b", "d"]);
        found("a: {b: x|}", "/a", value("b"), "x", &[]);
        found("a: [x, y|]", "/a", At::Item, "y", &[]);
        found("a: {b: [x, {c: |", "/a/b/-", value("c"), "", &[]);
        found("a:\n  - {b: 1, c: q|}\n", "/a/-", value("c"), "q", &["b"]);
        found("a: [\n  x,\n  y|\n]\n", "/a", At::Item, "y", &[]);
        found("a: {b: {c: 1}, d|}", "/a", At::Key, "d", &["b"]);
        found("a: {b: 'x', c: |}", "/a", value("c"), "", &["b"]);
        found("a: {b: 1}\nc|", "", At::Key, "c", &["a"]);
    }

    #[test]
    fn comments_and_continued_texts_are_no_places() {
        for text in ["# a|", "a: 1 # b|", "a:\n  # x|\n", "a: text\n  more|", "a: [x, # y|\n"] {
            assert!(at(text).is_none(), "{text}");
        }
    }
}
