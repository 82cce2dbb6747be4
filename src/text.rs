//! Makes text from outside safe to print: it cannot move the cursor, reorder text, end a quotation, forge a line, or show
//! what may be a secret.

use std::ops::Range;

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, NoncharacterCodePoint, PrependedConcatenationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use serde_json::Value;

/// Whether a character moves or reorders the text around it when printed, or is invisible: control characters, characters
/// that programs may leave out, every whitespace except the space, and the few letters and signs that are drawn empty.
pub fn is_harmful(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let drawn_empty = matches!(c, '\u{2800}' | '\u{fffc}' | '\u{16fe4}' | '\u{1d159}');
    drawn_empty
        || is_ignorable(c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
        || match CodePointMapData::<GeneralCategory>::new().get(c) {
            GeneralCategory::Control
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::SpaceSeparator => true,
            // The signs that enclose a number are visible.
            GeneralCategory::Format => !CodePointSetData::new::<PrependedConcatenationMark>().contains(c),
            _ => false,
        }
}

/// Unicode's property `Default_Ignorable_Code_Point`: characters that a program may leave out when printing.
pub(crate) fn is_ignorable(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// A character in printable form.
pub fn escape(c: char) -> impl Iterator<Item = char> {
    let (plain, escaped) = if is_harmful(c) { (None, Some(c.escape_unicode())) } else { (Some(c), None) };
    plain.into_iter().chain(escaped.into_iter().flatten())
}

/// The first `limit` characters of a text, on one line, with an ellipsis if there are more.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    let mut short: String = text.chars().take(limit).flat_map(escape).collect();
    if exceeds(text, limit) {
        short.push('…');
    }
    short
}

/// Counts bytes first: most texts are short.
fn exceeds(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().nth(limit).is_some()
}

/// The output of a server or a program, short enough for one line of an error.
pub(crate) fn printable(text: &str) -> String {
    bounded(text.trim(), 300)
}

/// A text for a message, in backticks; hidden if it may be a secret.
pub(crate) fn shown(text: &str) -> String {
    if !secret_runs(text).is_empty() {
        return "(a long text, not shown)".to_owned();
    }
    format!("`{}`", bounded(text, 60))
}

/// The most characters of one text that are shown to people; JSON has all of it.
const LONGEST: usize = 1000;

/// Text from other people, on one line and without commands to the CI that reads the log: GitHub's runner obeys `::` at
/// the start of a line and `##[` anywhere in it.
pub fn safe(text: &str) -> String {
    let mut shown = bounded(text, LONGEST);
    if exceeds(text, LONGEST) {
        shown.push_str(&format!(" ({} characters)", text.chars().count()));
    }
    let shown = if shown.contains("##[") { shown.replace("##[", "##\\u{5b}") } else { shown };
    match shown.trim_start().strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => shown,
    }
}

/// The same in quotation marks, which the text cannot end.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", safe(text).replace('"', "\\\""))
}

/// A JSON value on one line, made safe in the same way.
pub(crate) fn one_line(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(items) => items.iter().map(one_line).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => safe(&value.to_string()),
    }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// Runs of at least 32 characters with both letters and digits: keys, never words.
pub(crate) fn secret_runs(text: &str) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut begin = 0;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for part in text.split_inclusive(|c: char| !word(c)) {
        let run = part.trim_end_matches(|c: char| !word(c));
        let mixed = run.chars().any(|c| c.is_ascii_digit()) && run.chars().any(|c| c.is_ascii_alphabetic());
        if run.len() >= 32 && mixed {
            runs.push(begin..begin + run.len());
        }
        begin += part.len();
    }
    runs
}

/// Whether the value of a key is a secret, which neither a message nor a snippet may show.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    let endings = [
        "secret",
        "secrets",
        "secret_key",
        "skey",
        "password",
        "passwd",
        "passphrase",
        "token",
        "api_key",
        "private_key",
        "secret_id",
    ];
    endings.iter().any(|ending| key.ends_with(ending))
}

