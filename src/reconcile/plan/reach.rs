//! What the steps about policies do to logins: judged by the sections that apply to each application in the end, before and
//! after the whole plan (policies.md, sections 3 and 6).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::duo::object::{Id, Kind, ObjectId, Policy};
use crate::kinds::application::bindings::bound_in;
use crate::kinds::policy::risk::{lockout, whole};
use crate::kinds::policy::world::{Change, How, Reach, World, judge};
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};
use crate::kinds::value::parts;
use crate::text::counted;

use super::super::diff::Change as FieldChange;
use super::super::observed::{Objects, Observed};
use super::context::Context;
use super::policy::{edition, written};
use super::step::{Action, Step, Write};

/// How many applications a line names.
const NAMED: usize = 5;

/// The number of applications from which a share of them says something.
const MANY: usize = 10;

/// The account before and after a plan, as far as policies decide about logins.
pub(super) struct Worlds<'a> {
    before: World<'a>,
    /// With the changed policies only: what is left if the steps of applications fail.
    between: World<'a>,
    after: World<'a>,
    /// The applications that this workspace manages.
    managed: BTreeSet<Id>,
}

/// What applies to logins as the account is now; empty unless the policies were read.
pub(super) fn world(objects: &Objects) -> World<'_> {
    match objects.of(Kind::Policy) {
        Observed::Present(policies) => {
            World::new(policies, objects.present(Kind::Application), objects.present(Kind::Group))
        }
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => World::default(),
    }
}

/// The field of an application that attaches a policy.
const POLICY_KEY: &str = "policy_key";

impl<'a> Worlds<'a> {
    /// The worlds of a plan; `None` if no step changes what applies to a login, or the policies were not read.
    pub(super) fn new(cx: &Context<'a>, steps: &[Step], managed: BTreeSet<Id>) -> Option<Self> {
        let objects = &cx.observation.objects;
        if !matches!(objects.of(Kind::Policy), Observed::Present(_)) || !steps.iter().any(changes_policies) {
            return None;
        }
        let before = cx.world.clone();
        let of = |world: &mut World<'a>, meant: fn(&Step) -> bool| {
            for step in steps.iter().filter(|step| meant(step)) {
                step.writes.iter().for_each(|write| carry_out(cx, step, write, world));
            }
        };
        let mut between = before.clone();
        of(&mut between, |step| step.kind == Kind::Policy && step.action != Action::Delete);
        let mut after = before.clone();
        of(&mut after, |_| true);
        Some(Self { before, between, after, managed })
    }

    /// Gives each step the risks of what it changes for logins.
    pub(super) fn assess(&self, cx: &Context<'_>, steps: &mut [Step]) {
        let changes = judge(&self.before, &self.after);
        let halfway = judge(&self.before, &self.between);
        for step in steps.iter_mut() {
            match step.kind {
                // What a new policy does is judged at the applications that get it.
                Kind::Policy if step.action == Action::Create => {}
                Kind::Policy => {
                    assess_policy(step, &changes);
                    assess_policy(step, &halfway);
                }
                Kind::Application => assess_application(step, &changes),
                Kind::Group => {}
            }
        }
        self.find_lockouts(cx, steps, &changes);
    }

    /// A policy that may shut out everyone it reaches needs a consent, whichever step makes it apply: if it is the global one, or
    /// reaches a large part of the account.
    fn find_lockouts(&self, cx: &Context<'_>, steps: &mut [Step], changes: &BTreeMap<Id, Vec<Change>>) {
        let mut shut: BTreeMap<(&Id, &str), BTreeSet<&Id>> = BTreeMap::new();
        for (application, change) in changes.iter().flat_map(|(id, all)| all.iter().map(move |one| (id, one)))
        {
            let Some(to) = &change.to else { continue };
            let section = change.section.as_str();
            let why =
                |world: &World<'_>, id: &Id| world.section(id, section).and_then(|it| lockout(section, it));
            let was = change.from.as_ref().and_then(|from| why(&self.before, from));
            if why(&self.after, to).is_some_and(|reason| was != Some(reason)) {
                shut.entry((to, section)).or_default().insert(application);
            }
        }
        let all = cx.observation.objects.present(Kind::Application).len();
        let percent = usize::from(cx.desired.guards.max_changes_percent);
        let global = cx.global_policy().map(Policy::key);
        for ((policy, section), reached) in shut {
            let is_wide = reached.len() >= MANY && reached.len() * 100 > percent * all;
            let reason = self.after.section(policy, section).and_then(|value| lockout(section, value));
            let Some(reason) = reason.filter(|_| is_wide || global == Some(policy)) else { continue };
            let own = |step: &Step| step.kind == Kind::Policy && id_of(step) == *policy;
            let has_own = steps.iter().any(own);
            let causes = |step: &Step| {
                own(step) || !has_own && step.kind == Kind::Application && reached.contains(&id_of(step))
            };
            for step in steps.iter_mut().filter(|step| causes(step)) {
                step.inherent.push((Risk::NarrowsAccess, reason));
            }
        }
    }

    /// Where a changed policy applies, in lines for people.
    pub(super) fn lines(&self, step: &Step) -> Vec<String> {
        if step.kind != Kind::Policy || step.action == Action::Create {
            return Vec::new();
        }
        let reached = self.after.reached(&id_of(step));
        let before = self.before.reached(&id_of(step));
        let reached = if reached.is_empty() { before } else { reached };
        if reached.is_empty() {
            return vec!["it applies to nothing".to_owned()];
        }
        let is_new = |reach: &Reach<'_>| reach.name.is_empty();
        let unmanaged = reached
            .iter()
            .filter(|reach| !is_new(reach) && !self.managed.contains(reach.application))
            .count();
        let unmanaged =
            if unmanaged == 0 { String::new() } else { format!(" ({unmanaged} of them not managed here)") };
        let by_groups = reached.iter().filter(|reach| matches!(reach.how, How::Groups(_))).count();
        let for_groups =
            if by_groups == 0 { String::new() } else { format!(", in {by_groups} for groups only") };
        // An application that the plan creates has no name in Duo yet.
        let mut names: Vec<&str> = reached
            .iter()
            .map(|reach| if is_new(reach) { reach.application.as_str() } else { reach.name })
            .collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let count = counted(reached.len(), "application", "applications");
        vec![format!("it applies to {count}{unmanaged}{for_groups}: {}{more}", names.join(", "))]
    }
}

