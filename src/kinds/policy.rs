//! Policies: which fields the YAML has for them, what a change of one does to access, and what applies to an application in
//! the end.

mod effect;
pub mod language;
pub mod risk;
pub mod world;

pub use effect::{Effect, UNKNOWN, effect};
