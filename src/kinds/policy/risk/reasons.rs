//! The assessments that several rules share.

use crate::kinds::risk::{Assessment, NEUTRAL, Risk};

pub(super) const UNKNOWN_SECTION: Assessment =
    (Risk::WidensAccess, "cannot be judged: duoctl does not know this section");
pub(super) const UNKNOWN_FIELD: Assessment =
    (Risk::WidensAccess, "cannot be judged: duoctl does not know this field");
pub(super) const UNKNOWN_VALUE: Assessment =
    (Risk::WidensAccess, "cannot be judged: duoctl does not know one of the values");
pub(super) const UNKNOWN_DEFAULT: Assessment =
    (Risk::WidensAccess, "cannot be judged: one of the values is not known");
pub(super) const NOT_COMPARABLE: Assessment =
    (Risk::WidensAccess, "cannot be judged: the two values have no known order");
pub(super) const NO_SECTION: Assessment =
    (Risk::WidensAccess, "cannot be judged: without the section, what applies is not known");
pub(super) const WRITTEN_BY_DUO: Assessment = (Risk::Neutral, "Duo writes it");
pub(super) const NO_EFFECT: Assessment = (Risk::Neutral, "it has no effect");
pub(super) const DEPENDS: Assessment = (Risk::Neutral, "judged with the setting that it depends on");

/// The one with the greatest risk; the first of several.
pub(super) fn worst(assessments: impl IntoIterator<Item = Assessment>) -> Assessment {
    assessments.into_iter().fold(NEUTRAL, |worst, one| if one.0 > worst.0 { one } else { worst })
}
