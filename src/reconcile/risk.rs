//! What a change may do to people's access: a closed set, and who decides it for each kind of field.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{Field, FieldKind};
use super::value::FieldValue;

/// The risk of one change. The order is the order of severity in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nobody's access changes.
    Neutral,
    /// Fewer people may log in, or they must prove more.
    NarrowsAccess,
    /// A key may do less.
    ReducesPrivilege,
    /// The key is older than `max_age` says.
    OverdueKey,
    /// A console holds a value that stops working.
    BreaksHandoff,
    /// More people may log in, or they may have to prove less.
    WidensAccess,
    /// A key may do more.
    EscalatesPrivilege,
    /// A new application with a new key takes the place of the old one.
    Replaces,
    /// Something is lost for good: Duo has no undelete.
    Destroys,
}

impl Risk {
    /// Every risk.
    pub const ALL: [Self; 9] = [
        Self::Neutral,
        Self::NarrowsAccess,
        Self::ReducesPrivilege,
        Self::OverdueKey,
        Self::BreaksHandoff,
        Self::WidensAccess,
        Self::EscalatesPrivilege,
        Self::Replaces,
        Self::Destroys,
    ];

    /// The name in plans, in `--allow` and in `guards.allow`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::NarrowsAccess => "narrows_access",
            Self::ReducesPrivilege => "reduces_privilege",
            Self::OverdueKey => "overdue_key",
            Self::BreaksHandoff => "breaks_handoff",
            Self::WidensAccess => "widens_access",
            Self::EscalatesPrivilege => "escalates_privilege",
            Self::Replaces => "replaces",
            Self::Destroys => "destroys",
        }
    }

    /// The risk of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.name() == name)
    }

    /// Whether a plan that holds it needs a consent by name (design: "Nothing widens by accident").
    pub fn needs_consent(self) -> bool {
        match self {
            Self::WidensAccess | Self::EscalatesPrivilege | Self::BreaksHandoff | Self::OverdueKey => true,
            // Deletes and replacements have guards of their own, by number and by address.
            Self::Neutral
            | Self::NarrowsAccess
            | Self::ReducesPrivilege
            | Self::Replaces
            | Self::Destroys => false,
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A risk with its reason in words.
pub type Assessment = (Risk, &'static str);

const NEUTRAL: Assessment = (Risk::Neutral, "");

/// The risk of changing one field of an existing application from one value to another.
///
/// What is not surely harmless counts as the worse of what it may be.
pub fn assess(field: &Field, before: &FieldValue, after: &FieldValue) -> Assessment {
    match field.kind {
        FieldKind::Access => access(before, after),
        FieldKind::Groups => groups(before, after),
        FieldKind::Policy => policy(after),
        FieldKind::Permissions => permissions(before, after),
        FieldKind::Networks => networks(before, after),
        FieldKind::SelfService => match after {
            FieldValue::Flag(true) => (Risk::WidensAccess, "users may change their own devices"),
            _ => (Risk::NarrowsAccess, "users may no longer change their own devices"),
        },
        FieldKind::Normalization => match after {
            FieldValue::Text(text) if text == "simple" => {
                (Risk::WidensAccess, "more spellings of a username match one user")
            }
            _ => (Risk::NarrowsAccess, "fewer spellings of a username match one user"),
        },
        FieldKind::Sso => {
            (Risk::WidensAccess, "it decides who is believed to be whom, and where they are sent")
        }
        FieldKind::Name | FieldKind::Text | FieldKind::Notes | FieldKind::Prompt => NEUTRAL,
    }
}

/// How many people an access value lets in: nobody, some groups, everybody; what is unknown counts as everybody.
fn reach(value: &FieldValue) -> u8 {
    match value {
        FieldValue::Text(text) if text == "NO_USERS" => 0,
        FieldValue::Text(text) if text == "PERMITTED_GROUPS" => 1,
        _ => 2,
    }
}

fn access(before: &FieldValue, after: &FieldValue) -> Assessment {
    if reach(after) < reach(before) {
        (Risk::NarrowsAccess, "fewer users may log in")
    } else {
        (Risk::WidensAccess, "more users may log in")
    }
}

fn groups(before: &FieldValue, after: &FieldValue) -> Assessment {
    match (before, after) {
        (FieldValue::Set(before), FieldValue::Set(after)) if after.is_subset(before) => {
            (Risk::NarrowsAccess, "users of a group may no longer log in")
        }
        _ => (Risk::WidensAccess, "users of another group may log in"),
    }
}

fn policy(after: &FieldValue) -> Assessment {
    match after {
        FieldValue::Unset => (Risk::WidensAccess, "only the global policy applies from now on"),
        // Policies are not compared: any of them may ask for less than what applied before.
        _ => (Risk::WidensAccess, "the other policy may ask for less"),
    }
}

fn permissions(before: &FieldValue, after: &FieldValue) -> Assessment {
    match (before, after) {
        (FieldValue::Set(before), FieldValue::Set(after)) if after.is_subset(before) => {
            (Risk::ReducesPrivilege, "the key may do less")
        }
        (_, FieldValue::Unset) => (Risk::ReducesPrivilege, "the key may do nothing any more"),
        _ => (Risk::EscalatesPrivilege, "the key may do more"),
    }
}

fn networks(before: &FieldValue, after: &FieldValue) -> Assessment {
    match (before, after) {
        (FieldValue::Networks(before), FieldValue::Networks(after)) if after.is_within(before) => {
            (Risk::NarrowsAccess, "the key works from fewer addresses")
        }
        (FieldValue::Unset, FieldValue::Networks(_)) => {
            (Risk::NarrowsAccess, "the key works from some addresses only")
        }
        (_, FieldValue::Unset) => (Risk::WidensAccess, "the key works from any address"),
        _ => (Risk::WidensAccess, "the key works from more addresses"),
    }
}

#[cfg(test)]
mod tests;
