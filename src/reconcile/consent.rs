//! Consents by name: `NAME[:ADDRESS]`, the same on the command line and in `guards.allow`.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::config::model::Guards;
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::kinds::risk::{CONSENTS, EMPTY};

use super::selection::Pattern;

/// The consent to trust the marker of one application, only on the command line.
pub const UNVERIFIED: &str = "unverified_state";

/// What someone consented to on the command line, or at the terminal.
#[derive(Clone, Debug, Default)]
pub struct Consent {
    /// `--allow NAME[:ADDRESS]`.
    pub allow: Vec<Allowed>,
    /// `--max-changes N%`.
    pub max_changes_percent: Option<u8>,
    /// `--max-deletes N`.
    pub max_deletes: Option<u32>,
    /// Where Duo sees duoctl call from: `--caller-address`, or what Duo's logs show. If empty, the YAML decides.
    pub callers: Vec<IpAddr>,
}

impl Consent {
    /// The applications whose markers are trusted in this run without proof: `--allow unverified_state:IKEY`.
    pub fn trusted(&self) -> BTreeSet<Ikey> {
        self.allow.iter().filter_map(|allowed| allowed.ikey.clone()).collect()
    }

    /// Every consent, including those in the YAML.
    pub fn all(&self, guards: &Guards) -> Vec<Allowed> {
        let standing = guards
            .allow
            .iter()
            .filter_map(|allow| Allowed::new(&allow.value.risk, allow.value.address.as_deref()).ok());
        self.allow.iter().cloned().chain(standing).collect()
    }
}

/// One consent: a name, everywhere or at some addresses.
#[derive(Clone, Debug)]
pub struct Allowed {
    name: &'static str,
    address: Option<Pattern>,
    /// The application whose marker is trusted.
    ikey: Option<Ikey>,
}

impl Allowed {
    /// Reads `NAME` or `NAME:ADDRESS`, where the address may be a glob.
    ///
    /// # Errors
    ///
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, address) =
            text.split_once(':').map_or((text, None), |(name, address)| (name, Some(address)));
        Self::new(name, address)
    }

    /// A consent of this name, at addresses that match the glob.
    ///
    /// # Errors
    ///
    /// What is wrong, in words.
    pub fn new(name: &str, address: Option<&str>) -> Result<Self, String> {
        if name == UNVERIFIED {
            // A marker can be swapped between the plan and the consent, so the consent is for one application.
            let plain = |text: &&str| {
                text.starts_with("DI") && text.len() > 2 && text.chars().all(|c| c.is_ascii_alphanumeric())
            };
            let ikey = address.filter(plain).ok_or_else(|| {
                format!("`{UNVERIFIED}` takes the integration key of one application: {UNVERIFIED}:DI...")
            })?;
            return Ok(Self { name: UNVERIFIED, address: None, ikey: Some(Ikey::new(ikey)) });
        }
        let known = CONSENTS.iter().find(|choice| choice.value == name);
        let name = known.map(|choice| choice.value).ok_or_else(|| {
            let known: Vec<_> = CONSENTS.iter().map(|choice| choice.value).chain([UNVERIFIED]).collect();
            format!("`{name}` is not a consent; write one of {}", known.join(", "))
        })?;
        if name == EMPTY && address.is_some() {
            return Err(format!("`{EMPTY}` applies to the whole workspace and takes no address"));
        }
        Ok(Self { name, address: address.map(Pattern::parse).transpose()?, ikey: None })
    }

    /// Whether it lifts the guard of this name at an address. A guard without an address needs a consent without one.
    pub fn covers(&self, name: &str, address: Option<&Address>) -> bool {
        let at = |pattern: &Pattern| address.is_some_and(|address| pattern.matches(address.as_str()));
        self.name == name && self.address.as_ref().is_none_or(at)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, &self.ikey) {
            (Some(address), _) => write!(f, "{}:{address}", self.name),
            (None, Some(ikey)) => write!(f, "{}:{ikey}", self.name),
            (None, None) => f.write_str(self.name),
        }
    }
}

/// The addresses that consents apply to.
pub fn patterns(consents: &[Allowed]) -> impl Iterator<Item = &Pattern> {
    consents.iter().filter_map(|allowed| allowed.address.as_ref())
}

/// Whether a consent can lift a guard of this name.
pub fn is_consent(name: &str) -> bool {
    CONSENTS.iter().any(|choice| choice.value == name)
}
