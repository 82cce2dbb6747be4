//! Who is affected: how many users gain and lose access through a plan, and which other applications share a policy.
//!
//! The plan determines which groups are needed ([`needs`]), the caller reads them, and [`assess`] counts. Partial data
//! is never counted as if it were complete.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::duo::object::{Id, Ikey, Kind, Object};
use crate::duo::people::{GroupStatuses, Members, Standing, User};

pub use super::impact::{Affected, Bound, Headcount, Impact, PolicyEffect, SharedPolicy, Sharing, Survey};
use super::observation::Observation;
use super::observed::Observed;
use super::plan::{Action, Plan, Step, Write};
use crate::kinds::application::{NO_USERS, PERMITTED_GROUPS};
use crate::kinds::marker::Notes;
use crate::kinds::value::parts;

/// How many names of affected users are shown.
const SHOWN: usize = 5;

/// Who an application lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// No one.
    NoOne,
    /// The users of these groups.
    Groups(BTreeSet<Id>),
    /// Every user of the account.
    Everybody,
    /// Duo does not report it, or reports a value that duoctl does not know.
    Unknown,
}

impl Reach {
    fn of(properties: &Map<String, Value>) -> Self {
        match properties.get("user_access").and_then(Value::as_str) {
            Some(NO_USERS) => Self::NoOne,
            Some("ALL_USERS") => Self::Everybody,
            Some(PERMITTED_GROUPS) => {
                let groups = properties.get("groups_allowed").map(parts).unwrap_or_default();
                Self::Groups(groups.into_iter().map(Id::new).collect())
            }
            Some(_) | None => Self::Unknown,
        }
    }

    /// Whether everyone it lets in is certain to be let in by the other one, regardless of who is in which group.
    fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::NoOne, _) | (Self::Groups(_) | Self::Everybody, Self::Everybody) => true,
            (Self::Groups(inner), Self::Groups(outer)) => inner.is_subset(outer),
            (Self::Groups(_) | Self::Everybody, Self::NoOne)
            | (Self::Everybody, Self::Groups(_))
            | (Self::Unknown, _)
            | (_, Self::Unknown) => false,
        }
    }
}

/// How a step affects people.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touch {
    /// The application as it is.
    ikey: Ikey,
    before: Reach,
    after: Reach,
    /// The attached policy before and after, if it changes.
    policy: Option<(Option<Id>, Option<Id>)>,
}

/// What has to be read before users can be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The groups whose members are needed.
    pub groups: BTreeSet<Id>,
    /// Whether the number of all users is needed.
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
            Reach::NoOne | Reach::Unknown => {}
        }
    }
}

/// What a plan has to know about the account's users: nothing, unless it changes who may log in or under which policy.
pub fn needs(plan: &Plan, observation: &Observation) -> Needs {
    let mut needs = Needs::default();
    for (_, touch) in touches(plan, observation) {
        // If the access stays the same, only a policy changes, and it applies to those who may log in.
        needs.add(&touch.before);
        needs.add(&touch.after);
    }
    needs
}

/// What was read about the account's users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// The groups that were read.
    pub groups: BTreeMap<Id, Members>,
    /// The status of every group, as far as it is known.
    pub statuses: GroupStatuses,
    /// How many users there are, if Duo reported it.
    pub total: Option<usize>,
    /// Every user by id, if the whole list was read.
    pub users: Option<BTreeMap<String, User>>,
    /// The requests that were made, and the problems.
    pub survey: Survey,
}

/// Some users, by id.
#[derive(Default)]
struct People {
    /// Those who can certainly log in.
    able: BTreeMap<String, String>,
    /// Those for whom this is unknown.
    unsure: BTreeMap<String, String>,
    /// Everyone, including those who cannot log in.
    all: BTreeSet<String>,
    /// Whether some were not read.
    incomplete: bool,
}

impl People {
    fn add(&mut self, id: &str, name: &str, standing: Standing) {
        self.all.insert(id.to_owned());
        match standing {
            Standing::Allowed => drop(self.able.insert(id.to_owned(), name.to_owned())),
            Standing::Unknown => drop(self.unsure.insert(id.to_owned(), name.to_owned())),
            Standing::ShutOut => {}
        }
    }

