//! Plans, reports and diagnostics for people and machines: one file per format.

pub mod snippet;
