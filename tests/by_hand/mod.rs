//! Tests the sandbox with requests signed by hand: nothing here uses duoctl's client or signer. Every test is a table; a
//! new request is a new line.

mod account;
mod applications;
mod client;
mod gate;
mod hand;
mod lists;
mod logs;
mod policies;
mod policy_reach;
mod policy_switches;
mod probes;
mod single_sign_on;
mod unsimulated;
