//! The difference between what the YAML declares for one application and what the account holds.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::diagnostic::{Code, Diagnostic, Spanned};
use crate::duo::catalogue::lookup;
use crate::duo::object::Object;
use crate::kinds::Kind;
use crate::kinds::application::access::conflict;
use crate::kinds::application::{ACCESS, GROUPS, NO_USERS, PERMITTED_GROUPS};
use crate::kinds::field::{Extent, Field, Leaves, Roles};
use crate::kinds::managed::{Kept, Live, Managed, shown};
use crate::kinds::marker::{Applied, AppliedFields, Marker, MarkerState, short_hash};
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};
use crate::kinds::value::{FieldValue, Setting};

use crate::names::may_be_kept_as;

use super::desired::Wanted;
use super::references::References;

/// Which side changed since the value was last applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The YAML.
    Config,
    /// Someone in Duo.
    Drift,
    /// Both.
    Both,
    /// Not known: the marker is not proven, and anyone who may edit notes could have written it.
    Unknown,
}

/// One field, or one leaf of a document, that changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The field's YAML key; for a leaf of a document, followed by its path.
    pub field: String,
    /// What the account holds; names instead of ids where they are known.
    pub before: Value,
    /// What the YAML asks for.
    pub after: Value,
    /// Which side changed; absent if the application does not exist yet. It depends on whether the keys of the run prove
    /// the marker, so it is not part of what the plan does.
    #[serde(skip)]
    pub origin: Option<Origin>,
    /// What the change may do.
    pub risk: Risk,
    /// Why it has this risk; empty for a neutral one.
    pub reason: &'static str,
    /// What a change made in Duo risks as long as it stays. This change undoes it, so its own risk says little about it.
    /// Follows from the origin.
    #[serde(skip)]
    pub drift: Option<DriftRisk>,
}

impl Change {
    /// A change that the YAML declares and that has no risk.
    pub(super) fn neutral(field: &str, before: Value, after: Value) -> Self {
        let (origin, risk) = (Some(Origin::Config), Risk::Neutral);
        Self { field: field.to_owned(), before, after, origin, risk, reason: "", drift: None }
    }
}

/// The risk of a change made in Duo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriftRisk {
    /// What the change may do.
    pub risk: Risk,
    /// Why it has this risk; empty for a neutral one.
    pub reason: &'static str,
}

/// The fields that the YAML manages on one application, resolved. Every name that cannot be resolved is an error.
pub fn managed(wanted: &Wanted, references: &References) -> Result<Vec<Managed>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut fields = Vec::new();
    let name = wanted.name.clone().map(|name| Spanned::new(Setting::Text(name.value), name.span));
    for field in wanted.kind.fields().iter().filter(|field| field.is_compared()) {
        let named = name.as_ref().filter(|_| !field.is_setting());
        let Some(setting) = named.or_else(|| wanted.settings.get(field.name())) else { continue };
        let extent = if wanted.authoritative { Extent::Whole } else { Extent::Declared };
        match Managed::new(field, setting, extent, references) {
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

/// Groups that would have no effect, or `permitted_groups` without a group.
fn access_conflict(fields: &[Managed]) -> Option<Diagnostic> {
    let of = |key, is: fn(&FieldValue) -> bool| {
        let managed = fields.iter().find(|managed| managed.field.name() == key)?;
        Some(Spanned::new(is(&managed.wanted), managed.span))
    };
    // If the YAML does not set the access, the account decides whether groups count.
    let access = of(ACCESS, |access| *access == FieldValue::text(PERMITTED_GROUPS))?;
    conflict(Some(&access), of(GROUPS, |groups| *groups != FieldValue::Unset).as_ref())
}

/// The changes of one application, and the warnings about it.
#[derive(Debug, Default)]
pub struct Difference<'m> {
    /// What changes, in the order of the table.
    pub changes: Vec<Change>,
    /// The managed fields behind the changes.
    pub fields: Vec<&'m Managed>,
    /// Warnings.
    pub problems: Vec<Diagnostic>,
}

/// What happens to an application's access, which decides whether its list of groups counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AccessChange {
    /// The access changes: that change shows who may log in, and the groups add nothing to it.
    Changes,
    /// The access is already as declared.
    Stays,
    /// The YAML does not set the access.
    Unmanaged,
}

impl AccessChange {
    fn of(managed: &[Managed], live: &Object) -> Self {
        match managed.iter().find(|managed| managed.field.name() == ACCESS) {
            None => Self::Unmanaged,
            Some(access) if access.live(live) == Live::Value(access.wanted.clone()) => Self::Stays,
            Some(_) => Self::Changes,
        }
    }
}

