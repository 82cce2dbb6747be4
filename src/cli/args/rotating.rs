//! The commands about secret keys.

use std::path::PathBuf;

use clap::ValueEnum;

use super::options::{Connection, Format, Selected, Source};
use crate::reconcile::guard::Allowed;

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
