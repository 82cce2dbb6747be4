//! Whether duoctl itself can work: hostname, TLS, clock, keys, permissions, secret stores, Identity Intelligence; and what
//! to do where it cannot. Every check is made that can be made: a failure skips only what depends on it.

pub mod connection;
pub mod diagnosis;
pub mod intelligence;
mod kind;
pub mod operator;
pub mod recovery;
pub mod stores;
