//! Orphans: owned applications that are no longer in the YAML. They are reported; only `--prune` and `removed` change them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, has_errors};
use crate::duo::object::{Ikey, Kind, Object};

use super::super::desired::Fate;
use super::super::diff::Change;
use super::super::live::Live;
use super::super::observation::LastUse;
use super::super::observed::Observed;
use super::context::{Context, Orphan, Parts, characters};
use super::options::Prune;
use super::restoration::{Declared, restore};
use super::step::{Action, PROTECTED, Step, Write};
use crate::kinds::application::fields::held_permissions;
use crate::kinds::application::{NO_USERS, PERMISSION_PREFIX, PERMITTED_GROUPS};
use crate::kinds::marker::{AccessBefore, AppliedFields, Marker, MarkerState, NOTES_LIMIT, Shut, day, room};
use crate::kinds::risk::Risk;
use crate::kinds::seal::Verdict;
use crate::kinds::value::parts;

/// The reason for a deletion after a full quarantine, in which a missing application would have been noticed.
pub(crate) const AFTER_QUARANTINE: &str =
    "it was quarantined for the whole period and not used since; Duo has no undelete";

/// Why deleting an application that was adopted by name needs consent even after its quarantine.
const OF_SOMEBODY_ELSE: &str = "duoctl adopted it by name and did not create it; Duo has no undelete";

/// Why an application that a console uses is not removed yet.
pub(crate) const STILL_IN_CONSOLE: &str = "not attested yet: the console may still hold its keys";

/// Lists the selected orphans, which are sorted by address, and plans the removals.
pub(super) fn orphans(cx: &Context<'_>, orphans: &[Live<'_>], contested: &BTreeSet<Ikey>) -> Parts {
    let address = |live: &Live<'_>| live.marker.as_ref().map(|marker| marker.address.clone());
    let mut parts = Parts::default();
    for twins in orphans.chunk_by(|a, b| address(a) == address(b)) {
        let copies = are_copies(twins);
        let contested = twins.iter().any(|live| contested.contains(&live.integration.id));
        for orphan in twins {
            let Some(marker) = &orphan.marker else { continue };
            if !cx.options.selection.covers(&marker.address) {
                parts.left_out.insert(marker.address.clone());
                continue;
            }
            let fate = cx.desired.fate(&marker.address);
            if fate == Some(Fate::Retain) {
                parts.add(retain(cx, orphan, marker));
                continue;
            }
            let prune = match (cx.options.prune, fate) {
                (Prune::No, Some(Fate::Delete)) => Prune::Quarantine,
                (prune, _) => prune,
            };
            parts.orphans.push(listed_orphan(cx, orphan, marker));
            if let Some(partner) = missing_partner(cx, orphan, twins) {
                parts.problems.push(half(marker, orphan, partner));
                continue;
            }
            if prune == Prune::No {
                continue;
            }
            if contested {
                parts.problems.push(kept_back(orphan, marker));
            } else if copies {
                parts.add(Parts::blocked(&marker.address, vec![copied(orphan, marker)]));
            } else {
                parts.add(remove(cx, prune, orphan, marker, second(marker, twins)));
            }
        }
    }
    parts
}

/// Removes nothing while there are errors: an error may be the reason why an address seems to be gone from the YAML.
pub(super) fn hold(parts: &mut Parts) {
    if !has_errors(&parts.problems) {
        return;
    }
    let removes = |step: &Step| match step.action {
        Action::Quarantine => true,
        // Leftovers of a replacement or a rotation have a counterpart that stays.
        Action::Delete => !step.risks().contains_key(&Risk::Replaces),
        _ => false,
    };
    let (held, steps): (Vec<Step>, Vec<Step>) =
        std::mem::take(&mut parts.steps).into_iter().partition(removes);
    parts.steps = steps;
    if held.is_empty() {
        return;
    }
    let addresses: BTreeSet<&str> = held.iter().map(|step| step.address.as_str()).collect();
    let addresses: Vec<&str> = addresses.into_iter().collect();
    let message = format!("not removed while there are errors: {}", addresses.join(", "));
    parts.problems.push(
        Diagnostic::warning(Code::RemovalHeld, None, message)
            .help("fix the errors, then run the same command again"),
    );
}

