//! Everything that the YAML declares, flattened: every application with its address, whichever section it comes from.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::config::model::{Declaration, DuoPlan, Guards, Removal, Suppression, Workspace};
use crate::diagnostic::{Span, Spanned};
use crate::duo::catalogue::lookup;
use crate::duo::object::{Ikey, Kind};
use crate::kinds::application::ROLE_ATTRS;
use crate::kinds::application::bindings::GroupPolicy;
use crate::kinds::reference::Reference;
use crate::kinds::value::{FieldValue, Setting};

use super::delivery::DesiredSecret;
use super::handoff::HandoffSpec;
use super::takedown::TakedownSpec;
use crate::kinds::address::Address;

/// Everything that a workspace's YAML declares for an account.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The workspace's name.
    pub workspace: String,
    /// The former name of the workspace, whose applications it takes over.
    pub formerly: Option<Spanned<String>>,
    /// The objects, those of one kind in the order of their addresses.
    pub objects: Vec<Wanted>,
    /// Console forms that a person has to fill in.
    pub handoffs: Vec<HandoffSpec>,
    /// Addresses removed from the YAML, and what happens to their applications. An address includes its parts.
    pub removed: BTreeMap<Address, Fate>,
    /// Policies to delete, by their former addresses.
    pub removed_policies: BTreeMap<Address, Spanned<Reference>>,
    /// What a person removes in a console after an entry was removed from the YAML.
    pub takedown: TakedownSpec,
    /// The guards.
    pub guards: Guards,
    /// Suppressed findings.
    pub suppress: Vec<Suppression>,
    /// The declared Duo plan.
    pub plan: Option<Spanned<DuoPlan>>,
    /// A hash of the YAML, for saved plans.
    pub yaml_hash: String,
    /// Whether a recovery key changes the operator's own application.
    pub recovery_key: bool,
}

/// One object that the YAML declares.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its address.
    pub address: Address,
    /// Where it is declared.
    pub span: Option<Span>,
    /// Its kind.
    pub kind: Kind,
    /// Its type; absent if it is pinned instead, and for kinds without types.
    pub variant: Option<String>,
    /// Its name; absent if it is pinned instead.
    pub name: Option<Spanned<String>>,
    /// The live application that the YAML pins it to.
    pub pin: Option<Spanned<Ikey>>,
    /// The managed fields by their YAML keys.
    pub settings: BTreeMap<String, Spanned<Setting>>,
    /// Whether it is protected from removal.
    pub protect: bool,
    /// Whether fields that the YAML omits count as unset.
    pub authoritative: bool,
    /// Fields whose differences are ignored, by their YAML keys.
    pub ignore: Vec<String>,
    /// The values that its composite defines: a new application needs no consent to them.
    pub definition: BTreeMap<&'static str, FieldValue>,
    /// Where its keys are delivered.
    pub secret: Option<DesiredSecret>,
    /// The maximum age of its key.
    pub max_age: Option<Spanned<SignedDuration>>,
    /// Policies for the members of groups.
    pub group_policies: Vec<Spanned<GroupPolicy>>,
}

impl Wanted {
    /// An entry of the section of a kind.
    pub fn from_yaml(kind: Kind, key: &str, declared: &Declaration, workspace: &Workspace) -> Self {
        let wanted = Self {
            address: Address::object(kind, key),
            span: Some(declared.span),
            kind,
            variant: declared.variant.as_ref().map(|variant| variant.value.clone()),
            name: declared.name.clone(),
            pin: declared.pin.as_ref().map(Self::pinned),
            settings: declared.settings.clone(),
            protect: declared.protect,
            authoritative: declared.authoritative,
            definition: BTreeMap::new(),
            ignore: declared.ignore.iter().map(|ignore| ignore.value.field.clone()).collect(),
            secret: declared
                .secret
                .as_ref()
                .map(|secret| DesiredSecret::of(&secret.value, secret.span, workspace)),
            max_age: declared.max_age.clone(),
            group_policies: declared.group_policies.clone(),
        };
        wanted.completed(declared.span)
    }

