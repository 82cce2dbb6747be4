//! The commands about consoles that have no API.

use super::options::Online;
use super::reporting::{OfData, OfHandoff, Output};
use crate::cli::completing;

/// `duoctl handoff`.
#[derive(Debug, clap::Args)]
pub struct Handoff {
    /// Entries of `identity_intelligence`, by their names; all of them without any.
    #[arg(value_name = "NAME", add = completing::entry())]
    pub names: Vec<String>,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Show the secret keys in clear. On a terminal only.
    #[arg(long, conflicts_with = "untrusted")]
    pub reveal: bool,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfHandoff>,
}

/// `duoctl attest`.
#[derive(Debug, clap::Args)]
pub struct Attest {
    /// An entry of `identity_intelligence`, by its name.
    #[arg(value_name = "NAME", add = completing::entry())]
    pub name: String,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Who filled in the form, e.g. a mail address. Without it, git's user.name and user.email.
    #[arg(long, value_name = "WHO", value_parser = person)]
    pub by: Option<String>,
    /// Record it although the public API of Identity Intelligence contradicts it.
    #[arg(long, requires = "reason")]
    pub force: bool,
    /// Why; it is recorded.
    #[arg(long, value_name = "TEXT", requires = "force", value_parser = reason)]
    pub reason: Option<String>,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

fn reason(text: &str) -> Result<String, String> {
    crate::language::attestation::reason(text)
        .ok_or_else(|| "write one line of at most 200 characters, without spaces around it".to_owned())
}

fn person(text: &str) -> Result<String, String> {
    crate::language::attestation::name(text)
        .ok_or_else(|| "write one line of at most 120 characters, without spaces around it".to_owned())
}
