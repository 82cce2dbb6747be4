//! New applications, and those that take the place of one of another type.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use crate::config::diagnostic::{Code, Diagnostic};
use crate::duo::types::Integration;

use super::super::desired::DesiredApplication;
use super::super::diff::{self, Change};
use super::super::fields::{FieldKind, Managed, NO_USERS};
use super::super::fingerprint::snapshot;
use super::super::marker::{AppliedFields, Marker, MarkerState};
use super::super::matching::{Live, Match};
use super::super::risk::Risk;
use super::super::value::{FieldValue, parts};
use super::build::{Builder, PROTECTED, checked_notes, is_intelligence};
use super::{Action, Step, Write};

impl Builder<'_> {
    pub(super) fn creation(
        &self,
        wanted: &DesiredApplication,
        managed: &[Managed],
    ) -> Result<Step, Vec<Diagnostic>> {
        let (Some(kind), Some(name)) = (&wanted.kind, &wanted.name) else {
            let message = format!("{}: a new application needs a type and a name", wanted.address);
            return Err(vec![Diagnostic::error(Code::MissingKey, wanted.span, message)]);
        };
        // Duo takes some fields on modify only (duo-api.md, section 3.3). Until they are set nobody is let in.
        let later = |managed: &Managed| match managed.field.kind {
            FieldKind::Policy => managed.wanted != FieldValue::Unset,
            FieldKind::Prompt => true,
            _ => false,
        };
        // Where a store cannot be read back, the marker tells that the keys are still to be delivered.
        let unfinished = wanted.secret.as_ref().is_some_and(|secret| secret.write_only);
        let two_calls = unfinished || managed.iter().any(later);
        let text = managed.iter().find_map(Managed::notes_text).unwrap_or_default();
        let applied = diff::applied(&diff::compared(managed.to_vec(), wanted), None);
        let notes = |state| {
            let marker = self.marker(wanted, applied.clone(), state);
            checked_notes(wanted, &marker, text)
        };
        let mut create =
            Map::from_iter([("type".to_owned(), json!(kind)), ("user_access".to_owned(), json!(NO_USERS))]);
        let mut finish = Map::new();
        for managed in managed {
            let access = matches!(managed.field.kind, FieldKind::Access | FieldKind::Groups);
            if later(managed) || (access && two_calls) {
                managed.send(&mut finish, None);
            } else if managed.field.kind != FieldKind::Policy {
                managed.send(&mut create, None);
            }
        }
        let first_state = if two_calls { MarkerState::Creating } else { MarkerState::Owned };
        create.insert("notes".to_owned(), json!(notes(first_state)?));
        let mut writes = vec![Write::Create(create)];
        if two_calls {
            finish.insert("notes".to_owned(), json!(notes(MarkerState::Owned)?));
            writes.push(Write::Finish(finish));
        }
        Ok(Step {
            address: wanted.address.clone(),
            action: Action::Create,
            ikey: None,
            kind: kind.clone(),
            name: name.value.clone(),
            changes: diff::from_nothing(managed, &self.references),
            inherent: Vec::new(),
            writes,
            baseline: BTreeMap::new(),
            delivery: None,
        })
    }

    /// The type changed: the old application is marked, the new one created, and only then the old one deleted.
    pub(super) fn replacement(
        &self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        old: Option<&Live<'_>>,
    ) -> Result<Vec<Step>, Vec<Diagnostic>> {
        let mut step = self.creation(wanted, managed)?;
        step.action = Action::Replace;
        step.inherent.push((
            Risk::Replaces,
            "a new integration key and secret key; whatever uses the old ones stops working",
        ));
        if is_intelligence(&wanted.address) {
            step.inherent.push((Risk::BreaksHandoff, "the console holds the old keys"));
        }
        if let Some(old) = old {
            step.changes = diff::from_predecessor(managed, old.integration, &self.references);
            step.inherent.extend(not_carried_over(managed, old.integration));
            let ikey = old.integration.ikey.clone();
            let marker = Marker {
                protected: false,
                ..self.marker(wanted, AppliedFields::new(), MarkerState::Replaced)
            };
            let notes = checked_notes(wanted, &marker, old.text)?;
            step.writes
                .insert(0, Write::Update(ikey.clone(), Map::from_iter([("notes".to_owned(), json!(notes))])));
            // The old one serves until the new one is proven.
            step.writes.push(Write::Prove(None));
            step.writes.push(Write::Delete(ikey.clone()));
            step.baseline.insert(ikey.to_string(), snapshot(old.integration));
            let protected = old.marker.as_ref().is_some_and(|marker| marker.protected);
            if protected || wanted.protect {
                step.inherent.push((Risk::Destroys, PROTECTED));
            }
            step.ikey = Some(ikey);
            step.changes.insert(0, type_change(old.integration.kind(), &step.kind));
        }
        Ok(vec![step])
    }

    pub(super) fn add_leftovers(
        &self,
        wanted: &DesiredApplication,
        found: &Match<'_>,
        steps: &mut Vec<Step>,
    ) {
        for old in &found.predecessors {
            let ikey = old.integration.ikey.clone();
            let (key, baseline) = (ikey.to_string(), snapshot(old.integration));
            let protected = old.marker.as_ref().is_some_and(|marker| marker.protected) || wanted.protect;
            let protected = protected.then_some((Risk::Destroys, PROTECTED));
            let successor = found.live.as_ref().map(|live| live.integration.ikey.clone());
            if let Some(step) = steps.iter_mut().find(|step| step.action == Action::Replace) {
                if !step.writes.iter().any(|write| matches!(write, Write::Prove(_))) {
                    step.writes.push(Write::Prove(None));
                }
                step.writes.push(Write::Delete(ikey.clone()));
                step.baseline.insert(key, baseline);
                step.ikey.get_or_insert(ikey);
                step.inherent.extend(protected);
                continue;
            }
            steps.push(Step {
                address: wanted.address.clone(),
                action: Action::Delete,
                ikey: Some(ikey.clone()),
                kind: old.integration.kind().to_owned(),
                name: old.integration.name().to_owned(),
                changes: Vec::new(),
                inherent: std::iter::once((Risk::Replaces, "the rest of a replacement; Duo has no undelete"))
                    .chain(protected)
                    .collect(),
                writes: successor
                    .map(|ikey| Write::Prove(Some(ikey)))
                    .into_iter()
                    .chain([Write::Delete(ikey)])
                    .collect(),
                baseline: BTreeMap::from([(key, baseline)]),
                delivery: None,
            });
        }
    }
}

fn type_change(before: &str, after: &str) -> Change {
    Change {
        field: "type".to_owned(),
        before: json!(before),
        after: json!(after),
        origin: None,
        risk: Risk::Replaces,
        reason: "a type cannot change: a new integration key and secret key",
        drift: None,
    }
}

/// Restrictions of the old application that the YAML does not mention, so that the new one has none.
fn not_carried_over(managed: &[Managed], old: &Integration) -> Vec<(Risk, &'static str)> {
    let lost = |kind, wire, reason| {
        let mentioned = managed.iter().any(|managed| managed.field.kind == kind);
        (!mentioned && old.property(wire).is_some_and(|value| !parts(value).is_empty()))
            .then_some((Risk::WidensAccess, reason))
    };
    let policy =
        lost(FieldKind::Policy, "policy_key", "the policy of the old application is not carried over");
    let networks = lost(
        FieldKind::Networks,
        "networks_for_api_access",
        "the networks of the old application are not carried over",
    );
    policy.into_iter().chain(networks).collect()
}
