//! What a run was asked to do in addition to the YAML.

use jiff::Timestamp;

use super::super::consent::Allowed;
use super::super::rotation::Orders;
use super::super::selection::Selection;

/// What happens to orphans: owned applications that are no longer in the YAML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prune {
    /// Only reported.
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
    /// Whether to leave out steps that depend on unverified markers, as runs that carry out steps do.
    pub hold_back: bool,
    /// What to do with rotations.
    pub rotation: Orders,
    /// The consents of this run, in addition to those in the YAML.
    pub allow: Vec<Allowed>,
}

impl Options {
    /// Covers everything, removes nothing, and begins no rotation.
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
