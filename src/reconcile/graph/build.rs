//! The graph of the YAML, and of a reading of the account.

use std::collections::{BTreeMap, BTreeSet};

use crate::duo::object::{Ikey, Kind, Object, Policy};
use crate::kinds::address::Address;
use crate::kinds::application::fields::held_permissions;
use crate::kinds::reference::Reference;
use crate::kinds::value::{Setting, parts};
use crate::names::bare_key;
use crate::reconcile::desired::{Desired, Wanted};
use crate::reconcile::observation::Observation;

use super::{Graph, Member, Node, NodeKind};

/// Who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every user.
    Everyone,
    /// Groups, by name.
    Groups(BTreeSet<String>),
    /// No user.
    NoOne,
    /// Not known.
    Unknown,
}

impl Access {
    /// The access for a value of `user_access` and the allowed groups.
    pub fn of(word: &str, groups: BTreeSet<String>) -> Self {
        match word {
            "all_users" => Self::Everyone,
            "no_users" => Self::NoOne,
            "permitted_groups" => Self::Groups(groups),
            _ if !groups.is_empty() => Self::Groups(groups),
            _ => Self::Unknown,
        }
    }

    fn word(&self) -> Option<String> {
        let word = match self {
            Self::Everyone => "all_users",
            Self::Groups(_) => "permitted_groups",
            Self::NoOne => "no_users",
            Self::Unknown => return None,
        };
        Some(word.to_owned())
    }

    /// The nodes that reach the application.
    pub fn nodes(&self) -> Vec<Node> {
        match self {
            Self::Everyone => vec![Node::new(NodeKind::Users, "all")],
            Self::Groups(groups) => groups.iter().map(|name| Node::new(NodeKind::Group, name)).collect(),
            Self::NoOne | Self::Unknown => Vec::new(),
        }
    }
}

/// One application with what it is connected to.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its address, or its integration key.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub variant: Option<String>,
    /// Whether nothing in the YAML declares it.
    pub unmanaged: bool,
    /// Who may log in.
    pub access: Access,
    /// The name of its policy.
    pub policy: Option<String>,
    /// What its key may do.
    pub permissions: BTreeSet<String>,
    /// The store that gets its key.
    pub store: Option<String>,
}

impl Part {
    /// Adds the application and its connections.
    pub fn add_to(&self, graph: &mut Graph) {
        let member = Member { id: self.id.clone(), name: self.name.clone(), variant: self.variant.clone() };
        graph.add(Node {
            id: self.id.clone(),
            access: self.access.word(),
            unmanaged: self.unmanaged,
            members: vec![member],
            ..Node::new(NodeKind::Application, &self.name)
        });
        let address = Address::new(self.id.as_str());
        let entry = address.composite();
        let entry = entry.map(|(entry, _)| Node::new(NodeKind::IdentityIntelligence, entry.as_str()));
        let policy = self.policy.iter().map(|name| Node::new(NodeKind::Policy, name));
        let permissions = self.permissions.iter().map(|name| Node::new(NodeKind::Permission, name));
        let store = self.store.iter().map(|name| Node::new(NodeKind::SecretStore, name));
        let all = self.access.nodes().into_iter().chain(entry).chain(policy).chain(permissions).chain(store);
        all.for_each(|other| graph.connect(&self.id, other));
    }
}

/// What the YAML declares. A policy is shown only if the YAML sets one.
pub fn declared(desired: &Desired) -> Graph {
    let mut graph = Graph::default();
    desired.of(Kind::Application).for_each(|wanted| from_yaml(wanted).add_to(&mut graph));
    graph
}

