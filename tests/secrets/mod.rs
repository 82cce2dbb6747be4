//! Secret stores and deliveries: each store with every way in which it can fail, and the binary end to end against the
//! sandbox.
#![cfg(unix)]

mod ages;
mod bad_input;
mod commands;
mod delivery;
mod documented_recipes;
mod files;
mod github;
mod leaks;
mod memory;
mod recipes;
mod rotation;
mod twins;
mod under_load;
mod vault;
mod vault_clients;
mod vault_double;
mod workspace;
