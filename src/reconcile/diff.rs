//! The difference between what the YAML asks of one application and what the account holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::diagnostic::{Code, Diagnostic};
use crate::duo::types::Integration;

use super::desired::DesiredApplication;
use super::fields::{
    FIELDS, Field, FieldKind, Live, Managed, NO_USERS, PERMITTED_GROUPS, UNCERTAIN_PERMISSION,
    known_permissions,
};
use super::marker::{Applied, AppliedFields, Marker, MarkerState, short_hash};
use super::references::References;
use super::risk::{self, Risk};
use super::value::FieldValue;

/// Who moved since the value was last applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The YAML.
    Config,
    /// Someone in Duo.
    Drift,
    /// Both.
    Both,
}

/// One field, or one leaf of a document, that changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The field's YAML key; for a leaf of a document followed by its path.
    pub field: String,
    /// What the account holds; names where there are names.
    pub before: Value,
    /// What the YAML asks for.
    pub after: Value,
    /// Who moved; absent where the application does not exist yet.
    pub origin: Option<Origin>,
    /// What the change may do.
    pub risk: Risk,
    /// Why it has this risk; empty for a neutral one.
    pub reason: &'static str,
    /// What was done in Duo, where somebody did: what it risks as long as it stays. The change undoes it, so that its own
    /// risk says little about it.
    pub drift: Option<DriftRisk>,
}

impl Change {
    /// A change that the YAML asks for and that risks nothing.
    pub(super) fn neutral(field: &str, before: Value, after: Value) -> Self {
        let (origin, risk) = (Some(Origin::Config), Risk::Neutral);
        Self { field: field.to_owned(), before, after, origin, risk, reason: "", drift: None }
    }
}

/// The risk of an edit that was made in Duo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DriftRisk {
    /// What the edit may do.
    pub risk: Risk,
    /// Why it has this risk; empty for a neutral one.
    pub reason: &'static str,
}

/// The fields that the YAML manages on one application, resolved. Every name that does not resolve is a problem.
pub fn managed(
    wanted: &DesiredApplication,
    references: &References,
) -> Result<Vec<Managed>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut fields: Vec<Managed> = wanted.name.iter().filter_map(Managed::name).collect();
    for field in FIELDS {
        let Some(setting) = wanted.settings.get(field.key) else { continue };
        match Managed::new(field, setting, references) {
            Ok(managed) => fields.push(managed),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        problems.extend(access_conflict(&fields));
    }
    let address = &wanted.address;
    for problem in &mut problems {
        problem.message = format!("{address}: {}", problem.message);
    }
    if problems.is_empty() { Ok(fields) } else { Err(problems) }
}

/// Groups that would never count, or `permitted_groups` without one: Duo might keep a list of its own (traps 2 and 3).
fn access_conflict(fields: &[Managed]) -> Option<Diagnostic> {
    let of = |kind| fields.iter().find(|managed| managed.field.kind == kind);
    let permitted = |access: &Managed| access.wanted == FieldValue::Text(PERMITTED_GROUPS.to_owned());
    let (access, groups) = (of(FieldKind::Access), of(FieldKind::Groups));
    let named = groups.filter(|groups| groups.wanted != FieldValue::Unset);
    match (access, named) {
        (Some(access), None) if permitted(access) => Some(
            Diagnostic::error(
                Code::AccessConflict,
                groups.map_or(access.span, |groups| groups.span),
                "`user_access: permitted_groups` needs `groups_allowed`",
            )
            .help("name at least one group; to let nobody in, write `user_access: no_users`"),
        ),
        (Some(access), Some(groups)) if !permitted(access) => Some(
            Diagnostic::error(
                Code::AccessConflict,
                groups.span,
                "`groups_allowed` counts only with `user_access: permitted_groups`",
            )
            .help("write `user_access: permitted_groups`, or remove `groups_allowed`"),
        ),
        (None, None) | (Some(_), _) | (None, Some(_)) => None,
    }
}

/// The changes of one application, and what has to be said about it.
#[derive(Debug, Default)]
pub struct Difference<'m> {
    /// What changes, in the order of the table.
    pub changes: Vec<Change>,
    /// The managed fields behind the changes.
    pub fields: Vec<&'m Managed>,
    /// Warnings.
    pub problems: Vec<Diagnostic>,
}

