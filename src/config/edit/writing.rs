//! Writes values as YAML text that every reader, including YAML 1.1 readers, reads back as the same value.
//!
//! The library does layout, quotes and escapes. This module decides the form of each value, leaves only words unquoted
//! (readers disagree about the rest), and escapes invisible characters.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_yaml::{DoubleQuoted, FlowSeq, LitStr, SingleQuoted};

use crate::text::is_harmful;

/// The maximum length of a list on one line.
const LINE: usize = 90;

/// A text on one line, quoted if necessary; also valid inside `[]` and `{}`.
pub fn text(text: &str) -> String {
    inline(&Value::from(text))
}

/// A value on one line.
pub fn inline(value: &Value) -> String {
    let list = emit(&FlowSeq([Styled { value, literal: false }]), 2);
    let line = list.as_deref().and_then(|list| list.strip_prefix('[')?.strip_suffix("]\n"));
    // JSON is also YAML.
    line.map_or_else(|| escaped(&value.to_string()), str::to_owned)
}

/// A key with its value in block style, as lines; the first has no indentation.
///
/// `indent` is the column of the key, `step` the additional indentation of its parts. `literal` allows text of several
/// lines to become a block; then nothing may follow on the last line.
pub fn entry(key: &str, value: &Value, indent: usize, step: usize, literal: bool) -> Vec<String> {
    let (first, mut rest) = after_key(value, indent, step, literal);
    let space = if first.is_empty() { "" } else { " " };
    rest.insert(0, format!("{}:{space}{first}", text(key)));
    rest
}

/// The text after a key on its line, and the lines below.
pub fn after_key(value: &Value, indent: usize, step: usize, literal: bool) -> (String, Vec<String>) {
    block("k:", &BTreeMap::from([("k", Styled { value, literal })]), indent, step)
        .unwrap_or_else(|| (inline(value), Vec::new()))
}

/// An item of a list in block style with its dash at `indent`.
pub(super) fn list_item(item: &Value, indent: usize, step: usize) -> Vec<String> {
    let (first, mut rest) = block("-", &[Styled { value: item, literal: false }], indent, step)
        .unwrap_or_else(|| (inline(item), Vec::new()));
    rest.insert(0, format!("{}- {first}", " ".repeat(indent)));
    rest
}

/// The text after the `:` or `-` of a collection with one value, and the lines below.
fn block(
    sign: &str,
    collection: &impl Serialize,
    indent: usize,
    step: usize,
) -> Option<(String, Vec<String>)> {
    let text = emit(collection, step)?;
    let mut lines = text.lines();
    let first = lines.next()?.strip_prefix(sign)?.trim_start_matches(' ').to_owned();
    let pad = " ".repeat(indent);
    let pad = |line: &str| if line.is_empty() { String::new() } else { format!("{pad}{line}") };
    Some((first, lines.map(pad).collect()))
}

fn emit(value: &impl Serialize, step: usize) -> Option<String> {
    let options = serde_yaml::ser_options! {
        indent_step: step, compact_list_indent: false, prefer_block_scalars: false,
    };
    Some(escaped(&serde_yaml::to_string_with_options(value, options).ok()?))
}

/// A value with its style.
struct Styled<'v> {
    value: &'v Value,
    /// Whether texts in it, outside of lists, may be blocks.
    literal: bool,
}

impl Serialize for Styled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let item = |value| Styled { value, literal: false };
        match self.value {
            Value::String(text) if self.literal && is_literal(text) => LitStr(text).serialize(serializer),
            Value::String(text) if is_word(text) => text.serialize(serializer),
            Value::String(text) if is_legible(text) => SingleQuoted(text).serialize(serializer),
            Value::String(text) => DoubleQuoted(text).serialize(serializer),
            Value::Array(items) if fits(items) => {
                FlowSeq(items.iter().map(item).collect::<Vec<_>>()).serialize(serializer)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(item)),
            // The library has its own rule for quoting keys, which wrappers do not affect.
            Value::Object(map) if map.keys().any(|key| is_odd(key)) => {
                Err(S::Error::custom("a key lacks necessary quotes or escapes"))
            }
            Value::Object(map) => {
                let part = |value| Styled { value, literal: self.literal };
                serializer.collect_map(map.iter().map(|(key, value)| (key, part(value))))
            }
            value => value.serialize(serializer),
        }
    }
}

