//! `duoctl keys`: the commands about secret keys.

use clap::{Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::examples;
use super::options::{Connection, Selected, Trusted, Variables};
use super::reporting::{OF_LIST, OutputFormat, formats};
use crate::reconcile::consent::Allowed;

/// How a new key takes the place of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// A second application with the same settings gets the new key; the old key works until the new one is in use.
    Overlap,
    /// The same application gets a new key; the old one stops working at once.
    InPlace,
}

/// `duoctl keys`.
#[derive(Debug, clap::Args)]
pub struct Keys {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What can be done about keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List where every secret key is kept, how old it is, and whether it works. Changes nothing.
    #[command(after_help = examples::KEYS_LIST)]
    List(ListKeys),
    /// Create new secret keys and deliver them to the secret stores.
    #[command(after_help = examples::KEYS_ROTATE)]
    Rotate(RotateKeys),
    /// Show the rotations in progress and what they are waiting for. Changes nothing.
    #[command(after_help = examples::KEYS_STATUS)]
    Status(KeyStatus),
    /// Confirm that a new key is in use everywhere, so that the old one can be removed.
    #[command(after_help = examples::KEYS_CONFIRM)]
    Confirm(ConfirmKeys),
    /// Call a rotation off: the old key stays, and the new one is removed.
    #[command(after_help = examples::KEYS_ABORT)]
    Abort(AbortKeys),
}

/// `duoctl keys list`.
#[derive(Debug, clap::Args)]
pub struct ListKeys {
    /// List only these addresses; globs work.
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// How far the author of the YAML is trusted.
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

/// `duoctl keys rotate`.
#[derive(Debug, clap::Args)]
pub struct RotateKeys {
    /// The applications whose keys are rotated; globs work. Without any, --older-than covers all applications with a
    /// secret store.
    #[arg(value_name = "ADDRESS", required_unless_present = "older_than")]
    pub addresses: Vec<String>,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// How the new key takes the place of the old one [default: overlap]. Where a type allows no overlap, in-place has
    /// to be given.
    #[arg(long, value_enum)]
    pub strategy: Option<Strategy>,
    /// Rotate only keys older than this, e.g. 90d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<SignedDuration>,
    /// How long the old key has to be unused before it is removed.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = age)]
    pub silence: SignedDuration,
    /// Consent and approval.
    #[command(flatten)]
    pub approval: Approval,
}

/// `duoctl keys status`.
#[derive(Debug, clap::Args)]
pub struct KeyStatus {
    /// Show only the rotations of these addresses; globs work.
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// How long the old key has to be unused before it is removed.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = age)]
    pub silence: SignedDuration,
    /// How the rotations are printed.
    #[arg(long, value_name = "FORMAT", value_parser = formats(OF_LIST), default_value = "human")]
    pub format: OutputFormat,
}

/// `duoctl keys confirm`.
#[derive(Debug, clap::Args)]
pub struct ConfirmKeys {
    /// The applications whose new key is in use; globs work.
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Consent and approval.
    #[command(flatten)]
    pub approval: Approval,
}

/// `duoctl keys abort`.
#[derive(Debug, clap::Args)]
pub struct AbortKeys {
    /// The applications whose rotation is called off; globs work.
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<String>,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Consent and approval.
    #[command(flatten)]
    pub approval: Approval,
}

/// What lets a command change keys.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Approval {
    /// Consent by name, e.g. breaks_handoff:identity_intelligence.emea.admin_api (repeatable).
    #[arg(long, value_name = "NAME[:ADDRESS]", value_parser = Allowed::parse)]
    pub allow: Vec<Allowed>,
    /// Do not ask before changing keys. Lifts no guard.
    #[arg(long)]
    pub auto_approve: bool,
}

fn age(text: &str) -> Result<SignedDuration, String> {
    crate::language::age::parse(text)
}
