//! Tests the sandbox with requests signed by hand: nothing here uses duoctl's client or signer. Every test is a table; a
//! new request is a new line.

mod applications;
mod client;
mod gate;
mod hand;
mod lists;
mod logs;
mod probes;
mod single_sign_on;
mod unsimulated;
