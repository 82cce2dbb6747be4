//! What a change of `authorized_networks` does to access. Its lists are judged together: both are exceptions from
//! `deny_other_access`.

use serde_json::{Map, Value};

use super::reasons::{UNKNOWN_VALUE, worst};
use super::value::items;
use crate::kinds::networks::Networks;
use crate::kinds::risk::{Assessment, NEUTRAL, Risk};

pub(super) const SECTION: &str = "authorized_networks";

const EXEMPT: &str = "/no_2fa_required/ip_list";
const REQUIRED: &str = "/mfa_required/ip_list";
const DENY: &str = "deny_other_access";

const DENIED: Assessment = (Risk::NarrowsAccess, "logins from other networks are denied");
const NO_LONGER_DENIED: Assessment = (Risk::WidensAccess, "logins from other networks are no longer denied");

/// Who may log in from where.
struct Zones {
    exempt: Networks,
    /// The networks that are let in while others are denied.
    listed: Networks,
    denies: bool,
}

impl Zones {
    fn of(section: &Value) -> Option<Self> {
        let list = |path| section.pointer(path).map(items).unwrap_or_default();
        let (exempt, required) = (list(EXEMPT), list(REQUIRED));
        let listed = Networks::parse(exempt.iter().chain(&required)).ok()?;
        // Without a network, the setting has no effect (policies.md, trap 1).
        let denies = section.get(DENY).map_or(Some(false), Value::as_bool)? && !listed.is_empty();
        Some(Self { exempt: Networks::parse(&exempt).ok()?, listed, denies })
    }
}

/// The risk of a changed field; `None` if it does not depend on the others.
pub(super) fn assess(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Assessment> {
    if ![EXEMPT, REQUIRED].iter().any(|list| list.trim_start_matches('/').replace('/', ".") == path)
        && path != DENY
    {
        return None;
    }
    let zones = |section: &Map<String, Value>| Zones::of(&Value::Object(section.clone()));
    let (Some(before), Some(after)) = (zones(before), zones(after)) else { return Some(UNKNOWN_VALUE) };
    let others = match (before.denies, after.denies) {
        (true, false) => NO_LONGER_DENIED,
        (false, true) => DENIED,
        (true, true) if !after.listed.is_within(&before.listed) => {
            (Risk::WidensAccess, "logins from more networks are let in")
        }
        (true, true) if !before.listed.is_within(&after.listed) => {
            (Risk::NarrowsAccess, "logins from fewer networks are let in")
        }
        (true, true) | (false, false) => NEUTRAL,
    };
    let exempt = match (before.exempt.is_within(&after.exempt), after.exempt.is_within(&before.exempt)) {
        (true, true) => NEUTRAL,
        (false, true) => (Risk::NarrowsAccess, "fewer networks need no second factor"),
        (_, false) => (Risk::WidensAccess, "more networks need no second factor"),
    };
    Some(if path == DENY || path.starts_with("mfa_required") { others } else { worst([exempt, others]) })
}

/// Whether logins from all networks that are not listed are denied.
pub(super) fn denies_others(section: &Map<String, Value>) -> bool {
    Zones::of(&Value::Object(section.clone())).is_some_and(|zones| zones.denies)
}
