//! The simulated Duo: it behaves as the reference says, and Duo's own clients take it for Duo.
#![cfg(test)]
#![allow(clippy::string_slice, unreachable_pub)]

mod by_hand;
mod conformance;
mod simulated;
mod support;
