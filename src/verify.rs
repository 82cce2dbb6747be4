//! Probes: read-only live calls with an application's own key, each proving one thing.

pub mod admin_api;
pub mod connection;
pub mod doctor;
pub mod keys;
pub mod needs;
pub mod operator;
pub mod report;
pub mod run;
