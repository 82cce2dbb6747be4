//! The sandbox judged by requests that are signed by hand: nothing here uses duoctl's client or signer. Every test is a
//! table; one more request is one more line.

mod applications;
mod client;
mod gate;
mod hand;
mod lists;
mod logs;
mod probes;
mod single_sign_on;
mod unsimulated;
