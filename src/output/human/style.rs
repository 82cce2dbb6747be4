//! How a document is shown to people.

use crate::output::paint::Paint;

/// How a document is shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The colours.
    pub paint: Paint,
    /// Whether each check has a line; otherwise successful checks are summed up.
    pub every: bool,
}

impl Style {
    /// Without colours, and with every check.
    pub const PLAIN: Self = Self { paint: Paint { on: false }, every: true };
}