/// Compares one application. `managed` is the result of [`compared`].
pub fn compare<'m>(
    wanted: &Wanted,
    managed: &'m [Managed],
    live: &Object,
    marker: Option<&Marker>,
    is_proven: bool,
    references: &References,
) -> Difference<'m> {
    let mut difference = Difference::default();
    let fields = managed;
    let access = AccessChange::of(managed, live);
    for managed in managed.iter().filter(|managed| counts(managed, live)) {
        let field = managed.field;
        let is_groups = field.name() == GROUPS;
        if is_groups
            && access == AccessChange::Unmanaged
            && let Err(problem) = groups_count(wanted, managed, live)
        {
            difference.problems.extend(problem.map(|problem| *problem));
            continue;
        }
        let value = match managed.live(live) {
            found if managed.counts_as_unset(&found) => continue,
            Live::Value(value) => value,
            Live::NotOffered => {
                difference.problems.push(not_offered(wanted, managed, field.name()));
                continue;
            }
        };
        let (target, hidden) = managed.reachable(live);
        difference.problems.extend(hidden.iter().map(|part| not_offered(wanted, managed, part)));
        let applied = marker.and_then(|marker| marker.applied.get(&field.letter?));
        if value == target {
            continue;
        }
        match managed.kept(&target, &value) {
            Kept::Quietly
                if is_known(managed, &value, applied) && (is_proven || resembles(&target, &value)) =>
            {
                continue;
            }
            Kept::Still(part) if is_known(managed, &value, applied) => {
                difference.problems.push(not_followed(wanted, managed, &value, part));
                continue;
            }
            Kept::No | Kept::Quietly | Kept::Still(_) => {}
        }
        difference.problems.extend(managed.uncertain(&value).map(|part| uncertain(wanted, managed, part)));
        // A change of the access already shows who may log in; the groups add nothing to it.
        let says_nothing = is_groups && access == AccessChange::Changes;
        let assess = |from, to| if says_nothing { NEUTRAL } else { (field.risk)(from, to) };
        let (assessment, origin) = if finishes_creation(field, live, marker) {
            // A successor gets what the old application has. For a new application, the YAML may meanwhile ask for more
            // than someone consented to.
            let is_new = marker.is_some_and(|marker| matches!(marker.state, MarkerState::Creating { .. }));
            let assessment =
                if is_new { newly(managed, wanted, lets_in(fields), references) } else { NEUTRAL };
            (finished(assessment), Origin::Config)
        } else {
            (assess(&value, &target), origin(managed, &value, applied))
        };
        let origin = if marker.is_none() || is_proven { origin } else { Origin::Unknown };
        let drift = (origin != Origin::Config).then(|| {
            let (risk, reason) = assess(&target, &value);
            DriftRisk { risk, reason }
        });
        let found = changes(field, &value, &target, Some(origin), assessment, references).into_iter();
        difference.changes.extend(found.map(|change| Change { drift, ..change }));
        difference.fields.push(managed);
    }
    difference
}

/// Whether a field counts on this application. If the YAML omits both the type and the field, the type in Duo decides.
fn counts(managed: &Managed, live: &Object) -> bool {
    !managed.left_out || managed.field.applies_to(lookup(live.variant()))
}

/// Whether anyone can log in to an application with these fields, as far as they show.
fn lets_in(managed: &[Managed]) -> bool {
    let access = managed.iter().find(|managed| managed.field.name() == ACCESS);
    access.is_none_or(|access| access.wanted != FieldValue::text(NO_USERS))
}

/// What one field of a new application risks. The values that its composite defines were accepted with the composite's
/// entry.
fn newly(managed: &Managed, wanted: &Wanted, lets_in: bool, references: &References) -> Assessment {
    let field = managed.field;
    let value = match wanted.definition.get(field.name()) {
        Some(own) => managed.wanted.beyond(own),
        None => managed.wanted.clone(),
    };
    match (field.refers_to, &value) {
        (Some(Kind::Policy), FieldValue::Text(key)) if lets_in => references.effect(key).assessment(),
        _ => (field.created)(&value),
    }
}

/// The assessment of a change that finishes a creation.
fn finished(assessment: Assessment) -> Assessment {
    if assessment == NEUTRAL { (Risk::Neutral, "finishes the creation") } else { assessment }
}

/// The changes that a create shows: every managed field, starting from nothing.
pub fn from_nothing(wanted: &Wanted, managed: &[Managed], references: &References) -> Vec<Change> {
    let lets_in = lets_in(managed);
    let set = managed.iter().filter(|managed| !managed.left_out && managed.wanted != FieldValue::Unset);
    set.flat_map(|managed| {
        let assessment = newly(managed, wanted, lets_in, references);
        changes(managed.field, &FieldValue::Unset, &managed.wanted, None, assessment, references)
    })
    .collect()
}

