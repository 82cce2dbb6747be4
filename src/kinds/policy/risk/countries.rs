//! What a change of `user_location` does to access: an action for each country, and one for those that no list names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::reasons::{UNKNOWN_VALUE, worst};
use super::value::list;
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};

/// The actions with their lists, from the weakest.
const ACTIONS: [(&str, &str); 4] = [
    ("allow-access-no-2fa", "allow_access_no_2fa_countries_list"),
    ("ignore-location", "ignore_location_countries_list"),
    ("require-mfa", "require_mfa_countries_list"),
    ("deny-access", "deny_access_countries_list"),
];

const DEFAULT: &str = "default_action";

/// The actions of a section.
struct Actions<'a> {
    /// The countries that are named, with their weakest and their strictest action.
    named: BTreeMap<String, (usize, usize)>,
    /// The rank of the action for the others, if it is known.
    others: Option<usize>,
    text: Option<&'a Value>,
}

impl<'a> Actions<'a> {
    fn of(section: &'a Map<String, Value>) -> Self {
        let mut named: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (rank, (_, countries)) in ACTIONS.iter().enumerate() {
            for country in list(section, countries) {
                named.entry(country).or_insert((rank, rank)).1 = rank;
            }
        }
        let text = section.get(DEFAULT);
        let rank = |text: &Value| ACTIONS.iter().position(|(action, _)| text.as_str() == Some(action));
        Self { named, others: text.and_then(rank), text }
    }

    fn ranks(&self, country: &str) -> Option<(usize, usize)> {
        self.named.get(country).copied().or(self.others.map(|rank| (rank, rank)))
    }
}

/// The risk of the change, and how many of the countries that a list names it concerns.
pub(super) fn assess(before: &Map<String, Value>, after: &Map<String, Value>) -> (Assessment, usize) {
    let (before, after) = (Actions::of(before), Actions::of(after));
    let others = if before.text == after.text {
        NEUTRAL
    } else {
        match (before.others, after.others) {
            (Some(before), Some(after)) if after < before => {
                (Risk::WidensAccess, "less is required in every country that no list names")
            }
            (Some(_), Some(_)) => {
                (Risk::NarrowsAccess, "more is required in every country that no list names")
            }
            _ => UNKNOWN_VALUE,
        }
    };
    let (mut weaker, mut stricter, mut unknown) = (0, 0, 0);
    for country in before.named.keys().chain(after.named.keys()).collect::<BTreeSet<_>>() {
        match (before.ranks(country), after.ranks(country)) {
            // What Duo does with a country in two lists is not known, so the worse one is assumed.
            (Some((_, before)), Some((after, _))) if after < before => weaker += 1,
            (Some((before, _)), Some((_, after))) if after > before => stricter += 1,
            (Some(_), Some(_)) => {}
            _ => unknown += 1,
        }
    }
    let named = match (weaker, unknown, stricter) {
        (1.., ..) => (Risk::WidensAccess, "less is required in some countries"),
        (0, 1.., _) => UNKNOWN_VALUE,
        (0, 0, 1..) => (Risk::NarrowsAccess, "more is required in some countries"),
        (0, 0, 0) => NEUTRAL,
    };
    let concerned = if weaker + unknown > 0 { weaker + unknown } else { stricter };
    (worst([others, named]), concerned)
}

/// Whether everyone is denied access from countries that no list names.
pub(super) fn denies_others(section: &Map<String, Value>) -> bool {
    section.get(DEFAULT).and_then(Value::as_str) == Some("deny-access")
}
