//! The pure core: `(Desired, Observation) -> Plan`. Nothing here does I/O or reads the clock.

pub mod age;
pub mod consent;
pub mod copy;
pub mod delivery;
pub mod desired;
pub mod diff;
pub mod effect;
mod elsewhere;
pub mod fingerprint;
pub mod graph;
pub mod guard;
pub mod handoff;
pub mod ignores;
pub mod impact;
pub mod inventory;
pub mod listing;
pub mod live;
pub mod matching;
pub mod observation;
pub mod observed;
pub(crate) mod ownership;
pub mod pairing;
pub mod plan;
pub mod references;
pub mod rotation;
pub mod selection;
pub mod set_fields;
pub mod takedown;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traps;
pub mod undo;
pub mod unmanaged;
mod users;
