//! Values as YAML text that every reader takes back as the same value, YAML 1.1 ones included: `NO`, `1:30` and dates
//! are quoted, several lines become a block, what cannot be seen is escaped.

use std::fmt::Write as _;

use serde_json::Value;

/// How many characters a list on one line may have.
const LINE: usize = 90;

/// A text on one line, quoted where it has to be; also inside `[]` and `{}`.
pub fn text(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let quotes = text.contains(['"', '\\']) && !text.contains('\'');
    if quotes && !text.chars().any(must_escape) {
        return format!("'{text}'");
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if must_escape(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(quoted, "\\x{code:02x}"),
                    0x100..=0xffff => write!(quoted, "\\u{code:04x}"),
                    _ => write!(quoted, "\\U{code:08x}"),
                };
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value on one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(value) => text(value),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", text(key), inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A key with its value in block style, as lines; the first has no indentation.
///
/// `indent` is the column of the key, `step` how much deeper its parts stand, `literal` whether several lines of text
/// may become a block (nothing may follow on the last line then).
pub fn entry(key: &str, value: &Value, indent: usize, step: usize, literal: bool) -> Vec<String> {
    let (first, mut rest) = after_key(value, indent, step, literal);
    let mut head = text(key);
    head.push(':');
    if !first.is_empty() {
        head.push(' ');
        head.push_str(&first);
    }
    rest.insert(0, head);
    rest
}

/// What follows a key on its line, and the lines below.
pub fn after_key(value: &Value, indent: usize, step: usize, literal: bool) -> (String, Vec<String>) {
    let inner = indent + step;
    let pad = " ".repeat(inner);
    match value {
        Value::String(value) if literal && is_literal(value) => {
            let body = value.strip_suffix('\n');
            let header = if body.is_some() { "|" } else { "|-" };
            let lines = body.unwrap_or(value).split('\n');
            let padded =
                lines.map(|line| if line.is_empty() { String::new() } else { format!("{pad}{line}") });
            (header.to_owned(), padded.collect())
        }
        Value::Array(items) if !fits(value, items) => {
            let lines = items.iter().flat_map(|item| list_item(item, inner, step)).collect();
            (String::new(), lines)
        }
        Value::Object(map) if !map.is_empty() => {
            let last = map.len() - 1;
            let entries = map.iter().enumerate().flat_map(|(position, (key, value))| {
                let literal = literal || position < last;
                let mut lines = entry(key, value, inner, step, literal);
                if let Some(first) = lines.first_mut() {
                    first.insert_str(0, &pad);
                }
                lines
            });
            (String::new(), entries.collect())
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => (inline(value), Vec::new()),
    }
}

/// An item of a list in block style, its dash at `indent`.
pub(super) fn list_item(item: &Value, indent: usize, step: usize) -> Vec<String> {
    let pad = " ".repeat(indent);
    match item {
        Value::Object(map) if !map.is_empty() => {
            let mut lines = Vec::new();
            for (position, (key, value)) in map.iter().enumerate() {
                let sign = if position == 0 { "- " } else { "  " };
                let mut entry = entry(key, value, indent + 2, step, false);
                if let Some(first) = entry.first_mut() {
                    first.insert_str(0, &format!("{pad}{sign}"));
                }
                lines.extend(entry);
            }
            lines
        }
        other => vec![format!("{pad}- {}", inline(other))],
    }
}

fn fits(value: &Value, items: &[Value]) -> bool {
    let single = |item: &Value| match item {
        Value::Array(inner) => inner.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    items.iter().all(single) && inline(value).chars().count() <= LINE
}

/// Whether a text of several lines reads the same as a block.
fn is_literal(text: &str) -> bool {
    let Some((first, _)) = text.split_once('\n') else { return false };
    let body = text.strip_suffix('\n').unwrap_or(text);
    let seen = |line: &str| line.is_empty() || !line.trim().is_empty() && !line.starts_with('\t');
    !first.is_empty()
        && !first.starts_with([' ', '\t'])
        && body.contains('\n')
        && !body.ends_with('\n')
        && body.split('\n').all(seen)
        && !text.chars().any(|c| c != '\n' && c != '\t' && must_escape(c))
}

/// Characters that another reader may drop, break a line at, or that turn what stands around them.
fn must_escape(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let joiner = matches!(c, '\u{200c}' | '\u{200d}');
    let unprintable = matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{fdd0}'..='\u{fdef}');
    c.is_control() || unprintable || (!joiner && crate::text::escape(c).nth(1).is_some())
}

/// Whether a text may stand without quotes anywhere: it begins like a word, no reader takes it for something else, and
/// it holds nothing that means something to YAML.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let inside = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' ' | '_' | '-' | '.' | '/' | '@' | '(' | ')' | '+' | '$' | '~' | ';')
    };
    let begins = first.is_alphabetic() || (first.is_ascii_digit() && !may_be_number(text));
    begins && !text.ends_with(' ') && text.chars().all(|c| inside(c) && !must_escape(c)) && !is_reserved(text)
}

/// A digit first: it is no number, time or date in any version of YAML where some character fits none of them.
fn may_be_number(text: &str) -> bool {
    let beyond = |c: char| {
        c == '/'
            || c == ' '
            || (c.is_alphabetic() && !matches!(c.to_ascii_lowercase(), 'a'..='f' | 'o' | 't' | 'x' | 'z'))
    };
    // A date and a time may be parted by a space.
    let dated =
        text.contains(' ') && text.chars().all(|c| !c.is_alphabetic() || c.eq_ignore_ascii_case(&'z'));
    dated || !text.chars().any(beyond)
}

fn is_reserved(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
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
            ("a\u{7}b\u{85}\u{202e}", "\"a\\x07b\\x85\\u202e\""),
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
