//! What a change may do to people's access: a closed set. Each field's row says which change risks what.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Nothing is risked.
pub const NEUTRAL: Assessment = (Risk::Neutral, "");
