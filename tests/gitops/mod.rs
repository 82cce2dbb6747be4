//! Runs the recipes of examples/ci: the unchanged steps of the workflows, in bash, with the real binary against a simulator,
//! a local git repository, and stand-ins for `gh` and `curl` that record their calls.
#![cfg(unix)]

mod lint;
mod other_pipelines;
mod story;
mod workflow;