/// The JSON pointer of a member of the value at `pointer` (RFC 6901).
pub(crate) fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_messages_are_harmless() {
        assert_eq!(shown("plain"), "`plain`");
        assert_eq!(shown("a\u{1b}[31m\u{202e}b\n"), "`a\\u{1b}[31m\\u{202e}b\\u{a}`");
        assert_eq!(shown("deadbeefdeadbeefdeadbeefdeadbeefdead1234"), "(a long text, not shown)");
        assert_eq!(shown(&"x y ".repeat(40)).chars().count(), 63);
    }

    #[test]
    fn text_from_outside_cannot_forge_a_line_or_a_colour() {
        assert_eq!(safe("VPN\n::error::x\u{1b}[31m\u{202e}"), "VPN\\u{a}::error::x\\u{1b}[31m\\u{202e}");
        assert_eq!(printable(" a\nb\u{202e} "), "a\\u{a}b\\u{202e}");
    }

    /// `Default_Ignorable_Code_Point` of Unicode 17, DerivedCoreProperties.txt: 4174 code points.
    const DEFAULT_IGNORABLE: &[(u32, u32)] = &[
        (0x00ad, 0x00ad),
        (0x034f, 0x034f),
        (0x061c, 0x061c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x202a, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfff8),
        (0x1bca0, 0x1bca3),
        (0x1d173, 0x1d17a),
        (0xe0000, 0xe0fff),
    ];

    #[test]
    fn all_that_nobody_sees_is_spelled_out() {
        let table: Vec<char> = DEFAULT_IGNORABLE
            .iter()
            .flat_map(|(first, last)| *first..=*last)
            .filter_map(char::from_u32)
            .collect();
        assert_eq!(table.len(), 4174);
        for c in ('\0'..=char::MAX).filter(|c| is_ignorable(*c)) {
            assert!(table.contains(&c), "{c:?} is in the program's table only");
        }
        let blanks =
            "\u{a0}\u{1680}\u{2000}\u{2003}\u{200a}\u{202f}\u{205f}\u{3000}\u{2800}\u{1d159}\u{16fe4}";
        let turning = "\u{200e}\u{200f}\u{61c}\u{202a}\u{202e}\u{2066}\u{2069}";
        let breaking =
            "\u{7}\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{fff9}\u{fffc}\u{13430}\u{fdd0}\u{10ffff}";
        for c in table.into_iter().chain(blanks.chars()).chain(turning.chars()).chain(breaking.chars()) {
            let shown: String = escape(c).collect();
            assert_eq!(shown, format!("\\u{{{:x}}}", u32::from(c)));
        }
        for c in " aé名🦀´\u{301}\u{600}\u{e000}ｱ…".chars() {
            assert!(!is_harmful(c), "{c:?} is seen");
        }
    }

    #[test]
    fn text_from_outside_is_no_command_to_a_ci() {
        assert_eq!(safe("::add-mask::x"), "\\u{3a}:add-mask::x");
        assert_eq!(safe("  ::error::x"), "\\u{3a}:error::x");
        assert_eq!(safe("a ##[error]x"), "a ##\\u{5b}error]x");
        assert_eq!(safe("a::b #[x] ## [y]"), "a::b #[x] ## [y]");
    }

    #[test]
    fn text_from_outside_ends_neither_its_quotation_nor_never() {
        assert_eq!(quoted(r#"VPN" -> "x"#), r#""VPN\" -> \"x""#);
        let long = safe(&"é".repeat(1 << 20));
        assert_eq!(long.chars().count(), 1000 + "… (1048576 characters)".chars().count());
        assert_eq!(safe(&"é".repeat(1000)), "é".repeat(1000));
        assert_eq!(safe(&format!("{}…", "é".repeat(999))), format!("{}…", "é".repeat(999)));
    }
}
