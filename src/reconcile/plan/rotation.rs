//! Overlap rotations as steps: begin, continue, finish, abort. Each can stop after any of its requests; the next plan
//! finds in the markers where it stopped.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Kind, Object, ObjectId};

use super::super::copy::{self, Bodies};
use super::super::delivery::{Delivery, Standing, standing};
use super::super::desired::Wanted;
use super::super::diff::{self, Change};
use super::super::live::Live;
use super::super::observed::Observed;
use super::super::pairing::Pair;
use super::super::rotation::{Evidence, Keys, Rotation, Stage, evidence};
use super::context::{Context, checked_notes};
use super::existing::existing;
use super::removal::no_one;
use super::step::{Action, ROTATION, Step, Write};
use crate::kinds::application::{NO_USERS, PERMITTED_GROUPS};
use crate::kinds::managed::Managed;
use crate::kinds::marker::{AppliedFields, Marker, MarkerState};
use crate::kinds::risk::Risk;
use crate::kinds::value::parts;

/// The rotation of a pair of applications, its stage and what it waits for.
pub(super) fn under_way(
    cx: &Context<'_>,
    wanted: &Wanted,
    pair: &Pair<'_>,
) -> Result<Rotation, Vec<Diagnostic>> {
    // A marker that has to be rewritten does not count.
    let says = |live: &Live<'_>| !pair.torn.contains(&live.integration.id);
    let state = pair.successor.state().filter(|_| says(&pair.successor));
    let address = &wanted.address;
    let kind = pair.old.integration.variant();
    if wanted.variant.as_deref().is_some_and(|wanted| wanted != kind) {
        let message = format!("{address}: its type changed while its key is being rotated");
        return Err(vec![
            Diagnostic::error(Code::RotationUnderWay, wanted.span, message)
                .help(format!("finish the rotation first, or abort it: `duoctl keys abort {address}`")),
        ]);
    }
    let delivered_at = match state {
        Some(MarkerState::Delivered { at, .. }) => Some(*at),
        _ => None,
    };
    Ok(Rotation {
        address: address.clone(),
        stage: pair.stage,
        since: state.and_then(MarkerState::rotating_since),
        delivered_at,
        old: pair.old.integration.id.clone(),
        successor: pair.successor.integration.id.clone(),
        evidence: seen(cx, wanted, delivered_at, pair),
    })
}

/// The evidence about both keys, and what the rotation waits for.
fn seen(cx: &Context<'_>, wanted: &Wanted, delivered_at: Option<Timestamp>, pair: &Pair<'_>) -> Evidence {
    let address = &wanted.address;
    let waits_for = match (pair.stage, delivered_at) {
        (_, _) if !pair.torn.is_empty() => {
            "the markers of both applications, which `duoctl apply` rewrites".to_owned()
        }
        (Stage::Delivered, Some(at)) => {
            let keys = Keys {
                address,
                kind: pair.old.integration.variant(),
                old: &pair.old.integration.id,
                successor: &pair.successor.integration.id,
                delivered_at: at,
            };
            let attested = address.is_intelligence().then(|| cx.is_attested(address));
            let uses = &cx.observation.rotation_uses;
            return evidence(keys, uses, &cx.options.rotation, attested, cx.options.now);
        }
        (Stage::Aborted, _) => format!("its cleanup: `duoctl keys abort {address}`"),
        (Stage::Made | Stage::Delivered, _) => {
            format!("the delivery of the new key: `duoctl keys rotate {address}` or `duoctl apply`")
        }
    };
    Evidence { waits_for: vec![waits_for], ..Evidence::default() }
}

