//! Where the outcome of a command goes: stdout in one format, and files in others.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::atomic::{self, Readers};
use crate::config::load::{Trust, load_as};
use crate::output::document;
use crate::output::format::{Format, render};
use crate::output::json::{self, FORMAT_VERSION};
use crate::output::printer::Printer;

use super::args::{self, Command, OutputFormat, ReportFile, SheetFormat};
use super::exit::{Exit, Failure};

/// Where the outcome of one command goes.
#[derive(Clone, Debug)]
pub struct Outlet {
    command: &'static str,
    /// The YAML, to name its workspace where the command itself came to nothing.
    path: Option<PathBuf>,
    /// How far that YAML is trusted.
    trust: Trust,
    format: OutputFormat,
    reports: Vec<ReportFile>,
    printer: Printer,
}

impl Outlet {
    /// What the arguments of a command ask for.
    pub fn of(command: &Command, printer: Printer) -> Self {
        let untrusted = match command {
            Command::Validate(args) => args.untrusted,
            Command::Plan(args) => args.untrusted,
            _ => false,
        };
        let trust = if untrusted { Trust::None } else { Trust::Full };
        let outlet = |command, path: Option<&PathBuf>, format, reports: &[ReportFile]| Self {
            command,
            path: path.cloned(),
            trust,
            format,
            reports: reports.to_vec(),
            printer,
        };
        let short = |format: args::Format| match format {
            args::Format::Human => Format::Human,
            args::Format::Json => Format::Json,
        };
        match command {
            Command::Validate(args) => {
                outlet("validate", Some(&args.source.path), args.format, &args.reports)
            }
            Command::Plan(args) => outlet("plan", Some(&args.source.path), args.format, &args.reports),
            Command::Drift(args) => outlet("drift", Some(&args.source.path), args.format, &args.reports),
            Command::Apply(args) => outlet("apply", Some(&args.path), args.format, &args.reports),
            Command::Verify(args) => outlet("verify", Some(&args.source.path), args.format, &args.reports),
            Command::Rotate(args) => outlet("rotate", Some(&args.path), short(args.format), &[]),
            Command::Import(args) => outlet("import", Some(&args.source.path), short(args.format), &[]),
            Command::Secrets(args) => outlet("secrets", Some(&args.source.path), short(args.format), &[]),
            Command::Doctor(args) => outlet("doctor", Some(&args.source.path), short(args.format), &[]),
            Command::Handoff(args) => {
                let format = if args.format == SheetFormat::Json { Format::Json } else { Format::Human };
                outlet("handoff", Some(&args.path), format, &[])
            }
            _ => outlet("", None, Format::Human, &[]),
        }
    }

    /// Whether stdout is for people.
    pub fn human(&self) -> bool {
        !self.format.for_machines()
    }

    /// Whether stdout gets events while the command runs.
    pub fn streams(&self) -> bool {
        self.format == Format::Jsonl
    }

    /// Whether anybody reads the document: over a large account it is not made for nobody.
    pub fn takes_documents(&self) -> bool {
        self.format.for_machines() || !self.reports.is_empty()
    }

    /// Whether every report can be written, as far as that can be told before anything is done.
    pub fn check(&self) -> Result<(), Failure> {
        for (index, report) in self.reports.iter().enumerate() {
            if self.reports.iter().take(index).any(|other| other.path == report.path) {
                let message =
                    format!("two reports go to {}; each needs a file of its own", report.path.display());
                return Err(Failure::Usage(message));
            }
            writable(&report.path).map_err(|error| Failure::File {
                path: report.path.clone(),
                what: "cannot be written",
                error,
            })?;
        }
        Ok(())
    }

    /// A document to stdout, unless stdout is for people, and to every report.
    pub fn deliver(&self, value: &Value) {
        match self.format {
            Format::Human => {}
            Format::Json => self.printer.data(&json::text(value)),
            Format::Jsonl => self.printer.data(&json::line(value)),
            format => self.printer.data(&self.text(format, value)),
        }
        for report in &self.reports {
            if let Err(error) = write(&report.path, &self.text(report.format, value)) {
                self.printer.lose(format!("{}: {error}", report.path.display()));
            }
        }
    }

    /// A line of the stream.
    pub fn event(&self, value: &Value) {
        self.printer.data(&json::line(value));
    }

    fn text(&self, format: Format, value: &Value) -> String {
        if format == Format::Json {
            return json::text(value);
        }
        match document::read(value) {
            Ok(document) => render(format, &document, value, &prefix()).unwrap_or_default(),
            Err(reason) => {
                self.printer.lose(format!("the document cannot be read back: {reason}"));
                String::new()
            }
        }
    }

    /// What kept the command from its work, in the same places as its outcome would have been.
    pub fn fail(&self, failure: &Failure) {
        let diagnostics = match failure {
            Failure::Config(found) => json::diagnostics(&found.0, &found.1),
            _ => Vec::new(),
        };
        self.failed(failure.exit(), &failure.to_string(), &failure.help(), diagnostics);
    }

    /// A run that ended before there was an outcome.
    pub fn failed(&self, exit: Exit, message: &str, help: &[String], diagnostics: Vec<Value>) {
        if self.human() && self.reports.is_empty() {
            return;
        }
        let mut document = json!({
            "format_version": FORMAT_VERSION,
            "kind": "failure",
            "command": self.command,
            "exit_code": exit.code(),
            "message": message,
            "help": help,
            "diagnostics": diagnostics,
        });
        let workspace = self
            .path
            .as_deref()
            .filter(|path| path.is_dir() || is_yaml(path))
            .and_then(|path| load_as(path, self.trust).workspace);
        if let Some(workspace) = workspace {
            name_workspace(&mut document, &workspace.name.value);
        }
        self.deliver(&document);
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Writes the workspace's name into a document.
pub fn name_workspace(document: &mut Value, workspace: &str) {
    if let Value::Object(document) = document {
        document.insert("workspace".to_owned(), json!(workspace));
    }
}

/// Where the process runs within its repository, `""` at the top or outside of any.
pub fn prefix() -> String {
    let Ok(here) = std::env::current_dir() else { return String::new() };
    let root = here.ancestors().find(|folder| folder.join(".git").exists());
    let inside = root.and_then(|root| here.strip_prefix(root).ok());
    inside.map(|inside| inside.to_string_lossy().into_owned()).unwrap_or_default()
}

/// GitHub gives each step of a job a file that is meant to be added to.
fn is_step_summary(path: &Path) -> bool {
    std::env::var_os("GITHUB_STEP_SUMMARY")
        .is_some_and(|summary| !summary.is_empty() && Path::new(&summary) == path)
}

/// What [`atomic::replace`] will refuse, known before anything is done. A report is never written through a link: whoever
/// can lay one into a checkout could overwrite any file.
fn writable(path: &Path) -> io::Result<()> {
    atomic::check(path)?;
    match (fs::metadata(path), folder(path).metadata()) {
        (Ok(found), _) if found.is_dir() => Err(io::Error::other("it is a folder")),
        (Ok(_), _) => Ok(()),
        (Err(_), Ok(folder)) if folder.is_dir() => Ok(()),
        (Err(_), Ok(_)) => Err(io::Error::other("its folder is a file")),
        (Err(_), Err(_)) => Err(io::Error::other("its folder does not exist")),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if is_step_summary(path) {
        atomic::check(path)?;
        return fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes());
    }
    atomic::replace(path, text, Readers::Umask)
}