/// What a step about a policy does to the logins that the policy decides.
fn assess_policy(step: &mut Step, changes: &BTreeMap<Id, Vec<Change>>) {
    let id = id_of(step);
    // Another step may make this policy apply, or end that: that step has the risk.
    let altered = altered(step);
    let own = |change: &&Change| {
        let is_its = change.from.as_ref() == Some(&id) || change.to.as_ref() == Some(&id);
        is_its && altered.as_ref().is_none_or(|altered| altered.contains(change.section.as_str()))
    };
    for change in changes.values().flatten().filter(own) {
        for judged in change.judged.iter().filter(|judged| judged.assessment.0 != Risk::Neutral) {
            raise(step, &written(&change.section, &judged.path), judged.assessment);
        }
    }
}

/// The sections that a step changes; `None` if it deletes the policy.
fn altered(step: &Step) -> Option<BTreeSet<String>> {
    let mut sections = BTreeSet::new();
    for write in &step.writes {
        let body = match write {
            Write::Delete(_) => return None,
            Write::Create(_, body) | Write::Update(_, body) => body,
            _ => continue,
        };
        sections
            .extend(body.get("sections").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned());
        sections.extend(body.get("sections_to_delete").map(parts).unwrap_or_default());
    }
    Some(sections)
}

/// The id of the object of a step; its address if it does not exist yet.
fn id_of(step: &Step) -> Id {
    step.id.as_ref().map_or_else(|| Id::new(step.address.as_str()), |id| id.id.clone())
}

fn changes_policies(step: &Step) -> bool {
    let attaches = |body: &Map<String, Value>| body.contains_key(POLICY_KEY);
    step.kind == Kind::Policy
        || step.writes.iter().any(|write| match write {
            Write::Create(_, body) | Write::Finish(body) | Write::Update(_, body) => attaches(body),
            Write::Bind(..) => true,
            Write::Link(..) | Write::Delete(_) | Write::Deliver(_) | Write::Prove(_) => false,
        })
}

