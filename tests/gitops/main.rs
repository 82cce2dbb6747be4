//! The recipes of examples/ci, run: the steps of the workflows as they stand, by bash, with the real binary against a
//! simulator, a local git repository, and stand-ins for `gh` and `curl` that record what they are asked.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    unreachable_pub
)]

mod lint;
mod other_pipelines;
#[path = "../support/python.rs"]
mod python;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod workflow;
