//! The marker at the end of an application's notes. It says who owns the application (design: "Duo is the only state").
//!
//! `[duoctl WORKSPACE/ADDRESS HASH WORD... SEAL]`, in this order, each word at most once, separated by one space:
//!
//! * the state of a change that takes several calls:
//!   * `creating:TIME` or `replaced`; `renewing` while the key is replaced in place;
//!   * in a rotation, `rotating:IKEY` on the application with the old key, and `successor:TIME`,
//!     `delivered:TIME,TIME` or `abandoned`, each with `of:IKEY`, on its successor;
//!   * `retired:TIME` or `quarantined:TIME`, with the access and permissions before that, `had:` and `could:`;
//!   * on the operator's own application, `untested:PERMISSIONS;NETWORKS`, with what its key was allowed before;
//! * `shut:TIME`, the last quarantine of a restored application whose keys a console has to be given again;
//! * `adopted`: it was adopted by its name, and its key was never delivered with consent;
//! * `protected`: the YAML protects it; the protection remains after the entry is removed from the YAML;
//! * the seal, `~` and 20 characters, which proves all of it (`kinds::seal`).
//!
//! HASH is a row of short hashes, one for each managed field. A later plan uses it to tell whether the YAML or the account
//! changed since the last apply:
//!
//! * `nQ4T`: field `n`, three characters of the hash of the value in the YAML, which Duo held;
//! * `NQ4TA7B`: the same, but Duo keeps a different form of the value, whose hash follows.

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
