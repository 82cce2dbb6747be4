//! The binary as users run it: the real program in its own folders, against simulators.
#![cfg(test)]
#![recursion_limit = "256"]
#![allow(clippy::string_slice, unreachable_pub)]

mod commands;
mod formats;
mod intelligence;
mod kinds;
mod secrets;
mod support;
