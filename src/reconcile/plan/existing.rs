//! Differences of an application that exists.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Severity};

use super::super::desired::Wanted;
use super::super::diff::{self, Change};
use super::super::live::Live;
use super::context::{Context, checked_notes};
use super::restoration::restoration;
use super::step::{Action, Step, Write};
use crate::kinds::managed::Managed;
use crate::kinds::marker::{Marker, MarkerState, day};
use crate::kinds::risk::Risk;
use crate::kinds::seal::Verdict;
use crate::kinds::value::parts;

/// The steps for the differences of one application; findings about them are added to `said`. `becomes` is the state for its
/// marker: the two applications of a rotation in progress keep theirs.
pub(super) fn existing(
    cx: &Context<'_>,
    wanted: &Wanted,
    managed: &[Managed],
    live: &Live<'_>,
    becomes: &MarkerState,
    said: &mut Vec<Diagnostic>,
) -> Result<Vec<Step>, Vec<Diagnostic>> {
    let integration = live.integration;
    let is_its =
        |marker: &&Marker| marker.address == wanted.address && marker.workspace == cx.desired.workspace;
    let marker = live.marker.as_ref().filter(is_its);
    // A pin or the store proves ownership, but not what the marker says.
    let is_proven = live.proof.is_proven();
    let judged = marker.map(|marker| judged(cx, live, marker));
    let mut difference =
        diff::compare(wanted, managed, integration, judged.as_ref(), is_proven, &cx.references);
    let restored = restoration(cx, wanted, managed, live)?;
    restored.settle(&mut difference.problems);
    if difference.problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(difference.problems);
    }
    let mut changes: Vec<Change> =
        marker.into_iter().flat_map(|marker| marker_changes(marker, wanted, becomes)).collect();
    if !is_proven {
        changes.iter_mut().for_each(|change| change.origin = Some(diff::Origin::Unknown));
    }
    changes.extend(difference.changes.iter().cloned());
    changes.extend(restored.changes);
    said.extend(remarks(wanted, &changes));
    if marker.is_some() && changes.is_empty() {
        said.extend(difference.problems);
        return Ok(Vec::new());
    }
    let step = |action, changes, notes: String, mut body: Map<String, Value>| {
        body.extend(wanted.kind.endpoint().marker.map(|property| (property.to_owned(), json!(notes))));
        let writes = vec![Write::Update(integration.object_id(), body)];
        Step { changes, writes, ..Step::on(&wanted.address, action, integration) }
    };
    // Values entered in a console before a quarantine have to be entered again.
    let was_shut =
        live.marker.as_ref().filter(|_| wanted.address.is_intelligence()).and_then(Marker::last_shut);
    let adopted = cx.is_adopted(wanted, live);
    let marker_of = |applied, state| Marker { was_shut, adopted, ..cx.marker(wanted, applied, state) };
    let mut steps = Vec::new();
    let applied = diff::applied(managed, marker);
    if marker.is_none() {
        // An adoption changes only the notes, so it records only the fields that already match the YAML.
        let changing: Vec<char> =
            difference.fields.iter().filter_map(|managed| managed.field.letter).collect();
        let as_is = applied
            .iter()
            .filter(|(code, _)| !changing.contains(code))
            .map(|(code, applied)| (*code, *applied));
        let as_is = marker_of(as_is.collect(), becomes.clone());
        let notes = checked_notes(wanted, &as_is, &live.text)?;
        steps.push(step(Action::Adopt, Vec::new(), notes, Map::new()));
    }
    if !changes.is_empty() {
        let mut body = diff::body(&difference, managed, integration);
        body.extend(restored.body);
        let text = managed.iter().find_map(Managed::notes_text).unwrap_or(&live.text);
        let notes = checked_notes(wanted, &marker_of(applied, becomes.clone()), text)?;
        steps.push(step(Action::Update, changes, notes, body));
    }
    said.extend(difference.problems);
    Ok(steps)
}

