//! Who is affected: how many users gain and lose access by a plan, and which other applications share a policy.
//!
//! The plan says which groups have to be known ([`needs`]), somebody else reads them, and [`assess`] counts. What is
//! not known in full is never counted as if it were.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::duo::types::{GroupId, Ikey, Integration, PolicyKey};

use super::fields::{NO_USERS, PERMITTED_GROUPS};
pub use super::impact::{Affected, Bound, Headcount, Impact, PolicyEffect, SharedPolicy, Sharing, Survey};
use super::marker::Notes;
use super::observation::Observation;
use super::observed::Observed;
use super::plan::{Action, Plan, Step, Write};
use super::value::parts;

/// How many names are shown of those who gain or lose access.
const SHOWN: usize = 5;

/// Who an application lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nobody.
    Nobody,
    /// The users of these groups.
    Groups(BTreeSet<GroupId>),
    /// Every user of the account.
    Everybody,
    /// Duo does not say, or says something that nobody knows yet.
    Unknown,
}

impl Reach {
    fn of(properties: &Map<String, Value>) -> Self {
        match properties.get("user_access").and_then(Value::as_str) {
            Some(NO_USERS) => Self::Nobody,
            Some("ALL_USERS") => Self::Everybody,
            Some(PERMITTED_GROUPS) => {
                let groups = properties.get("groups_allowed").map(parts).unwrap_or_default();
                Self::Groups(groups.into_iter().map(GroupId::new).collect())
            }
            Some(_) | None => Self::Unknown,
        }
    }

    /// Whether everybody whom it lets in is surely let in by the other one too, whoever is in which group.
    fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nobody, _) | (Self::Groups(_) | Self::Everybody, Self::Everybody) => true,
            (Self::Groups(inner), Self::Groups(outer)) => inner.is_subset(outer),
            (Self::Groups(_) | Self::Everybody, Self::Nobody)
            | (Self::Everybody, Self::Groups(_))
            | (Self::Unknown, _)
            | (_, Self::Unknown) => false,
        }
    }
}

/// What a step does to people.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touch {
    /// The application as it is.
    ikey: Ikey,
    before: Reach,
    after: Reach,
    /// The attached policy before and after, where it changes.
    policy: Option<(Option<PolicyKey>, Option<PolicyKey>)>,
}

/// What has to be read before people can be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The groups whose members count.
    pub groups: BTreeSet<GroupId>,
    /// Whether the number of all users counts.
    pub everybody: bool,
}

impl Needs {
    /// Whether nothing has to be read.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && !self.everybody
    }

    fn add(&mut self, reach: &Reach) {
        match reach {
            Reach::Groups(groups) => self.groups.extend(groups.iter().cloned()),
            Reach::Everybody => self.everybody = true,
            Reach::Nobody | Reach::Unknown => {}
        }
    }
}

/// What a plan has to know of the account's people: nothing, unless it changes who may log in or under which policy.
pub fn needs(plan: &Plan, observation: &Observation) -> Needs {
    let mut needs = Needs::default();
    for (_, touch) in touches(plan, observation) {
        // Where it stays the same, only a policy changes, and it is for those who may log in.
        needs.add(&touch.before);
        needs.add(&touch.after);
    }
    needs
}

/// The members of one group, by user id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Their usernames.
    pub users: BTreeMap<String, String>,
    /// Whether these are all of them.
    pub complete: bool,
}

/// A user of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The username.
    pub name: String,
    /// Whether Duo lets this user in at all: neither disabled, locked out nor about to be deleted.
    pub may_log_in: bool,
}

/// What was read of the account's people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// The groups that were read.
    pub groups: BTreeMap<GroupId, Members>,
    /// How many users there are, where Duo told.
    pub total: Option<usize>,
    /// Every user by id, where the whole list was read.
    pub users: Option<BTreeMap<String, User>>,
    /// What it took.
    pub survey: Survey,
}

impl Memberships {
    fn may_log_in(&self, user: &str) -> bool {
        self.users.as_ref().and_then(|users| users.get(user)).is_none_or(|user| user.may_log_in)
    }

