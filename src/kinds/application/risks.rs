//! The risks of changing a field of an existing application, and of creating an application with a value.
//!
//! If a change may be harmless or not, the worse case counts.

use crate::kinds::risk::{Assessment, NEUTRAL, Risk};
use crate::kinds::value::FieldValue;

use super::{NO_USERS, PERMITTED_GROUPS};

/// How many users an access value lets in: none, some groups, all. Unknown values count as all.
fn reach(value: &FieldValue) -> u8 {
    match value {
        FieldValue::Text(text) if text == NO_USERS => 0,
        FieldValue::Text(text) if text == PERMITTED_GROUPS => 1,
        _ => 2,
    }
}

pub(super) fn access(before: &FieldValue, after: &FieldValue) -> Assessment {
    if reach(after) < reach(before) {
        (Risk::NarrowsAccess, "fewer users may log in")
    } else {
        (Risk::WidensAccess, "more users may log in")
    }
}

/// Groups are listed in the YAML that is reviewed, so only access for all users needs consent.
pub(super) fn new_access(access: &FieldValue) -> Assessment {
    match access {
        FieldValue::Unset => NEUTRAL,
        access if reach(access) < 2 => NEUTRAL,
        _ => (Risk::WidensAccess, "every user may log in"),
    }
}

pub(super) fn groups(before: &FieldValue, after: &FieldValue) -> Assessment {
    match (before, after) {
        (FieldValue::Set(before), FieldValue::Set(after)) if after.is_subset(before) => {
            (Risk::NarrowsAccess, "users of a group may no longer log in")
        }
        _ => (Risk::WidensAccess, "users of another group may log in"),
    }
}

pub(super) fn policy(_: &FieldValue, after: &FieldValue) -> Assessment {
    match after {
        FieldValue::Unset => (Risk::WidensAccess, "only the global policy applies"),
        // Policies are not compared: the new one may require less than the old one.
        _ => (Risk::WidensAccess, "the new policy may require less"),
    }
}

pub(super) fn permissions(before: &FieldValue, after: &FieldValue) -> Assessment {
    match (before, after) {
        (FieldValue::Set(before), FieldValue::Set(after)) if after.is_subset(before) => {
            (Risk::ReducesPrivilege, "the key may do less")
        }
        (_, FieldValue::Unset) => (Risk::ReducesPrivilege, "the key loses all permissions"),
        _ => (Risk::EscalatesPrivilege, "the key may do more"),
    }
}

pub(super) fn new_permissions(permissions: &FieldValue) -> Assessment {
    let only_reads = |name: &String| name == "info" || name.starts_with("read_") || name.ends_with("_read");
    match permissions {
        FieldValue::Unset => NEUTRAL,
        FieldValue::Set(names) if names.iter().all(only_reads) => NEUTRAL,
        _ => (Risk::EscalatesPrivilege, "the new key may change settings or grant permissions"),
    }
}

pub(super) fn networks(before: &FieldValue, after: &FieldValue) -> Assessment {
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

pub(super) fn self_service(_: &FieldValue, after: &FieldValue) -> Assessment {
    match after {
        FieldValue::Flag(true) => (Risk::WidensAccess, "users may change their own devices"),
        _ => (Risk::NarrowsAccess, "users may no longer change their own devices"),
    }
}

pub(super) fn normalization(_: &FieldValue, after: &FieldValue) -> Assessment {
    match after {
        FieldValue::Text(text) if text == "simple" => {
            (Risk::WidensAccess, "more spellings of a username match one user")
        }
        _ => (Risk::NarrowsAccess, "fewer spellings of a username match one user"),
    }
}

pub(super) fn sso(_: &FieldValue, _: &FieldValue) -> Assessment {
    (Risk::WidensAccess, "it decides how users are identified and where they are redirected")
}
