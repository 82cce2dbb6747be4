//! The commands for consoles that have no API.

use super::options::Online;
use super::reporting::{OfData, OfHandoff, Output};
use crate::cli::completing;

/// `duoctl handoff`.
#[derive(Debug, clap::Args)]
pub struct Handoff {
    /// Names of entries of `identity_intelligence` [default: all entries].
    #[arg(value_name = "NAME", add = completing::entry())]
    pub names: Vec<String>,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Show the secret keys in clear text; works on a terminal only.
    #[arg(long, conflicts_with = "untrusted")]
    pub reveal: bool,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfHandoff>,
}

/// `duoctl attest`.
#[derive(Debug, clap::Args)]
pub struct Attest {
    /// Name of an entry of `identity_intelligence`.
    #[arg(value_name = "NAME", add = completing::entry())]
    pub name: String,
    /// Who filled in the form, e.g. an email address [default: git's user.name and user.email].
    #[arg(long, value_name = "WHO", value_parser = person)]
    pub by: Option<String>,
    /// Record it even if the public API of Identity Intelligence contradicts it.
    #[arg(long, requires = "reason")]
    pub force: bool,
    /// Reason for --force, recorded with the attestation.
    #[arg(long, value_name = "TEXT", requires = "force", value_parser = reason)]
    pub reason: Option<String>,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

fn reason(text: &str) -> Result<String, String> {
    crate::language::attestation::reason(text).ok_or_else(|| {
        "must be one line of at most 200 characters, without leading or trailing spaces".to_owned()
    })
}

fn person(text: &str) -> Result<String, String> {
    crate::language::attestation::name(text).ok_or_else(|| {
        "must be one line of at most 120 characters, without leading or trailing spaces".to_owned()
    })
}
