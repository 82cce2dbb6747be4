//! One file per kind of step.

mod claims;
mod creation;
mod delivery;
mod leaving;
mod likeness;
mod removal;
mod renamed;
mod replacement;
mod rotation;
mod rotation_edits;
mod unreadable;
mod update;