/// Applications that rotations retired at a declared address are removed like orphans.
pub(super) fn retired(cx: &Context<'_>, retired: &[Live<'_>]) -> Parts {
    let mut parts = Parts::default();
    for live in retired {
        let Some(marker) = &live.marker else { continue };
        parts.retired.push(listed_orphan(cx, live, marker));
        if cx.options.prune != Prune::No {
            parts.add(remove(cx, cx.options.prune, live, marker, true));
        }
    }
    parts
}

fn remove(cx: &Context<'_>, prune: Prune, orphan: &Live<'_>, marker: &Marker, second: bool) -> Parts {
    let period = SignedDuration::from_hours(24 * i64::from(cx.desired.guards.quarantine_days));
    let over = |since: Timestamp| cx.options.now.duration_since(since) >= period;
    // A marker that only a person vouches for deletes nothing: the quarantine starts with this run.
    let told = marker.state.shut_since();
    let anew = told.is_some() && orphan.proof == Verdict::Trusted;
    if told.is_some() && orphan.shut().is_none() && prune == Prune::Quarantine {
        return Parts { problems: vec![not_shown(orphan, marker)], ..Parts::default() };
    }
    let since = told.filter(|_| orphan.is_shut() && !anew).map(|since| {
        // A later change may mean that someone wants to keep it.
        cx.observation.touched.get(&orphan.integration.id).map_or(since, |touched| since.max(*touched))
    });
    let delete = |why| Parts { steps: vec![deletion(cx, orphan, marker, why)], ..Parts::default() };
    let by_word = vec![orphan.integration.id.clone()];
    match (prune, since) {
        (Prune::No, _) => Parts::default(),
        (Prune::Now, _) if !anew => {
            Parts { by_word, ..delete("its keys stop working for good; Duo has no undelete") }
        }
        (Prune::Quarantine, Some(since)) if over(since) => {
            let why = if marker.adopted { OF_SOMEBODY_ELSE } else { AFTER_QUARANTINE };
            maybe_used(cx, orphan, marker, since).unwrap_or_else(|| delete(why))
        }
        (Prune::Quarantine, Some(_)) => Parts::default(),
        (Prune::Quarantine | Prune::Now, _) => match quarantine(cx, orphan, marker, second) {
            Ok(step) => Parts { steps: vec![step], by_word, ..Parts::default() },
            Err(problem) => Parts::blocked(&marker.address, vec![problem]),
        },
    }
}

fn not_shown(orphan: &Live<'_>, marker: &Marker) -> Diagnostic {
    let message = format!(
        "{}: {} is not deleted: Duo does not show who may log in to it",
        marker.address, orphan.integration.id
    );
    Diagnostic::warning(Code::AccountUnreadable, None, message)
        .help("check it in the Duo Admin Panel, and delete it there or with --prune=now")
}

/// Why an application is not deleted; `None` if the authentication log shows no use since the quarantine. Without the log
/// nothing is deleted.
fn maybe_used(cx: &Context<'_>, orphan: &Live<'_>, marker: &Marker, since: Timestamp) -> Option<Parts> {
    let (address, ikey) = (&marker.address, &orphan.integration.id);
    let unreadable = |message: String| Diagnostic::error(Code::AccountUnreadable, None, message);
    match cx.observation.uses.get(ikey) {
        Some(Observed::Present(None)) => None,
        Some(Observed::Present(Some(used))) => {
            let LastUse { when, who, result } = used;
            let message = format!(
                "{address}: {ikey} is not deleted: quarantined since {} but still in use: {who} at {when} ({result})",
                day(since)
            );
            let found = Diagnostic::warning(Code::StillUsed, None, message).help(
                "find out what still uses it; add the entry again to bring it back, or delete it with --prune=now",
            );
            Some(Parts { problems: vec![found], ..Parts::default() })
        }
        Some(Observed::Unreadable(reason)) => {
            let found = unreadable(format!(
                "{address}: {ikey} is not deleted: could not check whether it was used after it was quarantined: {reason}"
            ))
            .help("grant duoctl's key the permission read_log, \"Grant read log\", or delete it with --prune=now");
            Some(Parts::blocked(address, vec![found]))
        }
        Some(Observed::Absent | Observed::NotRead) | None => {
            let found = unreadable(format!(
                "{address}: {ikey} is not deleted: this run did not check whether it was used after it was quarantined"
            ));
            let blocked = Parts::blocked(address, vec![found]);
            Some(Parts { unlooked: vec![(ikey.clone(), since)], ..blocked })
        }
    }
}

