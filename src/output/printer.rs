//! The only place that writes to the terminal: data on stdout, everything for people on stderr.

use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::sync::OnceLock;

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

/// Why a part of the data could not be written, e.g. on a full disk.
static LOST: OnceLock<String> = OnceLock::new();

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
            Color::Auto => !set("NO_COLOR") && (forced || terminal && !is_dumb()),
        };
        Self {
            out: Paint { on: wanted(io::stdout().is_terminal()) },
            err: Paint { on: wanted(io::stderr().is_terminal()) },
            quiet,
        }
    }

    /// Data.
    pub fn data(&self, text: &str) {
        if let Err(error) = write(io::stdout().lock(), text) {
            LOST.get_or_init(|| error.to_string());
        }
    }

    /// A part of the data, such as a report, did not get out.
    pub fn lose(&self, reason: String) {
        LOST.get_or_init(|| reason);
    }

    /// Why a part of the data did not get out, if that is so.
    pub fn lost_data(&self) -> Option<&'static str> {
        LOST.get().map(String::as_str)
    }

    /// An error or a warning: always shown.
    pub fn problem(&self, text: &str) {
        // There is nobody left to tell.
        let _ = write(io::stderr().lock(), text);
    }

    /// A remark: not shown with `--quiet`.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            let _ = write(io::stderr().lock(), text);
        }
    }
}

fn write(mut stream: impl Write, text: &str) -> io::Result<()> {
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let result = stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(newline.as_bytes()));
    match result.and_then(|()| stream.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Whether the terminal says that it understands no control sequences.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// How wide text for people may be: `COLUMNS`, or a width that fits most windows.
pub fn terminal_width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(120)
}
