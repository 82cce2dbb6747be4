//! What is said once of many things that are alike.

use crate::text::safe;

/// From how many on what is alike is summed up, unless every line is asked for.
pub(super) const MANY: usize = 20;
/// How many are named where more are meant.
const NAMED: usize = 5;

/// The first few, and how many more there are.
pub(super) fn few<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    names.iter().take(NAMED).map(|name| safe(name)).chain(more).collect::<Vec<_>>().join(", ")
}
