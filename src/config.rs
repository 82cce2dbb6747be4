//! YAML to typed values with spans. Every problem of every file is collected, each with its place.

pub mod diagnostic;
pub mod model;
