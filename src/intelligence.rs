//! Cisco Identity Intelligence: one entry of the YAML is up to two Duo applications and a console form.

pub mod api;
pub mod console;
pub mod expand;

pub use crate::language::address::{ADMIN_API, AUTH_API};

/// What the name of an Admin API application begins with, unless the YAML gives it another one; the display name follows.
pub const NAME_PREFIX: &str = "Identity Intelligence: ";
