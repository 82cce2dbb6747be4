//! duoctl manages a Duo account's applications as YAML in git: it plans, applies and checks them with live calls.
//!
//! The program is a thin shell around this library, so other programs can do everything that `duoctl` does. Data flows
//! one way:
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | YAML to a typed [`Workspace`](config::model::Workspace), with every problem and its place |
//! | [`intelligence`] | expands the entries of `identity_intelligence`; [`expand::desired`](intelligence::expand::desired) is the desired side |
//! | [`observe`] | reads the account; what cannot be read is never treated as absent |
//! | [`reconcile`] | the pure core: turns both sides into a [`Plan`](reconcile::plan::Plan), its risks, and the guards that refuse it |
//! | [`apply`] | carries out a plan step by step, with a comparison before each write |
//! | [`verify`] | checks keys with live calls |
//! | [`lsp`] | the language server: findings, completion and formatting while typing |
//! | [`output`] | prints all of that for people and machines, one file per format |
//! | [`kinds`] | what can be declared: the fields of each kind, one row each |
//! | [`duo`] | the Duo API: signatures, pages, limits, errors |
//! | [`secrets`] | where secret keys are delivered |
//! | [`sandbox`] | a simulated Duo account over HTTPS, for rehearsals and tests |
//!
//! A module may use the modules below it in this list, never those above. Errors are typed; only [`cli::exit`] maps them to exit codes.
//!
//! # A plan without a network
//!
//! Everything up to the plan is data. Here the account is empty, so the plan creates the application:
//!
//! ```
//! use duoctl::config::load::load_text;
//! use duoctl::duo::object::{Ikey, Kind};
//! use duoctl::intelligence::expand::desired;
//! use duoctl::output::document::PlanDocument;
//! use duoctl::reconcile::observation::Observation;
//! use duoctl::reconcile::observed::{Objects, Observed};
//! use duoctl::reconcile::plan::{Options, plan};
//!
//! let yaml = "
//! version: 1
//! workspace: acme
//! tenant: {api_hostname: api-1a2b3c4d.duosecurity.com}
//! applications:
//!   vpn: {type: radius, name: VPN, user_access: no_users}
//! ";
//! let loaded = load_text("duo.yaml".into(), yaml.to_owned());
//! let workspace = loaded.valid().expect("the YAML is valid");
//! let desired = desired(workspace);
//! let now = jiff::Timestamp::now();
//! let (host, operator) = (&workspace.tenant.api_hostname.value, Ikey::new("DIXXXXXXXXXXXXXXXXXX"));
//! let objects = Objects::from([(Kind::Application, Observed::Present(Vec::new()))]);
//! let observation = Observation { objects, ..Observation::new(host, operator, now) };
//! let options = Options::at(now);
//! let plan = plan(&desired, &observation, &options);
//! let document = PlanDocument::new(&plan, &[], &desired, &loaded.sources);
//! assert_eq!(document.last_line(), "Plan: 1 to add, 0 to change, 0 to adopt, 0 to delete. 0 unmanaged.");
//! ```
//!
//! `examples/plan_and_apply.rs` continues from there: a connection, an apply, and a second plan without changes.
#![cfg_attr(test, allow(clippy::string_slice))]

pub mod cli;

pub mod lsp;

pub mod output;

pub mod apply;

pub mod verify;

pub mod import;

pub mod observe;

pub mod intelligence;

pub mod reconcile;

pub mod secrets;

pub mod credentials;

pub mod config;

pub mod kinds;

pub mod language;

pub mod yaml;

pub mod diagnostic;

pub mod sandbox;

pub mod duo;

pub mod atomic;

pub mod reading;

pub(crate) mod leftovers;

pub(crate) mod git;

pub mod secret;

pub mod names;

pub mod text;