/// What a request makes of the account.
fn carry_out(cx: &Context<'_>, step: &Step, write: &Write, world: &mut World<'_>) {
    let own = id_of(step);
    let attach = |world: &mut World<'_>, application: &Id, body: &Map<String, Value>| {
        if let Some(key) = body.get(POLICY_KEY).and_then(Value::as_str) {
            world.attach(application, Some(key).filter(|key| !key.is_empty()).map(Id::new).as_ref());
        }
    };
    match write {
        Write::Create(Kind::Policy, body) | Write::Update(ObjectId { kind: Kind::Policy, .. }, body) => {
            rewrite(cx, &own, body, world);
        }
        Write::Create(Kind::Application, body) | Write::Finish(body) if step.kind == Kind::Application => {
            // A replacement is another application than the old one.
            attach(world, &Id::new(step.address.as_str()), body);
        }
        Write::Update(ObjectId { kind: Kind::Application, id }, body) => attach(world, id, body),
        Write::Bind(policy, body) => {
            for (application, groups) in bound_in(body) {
                world.bind(&Id::new(application), &policy.id, groups);
            }
        }
        Write::Delete(ObjectId { kind: Kind::Policy, id }) => world.delete(id),
        Write::Create(..)
        | Write::Finish(_)
        | Write::Link(..)
        | Write::Update(..)
        | Write::Delete(_)
        | Write::Deliver(_)
        | Write::Prove(_) => {}
    }
}

/// What the body of a policy makes of its sections.
fn rewrite(cx: &Context<'_>, policy: &Id, body: &Map<String, Value>, world: &mut World<'_>) {
    let live = cx.observation.objects.present(Kind::Policy).iter().find(|live| live.id == *policy);
    let live = live.and_then(Policy::of);
    for (section, sent) in body.get("sections").and_then(Value::as_object).into_iter().flatten() {
        let becomes = match live.and_then(|live| live.section(section)) {
            // Fields that are not sent stay as they are.
            Some(Value::Object(held)) => {
                let mut becomes = held.clone();
                becomes.extend(sent.as_object().cloned().unwrap_or_default());
                Value::Object(becomes)
            }
            _ => whole(section, sent, edition(cx)),
        };
        world.set_section(policy, section, Some(becomes));
    }
    for section in body.get("sections_to_delete").map(parts).unwrap_or_default() {
        world.set_section(policy, &section, None);
    }
}

/// A policy that the plan creates, and policies for groups, are judged by what applies to the application in the end.
fn assess_application(step: &mut Step, changes: &BTreeMap<Id, Vec<Change>>) {
    let new = Id::new(step.address.as_str());
    let found = step.id.iter().map(|id| &id.id).chain([&new]).filter_map(|id| changes.get(id)).flatten();
    let worst = found.map(Change::worst).reduce(worse).unwrap_or(NEUTRAL);
    let is_new = matches!(step.action, Action::Create | Action::Replace);
    let closed = |change: &FieldChange| change.field == "user_access" && change.after == "no_users";
    let lets_in = !step.changes.iter().any(closed);
    // The table of fields judges a policy that exists.
    let is_late = step.awaits.iter().any(|address| address.kind() == Some(Kind::Policy));
    let is_policy = |field: &str| field == "policy" && is_late || field.starts_with("group_policies.");
    for change in step.changes.iter_mut().filter(|change| is_policy(&change.field)) {
        // A new application had no access before: only what is weaker than the global policy counts.
        let counts = !is_new || worst.0 == Risk::WidensAccess && lets_in;
        (change.risk, change.reason) = if counts { worst } else { NEUTRAL };
    }
}

fn worse(one: Assessment, other: Assessment) -> Assessment {
    if other.0 > one.0 { other } else { one }
}

/// Gives a change a risk if it is worse than the one it has. What no change of the step shows is a risk of the step.
fn raise(step: &mut Step, field: &str, assessment: Assessment) {
    let within = |change: &&mut FieldChange| {
        change.field == field
            || field.strip_prefix(change.field.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    match step.changes.iter_mut().find(within) {
        Some(change) if assessment.0 > change.risk => (change.risk, change.reason) = assessment,
        Some(_) => {}
        None if step.inherent.contains(&assessment) => {}
        None => step.inherent.push(assessment),
    }
}