/// Whether a list is written on one line: it is short and contains no lists or mappings.
fn fits(items: &[Value]) -> bool {
    let single = |item: &Value| match item {
        Value::Array(inner) => inner.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    let width = |item: &Value| inline(item).chars().count() + 2;
    items.iter().all(single) && items.iter().map(width).sum::<usize>() <= LINE
}

/// Whether a text of several lines can be written as a block.
fn is_literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let seen = |line: &str| line.is_empty() || !line.trim().is_empty() && !line.starts_with('\t');
    body.contains('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && !body.ends_with('\n')
        && body.split('\n').all(seen)
        && !body.contains(|c| !matches!(c, '\n' | '\t') && must_escape(c))
}

/// Whether a text consists of words. They need no quotes unless the library finds another meaning in them.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_alphanumeric() && !must_escape(c) || " _-./@()+$~;".contains(c))
        && !may_be_number(text)
}

/// Whether some reader may read a text as a number or a date. The library does not know the rules of all readers.
fn may_be_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+', '.', '_']);
    let number = |c: char| c.is_ascii_hexdigit() || " _-+.:,oOpPtTxXzZ".contains(c);
    !text.is_empty() && digits.is_empty()
        || digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(number)
        || digits.eq_ignore_ascii_case("infinity")
}

/// Whether a key needs quotes or escapes that the library may not add. PyYAML fails on `?` inside `{}`.
fn is_odd(key: &str) -> bool {
    key.contains('?') || key.contains(must_escape) || may_be_number(key)
}

/// Whether single quotes avoid escapes in a text.
fn is_legible(text: &str) -> bool {
    text.contains(['"', '\\']) && !text.contains(|c| c == '\'' || must_escape(c))
}

/// Characters that another reader may drop or treat as a line break, or that change the direction of text around them.
fn must_escape(c: char) -> bool {
    let joiner = matches!(c, '\u{200c}' | '\u{200d}');
    is_harmful(c) && !joiner
}

/// Escapes characters that the library leaves unescaped; the text is in double quotes.
fn escaped(yaml: &str) -> String {
    let mut text = String::with_capacity(yaml.len());
    for c in yaml.chars() {
        let _ = match u32::from(c) {
            _ if matches!(c, '\n' | '\t') || !must_escape(c) => text.write_char(c),
            code @ 0..=0xffff => write!(text, "\\u{code:04x}"),
            code => write!(text, "\\U{code:08x}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_stay_plain_and_everything_doubtful_is_quoted() {
        for plain in [
            "VPN",
            "VPN Users",
            "1password",
            "192.0.2.0/24",
            "Büro Zürich",
            "内部",
            "a@example.com",
            "DI3F0GQ7TESTAPP0WEB1",
        ] {
            assert_eq!(text(plain), plain);
        }
        for (value, written) in [
            ("NO", "\"NO\""),
            ("", "\"\""),
            ("1:30", "\"1:30\""),
            ("12", "\"12\""),
            ("1e3", "\"1e3\""),
            ("0x1F", "\"0x1F\""),
            ("192.0.2.8", "\"192.0.2.8\""),
            ("2027-01-01", "\"2027-01-01\""),
            ("2027-01-01 10:00:00", "\"2027-01-01 10:00:00\""),
            (" a", "\" a\""),
            ("a ", "\"a \""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("say \"x\"", "'say \"x\"'"),
            ("it's \"x\"", "\"it's \\\"x\\\"\""),
            ("a\u{7}b\u{85}\u{202e}", "\"a\\ab\\N\\u202e\""),
            ("👩\u{200d}💻", "\"👩\u{200d}💻\""),
            ("- a", "\"- a\""),
            ("two\nlines", "\"two\\nlines\""),
        ] {
            assert_eq!(text(value), written);
        }
    }

    #[test]
    fn lines_become_blocks_and_documents_are_indented() {
        let value = json!({"notes": "one\n\n two\n", "groups": ["A", "B"], "sso": {"urls": [{"url": "x", "index": 1}]}, "none": {}});
        let lines = entry("vpn", &value, 0, 2, true).join("\n");
        assert_eq!(
            lines,
            "vpn:\n  notes: |\n    one\n\n     two\n  groups: [A, B]\n  sso:\n    urls:\n      - url: x\n        index: 1\n  none: {}"
        );
    }
}
