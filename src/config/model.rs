//! The workspace as typed values with their places. Built by `load`, consumed by `intelligence` and `reconcile`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::language::address::Pattern;
use jiff::SignedDuration;
use jiff::civil::Date;
use serde_json::Value;

use super::variables::Assigned;
use crate::diagnostic::{Code, Diagnostic, Severity, Span, Spanned};
use crate::duo::https::TlsRoots;
use crate::kinds::value::Setting;
use crate::language::address::Place;

/// Everything that the YAML of one workspace says.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the YAML; relative paths in it start here.
    pub root: PathBuf,
    /// `workspace`: `[a-z0-9-]{1,32}`.
    pub name: Spanned<String>,
    /// `formerly`: the name that the workspace had before.
    pub formerly: Option<Spanned<String>>,
    /// `tenant`.
    pub tenant: Tenant,
    /// `authoritative`: what every application leaves out counts as unset, unless it says otherwise.
    pub authoritative: bool,
    /// `defaults`, as JSON.
    pub defaults: Value,
    /// `applications`, by the last part of their address. Defaults are merged in already.
    pub applications: BTreeMap<String, Application>,
    /// `identity_intelligence`, by name.
    pub identity_intelligence: BTreeMap<String, IntelligenceEntry>,
    /// `removed`: addresses that left the YAML, with what becomes of their applications.
    pub removed: BTreeMap<String, Spanned<Removal>>,
    /// `secret_stores`, by name.
    pub secret_stores: BTreeMap<String, SecretStore>,
    /// `guards`, with defaults filled in.
    pub guards: Guards,
    /// What the files say together, hashed, whatever their comments, their order and their line ends are.
    pub meaning: String,
    /// `suppress`: findings that are not shown.
    pub suppress: Vec<Spanned<Suppression>>,
    /// What the variables were set to; the same sets them in an edited file.
    pub assigned: Assigned,
}

impl Workspace {
    /// The variables of the environment that hold secrets of Duo, as far as this YAML names them.
    pub fn secret_variables(&self) -> Vec<&str> {
        let first = self.tenant.credentials.as_ref();
        let recovery = first.and_then(|credentials| credentials.recovery.as_deref());
        let operators = [first, recovery].into_iter().flatten().map(|credentials| &credentials.secret_key);
        let clients = self.api_clients().map(|client| &client.client_secret);
        let state = first.and_then(|credentials| credentials.state_keys.as_ref()).into_iter().flatten();
        let state = state.filter_map(|key| match &key.value {
            StateKey::From(source) => Some(source),
            StateKey::Operator | StateKey::Recovery => None,
        });
        let sources = operators.chain(clients).map(|source| &source.value).chain(state);
        let names = sources.filter_map(|source| match source {
            ValueSource::Env(name) => Some(name.as_str()),
            ValueSource::File(_) | ValueSource::Command { .. } | ValueSource::Plain(_) => None,
        });
        names.collect()
    }
}

impl Workspace {
    /// The clients of public APIs of Identity Intelligence that are written out.
    pub fn api_clients(&self) -> impl Iterator<Item = &IntelligenceApiFields> {
        self.identity_intelligence.values().filter_map(|entry| match &entry.api.as_ref()?.value {
            IntelligenceApi::Fields(fields) => Some(&**fields),
            IntelligenceApi::File(_) => None,
        })
    }
}

impl DuoPlan {
    /// The plan behind an edition's name as Duo prints it, current or former (duo-api.md, section 7.5).
    pub fn from_edition(edition: &str) -> Option<Self> {
        let edition = edition.to_lowercase();
        let named = |names: &[&str]| names.iter().any(|name| edition.contains(name));
        if named(&["premier", "beyond"]) {
            Some(Self::Premier)
        } else if named(&["advantage", "access", "platform"]) {
            Some(Self::Advantage)
        } else if named(&["essentials", "mfa", "enterprise"]) {
            Some(Self::Essentials)
        } else if named(&["free", "personal"]) {
            Some(Self::Free)
        } else {
            None
        }
    }
}