    fn of(&self, groups: &BTreeSet<GroupId>) -> Members {
        let mut all = Members { users: BTreeMap::new(), complete: true };
        for group in groups {
            let Some(members) = self.groups.get(group) else {
                all.complete = false;
                continue;
            };
            all.complete &= members.complete;
            let able = members.users.iter().filter(|(id, _)| self.may_log_in(id));
            all.users.extend(able.map(|(id, name)| (id.clone(), name.clone())));
        }
        all
    }

    fn everybody(&self) -> Option<BTreeMap<String, String>> {
        let able = self.users.as_ref()?.iter().filter(|(_, user)| user.may_log_in);
        Some(able.map(|(id, user)| (id.clone(), user.name.clone())).collect())
    }
}

impl Headcount {
    const NOBODY: Self = Self { bound: Bound::Exactly, count: 0, first: Vec::new() };
    const UNKNOWN: Self = Self { bound: Bound::Unknown, count: 0, first: Vec::new() };

    fn of(bound: Bound, users: impl IntoIterator<Item = String>) -> Self {
        let mut names: Vec<String> = users.into_iter().collect();
        names.sort_unstable();
        let count = names.len();
        names.truncate(SHOWN);
        Self { bound, count, first: names }
    }

    /// Those of `a` who are not among `b`.
    fn difference(a: &Reach, b: &Reach, people: &Memberships) -> Self {
        if a.is_within(b) {
            return Self::NOBODY;
        }
        let others = match b {
            Reach::Nobody => Members { users: BTreeMap::new(), complete: true },
            Reach::Groups(groups) => people.of(groups),
            // What is let in by an unknown access may be anybody.
            Reach::Everybody | Reach::Unknown => return Self::UNKNOWN,
        };
        let without = |(id, name): (String, String)| (!others.users.contains_key(&id)).then_some(name);
        match a {
            Reach::Nobody => Self::NOBODY,
            Reach::Unknown => Self::UNKNOWN,
            Reach::Groups(groups) => {
                let members = people.of(groups);
                let bound = match (members.complete, others.complete) {
                    (true, true) => Bound::Exactly,
                    (true, false) => Bound::AtMost,
                    (false, true) => Bound::AtLeast,
                    (false, false) => return Self::UNKNOWN,
                };
                Self::of(bound, members.users.into_iter().filter_map(without))
            }
            Reach::Everybody => {
                let bound = if others.complete { Bound::Exactly } else { Bound::AtMost };
                match (people.everybody(), people.total) {
                    (Some(users), _) => Self::of(bound, users.into_iter().filter_map(without)),
                    (None, Some(total)) => {
                        Self { bound, count: total.saturating_sub(others.users.len()), first: Vec::new() }
                    }
                    (None, None) => Self::UNKNOWN,
                }
            }
        }
    }
}

/// Who is affected by each step that changes who may log in or under which policy.
pub fn assess(plan: &Plan, observation: &Observation, people: &Memberships) -> Impact {
    let touches = touches(plan, observation);
    if touches.is_empty() {
        return Impact::default();
    }
    let policies = Policies::new(plan, observation);
    let affected = |touch: &Touch| Affected {
        gains: Headcount::difference(&touch.after, &touch.before, people),
        loses: Headcount::difference(&touch.before, &touch.after, people),
        access_changes: touch.before != touch.after,
        policy: touch.policy.as_ref().map(|(from, to)| PolicyEffect {
            from: from.as_ref().map(|key| policies.shared(key, &touch.ikey)),
            to: to.as_ref().map(|key| policies.shared(key, &touch.ikey)),
            users: Headcount::difference(&touch.after, &Reach::Nobody, people),
        }),
    };
    let by_step = touches.iter().map(|(step, touch)| (*step, affected(touch))).collect();
    Impact { by_step, survey: Some(people.survey.clone()) }
}

