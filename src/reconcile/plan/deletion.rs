//! Removes objects that have no keys and no quarantine: groups and policies. Only an entry of `removed` does.

use std::collections::BTreeSet;

use serde_json::{Map, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Id, Kind, Object, ObjectId, Policy};
use crate::kinds::address::Address;
use crate::kinds::group::is_synchronised;
use crate::kinds::policy::world::How;
use crate::kinds::reference::Reference;
use crate::kinds::value::parts;
use crate::names::same;
use crate::text::{counted, shown};

use super::super::desired::Fate;
use super::super::diff::Change;
use super::super::live::Live;
use super::super::matching::Matches;
use super::super::observed::Observed;
use super::super::users::{names_in_roles, users_of};
use super::context::{Context, Orphan, Parts};
use super::step::{Action, Step, Write};

/// Why a deletion needs consent.
const FOR_GOOD: &str = "its members lose what it gave them; Duo has no undelete";

/// How many objects a message lists.
const LISTED: usize = 5;

/// Lists the owned objects of a kind whose addresses are no longer in the YAML, and plans what `removed` says. `planned` are
/// the steps of all other addresses.
pub(super) fn orphans(cx: &Context<'_>, kind: Kind, matches: &Matches<'_>, planned: &[Step]) -> Parts {
    let mut parts = Parts::default();
    for orphan in &matches.orphans {
        let Some(marker) = &orphan.marker else { continue };
        let address = &marker.address;
        if !cx.options.selection.covers(address) {
            parts.left_out.insert(address.clone());
            continue;
        }
        match cx.desired.fate(address) {
            None => parts.orphans.push(Orphan {
                address: address.clone(),
                ikey: orphan.integration.id.clone(),
                name: orphan.integration.name().to_owned(),
                quarantined_since: None,
                protected: marker.protected,
                in_console: false,
            }),
            Some(Fate::Retain) => parts.steps.extend(retain(kind, orphan)),
            Some(Fate::Delete) => match refused(cx, orphan, matches, planned) {
                Some(problem) => parts.add(Parts::blocked(address, vec![problem])),
                None => {
                    let mut step = Step::on(address, Action::Delete, orphan.integration);
                    step.delete(orphan.integration.object_id(), FOR_GOOD, marker.protected);
                    parts.steps.push(step);
                }
            },
        }
    }
    parts
}

/// Plans the deletion of the policies that `removed` names. `kept` are the policies that the YAML declares.
pub(super) fn policies(cx: &Context<'_>, kept: &BTreeSet<&Id>, planned: &[Step]) -> Parts {
    let mut parts = Parts::default();
    for (address, policy) in &cx.desired.removed_policies {
        if !cx.options.selection.covers(address) {
            parts.left_out.insert(address.clone());
            continue;
        }
        let blocked = |problem: Diagnostic| Parts::blocked(address, vec![problem]);
        let error =
            |code, message: String| Diagnostic::error(code, policy.span, format!("{address}: {message}"));
        let lives = match cx.observation.objects.of(Kind::Policy) {
            Observed::Present(lives) => lives,
            Observed::Unreadable(reason) => {
                let message = format!("the policies could not be read: {reason}");
                parts.add(blocked(error(Code::AccountUnreadable, message)));
                continue;
            }
            Observed::NotRead | Observed::Absent => continue,
        };
        let is_meant = |live: &&Object| match &policy.value {
            Reference::Id(id) => live.id.as_str() == id,
            Reference::Name(name) | Reference::Address(name) => same(live.name(), name),
        };
        let meant: Vec<&Object> = lives.iter().filter(is_meant).collect();
        let step = match meant.as_slice() {
            // It is gone.
            [] => continue,
            [live] => deletion(cx, address, live, kept, planned),
            several => {
                let ids: Vec<String> = several.iter().map(|live| format!("`{{id: {}}}`", live.id)).collect();
                let message = format!("{} policies have this name", several.len());
                Err(error(Code::AmbiguousReference, message)
                    .help(format!("choose one by its ID: {}", ids.join(", "))))
            }
        };
        match step {
            Ok(step) => parts.steps.push(step),
            Err(problem) => parts.add(blocked(problem)),
        }
    }
    parts
}

fn deletion(
    cx: &Context<'_>,
    address: &Address,
    live: &Object,
    kept: &BTreeSet<&Id>,
    planned: &[Step],
) -> Result<Step, Diagnostic> {
    let error = |code, why: &str, help: String| {
        let message = format!("{address}: {} is not deleted: {why}", live.id);
        Err(Diagnostic::error(code, None, message).help(help))
    };
    if Policy::of(live).is_some_and(Policy::is_global) {
        let help = "remove this line: every account has a global policy".to_owned();
        return error(Code::InvalidValue, "it is the global policy", help);
    }
    if kept.contains(&live.id) {
        let help = "remove this line or that entry".to_owned();
        return error(Code::DuplicateAddress, "an entry of the YAML declares it", help);
    }
    let reached = cx.world.reached(&live.id);
    let bound = reached.iter().filter(|reach| matches!(reach.how, How::Groups(_))).count();
    if bound > 0 {
        let why = format!("it applies to groups in {}", counted(bound, "application", "applications"));
        let help = "remove these in the Duo Admin Panel: no API does".to_owned();
        return error(Code::StillUsed, &why, help);
    }
    if let Some(problem) = still_used(cx, address, live, planned) {
        return Err(problem);
    }
    let mut step = Step::on(address, Action::Delete, live);
    step.delete(live.object_id(), "Duo has no undelete", false);
    Ok(step)
}

