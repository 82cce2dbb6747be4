//! Removes owned objects that have no keys and no quarantine: groups. Only an entry of `removed` does.

use serde_json::{Map, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Kind, Object, ObjectId};
use crate::kinds::group::is_synchronised;
use crate::kinds::value::parts;
use crate::text::counted;

use super::super::desired::Fate;
use super::super::diff::Change;
use super::super::live::Live;
use super::super::matching::Matches;
use super::super::observed::Observed;
use super::super::users::users_of;
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
    for kind in [Kind::Application, Kind::Policy] {
        if let Observed::Unreadable(_) | Observed::NotRead = cx.observation.objects.of(kind) {
            let why = format!("the {} that may refer to it could not be read", kind.section());
            return refuse(Code::AccountUnreadable, why, "run `duoctl doctor` to find out why".to_owned());
        }
    }
    let users: Vec<&Object> = users_of(&id, &cx.observation.objects)
        .into_iter()
        .filter(|user| !lets_go(planned, &user.object_id(), &id))
        .collect();
    if users.is_empty() {
        return None;
    }
    let named = users.iter().take(LISTED).map(|user| format!("{} ({})", user.name(), user.id));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = users.len().checked_sub(LISTED) {
        named.push_str(&format!(" and {more} more"));
    }
    let count = counted(users.len(), "object", "objects");
    refuse(
        Code::StillUsed,
        format!("{count} of the account still refer to it: {named}"),
        "remove it from these first, or write `retain`".to_owned(),
    )
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
