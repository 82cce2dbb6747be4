//! How groups and policies are written: by their names where those are clear, by their ids otherwise.

use std::collections::BTreeMap;

use crate::duo::types::{Group, Policy};
use crate::names::same_key;
use crate::text::shown;

/// Why a value is not written down, as the rest of a sentence that begins with its key.
pub(super) type Unsaid = String;

/// Names of groups and policies, and which of them need their ids.
pub(super) struct Names<'a> {
    groups: BTreeMap<&'a str, &'a str>,
    group_counts: BTreeMap<String, usize>,
    policies: BTreeMap<&'a str, &'a Policy>,
    policy_counts: BTreeMap<String, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(groups: &'a [Group], policies: &'a [Policy]) -> Self {
        let mut group_counts = BTreeMap::new();
        for group in groups {
            *group_counts.entry(same_key(&group.name)).or_default() += 1;
        }
        let mut policy_counts = BTreeMap::new();
        for policy in policies {
            *policy_counts.entry(same_key(&policy.name)).or_default() += 1;
        }
        Self {
            groups: groups.iter().map(|group| (group.id.as_str(), group.name.as_str())).collect(),
            group_counts,
            policies: policies.iter().map(|policy| (policy.key.as_str(), policy)).collect(),
            policy_counts,
        }
    }

    /// How a group is written: by its name, or by its id together with the name.
    pub(super) fn group(&self, id: &str) -> Option<(String, Option<String>)> {
        let name = *self.groups.get(id)?;
        let clear = self.group_counts.get(&same_key(name)) == Some(&1) && !self.groups.contains_key(name);
        Some(written(id, name, clear))
    }

    pub(super) fn policy(&self, key: &str) -> Result<(String, Option<String>), Unsaid> {
        let policy = self
            .policies
            .get(key)
            .ok_or_else(|| format!("is {}, which the account does not list; it is left alone", shown(key)))?;
        if policy.is_global {
            return Err("is the global policy, which applies to everything and is never attached".to_owned());
        }
        let name = policy.name.as_str();
        let clear = self.policy_counts.get(&same_key(name)) == Some(&1) && !self.policies.contains_key(name);
        Ok(written(key, name, clear))
    }
}

fn written(id: &str, name: &str, clear: bool) -> (String, Option<String>) {
    // A name with invisible characters could not be told from another in a review.
    let legible = !name.trim().is_empty() && !name.chars().any(char::is_control);
    if clear && legible { (name.to_owned(), None) } else { (id.to_owned(), Some(name.to_owned())) }
}