/// What becomes of an application's access, which decides whether its list of groups counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AccessChange {
    /// Another access: its own change says who may log in, the groups only say the same again.
    Changes,
    /// The YAML asks for the access that is there.
    Stays,
    /// The YAML leaves the access alone.
    Unmanaged,
}

impl AccessChange {
    fn of(managed: &[Managed], live: &Integration) -> Self {
        match managed.iter().find(|managed| managed.field.kind == FieldKind::Access) {
            None => Self::Unmanaged,
            Some(access) if access.live(live) == Live::Value(access.wanted.clone()) => Self::Stays,
            Some(_) => Self::Changes,
        }
    }
}

/// Compares one application; of `managed`, what [`compared`] leaves.
pub fn compare<'m>(
    wanted: &DesiredApplication,
    managed: &'m [Managed],
    live: &Integration,
    marker: Option<&Marker>,
    references: &References,
) -> Difference<'m> {
    let mut difference = Difference::default();
    let access = AccessChange::of(managed, live);
    for managed in managed {
        if managed.field.kind == FieldKind::Groups
            && access == AccessChange::Unmanaged
            && let Err(problem) = groups_count(wanted, managed, live)
        {
            difference.problems.extend(problem.map(|problem| *problem));
            continue;
        }
        let value = match managed.live(live) {
            Live::Value(value) => value,
            Live::NotOffered => {
                difference.problems.push(not_offered(wanted, managed, managed.field.key));
                continue;
            }
        };
        let target = reachable(wanted, managed, live, &mut difference.problems);
        let applied = marker.and_then(|marker| marker.applied.get(&managed.field.code));
        if value == target {
            continue;
        }
        if is_kept(managed, &target, &value, applied) {
            difference.problems.extend(not_followed(wanted, managed, &value));
            continue;
        }
        difference.problems.extend(uncertain(wanted, managed, &value));
        let finishes = finishes_creation(managed.field, live, marker);
        let assessment = if finishes {
            (Risk::Neutral, "finishes the creation")
        } else if managed.field.kind == FieldKind::Groups && access == AccessChange::Changes {
            (Risk::Neutral, "")
        } else {
            risk::assess(managed.field, &value, &target)
        };
        let origin = if finishes { Origin::Config } else { origin(managed, &value, applied) };
        let drift = (origin != Origin::Config).then(|| {
            let (risk, reason) = match managed.field.kind {
                FieldKind::Groups if access == AccessChange::Changes => (Risk::Neutral, ""),
                _ => risk::assess(managed.field, &target, &value),
            };
            DriftRisk { risk, reason }
        });
        let found = changes(managed.field, &value, &target, Some(origin), assessment, references).into_iter();
        difference.changes.extend(found.map(|change| Change { drift, ..change }));
        difference.fields.push(managed);
    }
    difference
}

/// The changes that a create shows: every managed field, from nothing.
pub fn from_nothing(managed: &[Managed], references: &References) -> Vec<Change> {
    let neutral = (Risk::Neutral, "");
    managed
        .iter()
        .filter(|managed| managed.wanted != FieldValue::Unset)
        .flat_map(|managed| {
            changes(managed.field, &FieldValue::Unset, &managed.wanted, None, neutral, references)
        })
        .collect()
}

/// The changes that a replacement shows: every managed field, from what the old application holds.
pub fn from_predecessor(managed: &[Managed], old: &Integration, references: &References) -> Vec<Change> {
    let access = AccessChange::of(managed, old);
    let mut shown = Vec::new();
    for managed in managed {
        let before = match managed.live(old) {
            Live::Value(value) => value,
            Live::NotOffered => FieldValue::Unset,
        };
        if before == FieldValue::Unset && managed.wanted == FieldValue::Unset {
            continue;
        }
        let counts = managed.field.kind != FieldKind::Groups || access != AccessChange::Changes;
        let assessment = if before == managed.wanted || !counts {
            (Risk::Neutral, "")
        } else {
            risk::assess(managed.field, &before, &managed.wanted)
        };
        shown.extend(changes(managed.field, &before, &managed.wanted, None, assessment, references));
    }
    shown
}

/// The fields whose differences count: ignored ones are sent when an application is created and left alone afterwards.
pub fn compared(managed: Vec<Managed>, wanted: &DesiredApplication) -> Vec<Managed> {
    let ignored = |managed: &Managed| wanted.ignore.iter().any(|key| key == managed.field.key);
    managed.into_iter().filter(|managed| !ignored(managed)).collect()
}

