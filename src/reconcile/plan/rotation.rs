//! Rotations by a twin as steps: begin, go on, finish, call off. Each can stop after any of its requests, and the next
//! plan finds in the markers where it stopped.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::config::diagnostic::{Code, Diagnostic};
use crate::duo::types::{Ikey, Integration};

use super::super::address::Address;
use super::super::copy::{self, Bodies};
use super::super::delivery::{Delivery, Standing, standing};
use super::super::desired::DesiredApplication;
use super::super::diff::{self, Change, Origin};
use super::super::fields::{Managed, NO_USERS, PERMISSION_PREFIX, PERMITTED_GROUPS, held_permissions};
use super::super::fingerprint::snapshot;
use super::super::marker::{AppliedFields, Marker, MarkerState, Shut};
use super::super::matching::{Live, Pair};
use super::super::risk::Risk;
use super::super::rotation::{Evidence, Keys, Rotation, Stage, evidence};
use super::build::{Builder, checked_notes, is_intelligence};
use super::{Action, Step, Write};

impl Builder<'_> {
    /// What is to be done at an address whose key is being rotated.
    pub(super) fn under_rotation(
        &mut self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        pair: &Pair<'_>,
    ) -> Result<Vec<Step>, Vec<Diagnostic>> {
        let state = pair.successor.marker.as_ref().map(|marker| &marker.state);
        let Some(stage) = state.and_then(Stage::of) else { return Ok(Vec::new()) };
        let address = &wanted.address;
        let kind = pair.old.integration.kind();
        if wanted.kind.as_deref().is_some_and(|wanted| wanted != kind) {
            let message = format!("{address}: its type changed while its key is being rotated");
            return Err(vec![Diagnostic::error(Code::RotationUnderWay, wanted.span, message).help(format!(
                "finish the rotation first, or call it off: `duoctl rotate {address} --abort`"
            ))]);
        }
        let evidence = self.evidence(address, pair);
        let suffices = stage == Stage::Delivered && evidence.suffices();
        self.note_rotation(address, stage, pair, evidence);
        if self.options.rotation.abort.contains(address) {
            return Ok(vec![self.calling_off(wanted, managed, stage, pair)?]);
        }
        if !pair.surplus.is_empty() {
            let ikeys: Vec<&str> = pair.surplus.iter().map(|live| live.integration.ikey.as_str()).collect();
            let message =
                format!("{address}: a second rotation began at the same time and left {}", ikeys.join(", "));
            return Err(vec![
                Diagnostic::error(Code::RotationUnderWay, wanted.span, message)
                    .help(format!("call both off, then rotate again: `duoctl rotate {address} --abort`")),
            ]);
        }
        let mut steps = self.existing(wanted, managed, &pair.old, true)?;
        if stage != Stage::Abandoned {
            // Both are in use, or will be, so both are as the YAML says; what is to be said of it is said once.
            let said = self.problems.len();
            steps.extend(self.existing(wanted, managed, &pair.successor, true)?);
            self.problems.truncate(said);
        }
        match stage {
            Stage::Made if self.readable(wanted) => steps.push(self.going_on(wanted, managed, pair)?),
            Stage::Made => {}
            Stage::Delivered => {
                if suffices && steps.is_empty() && self.holds_successor(wanted, pair) {
                    steps.push(self.finish(wanted, managed, pair)?);
                }
            }
            Stage::Abandoned => {
                let message = format!(
                    "{address}: a rotation was called off, and its successor {} is still there",
                    pair.successor.integration.ikey
                );
                self.problems.push(
                    Diagnostic::warning(Code::RotationUnderWay, wanted.span, message)
                        .help(format!("`duoctl rotate {address} --abort` removes it")),
                );
            }
        }
        Ok(steps)
    }

    /// A successor with every setting of the live application, and its keys beside the old ones.
    pub(super) fn begin_rotation(
        &mut self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        old: &Live<'_>,
    ) -> Result<Step, Vec<Diagnostic>> {
        let mut settings = copy::settings(old.integration);
        for managed in managed {
            managed.send(&mut settings, None);
        }
        let Bodies { mut create, mut finish } = copy::bodies(old.integration.kind(), settings);
        let since = self.options.now;
        let made = json!(self.successor_notes(wanted, managed, old, MarkerState::Successor(since))?);
        create.insert("notes".to_owned(), made.clone());
        let mut writes = vec![Write::Create(create)];
        if !finish.is_empty() {
            finish.insert("notes".to_owned(), made);
            writes.push(Write::Finish(finish));
        }
        let delivery = self.delivery_beside(wanted, old.integration);
        if delivery.is_some() {
            writes.push(Write::Deliver(None));
        }
        let delivered =
            self.successor_notes(wanted, managed, old, MarkerState::Delivered { since, at: since })?;
        writes.push(Write::Finish(Map::from_iter([("notes".to_owned(), json!(delivered))])));
        let mut step = rotation_step(wanted, old.integration, [old.integration], "", "delivered");
        step.writes = writes;
        step.delivery = delivery;
        Ok(step)
    }

    /// What an interrupted rotation had not done yet.
    fn going_on(
        &self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        pair: &Pair<'_>,
    ) -> Result<Step, Vec<Diagnostic>> {
        let (old, successor) = (pair.old.integration, pair.successor.integration);
        let ikey = successor.ikey.clone();
        let marker = pair.successor.marker.as_ref();
        let since = marker.and_then(|marker| marker.state.rotating_since()).unwrap_or(self.options.now);
        let mut settings = copy::settings(old);
        for managed in managed {
            managed.send(&mut settings, None);
        }
        // The groups of the old one mean nothing where the YAML lets others in meanwhile, and Duo would refuse them.
        if settings.get("user_access").and_then(Value::as_str) != Some(PERMITTED_GROUPS) {
            settings.remove("groups_allowed");
        }
        let mut writes = Vec::new();
        let mut missing = copy::unfinished(&settings, old.kind(), successor);
        if !missing.is_empty() {
            let made = self.successor_notes(wanted, managed, &pair.old, MarkerState::Successor(since))?;
            missing.insert("notes".to_owned(), json!(made));
            writes.push(Write::Update(ikey.clone(), missing));
        }
        let delivery = self.delivery_beside(wanted, old);
        if delivery.is_some() {
            writes.push(Write::Deliver(Some(ikey.clone())));
        }
        let state = MarkerState::Delivered { since, at: self.options.now };
        let notes = self.successor_notes(wanted, managed, &pair.old, state)?;
        writes.push(Write::Update(ikey, Map::from_iter([("notes".to_owned(), json!(notes))])));
        let mut step = rotation_step(wanted, old, [old, successor], Stage::Made.words(), "delivered");
        step.writes = writes;
        step.delivery = delivery;
        Ok(step)
    }

    /// The old key goes out of use, and the address has one application again. The old one is marked first: an
    /// interruption in between leaves a successor without a rival.
    fn finish(
        &self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        pair: &Pair<'_>,
    ) -> Result<Step, Vec<Diagnostic>> {
        let (old, successor) = (pair.old.integration, pair.successor.integration);
        let retired = Marker {
            protected: false,
            // From then on a use of it is one that should not be.
            shut: Shut { at: Some(TimeZone::UTC.to_datetime(self.observed_at).time()), ..Shut::default() },
            ..self.marker(wanted, AppliedFields::new(), MarkerState::Retired(self.options.today))
        };
        let mut body = Map::from_iter([
            ("user_access".to_owned(), json!(NO_USERS)),
            ("notes".to_owned(), json!(checked_notes(wanted, &retired, pair.old.text)?)),
        ]);
        for permission in held_permissions(old) {
            body.insert(format!("{PERMISSION_PREFIX}{permission}"), json!("0"));
        }
        let notes = self.successor_notes(wanted, managed, &pair.successor, MarkerState::Owned)?;
        let settled = Map::from_iter([("notes".to_owned(), json!(notes))]);
        let mut step = rotation_step(wanted, old, [old, successor], "delivered", "finished");
        step.inherent.push((Risk::NarrowsAccess, "nobody may log in with the old key any more"));
        step.writes =
            vec![Write::Update(old.ikey.clone(), body), Write::Update(successor.ikey.clone(), settled)];
        if let Some(secret) = &wanted.secret {
            step.writes.push(Write::Deliver(Some(successor.ikey.clone())));
            step.delivery = Some(Delivery::new(secret, "the old key is out of use, so it leaves the store"));
        }
        Ok(step)
    }

    /// The store gets the old key again, and only then the successor goes. The marker says so first, so that nothing
    /// takes the rotation up again in between.
    fn calling_off(
        &self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        stage: Stage,
        pair: &Pair<'_>,
    ) -> Result<Step, Vec<Diagnostic>> {
        let (old, successor) = (pair.old.integration, pair.successor.integration);
        let before = stage.words();
        let lives = [old, successor].into_iter().chain(pair.surplus.iter().map(|live| live.integration));
        let mut step = rotation_step(wanted, old, lives, before, "called off");
        if stage != Stage::Abandoned {
            let notes = self.successor_notes(wanted, managed, &pair.successor, MarkerState::Abandoned)?;
            step.writes.push(Write::Update(
                successor.ikey.clone(),
                Map::from_iter([("notes".to_owned(), json!(notes))]),
            ));
        }
        if let Some(secret) = &wanted.secret {
            step.writes.push(Write::Deliver(Some(old.ikey.clone())));
            step.delivery = Some(Delivery::new(secret, "the old key takes its place again"));
        }
        for live in std::iter::once(&pair.successor).chain(&pair.surplus) {
            step.writes.push(Write::Delete(live.integration.ikey.clone()));
        }
        if stage != Stage::Made {
            step.inherent.push((
                Risk::Destroys,
                "the new key stops working for good: whoever has read it is refused until it reads the old one again",
            ));
        }
        Ok(step)
    }

    /// The successor's notes: the text of both applications, and what was last applied to the old one.
    fn successor_notes(
        &self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        from: &Live<'_>,
        state: MarkerState,
    ) -> Result<String, Vec<Diagnostic>> {
        let applied = diff::applied(managed, from.marker.as_ref());
        let text = managed.iter().find_map(Managed::notes_text).unwrap_or(from.text);
        checked_notes(wanted, &self.marker(wanted, applied, state), text)
    }

    fn delivery_beside(&self, wanted: &DesiredApplication, old: &Integration) -> Option<Delivery> {
        let reason = format!("its new key; the old one of {} is kept beside it and works on", old.ikey);
        let delivery = Delivery::new(wanted.secret.as_ref()?, reason);
        Some(Delivery { beside: Some(old.ikey.clone()), ..delivery })
    }

    fn evidence(&self, address: &Address, pair: &Pair<'_>) -> Evidence {
        let state = pair.successor.marker.as_ref().map(|marker| &marker.state);
        match state {
            Some(MarkerState::Delivered { at, .. }) => {
                let keys = Keys {
                    address,
                    kind: pair.old.integration.kind(),
                    old: &pair.old.integration.ikey,
                    successor: &pair.successor.integration.ikey,
                    delivered_at: *at,
                };
                let attested = is_intelligence(address).then(|| self.is_attested(address));
                evidence(keys, self.rotation_uses, &self.options.rotation, attested, self.options.now)
            }
            Some(MarkerState::Abandoned) => Evidence {
                seen: Vec::new(),
                waits_for: vec![format!("its end: `duoctl rotate {address} --abort`")],
            },
            _ => Evidence {
                seen: Vec::new(),
                waits_for: vec![format!(
                    "the delivery of the new key: `duoctl rotate {address}` or `duoctl apply`"
                )],
            },
        }
    }

    /// Whether the store holds the new key, as far as it can be read: while it does not, nobody can move on to it.
    fn holds_successor(&self, wanted: &DesiredApplication, pair: &Pair<'_>) -> bool {
        let (old, successor) = (&pair.old.integration.ikey, pair.successor.integration);
        match (&wanted.secret, self.held.get(&wanted.address)) {
            (None, _) => true,
            (Some(secret), None) => secret.write_only,
            (Some(_), Some(held)) => {
                matches!(
                    standing(held, successor, self.host, Some(old)),
                    Standing::Current | Standing::CannotTell
                )
            }
        }
    }

    fn note_rotation(&mut self, address: &Address, stage: Stage, pair: &Pair<'_>, evidence: Evidence) {
        let state = pair.successor.marker.as_ref().map(|marker| &marker.state);
        let delivered_at = match state {
            Some(MarkerState::Delivered { at, .. }) => Some(*at),
            _ => None,
        };
        self.rotations.push(Rotation {
            address: address.clone(),
            stage,
            since: state.and_then(MarkerState::rotating_since),
            delivered_at,
            old: pair.old.integration.ikey.clone(),
            successor: pair.successor.integration.ikey.clone(),
            evidence,
        });
    }
}

fn rotation_step<'a>(
    wanted: &DesiredApplication,
    old: &Integration,
    lives: impl IntoIterator<Item = &'a Integration>,
    before: &str,
    after: &str,
) -> Step {
    let word = |word: &str| if word.is_empty() { Value::Null } else { json!(word) };
    let baseline = |live: &Integration| (live.ikey.to_string(), snapshot(live));
    let ikey: Ikey = old.ikey.clone();
    Step {
        address: wanted.address.clone(),
        action: Action::Rotate,
        ikey: Some(ikey),
        kind: old.kind().to_owned(),
        name: old.name().to_owned(),
        changes: vec![Change {
            field: "rotation".to_owned(),
            before: word(before),
            after: word(after),
            origin: Some(Origin::Config),
            risk: Risk::Neutral,
            reason: "",
            drift: None,
        }],
        inherent: Vec::new(),
        writes: Vec::new(),
        delivery: None,
        baseline: lives.into_iter().map(baseline).collect::<BTreeMap<_, _>>(),
    }
}
