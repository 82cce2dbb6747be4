//! New applications, and replacements of an application of another type.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Kind, Object};

use super::super::delivery::Held;
use super::super::desired::Wanted;
use super::super::diff::{self, Change};
use super::super::live::Live;
use super::super::matching::Match;
use super::super::observed::Observed;
use super::context::{Context, Parts, checked_notes};
use super::step::{AFTER_REPLACEMENT, Action, Step, Write};
use crate::kinds::address::Address;
use crate::kinds::application::fields::field;
use crate::kinds::application::{NETWORKS, NO_USERS, POLICY};
use crate::kinds::field::Roles;
use crate::kinds::managed::Managed;
use crate::kinds::marker::{AppliedFields, Marker, MarkerState};
use crate::kinds::risk::Risk;
use crate::kinds::value::{FieldValue, parts};

/// A new application.
pub(super) fn creation(
    cx: &Context<'_>,
    wanted: &Wanted,
    managed: &[Managed],
) -> Result<Step, Vec<Diagnostic>> {
    let variant = wanted.variant.as_deref().or((wanted.kind != Kind::Application).then_some(""));
    let (Some(variant), Some(name)) = (variant, &wanted.name) else {
        let (noun, identity) = (wanted.kind.noun(), wanted.kind.identity());
        let message =
            format!("{}: a new {noun} needs a {}", wanted.address, identity.replace("and", "and a"));
        return Err(vec![Diagnostic::error(Code::MissingKey, wanted.span, message)]);
    };
    // Duo accepts some fields on modify only (duo-api.md, section 3.3). Logins are blocked until those are set and it is
    // certain that this run created the application. Clearing such a field is skipped: a new application has no values.
    let late = |managed: &Managed| managed.field.is(Roles::LATE);
    let later = |managed: &Managed| {
        let opens = managed.field.is(Roles::OPENS) && managed.wanted != FieldValue::text(NO_USERS);
        (opens || late(managed)) && managed.wanted != FieldValue::Unset
    };
    // Fields that the YAML leaves out are unset on a new application.
    let written = || managed.iter().filter(|managed| !managed.left_out);
    let text = managed.iter().find_map(Managed::notes_text).unwrap_or_default();
    let applied = diff::applied(&diff::compared(managed.to_vec(), wanted), None);
    let notes = |state| {
        let marker = cx.marker(wanted, applied.clone(), state);
        checked_notes(wanted, &marker, text)
    };
    let mut create = match wanted.kind {
        Kind::Application => {
            Map::from_iter([("type".to_owned(), json!(variant)), ("user_access".to_owned(), json!(NO_USERS))])
        }
        Kind::Group | Kind::Policy => Map::new(),
    };
    let mut finish = Map::new();
    for managed in written() {
        if later(managed) {
            managed.send(&mut finish, None);
        } else if !late(managed) {
            managed.send(&mut create, None);
        }
    }
    // The first marker cannot be sealed over an id that does not exist yet, so a second call binds it.
    let creating = notes(MarkerState::Creating { since: cx.options.now })?;
    let property = wanted.kind.endpoint().marker.unwrap_or_default();
    create.insert(property.to_owned(), json!(creating));
    let mut writes = vec![Write::Create(wanted.kind, create)];
    // If a store cannot be read back, the marker records that the keys are not delivered yet.
    if wanted.secret.as_ref().is_some_and(|secret| secret.write_only) {
        writes.push(Write::Finish(Map::from_iter([("notes".to_owned(), json!(creating))])));
    }
    finish.insert(property.to_owned(), json!(notes(MarkerState::Owned)?));
    writes.push(Write::Finish(finish));
    let changes = diff::from_nothing(wanted, managed, &cx.references);
    Ok(Step {
        changes,
        writes,
        ..Step::new(wanted.kind, &wanted.address, Action::Create, variant, &name.value)
    })
}

/// Handles a changed type: marks the old application, creates the new one, and only then deletes the old one.
pub(super) fn replacement(
    cx: &Context<'_>,
    wanted: &Wanted,
    managed: &[Managed],
    old: Option<&Live<'_>>,
) -> Result<Step, Vec<Diagnostic>> {
    let mut step = creation(cx, wanted, managed)?;
    step.action = Action::Replace;
    step.inherent.push((
        Risk::Replaces,
        "a new integration key and secret key; anything that uses the old ones stops working",
    ));
    if wanted.address.is_intelligence() {
        step.inherent.push((Risk::BreaksHandoff, "the console holds the old keys"));
    }
    if let Some(old) = old {
        step.changes = diff::from_predecessor(wanted, managed, old.integration, &cx.references);
        step.inherent.extend(not_carried_over(managed, old.integration));
        let id = old.integration.object_id();
        let marker =
            Marker { protected: false, ..cx.marker(wanted, AppliedFields::new(), MarkerState::Replaced) };
        let notes = checked_notes(wanted, &marker, &old.text)?;
        step.writes
            .insert(0, Write::Update(id.clone(), Map::from_iter([("notes".to_owned(), json!(notes))])));
        // The old one stays in service until the new one is proven.
        step.writes.push(Write::Prove(None));
        let protected = old.marker.as_ref().is_some_and(|marker| marker.protected) || wanted.protect;
        step.delete(id.clone(), AFTER_REPLACEMENT, protected);
        step.watch(old.integration);
        step.id = Some(id);
        step.changes.insert(0, type_change(old.integration.variant(), &step.variant));
    }
    Ok(step)
}

