//! From desired and observed to steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use crate::config::diagnostic::{Code, Diagnostic, Severity};
use crate::config::model::DuoPlan;
use crate::duo::types::{Ikey, Integration};

use super::super::address::Address;
use super::super::desired::{Desired, DesiredApplication};
use super::super::diff::{self, Change};
use super::super::fields::{FieldKind, Managed, NO_USERS, PERMISSION_PREFIX, held_permissions};
use super::super::fingerprint::snapshot;
use super::super::marker::{AppliedFields, Marker, MarkerState, NOTES_LIMIT};
use super::super::matching::{Live, Match, match_all};
use super::super::observed::{Observation, Observed};
use super::super::references::References;
use super::super::risk::Risk;
use super::super::value::FieldValue;
use super::{
    Action, Options, Orphan, Plan, Prune, Step, Write, fingerprint_of, outstanding_handoffs, unreadable,
};

/// Compares what the YAML asks for with what the account holds.
pub fn plan(desired: &Desired, observation: &Observation, options: &Options) -> Plan {
    let mut builder = Builder {
        desired,
        options,
        references: References::new(&observation.groups, &observation.policies),
        steps: Vec::new(),
        problems: Vec::new(),
        blocked: BTreeSet::new(),
    };
    let empty = Vec::new();
    let mut readable = true;
    let integrations = match &observation.integrations {
        Observed::Present(integrations) => integrations,
        Observed::Absent => &empty,
        Observed::Unreadable(reason) => {
            readable = false;
            builder.problems.push(unreadable(reason));
            builder.blocked.extend(desired.applications.iter().map(|wanted| wanted.address.clone()));
            &empty
        }
    };
    let mut matches = match_all(desired, integrations);
    let mut lives: HashMap<&Address, &Integration> = HashMap::new();
    let mut left_out = 0;
    for (wanted, found) in desired.applications.iter().zip(matches.matched.drain(..)) {
        let live = found.as_ref().ok().and_then(|found| found.live.as_ref());
        if let Some(live) =
            live.filter(|live| wanted.kind.as_deref().is_none_or(|kind| kind == live.integration.kind()))
        {
            lives.insert(&wanted.address, live.integration);
        }
        if !options.selection.covers(&wanted.address) {
            left_out += 1;
        } else if readable {
            builder.application(wanted, found);
        }
    }
    let orphans = builder.orphans(&matches.orphans);
    builder.check_edition(observation);
    let mut handoffs = outstanding_handoffs(&desired.handoffs, &lives, &options.selection);
    if !readable {
        handoffs.clear();
    }
    let fingerprint = fingerprint_of(&observation.host, &desired.yaml_hash, integrations, &builder.steps);
    Plan {
        workspace: desired.workspace.clone(),
        operator: observation.operator.clone(),
        steps: builder.steps,
        handoffs,
        orphans,
        problems: builder.problems,
        blocked: builder.blocked,
        matched: lives.into_iter().map(|(address, live)| (address.clone(), live.ikey.clone())).collect(),
        owned: matches.owned,
        declared: desired.applications.len(),
        unmanaged: matches.unmanaged,
        left_out,
        fingerprint,
    }
}

struct Builder<'a> {
    desired: &'a Desired,
    options: &'a Options,
    references: References,
    steps: Vec<Step>,
    problems: Vec<Diagnostic>,
    blocked: BTreeSet<Address>,
}

