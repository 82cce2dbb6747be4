//! Carries out a plan: compares before each write, recovers from lost answers, and reads the account again afterwards.

pub mod converge;
mod creation;
mod deletion;
pub mod deliver;
mod deputised;
pub mod deputy;
pub mod execute;
mod made;
pub mod outcome;
pub mod rotate;
mod run;
pub mod seal;
mod successor;
