//! One file per kind of step.

mod creation;
mod delivery;
mod removal;
mod replacement;
mod unreadable;
mod update;
