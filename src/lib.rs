//! duoctl keeps a Duo account's applications as YAML in git: planned, applied and proven with live calls.
//!
//! Data flows one way: `config` -> `reconcile` -> `apply` -> `verify`. A module may use those listed below it and
//! never those above; `sandbox` stands beside them and shares only Duo's signing rules.
#![cfg_attr(test, allow(clippy::string_slice))]

pub mod cli;
pub mod output;

pub mod verify;

pub mod apply;

pub mod import;

pub mod observe;

pub mod intelligence;

pub mod reconcile;

pub mod secrets;

pub mod config;

pub mod duo;

pub mod atomic;
pub mod credentials;
pub mod sandbox;
pub mod secret;
