//! The simulated Duo: it behaves as the reference describes, and Duo's own clients work with it.
#![cfg(test)]
#![allow(clippy::string_slice, unreachable_pub)]

mod by_hand;
mod conformance;
mod simulated;
mod support;
