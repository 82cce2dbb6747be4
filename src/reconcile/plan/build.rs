//! From desired and observed to steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use serde_json::{Map, Value, json};

use crate::config::diagnostic::{Code, Diagnostic, Severity};
use crate::config::model::DuoPlan;
use crate::duo::types::{Ikey, Integration};

use super::super::address::Address;
use super::super::age::Creations;
use super::super::delivery::Held;
use super::super::desired::{Desired, DesiredApplication};
use super::super::diff::{self, Change};
use super::super::fields::Managed;
use super::super::fingerprint::snapshot;
use super::super::handoff::Handoff;
use super::super::marker::{AppliedFields, Marker, MarkerState, NOTES_LIMIT, Shut};
use super::super::matching::{Live, Match, match_all};
use super::super::observation::{LastUse, Observation};
use super::super::observed::Observed;
use super::super::references::References;
use super::super::risk::Risk;
use super::super::rotation::{Rotation, Uses};
use super::super::selection::Selection;
use super::super::value::parts;
use super::likeness::LookAlikes;
use super::{Action, Options, Orphan, Plan, Step, Write, console, fingerprint_of, price, unreadable};

/// Compares what the YAML asks for with what the account holds.
pub fn plan(desired: &Desired, observation: &Observation, options: &Options) -> Plan {
    let empty = Vec::new();
    let mut builder = Builder {
        desired,
        options,
        references: References::new(&observation.groups, &observation.policies),
        held: &observation.held,
        host: &observation.host,
        uses: &observation.uses,
        rotation_uses: &observation.rotation_uses,
        creations: &observation.creations,
        observed_at: observation.observed_at,
        steps: Vec::new(),
        problems: Vec::new(),
        rotations: Vec::new(),
        retired: Vec::new(),
        blocked: BTreeSet::new(),
        unlooked: Vec::new(),
        left_out: BTreeSet::new(),
        let_go: BTreeSet::new(),
        look_alikes: LookAlikes::default(),
    };
    let mut readable = true;
    let integrations = match &observation.integrations {
        Observed::Present(integrations) => integrations,
        // Every account has a list of applications: that nobody asked for it does not make it empty.
        unread => {
            readable = false;
            let reason = if let Observed::Unreadable(reason) = unread { reason } else { "nobody asked" };
            builder.problems.push(unreadable(reason));
            builder.blocked.extend(desired.applications.iter().map(|wanted| wanted.address.clone()));
            &empty
        }
    };
    let mut matches = match_all(desired, integrations);
    builder.look_alikes = LookAlikes::new(&matches.unowned);
    let mut lives: HashMap<&Address, &Integration> = HashMap::new();
    let mut found: Vec<_> = desired.applications.iter().zip(matches.matched.drain(..)).collect();
    found.sort_by_key(|(wanted, _)| &wanted.address);
    for (wanted, found) in &found {
        let live = found.as_ref().ok().and_then(|found| found.live.as_ref());
        if let Some(live) =
            live.filter(|live| wanted.kind.as_deref().is_none_or(|kind| kind == live.integration.kind()))
        {
            lives.insert(&wanted.address, live.integration);
        }
    }
    // What is retained goes on as it is, in the console as well.
    let stays =
        |live: &&Live<'_>| live.marker.as_ref().is_some_and(|marker| desired.retains(&marker.address));
    let removed: Vec<Live<'_>> = matches.orphans.iter().filter(|live| !stays(live)).cloned().collect();
    let mut handoffs = if readable { console::handoffs(desired, &lives, &removed) } else { Vec::new() };
    builder.let_go = console::let_go(&handoffs);
    for (wanted, found) in found {
        if !options.selection.covers(&wanted.address) {
            builder.left_out.insert(wanted.address.clone());
        } else if readable {
            builder.application(wanted, found);
        }
    }
    builder.tell_likely();
    let orphans = builder.orphans(&matches.orphans, &matches.contested);
    builder.check_edition(observation);
    if readable {
        builder.problems.extend(console::idle_attestations(desired, &handoffs));
    }
    handoffs.retain(|handoff| console::is_covered(handoff, &options.selection));
    let (attested, handoffs) = handoffs.into_iter().partition(Handoff::is_attested);
    let prices = price::of(&builder.steps, desired, integrations);
    let fingerprint = fingerprint_of(&observation.host, &desired.yaml_hash, integrations, &builder.steps);
    Plan {
        workspace: desired.workspace.clone(),
        operator: observation.operator.clone(),
        second_operator: desired.second_operator,
        steps: builder.steps,
        handoffs,
        attested,
        orphans,
        rotations: builder.rotations,
        retired: builder.retired,
        problems: builder.problems,
        blocked: builder.blocked,
        matched: lives.into_iter().map(|(address, live)| (address.clone(), live.ikey.clone())).collect(),
        owned: matches.owned,
        declared: desired.applications.len(),
        unmanaged: matches.unmanaged,
        left_out_pending: pending(desired, observation, options, &builder.left_out),
        left_out: builder.left_out,
        prices,
        affected: BTreeMap::new(),
        survey: None,
        unlooked: builder.unlooked,
        look_alikes: builder.look_alikes.certain,
        fingerprint,
    }
}