fn from_yaml(wanted: &Wanted) -> Part {
    let setting = |key: &str| wanted.settings.get(key).map(|setting| &setting.value);
    let named = |reference: &Reference| bare_key(reference.text());
    let texts = |setting: Option<&Setting>| -> BTreeSet<String> {
        match setting {
            Some(Setting::References(items)) => items.iter().map(|item| named(&item.value)).collect(),
            Some(Setting::List(items)) => items.iter().map(|item| item.value.clone()).collect(),
            _ => BTreeSet::new(),
        }
    };
    let word = match setting("user_access") {
        Some(Setting::Text(word)) => word.as_str(),
        _ => "",
    };
    let pin = wanted.pin.as_ref().map(|pin| pin.value.to_string());
    Part {
        id: wanted.address.to_string(),
        name: wanted.name.as_ref().map(|name| name.value.clone()).or(pin).unwrap_or_default(),
        variant: wanted.variant.clone(),
        unmanaged: false,
        access: Access::of(word, texts(setting("groups_allowed"))),
        policy: match setting("policy") {
            Some(Setting::Reference(reference)) => Some(named(reference)),
            _ => None,
        },
        permissions: texts(setting("permissions")),
        store: wanted.secret.as_ref().map(|secret| secret.target.store.clone()),
    }
}

/// What the account holds: managed applications at their addresses, all others as unmanaged. Where the keys of managed
/// applications are delivered is taken from the YAML.
///
/// `managed` has applications that duoctl manages, but that are not the one of an address: the other application of a
/// rotation, and one that is to be replaced.
pub fn observed(
    desired: &Desired,
    observation: &Observation,
    addresses: &BTreeMap<Ikey, Address>,
    managed: &BTreeSet<Ikey>,
) -> Graph {
    let names = Names::of(observation);
    let stores: BTreeMap<&Address, &str> = desired
        .objects
        .iter()
        .filter_map(|wanted| Some((&wanted.address, wanted.secret.as_ref()?.target.store.as_str())))
        .collect();
    let mut graph = Graph::default();
    for live in observation.objects.present(Kind::Application) {
        let address = addresses.get(&live.id);
        let store = address.and_then(|address| stores.get(address)).map(|store| (*store).to_owned());
        let unmanaged = address.is_none() && !managed.contains(&live.id);
        Part { store, unmanaged, ..names.part(live, address) }.add_to(&mut graph);
    }
    graph
}

/// The names that Duo's IDs stand for.
struct Names {
    groups: BTreeMap<String, String>,
    policies: BTreeMap<String, String>,
    /// The policy of applications that have none of their own.
    global: Option<String>,
}

impl Names {
    fn of(observation: &Observation) -> Self {
        let named = |kind| {
            distinct(observation.objects.present(kind).iter().map(|one| (one.id.to_string(), one.name())))
        };
        let policies = named(Kind::Policy);
        let mut all = observation.objects.present(Kind::Policy).iter().filter_map(Policy::of);
        let global = all.find(|policy| policy.is_global());
        Self {
            groups: named(Kind::Group),
            global: global.and_then(|policy| policies.get(policy.key().as_str()).cloned()),
            policies,
        }
    }

    fn part(&self, live: &Object, address: Option<&Address>) -> Part {
        let named = |names: &BTreeMap<String, String>, id: &str| {
            names.get(id).cloned().unwrap_or_else(|| id.to_owned())
        };
        let groups = live.property("groups_allowed").map(parts).unwrap_or_default();
        let groups = groups.iter().map(|id| named(&self.groups, id)).collect();
        let access = Access::of(&live.text("user_access").to_ascii_lowercase(), groups);
        let policy = match live.text("policy_key") {
            // It matters only to people who log in.
            "" => self.global.clone().filter(|_| !access.nodes().is_empty()),
            key => Some(named(&self.policies, key)),
        };
        Part {
            id: address.map_or_else(|| live.id.to_string(), ToString::to_string),
            name: live.name().to_owned(),
            variant: Some(live.variant().to_owned()).filter(|kind| !kind.is_empty()),
            unmanaged: address.is_none(),
            access,
            policy,
            permissions: held_permissions(live),
            store: None,
        }
    }
}

/// Names by ID; objects that share a name are told apart by their IDs.
fn distinct<'n>(all: impl Iterator<Item = (String, &'n str)> + Clone) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    all.clone().for_each(|(_, name)| *counts.entry(bare_key(name)).or_default() += 1);
    all.map(|(id, name)| {
        let name = bare_key(name);
        let shared = name.is_empty() || counts.get(&name).is_some_and(|count| *count > 1);
        let name = if shared { format!("{name} ({id})").trim().to_owned() } else { name };
        (id, name)
    })
    .collect()
}
