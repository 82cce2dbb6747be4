//! The arguments. Unknown ones are errors; no secret ever comes by a flag.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::output::printer;
use crate::reconcile::guard::Allowed;

/// Cisco Duo applications as YAML in git: planned, applied and proven with live calls.
#[derive(Debug, Parser)]
#[command(name = "duoctl", version, about, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 error, 2 changes pending, 3 verification failed, 4 partly applied, \
    5 refused by a guard or no consent, 6 saved plan is stale, 64 usage, 75 unreachable or rate limited (safe to \
    retry), 77 Duo refused the credentials or the permission, 130 interrupted.\n\nduoctl is not affiliated with Cisco."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command has.
    #[command(flatten)]
    pub global: Global,
}

/// The heading that keeps these apart from a command's own options.
const EVERYWHERE: &str = "Options of every command";

/// What every command has.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = EVERYWHERE)]
    pub color: Color,
    /// Say more on stderr; twice for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub verbose: u8,
    /// Leave out remarks on stderr.
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub quiet: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal; NO_COLOR and CLICOLOR_FORCE are obeyed.
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
    /// Write a first duo.yaml, with comments.
    Init(Init),
    /// Check the YAML: syntax, schema and meaning. Needs no network and no credentials.
    Validate(Validate),
    /// Show what would change. Changes nothing.
    Plan(Plan),
    /// Make the account match the YAML, then verify it.
    Apply(Apply),
    /// Probe every managed key with live calls. Changes nothing.
    Verify(Verify),
    /// Print what a person has to enter into a console that has no API, field by field.
    Handoff(Handoff),
    /// Say that the console holds the values of now: writes their fingerprint into the YAML, everything else as it is.
    Attest(Attest),
    /// Make new secret keys and deliver them to the secret stores.
    Rotate(Rotate),
    /// List where every secret key is kept, and whether it is current. Changes nothing.
    Secrets(Secrets),
    /// Check hostname, TLS, clock, keys and permissions, and say how to mend each.
    Doctor(Doctor),
    /// The simulator of Duo on its own.
    Sandbox(Sandbox),
    /// Print the JSON Schema of the YAML.
    Schema(Schema),
    /// Print the completion script of a shell.
    Completions(Completions),
}

/// How an outcome is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// Where the YAML is.
#[derive(Debug, Clone, clap::Args)]
pub struct Source {
    /// A YAML file, or a folder with duo.yaml and *.duo.yaml files.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
}

/// How Duo is reached.
#[derive(Debug, Clone, clap::Args)]
pub struct Connection {
    /// Use the built-in simulator instead of Duo; its state is kept in STATE_DIR (by default .duoctl/sandbox beside
    /// the YAML).
    #[arg(long, value_name = "STATE_DIR", num_args = 0..=1, require_equals = true, default_missing_value = "", value_parser = state_folder)]
    pub sandbox: Option<PathBuf>,
    /// Reach the tenant's hostname at this loopback address: a simulator that runs elsewhere on this machine.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "sandbox", value_parser = loopback)]
    pub connect_to: Option<SocketAddr>,
    /// Trust the certificate authorities in this PEM file too.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub ca_file: Option<PathBuf>,
    /// How many requests may be under way at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallelism: u16,
}

/// Which addresses a run covers.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Selected {
    /// Cover only addresses that match this glob (repeatable).
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// Leave out addresses that match this glob (repeatable); wins over --only.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
}

/// What is consented to.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Consents {
    /// Allow a risk, everywhere or at the addresses that match a glob, e.g. widens_access:applications.vpn
    /// (repeatable).
    #[arg(long, value_name = "RISK[:ADDRESS]", value_parser = Allowed::parse)]
    pub allow: Vec<Allowed>,
    /// Allow the application at this address to be replaced by one of another type (repeatable).
    #[arg(long, value_name = "ADDRESS")]
    pub allow_replace: Vec<String>,
    /// Allow this share of the owned applications to change.
    #[arg(long, value_name = "N%", value_parser = percent)]
    pub max_changes: Option<u8>,
    /// Allow this many applications to be deleted.
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<u32>,
    /// Allow a YAML that declares nothing while the account holds owned applications.
    #[arg(long)]
    pub allow_empty: bool,
}

