//! Colour where it is wanted, and text from outside made safe to print.

use anstyle::{AnsiColor, Style};

use crate::config::texts::escape;

/// Paints, or leaves text as it is.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether colour is wanted.
    pub on: bool,
}

impl Paint {
    /// Something new, something proven.
    pub fn good(self, text: &str) -> String {
        self.style(text, AnsiColor::Green.on_default())
    }

    /// A change, a warning.
    pub fn notice(self, text: &str) -> String {
        self.style(text, AnsiColor::Yellow.on_default())
    }

    /// A loss, a risk, a failure.
    pub fn bad(self, text: &str) -> String {
        self.style(text, AnsiColor::Red.on_default().bold())
    }

    /// An adoption.
    pub fn calm(self, text: &str) -> String {
        self.style(text, AnsiColor::Cyan.on_default())
    }

    /// What matters on a line.
    pub fn strong(self, text: &str) -> String {
        self.style(text, Style::new().bold())
    }

    /// What matters less.
    pub fn faint(self, text: &str) -> String {
        self.style(text, Style::new().dimmed())
    }

    fn style(self, text: &str, style: Style) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// How much of one text is shown to people; JSON has all of it.
const LONGEST: usize = 1000;

/// Text that other people wrote, on one line, no longer than anybody reads, without anything that moves the cursor, turns
/// the text around, or is a command to the CI that reads the log: GitHub's runner obeys `::` at the start of a line and
/// `##[` anywhere in it.
pub fn safe(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).flat_map(escape).collect();
    // Bytes are counted first: most texts are short.
    if text.len() > LONGEST && text.chars().nth(LONGEST).is_some() {
        shown.push_str(&format!("… ({} characters)", text.chars().count()));
    }
    let shown = if shown.contains("##[") { shown.replace("##[", "##\\u{5b}") } else { shown };
    match shown.trim_start().strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => shown,
    }
}

/// The same between quotation marks, which it cannot end.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", safe(text).replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_forge_a_line_or_a_colour() {
        assert_eq!(safe("VPN\n::error::x\u{1b}[31m\u{202e}"), "VPN\\u{a}::error::x\\u{1b}[31m\\u{202e}");
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
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Paint { on: false }.bad("x"), "x");
        assert!(Paint { on: true }.bad("x").contains("\u{1b}["));
    }
}
