//! Policies for the members of groups within an application. They are compared from the policies' side and written through
//! them. No API call removes one: that is left to a person, and said.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Id, Kind, Object, ObjectId};
use crate::kinds::application::bindings::{GROUP_POLICIES, body};
use crate::kinds::field::Names as _;
use crate::kinds::risk::Risk;
use crate::text::shown;

use super::super::desired::Wanted;
use super::super::diff::Change;
use super::context::Context;
use super::step::{Action, Step, Write};

/// Groups by policy.
type Bindings = BTreeMap<String, BTreeSet<String>>;

/// Why a new binding may widen access: neither its place among the others nor what the groups had is known.
const WIDENS: &str = "the policy may require less from the members of these groups";

/// What a replacement loses.
const NOT_CARRIED: &str = "policies for groups of the old application are not carried over";

/// Adds what the bindings of an application need to its steps, and returns the findings about them.
pub(super) fn add_bindings(
    cx: &Context<'_>,
    wanted: &Wanted,
    live: Option<&Object>,
    steps: &mut Vec<Step>,
) -> Vec<Diagnostic> {
    let is_replaced = steps.iter().any(|step| step.action == Action::Replace);
    let loses = live.is_some_and(|live| is_replaced && cx.world.bound(&live.id).next().is_some());
    if let Some(step) = steps.iter_mut().find(|step| loses && step.action == Action::Replace) {
        step.inherent.push((Risk::WidensAccess, NOT_CARRIED));
    }
    if wanted.group_policies.is_empty() || wanted.ignore.iter().any(|ignored| ignored == GROUP_POLICIES) {
        return Vec::new();
    }
    let declared = match declared(cx, wanted) {
        Ok(declared) => declared,
        Err(problems) => {
            // Nothing of the address is planned while a name in it cannot be resolved.
            steps.clear();
            return problems;
        }
    };
    // A replacement is another application, to which nothing is bound yet.
    let live = live.filter(|_| !is_replaced);
    let held = live.map(|live| held(cx, live.id.as_str())).unwrap_or_default();
    let application = live.map_or_else(|| wanted.address.to_string(), |live| live.id.to_string());
    let mut step = Step::new(
        Kind::Application,
        &wanted.address,
        Action::Update,
        live.map(Object::variant).or(wanted.variant.as_deref()).unwrap_or_default(),
        live.map(Object::name).or(wanted.name.as_ref().map(|name| name.value.as_str())).unwrap_or_default(),
    );
    step.id = live.map(Object::object_id);
    for (policy, groups) in &declared {
        let nothing = BTreeSet::new();
        let bound = held.get(policy).unwrap_or(&nothing);
        let missing: BTreeSet<String> = groups.difference(bound).cloned().collect();
        if missing.is_empty() {
            continue;
        }
        let names = |ids: &BTreeSet<String>| {
            json!(ids.iter().map(|id| cx.references.name(Kind::Group, id)).collect::<Vec<_>>())
        };
        let field = format!("{GROUP_POLICIES}.{}", cx.references.name(Kind::Policy, policy));
        let both = bound.union(groups).cloned().collect();
        let change = Change::neutral(&field, names(bound), names(&both));
        step.changes.push(Change { risk: Risk::WidensAccess, reason: WIDENS, ..change });
        let target = ObjectId { kind: Kind::Policy, id: Id::new(policy.as_str()) };
        step.writes.push(Write::Bind(target, body(&application, &missing)));
    }
    let writes_settings =
        |step: &&mut Step| matches!(step.action, Action::Create | Action::Update | Action::Replace);
    match steps.iter_mut().find(writes_settings) {
        // One step says everything about the application, and needs one consent.
        Some(other) => {
            other.changes.extend(step.changes);
            other.writes.extend(step.writes);
        }
        None if step.writes.is_empty() => {}
        None => steps.push(step),
    }
    surplus(cx, wanted, &declared, &held)
}

/// What the YAML binds, by ids.
fn declared(cx: &Context<'_>, wanted: &Wanted) -> Result<Bindings, Vec<Diagnostic>> {
    let (mut bindings, mut problems) = (Bindings::new(), Vec::new());
    for item in wanted.group_policies.iter().map(|item| &item.value) {
        let of = |kind, reference: &crate::diagnostic::Spanned<_>| {
            cx.references.id(kind, &reference.value, reference.span)
        };
        let policy = of(Kind::Policy, &item.policy);
        let groups: Vec<_> = item.groups.iter().map(|group| of(Kind::Group, group)).collect();
        match policy {
            Ok(policy) => {
                let known = bindings.entry(policy).or_default();
                for group in groups {
                    match group {
                        Ok(group) => drop(known.insert(group)),
                        Err(problem) => problems.push(problem),
                    }
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    for problem in &mut problems {
        problem.message = format!("{}: {}", wanted.address, problem.message);
    }
    if problems.is_empty() { Ok(bindings) } else { Err(problems) }
}

/// What Duo binds to an application.
fn held(cx: &Context<'_>, application: &str) -> Bindings {
    let mut bindings = Bindings::new();
    for (policy, groups) in cx.world.bound(&Id::new(application)) {
        bindings.entry(policy.to_string()).or_default().extend(groups.iter().map(Id::to_string));
    }
    bindings
}

/// Bindings that the YAML does not have: only a person can remove them.
fn surplus(cx: &Context<'_>, wanted: &Wanted, declared: &Bindings, held: &Bindings) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (policy, groups) in held {
        let said = declared.get(policy);
        let more = groups.iter().filter(|group| !said.is_some_and(|said| said.contains(*group)));
        let more: Vec<String> = more.map(|group| shown(cx.references.name(Kind::Group, group))).collect();
        if more.is_empty() {
            continue;
        }
        let (policy, groups) = (shown(cx.references.name(Kind::Policy, policy)), more.join(", "));
        let message = format!(
            "{}: in Duo, the policy {policy} also applies to {groups} here, which the YAML does not say",
            wanted.address
        );
        found.push(Diagnostic::warning(Code::NotOfferedYet, wanted.span, message).help(
            "remove it in the Duo Admin Panel, on the page of the application under \"Group policies\", since no API does; or \
             declare it",
        ));
    }
    found
}
