//! The commands about secret keys.

use std::path::PathBuf;

use clap::ValueEnum;
use jiff::SignedDuration;

use super::options::{Connection, Selected, Source, Trusted, Variables};
use super::reporting::{OF_LIST, OutputFormat, formats};
use crate::reconcile::consent::Allowed;

/// How a new key takes the place of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// A second application with the same settings gets the new key; the old key works until the new one is in use.
    Twin,
    /// The same application gets a new key; the old one stops working at once.
    InPlace,
}

/// `duoctl rotate`.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The applications whose keys are rotated, by their addresses; globs are understood. Without any, --status and
    /// --older-than cover all of them.
    #[arg(value_name = "ADDRESS", required_unless_present_any = ["status", "older_than"])]
    pub addresses: Vec<String>,
    /// A YAML file, or a folder with duo.yaml and *.duo.yaml files.
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// How the new key takes the place of the old one. Twin, unless told otherwise; where the type allows none,
    /// in-place has to be named.
    #[arg(long, value_enum)]
    pub strategy: Option<Strategy>,
    /// Only keys that are older, e.g. 90d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<SignedDuration>,
    /// Say that the new key is in use everywhere, so that the old one may go.
    #[arg(long, conflicts_with_all = ["strategy", "older_than"])]
    pub confirm: bool,
    /// Show the rotations that are under way, and what they wait for. Changes nothing.
    #[arg(long, conflicts_with_all = ["strategy", "older_than", "confirm", "abort", "allow", "auto_approve"])]
    pub status: bool,
    /// Call a rotation off: the old key takes its place again, and the new one goes.
    #[arg(long, conflicts_with_all = ["strategy", "older_than", "confirm"])]
    pub abort: bool,
    /// How long the old key has to be silent before it goes.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = age)]
    pub silence: SignedDuration,
    /// Consent by name, e.g. breaks_handoff:identity_intelligence.emea.admin_api (repeatable).
    #[arg(long, value_name = "NAME[:ADDRESS]", value_parser = Allowed::parse)]
    pub allow: Vec<Allowed>,
    /// Do not ask before rotating. Lifts no guard.
    #[arg(long)]
    pub auto_approve: bool,
    /// How --status is printed.
    #[arg(long, value_name = "FORMAT", value_parser = formats(OF_LIST), default_value = "human")]
    pub format: OutputFormat,
}

fn age(text: &str) -> Result<SignedDuration, String> {
    crate::language::age::parse(text)
}

/// `duoctl secrets`.
#[derive(Debug, clap::Args)]
pub struct Secrets {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How far its author is trusted.
    #[command(flatten)]
    pub trusted: Trusted,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How the inventory is printed.
    #[arg(long, value_name = "FORMAT", value_parser = formats(OF_LIST), default_value = "human")]
    pub format: OutputFormat,
}
