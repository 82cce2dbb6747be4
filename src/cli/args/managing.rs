//! The commands that compare the YAML with the account and align the two.

use std::path::PathBuf;

use clap::ValueEnum;

use super::options::{
    Connection, Consents, Impact, Online, Proving, Pruning, Selected, Source, Variables, Yaml,
};
use super::options::{date, whole};
use super::reporting::{OfApply, OfData, OfPlan, Output};
use crate::cli::completing;

/// How imported applications are split into files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SplitMode {
    /// Everything in the file that names the workspace.
    #[default]
    None,
    /// One file for each type, in the folder `applications`.
    Type,
    /// One file for each application, in the folder `applications`.
    Application,
}

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportKind {
    /// Applications.
    Application,
    /// Groups, also synchronised ones; members are not imported.
    Group,
    /// Policies.
    Policy,
    /// The global policy.
    GlobalPolicy,
    /// All of these.
    All,
}

/// What an import leaves out by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Include {
    /// The application whose key duoctl itself uses.
    Operator,
    /// Applications that seem to belong to a connection to Identity Intelligence.
    IdentityIntelligence,
}

/// `duoctl import`.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Import objects of this kind (repeatable); without it, applications.
    #[arg(long = "kind", value_enum, value_name = "KIND", help_heading = "Selection")]
    pub kinds: Vec<ImportKind>,
    /// Import only objects whose name or future address matches this glob (repeatable).
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub only: Vec<String>,
    /// Leave out objects whose name or future address matches this glob (repeatable); wins over --only.
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub exclude: Vec<String>,
    /// Import only applications of this type (repeatable).
    #[arg(long = "type", value_name = "TYPE", help_heading = "Selection", add = completing::kind())]
    pub types: Vec<String>,
    /// How to split the applications into files; existing files are extended, never overwritten.
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub split: SplitMode,
    /// Also import these, which are excluded by default (repeatable).
    #[arg(long, value_enum, value_name = "WHAT")]
    pub include: Vec<Include>,
    /// Write every field, including unset ones, and `authoritative: true`, so that any later change in Duo is drift.
    #[arg(long)]
    pub authoritative: bool,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl plan`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// What to do with orphans.
    #[command(flatten)]
    pub pruning: Pruning,
    /// The consents.
    #[command(flatten)]
    pub consents: Consents,
    /// How affected users are counted.
    #[command(flatten)]
    pub impact: Impact,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfPlan>,
    /// Save the plan to a file, for `duoctl apply FILE`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 if changes are pending.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `duoctl drift`.
#[derive(Debug, clap::Args)]
pub struct Drift {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How affected users are counted.
    #[command(flatten)]
    pub impact: Impact,
    /// Show who changed each application that differs, when and from where; needs the permission read_log.
    #[arg(long)]
    pub who: bool,
    /// How many days of the activity log --who searches.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = whole(1..=180_u16))]
    pub days: u16,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfPlan>,
}

impl Drift {
    /// Orphans are only reported.
    pub fn pruning(&self) -> Pruning {
        Pruning::default()
    }
}

/// `duoctl accept`.
#[derive(Debug, clap::Args)]
pub struct Accept {
    /// Addresses, e.g. vpn or applications.vpn; nothing is written unless all of them can be accepted.
    #[arg(value_name = "ADDRESS", required = true, add = completing::address())]
    pub addresses: Vec<String>,
    /// Accept only this field (repeatable) [default: every field that was changed in Duo].
    #[arg(long, value_name = "FIELD", add = completing::field())]
    pub field: Vec<String>,
    /// How to read the YAML and reach Duo.
    #[command(flatten)]
    pub online: Online,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl ignore`.
#[derive(Debug, clap::Args)]
pub struct Ignore {
    /// The address, e.g. vpn or applications.vpn.
    #[arg(value_name = "ADDRESS", add = completing::address())]
    pub address: String,
    /// The field, by its YAML key, e.g. greeting.
    #[arg(value_name = "FIELD", add = completing::field())]
    pub field: String,
    /// Reason, recorded in the YAML.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Last day on which to ignore the difference, e.g. 2027-06-30.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub until: Option<jiff::civil::Date>,
    /// How the YAML is read.
    #[command(flatten)]
    pub yaml: Yaml,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl adopt`.
#[derive(Debug, clap::Args)]
pub struct Adopt {
    /// An address, e.g. vpn, and the integration key of its live application (repeatable).
    ///
    /// Several pairs are recorded together or not at all. A missing entry of `applications` is added.
    #[arg(value_names = ["ADDRESS", "ID"], num_args = 1.., required_unless_present = "formerly", add = completing::address_of_pair())]
    pub arguments: Vec<String>,
    /// Take over the applications that the workspace owned under an earlier name.
    #[arg(long, value_name = "WORKSPACE", conflicts_with = "arguments")]
    pub formerly: Option<String>,
    /// How the YAML is read.
    #[command(flatten)]
    pub yaml: Yaml,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl apply`.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// A YAML file, a folder with duo.yaml and *.duo.yaml files, or a saved plan [default: as --workspace].
    #[arg(value_name = "PATH|PLAN")]
    pub path: Option<PathBuf>,
    /// Refuse a saved plan that is not for this YAML.
    ///
    /// A plan made with a different --prune, --only or --exclude is refused as well. Use this if people who may not
    /// apply could have replaced the plan.
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The values of the YAML's variables.
    #[command(flatten)]
    pub vars: Variables,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// What to do with orphans.
    #[command(flatten)]
    pub pruning: Pruning,
    /// The consents.
    #[command(flatten)]
    pub consents: Consents,
    /// How affected users are counted.
    #[command(flatten)]
    pub impact: Impact,
    /// Do not ask before applying; guards still apply.
    #[arg(long)]
    pub auto_approve: bool,
    /// Do not verify afterwards.
    #[arg(long)]
    pub no_verify: bool,
    /// How keys are proven.
    #[command(flatten)]
    pub proving: Proving,
    /// Where the output goes.
    #[command(flatten)]
    pub output: Output<OfApply>,
}