    fn without(mut self, others: &Self) -> Self {
        self.able.retain(|id, _| !others.all.contains(id));
        self.unsure.retain(|id, _| !others.all.contains(id));
        self
    }
}

impl Memberships {
    /// Whether a user can log in, according to the list of users, or to the groups that were read if that list was not.
    fn standing(&self, user: &str) -> Standing {
        if let Some(users) = &self.users {
            return users.get(user).map_or(Standing::Unknown, |user| user.standing);
        }
        let of = self.groups.iter().filter(|(_, members)| members.users.contains_key(user));
        of.map(|(group, _)| Standing::from(self.statuses.of(group))).max().unwrap_or(Standing::Unknown)
    }

    fn of(&self, groups: &BTreeSet<Id>) -> People {
        let mut people = People::default();
        for group in groups {
            let Some(members) = self.groups.get(group) else {
                people.incomplete = true;
                continue;
            };
            people.incomplete |= !members.complete;
            members.users.iter().for_each(|(id, name)| people.add(id, name, self.standing(id)));
        }
        people
    }

    fn everybody(&self) -> Option<People> {
        let mut people = People::default();
        self.users.as_ref()?.iter().for_each(|(id, user)| people.add(id, &user.name, user.standing));
        Some(people)
    }

    /// For how many of the counted users it is unknown whether they can log in.
    pub fn unsure(&self, needs: &Needs) -> usize {
        let everybody = self.everybody().filter(|_| needs.everybody);
        everybody.unwrap_or_else(|| self.of(&needs.groups)).unsure.len()
    }
}

impl Headcount {
    const NO_ONE: Self = Self { bound: Bound::Exactly, count: 0, first: Vec::new() };
    const UNKNOWN: Self = Self { bound: Bound::Unknown, count: 0, first: Vec::new() };

    /// Users who can perhaps log in are never counted as certain: including them makes the number an upper bound.
    fn of(bound: Bound, people: People) -> Self {
        let unsure = !people.unsure.is_empty();
        let (bound, unsure) = match bound {
            Bound::Exactly if unsure => (Bound::AtMost, people.unsure),
            Bound::AtMost => (Bound::AtMost, people.unsure),
            Bound::Exactly | Bound::AtLeast | Bound::Unknown => (bound, BTreeMap::new()),
        };
        let mut names: Vec<String> = people.able.into_values().chain(unsure.into_values()).collect();
        names.sort_unstable();
        let count = names.len();
        names.truncate(SHOWN);
        Self { bound, count, first: names }
    }