fn touches(plan: &Plan, observation: &Observation) -> Vec<(usize, Touch)> {
    let Observed::Present(integrations) = &observation.integrations else { return Vec::new() };
    let lives: BTreeMap<&Ikey, &Integration> = integrations.iter().map(|live| (&live.ikey, live)).collect();
    let steps = plan.steps().iter().enumerate();
    steps
        .filter_map(|(index, step)| Some((index, touch(step, lives.get(step.ikey.as_ref()?)?)?)))
        .filter(|(_, touch)| touch.before != touch.after || touch.policy.is_some())
        .collect()
}

/// What a step does to one live application: what its requests make of what is there.
fn touch(step: &Step, live: &Integration) -> Option<Touch> {
    // Nobody logs in to an application that only holds keys for an API, whatever access it shows.
    if matches!(live.kind(), "adminapi" | "accountsapi") {
        return None;
    }
    let before = live.properties().clone();
    let after = match step.action {
        Action::Update | Action::Quarantine | Action::Retain => {
            let mut after = before.clone();
            for write in &step.writes {
                if let Write::Update(ikey, body) = write
                    && *ikey == live.ikey
                {
                    after.extend(body.clone());
                }
            }
            after
        }
        Action::Replace => {
            let bodies = step.writes.iter().filter_map(|write| match write {
                Write::Create(body) | Write::Finish(body) => Some(body.clone()),
                Write::Update(..) | Write::Delete(_) | Write::Deliver(_) | Write::Prove(_) => None,
            });
            bodies.flatten().collect()
        }
        // What a replacement has left behind goes, and its successor is there already.
        Action::Delete if step.risks().contains_key(&super::risk::Risk::Replaces) => return None,
        Action::Delete => Map::from_iter([("user_access".to_owned(), json!(NO_USERS))]),
        // Of a rotation, whoever logged in with the old application goes on with its successor.
        Action::Create | Action::Adopt | Action::Deliver | Action::Rotate => return None,
    };
    let policy = |properties: &Map<String, Value>| {
        let key = properties.get("policy_key").and_then(Value::as_str).unwrap_or_default();
        (!key.is_empty()).then(|| PolicyKey::new(key))
    };
    let (from, to) = (policy(&before), policy(&after));
    let changes = from != to && step.action != Action::Delete;
    Some(Touch {
        ikey: live.ikey.clone(),
        before: Reach::of(&before),
        after: Reach::of(&after),
        policy: changes.then_some((from, to)),
    })
}

/// Which applications have which policy, and what the policies are called.
struct Policies<'a> {
    attached: BTreeMap<&'a str, Vec<&'a Integration>>,
    names: BTreeMap<&'a str, &'a str>,
    workspace: &'a str,
}

impl<'a> Policies<'a> {
    fn new(plan: &'a Plan, observation: &'a Observation) -> Self {
        let mut attached: BTreeMap<&str, Vec<&Integration>> = BTreeMap::new();
        if let Observed::Present(integrations) = &observation.integrations {
            for live in integrations {
                let key = live.text("policy_key");
                if !key.is_empty() {
                    attached.entry(key).or_default().push(live);
                }
            }
        }
        let names = match &observation.policies {
            Observed::Present(policies) => {
                policies.iter().map(|policy| (policy.key.as_str(), policy.name.as_str())).collect()
            }
            Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => BTreeMap::new(),
        };
        Self { attached, names, workspace: plan.workspace() }
    }

    fn shared(&self, key: &PolicyKey, except: &Ikey) -> SharedPolicy {
        let others = self.attached.get(key.as_str()).into_iter().flatten();
        let mut shared_with: Vec<Sharing> = others
            .filter(|live| live.ikey != *except)
            .map(|live| {
                let marker = Notes::parse(live.notes()).marker;
                let own = marker.filter(|marker| marker.workspace == self.workspace);
                Sharing {
                    integration_key: live.ikey.clone(),
                    name: live.name().to_owned(),
                    address: own.map(|marker| marker.address),
                }
            })
            .collect();
        shared_with.sort_by(|a, b| (&a.name, &a.integration_key).cmp(&(&b.name, &b.integration_key)));
        let name = self.names.get(key.as_str()).map(|name| (*name).to_owned());
        SharedPolicy { policy_key: key.clone(), name, shared_with }
    }
}

#[cfg(test)]
mod tests;
