//! Every format of every command: the JSON documents against their schemas, the formats of others against theirs, names
//! that try to forge, reports in files, and that a format never decides an exit code.
#![recursion_limit = "256"]
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

mod exits;
mod findings;
mod hostile;
mod names;
mod reports;
mod schemas;
mod shells;
mod showing;
mod streams;
