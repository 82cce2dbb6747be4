//! Guards: a risky plan is refused until someone consents by name. Self-lockout is always refused.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use crate::config::model::Guards;
use crate::duo::object::{Ikey, Kind};

use super::consent::Consent;
use super::desired::Desired;
use super::diff::Change;
use super::plan::{
    AFTER_QUARANTINE, AFTER_REPLACEMENT, Action, PROTECTED, Plan, STILL_IN_CONSOLE, Step, Write,
};
use crate::kinds::address::Address;
use crate::kinds::group::BYPASS;
use crate::kinds::networks::Networks;
use crate::kinds::policy::risk::is_lockout;
use crate::kinds::risk::{BYPASS_GROUP, EMPTY, LOCKOUT, Risk};
use crate::kinds::value::parts;
use crate::text::counted;

/// The number of owned applications from which `max_changes` applies: below it, a percentage says little.
const MAX_CHANGES_FROM: usize = 10;

/// A refusal by a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The guard: a risk's name, `max_deletes`, `max_changes`, `empty`, `protect` or `self_lockout`.
    pub guard: &'static str,
    /// The address, if the guard is about one.
    pub address: Option<Address>,
    /// What would happen.
    pub message: String,
    /// What lifts the guard; absent if nothing does.
    pub lift: Option<String>,
}

/// Every guard that refuses the plan. If there are none, the plan may be applied.
pub fn judge(plan: &Plan, desired: &Desired, consent: &Consent) -> Vec<Refusal> {
    let guards = &desired.guards;
    let mut refusals: Vec<Refusal> =
        plan.steps().iter().flat_map(|step| judge_step(step, plan.operator(), guards, consent)).collect();
    let about_all = too_many(plan, guards, consent).into_iter().chain(empty(plan, desired));
    refusals.extend(without_consent(about_all, guards, consent));
    refusals
}

/// The guards that refuse one step. The step is signed by the operator, or by the recovery key in its place.
pub fn judge_step(step: &Step, operator: &Ikey, guards: &Guards, consent: &Consent) -> Vec<Refusal> {
    let touches_operator = step.writes_to(operator);
    let lockouts = touches_operator.then(|| self_lockout(step, &callers(guards, consent)));
    let refusals = lockouts.into_iter().flatten().chain(step_refusals(step));
    without_consent(refusals, guards, consent).collect()
}

fn without_consent(
    refusals: impl Iterator<Item = Refusal>,
    guards: &Guards,
    consent: &Consent,
) -> impl Iterator<Item = Refusal> {
    let allowed = consent.all(guards);
    refusals.filter(move |refusal| {
        !allowed.iter().any(|allowed| allowed.covers(refusal.guard, refusal.address.as_ref()))
    })
}

/// Whether someone consented to a risk at an address, on the command line or in the YAML.
pub fn allows(guards: &Guards, consent: &Consent, risk: Risk, address: &Address) -> bool {
    consent.all(guards).iter().any(|allowed| allowed.covers(risk.name(), Some(address)))
}

/// Refuses a workspace that declares nothing. Applications that the YAML retains by name do not count: such a YAML was
/// not lost.
fn empty(plan: &Plan, desired: &Desired) -> Option<Refusal> {
    let lost = plan.owned().saturating_sub(plan.summary().retain);
    (desired.of(Kind::Application).next().is_none() && lost > 0).then(|| Refusal {
        guard: EMPTY,
        address: None,
        message: format!(
            "the YAML declares no applications, but this workspace owns {} in the account",
            counted(plan.owned(), "application", "applications")
        ),
        lift: Some(format!("--allow {EMPTY}")),
    })
}

fn step_refusals(step: &Step) -> Vec<Refusal> {
    let address = &step.address;
    let refusal = |guard, message: String, lift: String| Refusal {
        guard,
        address: Some(address.clone()),
        message,
        lift: Some(lift),
    };
    let mut refusals = Vec::new();
    for (risk, reasons) in step.risks() {
        let mut by_guard: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
        for reason in reasons {
            let guard =
                own_consent(reason).or_else(|| needs_consent(step, risk, reason).then(|| risk.name()));
            by_guard.entry(guard.unwrap_or_default()).or_default().push(reason);
        }
        for (guard, reasons) in by_guard.into_iter().filter(|(guard, _)| !guard.is_empty()) {
            let ways_out: String = reasons.iter().map(|reason| way_out(reason, address)).collect();
            let message = format!("{address}: {}{ways_out}", reasons.join("; "));
            refusals.push(refusal(guard, message, format!("--allow {guard}:{address}")));
        }
    }
    if step.inherent.iter().any(|(_, reason)| *reason == PROTECTED) {
        let message = format!("{address} is protected, but would be {}d", step.action.name());
        let lift = format!("declare {address} with `protect: false` and apply that first");
        refusals.push(refusal("protect", message, lift));
    }
    refusals
}

/// The consent that a reason needs in place of that of its risk.
fn own_consent(reason: &str) -> Option<&'static str> {
    if reason == BYPASS {
        Some(BYPASS_GROUP)
    } else if is_lockout(reason) {
        Some(LOCKOUT)
    } else {
        None
    }
}