impl Builder<'_> {
    fn block(&mut self, address: &Address, problems: impl IntoIterator<Item = Diagnostic>) {
        self.problems.extend(problems);
        self.blocked.insert(address.clone());
    }

    fn application(&mut self, wanted: &DesiredApplication, found: Result<Match<'_>, Box<Diagnostic>>) {
        let managed = diff::managed(wanted, &self.references);
        let (found, managed) = match (found, managed) {
            (Ok(found), Ok(managed)) => (found, managed),
            (found, managed) => {
                let problems = found
                    .err()
                    .map(|problem| *problem)
                    .into_iter()
                    .chain(managed.err().into_iter().flatten());
                return self.block(&wanted.address, problems);
            }
        };
        let same_type =
            |live: &Live<'_>| wanted.kind.as_deref().is_none_or(|kind| kind == live.integration.kind());
        let steps = match &found.live {
            Some(live) if same_type(live) => self.existing(wanted, &managed, live),
            Some(live) => self.replacement(wanted, &managed, Some(live)),
            None if found.predecessors.is_empty() => self.creation(wanted, &managed).map(|step| vec![step]),
            None => self.replacement(wanted, &managed, None),
        };
        match steps {
            Ok(mut steps) => {
                self.add_leftovers(wanted, &found.predecessors, &mut steps);
                self.steps.extend(steps);
            }
            Err(problems) => self.block(&wanted.address, problems),
        }
    }

    fn marker(&self, wanted: &DesiredApplication, applied: AppliedFields, state: MarkerState) -> Marker {
        let (workspace, address) = (self.desired.workspace.clone(), wanted.address.clone());
        Marker { workspace, address, applied, state, protected: wanted.protect }
    }

    fn creation(&self, wanted: &DesiredApplication, managed: &[Managed]) -> Result<Step, Vec<Diagnostic>> {
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
        let two_calls = managed.iter().any(later);
        let text = managed.iter().find_map(Managed::notes_text).unwrap_or_default();
        let applied = diff::applied(managed, wanted, None);
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
        })
    }

    fn existing(
        &mut self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        live: &Live<'_>,
    ) -> Result<Vec<Step>, Vec<Diagnostic>> {
        let integration = live.integration;
        let marker = live.marker.as_ref().filter(|marker| marker.address == wanted.address);
        let difference = diff::compare(wanted, managed, integration, marker, &self.references);
        if difference.problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(difference.problems);
        }
        let text = managed.iter().find_map(Managed::notes_text).unwrap_or(live.text);
        let mut steps = Vec::new();
        let step = |action, changes, body: Map<String, Value>| Step {
            address: wanted.address.clone(),
            action,
            ikey: Some(integration.ikey.clone()),
            kind: integration.kind().to_owned(),
            name: integration.name().to_owned(),
            changes,
            inherent: Vec::new(),
            writes: vec![Write::Update(integration.ikey.clone(), body)],
            baseline: BTreeMap::from([(integration.ikey.to_string(), snapshot(integration))]),
        };
        let mut changes: Vec<Change> =
            marker.into_iter().flat_map(|marker| marker_changes(marker, wanted)).collect();
        changes.extend(difference.changes.iter().cloned());
        let applied = diff::applied(managed, wanted, marker);
        if marker.is_none() {
            // An adoption changes nothing but the notes, so it records only what already is as the YAML wants it.
            let changing: Vec<char> = difference.fields.iter().map(|managed| managed.field.code).collect();
            let as_is = applied
                .iter()
                .filter(|(code, _)| !changing.contains(code))
                .map(|(code, applied)| (*code, *applied));
            let adopted = self.marker(wanted, as_is.collect(), MarkerState::Owned);
            let notes = checked_notes(wanted, &adopted, live.text)?;
            steps.push(step(Action::Adopt, Vec::new(), Map::from_iter([("notes".to_owned(), json!(notes))])));
        }
        if !changes.is_empty() {
            let mut body = diff::body(&difference, managed, integration);
            let notes = checked_notes(wanted, &self.marker(wanted, applied, MarkerState::Owned), text)?;
            body.insert("notes".to_owned(), json!(notes));
            steps.push(step(Action::Update, changes, body));
        }
        self.problems.extend(difference.problems);
        Ok(steps)
    }

    /// The type changed: the old application is marked, the new one created, and only then the old one deleted.
    fn replacement(
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
            let ikey = old.integration.ikey.clone();
            let marker = Marker {
                protected: false,
                ..self.marker(wanted, AppliedFields::new(), MarkerState::Replaced)
            };
            let notes = checked_notes(wanted, &marker, old.text)?;
            step.writes
                .insert(0, Write::Update(ikey.clone(), Map::from_iter([("notes".to_owned(), json!(notes))])));
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

    fn add_leftovers(&self, wanted: &DesiredApplication, predecessors: &[Live<'_>], steps: &mut Vec<Step>) {
        for old in predecessors {
            let ikey = old.integration.ikey.clone();
            let (key, baseline) = (ikey.to_string(), snapshot(old.integration));
            if let Some(step) = steps.iter_mut().find(|step| step.action == Action::Replace) {
                step.writes.push(Write::Delete(ikey.clone()));
                step.baseline.insert(key, baseline);
                step.ikey = Some(ikey);
                continue;
            }
            steps.push(Step {
                address: wanted.address.clone(),
                action: Action::Delete,
                ikey: Some(ikey.clone()),
                kind: old.integration.kind().to_owned(),
                name: old.integration.name().to_owned(),
                changes: Vec::new(),
                inherent: vec![(Risk::Destroys, "what a replacement left behind; Duo has no undelete")],
                writes: vec![Write::Delete(ikey)],
                baseline: BTreeMap::from([(key, baseline)]),
            });
        }
    }

    fn orphans(&mut self, orphans: &[Live<'_>]) -> Vec<Orphan> {
        let mut listed = Vec::new();
        for orphan in orphans {
            let Some(marker) = &orphan.marker else { continue };
            if !self.options.selection.covers(&marker.address) {
                continue;
            }
            let since = if let MarkerState::Quarantined(since) = marker.state { Some(since) } else { None };
            let days = i64::from(self.desired.guards.quarantine_days);
            let over = since.is_some_and(|since| {
                since.until(self.options.today).is_ok_and(|span| i64::from(span.get_days()) >= days)
            });
            match (self.options.prune, since) {
                (Prune::No, _) => {}
                (Prune::Now, _) => self.steps.push(removal(orphan, marker, Action::Delete)),
                (Prune::Quarantine, Some(_)) if over => {
                    self.steps.push(removal(orphan, marker, Action::Delete))
                }
                (Prune::Quarantine, Some(_)) => {}
                (Prune::Quarantine, None) => {
                    let step = quarantine(orphan, marker, self.options.today);
                    self.steps.push(step);
                }
            }
            listed.push(Orphan {
                address: marker.address.clone(),
                ikey: orphan.integration.ikey.clone(),
                name: orphan.integration.name().to_owned(),
                quarantined_since: since.map(|since| since.to_string()),
                protected: marker.protected,
            });
        }
        listed
    }

    fn check_edition(&mut self, observation: &Observation) {
        let (Some(declared), Some(edition)) = (&self.desired.plan, &observation.account.edition) else {
            return;
        };
        let actual = DuoPlan::from_edition(edition);
        if actual.is_some_and(|actual| actual != declared.value) {
            let message = format!("the account's plan is {edition}, not the declared one");
            self.problems.push(
                Diagnostic::warning(Code::AccountMismatch, declared.span, message)
                    .help("correct `tenant.plan`"),
            );
        }
    }
}

/// The reason that `protect` gives.
pub(crate) const PROTECTED: &str = "it is protected";

fn is_intelligence(address: &Address) -> bool {
    address.as_str().starts_with("identity_intelligence.")
}

fn type_change(before: &str, after: &str) -> Change {
    Change {
        field: "type".to_owned(),
        before: json!(before),
        after: json!(after),
        origin: None,
        risk: Risk::Replaces,
        reason: "a type cannot change",
    }
}

/// What the marker says and no longer should.
fn marker_changes(marker: &Marker, wanted: &DesiredApplication) -> Vec<Change> {
    let change = |field: &str, before: Value, after: Value| Change {
        field: field.to_owned(),
        before,
        after,
        origin: Some(diff::Origin::Config),
        risk: Risk::Neutral,
        reason: "",
    };
    let mut changes = Vec::new();
    let state = match &marker.state {
        MarkerState::Owned => None,
        MarkerState::Creating => Some("unfinished".to_owned()),
        MarkerState::Replaced => Some("replaced".to_owned()),
        MarkerState::Quarantined(since) => Some(format!("quarantined since {since}")),
    };
    if let Some(state) = state {
        changes.push(change("state", json!(state), json!("managed")));
    }
    if marker.protected != wanted.protect {
        changes.push(change("protect", json!(marker.protected), json!(wanted.protect)));
    }
    changes
}

fn checked_notes(
    wanted: &DesiredApplication,
    marker: &Marker,
    text: &str,
) -> Result<String, Vec<Diagnostic>> {
    let notes = marker.notes(text);
    let length = notes.chars().count();
    if length <= NOTES_LIMIT {
        return Ok(notes);
    }
    let span = wanted.settings.get("notes").map(|notes| notes.span).or(wanted.span);
    let message = format!(
        "{}: notes and marker together are {length} characters, more than {NOTES_LIMIT}",
        wanted.address
    );
    Err(vec![
        Diagnostic::error(Code::InvalidNotes, span, message)
            .help(format!("shorten the notes by {} characters", length - NOTES_LIMIT)),
    ])
}

fn removal(orphan: &Live<'_>, marker: &Marker, action: Action) -> Step {
    let ikey: &Ikey = &orphan.integration.ikey;
    let mut inherent = vec![match action {
        Action::Delete => (Risk::Destroys, "its keys stop working for good; Duo has no undelete"),
        _ => (Risk::NarrowsAccess, "nobody may log in any more"),
    }];
    if is_intelligence(&marker.address) {
        inherent.push((Risk::BreaksHandoff, "remove the integration in the console first"));
    }
    if marker.protected {
        inherent.push((Risk::Destroys, PROTECTED));
    }
    Step {
        address: marker.address.clone(),
        action,
        ikey: Some(ikey.clone()),
        kind: orphan.integration.kind().to_owned(),
        name: orphan.integration.name().to_owned(),
        changes: Vec::new(),
        inherent,
        writes: vec![Write::Delete(ikey.clone())],
        baseline: BTreeMap::from([(ikey.to_string(), snapshot(orphan.integration))]),
    }
}

fn quarantine(orphan: &Live<'_>, marker: &Marker, today: jiff::civil::Date) -> Step {
    let mut step = removal(orphan, marker, Action::Quarantine);
    let quarantined = Marker { state: MarkerState::Quarantined(today), ..marker.clone() };
    let mut body = Map::from_iter([
        ("user_access".to_owned(), json!(NO_USERS)),
        ("notes".to_owned(), json!(quarantined.notes(orphan.text))),
    ]);
    for permission in held_permissions(orphan.integration) {
        body.insert(format!("{PERMISSION_PREFIX}{permission}"), json!("0"));
    }
    step.writes = vec![Write::Update(orphan.integration.ikey.clone(), body)];
    step
}
