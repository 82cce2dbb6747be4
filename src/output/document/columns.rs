//! The columns of `list`, for people and for programs.

use crate::reconcile::age::KeyAge;
use crate::reconcile::listing::Listed;

/// The columns of tables, in their order.
pub(crate) const COLUMNS: [&str; 9] =
    ["address", "kind", "type", "name", "access", "policy", "key_age", "last_use", "state"];

/// One object in the order of [`COLUMNS`], for programs: with full dates and times.
pub(crate) fn row(listed: &Listed) -> [String; 9] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        listed.address.as_ref().map(ToString::to_string).unwrap_or_default(),
        listed.kind.clone(),
        listed.variant.clone(),
        listed.name.clone(),
        text(&listed.access),
        text(&listed.policy),
        listed.key_age_days.map(|days| days.to_string()).unwrap_or_default(),
        listed.last_use.map(|at| at.to_string()).unwrap_or_default(),
        listed.state.word().to_owned(),
    ]
}

/// The same for people: `12d`, the day of the last use, and the ID of an object without an address.
pub(crate) fn short_row(listed: &Listed) -> [String; 9] {
    let mut row = row(listed);
    let [address, .., age, last_use, _] = &mut row;
    if let (true, Some(id)) = (address.is_empty(), &listed.id) {
        id.as_str().clone_into(address);
    }
    *age = match &listed.key_age {
        Some(KeyAge::Since { .. }) => format!("{age}d"),
        Some(KeyAge::Before { .. } | KeyAge::Unknown { .. }) | None => String::new(),
    };
    *last_use = last_use.split('T').next().unwrap_or_default().to_owned();
    row.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell })
}
