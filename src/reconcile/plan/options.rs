//! What a run was asked to do, next to the YAML.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

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
    /// The day, for quarantines.
    pub today: Date,
    /// The time, in whole seconds, for rotations.
    pub now: Timestamp,
    /// What is to become of rotations.
    pub rotation: Orders,
}

impl Options {
    /// Everything is covered, nothing is removed, and no rotation is begun.
    pub fn at(now: Timestamp) -> Self {
        let today = TimeZone::UTC.to_datetime(now).date();
        Self { prune: Prune::No, selection: Selection::default(), today, now, rotation: Orders::default() }
    }
}
