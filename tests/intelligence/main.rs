//! Identity Intelligence, end to end: the vendor's page, the handoff and its attestation, the ladder, the order of a
//! removal, and the simulated other side.
#![allow(
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic
)]

mod handoff;
mod junit;
mod ladder;
mod mistakes;
mod page;
mod removal;
mod sandbox;
mod workspace;
