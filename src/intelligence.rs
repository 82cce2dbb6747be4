//! Cisco Identity Intelligence: one entry of the YAML is up to two Duo applications and a console form.

pub mod api;
pub mod console;
pub mod expand;
