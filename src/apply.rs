//! Carries out a plan: compares before each write, recovers lost answers, and reads the account again afterwards.

pub mod converge;
pub mod deliver;
mod deputised;
pub mod deputy;
pub mod execute;
pub mod outcome;
pub mod rivals;
pub mod rotate;
mod successor;
