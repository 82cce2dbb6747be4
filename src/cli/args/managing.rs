//! The commands that compare the YAML with the account and bring them together.

use std::path::PathBuf;

use clap::ValueEnum;

use super::options::{Connection, Consents, Impact, Online, Pruning, Selected, Source, Variables, Yaml};
use super::reporting::{OfApply, OfData, OfPlan, Output};
use crate::cli::completing;

/// How imported applications are spread over files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SplitMode {
    /// Everything into the file that names the workspace.
    #[default]
    None,
    /// One file for each type, in the folder `applications`.
    Type,
    /// One file for each application, in the folder `applications`.
    Application,
}

/// What an import leaves out unless it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Include {
    /// The application whose key duoctl itself uses.
    Operator,
    /// Applications that look like a part of a connection to Identity Intelligence.
    IdentityIntelligence,
}

/// `duoctl import`.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Import only applications whose name, or address to be, matches this glob (repeatable).
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub only: Vec<String>,
    /// Leave out applications whose name, or address to be, matches this glob (repeatable); wins over --only.
    #[arg(long, value_name = "GLOB", help_heading = "Selection")]
    pub exclude: Vec<String>,
    /// Import only applications of this type (repeatable).
    #[arg(long = "type", value_name = "TYPE", help_heading = "Selection", add = completing::kind())]
    pub kinds: Vec<String>,
    /// How the applications are spread over files; what exists is added to, never overwritten.
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub split: SplitMode,
    /// Import these too, which are left out otherwise (repeatable).
    #[arg(long, value_enum, value_name = "WHAT")]
    pub include: Vec<Include>,
    /// Write every field, unset ones too, and `authoritative: true`, so that any later change in Duo is drift.
    #[arg(long)]
    pub authoritative: bool,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl plan`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How orphans are treated.
    #[command(flatten)]
    pub pruning: Pruning,
    /// What is consented to.
    #[command(flatten)]
    pub consents: Consents,
    /// How far the people are looked at whom the plan affects.
    #[command(flatten)]
    pub impact: Impact,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfPlan>,
    /// Save the plan, for `duoctl apply FILE`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when changes are pending.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `duoctl drift`.
#[derive(Debug, clap::Args)]
pub struct Drift {
    /// Where the YAML is.
    #[command(flatten)]
    pub source: Source,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Which addresses are covered.
    #[command(flatten)]
    pub selected: Selected,
    /// How far the people are looked at whom the plan affects.
    #[command(flatten)]
    pub impact: Impact,
    /// Name who changed each application that differs, when, and from where. Needs the permission read_log.
    #[arg(long)]
    pub who: bool,
    /// How many days of the activity log --who looks at.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=180))]
    pub days: u16,
    /// Where the outcome goes.
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
    /// Addresses, e.g. vpn or applications.vpn. Nothing is written unless all of them can be accepted.
    #[arg(value_name = "ADDRESS", required = true, add = completing::address())]
    pub addresses: Vec<String>,
    /// How the YAML is read, and Duo is reached.
    #[command(flatten)]
    pub online: Online,
    /// Accept only this field (repeatable); without it every field that was changed in Duo.
    #[arg(long, value_name = "FIELD", add = completing::field())]
    pub field: Vec<String>,
    /// Where the outcome goes.
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
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The last day on which the difference is ignored, e.g. 2027-06-30.
    #[arg(long, value_name = "DATE")]
    pub until: Option<jiff::civil::Date>,
    /// How the YAML is read.
    #[command(flatten)]
    pub yaml: Yaml,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl adopt`.
#[derive(Debug, clap::Args)]
pub struct Adopt {
    /// An address, e.g. vpn, and the ID of its live application, the integration key; more pairs for more addresses, all
    /// of them or none. An entry of `applications` is added if it is missing.
    #[arg(value_names = ["ADDRESS", "ID"], num_args = 1.., required_unless_present = "formerly", add = completing::address_of_pair())]
    pub arguments: Vec<String>,
    /// Take over the applications that the workspace owned under an earlier name.
    #[arg(long, value_name = "WORKSPACE", conflicts_with = "arguments")]
    pub formerly: Option<String>,
    /// How the YAML is read.
    #[command(flatten)]
    pub yaml: Yaml,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfData>,
}

/// `duoctl apply`.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// A YAML file, a folder with duo.yaml and *.duo.yaml files, or a saved plan [default: as --workspace].
    #[arg(value_name = "PATH|PLAN")]
    pub path: Option<PathBuf>,
    /// The YAML that a saved plan has to be of. A plan of any other, or one whose --prune, --only or --exclude are not
    /// those given here, is refused: for a plan that passed through hands which may not apply.
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
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
    /// How far the people are looked at whom the plan affects.
    #[command(flatten)]
    pub impact: Impact,
    /// Do not ask before applying. Lifts no guard.
    #[arg(long)]
    pub auto_approve: bool,
    /// Do not verify afterwards.
    #[arg(long)]
    pub no_verify: bool,
    /// Where the outcome goes.
    #[command(flatten)]
    pub output: Output<OfApply>,
}
