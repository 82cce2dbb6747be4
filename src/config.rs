//! YAML to typed values with spans. Every problem of every file is collected, each with its place.
//!
//! [`load`] goes through four steps: [`files`] finds and reads, [`yaml`](crate::yaml) parses,
//! [`check`](crate::language::check) compares with the tables ([`language`], and those of the [`kinds`](crate::kinds)),
//! [`decode`] makes typed values; then the [`rules`] look for what only meaning can tell.

pub mod application;
pub mod association;
pub mod declared;
pub mod decode;
pub mod edit;
mod exceptions;
pub mod files;
pub mod format;
pub mod language;
pub mod load;
pub mod model;
mod read;
pub mod recommended;
pub mod rules;
pub mod schema;
pub mod scope;
pub mod template;
pub mod untrusted;
pub mod variables;
