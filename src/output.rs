//! Plans, reports and diagnostics for people and machines: typed documents, and one file per format. This module only
//! presents results; it makes no decisions.

pub(crate) mod csv;
pub mod document;
pub mod explain;
pub mod findings;
pub mod format;
pub mod github;
pub mod gitlab;
pub(crate) mod graph;
pub(crate) mod html;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod paint;
pub mod people;
pub mod printer;
pub mod repository;
pub mod sarif;
pub mod snippet;
