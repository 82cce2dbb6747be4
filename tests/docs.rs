//! Everything next to the code is correct: pages, generated files, examples, recipes, the schema in an editor, pictures.
#![cfg(test)]
#![allow(clippy::string_slice, unreachable_pub)]

mod browser;
mod documented;
mod editor;
mod generated;
mod gitops;
mod support;
