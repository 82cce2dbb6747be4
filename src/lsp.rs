//! The language server of `duoctl lsp`: everything that `duoctl validate` knows, while typing.
//!
//! It reads YAML, a snapshot and a saved plan from files. It never talks to Duo, never runs a command of the YAML, and never
//! reads a secret.

mod answers;
mod completion;
mod context;
mod diagnostics;
mod documents;
mod findings;
mod fixes;
mod hints;
mod hover;
mod items;
mod names;
mod outline;
mod position;
mod protocol;
mod rename;
mod server;
mod settings;
pub mod snapshot;
mod state;
mod tables;
mod workspaces;

pub use server::{Ended, serve};

#[cfg(test)]
mod tests;
