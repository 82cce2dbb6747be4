//! What a run was asked to do, next to the YAML.

use jiff::Timestamp;

use super::super::consent::Allowed;
use super::super::rotation::Orders;
use super::super::selection::Selection;

/// What happens to orphans: owned applications that left the YAML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prune {
    /// They are only reported.
    #[default]
    No,
    /// Quarantined first, deleted once the quarantine is over.
    Quarantine,
    /// Deleted at once.
    Now,
}

/// The options of a plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// What happens to orphans.
    pub prune: Prune,
    /// Which addresses the run covers.
    pub selection: Selection,
    /// The time, in whole seconds, for quarantines and rotations.
    pub now: Timestamp,
    /// Whether steps that rest on what cannot be verified are left out, as a run that carries them out wants it.
    pub hold_back: bool,
    /// What is to become of rotations.
    pub rotation: Orders,
    /// The consents of this run, next to those of the YAML.
    pub allow: Vec<Allowed>,
}

impl Options {
    /// Everything is covered, nothing is removed, and no rotation is begun.
    pub fn at(now: Timestamp) -> Self {
        Self {
            prune: Prune::No,
            selection: Selection::default(),
            now,
            hold_back: false,
            rotation: Orders::default(),
            allow: Vec::new(),
        }
    }
}