    /// The same, with omitted fields set to unset if it is authoritative.
    #[must_use]
    pub fn completed(mut self, span: Span) -> Self {
        let variant = self.variant.as_deref().and_then(lookup);
        let known = self.kind.fields().iter().filter(|field| self.authoritative && field.unset().is_some());
        for field in known.filter(|field| field.applies_to(variant)) {
            let left_out = || Spanned::new(Setting::LeftOut, span);
            self.settings.entry(field.name().to_owned()).or_insert_with(left_out);
        }
        self
    }

    /// Whether it is the global policy, which every account has.
    pub fn is_global_policy(&self) -> bool {
        self.address.is_global_policy()
    }

    /// A pin of the YAML.
    pub fn pinned(pin: &Spanned<String>) -> Spanned<Ikey> {
        Spanned::new(Ikey::new(pin.value.clone()), pin.span)
    }

    /// Whether the YAML names groups, so that the list of groups is needed.
    pub fn names_groups(&self) -> bool {
        let in_roles = |setting: &Setting| match setting {
            Setting::Document(document) => document.pointer(ROLE_ATTRS).is_some(),
            _ => false,
        };
        self.sets("groups_allowed")
            || !self.group_policies.is_empty()
            || self.settings.values().any(|setting| in_roles(&setting.value))
    }

    /// Whether the YAML names a policy, or the plan would show the name of one, so that the list of policies is needed.
    pub fn names_policy(&self) -> bool {
        self.sets("policy") || !self.group_policies.is_empty()
    }

    fn sets(&self, key: &str) -> bool {
        self.settings.get(key).is_some_and(|setting| setting.value != Setting::Clear)
    }
}

/// What happens to an application that was removed from the YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays, and duoctl no longer manages it.
    Retain,
    /// It is quarantined, and later deleted.
    Delete,
}

impl Fate {
    fn of(removal: &Removal) -> Option<Self> {
        match removal {
            Removal::Retain => Some(Self::Retain),
            Removal::Delete => Some(Self::Delete),
            Removal::Attested(_) | Removal::DeletePolicy(_) => None,
        }
    }
}

impl Desired {
    /// What the YAML declares for a removed application. A declaration for an entry also applies to its parts.
    pub fn fate(&self, address: &Address) -> Option<Fate> {
        let within = |removed: &Address| {
            let rest = address.as_str().strip_prefix(removed.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let said = self.removed.iter().filter(|(removed, _)| within(removed));
        said.max_by_key(|(removed, _)| removed.as_str().len()).map(|(_, fate)| *fate)
    }

    /// Whether a removed application is kept and no longer managed.
    pub fn retains(&self, address: &Address) -> bool {
        self.fate(address) == Some(Fate::Retain)
    }

    /// The desired objects of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Wanted> {
        self.objects.iter().filter(move |wanted| wanted.kind == kind)
    }

    /// The entries of the sections of kinds. The callers add composites.
    pub fn from_workspace(workspace: &Workspace, yaml_hash: String) -> Self {
        let objects = workspace.entries();
        let objects = objects.map(|(kind, key, declared)| Wanted::from_yaml(kind, key, declared, workspace));
        Self {
            workspace: workspace.name.value.clone(),
            formerly: workspace.formerly.clone(),
            objects: objects.collect(),
            handoffs: Vec::new(),
            removed: workspace
                .removed
                .iter()
                .filter_map(|(address, removal)| Some((Address::new(address), Fate::of(&removal.value)?)))
                .collect(),
            removed_policies: workspace
                .removed
                .iter()
                .filter_map(|(address, removal)| match &removal.value {
                    Removal::DeletePolicy(policy) => {
                        Some((Address::new(address), Spanned::new(policy.clone(), removal.span)))
                    }
                    Removal::Retain | Removal::Delete | Removal::Attested(_) => None,
                })
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
