//! The building blocks of a language in YAML: tables of keys and shapes, rules for texts, and checking a tree against them.
//!
//! This module is independent of the content of the YAML.

pub mod address;
pub mod age;
pub mod attestation;
pub mod check;
pub mod places;
pub mod shape;
pub mod similar;
pub mod texts;