/// What a person should know about changes beyond their risk.
fn remarks(wanted: &Wanted, changes: &[Change]) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    for change in changes {
        let excess = excess_permissions(change);
        if !excess.is_empty() {
            let message = format!(
                "{}: drift, {}: someone granted the key more in Duo than the YAML declares: {}",
                wanted.address,
                Risk::EscalatesPrivilege,
                excess.join(", ")
            );
            remarks.push(
                Diagnostic::warning(Code::OverPrivileged, wanted.span, message)
                    .help("the next apply revokes this; to keep it, declare it in the YAML"),
            );
        }
        remarks.extend(for_the_console(wanted, change));
        if change.field == "name" && wanted.variant.as_deref() == Some("authapi") {
            let message = format!(
                "{}: end users will see the new name on every push: {} instead of {}",
                wanted.address, change.after, change.before
            );
            remarks.push(Diagnostic::note(
                Code::SeenByUsers,
                wanted.name.as_ref().map(|name| name.span),
                message,
            ));
        }
    }
    remarks
}

/// The permissions granted in Duo beyond those in the YAML. Granting them was the escalation; revoking them reduces what the
/// key may do.
fn excess_permissions(change: &Change) -> Vec<String> {
    let escalates = change.drift.is_some_and(|drift| drift.risk == Risk::EscalatesPrivilege);
    if change.field != "permissions" || !escalates {
        return Vec::new();
    }
    let declared = parts(&change.after);
    parts(&change.before).into_iter().filter(|name| !declared.contains(name)).collect()
}

/// What changed permissions mean for a console that holds the key, if nothing has to be entered there.
fn for_the_console(wanted: &Wanted, change: &Change) -> Option<Diagnostic> {
    if change.field != "permissions"
        || !wanted.address.is_intelligence()
        || change.origin == Some(diff::Origin::Drift)
    {
        return None;
    }
    let message = match change.risk {
        Risk::EscalatesPrivilege => format!(
            "{}: after the apply, press Test Connectivity in Identity Intelligence to make it detect the new permissions",
            wanted.address
        ),
        Risk::ReducesPrivilege => format!(
            "{}: after the apply, Identity Intelligence can no longer use these permissions; there is nothing to enter in its console",
            wanted.address
        ),
        Risk::Neutral
        | Risk::NarrowsAccess
        | Risk::OverdueKey
        | Risk::BreaksHandoff
        | Risk::WidensAccess
        | Risk::AdoptsKey
        | Risk::Replaces
        | Risk::Destroys => return None,
    };
    Some(Diagnostic::note(Code::SeenInConsole, wanted.span, message))
}

/// For how long the consent to a creation also covers completing it.
const CREATION: SignedDuration = SignedDuration::from_hours(24);

/// The marker as far as it lifts risks. A creation in progress counts for a day and only if it is proven: an old marker that
/// was put back, or one that only a person vouches for, lifts none.
fn judged(cx: &Context<'_>, live: &Live<'_>, marker: &Marker) -> Marker {
    let began = marker.state.created_at();
    let is_old = began.is_some_and(|began| cx.options.now.duration_since(began) >= CREATION);
    let state =
        if is_old || live.proof == Verdict::Trusted { MarkerState::Owned } else { marker.state.clone() };
    Marker { state, ..marker.clone() }
}

/// The changes of the marker itself.
fn marker_changes(marker: &Marker, wanted: &Wanted, becomes: &MarkerState) -> Vec<Change> {
    let mut changes = Vec::new();
    let state = match &marker.state {
        MarkerState::Owned => None,
        MarkerState::Creating { .. } => Some("unfinished".to_owned()),
        MarkerState::Replaced => Some("replaced".to_owned()),
        MarkerState::Quarantined(since) => Some(format!("quarantined since {}", day(*since))),
        MarkerState::Rotating(successor) => {
            Some(format!("its key is being rotated, but the new application {successor} is gone"))
        }
        MarkerState::Renewing => Some("its key was replaced, and may not have been delivered".to_owned()),
        MarkerState::Successor { of, .. } | MarkerState::Delivered { of, .. } => {
            Some(format!("successor of {of}, which is gone"))
        }
        MarkerState::Abandoned { .. } => Some("left by a rotation that was aborted".to_owned()),
        MarkerState::Retired(since) => Some(format!("retired since {}", day(*since))),
        MarkerState::Untested(_) => Some("changed, and not proven to work since".to_owned()),
    };
    let state = state.filter(|_| marker.state != *becomes);
    if let Some(state) = state {
        changes.push(Change::neutral("state", json!(state), json!("managed")));
    }
    if marker.protected != wanted.protect {
        changes.push(Change::neutral("protect", json!(marker.protected), json!(wanted.protect)));
    }
    changes
}