/// Keeps the application: restores what a quarantine revoked, and removes the marker.
fn retain(cx: &Context<'_>, orphan: &Live<'_>, marker: &Marker) -> Parts {
    let (live, address) = (orphan.integration, &marker.address);
    let restored = restore(address, None, marker, live, &cx.references, Declared::default());
    if has_errors(&restored.problems) {
        return Parts::blocked(address, restored.problems);
    }
    let state = marker
        .state
        .shut_since()
        .map_or_else(|| "managed".to_owned(), |since| format!("quarantined since {}", day(since)));
    let mut step = Step::on(address, Action::Retain, live);
    step.changes = vec![Change::neutral("state", json!(state), json!("unmanaged"))];
    step.changes.extend(restored.changes);
    let mut body = restored.body;
    body.insert("notes".to_owned(), json!(*orphan.text));
    step.writes = vec![Write::Update(live.object_id(), body)];
    Parts { steps: vec![step], problems: restored.problems, ..Parts::default() }
}

fn quarantine(
    cx: &Context<'_>,
    orphan: &Live<'_>,
    marker: &Marker,
    second: bool,
) -> Result<Step, Diagnostic> {
    let live = orphan.integration;
    let now = cx.options.now;
    // The last applied values do not describe an application that duoctl itself has quarantined.
    let mut shut = Marker {
        workspace: cx.desired.workspace.clone(),
        state: if second { MarkerState::Retired(now) } else { MarkerState::Quarantined(now) },
        applied: AppliedFields::new(),
        shut: Shut {
            access: access_before(live),
            permissions: held_permissions(live),
            permissions_lost: false,
        },
        ..marker.clone()
    };
    let fits = |marker: &Marker| room(&marker.notes(&orphan.text), NOTES_LIMIT);
    if fits(&shut).is_err() && matches!(shut.shut.access, Some(AccessBefore::Groups(_))) {
        shut.shut.access = Some(AccessBefore::Lost);
    }
    if fits(&shut).is_err() && !shut.shut.permissions.is_empty() {
        shut.shut = Shut { permissions: BTreeSet::new(), permissions_lost: true, ..shut.shut };
    }
    if let Err(excess) = fits(&shut) {
        let message = format!(
            "{}: the notes of {} leave no room for the date of the quarantine",
            marker.address, live.id
        );
        let help = format!("shorten them by {} in the Duo Admin Panel", characters(excess));
        return Err(Diagnostic::error(Code::InvalidNotes, None, message).help(help));
    }
    let mut step = Step::on(&marker.address, Action::Quarantine, live);
    step.inherent.push((Risk::NarrowsAccess, "no user may log in anymore"));
    if marker.protected {
        step.inherent.push((Risk::Destroys, PROTECTED));
    }
    tell_console(cx, marker, &mut step);
    step.writes = vec![Write::Update(live.object_id(), no_one(live, shut.notes(&orphan.text)))];
    Ok(step)
}

/// The body that blocks all logins to an application and revokes its key's permissions.
pub(super) fn no_one(live: &Object, notes: String) -> Map<String, Value> {
    let access = [("user_access".to_owned(), json!(NO_USERS)), ("notes".to_owned(), json!(notes))];
    let permissions = held_permissions(live).into_iter();
    let permissions = permissions.map(|name| (format!("{PERMISSION_PREFIX}{name}"), json!("0")));
    access.into_iter().chain(permissions).collect()
}

/// Who may log in now, for the marker.
fn access_before(live: &Object) -> Option<AccessBefore> {
    match live.text("user_access") {
        "" | NO_USERS => None,
        "ALL_USERS" => Some(AccessBefore::Everybody),
        PERMITTED_GROUPS => {
            let groups = live.property("groups_allowed").map(parts).unwrap_or_default();
            let plain = |id: &String| id.chars().all(|c| c.is_ascii_alphanumeric());
            let known = !groups.is_empty() && groups.iter().all(plain);
            Some(if known { AccessBefore::Groups(groups.into_iter().collect()) } else { AccessBefore::Lost })
        }
        _ => Some(AccessBefore::Lost),
    }
}

fn listed_orphan(cx: &Context<'_>, orphan: &Live<'_>, marker: &Marker) -> Orphan {
    Orphan {
        address: marker.address.clone(),
        ikey: orphan.integration.id.clone(),
        name: orphan.integration.name().to_owned(),
        quarantined_since: marker.state.shut_since().map(|since| day(since).to_string()),
        protected: marker.protected,
        in_console: cx.in_console(&marker.address),
    }
}

