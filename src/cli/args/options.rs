//! Groups of options that several commands share.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::completing;
use crate::config::load::Terms;
use crate::config::model::Tenant;
use crate::config::untrusted::Trust;
use crate::config::variables::{Assigned, assignment};
use crate::duo::https::{Authorities, TlsRoots};
use crate::output::document::PruneDocument;
use crate::reconcile::consent::Allowed;

/// Where the YAML is.
#[derive(Debug, Clone, clap::Args)]
pub struct Source {
    /// A YAML file, or a folder with duo.yaml and *.duo.yaml files [default: as --workspace].
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
}

/// How far the author of the YAML is trusted.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Trusted {
    /// The YAML is from someone who is not trusted, such as the author of a pull request: run none of its commands,
    /// open none of its secret stores, trust none of its certificate authorities, follow no link out of its folder or of
    /// the checkout, and read no variable but DUO_*.
    #[arg(long)]
    pub untrusted: bool,
}

impl Trusted {
    /// The trust; DUOCTL_CA_FILE names certificate authorities in place of the YAML.
    pub fn trust(self) -> Trust {
        let given = std::env::var_os("DUOCTL_CA_FILE").is_some_and(|value| !value.is_empty());
        if self.untrusted { Trust::None { ca_given: given } } else { Trust::Full }
    }
}

/// What the variables of the YAML are set to.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Variables {
    /// Set a variable that the YAML declares under `vars` (repeatable). Without it, the environment variable
    /// DUOCTL_VAR_NAME counts, and then the default.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment, add = completing::variable())]
    pub assignments: Vec<(String, String)>,
}

impl Variables {
    /// How the YAML is read, with what the environment sets.
    pub fn terms(&self, trust: Trust) -> Terms {
        Terms { trust, assigned: Assigned::new(self.assignments.iter().cloned(), std::env::vars_os()) }
    }
}

/// How the YAML is read.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Yaml {
    /// How far its author is trusted.
    #[command(flatten)]
    pub trusted: Trusted,
    /// What its variables are set to.
    #[command(flatten)]
    pub vars: Variables,
}

impl Yaml {
    /// The same, with what the environment sets.
    pub fn terms(&self) -> Terms {
        self.vars.terms(self.trusted.trust())
    }
}

/// How the YAML is read, and Duo is reached.
#[derive(Debug, Clone, clap::Args)]
pub struct Online {
    /// How the YAML is read.
    #[command(flatten)]
    pub yaml: Yaml,
    /// How Duo is reached.
    #[command(flatten)]
    pub connection: Connection,
}

/// How Duo is reached.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Use the built-in simulator instead of Duo; its state is kept in STATE_DIR (by default .duoctl/sandbox beside
    /// the YAML).
    #[arg(long, value_name = "STATE_DIR", num_args = 0..=1, require_equals = true, default_missing_value = "", value_parser = state_folder)]
    pub sandbox: Option<PathBuf>,
    /// Reach the tenant's hostname at this loopback address: a simulator that runs elsewhere on this machine. Without it,
    /// DUOCTL_CONNECT_TO counts, unless --sandbox is given.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "sandbox", value_parser = loopback)]
    pub connect_to: Option<SocketAddr>,
    /// Trust the certificate authorities in this PEM file too. Without it, DUOCTL_CA_FILE counts, unless --sandbox is
    /// given.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub ca_file: Option<PathBuf>,
    /// Trust the certificate authorities built into duoctl (bundled) or those of this machine (system) [default: as
    /// tenant.tls_roots says]
    #[arg(long, value_name = "ROOTS", conflicts_with = "sandbox", value_parser = tls_roots())]
    pub tls_roots: Option<TlsRoots>,
    /// How many requests may be under way at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallelism: u16,
}

impl Connection {
    /// Whom to trust: as the command line says, or else the YAML.
    pub fn authorities(&self, tenant: &Tenant) -> Authorities {
        let declared = tenant.ca_file.as_ref().map(|file| file.value.clone());
        Authorities {
            roots: self.tls_roots.unwrap_or(tenant.tls_roots),
            ca_file: self.ca_file.clone().or(declared),
        }
    }

    /// Itself, with what the environment says where the command line says nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with a variable.
    pub fn completed(&self) -> Result<Self, String> {
        if self.sandbox.is_some() {
            return Ok(self.clone());
        }
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let mut completed = self.clone();
        if let (None, Some(value)) = (self.connect_to, variable("DUOCTL_CONNECT_TO")) {
            let address = value.to_str().ok_or_else(|| "it is not UTF-8 text".to_owned()).and_then(loopback);
            let unusable =
                |error| format!("the environment variable DUOCTL_CONNECT_TO cannot be used: {error}");
            completed.connect_to = Some(address.map_err(unusable)?);
        }
        completed.ca_file = completed.ca_file.or_else(|| variable("DUOCTL_CA_FILE").map(PathBuf::from));
        Ok(completed)
    }
}

/// Which addresses a run covers.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Selection")]
pub struct Selected {
    /// Cover only addresses that match this glob (repeatable).
    #[arg(long, value_name = "GLOB", add = completing::pattern())]
    pub only: Vec<String>,
    /// Leave out addresses that match this glob (repeatable); wins over --only.
    #[arg(long, value_name = "GLOB", add = completing::pattern())]
    pub exclude: Vec<String>,
}

/// How far the people are looked at whom a plan affects.
#[derive(Debug, Clone, clap::Args)]
pub struct Impact {
    /// How many requests may be spent on counting who gains and who loses access, where a plan changes that; 0 counts
    /// nobody.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub impact_budget: u32,
}

/// What is consented to.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Consent")]
pub struct Consents {
    /// Consent by name to what a guard refuses, everywhere or at the addresses that match a glob, e.g.
    /// widens_access:applications.vpn (repeatable).
    #[arg(long, value_name = "NAME[:ADDRESS]", value_parser = Allowed::parse, add = completing::consent())]
    pub allow: Vec<Allowed>,
    /// Allow this share of the owned applications to change.
    #[arg(long, value_name = "N%", value_parser = percent)]
    pub max_changes: Option<u8>,
    /// Allow this many applications to be deleted.
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<u32>,
    /// Where Duo sees duoctl call from, for a change of the networks of its own key. Left out: as guards.caller_address
    /// or Duo's activity log says.
    #[arg(long, value_name = "ADDRESS")]
    pub caller_address: Option<IpAddr>,
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

fn tls_roots() -> impl TypedValueParser<Value = TlsRoots> {
    PossibleValuesParser::new(TlsRoots::NAMED.map(|(name, _)| name))
        .map(|name| TlsRoots::named(&name).unwrap_or_default())
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

impl From<PruneMode> for PruneDocument {
    fn from(mode: PruneMode) -> Self {
        match mode {
            PruneMode::Quarantine => Self::Quarantine,
            PruneMode::Now => Self::Now,
        }
    }
}

impl From<PruneDocument> for PruneMode {
    fn from(mode: PruneDocument) -> Self {
        match mode {
            PruneDocument::Quarantine => Self::Quarantine,
            PruneDocument::Now => Self::Now,
        }
    }
}

/// How orphans are treated.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Pruning {
    /// Remove owned applications that left the YAML: quarantine first, delete after `quarantine_days`; =now deletes at
    /// once.
    #[arg(long, value_enum, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "quarantine")]
    pub prune: Option<PruneMode>,
}
