//! `duoctl keys`: the commands about secret keys.

use clap::{Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::examples;
use super::options::{Connection, Online, Proving, Selected, Variables};
use super::reporting::{OfData, Output};
use crate::cli::completing;
use crate::reconcile::consent::Allowed;

/// How a new key replaces the old one.
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

/// The commands of `duoctl keys`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List where every secret key is stored, how old it is and whether it works.
    ///
    /// Changes nothing.
    #[command(after_help = examples::KEYS_LIST)]
    List(ListKeys),
    /// Create new secret keys and deliver them to the secret stores.
    #[command(after_help = examples::KEYS_ROTATE, mut_arg("addresses", |arg| arg.required_unless_present_any(["older_than", "only"])))]
    Rotate(RotateKeys),
    /// Show the rotations in progress and what they are waiting for.
    ///
    /// Changes nothing.
    #[command(after_help = examples::KEYS_STATUS)]
    Status(KeyStatus),
    /// Confirm that a new key is in use everywhere, so that the old one can be removed.
    #[command(after_help = examples::KEYS_CONFIRM, mut_arg("addresses", |arg| arg.required_unless_present("only")))]
    Confirm(ConfirmKeys),
    /// Cancel a rotation: keep the old key and remove the new one.
    #[command(after_help = examples::KEYS_ABORT, mut_arg("addresses", |arg| arg.required_unless_present("only")))]
    Abort(AbortKeys),
}

/// The addresses that a `keys` command covers. Positional addresses mean the same as `--only`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Covered {
    /// Cover only these addresses or globs, e.g. siem; the same as --only.
    #[arg(value_name = "ADDRESS", add = completing::pattern())]
    pub addresses: Vec<String>,
    /// The same, as options.
    #[command(flatten)]
    pub selected: Selected,
}

impl Covered {
    /// Positional addresses and options together.
    pub fn selected(&self) -> Selected {
        let only = self.addresses.iter().chain(&self.selected.only).cloned().collect();
        Selected { only, exclude: self.selected.exclude.clone() }
    }
}

/// What the commands that change keys share.
#[derive(Debug, Clone, clap::Args)]
pub struct ChangeKeys {
    /// The values of the YAML's variables.
    #[command(flatten)]
    pub vars: Variables,
    /// Which keys.
    #[command(flatten)]
    pub covered: Covered,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Consent and approval.
    #[command(flatten)]
    pub approval: Approval,
    /// How keys are proven.
    #[command(flatten)]
    pub proving: Proving,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl keys list`.
#[derive(Debug, clap::Args)]
pub struct ListKeys {
    /// Which keys.
    #[command(flatten)]
    pub covered: Covered,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// How keys are proven.
    #[command(flatten)]
    pub proving: Proving,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl keys rotate`.
#[derive(Debug, clap::Args)]
pub struct RotateKeys {
    /// How the new key replaces the old one [default: overlap]; types that do not allow overlap need in-place.
    #[arg(long, value_enum)]
    pub strategy: Option<Strategy>,
    /// Rotate only keys older than this, e.g. 90d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<SignedDuration>,
    /// How long the old key must be unused before it is removed.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = age)]
    pub silence: SignedDuration,
    /// Which keys. Without addresses, --older-than covers all applications with a secret store.
    #[command(flatten)]
    pub keys: ChangeKeys,
}

/// `duoctl keys status`.
#[derive(Debug, clap::Args)]
pub struct KeyStatus {
    /// How long the old key must be unused before it is removed.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = age)]
    pub silence: SignedDuration,
    /// Which rotations.
    #[command(flatten)]
    pub covered: Covered,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl keys confirm`.
#[derive(Debug, clap::Args)]
pub struct ConfirmKeys {
    /// The applications whose new key is in use.
    #[command(flatten)]
    pub keys: ChangeKeys,
}

/// `duoctl keys abort`.
#[derive(Debug, clap::Args)]
pub struct AbortKeys {
    /// The applications whose rotation is cancelled.
    #[command(flatten)]
    pub keys: ChangeKeys,
}

/// Consent and approval to change keys.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Consent")]
pub struct Approval {
    /// Consent by name, e.g. breaks_handoff:identity_intelligence.emea.admin_api (repeatable).
    #[arg(long, value_name = "NAME[:ADDRESS]", value_parser = Allowed::parse, add = completing::consent())]
    pub allow: Vec<Allowed>,
    /// Do not ask before changing keys; guards still apply.
    #[arg(long)]
    pub auto_approve: bool,
}

fn age(text: &str) -> Result<SignedDuration, String> {
    crate::language::age::parse(text)
}