/// Whether an application is the second one of its address: the one that a rotation retired or was about to retire. If the
/// address comes back, it means the other one.
fn second(marker: &Marker, twins: &[Live<'_>]) -> bool {
    let delivered = |live: &Live<'_>| matches!(live.state(), Some(MarkerState::Delivered { .. }));
    match marker.state {
        MarkerState::Successor { .. } | MarkerState::Abandoned { .. } => twins.len() > 1,
        MarkerState::Retired(_) => true,
        MarkerState::Owned
        | MarkerState::Creating { .. }
        | MarkerState::Rotating(_)
        | MarkerState::Renewing
        | MarkerState::Untested(_) => twins.iter().any(delivered),
        MarkerState::Delivered { .. } | MarkerState::Replaced | MarkerState::Quarantined(_) => false,
    }
}

/// Whether one of several applications with the same marker may be a copy that must not be removed: two are owned, or one
/// has a quarantine marker but still allows logins. Leftovers of a replacement or a rotation share the address legitimately,
/// even when they are quarantined.
fn are_copies(twins: &[Live<'_>]) -> bool {
    let (mut owned, mut shut, mut opened) = (0, 0, 0);
    for live in twins {
        match live.marker.as_ref().map(|marker| &marker.state) {
            Some(
                MarkerState::Replaced
                | MarkerState::Successor { .. }
                | MarkerState::Delivered { .. }
                | MarkerState::Abandoned { .. }
                | MarkerState::Retired(_),
            )
            | None => {}
            Some(
                MarkerState::Owned
                | MarkerState::Creating { .. }
                | MarkerState::Rotating(_)
                | MarkerState::Renewing
                | MarkerState::Untested(_),
            ) => owned += 1,
            Some(MarkerState::Quarantined(_)) if live.shut() != Some(false) => shut += 1,
            Some(MarkerState::Quarantined(_)) => opened += 1,
        }
    }
    owned > 1 || (opened > 0 && owned + shut + opened > 1)
}

fn kept_back(orphan: &Live<'_>, marker: &Marker) -> Diagnostic {
    let message = format!(
        "{}: {} is not removed: it may belong to an address that could not be matched",
        marker.address, orphan.integration.id
    );
    Diagnostic::warning(Code::AmbiguousMatch, None, message)
        .help("if the address was renamed, pin the application there with `integration_key`")
}

/// The other application of a rotation, if it exists but its marker no longer says so.
fn missing_partner<'m>(cx: &Context<'_>, orphan: &'m Live<'_>, twins: &[Live<'_>]) -> Option<&'m Ikey> {
    let partner = orphan.state().and_then(MarkerState::partner)?;
    let Observed::Present(integrations) = cx.observation.objects.of(Kind::Application) else { return None };
    let exists = integrations.iter().any(|live| live.id == *partner);
    let is_told = twins.iter().any(|live| live.integration.id == *partner);
    (exists && !is_told).then_some(partner)
}

fn half(marker: &Marker, orphan: &Live<'_>, partner: &Ikey) -> Diagnostic {
    let ikey = &orphan.integration.id;
    let message = format!(
        "{}: {ikey} is not removed: its key was being rotated, and {partner}, the other application, lost its marker",
        marker.address
    );
    Diagnostic::warning(Code::LostMarker, None, message)
        .help(format!("delete {partner} in Duo if its key is not used, or add the entry again and pin it"))
}

fn copied(orphan: &Live<'_>, marker: &Marker) -> Diagnostic {
    let message = format!(
        "{}: {} is not removed: another application has the same marker",
        marker.address, orphan.integration.id
    );
    Diagnostic::error(Code::DuplicateMarker, None, message)
        .help("remove the marker, `[duoctl …]`, from the notes of the copies in the Duo Admin Panel")
}

fn deletion(cx: &Context<'_>, orphan: &Live<'_>, marker: &Marker, why: &'static str) -> Step {
    let live = orphan.integration;
    let mut step = Step::on(&marker.address, Action::Delete, live);
    step.delete(live.object_id(), why, marker.protected);
    tell_console(cx, marker, &mut step);
    step
}

fn tell_console(cx: &Context<'_>, marker: &Marker, step: &mut Step) {
    if cx.in_console(&marker.address) {
        step.inherent.push((Risk::BreaksHandoff, STILL_IN_CONSOLE));
    }
}