/// The changes that a replacement shows: every managed field, starting from the values of the old application.
pub fn from_predecessor(
    wanted: &Wanted,
    managed: &[Managed],
    old: &Object,
    references: &References,
) -> Vec<Change> {
    let access = AccessChange::of(managed, old);
    // A field that a type does not have does not count, whatever Duo shows: no one logs in to an API.
    let had = |field: &Field| {
        let users = lookup(old.variant()).is_none_or(|kind| kind.family.has_users());
        field.applies_to(lookup(old.variant())) && (users || !field.is(Roles::OPENS))
    };
    let lets_in = lets_in(managed);
    let mut shown = Vec::new();
    for managed in managed {
        let before = match managed.live(old) {
            found if managed.counts_as_unset(&found) => continue,
            Live::Value(value) => value,
            Live::NotOffered => FieldValue::Unset,
        };
        if before == FieldValue::Unset && managed.wanted == FieldValue::Unset {
            continue;
        }
        let counts = managed.field.name() != GROUPS || access != AccessChange::Changes;
        let assessment = if !had(managed.field) {
            newly(managed, wanted, lets_in, references)
        } else if before == managed.wanted || !counts {
            NEUTRAL
        } else {
            (managed.field.risk)(&before, &managed.wanted)
        };
        shown.extend(changes(managed.field, &before, &managed.wanted, None, assessment, references));
    }
    shown
}

/// The fields whose differences count. Ignored fields are sent when an application is created and left alone afterwards.
pub fn compared(managed: Vec<Managed>, wanted: &Wanted) -> Vec<Managed> {
    let ignored = |managed: &Managed| wanted.ignore.iter().any(|key| key == managed.field.name());
    managed.into_iter().filter(|managed| !ignored(managed)).collect()
}

/// What the marker records about the compared fields once they are applied.
pub fn applied(compared: &[Managed], before: Option<&Marker>) -> AppliedFields {
    let applied = |managed: &Managed| {
        let letter = managed.field.letter?;
        let asked = short_hash(letter, &managed.wanted);
        let before = before.and_then(|marker| marker.applied.get(&letter));
        let kept = before.filter(|before| before.asked == asked).and_then(|before| before.kept);
        Some((letter, Applied { asked, kept }))
    };
    compared.iter().filter_map(applied).collect()
}

/// The body of an update: only what changes, and the fields that Duo requires with it.
pub fn body(difference: &Difference<'_>, managed: &[Managed], live: &Object) -> Map<String, Value> {
    let mut body = Map::new();
    for managed in &difference.fields {
        managed.send(&mut body, Some(live));
    }
    let opens = |managed: &&Managed| managed.field.is(Roles::OPENS);
    if difference.fields.iter().any(opens) {
        // Duo accepts a list of groups only together with `PERMITTED_GROUPS`, and switching back needs the list (trap
        // 3).
        managed.iter().filter(opens).for_each(|managed| managed.send(&mut body, Some(live)));
        if body.contains_key("groups_allowed") && !body.contains_key("user_access") {
            body.insert("user_access".to_owned(), json!(PERMITTED_GROUPS));
        }
    }
    body
}

/// Whether Duo is known to keep this value in place of the wanted one.
fn is_known(managed: &Managed, value: &FieldValue, applied: Option<&Applied>) -> bool {
    managed.field.letter.zip(applied).is_some_and(|(letter, applied)| {
        applied.asked == short_hash(letter, &managed.wanted)
            && applied.kept == Some(short_hash(letter, value))
    })
}

/// Whether a value is what Duo makes of a text: truncated, or with other whitespace. An unproven marker excuses no other
/// difference.
fn resembles(target: &FieldValue, value: &FieldValue) -> bool {
    match (target, value) {
        (FieldValue::Text(target), FieldValue::Text(value)) => may_be_kept_as(target, value),
        (_, value) => *value == FieldValue::Unset,
    }
}

/// Reported in every plan, unlike other values that Duo keeps: the key may be able to do more, or less, than the YAML
/// declares.
fn not_followed(wanted: &Wanted, managed: &Managed, value: &FieldValue, part: &str) -> Diagnostic {
    let field = managed.field.name();
    let (verb, help) = if value.names(part) {
        ("revoke", format!("revoke it in the Duo Admin Panel, or add it to `{field}`"))
    } else {
        let help = "grant it in the Duo Admin Panel, create a new application, or remove it from";
        ("grant", format!("{help} `{field}`"))
    };
    let message = format!("{}: Duo did not {verb} `{part}` when duoctl requested it", wanted.address);
    Diagnostic::warning(Code::NotOfferedYet, managed.span, message).help(help)
}

