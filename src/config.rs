//! From YAML to typed values with spans. Every problem of every file is collected, with its place.
//!
//! [`load`] has these steps: [`files`] finds and reads files, [`yaml`](crate::yaml) parses them,
//! [`check`](crate::language::check) compares them with the tables ([`language`] and the [`kinds`](crate::kinds)),
//! [`decode`] creates typed values, and the [`rules`] check what depends on meaning.

pub mod association;
pub mod declaration;
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
