//! Who is affected by the steps of a plan.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duo::object::{Id, Ikey};

use crate::kinds::address::Address;

/// Who is affected by a plan. This does not change what the plan does, so it is not part of the fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Each step that changes who may log in or under which policy, by the step's position in the plan.
    pub by_step: BTreeMap<usize, Affected>,
    /// What was read for the count; `None` if there was nothing to count.
    pub survey: Option<Survey>,
}

/// What was read for the count, and what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Survey {
    /// How many requests were made.
    pub requests: u32,
    /// How many were allowed.
    pub budget: u32,
    /// Whether something was not read because the requests were used up.
    pub exhausted: bool,
    /// Whether users who are disabled or locked out are counted too, because the full list of users was not read.
    pub counts_disabled: bool,
    /// What could not be read, and why; one line each.
    pub problems: Vec<String>,
}

/// How to read a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The exact number.
    Exactly,
    /// There may be more.
    AtLeast,
    /// There may be fewer.
    AtMost,
    /// The number is unknown.
    Unknown,
}

/// A number of users, and a few of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Headcount {
    /// How to read the number.
    pub bound: Bound,
    /// The number.
    pub count: usize,
    /// The first few usernames, if they are known.
    pub first: Vec<String>,
}

impl Headcount {
    /// Whether it is certain that no one is affected.
    pub fn is_nobody(&self) -> bool {
        self.count == 0 && matches!(self.bound, Bound::Exactly | Bound::AtMost)
    }
}

/// Another application that has the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sharing {
    /// Its key.
    pub integration_key: Ikey,
    /// Its name.
    pub name: String,
    /// Its address, if this workspace owns it.
    pub address: Option<Address>,
}

/// A policy that is attached or detached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedPolicy {
    /// Its key.
    pub policy_key: Id,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// The other applications that have it, sorted by name.
    pub shared_with: Vec<Sharing>,
}

/// The effect of a policy change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyEffect {
    /// The policy that the application loses; `None` if it only had the global one.
    pub from: Option<SharedPolicy>,
    /// The policy that it gets; `None` if only the global one remains.
    pub to: Option<SharedPolicy>,
    /// How many users log in under the new one.
    pub users: Headcount,
}

/// Who is affected by one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Affected {
    /// Users who may log in afterwards but not now.
    pub gains: Headcount,
    /// Users who may log in now but not afterwards.
    pub loses: Headcount,
    /// Whether it changes who may log in; otherwise only the policy changes.
    pub access_changes: bool,
    /// The effect of a policy change.
    pub policy: Option<PolicyEffect>,
}
