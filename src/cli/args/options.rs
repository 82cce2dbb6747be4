//! Groups of options that several commands share.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, StringValueParser, TypedValueParser};

use crate::cli::completing;
use crate::config::load::Terms;
use crate::config::model::Tenant;
use crate::config::untrusted::Trust;
use crate::config::variables::{Assigned, assignment};
use crate::duo::https::{Authorities, TlsRoots};
use crate::output::document::PruneDocument;
use crate::reconcile::consent::Allowed;
use crate::verify::keys::Controls;

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
    /// Treat the YAML as untrusted, e.g. because it comes from a pull request.
    ///
    /// duoctl then runs none of its commands, opens none of its secret stores, trusts none of its certificate
    /// authorities, follows no link out of its folder or the checkout, and reads no environment variables except DUO_*.
    #[arg(long)]
    pub untrusted: bool,
}

impl Trusted {
    /// The trust. With DUOCTL_CA_FILE, untrusted YAML needs no certificate authorities of its own.
    pub fn trust(self) -> Trust {
        let given = std::env::var_os("DUOCTL_CA_FILE").is_some_and(|value| !value.is_empty());
        if self.untrusted { Trust::None { ca_given: given } } else { Trust::Full }
    }
}

/// The values of the YAML's variables.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Variables {
    /// Set a variable declared under `vars` (repeatable) [default: $DUOCTL_VAR_NAME, then the declared default].
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment, add = completing::variable())]
    pub assignments: Vec<(String, String)>,
}

impl Variables {
    /// How the YAML is read, including variables that the environment sets.
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
    /// The values of its variables.
    #[command(flatten)]
    pub vars: Variables,
}

impl Yaml {
    /// The same, including variables that the environment sets.
    pub fn terms(&self) -> Terms {
        self.vars.terms(self.trusted.trust())
    }
}

/// How to read the YAML and reach Duo.
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
    /// Use the built-in simulator instead of Duo, with its state in STATE_DIR [default: .duoctl/sandbox next to the
    /// YAML].
    #[arg(long, value_name = "STATE_DIR", num_args = 0..=1, require_equals = true, default_missing_value = "", value_parser = state_folder)]
    pub sandbox: Option<PathBuf>,
    /// Connect to a simulator at this loopback address instead of the tenant's hostname [default: $DUOCTL_CONNECT_TO,
    /// unless --sandbox is given].
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "sandbox", value_parser = loopback)]
    pub connect_to: Option<SocketAddr>,
    /// Also trust the certificate authorities in this PEM file [default: $DUOCTL_CA_FILE, unless --sandbox is given].
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub ca_file: Option<PathBuf>,
    /// Trust the certificate authorities built into duoctl (bundled) or those of this machine (system) [default:
    /// tenant.tls_roots].
    #[arg(long, value_name = "ROOTS", conflicts_with = "sandbox", value_parser = tls_roots())]
    pub tls_roots: Option<TlsRoots>,
    /// Maximum number of concurrent requests.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole(1..=64_u16))]
    pub parallelism: u16,
}

impl Connection {
    /// Which authorities to trust: those of the command line, or else of the YAML.
    pub fn authorities(&self, tenant: &Tenant) -> Authorities {
        let declared = tenant.ca_file.as_ref().map(|file| file.value.clone());
        Authorities {
            roots: self.tls_roots.unwrap_or(tenant.tls_roots),
            ca_file: self.ca_file.clone().or(declared),
        }
    }

    /// This connection; options that were not given are taken from the environment.
    ///
    /// # Errors
    ///
    /// A variable cannot be used.
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

/// How affected users are counted.
#[derive(Debug, Clone, clap::Args)]
pub struct Impact {
    /// Maximum number of requests for counting users who gain or lose access; 0 disables counting.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole(0..=10_000_u32))]
    pub impact_budget: u32,
}

/// The consents.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Consent")]
pub struct Consents {
    /// Consent by name to what a guard refuses, everywhere or only at addresses that match a glob, e.g.
    /// widens_access:applications.vpn (repeatable).
    #[arg(long, value_name = "NAME[:ADDRESS]", value_parser = Allowed::parse, add = completing::consent())]
    pub allow: Vec<Allowed>,
    /// Allow up to this share of the owned applications to change.
    #[arg(long, value_name = "N%", value_parser = percent)]
    pub max_changes: Option<u8>,
    /// Allow up to this many applications to be deleted.
    #[arg(long, value_name = "N", value_parser = whole(0..=u32::MAX))]
    pub max_deletes: Option<u32>,
    /// The address that Duo sees duoctl calling from, for changes to the networks of its own key [default:
    /// guards.caller_address, or else from Duo's activity log].
    #[arg(long, value_name = "ADDRESS")]
    pub caller_address: Option<IpAddr>,
}

/// An empty path means the folder next to the YAML, which is not known yet.
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
        Ok(_) => Err("only a loopback address, such as 127.0.0.1:8443, is allowed".to_owned()),
        Err(_) => Err("write a loopback address with a port, such as 127.0.0.1:8443".to_owned()),
    }
}

fn tls_roots() -> impl TypedValueParser<Value = TlsRoots> {
    PossibleValuesParser::new(TlsRoots::NAMED.map(|(name, _)| name))
        .map(|name| TlsRoots::named(&name).unwrap_or_default())
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok().filter(|percent| *percent <= 100);
    number.ok_or_else(|| "must be a percentage such as 40%".to_owned())
}

/// What happens to orphans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PruneMode {
    /// Quarantine them first, and delete them after `quarantine_days`.
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

/// How keys are proven.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Proving {
    /// Make no call with a wrong secret key.
    ///
    /// Duo's documentation does not say how /auth/v2/check answers to the keys of some types of application. For such a
    /// type, duoctl makes the call once more in a run, with an altered secret key: only if Duo refuses that one for its
    /// signature does the answer to the right one prove anything. Without this control, these types are not testable.
    #[arg(long)]
    pub no_control: bool,
}

impl Proving {
    /// The controls of a run.
    pub(in crate::cli) fn controls(self) -> Controls {
        Controls::allowed(!self.no_control)
    }
}

/// What to do with orphans.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Pruning {
    /// Remove owned applications that are no longer in the YAML; without MODE, quarantine them first.
    #[arg(long, value_enum, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "quarantine")]
    pub prune: Option<PruneMode>,
}

/// Parses a whole number of a range.
pub(super) fn whole<T>(range: RangeInclusive<T>) -> impl TypedValueParser<Value = T>
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    let parse = move |text: String| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("write a whole number from {} to {}", range.start(), range.end()))
    };
    StringValueParser::new().try_map(parse)
}

/// Parses a date.
pub(super) fn date(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| "write a date such as 2027-06-30".to_owned())
}
