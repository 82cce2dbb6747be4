//! What a language in YAML is made of: tables of keys and shapes, rules for texts, and the comparison of a tree with them.
//!
//! Nothing here knows what the YAML is about.

pub mod address;
pub mod age;
pub mod attestation;
pub mod check;
pub mod places;
pub mod shape;
pub mod similar;
pub mod texts;
