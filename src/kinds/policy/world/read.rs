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
