//! Coloured text, if colours are wanted.

use anstyle::{AnsiColor, Style};

/// Colours text, or leaves it unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether colours are on.
    pub on: bool,
}

impl Paint {
    /// For something new or proven.
    pub fn good(self, text: &str) -> String {
        self.style(text, AnsiColor::Green.on_default())
    }

    /// For a change or a warning.
    pub fn notice(self, text: &str) -> String {
        self.style(text, AnsiColor::Yellow.on_default())
    }

    /// For a loss, a risk or a failure.
    pub fn bad(self, text: &str) -> String {
        self.style(text, AnsiColor::Red.on_default().bold())
    }

    /// For an adoption.
    pub fn calm(self, text: &str) -> String {
        self.style(text, AnsiColor::Cyan.on_default())
    }

    /// For the important part of a line.
    pub fn strong(self, text: &str) -> String {
        self.style(text, Style::new().bold())
    }

    /// For less important text.
    pub fn faint(self, text: &str) -> String {
        self.style(text, Style::new().dimmed())
    }

    fn style(self, text: &str, style: Style) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Paint { on: false }.bad("x"), "x");
        assert!(Paint { on: true }.bad("x").contains("\u{1b}["));
    }
}
