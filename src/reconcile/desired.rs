//! What the YAML asks for, flattened: every application with its address, whichever part of the language it came from.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::config::model::{Application, DuoPlan, Guards, Removal, Suppression, Workspace};
use crate::diagnostic::{Span, Spanned};
use crate::duo::catalogue::lookup;
use crate::duo::types::Ikey;
use crate::kinds::application::ROLE_ATTRS;
use crate::kinds::application::fields::FIELDS;
use crate::kinds::value::{FieldValue, Setting};

use super::delivery::DesiredSecret;
use super::handoff::HandoffSpec;
use super::takedown::TakedownSpec;
use crate::kinds::address::Address;

/// Everything that the YAML of a workspace asks of an account.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The workspace's name.
    pub workspace: String,
    /// The name that the workspace had before, whose applications it takes over.
    pub formerly: Option<Spanned<String>>,
    /// The applications in the order of their addresses.
    pub applications: Vec<DesiredApplication>,
    /// Consoles that a person has to fill in.
    pub handoffs: Vec<HandoffSpec>,
    /// Addresses that left the YAML, and what is to become of their applications; an address stands for its parts, too.
    pub removed: BTreeMap<Address, Fate>,
    /// What a person removes in a console once an entry left the YAML.
    pub takedown: TakedownSpec,
    /// The guards.
    pub guards: Guards,
    /// Findings that are not shown.
    pub suppress: Vec<Suppression>,
    /// The declared Duo plan.
    pub plan: Option<Spanned<DuoPlan>>,
    /// A hash of what the YAML says, for saved plans.
    pub yaml_hash: String,
    /// Whether a recovery key changes the operator's own application.
    pub recovery_key: bool,
}

/// One application that the YAML asks for.
#[derive(Clone, Debug)]
pub struct DesiredApplication {
    /// Its address.
    pub address: Address,
    /// Where it stands.
    pub span: Option<Span>,
    /// Its type; absent where a pin stands instead.
    pub kind: Option<String>,
    /// Its name; absent where a pin stands instead.
    pub name: Option<Spanned<String>>,
    /// The live application that it is, where the YAML says so.
    pub pin: Option<Spanned<Ikey>>,
    /// The managed fields by their YAML keys.
    pub settings: BTreeMap<String, Spanned<Setting>>,
    /// Whether it refuses to be removed.
    pub protect: bool,
    /// Whether what the YAML leaves out counts as unset.
    pub authoritative: bool,
    /// Fields whose difference is left alone, by their YAML keys.
    pub ignore: Vec<String>,
    /// What the composite that it is part of makes it: a new application needs no consent to that.
    pub definition: BTreeMap<&'static str, FieldValue>,
    /// Where its keys are delivered.
    pub secret: Option<DesiredSecret>,
    /// How old its key may become.
    pub max_age: Option<Spanned<SignedDuration>>,
}

impl DesiredApplication {
    /// An entry of `applications`.
    pub fn from_yaml(key: &str, application: &Application, workspace: &Workspace) -> Self {
        let wanted = Self {
            address: Address::application(key),
            span: Some(application.span),
            kind: application.kind.as_ref().map(|kind| kind.value.clone()),
            name: application.name.clone(),
            pin: application.integration_key.as_ref().map(Self::pinned),
            settings: application.settings.clone(),
            protect: application.protect,
            authoritative: application.authoritative,
            definition: BTreeMap::new(),
            ignore: application.ignore.iter().map(|ignore| ignore.value.field.clone()).collect(),
            secret: application
                .secret
                .as_ref()
                .map(|secret| DesiredSecret::of(&secret.value, secret.span, workspace)),
            max_age: application.max_age.clone(),
        };
        wanted.completed(application.span)
    }

    /// The same where, if it is authoritative, what the YAML leaves out counts as unset.
    #[must_use]
    pub fn completed(mut self, span: Span) -> Self {
        let kind = self.kind.as_deref().and_then(lookup);
        let known = FIELDS.iter().filter(|field| self.authoritative && field.unset().is_some());
        for field in known.filter(|field| field.applies_to(kind)) {
            let left_out = || Spanned::new(Setting::LeftOut, span);
            self.settings.entry(field.name().to_owned()).or_insert_with(left_out);
        }
        self
    }

    /// An `integration_key` of the YAML.
    pub fn pinned(pin: &Spanned<String>) -> Spanned<Ikey> {
        Spanned::new(Ikey::new(pin.value.clone()), pin.span)
    }

    /// Whether the YAML names groups, so that their list is needed.
    pub fn names_groups(&self) -> bool {
        let in_roles = |setting: &Setting| match setting {
            Setting::Document(document) => document.pointer(ROLE_ATTRS).is_some(),
            _ => false,
        };
        self.sets("groups_allowed") || self.settings.values().any(|setting| in_roles(&setting.value))
    }

    /// Whether the YAML names a policy, or would show the name of one, so that their list is needed.
    pub fn names_policy(&self) -> bool {
        self.sets("policy")
    }

    fn sets(&self, key: &str) -> bool {
        self.settings.get(key).is_some_and(|setting| setting.value != Setting::Clear)
    }
}

/// What becomes of an application that left the YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays, and duoctl forgets it.
    Retain,
    /// It is quarantined, and later deleted.
    Delete,
}

impl Fate {
    fn of(removal: &Removal) -> Option<Self> {
        match removal {
            Removal::Retain => Some(Self::Retain),
            Removal::Delete => Some(Self::Delete),
            Removal::Attested(_) => None,
        }
    }
}

impl Desired {
    /// What the YAML says of an application that left it; what it says of an entry holds for its parts.
    pub fn fate(&self, address: &Address) -> Option<Fate> {
        let within = |removed: &Address| {
            let rest = address.as_str().strip_prefix(removed.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let said = self.removed.iter().filter(|(removed, _)| within(removed));
        said.max_by_key(|(removed, _)| removed.as_str().len()).map(|(_, fate)| *fate)
    }

    /// Whether an application that left the YAML is kept and forgotten.
    pub fn retains(&self, address: &Address) -> bool {
        self.fate(address) == Some(Fate::Retain)
    }

    /// The entries of `applications`; composites are added by who knows them.
    pub fn from_workspace(workspace: &Workspace, yaml_hash: String) -> Self {
        let applications = workspace
            .applications
            .iter()
            .map(|(key, application)| DesiredApplication::from_yaml(key, application, workspace))
            .collect();
        Self {
            workspace: workspace.name.value.clone(),
            formerly: workspace.formerly.clone(),
            applications,
            handoffs: Vec::new(),
            removed: workspace
                .removed
                .iter()
                .filter_map(|(address, removal)| Some((Address::new(address), Fate::of(&removal.value)?)))
                .collect(),
            takedown: TakedownSpec::default(),
            guards: workspace.guards.clone(),
            suppress: workspace.suppress.iter().map(|item| item.value.clone()).collect(),
            plan: workspace.tenant.plan.clone(),
            yaml_hash,
            recovery_key: workspace
                .tenant
                .credentials
                .as_ref()
                .is_some_and(|credentials| credentials.recovery.is_some()),
        }
    }
}
