//! How groups and policies are written: by address if they are declared, otherwise by name if the name is unambiguous,
//! otherwise by id.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::duo::object::{Id, Object, Policy};
use crate::kinds::Kind;
use crate::kinds::address::Address;
use crate::kinds::reference::Reference;
use crate::names::same_key;
use crate::text::shown;

/// Why a value is not written, as the rest of a sentence that begins with its key.
pub(super) type Unsaid = String;

/// Names of groups and policies, which of them need their ids, and which have an address.
pub(super) struct Names<'a> {
    addresses: BTreeMap<Id, Address>,
    groups: BTreeMap<&'a str, &'a str>,
    group_counts: BTreeMap<String, usize>,
    policies: BTreeMap<&'a str, Policy<'a>>,
    policy_counts: BTreeMap<String, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(groups: &'a [Object], policies: &'a [Object]) -> Self {
        let mut group_counts = BTreeMap::new();
        for group in groups {
            *group_counts.entry(same_key(group.name())).or_default() += 1;
        }
        let mut policy_counts = BTreeMap::new();
        for policy in policies {
            *policy_counts.entry(same_key(policy.name())).or_default() += 1;
        }
        Self {
            addresses: BTreeMap::new(),
            groups: groups.iter().map(|group| (group.id.as_str(), group.name())).collect(),
            group_counts,
            policies: policies
                .iter()
                .filter_map(|policy| Some((policy.id.as_str(), Policy::of(policy)?)))
                .collect(),
            policy_counts,
        }
    }

    /// From now on, these groups and policies are written by address.
    pub(super) fn declare(&mut self, declared: impl IntoIterator<Item = (Id, Address)>) {
        self.addresses.extend(declared);
    }

    fn named(&self, kind: Kind, id: &str, name: &str, clear: bool) -> Named {
        match self.addresses.get(&Id::new(id)) {
            Some(address) => Named {
                value: Reference::Address(address.to_string()).json(kind),
                name: name.to_owned(),
                meant: None,
            },
            None => Named::new(kind, id, name, clear),
        }
    }

    /// How a group is written: by address, by name, or by id together with the name.
    pub(super) fn group(&self, id: &str) -> Option<Named> {
        let name = *self.groups.get(id)?;
        let clear = self.group_counts.get(&same_key(name)) == Some(&1);
        Some(self.named(Kind::Group, id, name, clear))
    }

    pub(super) fn policy(&self, key: &str) -> Result<Named, Unsaid> {
        let policy = self.policies.get(key).ok_or_else(|| {
            format!("is {}, which the account does not list; it is not managed", shown(key))
        })?;
        if policy.is_global() {
            return Err("is the global policy, which applies to everything and is never attached".to_owned());
        }
        let name = policy.name();
        let clear = self.policy_counts.get(&same_key(name)) == Some(&1);
        Ok(self.named(Kind::Policy, key, name, clear))
    }
}

/// How an object is written.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// The reference in the YAML.
    pub(super) value: Value,
    /// Its name.
    pub(super) name: String,
    /// The id and the name, if the id is written.
    pub(super) meant: Option<(String, String)>,
}

impl Named {
    fn new(kind: Kind, id: &str, name: &str, clear: bool) -> Self {
        // A reviewer could not distinguish a name with invisible characters from another one.
        let legible = !name.trim().is_empty() && !name.chars().any(char::is_control);
        let by_name = clear && legible;
        let reference = if by_name { Reference::Name(name.to_owned()) } else { Reference::Id(id.to_owned()) };
        Self {
            value: reference.json(kind),
            name: name.to_owned(),
            meant: (!by_name).then(|| (id.to_owned(), name.to_owned())),
        }
    }
}
