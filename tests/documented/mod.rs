//! What pages and examples show, run as it stands.

mod commands;
mod examples;
mod library;
