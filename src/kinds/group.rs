//! Groups of users. Their members are not managed (policies.md, section 7).

use crate::kinds::field::{Clear, Field, Form, Roles as R, Wire, can_be_ignored, ignored, keys};
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};
use crate::kinds::value::FieldValue;
use crate::language::shape::{Choice, Key, MANY, Object, Shape, TextRule, renamed};
use crate::language::texts;

/// The status of a group.
pub const STATUS: &str = "status";

/// An entry of `groups`.
pub static GROUP: Object = Object {
    foreign: || vec![renamed("desc", "is not a key of a group", "description")],
    unless: Some("group_id"),
    definition: Some("group"),
    ..Object::new("a group", KEYS)
};

/// The values of `status`.
const STATUSES: &[Choice] = &[
    Choice::new("active", "members log in with a second factor"),
    Choice::new("bypass", "members log in without a second factor, and no policy applies to them"),
    Choice::new("disabled", "members cannot log in"),
];

/// Every field, in the order used by `duoctl fmt`, plans and the YAML reference.
pub static FIELDS: &[Field] = &[
    Field::held(Key::required("name", Shape::Text(&texts::LINE), "Name of the group in Duo.", "Contractors"), 'n', Form::Text)
        .roles(R::IDENTIFYING.and(R::REWRITTEN)),
    Field::own(Key::optional("group_id", Shape::Text(&texts::ID), "ID of the live group to manage. Needed when the name does not identify it.", "DGXXXXXXXXXXXXXXXXXX"))
        .roles(R::IDENTIFYING),
    Field::held(Key::optional("description", Shape::Text(&texts::DESCRIPTION), "Description for administrators. duoctl appends its marker to it.", "External staff"), 'o', Form::Text)
        .wire(Wire::Property("desc"))
        .clears(Clear::Empty)
        .roles(R::MARKED.and(R::PROSE).and(R::REWRITTEN)),
    Field::held(Key::optional(STATUS, Shape::Choice(STATUSES), "What the group does to the logins of its members. New groups are active.", "active"), 's', Form::Word { sent: str::to_lowercase, read: str::to_lowercase })
        .clears(Clear::Word("active"))
        .risk(status)
        .created(|status| changed("active", word(status))),
    Field::own(Key::optional("protect", Shape::Flag, "Refuse to delete the group.", "true").default("false")),
    Field::own(Key::optional("authoritative", Shape::Flag, "Treat fields that are left out as unset. A value in Duo then is drift, and apply clears it. Otherwise such fields are not managed.", "true").default("false")),
    Field::own(Key::optional("ignore", Shape::List(&Shape::Object(&IGNORE), 0, MANY), "Fields whose differences are ignored, each with a reason.", "[{field: description, reason: help desk edits it}]").default("[]")),
];

static KEYS: &[Key] = &keys::<{ FIELDS.len() }>(FIELDS, None);

/// An entry of `ignore`.
static IGNORE: Object = Object::new("an item of `ignore`", &ignored(&IGNORED_FIELD, "description"));

static IGNORED_FIELD: TextRule = TextRule {
    pattern: "^(name|description|status)$",
    check: |text| can_be_ignored(FIELDS, text),
    numeric: false,
};

fn word(status: &FieldValue) -> &str {
    if let FieldValue::Text(word) = status { word } else { "active" }
}

fn status(before: &FieldValue, after: &FieldValue) -> Assessment {
    changed(word(before), word(after))
}

/// The risk of a changed status. What an unknown one does is not known.
fn changed(before: &str, after: &str) -> Assessment {
    match (before, after) {
        (before, after) if before == after => NEUTRAL,
        (_, "bypass") => {
            (Risk::WidensAccess, "members log in without a second factor, and no policy applies to them")
        }
        (_, "disabled") => (Risk::NarrowsAccess, "members can no longer log in"),
        ("bypass", "active") => (Risk::NarrowsAccess, "members need a second factor again"),
        (_, _) => (Risk::WidensAccess, "members can log in again"),
    }
}

/// Whether a group is synchronised with a directory: its name then names the directory (policies.md, section 7). No other
/// sign exists.
pub fn is_synchronised(name: &str) -> bool {
    let name = name.trim_end();
    name.ends_with(')')
        && name.rfind('(').is_some_and(|at| name.get(at..).is_some_and(|end| end.contains("sync")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_worst_change_is_the_bypass() {
        let of = |before: &str, after: &str| changed(before, after).0;
        let known = ["active", "bypass", "disabled"];
        for before in known.into_iter().chain(["paused"]) {
            assert_eq!(of(before, before), Risk::Neutral);
            for after in known.into_iter().filter(|after| *after != before) {
                let narrows = after == "disabled" || (before, after) == ("bypass", "active");
                let expected = if narrows { Risk::NarrowsAccess } else { Risk::WidensAccess };
                assert_eq!(of(before, after), expected, "{before} {after}");
            }
        }
    }

    #[test]
    fn a_synchronised_group_is_known_by_its_name() {
        for (name, synchronised) in [
            ("Staff (from AD sync \"HQ\")", true),
            ("Staff (from Azure sync \"Cloud\")", true),
            ("Staff", false),
            ("Staff (external)", false),
            ("sync", false),
        ] {
            assert_eq!(is_synchronised(name), synchronised, "{name}");
        }
    }

    #[test]
    fn the_pattern_of_ignored_fields_is_the_table() {
        let names: BTreeSet<&str> =
            FIELDS.iter().filter(|field| field.is_compared()).map(Field::name).collect();
        let pattern = IGNORED_FIELD.pattern.trim_start_matches("^(").trim_end_matches(")$");
        assert_eq!(pattern.split('|').collect::<BTreeSet<&str>>(), names);
    }
}
