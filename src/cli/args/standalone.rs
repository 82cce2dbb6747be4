//! The commands that check, probe, rehearse or print.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::cli::completing;
use crate::duo::host::check_host;

use super::examples;
use super::options::{Online, Selected, Source, Trusted, Yaml};
use super::reporting::{OF_SHOW, OfDoctor, OfInventory, OfValidate, OfVerify, Output, OutputFormat, formats};

/// The folder of a new workspace.
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// The folder that gets the file; created if it does not exist [default: as --workspace].
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
}

/// `duoctl init`.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The folder that gets the file; created if it does not exist.
    #[command(flatten)]
    pub source: Folder,
    /// Leave the sample application out: the account exists already, and `duoctl import` comes next.
    #[arg(long)]
    pub bare: bool,
    /// Ask nothing, also on a terminal: what is to be known stands in the file, to be edited.
    #[arg(long)]
    pub no_input: bool,
}

/// `duoctl validate`.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How the YAML is read.
    #[command(flatten)]
    pub yaml: Yaml,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfValidate>,
    /// Exit with 7 when something at or above this severity is found; without it only errors fail, with 1.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_severity: Option<FailSeverity>,
}

/// From which severity on findings fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailSeverity {
    /// Everything that is found.
    Note,
    /// Warnings and errors.
    Warning,
    /// Errors.
    Error,
}

/// `duoctl show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// A saved plan, or what a command printed with --format json; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How it is shown.
    #[arg(long, value_name = "FORMAT", value_parser = formats(OF_SHOW), default_value = "human")]
    pub format: OutputFormat,
}

/// `duoctl explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A name as it is printed: the code of a finding, a risk, a guard, or an exit code. All names without one.
    #[arg(value_name = "CODE", add = completing::code())]
    pub code: Option<String>,
}

/// `duoctl fmt`.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// YAML files, or folders with duo.yaml and *.duo.yaml files [default: as --workspace]; - formats stdin to stdout.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; list the files that would change, and exit with 2 if there are any.
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show what would change.
    #[arg(long)]
    pub diff: bool,
    /// How far its author is trusted.
    #[command(flatten)]
    pub trusted: Trusted,
}

/// `duoctl verify`.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfVerify>,
    /// Exit with 3 also when a check ends with this verdict.
    #[arg(long, value_enum, value_name = "VERDICT")]
    pub fail_on: Option<FailOn>,
}

/// What makes `duoctl verify` fail that does not otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// What cannot be proven yet: a person has to act, or newer evidence has to come.
    Pending,
}

/// The columns that a list can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum SortBy {
    /// The address; unmanaged objects last.
    Address,
    /// The kind.
    Kind,
    /// The type.
    Type,
    /// The name.
    Name,
    /// Who may log in.
    Access,
    /// The policy.
    Policy,
    /// The age of the key, the oldest first.
    KeyAge,
    /// The last use, the longest unused first.
    LastUse,
    /// What is to be done.
    State,
}

/// `duoctl list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// List only applications of this type (repeatable).
    #[arg(long = "type", value_name = "TYPE", help_heading = "Selection", add = completing::kind())]
    pub kinds: Vec<String>,
    /// List applications that are not managed, too.
    #[arg(long)]
    pub all: bool,
    /// Sort by this column.
    #[arg(long, value_enum, value_name = "COLUMN")]
    pub sort: Option<SortBy>,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfInventory>,
}

/// `duoctl doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfDoctor>,
}

/// `duoctl sandbox`.
#[derive(Debug, clap::Args)]
pub struct Sandbox {
    /// What to do.
    #[command(subcommand)]
    pub command: SandboxCommand,
}

/// What the simulator can do on its own.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Serve the simulated account over HTTPS until a signal; one JSON line on stdout says how to reach it.
    #[command(after_help = examples::SERVE)]
    Serve(Serve),
    /// Do what an administrator does in the Duo Admin Panel: change or delete an application behind duoctl's back.
    #[command(after_help = examples::EDIT)]
    Edit(Edit),
    /// Forget the simulated account: the next start begins with the seeded one.
    #[command(after_help = examples::RESET)]
    Reset(Reset),
}

/// `duoctl sandbox serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The loopback address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The folder that keeps the account; created if it does not exist [default: .duoctl/sandbox next to the YAML].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The API hostname of the account; without it, what the folder holds, at first api-1a2b3c4d.duosecurity.com.
    #[arg(long, value_name = "NAME", value_parser = api_hostname)]
    pub api_hostname: Option<String>,
    /// Print shell `export` lines for duoctl in place of the JSON line: DUO_HOST, DUO_IKEY, DUO_SKEY, DUOCTL_CONNECT_TO and
    /// DUOCTL_CA_FILE.
    #[arg(long)]
    pub print_env: bool,
    /// Inject a fault (repeatable); an unknown KIND lists the known ones.
    #[arg(long, value_name = "KIND[=N][@CALLS][@/PATH]", add = completing::fault())]
    pub fault: Vec<String>,
    /// Turn a switch where Duo's behaviour is not known for certain (repeatable); an unknown NAME lists the known ones.
    #[arg(long, value_name = "NAME=VALUE", add = completing::switch())]
    pub switch: Vec<String>,
}

/// The sandbox's certificates are for Duo's domains only.
fn api_hostname(text: &str) -> Result<String, String> {
    check_host(text, false).map(|()| text.to_ascii_lowercase()).map_err(|error| error.to_string())
}

/// `duoctl sandbox edit`.
#[derive(Debug, clap::Args)]
pub struct Edit {
    /// The application, by its name or its integration key.
    #[arg(value_name = "APPLICATION")]
    pub application: String,
    /// Set a property, as Duo's API names it, e.g. greeting=Hello (repeatable). A value that is a JSON object is sent as one.
    #[arg(long, value_name = "PROPERTY=VALUE", required_unless_present = "delete")]
    pub set: Vec<String>,
    /// Delete the application.
    #[arg(long, conflicts_with = "set")]
    pub delete: bool,
    /// The folder that keeps the account [default: .duoctl/sandbox next to the YAML].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `duoctl sandbox reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// Where the YAML is whose simulated account is forgotten.
    #[command(flatten)]
    pub source: Source,
    /// The folder that keeps the account [default: .duoctl/sandbox next to the YAML].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// The YAML.
    #[default]
    Config,
    /// What `plan` and `drift` print with --format json, and `plan --out` saves.
    Plan,
    /// What every other command prints with --format json.
    Report,
}

/// `duoctl schema`.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// Whose schema.
    #[arg(value_enum, default_value_t)]
    pub kind: SchemaKind,
    /// Write the schema of the YAML into this folder (by default the current one), and tell VS Code about it in
    /// .vscode/settings.json there: what stands in that file is kept, with its comments.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".", conflicts_with = "kind")]
    pub install: Option<PathBuf>,
}

/// `duoctl completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that have completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// fish.
    Fish,
    /// Nushell.
    Nushell,
    /// PowerShell.
    Powershell,
    /// Zsh.
    Zsh,
}

/// `duoctl man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The command, e.g. `sandbox serve`; duoctl itself without one.
    #[arg(value_name = "COMMAND", add = completing::command())]
    pub command: Vec<String>,
    /// Write the pages of all commands into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}
