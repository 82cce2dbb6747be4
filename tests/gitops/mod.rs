//! The recipes of examples/ci, run: the steps of the workflows as they stand, by bash, with the real binary against a
//! simulator, a local git repository, and stand-ins for `gh` and `curl` that record what they are asked.
#![cfg(unix)]

mod lint;
mod other_pipelines;
mod story;
mod workflow;