/// What the marker will say of the compared fields once they are applied.
pub fn applied(compared: &[Managed], before: Option<&Marker>) -> AppliedFields {
    compared
        .iter()
        .map(|managed| {
            let code = managed.field.code;
            let asked = short_hash(code, &managed.wanted);
            let before = before.and_then(|marker| marker.applied.get(&code));
            let kept = before.filter(|before| before.asked == asked).and_then(|before| before.kept);
            (code, Applied { asked, kept })
        })
        .collect()
}

/// The body of an update: only what changes, and what Duo wants together with it.
pub fn body(difference: &Difference<'_>, managed: &[Managed], live: &Integration) -> Map<String, Value> {
    let mut body = Map::new();
    for managed in &difference.fields {
        managed.send(&mut body, Some(live));
    }
    let pair = |kind| matches!(kind, FieldKind::Access | FieldKind::Groups);
    if difference.fields.iter().any(|managed| pair(managed.field.kind)) {
        // A list of groups is only taken together with `PERMITTED_GROUPS`, and switching back needs the list (trap 3).
        managed
            .iter()
            .filter(|managed| pair(managed.field.kind))
            .for_each(|managed| managed.send(&mut body, Some(live)));
        if body.contains_key("groups_allowed") && !body.contains_key("user_access") {
            body.insert("user_access".to_owned(), json!(PERMITTED_GROUPS));
        }
    }
    body
}

fn is_kept(managed: &Managed, target: &FieldValue, value: &FieldValue, applied: Option<&Applied>) -> bool {
    let code = managed.field.code;
    managed.may_be_kept_as(target, value)
        && applied.is_some_and(|applied| {
            applied.asked == short_hash(code, &managed.wanted)
                && applied.kept == Some(short_hash(code, value))
        })
}

/// Said in every plan, unlike other things that Duo keeps: the key may do more, or less, than the YAML says.
fn not_followed(wanted: &DesiredApplication, managed: &Managed, value: &FieldValue) -> Option<Diagnostic> {
    if managed.field.kind != FieldKind::Permissions {
        return None;
    }
    let held = names_uncertain(value);
    let (verb, help) = if held {
        ("revoke", "revoke it in the Duo Admin Panel, or write it into `permissions`")
    } else {
        (
            "grant",
            "grant it in the Duo Admin Panel, create a new application, or remove it from `permissions`",
        )
    };
    let message =
        format!("{}: Duo did not {verb} `{UNCERTAIN_PERMISSION}` when it was told to", wanted.address);
    Some(Diagnostic::warning(Code::NotOfferedYet, managed.span, message).help(help))
}

/// A permission that Duo may not change after the creation is tried all the same, and the plan says so.
fn uncertain(wanted: &DesiredApplication, managed: &Managed, value: &FieldValue) -> Option<Diagnostic> {
    let permissions = managed.field.kind == FieldKind::Permissions;
    let wants = names_uncertain(&managed.wanted);
    if !permissions || wants == names_uncertain(value) {
        return None;
    }
    let verb = if wants { "grants" } else { "revokes" };
    let message = format!(
        "{}: it is not certain that Duo {verb} `{UNCERTAIN_PERMISSION}` after the creation of an application",
        wanted.address
    );
    Some(
        Diagnostic::warning(Code::NotOfferedYet, managed.span, message)
            .help("apply tries it and says what Duo did; the Duo Admin Panel can change it for certain"),
    )
}

fn names_uncertain(value: &FieldValue) -> bool {
    matches!(value, FieldValue::Set(names) if names.contains(UNCERTAIN_PERMISSION))
}

fn origin(managed: &Managed, value: &FieldValue, applied: Option<&Applied>) -> Origin {
    let Some(applied) = applied else { return Origin::Config };
    let code = managed.field.code;
    let yaml_moved = applied.asked != short_hash(code, &managed.wanted);
    // Which leaves of a document count depends on the YAML, so a hash made from other leaves says nothing.
    let comparable = managed.field.kind != FieldKind::Sso || !yaml_moved;
    let duo_moved = comparable && short_hash(code, value) != applied.kept.unwrap_or(applied.asked);
    match (yaml_moved, duo_moved) {
        (true, true) => Origin::Both,
        (false, true) => Origin::Drift,
        (_, false) => Origin::Config,
    }
}

