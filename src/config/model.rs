//! The workspace as typed values with places. Built by `load`, used by `intelligence` and `reconcile`.

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
use crate::kinds::Kind;
use crate::kinds::application::bindings::GroupPolicy;
use crate::kinds::reference::Reference;
use crate::kinds::value::Setting;
use crate::language::address::Place;

/// The content of one workspace's YAML.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of the YAML and base of its relative paths.
    pub root: PathBuf,
    /// `workspace`: `[a-z0-9-]{1,32}`.
    pub name: Spanned<String>,
    /// `formerly`: the workspace's previous name.
    pub formerly: Option<Spanned<String>>,
    /// `tenant`.
    pub tenant: Tenant,
    /// `authoritative`: fields that an application leaves out count as unset, unless it overrides this.
    pub authoritative: bool,
    /// `defaults`, as JSON.
    pub defaults: Value,
    /// The objects of each kind, by the last part of their address. Defaults are already merged in.
    pub objects: Objects,
    /// `identity_intelligence`, by name.
    pub identity_intelligence: BTreeMap<String, IntelligenceEntry>,
    /// `removed`: addresses that left the YAML, with what happens to their applications.
    pub removed: BTreeMap<String, Spanned<Removal>>,
    /// `secret_stores`, by name.
    pub secret_stores: BTreeMap<String, SecretStore>,
    /// `guards`, with defaults filled in.
    pub guards: Guards,
    /// A hash of the combined meaning of the files, independent of comments, order and line breaks.
    pub meaning: String,
    /// `suppress`: findings to hide.
    pub suppress: Vec<Spanned<Suppression>>,
    /// The values of the variables, also used when an edited file is loaded again.
    pub assigned: Assigned,
}

/// Declared objects of each kind, by the last part of their address.
pub type Objects = BTreeMap<Kind, BTreeMap<String, Declaration>>;

impl Workspace {
    /// The declared objects of a kind, by the last part of their address.
    pub fn of(&self, kind: Kind) -> &BTreeMap<String, Declaration> {
        static NONE: BTreeMap<String, Declaration> = BTreeMap::new();
        self.objects.get(&kind).unwrap_or(&NONE)
    }

    /// Every declared object with its kind and the last part of its address.
    pub fn entries(&self) -> impl Iterator<Item = (Kind, &String, &Declaration)> {
        self.objects.iter().flat_map(|(kind, of)| of.iter().map(|(key, entry)| (*kind, key, entry)))
    }

    /// The environment variables that hold Duo secrets, as far as this YAML names them.
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
    /// The clients of public Identity Intelligence APIs that the YAML defines itself.
    pub fn api_clients(&self) -> impl Iterator<Item = &IntelligenceApiFields> {
        self.identity_intelligence.values().filter_map(|entry| match &entry.api.as_ref()?.value {
            IntelligenceApi::Fields(fields) => Some(&**fields),
            IntelligenceApi::File(_) => None,
        })
    }
}

impl DuoPlan {
    /// The plan for an edition's name as printed by Duo, current or former (duo-api.md, section 7.5).
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
    /// The operator's keys; may be absent if only the sandbox is used.
    pub credentials: Option<Credentials>,
    /// A file with additional certificate authorities, resolved against the workspace's folder.
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
    /// `recovery`: a second Admin API application, which makes changes that the first one cannot make to itself.
    pub recovery: Option<Box<Credentials>>,
    /// The secrets that seal and verify markers, if they differ from the secret keys of operator and recovery key.
    pub state_keys: Option<Vec<Spanned<StateKey>>>,
}

/// A secret that seals or verifies markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateKey {
    /// The operator's secret key.
    Operator,
    /// The recovery key's secret key.
    Recovery,
    /// A separate secret; never [`ValueSource::Plain`].
    From(ValueSource),
}

/// The default timeout of a command that fetches a value.
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
        /// Its timeout.
        timeout: Duration,
    },
    /// The value itself; never a secret.
    Plain(String),
}

/// An entry of the section of a kind.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The place of its key.
    pub span: Span,
    /// `type` of an application; may be absent if `integration_key` pins a live one.
    pub variant: Option<Spanned<String>>,
    /// `name`; may be absent if a live object is pinned.
    pub name: Option<Spanned<String>>,
    /// `integration_key`, `policy_key` or `group_id`: pins one live object.
    pub pin: Option<Spanned<String>>,
    /// Every other setting of the object in Duo, by YAML key; absent keys are unmanaged.
    pub settings: BTreeMap<String, Spanned<Setting>>,
    /// `verify_users` of a policy: the users whose effective policy is read after an apply.
    pub verify_users: Vec<Spanned<String>>,
    /// `secret`: where its secret key is delivered.
    pub secret: Option<Spanned<SecretTarget>>,
    /// `protect`: refuses delete, replace and quarantine.
    pub protect: bool,
    /// `authoritative` of the object, the defaults or the workspace: fields that are left out count as unset.
    pub authoritative: bool,
    /// `ignore`: fields whose differences are ignored.
    pub ignore: Vec<Spanned<Ignore>>,
    /// Whether `ignore` is set on the object itself and not in `defaults`.
    pub own_ignore: bool,
    /// `max_age`: the maximum age of its key.
    pub max_age: Option<Spanned<SignedDuration>>,
    /// `group_policies` of an application: policies for the members of groups.
    pub group_policies: Vec<Spanned<GroupPolicy>>,
}

impl Declaration {
    /// An entry that sets nothing.
    pub(super) fn new(span: Span) -> Self {
        Self {
            span,
            variant: None,
            name: None,
            pin: None,
            settings: BTreeMap::new(),
            verify_users: Vec::new(),
            secret: None,
            protect: false,
            authoritative: false,
            ignore: Vec::new(),
            own_ignore: false,
            max_age: None,
            group_policies: Vec::new(),
        }
    }
}

