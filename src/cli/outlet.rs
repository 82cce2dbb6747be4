//! Where the outcome of a command goes: stdout in one format, and files in other formats.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::atomic::{self, Readers};
use crate::config::files::is_near;
use crate::config::load::{Terms, load_as};
use crate::output::document::{DiagnosticDocument, Document, EditDocument, FailureDocument};
use crate::output::format::{Format, render};
use crate::output::human::edit::left_alone;
use crate::output::human::{self, Style};
use crate::output::json;
use crate::output::paint::Paint;
use crate::output::printer::Printer;
use crate::output::repository::{self, Context};
use crate::text::safe;

use super::args::{Args, Command, Formats, KeysCommand, Output, OutputFormat, ReportFile};
use super::exit::{Exit, Failure};
use super::signals::delivering;

/// Where the outcome of one command goes.
#[derive(Clone, Debug)]
pub struct Outlet {
    command: &'static str,
    /// The YAML, to name its workspace if the command fails.
    path: Option<PathBuf>,
    /// How that YAML is read.
    terms: Terms,
    format: OutputFormat,
    reports: Vec<ReportFile>,
    /// Where a plan or a snapshot is saved.
    saved: Option<PathBuf>,
    printer: Printer,
    /// How stdout shows a document to people.
    pub style: Style,
}

impl Outlet {
    /// What the arguments ask for.
    pub fn of(args: &Args, workspace: Option<&PathBuf>, printer: Printer) -> Self {
        let (command, format, reports) = asked(&args.command);
        Self {
            command,
            path: workspace.cloned(),
            terms: terms(&args.command),
            format,
            reports: reports.to_vec(),
            saved: match &args.command {
                Command::Plan(args) => args.out.clone(),
                Command::List(args) => args.snapshot.clone(),
                _ => None,
            },
            printer,
            style: Style { paint: printer.out, every: args.global.verbose > 0 },
        }
    }

    /// How the YAML is read.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether stdout is for people.
    pub fn human(&self) -> bool {
        !self.format.for_machines()
    }

    /// Whether stdout gets events while the command runs.
    pub fn streams(&self) -> bool {
        self.format == Format::Jsonl
    }

    /// Checks, before anything is done, that every output can be written, each to its own file.
    pub fn check(&self) -> Result<(), Failure> {
        let outputs: Vec<&Path> =
            self.reports.iter().map(|report| report.path.as_path()).chain(self.saved.as_deref()).collect();
        for (index, path) in outputs.iter().enumerate() {
            let refused = |message: String| Err(Failure::Usage(message));
            let shown = safe(&path.display().to_string());
            if *path == Path::new("-") {
                return refused("- is not a file; `--format` chooses what goes to stdout".to_owned());
            }
            if is_near(path) {
                return refused(format!(
                    "{shown} has the name of a workspace file, which the output would replace"
                ));
            }
            if let Some(other) = outputs.iter().take(index).find(|other| atomic::same_file(other, path)) {
                let other = safe(&other.display().to_string());
                return refused(format!(
                    "two outputs go to the same file, {other} and {shown}; use a separate file for each"
                ));
            }
            writable(path).map_err(|error| Failure::File {
                path: path.to_path_buf(),
                what: "cannot be written",
                error,
            })?;
        }
        Ok(())
    }

    /// A document to stdout, and to every report.
    pub fn deliver(&self, document: &Document) {
        delivering();
        if self.human() {
            self.printer.show(&human::render(document, self.style));
        }
        self.report(document);
    }

    /// What was written into the YAML, what was not and why, and what to do next.
    pub fn edited(&self, edit: EditDocument, next: &str) {
        self.printer.problem(&left_alone(&edit, self.printer.err));
        let is_written = !edit.edits.is_empty();
        self.deliver(&Document::Edit(Box::new(edit)));
        if is_written {
            self.printer.remark(next);
        }
    }

    /// Writes a document to stdout in a machine format, and to every report. People have been told already.
    pub fn report(&self, document: &Document) {
        delivering();
        if !self.human() {
            self.printer.data(&self.text(self.format, document));
        }
        for report in &self.reports {
            if let Err(error) = write(&report.path, &self.text(report.format, document)) {
                self.printer.lose(format!("{}: {error}", report.path.display()));
            }
        }
    }

    /// Text for people before the outcome: on stdout if that is for people, otherwise on stderr.
    pub fn tell(&self, text: impl FnOnce(Paint) -> String) {
        if self.human() {
            self.printer.show(&text(self.printer.out));
        } else {
            self.printer.problem(&text(self.printer.err));
        }
    }

