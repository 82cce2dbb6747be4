//! The `sso` document of an application as a person would write it: the keys of the language, without empty values, with
//! groups by name.

use serde_json::{Map, Value, json};

use crate::kinds::application::ROLE_ATTRS;
use crate::kinds::application::leaves::in_one_shape;
use crate::kinds::application::sso::{DOCUMENT, OFF};
use crate::kinds::value::flag;
use crate::language::shape::{Key, Shape};
use crate::text::{secret_runs, shown};

use super::draft::Found;
use super::names::{Names, Unsaid};

/// Free text, which may contain secrets.
const FREE: [&str; 4] = ["relaystate", "description", "static_attrs", "attribute_transformations"];

/// The document, or why it cannot be expressed.
pub(super) fn describe(property: Option<&Value>, names: &Names<'_>) -> Result<Option<Found>, Unsaid> {
    let Some(property) = property else { return Ok(None) };
    let live = in_one_shape(property);
    let Value::Object(live) = live.as_ref() else { return Ok(None) };
    let mut document = Map::new();
    for key in DOCUMENT.keys {
        if let Some(value) = live.get(key.name).and_then(|value| shaped(key.name, value, key.shape)) {
            document.insert(key.name.to_owned(), value);
        }
    }
    if document.is_empty() {
        return Ok(None);
    }
    let mut document = Value::Object(document);
    let mut meant = Vec::new();
    if let Some(roles) = document.pointer_mut(ROLE_ATTRS) {
        name_groups(roles, names, &mut meant)?;
    }
    meant.sort();
    meant.dedup();
    Ok(Some(Found::document(document, meant)))
}

/// The part of a live value that fits a shape; `None` if there is nothing to write.
fn shaped(name: &str, value: &Value, shape: Shape) -> Option<Value> {
    let is_empty = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if is_empty {
        return None;
    }
    match shape {
        Shape::Text(rule) => {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
            };
            let secret = FREE.contains(&name) && !secret_runs(&text).is_empty();
            ((rule.check)(&text).is_ok() && !secret).then(|| json!(text))
        }
        Shape::Flag => {
            let on = flag(value)?;
            (on || !OFF.contains(&name)).then(|| json!(on))
        }
        Shape::Whole(least, most) => {
            let number = match value {
                Value::String(text) => text.parse::<u32>().ok()?,
                other => u32::try_from(other.as_u64()?).ok()?,
            };
            (least <= number && number <= most).then(|| json!(number))
        }
        Shape::List(shape, ..) => {
            let items: Vec<Value> =
                value.as_array()?.iter().filter_map(|item| shaped(name, item, *shape)).collect();
            (!items.is_empty()).then(|| Value::Array(items))
        }
        Shape::Object(object) => keyed(value.as_object()?, object.keys),
        Shape::Entries(_, shape) => {
            let entries = value.as_object()?.iter();
            let map: Map<String, Value> = entries
                .filter_map(|(key, value)| Some((key.clone(), shaped(name, value, *shape)?)))
                .collect();
            (!map.is_empty()).then(|| Value::Object(map))
        }
        Shape::Either(shapes) => {
            shapes.iter().find(|shape| takes(value, shape)).and_then(|shape| shaped(name, value, *shape))
        }
        Shape::Choice(_) | Shape::Numbers(_) | Shape::Any | Shape::Source { .. } => None,
    }
}

fn keyed(map: &Map<String, Value>, keys: &[Key]) -> Option<Value> {
    let known = keys
        .iter()
        .filter_map(|key| Some((key.name.to_owned(), shaped(key.name, map.get(key.name)?, key.shape)?)));
    let known: Map<String, Value> = known.collect();
    (!known.is_empty()).then(|| Value::Object(known))
}

fn takes(value: &Value, shape: &Shape) -> bool {
    match shape {
        Shape::Text(_) | Shape::Choice(_) => value.is_string(),
        Shape::Flag => value.is_boolean() || value.is_number(),
        Shape::Whole(..) | Shape::Numbers(_) => value.is_number(),
        Shape::Any => true,
        Shape::List(..) => value.is_array(),
        Shape::Object(_) | Shape::Entries(..) => value.is_object(),
        Shape::Either(shapes) => shapes.iter().any(|shape| takes(value, shape)),
        Shape::Source { .. } => false,
    }
}

fn name_groups(
    value: &mut Value,
    names: &Names<'_>,
    meant: &mut Vec<(String, String)>,
) -> Result<(), Unsaid> {
    match value {
        Value::Object(map) => map.values_mut().try_for_each(|value| name_groups(value, names, meant)),
        Value::Array(items) => {
            for item in items.iter_mut() {
                let Value::String(id) = item else { continue };
                let group = names.group(id).ok_or_else(|| {
                    format!("names the group {} that the account does not list; it is not managed", shown(id))
                })?;
                meant.extend(group.meant);
                *item = group.value;
            }
            items.sort_by_cached_key(Value::to_string);
            items.dedup();
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