/// An empty path stands for the folder beside the YAML, which is not known yet.
fn state_folder(text: &str) -> Result<PathBuf, std::convert::Infallible> {
    Ok(PathBuf::from(text))
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    match numeric.parse::<SocketAddr>() {
        Ok(address) if address.ip().to_canonical().is_loopback() => Ok(address),
        Ok(_) => {
            Err("only an address of this machine, such as 127.0.0.1:8443, can stand in for Duo".to_owned())
        }
        Err(_) => Err("write an address of this machine with its port, such as 127.0.0.1:8443".to_owned()),
    }
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok().filter(|percent| *percent <= 100);
    number.ok_or_else(|| "write a share such as 40%".to_owned())
}

/// What happens to orphans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PruneMode {
    /// Quarantine them first, and delete what has been quarantined long enough.
    Quarantine,
    /// Delete them at once.
    Now,
}

/// How orphans are treated.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Pruning {
    /// Remove owned applications that left the YAML: quarantine first, delete after `quarantine_days`; =now deletes at
    /// once.
    #[arg(long, value_enum, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "quarantine")]
    pub prune: Option<PruneMode>,
}

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
    /// How the outcome is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// `duoctl plan`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How orphans are treated.
    #[command(flatten)]
    pub pruning: Pruning,
    /// What is consented to.
    #[command(flatten)]
    pub consents: Consents,
    /// How the plan is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Save the plan, for `duoctl apply FILE`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when changes are pending.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `duoctl apply`.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// A YAML file, a folder with duo.yaml and *.duo.yaml files, or a saved plan.
    #[arg(value_name = "PATH|PLAN", default_value = ".")]
    pub path: PathBuf,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How orphans are treated.
    #[command(flatten)]
    pub pruning: Pruning,
    /// What is consented to.
    #[command(flatten)]
    pub consents: Consents,
    /// Do not ask before applying. Lifts no guard.
    #[arg(long)]
    pub auto_approve: bool,
    /// Do not verify afterwards.
    #[arg(long)]
    pub no_verify: bool,
    /// How the outcome is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
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
    pub format: Format,
}

/// How a sheet is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SheetFormat {
    /// For people.
    #[default]
    Human,
    /// For tickets and wikis.
    Markdown,
    /// One JSON document.
    Json,
}

/// `duoctl handoff`.
#[derive(Debug, clap::Args)]
pub struct Handoff {
    /// An entry of `identity_intelligence`, by its name; all of them without one.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// A YAML file, or a folder with duo.yaml and *.duo.yaml files.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Show the secret keys in clear. On a terminal only.
    #[arg(long)]
    pub reveal: bool,
    /// How the sheet is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: SheetFormat,
}

/// `duoctl attest`.
#[derive(Debug, clap::Args)]
pub struct Attest {
    /// An entry of `identity_intelligence`, by its name.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// A YAML file, or a folder with duo.yaml and *.duo.yaml files.
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Who filled in the form, e.g. a mail address.
    #[arg(long, value_name = "WHO", value_parser = person)]
    pub by: Option<String>,
}

fn person(text: &str) -> Result<String, String> {
    crate::config::attestation::name(text)
        .ok_or_else(|| "write one line of at most 120 characters, without spaces around it".to_owned())
}

/// How a new key takes the place of the old one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// The same application gets a new key; the old one stops working at once.
    #[default]
    InPlace,
}

/// `duoctl rotate`.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The applications whose keys are replaced, by their addresses.
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
    /// A YAML file, or a folder with duo.yaml and *.duo.yaml files.
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// How the new key takes the place of the old one.
    #[arg(long, value_enum, default_value_t)]
    pub strategy: Strategy,
    /// Allow a risk, e.g. breaks_handoff:identity_intelligence.emea.admin_api (repeatable).
    #[arg(long, value_name = "RISK[:ADDRESS]", value_parser = Allowed::parse)]
    pub allow: Vec<Allowed>,
    /// Do not ask before rotating. Lifts no guard.
    #[arg(long)]
    pub auto_approve: bool,
}

/// `duoctl secrets`.
#[derive(Debug, clap::Args)]
pub struct Secrets {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How the inventory is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
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
    #[arg(long, value_name = "KIND[=N]")]
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
}

/// `duoctl completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
