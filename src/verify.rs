//! Probes: read-only live calls with an application's own key, each proving one thing.

pub mod admin_api;
mod certificate;
pub mod connection;
pub mod doctor;
pub mod endpoints;
pub mod keys;
mod metadata;
pub mod needs;
mod once;
pub mod operator;
pub mod probes;
pub mod report;
pub mod run;
mod single_sign_on;
