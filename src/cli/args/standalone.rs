//! The commands that check, probe, simulate or print.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::cli::completing;
use crate::duo::host::check_host;

use super::examples;
use super::options::{Online, Proving, Selected, Source, Trusted, Variables, Yaml};
use super::reporting::{
    OF_SHOW, OfDoctor, OfGraph, OfInventory, OfValidate, OfVerify, Output, OutputFormat, formats,
};

/// The folder of a new workspace.
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// Folder for the new file; created if it does not exist [default: as --workspace].
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
}

/// `duoctl init`.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Folder for the new file; created if it does not exist.
    #[command(flatten)]
    pub source: Folder,
    /// Leave out the sample application, to continue with `duoctl import`.
    #[arg(long)]
    pub bare: bool,
    /// Do not ask questions, even on a terminal; edit the file instead.
    #[arg(long)]
    pub no_input: bool,
}

/// `duoctl validate`.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// Workspaces: YAML files, or folders with duo.yaml and *.duo.yaml files [default: as --workspace].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How the YAML is read.
    #[command(flatten)]
    pub yaml: Yaml,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfValidate>,
    /// Exit with 7 if there are findings at or above this severity; without it, errors exit with 1.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_severity: Option<FailSeverity>,
}

/// The lowest severity that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailSeverity {
    /// All findings.
    Note,
    /// Warnings and errors.
    Warning,
    /// Errors.
    Error,
}

/// `duoctl show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// A saved plan or the output of --format json; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Output format.
    #[arg(long, value_name = "FORMAT", value_parser = formats(OF_SHOW), default_value = "human")]
    pub format: OutputFormat,
}

/// `duoctl explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The code of a finding, the name of a risk or guard, or an exit code; without one, all of them are listed.
    #[arg(value_name = "CODE", add = completing::code())]
    pub code: Option<String>,
}

/// `duoctl fmt`.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// YAML files, or folders with duo.yaml and *.duo.yaml files [default: as --workspace]; `-` formats stdin to stdout.
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
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfVerify>,
    /// Also exit with 3 if a check ends with this verdict.
    #[arg(long, value_enum, value_name = "VERDICT")]
    pub fail_on: Option<FailOn>,
    /// Also connect to the hosts that users are sent to: ACS, redirect and logout URLs.
    ///
    /// duoctl sets up a TLS connection to each host, checks its certificate, and sends no request.
    #[arg(long)]
    pub endpoints: bool,
    /// How keys are proven.
    #[command(flatten)]
    pub proving: Proving,
}

/// Verdicts that can also make `duoctl verify` fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Not proven yet: someone has to act, or newer evidence is needed.
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
    /// The age of the key, oldest first.
    KeyAge,
    /// The last use, longest unused first.
    LastUse,
    /// What needs to be done.
    State,
}

/// `duoctl list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// List only applications of this type (repeatable).
    #[arg(long = "type", value_name = "TYPE", help_heading = "Selection", add = completing::kind())]
    pub kinds: Vec<String>,
    /// Also list applications that are not managed.
    #[arg(long)]
    pub all: bool,
    /// Sort by this column.
    #[arg(long, value_enum, value_name = "COLUMN")]
    pub sort: Option<SortBy>,
    /// Also write the names and IDs of all groups, policies and applications in Duo to a JSON file, which `duoctl lsp` offers
    /// in editors.
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfInventory>,
}

/// `duoctl graph`.
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How to read the YAML and, with --live, reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Draw the account instead of the YAML, including applications that are not managed.
    #[arg(long)]
    pub live: bool,
    /// Colour what this plan changes: a saved plan, or the output of plan or drift --format json.
    #[arg(long, value_name = "PLAN")]
    pub changes: Option<PathBuf>,
    /// Draw only what is connected to this address, or to a node such as 'group:VPN Users' (repeatable).
    #[arg(long, value_name = "ADDRESS", help_heading = "Selection", add = completing::pattern())]
    pub focus: Vec<String>,
    /// Draw each application by itself; otherwise applications with the same connections share a node if there are more
    /// than 30.
    #[arg(long, help_heading = "Selection")]
    pub expand: bool,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfGraph>,
}

/// `duoctl lsp`.
#[derive(Debug, clap::Args)]
pub struct Lsp {
    /// The values of variables.
    #[command(flatten)]
    pub vars: Variables,
    /// Use standard input and output, as always. Accepted because many editors pass it.
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// `duoctl doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Where the output goes.
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

/// The commands of `duoctl sandbox`.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Serve the simulated account over HTTPS until interrupted.
    ///
    /// One JSON line on stdout describes how to reach it.
    #[command(after_help = examples::SERVE)]
    Serve(Serve),
    /// Change or delete an application without duoctl, as in the Duo Admin Panel.
    #[command(after_help = examples::EDIT)]
    Edit(Edit),
    /// Reset the simulated account to its initial content.
    #[command(after_help = examples::RESET)]
    Reset(Reset),
}

/// `duoctl sandbox serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Loopback address to listen on; port 0 picks a free port.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Folder for the state of the account; created if it does not exist [default: .duoctl/sandbox next to the YAML].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// API hostname of the account [default: as stored in the folder, or api-1a2b3c4d.duosecurity.com].
    #[arg(long, value_name = "NAME", value_parser = api_hostname)]
    pub api_hostname: Option<String>,
    /// Print shell `export` lines instead of the JSON line: DUO_HOST, DUO_IKEY, DUO_SKEY, DUOCTL_CONNECT_TO and
    /// DUOCTL_CA_FILE.
    #[arg(long)]
    pub print_env: bool,
    /// Inject a fault (repeatable); an unknown KIND lists all kinds.
    #[arg(long, value_name = "KIND[=N][@CALLS][@/PATH]", add = completing::fault())]
    pub fault: Vec<String>,
    /// Set a switch where Duo's behaviour is not known for certain (repeatable); an unknown NAME lists all switches.
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
    /// Name or integration key of the application.
    #[arg(value_name = "APPLICATION")]
    pub application: String,
    /// Set a property, named as in Duo's API, e.g. greeting=Hello (repeatable); a JSON object is sent as an object.
    #[arg(long, value_name = "PROPERTY=VALUE", required_unless_present = "delete")]
    pub set: Vec<String>,
    /// Delete the application.
    #[arg(long, conflicts_with = "set")]
    pub delete: bool,
    /// Folder with the state of the account [default: .duoctl/sandbox next to the YAML].
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `duoctl sandbox reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// The YAML whose simulated account is reset.
    #[command(flatten)]
    pub source: Source,
    /// Folder with the state of the account [default: .duoctl/sandbox next to the YAML].
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
    /// Which schema to print.
    #[arg(value_enum, default_value_t)]
    pub kind: SchemaKind,
    /// Write the schema of the YAML to this folder [default: the current folder], and register it with VS Code.
    ///
    /// The schema is added to .vscode/settings.json in the folder, with the settings to format YAML as `duoctl fmt` does, if
    /// they are not set; the rest of that file, including comments, is kept.
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
    /// The command, e.g. `sandbox serve`; without one, duoctl itself.
    #[arg(value_name = "COMMAND", add = completing::command())]
    pub command: Vec<String>,
    /// Write the pages of all commands to this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}
