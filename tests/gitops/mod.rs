//! Runs the recipes of examples/ci: the unchanged steps of the pipelines, in bash, with the real binary against a simulator,
//! a local git repository, and stand-ins for `gh` and `curl` that record their calls.
#![cfg(unix)]

mod checks;
mod expression;
mod gitlab;
mod installing;
mod lint;
mod other_pipelines;
mod policy;
mod rules;
mod schedules;
mod shells;
mod stage;
mod story;
mod workflow;
