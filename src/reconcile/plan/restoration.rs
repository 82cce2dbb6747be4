//! Restores what a quarantine revoked and the YAML does not declare, when its address comes back or is retained.

use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Span, has_errors};
use crate::duo::object::{Kind, Object};

use super::super::desired::Wanted;
use super::super::diff::Change;
use super::super::live::Live;
use super::super::references::References;
use super::context::Context;
use crate::kinds::address::Address;
use crate::kinds::application::fields::{field, held_permissions, known_permissions};
use crate::kinds::application::{
    ACCESS, GROUPS, NO_USERS, PERMISSION_LIST, PERMISSION_PREFIX, PERMITTED_GROUPS, UNCERTAIN_PERMISSION,
};
use crate::kinds::field::Field;
use crate::kinds::field::Names as _;
use crate::kinds::managed::Managed;
use crate::kinds::marker::{AccessBefore, Marker, MarkerState};
use crate::kinds::risk::Risk;
use crate::kinds::value::FieldValue;

/// What is restored.
#[derive(Debug, Default)]
pub(super) struct Restoration {
    pub(super) changes: Vec<Change>,
    pub(super) body: Map<String, Value>,
    /// What cannot be restored.
    pub(super) problems: Vec<Diagnostic>,
    /// Whether the list of groups takes effect again.
    groups_count: bool,
}

impl Restoration {
    /// Drops the finding that the list of groups has no effect: it takes effect again.
    pub(super) fn settle(&self, problems: &mut Vec<Diagnostic>) {
        if self.groups_count {
            problems.retain(|problem| problem.code != Code::AccessConflict);
        }
        problems.extend(self.problems.iter().cloned());
    }

    fn change(&mut self, field: &Field, before: Value, after: Value, (risk, reason): (Risk, &'static str)) {
        self.changes.push(Change { risk, reason, ..Change::neutral(field.name(), before, after) });
    }
}

/// What is restored to a declared application that was quarantined: only what the YAML does not declare.
pub(super) fn restoration(
    cx: &Context<'_>,
    wanted: &Wanted,
    managed: &[Managed],
    live: &Live<'_>,
) -> Result<Restoration, Vec<Diagnostic>> {
    let Some(marker) = live.marker.as_ref().filter(|marker| marker.address == wanted.address) else {
        return Ok(Restoration::default());
    };
    let of = |key| managed.iter().find(|managed| managed.field.name() == key);
    let groups = of(GROUPS).map(|managed| match &managed.wanted {
        FieldValue::Set(ids) => ids.iter().cloned().collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let declared =
        Declared { access: of(ACCESS).is_some(), permissions: of(PERMISSION_LIST).is_some(), groups };
    let live = live.integration;
    let restored = restore(&wanted.address, wanted.span, marker, live, &cx.references, declared);
    if has_errors(&restored.problems) { Err(restored.problems) } else { Ok(restored) }
}

/// What the YAML declares, which therefore is not restored from the marker.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) access: bool,
    pub(super) permissions: bool,
    pub(super) groups: Option<Vec<String>>,
}

/// What is restored to a quarantined application. Access that someone opened in the meantime stays as it is.
pub(super) fn restore(
    address: &Address,
    span: Option<Span>,
    marker: &Marker,
    live: &Object,
    references: &References,
    declared: Declared,
) -> Restoration {
    let mut restored = Restoration::default();
    if !matches!(marker.state, MarkerState::Quarantined(_)) {
        return restored;
    }
    if !declared.access && live.text("user_access") == NO_USERS {
        restore_access(&mut restored, address, span, marker, references, declared.groups);
    }
    if !declared.permissions && held_permissions(live).iter().all(|name| name == UNCERTAIN_PERMISSION) {
        restore_permissions(&mut restored, address, span, marker, live);
    }
    restored
}

fn restore_access(
    restored: &mut Restoration,
    address: &Address,
    span: Option<Span>,
    marker: &Marker,
    references: &References,
    declared_groups: Option<Vec<String>>,
) {
    let (Some(access), Some(groups)) = (field(ACCESS), field(GROUPS)) else { return };
    let no_one = FieldValue::Text(NO_USERS.to_owned());
    let assess = |after: &str| (access.risk)(&no_one, &FieldValue::Text(after.to_owned()));
    match &marker.shut.access {
        None => {}
        Some(AccessBefore::Everybody) => {
            restored.body.insert(access.wire_name().to_owned(), json!("ALL_USERS"));
            restored.change(access, json!("no_users"), json!("all_users"), assess("ALL_USERS"));
        }
        Some(AccessBefore::Groups(before)) => {
            // Duo rejects an empty list, so groups that the YAML clears are restored like undeclared ones.
            let declared = declared_groups.filter(|ids| !ids.is_empty());
            let ids: Vec<String> = declared.unwrap_or_else(|| before.iter().cloned().collect());
            let names: Vec<&str> = ids.iter().map(|id| references.name(Kind::Group, id)).collect();
            let shown = json!(names);
            let sent = json!(ids.join(","));
            restored.body.insert(access.wire_name().to_owned(), json!(PERMITTED_GROUPS));
            restored.body.insert(groups.wire_name().to_owned(), sent);
            restored.change(access, json!("no_users"), json!("permitted_groups"), assess(PERMITTED_GROUPS));
            restored.change(groups, Value::Null, shown, (Risk::Neutral, ""));
            restored.groups_count = true;
        }
        Some(AccessBefore::Lost) => {
            let message =
                format!("{address}: the marker had no room to record who could log in before the quarantine");
            restored.problems.push(
                Diagnostic::error(Code::AccessConflict, span, message)
                    .help("declare `user_access`, and `groups_allowed` if it is `permitted_groups`"),
            );
        }
    }
}

fn restore_permissions(
    restored: &mut Restoration,
    address: &Address,
    span: Option<Span>,
    marker: &Marker,
    live: &Object,
) {
    let Some(field) = field(PERMISSION_LIST) else { return };
    if marker.shut.permissions_lost {
        let message = format!(
            "{address}: the marker had no room to record the key's permissions before the quarantine"
        );
        restored
            .problems
            .push(Diagnostic::error(Code::AccessConflict, span, message).help("declare `permissions`"));
    }
    let known = known_permissions(live);
    let mut back = Vec::new();
    let held = held_permissions(live);
    for name in marker.shut.permissions.iter().filter(|name| !held.contains(*name)) {
        if known.contains(name) && name != UNCERTAIN_PERMISSION {
            restored.body.insert(format!("{PERMISSION_PREFIX}{name}"), json!("1"));
            back.push(name.as_str());
        } else {
            let why = if known.contains(name) {
                "is not restored: it is uncertain whether Duo grants it after creation"
            } else {
                "cannot be restored: Duo does not show it"
            };
            let message = format!("{address}: the permission `{name}` {why}");
            restored.problems.push(
                Diagnostic::warning(Code::NotOfferedYet, span, message)
                    .help("grant it in the Duo Admin Panel, or create a new application"),
            );
        }
    }
    if !back.is_empty() {
        let given = FieldValue::set(back.iter().map(|name| (*name).to_owned()).collect());
        let assessment = (field.risk)(&FieldValue::Unset, &given);
        restored.change(field, Value::Null, json!(back), assessment);
    }
}
