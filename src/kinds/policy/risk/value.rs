//! When two values of one field are equal, and which way a change goes.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::duo::policy::Shape;
use crate::kinds::networks::Networks;
use crate::kinds::value::parts;

/// Which way a value changes. "Up" is `false` to `true`, a greater number, a later value of an enumeration, or another item
/// of a set (policies.md, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
    /// Some items are added and others are removed.
    Both,
}

/// The items of a list, which Duo may write as one text.
pub(super) fn items(value: &Value) -> BTreeSet<String> {
    parts(value).into_iter().collect()
}

/// The items of a list in an object; an absent one is empty.
pub(super) fn list(map: &Map<String, Value>, name: &str) -> BTreeSet<String> {
    map.get(name).map(items).unwrap_or_default()
}

/// Whether two values of a field mean the same.
pub(super) fn same(shape: Shape, one: &Value, other: &Value) -> bool {
    if one == other {
        return true;
    }
    match shape {
        Shape::Set(_) | Shape::Tokens | Shape::Countries => items(one) == items(other),
        Shape::Networks => match (Networks::parse(items(one)), Networks::parse(items(other))) {
            (Ok(one), Ok(other)) => one == other,
            _ => items(one) == items(other),
        },
        // Duo may trim a text (policies.md, trap 21).
        Shape::Text => {
            one.as_str().zip(other.as_str()).is_some_and(|(one, other)| one.trim() == other.trim())
        }
        _ => false,
    }
}

/// Which way a field changes; `None` if that cannot be told.
pub(super) fn way(shape: Shape, before: &Value, after: &Value) -> Option<Way> {
    match shape {
        Shape::Bool => ordered(before.as_bool()?.cmp(&after.as_bool()?)),
        Shape::Integer { .. } | Shape::OneOf(_) | Shape::PanelDays | Shape::Amount => {
            ordered(before.as_i64()?.cmp(&after.as_i64()?))
        }
        Shape::Enum(values) => {
            let rank = |value: &Value| values.iter().position(|known| Some(*known) == value.as_str());
            ordered(rank(before)?.cmp(&rank(after)?))
        }
        Shape::Set(known) => {
            let (before, after) = (items(before), items(after));
            let judged = before.symmetric_difference(&after).all(|item| known.contains(&item.as_str()));
            grown(after.is_superset(&before), after.is_subset(&before)).filter(|_| judged)
        }
        Shape::Tokens | Shape::Countries => {
            let (before, after) = (items(before), items(after));
            grown(after.is_superset(&before), after.is_subset(&before))
        }
        Shape::Networks => {
            let (before, after) = (networks(before)?, networks(after)?);
            grown(before.is_within(&after), after.is_within(&before))
        }
        Shape::Version => ordered(version(before)?.cmp(&version(after)?)),
        Shape::Text | Shape::Unit | Shape::Object(_) | Shape::Branches(_) | Shape::Optional(_) => None,
    }
}

/// The addresses of a list; `None` if one of its entries is not understood.
pub(super) fn networks(value: &Value) -> Option<Networks> {
    Networks::parse(items(value)).ok()
}

fn ordered(before_to_after: Ordering) -> Option<Way> {
    match before_to_after {
        Ordering::Less => Some(Way::Up),
        Ordering::Greater => Some(Way::Down),
        Ordering::Equal => None,
    }
}

fn grown(has_all: bool, has_no_more: bool) -> Option<Way> {
    match (has_all, has_no_more) {
        (true, true) => None,
        (true, false) => Some(Way::Up),
        (false, true) => Some(Way::Down),
        (false, false) => Some(Way::Both),
    }
}

/// The numbers of a version; zeros at its end do not count.
fn version(value: &Value) -> Option<Vec<u64>> {
    let numbers: Result<Vec<u64>, _> = value.as_str()?.trim().split('.').map(str::parse).collect();
    let mut numbers = numbers.ok()?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

/// A length of time in hours, from the unit and the amount in an object.
pub(super) fn hours(map: &Map<String, Value>) -> Option<i64> {
    let factor = match map.get("max_time_units")?.as_str()? {
        "hours" => 1,
        "days" => 24,
        _ => return None,
    };
    map.get("max_time_value")?.as_i64()?.checked_mul(factor)
}
