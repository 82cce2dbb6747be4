//! Checks whether duoctl itself can work (hostname, TLS, clock, keys, permissions, secret stores, Identity Intelligence)
//! and suggests fixes. A failed check skips only the checks that depend on it.

pub mod connection;
pub mod diagnosis;
pub mod intelligence;
mod kind;
pub mod operator;
pub mod recovery;
pub mod stores;