    /// A remark for people, next to the outcome.
    pub fn remark(&self, text: &str) {
        self.printer.remark(text);
    }

    /// A line of the stream.
    pub fn event(&self, event: &impl Serialize) {
        self.printer.data(&json::line(event));
    }

    fn text(&self, format: Format, document: &Document) -> String {
        render(format, document, &context(), self.style).unwrap_or_default()
    }

    /// Reports why the command failed, in the places where its outcome would have been.
    pub fn fail(&self, failure: &Failure) {
        let diagnostics = match failure {
            Failure::Config(found) => DiagnosticDocument::all(&found.0, &found.1),
            _ => Vec::new(),
        };
        self.failed(failure.exit(), &failure.to_string(), &failure.help(), diagnostics);
    }

    /// Reports a run that ended without an outcome. People have been told already.
    pub fn failed(&self, exit: Exit, message: &str, help: &[String], diagnostics: Vec<DiagnosticDocument>) {
        if self.human() && self.reports.is_empty() {
            return;
        }
        let path = self.path.as_deref().filter(|path| path.is_dir() || is_yaml(path));
        let workspace = path.and_then(|path| load_as(path, &self.terms).workspace);
        self.report(&Document::Failure(Box::new(FailureDocument {
            workspace: workspace.map(|workspace| workspace.name.value),
            diagnostics,
            ..FailureDocument::new(self.command, exit.code(), message, help)
        })));
    }
}

/// The command's name, the format of stdout, and the reports.
fn asked(command: &Command) -> (&'static str, OutputFormat, &[ReportFile]) {
    fn of<'a, F: Formats>(
        name: &'static str,
        output: &'a Output<F>,
    ) -> (&'static str, OutputFormat, &'a [ReportFile]) {
        (name, output.format, &output.reports)
    }
    match command {
        Command::Validate(args) => of("validate", &args.output),
        Command::Plan(args) => of("plan", &args.output),
        Command::Drift(args) => of("drift", &args.output),
        Command::Apply(args) => of("apply", &args.output),
        Command::Verify(args) => of("verify", &args.output),
        Command::List(args) => of("list", &args.output),
        Command::Graph(args) => of("graph", &args.output),
        Command::Import(args) => of("import", &args.output),
        Command::Keys(args) => match &args.command {
            KeysCommand::List(args) => of("keys list", &args.output),
            KeysCommand::Status(args) => of("keys status", &args.output),
            KeysCommand::Rotate(args) => of("keys rotate", &args.keys.output),
            KeysCommand::Confirm(args) => of("keys confirm", &args.keys.output),
            KeysCommand::Abort(args) => of("keys abort", &args.keys.output),
        },
        Command::Doctor(args) => of("doctor", &args.output),
        Command::Handoff(args) => of("handoff", &args.output),
        Command::Attest(args) => of("attest", &args.output),
        Command::Accept(args) => of("accept", &args.output),
        Command::Ignore(args) => of("ignore", &args.output),
        Command::Adopt(args) => of("adopt", &args.output),
        Command::Init(_)
        | Command::Fmt(_)
        | Command::Show(_)
        | Command::Sandbox(_)
        | Command::Explain(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Lsp(_)
        | Command::Man(_) => NO_DOCUMENT,
    }
}

/// For commands whose outcome is not a document.
const NO_DOCUMENT: (&str, OutputFormat, &[ReportFile]) = ("", OutputFormat::Human, &[]);

/// How the YAML of a command is read.
fn terms(command: &Command) -> Terms {
    let (vars, trusted, _) = command.input();
    vars.map(|vars| vars.terms(trusted.trust())).unwrap_or_default()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Where documents are written, for the formats of a forge.
pub fn context() -> Context {
    Context {
        prefix: prefix(),
        run: repository::run(|name| std::env::var(name).ok().filter(|it| !it.is_empty())),
    }
}

/// Where the process runs within its repository, `""` at the top or outside of any.
fn prefix() -> String {
    let Ok(here) = std::env::current_dir() else { return String::new() };
    let root = here.ancestors().find(|folder| folder.join(".git").exists());
    let inside = root.and_then(|root| here.strip_prefix(root).ok());
    inside.map(|inside| inside.to_string_lossy().into_owned()).unwrap_or_default()
}

/// GitHub gives each step of a job a summary file, to which text is appended.
fn is_step_summary(path: &Path) -> bool {
    std::env::var_os("GITHUB_STEP_SUMMARY")
        .is_some_and(|summary| !summary.is_empty() && atomic::same_file(Path::new(&summary), path))
}

/// Checks in advance for what [`atomic::replace`] would refuse. A report is never written through a link: a link in a checkout
/// could point to any file.
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
