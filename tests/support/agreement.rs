//! Every plan and every report of the suite in every format: each call of the binary for people also writes a JSON report, and
//! the output, what `show` prints of the report, and every other format must agree.

use std::path::PathBuf;
use std::process::Command;

use duoctl::output::document::{Document, read};
use duoctl::output::format::{Format, render};
use duoctl::output::human::{self, Style};
use duoctl::output::paint::Paint;
use duoctl::output::repository::Context;
use serde_json::Value;
use tempfile::TempDir;

/// The commands that say the same in several formats.
const COMMANDS: [&str; 13] = [
    "graph",
    "validate",
    "plan",
    "drift",
    "apply",
    "verify",
    "accept",
    "adopt",
    "ignore",
    "attest",
    "keys rotate",
    "keys confirm",
    "keys abort",
];

/// The report of one call.
pub(super) struct Witness {
    folder: TempDir,
    /// Whether the call was asked for every check.
    every: bool,
}

impl Witness {
    /// Makes a call of the binary write a report, too, if its stdout is for people.
    pub(super) fn of(command: &mut Command) -> Option<Self> {
        let arguments: Vec<String> =
            command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
        let told = arguments.iter().any(|argument| argument.starts_with("--format") || argument == "--help");
        let begins =
            |command: &&str| command.split(' ').eq(arguments.iter().take(command.split(' ').count()));
        let known = COMMANDS.iter().any(begins);
        if command.get_program() != env!("CARGO_BIN_EXE_duoctl") || told || !known {
            return None;
        }
        let every = arguments.iter().any(|argument| argument == "--verbose" || argument.starts_with("-v"));
        let witness = Self { folder: tempfile::tempdir().unwrap(), every };
        command.arg(format!("--report=json={}", witness.file().display()));
        Some(witness)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("report.json")
    }

    /// Fails unless the report agrees with what was printed, in every format, and returns its last line. A call with a usage error
    /// has none.
    #[track_caller]
    pub(super) fn agrees_with(&self, stdout: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.file()).ok()?;
        let value: Value = serde_json::from_str(&text).unwrap();
        let document = read(&value).unwrap();
        assert_eq!(
            serde_json::to_value(&document).unwrap(),
            value,
            "something is lost on the way through the types"
        );
        formats_agree(&document);
        let paint = Paint { on: stdout.contains("\u{1b}[") };
        let shown = uncompleted(&human::render(&document, Style { paint, every: self.every }));
        let stdout = uncompleted(stdout);
        let last = document.last_line();
        match document {
            // It is printed to stderr, perhaps after a plan was shown.
            Document::Failure(_) => return None,
            // Steps that run at the same time end in any order.
            Document::Apply(_) | Document::KeyChanges(_) => {
                assert_eq!(sorted(&shown), sorted(&stdout), "\n{shown}\n---\n{stdout}")
            }
            _ => assert_eq!(shown, stdout),
        }
        last
    }
}

/// A report does not know the path and the options with which its commands are completed when printed.
fn uncompleted(text: &str) -> String {
    regex::Regex::new("`duoctl [^`]*`").unwrap().replace_all(text, "`duoctl`").into_owned()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Fails unless every format of the document has its last line.
#[track_caller]
fn formats_agree(document: &Document) {
    let line = document.last_line().expect("what is printed in several formats has a last line");
    for format in Format::ALL {
        let Some(text) = render(format, document, &Context::default(), Style::PLAIN) else { continue };
        let found = match format {
            Format::Human => text.lines().any(|found| found == line),
            Format::Github => text.lines().last() == Some(&line),
            Format::Markdown => {
                let line = line.replace(['`', '*'], "");
                readable(&text).contains(line.get(..160).unwrap_or(&line))
            }
            Format::Html => {
                let signs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
                let shown = signs.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
                shown.contains(&format!("\">{line}</p>"))
            }
            Format::Json | Format::Jsonl => {
                let again = read(&serde_json::from_str(&text).unwrap()).unwrap();
                again.last_line().as_ref() == Some(&line)
            }
            Format::Mermaid => text.lines().next() == Some(&format!("%% {line}")),
            Format::Dot => text.contains(&format!("\\n{line}\";")),
            Format::Svg => text.contains(&format!(">{line}</desc>")),
            // Only a list of findings or of test cases.
            Format::Csv | Format::Sarif | Format::Gitlab | Format::Junit => !text.is_empty(),
        };
        assert!(found, "{} has no `{line}`:\n{text}", format.name());
    }
}

/// The first lines of a comment as read: without code marks, and with characters instead of their numbers.
fn readable(markdown: &str) -> String {
    let mut text = markdown.replace(['`', '*'], "").replace("<code>", "").replace("</code>", "");
    for byte in 0x20..0x7f_u8 {
        text = text.replace(&format!("&#{byte};"), &char::from(byte).to_string());
    }
    text
}