/// `tenant`: one Duo account.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The bare API hostname, e.g. `api-1a2b3c4d.duosecurity.com`.
    pub api_hostname: Spanned<String>,
    /// The declared plan.
    pub plan: Option<Spanned<DuoPlan>>,
    /// The operator's keys; may be absent where only the sandbox is used.
    pub credentials: Option<Credentials>,
    /// An additional certificate authority, resolved against the workspace's folder.
    pub ca_file: Option<Spanned<PathBuf>>,
    /// Which certificate authorities are trusted.
    pub tls_roots: TlsRoots,
}

/// A Duo plan, smallest first (duo-api.md, section 7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DuoPlan {
    /// Duo Free.
    Free,
    /// Duo Essentials, formerly Duo MFA.
    Essentials,
    /// Duo Advantage, formerly Duo Access.
    Advantage,
    /// Duo Premier, formerly Duo Beyond.
    Premier,
}

/// The operator: the Admin API application whose keys duoctl uses.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Its integration key.
    pub integration_key: Spanned<ValueSource>,
    /// Its secret key; never [`ValueSource::Plain`].
    pub secret_key: Spanned<ValueSource>,
    /// `recovery`: another Admin API application, which changes the first one where that cannot change itself.
    pub recovery: Option<Box<Credentials>>,
    /// What seals and verifies markers, where that is not the keys of the operator and of the recovery key.
    pub state_keys: Option<Vec<Spanned<StateKey>>>,
}

/// A secret that seals or verifies markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateKey {
    /// The operator's secret key.
    Operator,
    /// The recovery key's.
    Recovery,
    /// One of its own; never [`ValueSource::Plain`].
    From(ValueSource),
}

/// How long a command that fetches a value may take, where `timeout` does not say.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// An environment variable.
    Env(String),
    /// A file, resolved against the workspace's folder; one trailing newline is not part of the value.
    File(PathBuf),
    /// The standard output of a command; one trailing newline is not part of the value.
    Command {
        /// The program and its arguments.
        words: Vec<String>,
        /// How long it may take.
        timeout: Duration,
    },
    /// The value itself; never a secret.
    Plain(String),
}

/// An entry of `applications`.
#[derive(Clone, Debug)]
pub struct Application {
    /// The place of its key.
    pub span: Span,
    /// `type`; may be absent where `integration_key` pins a live application.
    pub kind: Option<Spanned<String>>,
    /// `name`; may be absent where `integration_key` pins a live application.
    pub name: Option<Spanned<String>>,
    /// `integration_key`: pins one live application.
    pub integration_key: Option<Spanned<String>>,
    /// Every other setting of the application that Duo holds, by its YAML key; a key that is absent is unmanaged.
    pub settings: BTreeMap<String, Spanned<Setting>>,
    /// `secret`: where its secret key is delivered.
    pub secret: Option<Spanned<SecretTarget>>,
    /// `protect`: refuses delete, replace and quarantine.
    pub protect: bool,
    /// `authoritative`, its own or that of the defaults or of the workspace: what is left out counts as unset.
    pub authoritative: bool,
    /// `ignore`: fields whose difference is left alone.
    pub ignore: Vec<Spanned<Ignore>>,
    /// Whether `ignore` is written at the application itself, and not in `defaults`.
    pub own_ignore: bool,
    /// `max_age`: how old its key may become.
    pub max_age: Option<Spanned<SignedDuration>>,
}

/// Why a check is suppressed, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<Date>,
}

/// `ignore: [{field, reason, until?}]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// The YAML key of the field.
    pub field: String,
    /// Why, and until when.
    pub exception: Exception,
}

/// Where a secret key is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretTarget {
    /// A name under `secret_stores`.
    pub store: String,
    /// The place in the store.
    pub path: String,
    /// The format, where the store has several.
    pub format: Option<String>,
}