/// The steps at an address whose key is being rotated.
pub(super) fn steps(
    cx: &Context<'_>,
    wanted: &Wanted,
    managed: &[Managed],
    pair: &Pair<'_>,
    rotation: &Rotation,
    said: &mut Vec<Diagnostic>,
) -> Result<Vec<Step>, Vec<Diagnostic>> {
    let (address, stage) = (&wanted.address, rotation.stage);
    let twin = Twin { cx, wanted, managed, old: &pair.old };
    if !pair.torn.is_empty() {
        return twin.writing_again(pair);
    }
    if cx.options.rotation.abort.contains(address) {
        return Ok(vec![twin.aborting(stage, pair)?]);
    }
    if !pair.surplus.is_empty() {
        let ikeys: Vec<&str> = pair.surplus.iter().map(|live| live.integration.id.as_str()).collect();
        let message =
            format!("{address}: a second rotation started at the same time and left {}", ikeys.join(", "));
        return Err(vec![Diagnostic::error(Code::RotationUnderWay, wanted.span, message).help(format!(
            "abort them one at a time with `duoctl keys abort {address}`, then rotate again"
        ))]);
    }
    let mut steps = existing(cx, wanted, managed, &pair.old, &twin.rotating(pair), said)?;
    let made = pair.successor.state().filter(|_| stage != Stage::Aborted);
    if let Some(state) = made {
        // Both are or will be in use, so both follow the YAML; findings are reported once.
        steps.extend(existing(cx, wanted, managed, &pair.successor, state, &mut Vec::new())?);
    }
    match stage {
        Stage::Made if cx.readable(wanted) => steps.push(twin.going_on(pair)?),
        Stage::Made => {}
        Stage::Delivered => {
            if rotation.evidence.suffices() && steps.is_empty() && holds_successor(cx, wanted, pair) {
                steps.push(twin.finish(&pair.successor)?);
            }
        }
        Stage::Aborted => {
            let message = format!(
                "{address}: a rotation was aborted, but its successor {} still exists",
                pair.successor.integration.id
            );
            said.push(
                Diagnostic::warning(Code::RotationUnderWay, wanted.span, message)
                    .help(format!("`duoctl keys abort {address}` removes it")),
            );
        }
    }
    Ok(steps)
}

/// A successor with every setting of the live application, and its keys next to the old ones.
pub(super) fn begin(
    cx: &Context<'_>,
    wanted: &Wanted,
    managed: &[Managed],
    old: &Live<'_>,
) -> Result<Step, Vec<Diagnostic>> {
    if cx.world.bound(&old.integration.id).next().is_some() || !wanted.group_policies.is_empty() {
        let address = &wanted.address;
        let message =
            format!("{address}: policies for groups apply to it, and its successor would not have them");
        let help = "remove them in the Duo Admin Panel and from `group_policies`, or rotate the key with `--strategy in-place`";
        return Err(vec![Diagnostic::error(Code::RotationUnderWay, wanted.span, message).help(help)]);
    }
    let twin = Twin { cx, wanted, managed, old };
    let Bodies { mut create, mut finish } = copy::bodies(old.integration.variant(), twin.settings());
    let since = cx.options.now;
    let of = old.integration.id.clone();
    let made = json!(twin.notes(old, MarkerState::Successor { of, since })?);
    create.insert("notes".to_owned(), made.clone());
    let mut step = rotation_step(wanted, old.integration, [], "", "delivered");
    step.writes.push(Write::Create(Kind::Application, create));
    step.writes.push(Write::Link(old.integration.object_id(), twin.link()?));
    finish.insert("notes".to_owned(), made);
    step.writes.push(Write::Finish(finish));
    twin.deliver(&mut step, since, None)?;
    Ok(step)
}

/// Whether the store holds the new key, as far as it can be read: until it does, clients cannot switch to it.
fn holds_successor(cx: &Context<'_>, wanted: &Wanted, pair: &Pair<'_>) -> bool {
    let (old, successor) = (&pair.old.integration.id, pair.successor.integration);
    match (&wanted.secret, cx.held(wanted)) {
        (None, _) => true,
        (Some(secret), None) => secret.write_only,
        (Some(_), Some(held)) => {
            let standing = standing(held, successor, &cx.observation.host, Some(old));
            matches!(standing, Standing::Current | Standing::CannotTell)
        }
    }
}

/// The two applications of a rotation: the one whose key is replaced, and its successor.
struct Twin<'a> {
    cx: &'a Context<'a>,
    wanted: &'a Wanted,
    managed: &'a [Managed],
    old: &'a Live<'a>,
}

