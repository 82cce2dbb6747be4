//! The marker: who owns an application, written at the end of its notes (design: "Duo is the only state").
//!
//! `[duoctl WORKSPACE/ADDRESS HASH WORD... SEAL]`, in this order, each word at most once and one space between them:
//!
//! * while a change of several calls is under way, its state: `creating:TIME`, `replaced`; `renewing` while its key is replaced in place; of a rotation `rotating:IKEY` on
//!   the application whose key is to go, and `successor:TIME`, `delivered:TIME,TIME` or `abandoned`, each with `of:IKEY`, on
//!   the one that takes its place; `retired:TIME` or `quarantined:TIME`, with what that took away, `had:` and `could:`;
//!   and on the operator's own application `untested:PERMISSIONS;NETWORKS`, what let its key in before;
//! * `shut:TIME`, the last quarantine of what was given back and a console has to be told of;
//! * `adopted`: it was taken over by its name, and its key was never delivered with consent;
//! * `protected`: the YAML protects it, so that the protection outlives the entry in the YAML;
//! * the seal, `~` and 20 characters, which proves all of it (`kinds::seal`).
//!
//! HASH is a row of small hashes, one for each managed field, so that a later plan can tell for every field whether the
//! YAML or the account moved since it was last applied:
//!
//! * `nQ4T`: field `n`, three characters of the hash of the value that the YAML asked for and Duo held;
//! * `NQ4TA7B`: the same, and Duo keeps another form of the value, whose hash follows.

mod notes;
mod row;
mod seal;
mod state;
mod whole;

pub use notes::{Damaged, Notes};
pub(crate) use row::ALPHABET;
pub use row::{Applied, AppliedFields, ShortHash, short_hash};
pub use seal::Seal;
pub use state::{AccessBefore, Before, MarkerState, Shut};
pub(crate) use whole::day;
pub use whole::{Marker, NOTES_LIMIT, longest, room};

#[cfg(test)]
mod tests;
