//! Plans, reports and diagnostics for people and machines: one file per format. Nothing here decides anything.

pub mod affected_text;
pub mod apply_text;
pub mod change_text;
pub mod document;
pub mod explain;
pub mod findings;
pub mod format;
pub mod github;
pub mod gitlab;
pub mod handoff_text;
pub mod import_report;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod paint;
pub mod plan_text;
pub mod printer;
pub mod repository;
pub mod rotation_text;
pub mod sarif;
pub mod secrets_text;
pub mod show_text;
pub mod snippet;
pub mod verify_text;
