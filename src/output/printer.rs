//! The only place that writes to the terminal: data on stdout, everything for people on stderr.

use std::io::{self, ErrorKind, IsTerminal as _, Write};

use super::paint::Paint;

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` says otherwise; `CLICOLOR_FORCE` turns it on everywhere.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Writes to stdout and stderr. A reader that went away is no error.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// For stdout.
    pub out: Paint,
    /// For stderr.
    pub err: Paint,
    /// Whether remarks on stderr are left out.
    pub quiet: bool,
}

impl Printer {
    /// Looks at the terminal and the environment.
    pub fn new(color: Color, quiet: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced =
            set("CLICOLOR_FORCE") && std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let wanted = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !set("NO_COLOR") && (forced || terminal),
        };
        Self {
            out: Paint { on: wanted(io::stdout().is_terminal()) },
            err: Paint { on: wanted(io::stderr().is_terminal()) },
            quiet,
        }
    }

    /// Data.
    pub fn data(&self, text: &str) {
        write(io::stdout().lock(), text);
    }

    /// An error or a warning: always shown.
    pub fn problem(&self, text: &str) {
        write(io::stderr().lock(), text);
    }

    /// A remark: not shown with `--quiet`.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            write(io::stderr().lock(), text);
        }
    }
}

fn write(mut stream: impl Write, text: &str) {
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let result = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(newline.as_bytes()));
    // There is nobody left to tell, whatever the reason; a closed pipe is the usual one.
    let _: Option<ErrorKind> = result.and_then(|()| stream.flush()).err().map(|error| error.kind());
}

/// How wide text for people may be: `COLUMNS`, or a width that fits most windows.
pub fn terminal_width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(120)
}