impl Twin<'_> {
    /// Every setting of the successor: those of the old application, overridden by the YAML.
    fn settings(&self) -> Map<String, Value> {
        let mut settings = copy::settings(self.old.integration);
        let of_old = |managed: &Managed| settings.keys().any(|key| managed.field.owns(key));
        let sent: Vec<&Managed> =
            self.managed.iter().filter(|managed| !managed.left_out || of_old(managed)).collect();
        for managed in sent {
            managed.send(&mut settings, None);
        }
        // If the YAML no longer restricts access to groups, the old groups have no effect, and Duo would reject them.
        if settings.get("user_access").and_then(Value::as_str) != Some(PERMITTED_GROUPS) {
            settings.remove("groups_allowed");
        }
        self.without_gone_groups(&mut settings);
        settings
    }

    /// Removes deleted groups: Duo would reject them. Without any group left, no user may log in.
    fn without_gone_groups(&self, settings: &mut Map<String, Value>) {
        let (Observed::Present(groups), Some(copied)) =
            (self.cx.observation.objects.of(Kind::Group), settings.get("groups_allowed"))
        else {
            return;
        };
        let copied = parts(copied);
        let is_there = |id: &&String| groups.iter().any(|group| group.id.as_str() == id.as_str());
        let left: Vec<&str> = copied.iter().filter(is_there).map(String::as_str).collect();
        if left.len() == copied.len() {
            return;
        }
        if left.is_empty() {
            settings.remove("groups_allowed");
            settings.insert("user_access".to_owned(), Value::from(NO_USERS));
        } else {
            settings.insert("groups_allowed".to_owned(), Value::from(left.join(",")));
        }
    }

    /// Notes with a marker in the given state, the text of both applications, and what was last applied.
    fn notes(&self, from: &Live<'_>, state: MarkerState) -> Result<String, Vec<Diagnostic>> {
        let applied = diff::applied(self.managed, from.marker.as_ref());
        let text = self.managed.iter().find_map(Managed::notes_text).unwrap_or(&from.text);
        checked_notes(self.wanted, &self.cx.marker(self.wanted, applied, state), text)
    }

    /// The last requests that create a successor: its keys are delivered next to the old ones, and its marker says so.
    /// `successor` is absent if the same step creates it.
    fn deliver(
        &self,
        step: &mut Step,
        since: Timestamp,
        successor: Option<&Ikey>,
    ) -> Result<(), Vec<Diagnostic>> {
        if let Some(secret) = &self.wanted.secret {
            let old = &self.old.integration.id;
            let reason = format!("its new key; the old key of {old} is kept next to it and still works");
            step.writes.push(Write::Deliver(successor.cloned()));
            step.delivery = Some(Delivery { previous: Some(old.clone()), ..Delivery::new(secret, reason) });
        }
        let of = self.old.integration.id.clone();
        let state = MarkerState::Delivered { of, since, at: self.cx.options.now };
        let body = notes_only(self.notes(self.old, state)?);
        step.writes.push(match successor {
            Some(ikey) => Write::Update(ObjectId::application(ikey), body),
            None => Write::Finish(body),
        });
        Ok(())
    }

    /// The state in the old application's marker while its key is being rotated.
    fn rotating(&self, pair: &Pair<'_>) -> MarkerState {
        MarkerState::Rotating(pair.successor.integration.id.clone())
    }

    /// The old application's notes before and after the key of a successor that does not exist yet.
    fn link(&self) -> Result<[String; 2], Vec<Diagnostic>> {
        let unknown = "X".repeat(IKEY_LENGTH);
        let notes = self.notes(self.old, MarkerState::Rotating(Ikey::new(unknown.as_str())))?;
        let (before, after) = notes.rsplit_once(&unknown).unwrap_or((&notes, ""));
        Ok([before.to_owned(), after.to_owned()])
    }

    /// Rewrites the markers of both applications. When the new key was delivered is no longer known, so its use counts from now
    /// on.
    fn writing_again(&self, pair: &Pair<'_>) -> Result<Vec<Step>, Vec<Diagnostic>> {
        let (of, now) = (self.old.integration.id.clone(), self.cx.options.now);
        let said = pair.successor.state().filter(|state| state.of() == Some(&of)).cloned();
        let successor = said.unwrap_or(match pair.stage {
            Stage::Delivered => MarkerState::Delivered { of, since: now, at: now },
            Stage::Made | Stage::Aborted => MarkerState::Successor { of, since: now },
        });
        let mut steps = Vec::new();
        for (live, state) in [(&pair.old, self.rotating(pair)), (&pair.successor, successor)] {
            let ikey = &live.integration.id;
            if !pair.torn.contains(ikey) {
                continue;
            }
            let before = match &live.marker {
                Some(marker) if marker.address != self.wanted.address => {
                    format!("belongs to the rotation of {}", marker.address)
                }
                Some(_) | None => "its marker does not name its rotation".to_owned(),
            };
            let mut step = Step::on(&self.wanted.address, Action::Update, live.integration);
            let after = json!("belongs to the rotation of its key");
            step.changes.push(Change::neutral("state", json!(before), after));
            // What was last applied is unknown, too; the next plan compares.
            let applied = live.marker.as_ref().map(|marker| marker.applied.clone()).unwrap_or_default();
            let marker = self.cx.marker(self.wanted, applied, state);
            let notes = checked_notes(self.wanted, &marker, &live.text)?;
            step.writes.push(Write::Update(ObjectId::application(ikey), notes_only(notes)));
            steps.push(step);
        }
        Ok(steps)
    }

    /// The remaining requests of an interrupted rotation.
    fn going_on(&self, pair: &Pair<'_>) -> Result<Step, Vec<Diagnostic>> {
        let (old, live) = (self.old.integration, pair.successor.integration);
        let since = pair.successor.state().and_then(MarkerState::rotating_since);
        let since = since.unwrap_or(self.cx.options.now);
        let mut step = rotation_step(self.wanted, old, [live], Stage::Made.words(), "delivered");
        let rotating = self.rotating(pair);
        if self.old.state() != Some(&rotating) {
            step.writes.push(Write::Update(old.object_id(), notes_only(self.notes(self.old, rotating)?)));
        }
        let mut missing = copy::unfinished(&self.settings(), old.variant(), live);
        if !missing.is_empty() {
            let of = old.id.clone();
            let made = self.notes(self.old, MarkerState::Successor { of, since })?;
            missing.insert("notes".to_owned(), json!(made));
            step.writes.push(Write::Update(live.object_id(), missing));
        }
        self.deliver(&mut step, since, Some(&live.id))?;
        Ok(step)
    }

    /// Retires the old key, so the address has one application again. The old one is marked first: an interruption in between
    /// leaves the successor as the only candidate.
    fn finish(&self, successor: &Live<'_>) -> Result<Step, Vec<Diagnostic>> {
        let (cx, wanted) = (self.cx, self.wanted);
        let (old, live) = (self.old.integration, successor.integration);
        let retired = Marker {
            protected: false,
            // Any use of the old key after this time is unexpected.
            ..cx.marker(wanted, AppliedFields::new(), MarkerState::Retired(cx.options.now))
        };
        let body = no_one(old, checked_notes(wanted, &retired, &self.old.text)?);
        let settled = notes_only(self.notes(successor, MarkerState::Owned)?);
        let mut step = rotation_step(wanted, old, [live], "delivered", "finished");
        step.inherent.push((Risk::NarrowsAccess, "no user may log in with the old key anymore"));
        step.writes = vec![Write::Update(old.object_id(), body), Write::Update(live.object_id(), settled)];
        self.deliver_alone(&mut step, live, "the old key is disabled, so it is removed from the store");
        Ok(step)
    }

    /// Delivers the old key again, and only then deletes the successor. The marker says so first, so that nothing continues the
    /// rotation in between.
    fn aborting(&self, stage: Stage, pair: &Pair<'_>) -> Result<Step, Vec<Diagnostic>> {
        let (old, made) = (self.old.integration, pair.successor.integration);
        let mut step = rotation_step(self.wanted, old, [made], stage.words(), ABORTED);
        let rotating = self.rotating(pair);
        if self.old.state() != Some(&rotating) {
            step.writes.push(Write::Update(old.object_id(), notes_only(self.notes(self.old, rotating)?)));
        }
        if stage != Stage::Aborted {
            let abandoned = MarkerState::Abandoned { of: old.id.clone() };
            let notes = self.notes(&pair.successor, abandoned)?;
            step.writes.push(Write::Update(made.object_id(), notes_only(notes)));
        }
        self.deliver_alone(&mut step, old, "the old key becomes the current key again");
        let reason = if stage == Stage::Made {
            "the application that the rotation created is deleted; Duo has no undelete"
        } else {
            "the new key stops working for good: clients that read it are refused until they read the old key again"
        };
        step.delete(made.object_id(), reason, false);
        let owned = self.notes(self.old, MarkerState::Owned)?;
        step.writes.push(Write::Update(old.object_id(), notes_only(owned)));
        step.changes.push(Change::neutral("new application", json!(made.id), json!("deleted")));
        Ok(step)
    }

    /// Delivers the keys of one of the two alone.
    fn deliver_alone(&self, step: &mut Step, live: &Object, reason: &str) {
        if let Some(secret) = &self.wanted.secret {
            step.writes.push(Write::Deliver(Some(live.id.clone())));
            step.delivery = Some(Delivery::new(secret, reason));
        }
    }
}

/// The stage of a rotation that was aborted.
const ABORTED: &str = "aborted";
/// The length of an integration key (duo-api.md, section 1).
const IKEY_LENGTH: usize = 20;

fn notes_only(notes: String) -> Map<String, Value> {
    Map::from_iter([("notes".to_owned(), json!(notes))])
}

fn rotation_step<'a>(
    wanted: &Wanted,
    old: &Object,
    others: impl IntoIterator<Item = &'a Object>,
    before: &str,
    after: &str,
) -> Step {
    let word = |word: &str| if word.is_empty() { Value::Null } else { json!(word) };
    let mut step = Step::on(&wanted.address, Action::Rotate, old);
    others.into_iter().for_each(|live| step.watch(live));
    step.changes.push(Change::neutral(ROTATION, word(before), word(after)));
    step
}