/// Whether a risk of a step needs consent. An application that was quarantined for the whole period and not used since
/// may be deleted without one, and a rotation is requested for each address by name.
fn needs_consent(step: &Step, risk: Risk, reason: &str) -> bool {
    match risk {
        Risk::Destroys => {
            step.action == Action::Delete
                && ![PROTECTED, AFTER_QUARANTINE, AFTER_REPLACEMENT].contains(&reason)
        }
        risk => risk.needs_consent(),
    }
}

/// What lifts a refusal without consent: the manual work that has to be done first.
fn way_out(reason: &str, address: &Address) -> String {
    let entry = address.composite().map(|(entry, _)| entry);
    match entry.as_ref().and_then(|entry| entry.as_str().rsplit('.').next()) {
        Some(name) if reason == STILL_IN_CONSOLE => {
            format!("; first do what `duoctl handoff {name}` shows, then run `duoctl attest {name}`")
        }
        _ => String::new(),
    }
}

fn too_many(plan: &Plan, guards: &Guards, consent: &Consent) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let refusal = |guard, message, lift| Refusal { guard, address: None, message, lift: Some(lift) };
    let deletes = plan.summary().delete;
    let max_deletes = consent.max_deletes.unwrap_or(guards.max_deletes);
    if deletes > usize::try_from(max_deletes).unwrap_or(usize::MAX) {
        let message =
            format!("{} would be deleted, more than {max_deletes}", counted(deletes, "object", "objects"));
        refusals.push(refusal("max_deletes", message, format!("--max-deletes {deletes}")));
    }
    // An application that is only adopted does not count as owned.
    let of = |adopts: bool| {
        // A rotation is requested for each address by name.
        let steps = plan.steps().iter();
        let steps = steps.filter(|step| step.action != Action::Rotate && step.kind == Kind::Application);
        let steps = steps.filter(move |step| (step.action == Action::Adopt) == adopts);
        steps.flat_map(Step::targets).collect::<BTreeSet<_>>()
    };
    let changes = of(false).difference(&of(true)).count();
    let percent = usize::from(consent.max_changes_percent.unwrap_or(guards.max_changes_percent));
    let owned = plan.owned();
    if owned >= MAX_CHANGES_FROM && changes * 100 > percent * owned {
        let needed = (changes * 100).div_ceil(owned);
        let message = format!("{changes} of {owned} owned applications would change, more than {percent}%");
        refusals.push(refusal("max_changes", message, format!("--max-changes {needed}%")));
    }
    refusals
}

/// Whether a permission is removed, even if another one is added.
fn loses_permissions(change: &Change) -> bool {
    let after = parts(&change.after);
    change.field == "permissions" && parts(&change.before).iter().any(|name| !after.contains(name))
}

/// Where Duo sees duoctl call from, as far as it is stated.
pub fn callers(guards: &Guards, consent: &Consent) -> Vec<IpAddr> {
    let stated = consent.callers.iter().copied();
    if consent.callers.is_empty() { guards.caller_address.into_iter().collect() } else { stated.collect() }
}

/// Whether judging the plan depends on where duoctl calls from, which is not stated.
pub fn asks_for_caller(plan: &Plan, guards: &Guards, consent: &Consent) -> bool {
    let restricts = |step: &Step| operator_networks(step).is_some_and(|networks| !parts(networks).is_empty());
    let mut own = plan.steps().iter().filter(|step| step.writes_to(plan.operator()));
    callers(guards, consent).is_empty() && own.any(restricts)
}

/// The networks that an update of the operator's own application sets.
fn operator_networks(step: &Step) -> Option<&Value> {
    step.writes.iter().find_map(|write| match write {
        Write::Update(_, body) => body.get("networks_for_api_access"),
        Write::Create(..)
        | Write::Finish(_)
        | Write::Link(..)
        | Write::Bind(..)
        | Write::Delete(_)
        | Write::Deliver(_)
        | Write::Prove(_) => None,
    })
}

/// Refuses to remove, replace or weaken the key that duoctl itself uses, and to shut out an address that it calls from.
/// A recovery key does not lift this: it is there to undo mistakes that cannot be foreseen.
fn self_lockout(step: &Step, callers: &[IpAddr]) -> Vec<Refusal> {
    let refusal = |message: String| Refusal {
        guard: "self_lockout",
        address: Some(step.address.clone()),
        message,
        lift: None,
    };
    let name = format!("{}, the application whose key duoctl uses,", step.address);
    match step.action {
        Action::Delete | Action::Replace | Action::Quarantine | Action::Rotate => {
            return vec![refusal(format!("{name} would be {}d", step.action.name()))];
        }
        Action::Create | Action::Update | Action::Adopt | Action::Deliver | Action::Retain => {}
    }
    let mut refusals = Vec::new();
    if step.changes.iter().any(loses_permissions) {
        refusals.push(refusal(format!("{name} would lose permissions")));
    }
    let Some(networks) = operator_networks(step).map(parts).filter(|networks| !networks.is_empty()) else {
        return refusals;
    };
    let some_only = format!("{name} would only accept calls from some networks");
    let networks = Networks::parse(networks).unwrap_or_default();
    if callers.is_empty() {
        refusals.push(refusal(format!(
            "{some_only}, and it is not known where duoctl calls from; set --caller-address ADDRESS or \
             `guards.caller_address`"
        )));
    } else if let Some(outside) = callers.iter().find(|address| !networks.contains(**address)) {
        refusals
            .push(refusal(format!("{some_only}, but duoctl calls from {outside}, which is outside them")));
    }
    refusals
}

#[cfg(test)]
mod tests;
