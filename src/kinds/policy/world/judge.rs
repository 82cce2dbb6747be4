//! What the difference between two worlds does to access, for each application and each group of users.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::model::{Application, Binding, Section, Sections, World};
use crate::duo::object::Id;
use crate::kinds::policy::risk::{Judged, compare};
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};

/// A section of an application that changes for some of its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The section.
    pub section: String,
    /// The policy that decides it before; `None` if no policy has it, or that cannot be told.
    pub from: Option<Id>,
    /// The policy that decides it after.
    pub to: Option<Id>,
    /// For whom it changes: users who are in exactly these of the groups that policies are bound to. The empty set is users
    /// who are in none. No set at all means that it cannot be told.
    pub users: Vec<BTreeSet<Id>>,
    /// The fields that change.
    pub judged: Arc<[Judged]>,
}

impl Change {
    /// The worst risk of its fields, with the reason.
    pub fn worst(&self) -> Assessment {
        let risks = self.judged.iter().map(|judged| judged.assessment);
        risks.reduce(|worst, one| if one.0 > worst.0 { one } else { worst }).unwrap_or(NEUTRAL)
    }
}

const UNKNOWN_REACH: &str = "cannot be judged: a policy also applies in a way that duoctl does not know";

/// What changes for the users of each application. Applications for which nothing changes are left out; one that exists only
/// after is compared with the global policy.
pub fn judge<'w>(before: &'w World<'w>, after: &'w World<'w>) -> BTreeMap<Id, Vec<Change>> {
    let mut judge = Judge { before, after, altered: altered(before, after), compared: HashMap::new() };
    let none = Arc::default();
    let mut changes = BTreeMap::new();
    for (id, application) in &after.applications {
        let previous = before.applications.get(id).unwrap_or(&none);
        let found = judge.application(id, previous, application);
        if !found.is_empty() {
            changes.insert(id.clone(), found);
        }
    }
    changes
}

/// The sections that policies have in only one of the worlds, or with another value.
type Altered<'w> = BTreeMap<&'w Id, BTreeSet<&'w str>>;

fn altered<'w>(before: &'w World<'w>, after: &'w World<'w>) -> Altered<'w> {
    let mut altered = Altered::new();
    for id in before.policies.keys().chain(after.policies.keys()) {
        let (one, other) = (before.policies.get(id), after.policies.get(id));
        if one.zip(other).is_some_and(|(one, other)| Arc::ptr_eq(one, other)) {
            continue;
        }
        let names = one.into_iter().chain(other).flat_map(|sections| sections.keys());
        let value = |sections: Option<&'w Arc<Sections<'w>>>, name| sections.and_then(|held| held.get(name));
        let names = names.filter(|name| value(one, *name) != value(other, *name));
        altered.entry(id).or_default().extend(names.map(AsRef::<str>::as_ref));
    }
    altered
}

/// Which policies decide a section before and after, if that can be told.
type Decided<'w> = Result<(Option<Section<'w>>, Option<Section<'w>>), &'static str>;

/// Two worlds, and the comparisons that were made: many applications have the same policies.
struct Judge<'w> {
    before: &'w World<'w>,
    after: &'w World<'w>,
    altered: Altered<'w>,
    compared: HashMap<(&'w str, Option<&'w Id>, Option<&'w Id>), Arc<[Judged]>>,
}

impl<'w> Judge<'w> {
    fn application(&mut self, id: &Id, before: &'w Application, after: &'w Application) -> Vec<Change> {
        let sections = self.sections(before, after);
        let unknown = self.unknown(before, after);
        let mut changes: Vec<Change> = Vec::new();
        for section in &sections {
            for users in users(before, after) {
                let Some(decided) = self.decided(id, (before, after), &users, section) else { continue };
                self.add(&mut changes, section, decided, users);
            }
        }
        let changed: BTreeSet<String> = changes.iter().map(|change| change.section.clone()).collect();
        for policy in unknown {
            let mut names: BTreeSet<&str> = self.altered.get(policy).cloned().unwrap_or_default();
            let worlds = [self.before, self.after];
            let own = worlds.iter().filter_map(|world| world.policies.get(policy));
            names.extend(
                own.flat_map(|own| own.keys()).map(AsRef::as_ref).filter(|name| changed.contains(*name)),
            );
            changes.extend(names.into_iter().map(|name| unjudged(name, UNKNOWN_REACH, Vec::new())));
        }
        changes
    }

