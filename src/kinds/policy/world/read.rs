//! What a world holds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::World;
use crate::duo::object::Id;

impl World<'_> {
    /// A section of a policy.
    pub fn section(&self, policy: &Id, name: &str) -> Option<&Value> {
        self.policies.get(policy)?.get(name).map(AsRef::as_ref)
    }

    /// The policies that apply to the members of groups in an application.
    pub fn bound(&self, application: &Id) -> impl Iterator<Item = (&Id, &BTreeSet<Id>)> {
        let bindings = self.applications.get(application).map(|application| &application.bindings);
        bindings.into_iter().flatten().map(|binding| (&binding.policy, &binding.groups))
    }
}

impl World<'_> {
    /// The applications in which policies apply to the members of a group.
    pub fn bound_to(&self, group: &Id) -> impl Iterator<Item = &Id> {
        let is_bound = |id: &&Id| self.bound(id).any(|(_, groups)| groups.contains(group));
        self.applications.keys().filter(is_bound)
    }

    /// Whether Duo shows what every policy applies to, in forms that duoctl knows.
    pub fn is_complete(&self) -> bool {
        self.anywhere.is_empty()
            && self.applications.values().all(|application| application.unknown.is_empty())
    }
}