/// Blocks a creation if the address's store cannot be read and an unmatched application of the same type exists. The store
/// may hold that application's key, and someone may have removed its marker to provoke a duplicate.
pub(super) fn hold_back_doubtful(cx: &Context<'_>, parts: &mut Parts, matched: &HashMap<&Address, &Object>) {
    let taken: HashSet<&Ikey> = matched.values().map(|live| &live.id).collect();
    let Observed::Present(lives) = cx.observation.objects.of(Kind::Application) else { return };
    for wanted in cx.desired.of(Kind::Application) {
        let address = &wanted.address;
        let Some(Held::Unreadable { reason, help }) = cx.held(wanted) else { continue };
        let creates = |step: &&Step| step.address == *address && step.action == Action::Create;
        let Some(step) = parts.steps.iter().find(creates) else { continue };
        let mut free =
            lives.iter().filter(|live| live.variant() == step.variant && !taken.contains(&live.id));
        let Some(live) = free.next().filter(|_| !cx.allows(Risk::Replaces, address)) else { continue };
        let more = if free.next().is_some() { " or of another application" } else { "" };
        let message = format!(
            "{address}: it is not created: its store cannot be read ({reason}) and may hold the key of {}{more}, which has the same type",
            live.id
        );
        let fix = help.as_deref().unwrap_or("fix the store, then apply again");
        let help =
            format!("{fix}; if this is a new application, pass `--allow {}:{address}`", Risk::Replaces);
        let problem = Diagnostic::error(Code::StoreUnreadable, wanted.span, message).help(help);
        parts.steps.retain(|step| step.address != *address);
        parts.add(Parts::blocked(address, vec![problem]));
    }
}

/// Deletes the leftovers of a replacement, within its step or in a separate one.
pub(super) fn add_leftovers(wanted: &Wanted, found: &Match<'_>, steps: &mut Vec<Step>) {
    let successor = found.live.as_ref().map(|live| live.integration.id.clone());
    for old in &found.predecessors {
        let live = old.integration;
        let protected = old.marker.as_ref().is_some_and(|marker| marker.protected) || wanted.protect;
        if let Some(step) = steps.iter_mut().find(|step| step.action == Action::Replace) {
            step.watch(live);
            if !step.writes.iter().any(|write| matches!(write, Write::Prove(_))) {
                step.writes.push(Write::Prove(None));
            }
            step.delete(live.object_id(), AFTER_REPLACEMENT, protected);
            step.id.get_or_insert_with(|| live.object_id());
            continue;
        }
        let mut step = Step::on(&wanted.address, Action::Delete, live);
        step.inherent.push((Risk::Replaces, "left over from a replacement"));
        step.writes.extend(successor.clone().map(|ikey| Write::Prove(Some(ikey))));
        step.delete(live.object_id(), AFTER_REPLACEMENT, protected);
        steps.push(step);
    }
}

fn type_change(before: &str, after: &str) -> Change {
    Change {
        origin: None,
        risk: Risk::Replaces,
        reason: "a type cannot be changed: the replacement gets a new integration key and secret key",
        ..Change::neutral("type", json!(before), json!(after))
    }
}

/// Restrictions of the old application that the YAML does not declare, so the new one does not have them.
fn not_carried_over(managed: &[Managed], old: &Object) -> Vec<(Risk, &'static str)> {
    let restrictions = [
        (POLICY, "the policy of the old application is not carried over"),
        (NETWORKS, "the networks of the old application are not carried over"),
    ];
    let lost = |(key, _): &(&str, _)| {
        let mentioned = managed.iter().any(|managed| managed.field.name() == *key);
        let held = field(key).and_then(|field| old.property(field.wire_name()));
        !mentioned && held.is_some_and(|value| !parts(value).is_empty())
    };
    let lost = restrictions.into_iter().filter(lost);
    lost.map(|(_, reason)| (Risk::WidensAccess, reason)).collect()
}
