//! What pages and examples show, run unchanged.

mod commands;
mod examples;
mod library;