/// What is left to do on an application that was created with nobody let in, where the creation was asked for. Only
/// while it still lets nobody in: what someone wrote into the marker excuses no other change.
fn finishes_creation(field: &Field, live: &Integration, marker: Option<&Marker>) -> bool {
    let later =
        matches!(field.kind, FieldKind::Access | FieldKind::Groups | FieldKind::Policy | FieldKind::Prompt);
    let creating = marker
        .is_some_and(|marker| matches!(marker.state, MarkerState::Creating | MarkerState::Successor(_)));
    later && creating && live.text("user_access") == NO_USERS
}

/// Whether Duo looks at the groups of an application whose access the YAML leaves alone. That they count for nothing
/// is a mistake, unless the access is ignored on purpose.
fn groups_count(
    wanted: &DesiredApplication,
    managed: &Managed,
    live: &Integration,
) -> Result<(), Option<Box<Diagnostic>>> {
    let access = live.text("user_access");
    let named = managed.wanted != FieldValue::Unset;
    // Duo takes a list with `PERMITTED_GROUPS` only, and no empty one (trap 2).
    if access.is_empty() || named == (access == PERMITTED_GROUPS) {
        return Ok(());
    }
    if wanted.ignore.iter().any(|key| key == "user_access") {
        return Err(None);
    }
    let what = if named { "has no effect" } else { "cannot be cleared" };
    let message = format!("{}: `groups_allowed` {what} while the access is {access}", wanted.address);
    let problem = Diagnostic::error(Code::AccessConflict, managed.span, message)
        .help("say who may log in with `user_access`");
    Err(Some(Box::new(problem)))
}

fn not_offered(wanted: &DesiredApplication, managed: &Managed, what: &str) -> Diagnostic {
    let message = format!("{}: Duo does not offer `{what}` for this application yet", wanted.address);
    Diagnostic::warning(Code::NotOfferedYet, managed.span, message)
        .help("nothing is planned for it; remove it from the YAML, or wait until Duo shows the setting")
}

/// What the account can hold of what the YAML asks for: permissions that Duo does not show cannot be reached by an
/// update (trap 21).
pub(super) fn reachable(
    wanted: &DesiredApplication,
    managed: &Managed,
    live: &Integration,
    problems: &mut Vec<Diagnostic>,
) -> FieldValue {
    let (FieldKind::Permissions, FieldValue::Set(names)) = (managed.field.kind, &managed.wanted) else {
        return managed.wanted.clone();
    };
    let known = known_permissions(live);
    let mut reachable = names.clone();
    for name in names {
        if !known.contains(name) {
            reachable.remove(name);
            problems.push(not_offered(wanted, managed, name));
        }
    }
    FieldValue::set(reachable)
}

fn changes(
    field: &Field,
    before: &FieldValue,
    after: &FieldValue,
    origin: Option<Origin>,
    (risk, reason): risk::Assessment,
    references: &References,
) -> Vec<Change> {
    let change = |name: &str, before: Value, after: Value| Change {
        origin,
        risk,
        reason,
        ..Change::neutral(name, before, after)
    };
    let (FieldValue::Document(after), before) = (after, before) else {
        return vec![change(field.key, shown(field, before, references), shown(field, after, references))];
    };
    let empty = super::sso::Leaves::new();
    let before = if let FieldValue::Document(before) = before { before } else { &empty };
    after
        .iter()
        .map(|(path, after)| (path, before.get(path).cloned().unwrap_or_default(), after))
        .filter(|(_, before, after)| before != *after)
        .map(|(path, before, after)| {
            let in_roles = path.contains("role_attrs");
            let named = |value: Value| if in_roles { group_names(value, references) } else { value };
            change(&format!("{}.{path}", field.key), named(before), named(after.clone()))
        })
        .collect()
}

/// A value for people: groups and policies by name, access as the YAML spells it.
fn shown(field: &Field, value: &FieldValue, references: &References) -> Value {
    match (field.kind, value) {
        (FieldKind::Groups, value) => group_names(value.json(), references),
        (FieldKind::Policy, FieldValue::Text(key)) => json!(references.policy_name(key)),
        (FieldKind::Access, FieldValue::Text(access)) => json!(access.to_lowercase()),
        _ => value.json(),
    }
}

fn group_names(value: Value, references: &References) -> Value {
    match value {
        Value::Array(items) => {
            let mut names: Vec<Value> = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.clone(), |id| json!(references.group_name(id))))
                .collect();
            names.sort_by_cached_key(Value::to_string);
            Value::Array(names)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