    /// The sections that can change for an application: those that were altered in its policies, and all of them if it has
    /// other policies.
    fn sections(&self, before: &'w Application, after: &'w Application) -> BTreeSet<&'w str> {
        let globals = self.before.global.iter().chain(&self.after.global);
        let policies = before.policies().chain(after.policies()).chain(globals);
        if before.has_same_policies(after) && self.before.global == self.after.global {
            return policies.filter_map(|policy| self.altered.get(policy)).flatten().copied().collect();
        }
        let policies: BTreeSet<&Id> = policies.collect();
        let worlds = [self.before, self.after];
        let all =
            worlds.iter().flat_map(|world| policies.iter().filter_map(|policy| world.policies.get(*policy)));
        all.flat_map(|sections| sections.keys()).map(AsRef::as_ref).collect()
    }

    /// The policies that may apply to an application in a way that duoctl does not know.
    fn unknown(&self, before: &'w Application, after: &'w Application) -> BTreeSet<&'w Id> {
        let anywhere = self.before.anywhere.iter().chain(&self.after.anywhere);
        anywhere.chain(&before.unknown).chain(&after.unknown).collect()
    }

    /// What decides a section for some users; `None` if nothing changes for them.
    fn decided(
        &self,
        id: &Id,
        (before, after): (&'w Application, &'w Application),
        users: &BTreeSet<Id>,
        section: &str,
    ) -> Option<Decided<'w>> {
        let (one, other) = (before.bindings_of(users), after.bindings_of(users));
        let policies = one.iter().map(|binding: &&Binding| &binding.policy).chain(&before.policy);
        let is_altered = |policy: &Id| self.altered.get(policy).is_some_and(|names| names.contains(section));
        let same = one == other
            && before.policy == after.policy
            && self.before.global == self.after.global
            && !policies.chain(&self.before.global).any(is_altered);
        if same {
            return None;
        }
        match (self.before.effective(id, users, section), self.after.effective(id, users, section)) {
            (Ok(before), Ok(after)) => Some(Ok((before, after))),
            (Err(reason), _) | (_, Err(reason)) => Some(Err(reason)),
        }
    }

    fn add(
        &mut self,
        changes: &mut Vec<Change>,
        section: &'w str,
        decided: Decided<'w>,
        users: BTreeSet<Id>,
    ) {
        let change = match decided {
            Ok((before, after)) => {
                let (from, to) = (before.map(|(_, id)| id), after.map(|(_, id)| id));
                let compared = self.compared.entry((section, from, to));
                let judged = compared
                    .or_insert_with(|| {
                        compare(section, before.map(|(value, _)| value), after.map(|(value, _)| value)).into()
                    })
                    .clone();
                let section = section.to_owned();
                Change { section, from: from.cloned(), to: to.cloned(), users: vec![users], judged }
            }
            Err(reason) => unjudged(section, reason, vec![users]),
        };
        if change.judged.is_empty() {
            return;
        }
        let is_same = |other: &&mut Change| {
            (&other.section, &other.from, &other.to) == (&change.section, &change.from, &change.to)
                && other.judged == change.judged
        };
        match changes.iter_mut().find(is_same) {
            // Users of two groups are named only if they are not what the users of one of them are.
            Some(other) if change.users.iter().any(|users| users.len() < 2) => {
                other.users.extend(change.users)
            }
            Some(_) => {}
            None => changes.push(change),
        }
    }
}

/// A section that cannot be judged.
fn unjudged(section: &str, reason: &'static str, users: Vec<BTreeSet<Id>>) -> Change {
    let judged = Judged {
        path: String::new(),
        before: Value::Null,
        after: Value::Null,
        assessment: (Risk::WidensAccess, reason),
        countries: None,
    };
    Change { section: section.to_owned(), from: None, to: None, users, judged: Arc::new([judged]) }
}

/// The users that have to be told apart: those in none of the groups that policies are bound to, in one, and in two. More
/// are not needed: a section is decided by one group policy before and by one after, so users who are in more groups have
/// what users of two of them have.
fn users(before: &Application, after: &Application) -> Vec<BTreeSet<Id>> {
    let bindings = before.bindings.iter().chain(&after.bindings);
    let groups: BTreeSet<&Id> = bindings.flat_map(|binding| &binding.groups).collect();
    let mut users = vec![BTreeSet::new()];
    users.extend(groups.iter().map(|group| BTreeSet::from([(*group).clone()])));
    let mut seen = BTreeSet::new();
    // Groups with the same policies are one group here.
    let distinct: Vec<&Id> =
        groups.into_iter().filter(|group| seen.insert(policies_of(before, after, group))).collect();
    for (at, one) in distinct.iter().enumerate() {
        let others = distinct.iter().skip(at + 1);
        users.extend(others.map(|other| BTreeSet::from([(*one).clone(), (*other).clone()])));
    }
    users
}

/// Which of the bindings before and after are of a group.
fn policies_of(before: &Application, after: &Application, group: &Id) -> [Vec<bool>; 2] {
    [before, after].map(|application| {
        application.bindings.iter().map(|binding| binding.groups.contains(group)).collect()
    })
}
