//! Every command and every exit code, as a user meets them: the real binary in folders of its own, against simulators.
#![allow(
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../wire/server.rs"]
#[allow(dead_code, reason = "the tests of the wire use all of it")]
mod wire_server;

mod adopting;
mod affected;
mod applying;
mod beginning;
mod consent;
mod crashes;
mod disturbances;
mod faults;
mod formatting;
mod guards;
mod hostile;
mod ignoring;
#[cfg(target_os = "linux")]
mod importing;
mod interruptions;
mod leaving;
mod partly;
mod planning;
mod requests;
mod saved_plans;
mod second_operator;
mod simulator;
mod terminal;
mod types;
mod unconfirmed;
mod untrusted;
mod verifying;
