//! Cisco Identity Intelligence: one entry of the YAML is up to two Duo applications and a console form.

pub mod api;
pub mod console;
pub mod expand;

pub use crate::language::address::{ADMIN_API, AUTH_API};

/// The prefix of an Admin API application's default name; the display name follows.
pub const NAME_PREFIX: &str = "Identity Intelligence: ";
