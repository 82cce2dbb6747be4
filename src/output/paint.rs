//! Colour where it is wanted.

use anstyle::{AnsiColor, Style};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Paint { on: false }.bad("x"), "x");
        assert!(Paint { on: true }.bad("x").contains("\u{1b}["));
    }
}
