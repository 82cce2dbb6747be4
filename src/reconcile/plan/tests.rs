//! One file per kind of step.

mod creation;
mod leaving;
mod removal;
mod replacement;
mod unreadable;
mod update;
