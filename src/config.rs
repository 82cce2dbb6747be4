//! YAML to typed values with spans. Every problem of every file is collected, each with its place.
//!
//! [`load`] goes through four steps: [`files`] finds and reads, [`tree`] parses, [`check`] compares with the tables of
//! the language ([`language`], [`settings`], [`sso`]), [`decode`] makes typed values; then the [`rules`] look for what
//! only meaning can tell.

pub mod age;
pub mod application;
pub mod association;
pub mod attestation;
pub mod check;
pub mod decode;
pub mod diagnostic;
pub mod edit;
pub mod files;
pub mod format;
pub mod language;
pub mod load;
pub mod model;
pub mod rules;
pub mod schema;
pub mod settings;
pub mod shape;
pub mod similar;
pub mod sso;
pub mod template;
pub mod texts;
pub mod tree;
pub mod untrusted;
