//! The risks of a change: a closed set. Each field's row says which change has which risk.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::language::shape::Choice;

/// The risk of one change, in the order of severity used by reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// No access changes.
    Neutral,
    /// Fewer users may log in, or they must prove more.
    NarrowsAccess,
    /// A key loses permissions.
    ReducesPrivilege,
    /// The key is older than `max_age`.
    OverdueKey,
    /// A value that a console holds stops working.
    BreaksHandoff,
    /// More users may log in, or they may have to prove less.
    WidensAccess,
    /// A key gains permissions.
    EscalatesPrivilege,
    /// The key of an application that duoctl did not create is delivered to a secret store.
    AdoptsKey,
    /// A new application with a new key replaces the old one.
    Replaces,
    /// Something is permanently lost: Duo has no undelete.
    Destroys,
}

impl Risk {
    /// Every risk.
    pub const ALL: [Self; 10] = [
        Self::Neutral,
        Self::NarrowsAccess,
        Self::ReducesPrivilege,
        Self::OverdueKey,
        Self::BreaksHandoff,
        Self::WidensAccess,
        Self::EscalatesPrivilege,
        Self::AdoptsKey,
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
            Self::AdoptsKey => "adopts_key",
            Self::Replaces => "replaces",
            Self::Destroys => "destroys",
        }
    }

    /// The risk with a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.name() == name)
    }

    /// Whether a plan with it needs a consent by name (design: "Nothing widens by accident").
    pub fn needs_consent(self) -> bool {
        match self {
            Self::WidensAccess
            | Self::EscalatesPrivilege
            | Self::BreaksHandoff
            | Self::OverdueKey
            | Self::AdoptsKey
            | Self::Replaces => true,
            // Whether a deletion needs one depends on its cause.
            Self::Neutral | Self::NarrowsAccess | Self::ReducesPrivilege | Self::Destroys => false,
        }
    }

    /// Whether it is shown as a danger: taking access or privilege away is none.
    pub fn is_danger(self) -> bool {
        self.needs_consent() || self == Self::Destroys
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The consent to YAML that declares nothing.
pub const EMPTY: &str = "empty";

/// The consent to a group whose members skip the second factor.
pub const BYPASS_GROUP: &str = "bypass_group";

/// The consent to a change that may shut out everyone it reaches.
pub const LOCKOUT: &str = "lockout";

/// The names of consents, in `--allow` and in `guards.allow`.
pub const CONSENTS: &[Choice] = &[
    Choice::new("widens_access", "more users may log in, or they may have to prove less"),
    Choice::new("escalates_privilege", "a key gains permissions"),
    Choice::new(
        "adopts_key",
        "the key of an application that duoctl did not create is delivered to a secret store",
    ),
    Choice::new("replaces", "a new application with a new key replaces the old one"),
    Choice::new("breaks_handoff", "a value that a console holds stops working"),
    Choice::new("overdue_key", "an application changes although its key is older than `max_age`"),
    Choice::new("destroys", "an application is deleted without a quarantine first"),
    Choice::new(
        BYPASS_GROUP,
        "members of a group log in without a second factor, and no policy applies to them",
    ),
    Choice::new(LOCKOUT, "a policy or a setting may shut out everyone it reaches"),
    Choice::new(EMPTY, "the YAML declares nothing, but the account has applications of this workspace"),
];

/// A risk with its reason.
pub type Assessment = (Risk, &'static str);

/// No risk.
pub const NEUTRAL: Assessment = (Risk::Neutral, "");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_risk_that_needs_a_consent_can_be_consented_to_and_no_other() {
        for risk in Risk::ALL.into_iter().filter(|risk| *risk != Risk::Destroys) {
            let listed = CONSENTS.iter().any(|choice| choice.value == risk.name());
            assert_eq!(listed, risk.needs_consent(), "{risk}");
        }
    }
}