/// Keeps the object and removes the marker.
fn retain(kind: Kind, orphan: &Live<'_>) -> Option<Step> {
    let (live, property) = (orphan.integration, kind.endpoint().marker?);
    let mut step = Step::on(&orphan.marker.as_ref()?.address, Action::Retain, live);
    step.changes = vec![Change::neutral("state", json!("managed"), json!("unmanaged"))];
    let body = Map::from_iter([(property.to_owned(), json!(*orphan.text))]);
    step.writes = vec![Write::Update(live.object_id(), body)];
    Some(step)
}

/// Why an object is not deleted.
fn refused(
    cx: &Context<'_>,
    orphan: &Live<'_>,
    matches: &Matches<'_>,
    planned: &[Step],
) -> Option<Diagnostic> {
    let live = orphan.integration;
    let (address, id) = (&orphan.marker.as_ref()?.address, live.object_id());
    let refuse = |code, why: String, help: String| {
        Some(Diagnostic::error(code, None, format!("{address}: {id} is not deleted: {why}")).help(help))
    };
    if matches.contested.contains(&live.id) {
        let why = "it may belong to an address that could not be matched".to_owned();
        let help = format!("if the address was renamed, pin it there with `{}`", live.kind.endpoint().pin);
        return refuse(Code::AmbiguousMatch, why, help);
    }
    let same = |other: &&Live<'_>| {
        other.integration.id != live.id
            && other.marker.as_ref().map(|marker| &marker.address) == Some(address)
    };
    if matches.orphans.iter().any(|other| same(&other)) {
        let (noun, text) = (live.kind.noun(), live.kind.endpoint().text);
        let help =
            format!("remove the marker, `[duoctl …]`, from the {text} of the copies in the Duo Admin Panel");
        return refuse(Code::DuplicateMarker, format!("another {noun} has the same marker"), help);
    }
    if live.kind == Kind::Group && is_synchronised(live.name()) {
        let help = "remove it from the synchronisation in the Duo Admin Panel, or write `retain`".to_owned();
        return refuse(Code::NotOfferedYet, "it is synchronised with a directory".to_owned(), help);
    }
    still_used(cx, address, live, planned)
}

/// Why an object is not deleted although `removed` says so: something still refers to it, or may do.
fn still_used(cx: &Context<'_>, address: &Address, live: &Object, planned: &[Step]) -> Option<Diagnostic> {
    let id = live.object_id();
    let refuse = |code, why: String, help: &str| {
        Some(Diagnostic::error(code, None, format!("{address}: {id} is not deleted: {why}")).help(help))
    };
    for kind in [Kind::Application, Kind::Policy] {
        if let Observed::Unreadable(_) | Observed::NotRead = cx.observation.objects.of(kind) {
            let why = format!("the {} that may refer to it could not be read", kind.section());
            return refuse(Code::AccountUnreadable, why, "run `duoctl doctor` to find out why");
        }
    }
    if !cx.world.is_complete() {
        let why = "Duo does not show everything that the policies apply to".to_owned();
        return refuse(Code::AccountUnreadable, why, "remove it in the Duo Admin Panel, or write `retain`");
    }
    if let Some(application) = cx.world.bound_to(&live.id).next() {
        let why = format!("a policy applies to its members in {application}");
        return refuse(Code::StillUsed, why, "remove that in the Duo Admin Panel first: no API does");
    }
    let users: Vec<&Object> = users_of(&id, &cx.observation.objects)
        .into_iter()
        .filter(|user| names_in_roles(user, &id) || !lets_go(planned, &user.object_id(), &id))
        .collect();
    if users.is_empty() {
        return None;
    }
    let named = users.iter().take(LISTED).map(|user| format!("{} ({})", shown(user.name()), user.id));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = users.len().checked_sub(LISTED) {
        named.push_str(&format!(" and {more} more"));
    }
    let count =
        counted(users.len(), "object of the account still refers", "objects of the account still refer");
    refuse(Code::StillUsed, format!("{count} to it: {named}"), "remove it from these first")
}

/// Whether the plan removes the reference of one object to another, or the object itself.
fn lets_go(planned: &[Step], user: &ObjectId, used: &ObjectId) -> bool {
    let property = match (user.kind, used.kind) {
        (Kind::Application, Kind::Group) => "groups_allowed",
        (Kind::Application, Kind::Policy) => "policy_key",
        _ => return false,
    };
    planned.iter().flat_map(|step| &step.writes).any(|write| match write {
        Write::Delete(id) => id == user,
        Write::Update(id, body) if id == user => {
            body.get(property).is_some_and(|value| !parts(value).iter().any(|id| id == used.as_str()))
        }
        _ => false,
    })
}
