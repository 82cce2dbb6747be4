//! The arguments. Unknown arguments are errors, and no option takes a secret.

mod examples;
mod handing_over;
mod keys;
mod managing;
mod options;
mod reporting;
mod standalone;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::output::printer;

pub use handing_over::{Attest, Handoff};
pub use keys::{
    AbortKeys, ChangeKeys, ConfirmKeys, KeyStatus, Keys, KeysCommand, ListKeys, RotateKeys, Strategy,
};
pub use managing::{Accept, Adopt, Apply, Drift, Ignore, Import, ImportKind, Include, Plan, SplitMode};
pub use options::{
    Connection, Consents, Impact, Online, Proving, PruneMode, Pruning, Selected, Source, Trusted, Variables,
    Yaml,
};
pub use reporting::{Formats, Output, OutputFormat, ReportFile};
pub use standalone::{
    Completions, Doctor, Edit, Explain, FailOn, FailSeverity, Fmt, Folder, Graph, Init, List, Lsp, Man,
    Reset, Sandbox, SandboxCommand, Schema, SchemaKind, Serve, Shell, Show, SortBy, Validate, Verify,
};

/// Manage Cisco Duo applications as YAML in git: plan, apply, and verify keys with live calls.
#[derive(Debug, Parser)]
#[command(name = "duoctl", version, about, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 error, 2 changes pending, 3 verification failed, 4 partly applied, \
    5 refused by a guard or no consent, 6 saved plan is stale, 7 findings at or above --fail-severity, 64 usage, 75 unreachable or rate limited (safe to \
    retry), 77 Duo refused the credentials or the permission, 130 interrupted.\n\nduoctl is not affiliated with Cisco."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
}

impl Args {
    /// The workspace of this call: PATH, or else `--workspace`, `DUOCTL_WORKSPACE`, or this folder.
    ///
    /// # Errors
    ///
    /// Both PATH and `--workspace` are given.
    pub fn workspace(&self) -> Result<PathBuf, String> {
        workspace(self.command.path(), self.global.workspace.as_ref())
    }

    /// The workspace if PATH is left out.
    pub(crate) fn elsewhere(&self) -> PathBuf {
        elsewhere(self.global.workspace.as_ref())
    }
}

/// The workspace of a call with this PATH and this `--workspace`.
pub(super) fn workspace(path: Option<&PathBuf>, option: Option<&PathBuf>) -> Result<PathBuf, String> {
    match (path, option) {
        (Some(_), Some(_)) => {
            Err("PATH and --workspace both name the workspace; give one of them".to_owned())
        }
        (Some(path), None) => Ok(path.clone()),
        (None, option) => Ok(elsewhere(option)),
    }
}

fn elsewhere(option: Option<&PathBuf>) -> PathBuf {
    let variable = || std::env::var_os("DUOCTL_WORKSPACE").filter(|value| !value.is_empty());
    option.cloned().or_else(|| variable().map(PathBuf::from)).unwrap_or_else(|| PathBuf::from("."))
}

/// The heading that separates these from a command's own options.
const EVERYWHERE: &str = "Global options";

/// The options of every command.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// The workspace: a YAML file, or a folder with duo.yaml and *.duo.yaml files [default: $DUOCTL_WORKSPACE, or the
    /// current folder].
    #[arg(short, long, global = true, value_name = "PATH", help_heading = EVERYWHERE)]
    pub workspace: Option<PathBuf>,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = EVERYWHERE)]
    pub color: Color,
    /// Print more on stderr; give it twice to print every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub verbose: u8,
    /// Print no remarks on stderr.
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub quiet: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR or CLICOLOR_FORCE is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<Color> for printer::Color {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a first duo.yaml, with comments.
    #[command(after_help = examples::INIT)]
    Init(Init),
    /// Check the syntax, schema and meaning of the YAML.
    ///
    /// Needs no network and no credentials.
    #[command(after_help = examples::VALIDATE)]
    Validate(Validate),
    /// Format the YAML: order of keys, spacing and quotes.
    ///
    /// Comments are kept, and the result is checked to mean the same.
    #[command(after_help = examples::FMT)]
    Fmt(Fmt),
    /// Add live applications that are not declared yet to the YAML.
    ///
    /// The next plan only adopts them.
    #[command(after_help = examples::IMPORT)]
    Import(Import),
    /// Show what would change, without changing anything.
    #[command(after_help = examples::PLAN)]
    Plan(Plan),
    /// Check whether Duo differs from the YAML, and exit with 2 if it does.
    ///
    /// Made for scheduled runs. Changes nothing.
    #[command(after_help = examples::DRIFT)]
    Drift(Drift),
    /// Copy changes made in Duo into the YAML.
    #[command(after_help = examples::ACCEPT)]
    Accept(Accept),
    /// Ignore differences in one field, with a reason.
    #[command(after_help = examples::IGNORE)]
    Ignore(Ignore),
    /// Record in the YAML which live application belongs to an address.
    #[command(after_help = examples::ADOPT)]
    Adopt(Adopt),
    /// Make the account match the YAML, then verify the result.
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// Show a saved plan or a JSON report in another format.
    ///
    /// Needs no network and no credentials.
    #[command(after_help = examples::SHOW)]
    Show(Show),
    /// Check every managed key with live, read-only calls.
    #[command(after_help = examples::VERIFY)]
    Verify(Verify),
    /// Print what to enter in a console that has no API, field by field.
    #[command(after_help = examples::HANDOFF)]
    Handoff(Handoff),
    /// Record that you entered the current values in the console.
    #[command(after_help = examples::ATTEST)]
    Attest(Attest),
    /// List what the account and the YAML contain, with access, policy, key age, last use and state.
    ///
    /// Changes nothing.
    #[command(after_help = examples::LIST)]
    List(List),
    /// Draw who can reach what: groups, applications, policies, permissions and secret stores.
    ///
    /// Reads only the YAML, or with --live the account. Changes nothing.
    #[command(after_help = examples::GRAPH)]
    Graph(Graph),
    /// List, rotate and retire secret keys.
    #[command(after_help = examples::KEYS)]
    Keys(Keys),
    /// Check the connection, keys, permissions and secret stores, and suggest fixes.
    #[command(after_help = examples::DOCTOR)]
    Doctor(Doctor),
    /// Serve, edit or reset the Duo simulator.
    #[command(after_help = examples::SANDBOX)]
    Sandbox(Sandbox),
    /// Explain a finding, risk, guard or exit code, and what to do about it.
    #[command(after_help = examples::EXPLAIN)]
    Explain(Explain),
    /// Print the JSON Schema of the YAML, of plans or of reports.
    #[command(after_help = examples::SCHEMA)]
    Schema(Schema),
    /// Serve an editor: findings, completion and formatting while typing (LSP).
    ///
    /// Speaks the language server protocol on standard input and output. Editors start it; it makes no network calls, runs
    /// no commands and reads no secrets.
    #[command(after_help = examples::LSP)]
    Lsp(Lsp),
    /// Print the completion script for a shell.
    ///
    /// At each TAB, the script asks duoctl for the addresses, types and names that exist.
    #[command(after_help = examples::COMPLETIONS)]
    Completions(Completions),
    /// Print a manual page, or write all of them to a folder.
    #[command(after_help = examples::MAN)]
    Man(Man),
}

