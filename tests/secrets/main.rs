//! Secret stores and deliveries: each store with every way in which it can fail, and the binary end to end against the
//! sandbox.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    unreachable_pub
)]

mod commands;
mod delivery;
mod files;
mod leaks;
#[path = "../support/python.rs"]
mod python;
mod recipes;
mod rotation;
mod support;
mod vault;
mod vault_clients;
mod vault_double;