/// A permission that Duo may not change after the creation is requested anyway, and the plan warns about it.
fn uncertain(wanted: &Wanted, managed: &Managed, part: &str) -> Diagnostic {
    let verb = if managed.wanted.names(part) { "grant" } else { "revoke" };
    let message =
        format!("{}: Duo might not {verb} `{part}` after an application is created", wanted.address);
    Diagnostic::warning(Code::NotOfferedYet, managed.span, message)
        .help("apply tries it and reports what Duo did; the Duo Admin Panel can always change it")
}

fn origin(managed: &Managed, value: &FieldValue, applied: Option<&Applied>) -> Origin {
    let Some((letter, applied)) = managed.field.letter.zip(applied) else { return Origin::Config };
    let yaml_moved = applied.asked != short_hash(letter, &managed.wanted);
    // The YAML decides which leaves of a document count, so hashes of different leaves cannot be compared.
    let is_document = matches!(managed.wanted, FieldValue::Document(_));
    let comparable = !is_document || !yaml_moved;
    let duo_moved = comparable && short_hash(letter, value) != applied.kept.unwrap_or(applied.asked);
    match (yaml_moved, duo_moved) {
        (true, true) => Origin::Both,
        (false, true) => Origin::Drift,
        (_, false) => Origin::Config,
    }
}

/// Whether a change finishes the creation of a requested application that lets no one in yet. If people can log in, a
/// state that someone wrote into the marker excuses no change.
fn finishes_creation(field: &Field, live: &Object, marker: Option<&Marker>) -> bool {
    let later = field.is(Roles::LATE) || field.is(Roles::OPENS);
    let creating = marker.is_some_and(|marker| {
        matches!(marker.state, MarkerState::Creating { .. } | MarkerState::Successor { .. })
    });
    later && creating && live.text("user_access") == NO_USERS
}

/// Whether Duo uses the groups of an application whose access the YAML does not set. Groups without effect are an error,
/// unless the access is ignored on purpose.
fn groups_count(wanted: &Wanted, managed: &Managed, live: &Object) -> Result<(), Option<Box<Diagnostic>>> {
    let access = live.text("user_access");
    let named = managed.wanted != FieldValue::Unset;
    // Duo accepts a list only with `PERMITTED_GROUPS`, and never an empty one (trap 2).
    if access.is_empty() || named == (access == PERMITTED_GROUPS) {
        return Ok(());
    }
    if wanted.ignore.iter().any(|key| key == "user_access") {
        return Err(None);
    }
    let what = if named { "has no effect" } else { "cannot be cleared" };
    let message = format!("{}: `groups_allowed` {what} while the access is {access}", wanted.address);
    let problem = Diagnostic::error(Code::AccessConflict, managed.span, message)
        .help("define with `user_access` who may log in");
    Err(Some(Box::new(problem)))
}

fn not_offered(wanted: &Wanted, managed: &Managed, what: &str) -> Diagnostic {
    let message = format!("{}: Duo does not offer `{what}` for this application yet", wanted.address);
    Diagnostic::warning(Code::NotOfferedYet, managed.span, message)
        .help("nothing is planned for it: remove it from the YAML, or wait until Duo shows the setting")
}

fn changes(
    field: &Field,
    before: &FieldValue,
    after: &FieldValue,
    origin: Option<Origin>,
    (risk, reason): Assessment,
    references: &References,
) -> Vec<Change> {
    let change = |name: &str, before: Value, after: Value| Change {
        origin,
        risk,
        reason,
        ..Change::neutral(name, before, after)
    };
    let people = |value: Value, path: &str| shown(field, value, path, references);
    let FieldValue::Document(after) = after else {
        return vec![change(field.name(), people(before.json(), ""), people(after.json(), ""))];
    };
    let empty = BTreeMap::new();
    let before = if let FieldValue::Document(before) = before { before } else { &empty };
    // The leaves that only Duo has are those that an authoritative application omits.
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of = |leaves: &Leaves, path: &String| leaves.get(path).cloned().unwrap_or_default();
    paths
        .into_iter()
        .map(|path| (path, of(before, path), of(after, path)))
        .filter(|(_, before, after)| before != after)
        .map(|(path, before, after)| {
            change(&format!("{}.{path}", field.name()), people(before, path), people(after, path))
        })
        .collect()
}

#[cfg(test)]
mod tests;