impl Command {
    /// How this command reads the YAML and reaches the account, if it does.
    pub(crate) fn input(&self) -> (Option<&Variables>, Trusted, Option<&Connection>) {
        fn offline(yaml: &Yaml) -> (Option<&Variables>, Trusted, Option<&Connection>) {
            (Some(&yaml.vars), yaml.trusted, None)
        }
        fn online(online: &Online) -> (Option<&Variables>, Trusted, Option<&Connection>) {
            (Some(&online.yaml.vars), online.yaml.trusted, Some(&online.connection))
        }
        fn keys(keys: &ChangeKeys) -> (Option<&Variables>, Trusted, Option<&Connection>) {
            (Some(&keys.vars), Trusted::default(), Some(&keys.connection))
        }
        match self {
            Self::Validate(args) => offline(&args.yaml),
            Self::Ignore(args) => offline(&args.yaml),
            Self::Adopt(args) => offline(&args.yaml),
            Self::Plan(args) => online(&args.online),
            Self::Drift(args) => online(&args.online),
            Self::Apply(args) => (Some(&args.vars), Trusted::default(), Some(&args.connection)),
            Self::Verify(args) => online(&args.online),
            Self::List(args) => online(&args.online),
            Self::Graph(args) => online(&args.online),
            Self::Import(args) => online(&args.online),
            Self::Keys(Keys { command }) => match command {
                KeysCommand::List(args) => online(&args.online),
                KeysCommand::Status(args) => online(&args.online),
                KeysCommand::Rotate(args) => keys(&args.keys),
                KeysCommand::Confirm(args) => keys(&args.keys),
                KeysCommand::Abort(args) => keys(&args.keys),
            },
            Self::Doctor(args) => online(&args.online),
            Self::Handoff(args) => online(&args.online),
            Self::Attest(args) => online(&args.online),
            Self::Accept(args) => online(&args.online),
            Self::Fmt(args) => (None, args.trusted, None),
            Self::Lsp(args) => (Some(&args.vars), Trusted::default(), None),
            Self::Init(_)
            | Self::Show(_)
            | Self::Sandbox(_)
            | Self::Explain(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_) => (None, Trusted::default(), None),
        }
    }

    /// The PATH argument.
    pub(crate) fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Init(args) => args.source.path.as_ref(),
            Self::Validate(args) => args.paths.first(),
            Self::Import(args) => args.source.path.as_ref(),
            Self::Plan(args) => args.source.path.as_ref(),
            Self::Drift(args) => args.source.path.as_ref(),
            Self::Apply(args) => args.path.as_ref(),
            Self::Verify(args) => args.source.path.as_ref(),
            Self::List(args) => args.source.path.as_ref(),
            Self::Graph(args) => args.source.path.as_ref(),
            Self::Doctor(args) => args.source.path.as_ref(),
            Self::Fmt(args) => args.paths.first(),
            Self::Sandbox(Sandbox { command: SandboxCommand::Reset(args) }) => args.source.path.as_ref(),
            Self::Sandbox(_)
            | Self::Accept(_)
            | Self::Ignore(_)
            | Self::Adopt(_)
            | Self::Show(_)
            | Self::Handoff(_)
            | Self::Attest(_)
            | Self::Keys(_)
            | Self::Explain(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Lsp(_)
            | Self::Man(_) => None,
        }
    }
}
