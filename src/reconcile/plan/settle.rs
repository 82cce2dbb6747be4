//! Records in the marker when Duo stores a value that was just sent in another form, so that it does not show up as a
//! difference again (duo-api.md, trap 35).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::duo::object::{Kind, Object, ObjectId};

use super::super::desired::{Desired, Wanted};
use super::super::diff;
use super::super::live;
use super::super::matching::match_all;
use super::super::observation::Observation;
use super::super::observed::Observed;
use super::super::references::References;
use crate::kinds::address::Address;
use crate::kinds::managed::{Kept, Live, Managed};
use crate::kinds::marker::{Applied, AppliedFields, Marker, short_hash};
use crate::kinds::value::FieldValue;

/// One application whose marker has to record the values that Duo stores.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The address.
    pub address: Address,
    /// The object.
    pub id: ObjectId,
    /// The fields that Duo stores in another form: YAML key, sent value, stored value.
    pub fields: Vec<(String, Value, Value)>,
    /// The body that records them.
    pub(crate) body: Map<String, Value>,
}

/// The settlements of the given objects right after they were written. A read right after a write may show an old value, which
/// must not be mistaken for Duo's form of the new one: with `early`, only what shows the new value is settled.
pub fn settle(
    desired: &Desired,
    observation: &Observation,
    written: &[Address],
    early: bool,
) -> Vec<Settlement> {
    Kind::ALL.into_iter().flat_map(|kind| of_kind(kind, desired, observation, written, early)).collect()
}

fn of_kind(
    kind: Kind,
    desired: &Desired,
    observation: &Observation,
    written: &[Address],
    early: bool,
) -> Vec<Settlement> {
    let Observed::Present(lives) = observation.objects.of(kind) else {
        return Vec::new();
    };
    let references = References::new(desired, observation);
    let matches = match_all(kind, desired, lives, &observation.held, &observation.proofs);
    let mut settlements = Vec::new();
    for (wanted, found) in desired.of(kind).zip(&matches.matched) {
        let (Ok(found), true) = (found, written.contains(&wanted.address)) else { continue };
        let Ok(managed) = diff::managed(wanted, &references) else { continue };
        let managed = diff::compared(managed, wanted);
        match &found.pair {
            // Both applications of a rotation follow the YAML.
            Some(pair) => {
                settlements.extend(settlement(wanted, &managed, &pair.old, early));
                settlements.extend(settlement(wanted, &managed, &pair.successor, early));
            }
            None => settlements
                .extend(found.live.iter().filter_map(|live| settlement(wanted, &managed, live, early))),
        }
    }
    settlements
}

fn settlement(
    wanted: &Wanted,
    managed: &[Managed],
    live: &live::Live<'_>,
    early: bool,
) -> Option<Settlement> {
    // An unproven marker is not rewritten: the new seal would make it proven.
    let mut marker: Marker = live.marker.clone().filter(|_| live.proof.is_proven())?;
    let kept = if early { Other::new() } else { kept(managed, &marker, live.integration) };
    let asked = resolved(managed, &marker, live.integration);
    if kept.is_empty() && asked.is_empty() {
        return None;
    }
    marker.applied.extend(asked);
    let mut fields = Vec::new();
    for (code, (managed, value)) in kept {
        if let Some(applied) = marker.applied.get_mut(&code) {
            applied.kept = Some(short_hash(code, &value));
        }
        fields.push((managed.field.name().to_owned(), managed.wanted.json(), value.json()));
    }
    // Sending Duo's own form of the notes again may change them once more, so the declared text is sent.
    let text = managed.iter().find_map(Managed::notes_text).unwrap_or(&live.text);
    let body = Map::from_iter([(wanted.kind.endpoint().marker?.to_owned(), json!(marker.notes(text)))]);
    Some(Settlement { address: wanted.address.clone(), id: live.integration.object_id(), fields, body })
}

/// The fields whose hash was made when they referred to an object that did not exist yet: now Duo holds exactly what the
/// YAML says.
fn resolved(managed: &[Managed], marker: &Marker, live: &Object) -> AppliedFields {
    let resolved = managed.iter().filter_map(|managed| {
        let code = managed.field.letter?;
        let applied = marker.applied.get(&code)?;
        let asked = short_hash(code, &managed.wanted);
        let holds = managed.live(live) == Live::Value(managed.wanted.clone());
        (holds && applied.asked != asked).then_some((code, Applied { asked, kept: None }))
    });
    resolved.collect()
}

type Other<'m> = BTreeMap<char, (&'m Managed, FieldValue)>;

fn kept<'m>(managed: &'m [Managed], marker: &Marker, live: &Object) -> Other<'m> {
    let mut kept = Other::new();
    for managed in managed {
        let Some(code) = managed.field.letter else { continue };
        let Some(applied) = marker.applied.get(&code) else { continue };
        let Live::Value(value) = managed.live(live) else { continue };
        let target = managed.reachable(live).0;
        if value == target || managed.kept(&target, &value) == Kept::No {
            continue;
        }
        let known = applied.kept == Some(short_hash(code, &value));
        if applied.asked == short_hash(code, &managed.wanted) && !known {
            kept.insert(code, (managed, value));
        }
    }
    kept
}
