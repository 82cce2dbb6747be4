//! Switches of an object that share a name prefix (duo-api.md, traps 5 and 20).

use std::collections::BTreeSet;

use crate::duo::object::Object;

use super::value::flag;

/// The flags that Duo shows, set or not, without their prefix.
pub(super) fn known<'l>(live: &'l Object, prefix: &str) -> impl Iterator<Item = &'l str> {
    let shown = live.properties().iter().filter(|(_, value)| !value.is_null());
    shown.filter_map(move |(key, _)| key.strip_prefix(prefix))
}

/// A flag with an unreadable value counts as set, so that it is revoked and not overlooked.
pub(super) fn is_set(live: &Object, prefix: &str, name: &str) -> bool {
    live.property(&format!("{prefix}{name}")).is_some_and(|value| flag(value).unwrap_or(true))
}

/// The flags that are set.
pub(super) fn set(live: &Object, prefix: &str) -> BTreeSet<String> {
    known(live, prefix).filter(|name| is_set(live, prefix, name)).map(str::to_owned).collect()
}
