//! The commands that check, probe, rehearse or print.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::options::{Connection, Format, Selected, Source};

/// `duoctl init`.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The folder that gets the file.
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// `duoctl validate`.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// The YAML is from somebody who is not trusted, such as the author of a pull request: follow no link out of its
    /// folder, and refuse what `plan --untrusted` would refuse.
    #[arg(long)]
    pub untrusted: bool,
    /// How the outcome is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `duoctl fmt`.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// YAML files, or folders with duo.yaml and *.duo.yaml files; - formats stdin to stdout.
    #[arg(value_name = "PATH", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; list the files that would change, and exit with 2 if there are any.
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show what would change.
    #[arg(long)]
    pub diff: bool,
}

/// How the outcome of `verify` is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// JUnit XML: one test suite for each address, one test case for each probe.
    Junit,
}

/// `duoctl verify`.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How the outcome is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: VerifyFormat,
}

/// `duoctl doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// How the outcome is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
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
    Serve(Serve),
    /// Forget the simulated account: the next start begins with the seeded one.
    Reset(Reset),
}

/// `duoctl sandbox serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The loopback address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The folder that keeps the account; created when it does not exist.
    #[arg(long, value_name = "DIR", default_value = ".duoctl/sandbox")]
    pub state: PathBuf,
    /// Inject a fault (repeatable); an unknown KIND lists the known ones.
    #[arg(long, value_name = "KIND[=N][@CALLS][@/PATH]")]
    pub fault: Vec<String>,
    /// Turn a switch where Duo's behaviour is not known for certain (repeatable); an unknown NAME lists the known ones.
    #[arg(long, value_name = "NAME=VALUE")]
    pub switch: Vec<String>,
}

/// `duoctl sandbox reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// The YAML file or folder whose simulated account is forgotten.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// The folder that keeps the account, where it is not beside the YAML.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// The YAML.
    #[default]
    Config,
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
    pub shell: clap_complete::Shell,
}
