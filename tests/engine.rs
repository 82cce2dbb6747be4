//! The library without the binary: the language, and Duo's protocol over real sockets.
#![cfg(test)]
#![allow(clippy::string_slice, unreachable_pub)]

mod language;
mod structure;
mod support;
mod wire;
