//! Summaries of many similar items.

use crate::text::safe;

/// The number from which similar items are summed up, unless every line is requested.
pub(super) const MANY: usize = 20;
/// How many are named if there are more.
const NAMED: usize = 5;

/// The first few, and how many more there are.
pub(super) fn few<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    names.iter().take(NAMED).map(|name| safe(name)).chain(more).collect::<Vec<_>>().join(", ")
}
