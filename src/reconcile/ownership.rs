//! Which address an application belongs to, and how that is known.

use crate::duo::object::Ikey;

use super::delivery::Held;
use super::desired::Wanted;
use super::live::Live;

/// How an application is known to belong to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Shown by something that editing notes cannot change: a seal, a pin in the YAML, or the secret store.
    Proven,
    /// It has the type and the name, and possibly a marker that shows no more than that.
    Adopted,
    /// Its marker says so, but nothing proves the marker.
    Claimed,
}

/// How an application is known to belong to an address. `held` is what the store of the address holds.
pub(crate) fn ownership(wanted: &Wanted, held: Option<&Held>, live: &Live<'_>) -> Ownership {
    match &live.marker {
        _ if is_told(wanted, held, &live.integration.id) => Ownership::Proven,
        Some(marker) if live.proof.is_proven() && !marker.adopted => Ownership::Proven,
        Some(_) if !live.proof.is_proven() => Ownership::Claimed,
        Some(_) | None => Ownership::Adopted,
    }
}

/// Whether a pin in the YAML or the secret store says that an application belongs to an address.
pub(super) fn is_told(wanted: &Wanted, held: Option<&Held>, ikey: &Ikey) -> bool {
    let pinned = wanted.pin.as_ref().is_some_and(|pin| pin.value == *ikey);
    let stored = match held {
        Some(Held::Keys(keys)) => keys.belong_to(&wanted.address, ikey),
        Some(Held::Nothing | Held::CannotTell | Held::Unreadable { .. }) | None => false,
    };
    pinned || stored
}