/// The reason for suppressing a check, and its last day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The reason.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<Date>,
}

/// `ignore: [{field, reason, until?}]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// The YAML key of the field.
    pub field: String,
    /// The reason and the last day.
    pub exception: Exception,
}

/// The target of a secret key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretTarget {
    /// A name under `secret_stores`.
    pub store: String,
    /// The path in the store.
    pub path: String,
    /// The format, if the store supports several.
    pub format: Option<String>,
}

impl SecretTarget {
    /// The target of one part of a composite: each application has its own path below the composite's.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Self { path: format!("{}/{name}", self.path.trim_end_matches('/')), ..self.clone() }
    }
}

/// An entry of `secret_stores`. The store interprets the options.
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
    /// `extra_permissions`: permissions that the user's console asks for in addition to those of `access`.
    pub extra_permissions: Vec<Spanned<String>>,
    /// `push_verification` if it is `true` or `false`. `true` is an error unless `auth_api` pins an application, because a
    /// new one needs a name.
    pub push_verification: Option<Spanned<bool>>,
    /// `push_verification.application_name`: the name that users see in the push.
    pub push_application_name: Option<Spanned<String>>,
    /// `admin_api`: settings of its Admin API application.
    pub admin_api: Part,
    /// `auth_api`: settings of its Auth API application.
    pub auth_api: Part,
    /// `admin_api.name`: overrides the name of the Admin API application.
    pub admin_api_name: Option<Spanned<String>>,
    /// `admin_api.networks_for_api_access`: networks from which Identity Intelligence may use the key. An error without a
    /// consent, because the vendor does not publish its addresses.
    pub networks: Vec<Spanned<String>>,
    /// `endpoints`: the checkbox on the Advanced Settings tab, if the entry sets it.
    pub endpoints: Option<Spanned<bool>>,
    /// `event_streaming`; `true` is an error.
    pub event_streaming: Option<Spanned<bool>>,
    /// `secret`: the target below which both keys are delivered, each at its own path.
    pub secret: Option<Spanned<SecretTarget>>,
    /// `api`: credentials of the tenant's public Identity Intelligence API.
    pub api: Option<Spanned<IntelligenceApi>>,
    /// `max_age`: the maximum age of the keys.
    pub max_age: Option<Spanned<SignedDuration>>,
    /// `attested`: the fingerprint that confirms that the values were entered in the console.
    pub attested: Option<Spanned<String>>,
}

/// Settings of an application of an `identity_intelligence` entry.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The place of its key, if it is set.
    pub span: Option<Span>,
    /// `integration_key`: pins one live application.
    pub integration_key: Option<Spanned<String>>,
    /// `protect`: refuses delete, replace and quarantine.
    pub protect: bool,
    /// `authoritative` of the application or the workspace: fields that are left out count as unset.
    pub authoritative: bool,
    /// `ignore`: fields whose differences are ignored.
    pub ignore: Vec<Spanned<Ignore>>,
}

/// Access of Identity Intelligence to Duo (identity-intelligence.md, section 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntelligenceAccess {
    /// `read_log` and `read_resource`.
    ReadOnly,
    /// Also `write_resource`, for remediation actions.
    ReadWrite,
}

/// `api` of an entry of `identity_intelligence`.
#[derive(Clone, Debug)]
pub enum IntelligenceApi {
    /// The values themselves.
    Fields(Box<IntelligenceApiFields>),
    /// A file with the credentials as copied from the console, resolved against the workspace's folder.
    File(PathBuf),
}

impl IntelligenceApi {
    /// Whether two entries use the same API with the same credentials.
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

/// What happens to an object that left the YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It stays unchanged and is no longer managed.
    Retain,
    /// An application is quarantined and deleted later; a group is deleted.
    Delete,
    /// This policy is deleted. Nothing in Duo says which one an address meant.
    DeletePolicy(Reference),
    /// The fingerprint that confirms that an `identity_intelligence` entry was removed from its console.
    Attested(String),
}

impl Workspace {
    /// The attestation of an `identity_intelligence` entry that left the YAML.
    pub fn attested_removal(&self, entry: &str) -> Option<Spanned<String>> {
        let removal = self.removed.get(&Place::Entry(entry).to_string())?;
        match &removal.value {
            Removal::Attested(text) => Some(Spanned::new(text.clone(), removal.span)),
            Removal::Retain | Removal::Delete | Removal::DeletePolicy(_) => None,
        }
    }
}

/// `guards`.
#[derive(Clone, Debug)]
pub struct Guards {
    /// The maximum percentage of owned applications that one run may change; applies from ten owned applications.
    pub max_changes_percent: u8,
    /// The maximum number of applications that one run may delete.
    pub max_deletes: u32,
    /// The number of days that a removed application stays quarantined.
    pub quarantine_days: u32,
    /// Permanent consents.
    pub allow: Vec<Spanned<Allowance>>,
    /// `caller_address`: duoctl's source address as seen by Duo, for the self-lockout guard.
    pub caller_address: Option<IpAddr>,
}

/// A permanent consent: `{risk, address?, reason, until?}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The consent's name, e.g. `widens_access`.
    pub risk: String,
    /// The address it is limited to; a glob.
    pub address: Option<String>,
    /// The reason and the last day.
    pub exception: Exception,
}

/// An item of `suppress`: findings to hide, with a reason. Errors are never hidden.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// The kind of finding.
    pub code: Code,
    /// The addresses that it is limited to, as written.
    pub address: Option<String>,
    /// The compiled form; `None` if it is invalid.
    pub pattern: Option<Pattern>,
    /// The reason and the last day.
    pub exception: Exception,
}

impl Suppression {
    /// Whether it hides a finding.
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
