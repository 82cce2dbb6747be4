//! Random accounts, configurations, faults and inputs, repeatedly, in this process.
#![cfg(test)]
#![allow(clippy::string_slice, unreachable_pub)]

mod convergence;
mod fuzz;
mod import;
#[path = "support/seals.rs"]
mod seals;