/// What a partial run leaves undone: an honest end says so.
fn pending(
    desired: &Desired,
    observation: &Observation,
    options: &Options,
    left_out: &BTreeSet<Address>,
) -> BTreeSet<Address> {
    if left_out.is_empty() {
        return BTreeSet::new();
    }
    let everything = Options { selection: Selection::default(), ..options.clone() };
    let whole = plan(desired, observation, &everything);
    let undone = whole.steps().iter().map(|step| &step.address).chain(whole.blocked());
    undone.filter(|address| left_out.contains(address)).cloned().collect()
}

pub(super) struct Builder<'a> {
    pub(super) desired: &'a Desired,
    pub(super) options: &'a Options,
    pub(super) references: References,
    /// What secret stores hold.
    pub(super) held: &'a BTreeMap<Address, Held>,
    pub(super) host: &'a str,
    /// What the authentication log shows of applications that are to be deleted.
    pub(super) uses: &'a BTreeMap<Ikey, Observed<Option<LastUse>>>,
    /// When the keys of rotations were last used.
    pub(super) rotation_uses: &'a Observed<Uses>,
    /// When applications were created.
    pub(super) creations: &'a Observed<Creations>,
    pub(super) observed_at: Timestamp,
    pub(super) rotations: Vec<Rotation>,
    pub(super) retired: Vec<Orphan>,
    pub(super) steps: Vec<Step>,
    pub(super) problems: Vec<Diagnostic>,
    blocked: BTreeSet<Address>,
    /// Applications whose deletion waits for a look into the authentication log, from when on.
    pub(super) unlooked: Vec<(Ikey, Timestamp)>,
    pub(super) left_out: BTreeSet<Address>,
    /// Entries whose console holds the values of now, and so nothing of what is about to go: a person said so.
    pub(super) let_go: BTreeSet<Address>,
    /// What an address that would be created may be.
    pub(super) look_alikes: LookAlikes<'a>,
}

