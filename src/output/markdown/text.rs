//! Makes text from outside harmless in Markdown: no mention, reference, link, HTML, or end of a cell or fold.
//!
//! Text that someone else may have written is always formatted as code, where neither GitHub nor GitLab looks for
//! mentions, references or links.

use crate::text::safe;

/// How many characters of one text are shown.
const LONGEST: usize = 240;

/// A text as code, in a paragraph, a list or a cell.
pub(super) fn code(text: &str) -> String {
    let text = shortened(text);
    let harmless = |c: char| !matches!(c, '|' | '\\');
    if !text.is_empty() && text.trim() == text && text.chars().all(harmless) {
        return span(&text);
    }
    html_code(&text)
}

/// A text enclosed in more backticks than its longest run of backticks.
pub(super) fn span(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A space on both sides is not part of the code; it separates the text's own backticks from the fence.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The same as HTML, which also works inside HTML blocks: every special character is written as a numeric reference. The
/// code element ends before each `@` and a new one begins, because GitHub looks for email addresses after decoding the
/// references, and finds none that begins with `@`.
pub(super) fn html_code(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let is_address = text.to_ascii_lowercase().contains("www.");
    for c in shortened(text).chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | ',') || c == '.' && !is_address {
            escaped.push(c);
        } else if c == '@' {
            escaped.push_str("</code><code>&#64;");
        } else {
            escaped.push_str(&format!("&#{};", u32::from(c)));
        }
    }
    format!("<code>{escaped}</code>")
}

/// A sentence: unchanged if it contains only words, otherwise as code.
pub(super) fn prose(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | ',' | '.' | ';' | '\'' | '(' | ')');
    // A number followed by a full stop would begin a list.
    let wordy = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '(')
        && text.chars().all(plain)
        && text.chars().count() <= LONGEST;
    // A host name would become a link.
    let linked = text.to_lowercase().contains("www.");
    if wordy && !linked && text.trim() == text { text.to_owned() } else { code(text) }
}

/// The last line of a document: bold, or as code if it contains a name that could be read as markup.
pub(super) fn summary(line: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | ',' | '.' | '_' | '-');
    let words = line.split(": ").all(|words| words.chars().all(plain) && !words.contains("__"));
    let linked = line.to_lowercase().contains("www.");
    if words && !linked { format!("**{line}**") } else { code(line) }
}

fn shortened(text: &str) -> String {
    let text = safe(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_readable_where_they_are_harmless() {
        assert_eq!(code("applications.vpn"), "`applications.vpn`");
        assert_eq!(code("@team #12 https://example.com"), "`@team #12 https://example.com`");
        assert_eq!(prose("the key may do more"), "the key may do more");
    }

    #[test]
    fn what_could_end_code_is_written_as_numbers() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(
            code("a|user@example.com www.example.com"),
            "<code>a&#124;user</code><code>&#64;example&#46;com www&#46;example&#46;com</code>"
        );
        assert_eq!(code("a|b\\"), "<code>a&#124;b&#92;</code>");
        assert_eq!(code(" a"), "<code> a</code>");
        assert_eq!(code(""), "<code></code>");
        assert_eq!(code("x\n</details>"), "<code>x&#92;u&#123;a&#125;&#60;&#47;details&#62;</code>");
        assert_eq!(code("</details>"), "`</details>`");
        assert_eq!(prose("see www.example.com"), "`see www.example.com`");
        assert_eq!(prose("ask @team"), "`ask @team`");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(code(&"x".repeat(1000)).chars().count(), 240 + 3);
    }
}