impl SecretTarget {
    /// The place of one part of a composite: each application has a place of its own, below the composite's.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Self { path: format!("{}/{name}", self.path.trim_end_matches('/')), ..self.clone() }
    }
}

/// An entry of `secret_stores`. What the options mean is the store's business.
#[derive(Clone, Debug)]
pub struct SecretStore {
    /// The place of its key.
    pub span: Span,
    /// `type`: `file`, `vault` or `exec`.
    pub kind: Spanned<String>,
    /// Every other key, as written.
    pub options: Value,
}

/// An entry of `identity_intelligence`: a composite of up to two applications and a console form.
#[derive(Clone, Debug)]
pub struct IntelligenceEntry {
    /// The place of its key.
    pub span: Span,
    /// `display_name`: the integration's name in the console.
    pub display_name: Spanned<String>,
    /// `access`.
    pub access: Spanned<IntelligenceAccess>,
    /// `extra_permissions`: what a user's own console asks for beyond the profile.
    pub extra_permissions: Vec<Spanned<String>>,
    /// `push_verification` where it is `true` or `false`; `true` is an error unless `auth_api` pins the application that is
    /// used, since a new one needs a name.
    pub push_verification: Option<Spanned<bool>>,
    /// `push_verification.application_name`: what end users see on the push.
    pub push_application_name: Option<Spanned<String>>,
    /// `admin_api`: how its Admin API application is managed.
    pub admin_api: Part,
    /// `auth_api`: how its Auth API application is managed.
    pub auth_api: Part,
    /// `admin_api.name`: overrides the name of the Admin API application.
    pub admin_api_name: Option<Spanned<String>>,
    /// `admin_api.networks_for_api_access`: addresses that Identity Intelligence may call from; an error unless insisted
    /// on, since the vendor does not publish its addresses.
    pub networks: Vec<Spanned<String>>,
    /// `endpoints`: the box on the Advanced Settings tab, where the entry says something about it.
    pub endpoints: Option<Spanned<bool>>,
    /// `event_streaming`; `true` is an error.
    pub event_streaming: Option<Spanned<bool>>,
    /// `secret`: below which both keys are delivered, each in a place of its own.
    pub secret: Option<Spanned<SecretTarget>>,
    /// `api`: keys for the public API of this tenant of Identity Intelligence.
    pub api: Option<Spanned<IntelligenceApi>>,
    /// `max_age`: how old the keys may become.
    pub max_age: Option<Spanned<SignedDuration>>,
    /// `attested`: the fingerprint by which a person says that the console holds the values.
    pub attested: Option<Spanned<String>>,
}

/// How an application of an entry of `identity_intelligence` is managed.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The place of its key, where it is written.
    pub span: Option<Span>,
    /// `integration_key`: pins one live application.
    pub integration_key: Option<Spanned<String>>,
    /// `protect`: refuses delete, replace and quarantine.
    pub protect: bool,
    /// `authoritative`, its own or that of the workspace: what is left out counts as unset.
    pub authoritative: bool,
    /// `ignore`: fields whose difference is left alone.
    pub ignore: Vec<Spanned<Ignore>>,
}

/// What Identity Intelligence may do in Duo (identity-intelligence.md, section 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntelligenceAccess {
    /// `read_log` and `read_resource`.
    ReadOnly,
    /// The same with `write_resource`, for remediation actions.
    ReadWrite,
}

/// `api` of an entry of `identity_intelligence`.
#[derive(Clone, Debug)]
pub enum IntelligenceApi {
    /// The values themselves.
    Fields(Box<IntelligenceApiFields>),
    /// A file with the credentials as the console copied them, resolved against the workspace's folder.
    File(PathBuf),
}

impl IntelligenceApi {
    /// Whether two entries use the same API with the same keys.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(two)) => one == two,
            (Self::Fields(one), Self::Fields(two)) => {
                let urls = |api: &IntelligenceApiFields| {
                    let audience = api.audience.as_ref().map(|audience| audience.value.clone());
                    (api.token_url.value.clone(), api.api_url.value.clone(), audience)
                };
                urls(one) == urls(two)
                    && one.client_id.value == two.client_id.value
                    && one.client_secret.value == two.client_secret.value
            }
            (Self::File(_), Self::Fields(_)) | (Self::Fields(_), Self::File(_)) => false,
        }
    }
}

