//! Cisco Identity Intelligence: one entry of the YAML is up to two Duo applications and a console form.

pub mod api;
pub mod console;
pub mod expand;

/// The part that reads and, with `read_write`, acts.
pub const ADMIN_API: &str = "admin_api";
/// The part that sends pushes.
pub const AUTH_API: &str = "auth_api";
/// What the name of an Admin API application begins with, unless the YAML gives it another one; the display name follows.
pub const NAME_PREFIX: &str = "Identity Intelligence: ";
