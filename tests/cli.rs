//! The binary as a user meets it: the real program in folders of its own, against simulators.
#![cfg(test)]
#![recursion_limit = "256"]
#![allow(clippy::string_slice, unreachable_pub)]

mod commands;
mod formats;
mod intelligence;
mod secrets;
mod support;