impl Builder<'_> {
    pub(super) fn block(&mut self, address: &Address, problems: impl IntoIterator<Item = Diagnostic>) {
        self.problems.extend(problems);
        self.blocked.insert(address.clone());
    }

    /// Whether a person has said that the console holds the values of the entry that an application is part of.
    pub(super) fn is_attested(&self, part: &Address) -> bool {
        part.composite().is_some_and(|(entry, _)| self.let_go.contains(&entry))
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
            _ if found.pair.is_some() => match &found.pair {
                Some(pair) => self.under_rotation(wanted, &diff::compared(managed, wanted), pair),
                None => Ok(Vec::new()),
            },
            Some(live) if same_type(live) => self.settled(wanted, &diff::compared(managed, wanted), live),
            Some(live) if live.integration.kind().is_empty() => Err(vec![without_type(wanted, live)]),
            Some(live) => self.replacement(wanted, &managed, Some(live)),
            None if found.predecessors.is_empty() => self
                .look_for_alike(wanted, &managed)
                .and_then(|()| self.creation(wanted, &managed))
                .map(|step| vec![step]),
            None => self.replacement(wanted, &managed, None),
        };
        match steps {
            Ok(mut steps) => {
                self.add_leftovers(wanted, &found, &mut steps);
                self.add_delivery(wanted, found.live.as_ref(), found.pair.as_ref(), &mut steps);
                self.check_age(wanted, found.live.as_ref(), found.pair.as_ref(), &mut steps);
                self.steps.extend(steps);
                self.retired_ones(&found.retired);
            }
            Err(problems) => self.block(&wanted.address, problems),
        }
    }

    pub(super) fn marker(
        &self,
        wanted: &DesiredApplication,
        applied: AppliedFields,
        state: MarkerState,
    ) -> Marker {
        let (workspace, address) = (self.desired.workspace.clone(), wanted.address.clone());
        Marker { workspace, address, applied, state, protected: wanted.protect, shut: Shut::default() }
    }

    /// An application whose key is not being rotated; the rotation that was asked for begins where nothing else is due.
    fn settled(
        &mut self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        live: &Live<'_>,
    ) -> Result<Vec<Step>, Vec<Diagnostic>> {
        let mut steps = self.existing(wanted, managed, live, false)?;
        if steps.is_empty() && self.options.rotation.begin.contains(&wanted.address) {
            steps.push(self.begin_rotation(wanted, managed, live)?);
        }
        Ok(steps)
    }

    /// What differs on one application. The successor of a rotation that is under way stays one.
    pub(super) fn existing(
        &mut self,
        wanted: &DesiredApplication,
        managed: &[Managed],
        live: &Live<'_>,
        rotating: bool,
    ) -> Result<Vec<Step>, Vec<Diagnostic>> {
        let integration = live.integration;
        let marker = live.marker.as_ref().filter(|marker| marker.address == wanted.address);
        let mut difference = diff::compare(wanted, managed, integration, marker, &self.references);
        let restored = self.restoration(wanted, managed, live)?;
        restored.settle(&mut difference.problems);
        if difference.problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(difference.problems);
        }
        let text = managed.iter().find_map(Managed::notes_text).unwrap_or(live.text);
        let state = marker.map(|marker| &marker.state).filter(|state| rotating && state.is_successor());
        let state = state.cloned().unwrap_or(MarkerState::Owned);
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
            delivery: None,
        };
        let mut changes: Vec<Change> =
            marker.into_iter().flat_map(|marker| marker_changes(marker, wanted, &state)).collect();
        changes.extend(difference.changes.iter().cloned());
        changes.extend(restored.changes);
        self.problems.extend(remarks(wanted, &changes));
        if marker.is_some() && changes.is_empty() {
            self.problems.extend(difference.problems);
            return Ok(steps);
        }
        let applied = diff::applied(managed, marker);
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
            body.extend(restored.body);
            let notes = checked_notes(wanted, &self.marker(wanted, applied, state), text)?;
            body.insert("notes".to_owned(), json!(notes));
            steps.push(step(Action::Update, changes, body));
        }
        self.problems.extend(difference.problems);
        Ok(steps)
    }

    fn check_edition(&mut self, observation: &Observation) {
        let Some(edition) = &observation.account.edition else { return };
        let Some(actual) = DuoPlan::from_edition(edition) else { return };
        for form in &self.desired.handoffs {
            let Some(needed) = form.needs_plan.as_ref().filter(|needed| actual < needed.value) else {
                continue;
            };
            let of_form = |address: &&Address| {
                address.composite().is_some_and(|(entry, _)| entry == form.address)
                    && self.options.selection.covers(address)
            };
            let wanted = self.desired.applications.iter().map(|wanted| &wanted.address);
            let parts: Vec<Address> = wanted.filter(of_form).cloned().collect();
            if parts.is_empty() {
                continue;
            }
            let message = format!(
                "{}: the account's plan is {edition}, and `endpoints` needs Duo Advantage or Premier",
                form.address
            );
            self.problems.push(
                Diagnostic::error(Code::PlanTooSmall, needed.span, message)
                    .help("write `endpoints: false`: Identity Intelligence could not collect them"),
            );
            self.steps.retain(|step| !parts.contains(&step.address));
            self.blocked.extend(parts);
        }
        let Some(declared) = &self.desired.plan else { return };
        if actual != declared.value {
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

pub(crate) fn is_intelligence(address: &Address) -> bool {
    address.as_str().starts_with("identity_intelligence.")
}

/// What a person should know of changes beyond their risk.
fn remarks(wanted: &DesiredApplication, changes: &[Change]) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    for change in changes {
        let excess = excess_permissions(change);
        if !excess.is_empty() {
            let message = format!(
                "{}: drift, {}: somebody let the key do more in Duo than the YAML says: {}",
                wanted.address,
                Risk::EscalatesPrivilege,
                excess.join(", ")
            );
            remarks.push(
                Diagnostic::warning(Code::OverPrivileged, wanted.span, message)
                    .help("an apply revokes it; to keep it, declare it"),
            );
        }
        remarks.extend(for_the_console(wanted, change));
        if change.field == "name" && wanted.kind.as_deref() == Some("authapi") {
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

/// The permissions that somebody granted in Duo beyond those of the YAML. Revoking them reduces what the key may do; what
/// was done in Duo is the escalation.
fn excess_permissions(change: &Change) -> Vec<String> {
    let escalates = change.drift.is_some_and(|drift| drift.risk == Risk::EscalatesPrivilege);
    if change.field != "permissions" || !escalates {
        return Vec::new();
    }
    let declared = parts(&change.after);
    parts(&change.before).into_iter().filter(|name| !declared.contains(name)).collect()
}

/// What a changed key means for a console that holds it and has nothing to enter.
fn for_the_console(wanted: &DesiredApplication, change: &Change) -> Option<Diagnostic> {
    if change.field != "permissions"
        || !is_intelligence(&wanted.address)
        || change.origin == Some(diff::Origin::Drift)
    {
        return None;
    }
    let message = match change.risk {
        Risk::EscalatesPrivilege => format!(
            "{}: Identity Intelligence learns what the key may do by Test Connectivity; press it after the apply",
            wanted.address
        ),
        Risk::ReducesPrivilege => format!(
            "{}: what Identity Intelligence did with these permissions, it cannot do any more after the apply; there is \
             nothing to enter in its console",
            wanted.address
        ),
        Risk::Neutral
        | Risk::NarrowsAccess
        | Risk::OverdueKey
        | Risk::BreaksHandoff
        | Risk::WidensAccess
        | Risk::Replaces
        | Risk::Destroys => return None,
    };
    Some(Diagnostic::note(Code::SeenInConsole, wanted.span, message))
}

/// An application whose type Duo does not say: neither the declared one nor another one.
fn without_type(wanted: &DesiredApplication, live: &Live<'_>) -> Diagnostic {
    let message = format!("{}: Duo does not say of which type {} is", wanted.address, live.integration.ikey);
    Diagnostic::error(Code::AccountUnreadable, wanted.span, message)
        .help("nothing is planned for this address until Duo shows the type")
}

/// What the marker says and no longer should.
fn marker_changes(marker: &Marker, wanted: &DesiredApplication, becomes: &MarkerState) -> Vec<Change> {
    let change = |field: &str, before: Value, after: Value| Change {
        field: field.to_owned(),
        before,
        after,
        origin: Some(diff::Origin::Config),
        risk: Risk::Neutral,
        reason: "",
        drift: None,
    };
    let mut changes = Vec::new();
    let state = match &marker.state {
        MarkerState::Owned => None,
        MarkerState::Creating => Some("unfinished".to_owned()),
        MarkerState::Replaced => Some("replaced".to_owned()),
        MarkerState::Quarantined(since) => Some(format!("quarantined since {since}")),
        MarkerState::Successor(_) | MarkerState::Delivered { .. } => {
            Some("successor of an application that is gone".to_owned())
        }
        MarkerState::Abandoned => Some("left by a rotation that was called off".to_owned()),
        MarkerState::Retired(since) => Some(format!("retired since {since}")),
        MarkerState::Untested(_) => Some("changed, and not proven to work since".to_owned()),
    };
    let state = state.filter(|_| marker.state != *becomes);
    if let Some(state) = state {
        changes.push(change("state", json!(state), json!("managed")));
    }
    if marker.protected != wanted.protect {
        changes.push(change("protect", json!(marker.protected), json!(wanted.protect)));
    }
    changes
}

pub(super) fn checked_notes(
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