/// The values of `api` (identity-intelligence.md, section 6.1).
#[derive(Clone, Debug)]
pub struct IntelligenceApiFields {
    /// `token_url`.
    pub token_url: Spanned<String>,
    /// `api_url`.
    pub api_url: Spanned<String>,
    /// `client_id`.
    pub client_id: Spanned<ValueSource>,
    /// `client_secret`; never [`ValueSource::Plain`].
    pub client_secret: Spanned<ValueSource>,
    /// `audience`.
    pub audience: Option<Spanned<String>>,
}

/// What becomes of an application that left the YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It stays as it is, and duoctl forgets it.
    Retain,
    /// It is quarantined, and later deleted.
    Delete,
    /// A person says that the console let the keys of an entry of `identity_intelligence` go: the fingerprint.
    Attested(String),
}

impl Workspace {
    /// What is attested of an entry of `identity_intelligence` that left the YAML.
    pub fn attested_removal(&self, entry: &str) -> Option<Spanned<String>> {
        let removal = self.removed.get(&Place::Entry(entry).to_string())?;
        match &removal.value {
            Removal::Attested(text) => Some(Spanned::new(text.clone(), removal.span)),
            Removal::Retain | Removal::Delete => None,
        }
    }
}

/// `guards`.
#[derive(Clone, Debug)]
pub struct Guards {
    /// The share of owned applications that one run may change, in percent; counted from ten owned applications on.
    pub max_changes_percent: u8,
    /// How many applications one run may delete.
    pub max_deletes: u32,
    /// How long a removed application stays quarantined.
    pub quarantine_days: u32,
    /// Standing consents.
    pub allow: Vec<Spanned<Allowance>>,
    /// `caller_address`: the address that Duo sees duoctl come from, for the self-lockout guard.
    pub caller_address: Option<IpAddr>,
}

/// A standing consent: `{risk, address?, reason, until?}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The consent's name, e.g. `widens_access`.
    pub risk: String,
    /// The address it is limited to; a glob.
    pub address: Option<String>,
    /// Why, and until when.
    pub exception: Exception,
}

/// An item of `suppress`: findings that are not shown, for a reason. Never an error: what stops a run is not silenced.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// The kind of finding.
    pub code: Code,
    /// The addresses that it is limited to, as written.
    pub address: Option<String>,
    /// The same, to compare with; nothing where it cannot be read.
    pub pattern: Option<Pattern>,
    /// Why, and until when.
    pub exception: Exception,
}

impl Suppression {
    /// Whether a finding is not to be shown.
    pub fn covers(&self, finding: &Diagnostic) -> bool {
        let Some(subject) = &finding.subject else { return false };
        let meant = || self.pattern.as_ref().is_some_and(|pattern| pattern.matches(&subject.0));
        finding.severity != Severity::Error
            && finding.code == self.code
            && (self.address.is_none() || meant())
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_changes_percent: 30,
            max_deletes: 3,
            quarantine_days: 14,
            allow: Vec::new(),
            caller_address: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_never_suppressed() {
        let suppression = Suppression {
            code: Code::PossibleDuplicate,
            address: None,
            pattern: None,
            exception: Exception { reason: "two wikis".to_owned(), until: None },
        };
        let covers = |finding: Diagnostic| suppression.covers(&finding.about(&"applications.wiki"));
        assert!(covers(Diagnostic::note(Code::PossibleDuplicate, None, "x")));
        assert!(covers(Diagnostic::warning(Code::PossibleDuplicate, None, "x")));
        assert!(!covers(Diagnostic::error(Code::PossibleDuplicate, None, "x")));
        assert!(!covers(Diagnostic::warning(Code::Recommended, None, "x")));
    }
}
