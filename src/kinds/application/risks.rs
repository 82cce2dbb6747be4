//! What changing a field of an existing application from one value to another risks, and what a new application with a
//! value does.
//!
//! What is not surely harmless counts as the worse of what it may be.

use crate::kinds::risk::{Assessment, NEUTRAL, Risk};
use crate::kinds::value::FieldValue;

use super::{NO_USERS, PERMITTED_GROUPS};

/// How many people an access value lets in: nobody, some groups, everybody; what is unknown counts as everybody.
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

/// Groups are named one by one in the YAML that is reviewed; every user is not.
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
        FieldValue::Unset => (Risk::WidensAccess, "only the global policy applies from now on"),
        // Policies are not compared: any of them may ask for less than what applied before.
        _ => (Risk::WidensAccess, "the other policy may ask for less"),
    }
}

pub(super) fn permissions(before: &FieldValue, after: &FieldValue) -> Assessment {
    match (before, after) {
        (FieldValue::Set(before), FieldValue::Set(after)) if after.is_subset(before) => {
            (Risk::ReducesPrivilege, "the key may do less")
        }
        (_, FieldValue::Unset) => (Risk::ReducesPrivilege, "the key may do nothing any more"),
        _ => (Risk::EscalatesPrivilege, "the key may do more"),
    }
}

pub(super) fn new_permissions(permissions: &FieldValue) -> Assessment {
    let only_reads = |name: &String| name == "info" || name.starts_with("read_") || name.ends_with("_read");
    match permissions {
        FieldValue::Unset => NEUTRAL,
        FieldValue::Set(names) if names.iter().all(only_reads) => NEUTRAL,
        _ => (Risk::EscalatesPrivilege, "the new key may change things, or grant permissions"),
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
    (Risk::WidensAccess, "it decides who is believed to be whom, and where they are sent")
}
