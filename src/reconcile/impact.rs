//! Who is affected by the steps of a plan.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::types::{Ikey, PolicyKey};

use crate::kinds::address::Address;

/// Who is affected by a plan. It is no part of what the plan does, so it is none of the fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Each step that changes who may log in or under which policy, by the step's place in the plan.
    pub by_step: BTreeMap<usize, Affected>,
    /// What counting took; `None` where there was nothing to count.
    pub survey: Option<Survey>,
}

/// What the counting took, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Survey {
    /// How many requests were made.
    pub requests: u32,
    /// How many were allowed.
    pub budget: u32,
    /// Whether something was left unread because no more were allowed.
    pub exhausted: bool,
    /// Whether users who are disabled or locked out are counted too, since nobody looked at every user.
    pub counts_disabled: bool,
    /// What could not be read, and why; one line each.
    pub problems: Vec<String>,
}

/// How a count is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// As it stands.
    Exactly,
    /// There may be more.
    AtLeast,
    /// There may be fewer.
    AtMost,
    /// Nothing is known.
    Unknown,
}

/// A number of users, and a few of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Headcount {
    /// How the number is to be read.
    pub bound: Bound,
    /// The number.
    pub count: usize,
    /// The first few usernames, where they are known.
    pub first: Vec<String>,
}

impl Headcount {
    /// Whether it is known that there is nobody.
    pub fn is_nobody(&self) -> bool {
        self.count == 0 && matches!(self.bound, Bound::Exactly | Bound::AtMost)
    }
}

/// Another application that has a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sharing {
    /// Its key.
    pub integration_key: Ikey,
    /// Its name.
    pub name: String,
    /// Its address, where this workspace owns it.
    pub address: Option<Address>,
}

/// A policy that is attached or detached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedPolicy {
    /// Its key.
    pub policy_key: PolicyKey,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// The other applications that have it, in the order of their names.
    pub shared_with: Vec<Sharing>,
}

/// What a change of the policy means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyEffect {
    /// The policy that the application leaves; `None` where it had only the global one.
    pub from: Option<SharedPolicy>,
    /// The policy that it gets; `None` where only the global one is left.
    pub to: Option<SharedPolicy>,
    /// How many users log in under the new one.
    pub users: Headcount,
}

/// Who is affected by one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// Those who may log in afterwards and may not now.
    pub gains: Headcount,
    /// Those who may log in now and may not afterwards.
    pub loses: Headcount,
    /// Whether who may log in changes at all; otherwise only the policy does.
    pub access_changes: bool,
    /// What a change of the policy means.
    pub policy: Option<PolicyEffect>,
}
