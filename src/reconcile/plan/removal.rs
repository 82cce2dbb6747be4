//! Orphans: owned applications that left the YAML. They are reported, and only `--prune` touches them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde_json::{Map, json};

use crate::config::diagnostic::{Code, Diagnostic, Severity};
use crate::duo::types::{Ikey, Integration};

use super::super::address::Address;
use super::super::diff::{Change, Origin};
use super::super::fields::{
    CREATE_ONLY_PERMISSION, NO_USERS, PERMISSION_PREFIX, PERMITTED_GROUPS, held_permissions,
    known_permissions,
};
use super::super::fingerprint::snapshot;
use super::super::marker::{AccessBefore, AppliedFields, Marker, MarkerState, NOTES_LIMIT, Shut};
use super::super::matching::Live;
use super::super::observation::LastUse;
use super::super::observed::Observed;
use super::super::risk::Risk;
use super::super::value::parts;
use super::build::{Builder, PROTECTED, is_intelligence};
use super::restoration::{Declared, restore};
use super::{Action, Orphan, Prune, Step, Write};

/// Why an application of a console is not removed yet.
pub(crate) const STILL_IN_CONSOLE: &str = "nobody has attested that the console let go of its keys";

impl Builder<'_> {
    /// Lists the orphans of the selection, which are in the order of their addresses, and removes what is to go.
    pub(super) fn orphans(&mut self, orphans: &[Live<'_>], contested: &BTreeSet<Ikey>) -> Vec<Orphan> {
        let address = |live: &Live<'_>| live.marker.as_ref().map(|marker| marker.address.clone());
        let mut listed = Vec::new();
        for twins in orphans.chunk_by(|a, b| address(a) == address(b)) {
            let copies = are_copies(twins);
            let contested = twins.iter().any(|live| contested.contains(&live.integration.ikey));
            for orphan in twins {
                let Some(marker) = &orphan.marker else { continue };
                if !self.options.selection.covers(&marker.address) {
                    self.left_out.insert(marker.address.clone());
                    continue;
                }
                if self.desired.retains(&marker.address) {
                    self.retain(orphan, marker);
                    continue;
                }
                let in_console = self.in_console(&marker.address);
                listed.push(listed_orphan(orphan, marker, in_console));
                if self.options.prune == Prune::No {
                    continue;
                }
                if contested {
                    self.problems.push(kept_back(orphan, marker));
                } else if copies {
                    self.block(&marker.address, [copied(orphan, marker)]);
                } else {
                    self.remove(orphan, marker, second(marker, twins));
                }
            }
        }
        listed
    }

    /// What rotations have put out of use at a declared address goes as an orphan does.
    pub(super) fn retired_ones(&mut self, retired: &[Live<'_>]) {
        for live in retired {
            let Some(marker) = &live.marker else { continue };
            let in_console = self.in_console(&marker.address);
            self.retired.push(listed_orphan(live, marker, in_console));
            if self.options.prune != Prune::No {
                self.remove(live, marker, true);
            }
        }
    }

    /// Whether a console may hold the keys of an orphan, as far as anybody said.
    fn in_console(&self, address: &Address) -> bool {
        let let_go = address.composite().is_some_and(|(entry, _)| self.let_go.contains(&entry));
        is_intelligence(address) && !let_go
    }

    fn add_removal(&mut self, mut step: Step) {
        if self.in_console(&step.address) {
            step.inherent.push((Risk::BreaksHandoff, STILL_IN_CONSOLE));
        }
        self.steps.push(step);
    }

    fn remove(&mut self, orphan: &Live<'_>, marker: &Marker, second: bool) {
        let days = i64::from(self.desired.guards.quarantine_days);
        let over = |since: Date| {
            since.until(self.options.today).is_ok_and(|span| i64::from(span.get_days()) >= days)
        };
        let since = quarantined_since(marker).filter(|_| is_shut(orphan.integration));
        match (self.options.prune, since) {
            (Prune::No, _) => {}
            (Prune::Now, _) => self.add_removal(removal(orphan, marker, Action::Delete)),
            (Prune::Quarantine, Some(since)) if over(since) => {
                if self.is_unused(orphan, marker, since) {
                    self.add_removal(removal(orphan, marker, Action::Delete));
                }
            }
            (Prune::Quarantine, Some(_)) => {}
            (Prune::Quarantine, None) => match self.quarantine(orphan, marker, second) {
                Ok(step) => self.add_removal(step),
                Err(problem) => self.block(&marker.address, [problem]),
            },
        }
    }

    /// Whether the authentication log shows no use since the quarantine. What cannot be looked up is not deleted.
    fn is_unused(&mut self, orphan: &Live<'_>, marker: &Marker, since: Date) -> bool {
        let (address, ikey) = (&marker.address, &orphan.integration.ikey);
        let from = since.to_datetime(marker.shut.at.unwrap_or(Time::midnight()));
        let from = TimeZone::UTC.to_timestamp(from).unwrap_or(Timestamp::UNIX_EPOCH);
        match self.uses.get(ikey) {
            Some(Observed::Present(None)) => true,
            Some(Observed::Present(Some(used))) => {
                let LastUse { when, who, result } = used;
                let message = format!(
                    "{address}: {ikey} is not deleted: it is quarantined since {since}, and somebody still uses it: {who} at {when} ({result})"
                );
                let found = Diagnostic::warning(Code::StillUsed, None, message).help(
                    "find out what still asks for it; write the entry again to bring it back, or delete it with --prune=now",
                );
                self.problems.push(found);
                false
            }
            Some(Observed::Unreadable(reason)) => {
                let message = format!(
                    "{address}: {ikey} is not deleted: whether it was used since its quarantine cannot be told: {reason}"
                );
                let found = Diagnostic::error(Code::AccountUnreadable, None, message)
                    .help("give duoctl's key the permission read_log, \"Grant read log\", or delete it with --prune=now");
                self.block(address, [found]);
                false
            }
            Some(Observed::Absent) | None => {
                self.unlooked.push((ikey.clone(), from));
                let message = format!(
                    "{address}: {ikey} is not deleted: nobody looked whether it was used since its quarantine"
                );
                self.block(address, [Diagnostic::error(Code::AccountUnreadable, None, message)]);
                false
            }
        }
    }

    /// It is kept: what a quarantine took away is given back, and the marker goes.
    fn retain(&mut self, orphan: &Live<'_>, marker: &Marker) {
        let live = orphan.integration;
        let restored = restore(&marker.address, None, marker, live, &self.references, Declared::default());
        let lost = restored.problems.iter().any(|problem| problem.severity == Severity::Error);
        if lost {
            return self.block(&marker.address, restored.problems);
        }
        self.problems.extend(restored.problems);
        let state = quarantined_since(marker)
            .map_or_else(|| "managed".to_owned(), |since| format!("quarantined since {since}"));
        let mut step = removal(orphan, marker, Action::Retain);
        step.inherent = Vec::new();
        step.changes = vec![Change {
            field: "state".to_owned(),
            before: json!(state),
            after: json!("unmanaged"),
            origin: Some(Origin::Config),
            risk: Risk::Neutral,
            reason: "",
            drift: None,
        }];
        step.changes.extend(restored.changes);
        let mut body = restored.body;
        body.insert("notes".to_owned(), json!(orphan.text));
        step.writes = vec![Write::Update(live.ikey.clone(), body)];
        self.steps.push(step);
    }

    fn quarantine(&self, orphan: &Live<'_>, marker: &Marker, second: bool) -> Result<Step, Diagnostic> {
        let live = orphan.integration;
        let today = self.options.today;
        let mut step = removal(orphan, marker, Action::Quarantine);
        // What was last applied says nothing about an application that duoctl itself has shut.
        let quarantined = Marker {
            state: if second { MarkerState::Retired(today) } else { MarkerState::Quarantined(today) },
            applied: AppliedFields::new(),
            shut: Shut {
                at: Some(TimeZone::UTC.to_datetime(self.observed_at).time()),
                access: access_before(live),
                permissions: held_permissions(live),
            },
            ..marker.clone()
        };
        let length = |marker: &Marker| marker.notes(orphan.text).chars().count();
        let mut marker = quarantined;
        if length(&marker) > NOTES_LIMIT && matches!(marker.shut.access, Some(AccessBefore::Groups(_))) {
            marker.shut.access = Some(AccessBefore::Lost);
        }
        let excess = length(&marker).saturating_sub(NOTES_LIMIT);
        if excess > 0 {
            let message = format!(
                "{}: the notes of {} leave no room for the date of the quarantine",
                marker.address, live.ikey
            );
            return Err(Diagnostic::error(Code::InvalidNotes, None, message)
                .help(format!("shorten them by {excess} characters in the Duo Admin Panel")));
        }
        let mut body = Map::from_iter([
            ("user_access".to_owned(), json!(NO_USERS)),
            ("notes".to_owned(), json!(marker.notes(orphan.text))),
        ]);
        for permission in held_permissions(live) {
            body.insert(format!("{PERMISSION_PREFIX}{permission}"), json!("0"));
        }
        step.writes = vec![Write::Update(live.ikey.clone(), body)];
        Ok(step)
    }
}

/// Who may log in now, for the marker.
fn access_before(live: &Integration) -> Option<AccessBefore> {
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

fn listed_orphan(orphan: &Live<'_>, marker: &Marker, in_console: bool) -> Orphan {
    Orphan {
        address: marker.address.clone(),
        ikey: orphan.integration.ikey.clone(),
        name: orphan.integration.name().to_owned(),
        quarantined_since: quarantined_since(marker).map(|since| since.to_string()),
        protected: marker.protected,
        in_console,
    }
}

fn quarantined_since(marker: &Marker) -> Option<Date> {
    match marker.state {
        MarkerState::Quarantined(since) | MarkerState::Retired(since) => Some(since),
        _ => None,
    }
}

/// Whether an application is the second one of its address: the one that a rotation put, or was about to put, out of
/// use. Should the address come back, the other one is meant.
fn second(marker: &Marker, twins: &[Live<'_>]) -> bool {
    let delivered = |live: &Live<'_>| {
        live.marker.as_ref().is_some_and(|marker| matches!(marker.state, MarkerState::Delivered { .. }))
    };
    match marker.state {
        MarkerState::Successor(_) | MarkerState::Abandoned => twins.len() > 1,
        MarkerState::Retired(_) => true,
        MarkerState::Owned | MarkerState::Creating | MarkerState::Untested(_) => twins.iter().any(delivered),
        MarkerState::Delivered { .. } | MarkerState::Replaced | MarkerState::Quarantined(_) => false,
    }
}

/// Whether one of several applications with the same marker may be a copy that nobody meant to remove: two that are
/// simply owned, or one that the marker calls quarantined and that is open. What a replacement or a rotation left
/// behind shares its address by right, also once it is quarantined itself.
fn are_copies(twins: &[Live<'_>]) -> bool {
    let (mut owned, mut shut, mut opened) = (0, 0, 0);
    for live in twins {
        match live.marker.as_ref().map(|marker| &marker.state) {
            Some(
                MarkerState::Replaced
                | MarkerState::Successor(_)
                | MarkerState::Delivered { .. }
                | MarkerState::Abandoned
                | MarkerState::Retired(_),
            )
            | None => {}
            Some(MarkerState::Owned | MarkerState::Creating | MarkerState::Untested(_)) => owned += 1,
            Some(MarkerState::Quarantined(_)) if is_shut(live.integration) => shut += 1,
            Some(MarkerState::Quarantined(_)) => opened += 1,
        }
    }
    owned > 1 || (opened > 0 && owned + shut + opened > 1)
}

/// Whether a quarantine still holds. An application that someone opened again is in use, whatever its marker says.
fn is_shut(integration: &Integration) -> bool {
    if known_permissions(integration).is_empty() {
        matches!(integration.text("user_access"), "" | NO_USERS)
    } else {
        // One permission does nothing by itself, and Duo may not let go of it (trap 21).
        held_permissions(integration).iter().all(|name| name == CREATE_ONLY_PERMISSION)
    }
}

fn kept_back(orphan: &Live<'_>, marker: &Marker) -> Diagnostic {
    let message = format!(
        "{}: {} is not removed, since an address that could not be matched may mean it",
        marker.address, orphan.integration.ikey
    );
    Diagnostic::warning(Code::AmbiguousMatch, None, message)
        .help("if the address was renamed, pin the application there with `integration_key`")
}

fn copied(orphan: &Live<'_>, marker: &Marker) -> Diagnostic {
    let message = format!(
        "{}: {} is not removed, since another application carries the same marker",
        marker.address, orphan.integration.ikey
    );
    Diagnostic::error(Code::DuplicateMarker, None, message)
        .help("remove the marker, `[duoctl …]`, from the notes of the copies in the Duo Admin Panel")
}

fn removal(orphan: &Live<'_>, marker: &Marker, action: Action) -> Step {
    let ikey: &Ikey = &orphan.integration.ikey;
    let mut inherent = vec![match action {
        Action::Delete => (Risk::Destroys, "its keys stop working for good; Duo has no undelete"),
        _ => (Risk::NarrowsAccess, "nobody may log in any more"),
    }];
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
        delivery: None,
    }
}
