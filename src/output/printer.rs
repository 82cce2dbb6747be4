//! The only place that writes to the terminal: data on stdout, everything for people on stderr.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::sync::OnceLock;

use supports_hyperlinks::Stream;
use terminal_size::{Width, terminal_size_of};

use super::paint::Paint;
use super::people::{Call, fit, linked};

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` says otherwise; `CLICOLOR_FORCE` turns it on everywhere.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Why part of the data could not be written, e.g. on a full disk.
static LOST: OnceLock<String> = OnceLock::new();

/// The path and options of this call.
static CALL: OnceLock<Call> = OnceLock::new();

/// Writes to stdout and stderr. It is not an error if the reader has gone away.
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
    /// Reads the terminal and the environment.
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

    /// Adds the path and options of this call to commands in messages from now on.
    pub fn complete_commands(call: Call) {
        CALL.get_or_init(|| call);
    }

    /// Text for people on stdout.
    pub fn show(&self, text: &str) {
        self.data(&shown(text, width_of(&io::stdout()), supports_hyperlinks::on(Stream::Stdout)));
    }

    /// Data, byte for byte.
    pub fn data(&self, text: &str) {
        if let Err(error) = write(io::stdout().lock(), text) {
            LOST.get_or_init(|| error.to_string());
        }
    }

    /// Part of the data, such as a report, could not be written.
    pub fn lose(&self, reason: String) {
        LOST.get_or_init(|| reason);
    }

    /// Why part of the data could not be written, if that happened.
    pub fn lost_data(&self) -> Option<&'static str> {
        LOST.get().map(String::as_str)
    }

    /// An error or a warning: always shown.
    pub fn problem(&self, text: &str) {
        // If stderr fails, there is no other place to report it.
        let _ = write(io::stderr().lock(), &on_stderr(text));
    }

    /// A remark: not shown with `--quiet`.
    pub fn remark(&self, text: &str) {
        if !self.quiet {
            let _ = write(io::stderr().lock(), &on_stderr(text));
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

/// Whether the terminal does not support control sequences.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn on_stderr(text: &str) -> String {
    shown(text, width_of(&io::stderr()), supports_hyperlinks::on(Stream::Stderr))
}

fn shown(text: &str, width: Option<usize>, links: bool) -> String {
    let completed = CALL.get().map_or(Cow::Borrowed(text), |call| call.complete(text));
    let fitted = width.map_or_else(|| completed.clone(), |width| fit(&completed, width.max(LEAST)));
    if links { linked(&fitted).into_owned() } else { fitted.into_owned() }
}

/// The minimum width of text; a narrower terminal wraps it itself.
const LEAST: usize = 40;
/// The width of findings without a terminal.
const ELSEWHERE: usize = 120;

/// The maximum width of text for people on stdout; `None` if stdout is not a terminal.
pub fn stdout_width() -> Option<usize> {
    width_of(&io::stdout())
}

/// The width of findings.
pub fn findings_width() -> usize {
    width_of(&io::stderr()).unwrap_or(ELSEWHERE)
}

/// `COLUMNS`, or the width of the terminal.
#[cfg(unix)]
fn width_of(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    columns().or_else(|| terminal_size_of(stream).map(|(Width(width), _)| usize::from(width)))
}

/// `COLUMNS`, or the width of the terminal.
#[cfg(windows)]
fn width_of(stream: &impl std::os::windows::io::AsHandle) -> Option<usize> {
    columns().or_else(|| terminal_size_of(stream).map(|(Width(width), _)| usize::from(width)))
}

fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0)
}