    /// Those of `a` who are not in `b`.
    fn difference(a: &Reach, b: &Reach, people: &Memberships) -> Self {
        if a.is_within(b) {
            return Self::NO_ONE;
        }
        let others = match b {
            Reach::NoOne => People::default(),
            Reach::Groups(groups) => people.of(groups),
            // An unknown access may let anyone in.
            Reach::Everybody | Reach::Unknown => return Self::UNKNOWN,
        };
        match a {
            Reach::NoOne => Self::NO_ONE,
            Reach::Unknown => Self::UNKNOWN,
            Reach::Groups(groups) => {
                let members = people.of(groups);
                let bound = match (members.incomplete, others.incomplete) {
                    (false, false) => Bound::Exactly,
                    (false, true) => Bound::AtMost,
                    (true, false) => Bound::AtLeast,
                    (true, true) => return Self::UNKNOWN,
                };
                Self::of(bound, members.without(&others))
            }
            Reach::Everybody => {
                let bound = if others.incomplete { Bound::AtMost } else { Bound::Exactly };
                match (people.everybody(), people.total) {
                    (Some(users), _) => Self::of(bound, users.without(&others)),
                    (None, Some(total)) => {
                        Self { bound, count: total.saturating_sub(others.all.len()), first: Vec::new() }
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
            users: Headcount::difference(&touch.after, &Reach::NoOne, people),
        }),
    };
    let by_step = touches.iter().map(|(step, touch)| (*step, affected(touch))).collect();
    Impact { by_step, survey: Some(people.survey.clone()) }
}

fn touches(plan: &Plan, observation: &Observation) -> Vec<(usize, Touch)> {
    let Observed::Present(integrations) = observation.objects.of(Kind::Application) else {
        return Vec::new();
    };
    let lives: BTreeMap<&Ikey, &Object> = integrations.iter().map(|live| (&live.id, live)).collect();
    let steps = plan.steps().iter().enumerate();
    steps
        .filter_map(|(index, step)| Some((index, touch(step, lives.get(step.ikey()?)?)?)))
        .filter(|(_, touch)| touch.before != touch.after || touch.policy.is_some())
        .collect()
}

/// The effect of a step's requests on one live application.
fn touch(step: &Step, live: &Object) -> Option<Touch> {
    // No one logs in to an application that only holds keys for an API, whatever access it shows.
    if matches!(live.variant(), "adminapi" | "accountsapi") {
        return None;
    }
    let before = live.properties().clone();
    let after = match step.action {
        Action::Update | Action::Quarantine | Action::Retain => {
            let mut after = before.clone();
            for write in &step.writes {
                if let Write::Update(id, body) = write
                    && id.is(&live.id)
                {
                    after.extend(body.clone());
                }
            }
            after
        }
        Action::Replace => {
            let bodies = step.writes.iter().filter_map(|write| match write {
                Write::Create(_, body) | Write::Finish(body) => Some(body.clone()),
                Write::Link(..)
                | Write::Bind(..)
                | Write::Update(..)
                | Write::Delete(_)
                | Write::Deliver(_)
                | Write::Prove(_) => None,
            });
            bodies.flatten().collect()
        }
        // This removes what a replacement left behind; its successor already exists.
        Action::Delete if step.risks().contains_key(&crate::kinds::risk::Risk::Replaces) => return None,
        Action::Delete => Map::from_iter([("user_access".to_owned(), json!(NO_USERS))]),
        // In a rotation, users of the old application continue with its successor.
        Action::Create | Action::Adopt | Action::Deliver | Action::Rotate => return None,
    };
    let policy = |properties: &Map<String, Value>| {
        let key = properties.get("policy_key").and_then(Value::as_str).unwrap_or_default();
        (!key.is_empty()).then(|| Id::new(key))
    };
    let (from, to) = (policy(&before), policy(&after));
    let changes = from != to && step.action != Action::Delete;
    Some(Touch {
        ikey: live.id.clone(),
        before: Reach::of(&before),
        after: Reach::of(&after),
        policy: changes.then_some((from, to)),
    })
}

/// Which applications have which policy, and the names of the policies.
struct Policies<'a> {
    attached: BTreeMap<&'a str, Vec<&'a Object>>,
    names: BTreeMap<&'a str, &'a str>,
    workspace: &'a str,
}

impl<'a> Policies<'a> {
    fn new(plan: &'a Plan, observation: &'a Observation) -> Self {
        let mut attached: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
        if let Observed::Present(integrations) = observation.objects.of(Kind::Application) {
            for live in integrations {
                let key = live.text("policy_key");
                if !key.is_empty() {
                    attached.entry(key).or_default().push(live);
                }
            }
        }
        let names = match observation.objects.of(Kind::Policy) {
            Observed::Present(policies) => {
                policies.iter().map(|policy| (policy.id.as_str(), policy.name())).collect()
            }
            Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => BTreeMap::new(),
        };
        Self { attached, names, workspace: plan.workspace() }
    }

    fn shared(&self, key: &Id, except: &Ikey) -> SharedPolicy {
        let others = self.attached.get(key.as_str()).into_iter().flatten();
        let mut shared_with: Vec<Sharing> = others
            .filter(|live| live.id != *except)
            .map(|live| {
                let marker = Notes::parse(live.notes()).marker;
                let own = marker.filter(|marker| marker.workspace == self.workspace);
                Sharing {
                    integration_key: live.id.clone(),
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
