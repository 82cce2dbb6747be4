//! Sections from the YAML to Duo.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::diagnostic::Span;
use crate::duo::policy::{self, Default, Edition, Field, Risk, Shape, UNITS, When, amounts};
use crate::kinds::value::Written;
use crate::text::member;
use crate::yaml::{Data, Entry, Node};

use super::names::{MAX_TIME, OFF, is_usable, short, written};

/// A section as Duo writes it: exactly what is declared, and the switches that it implies. `None` if it is not valid, which
/// is reported already.
pub fn to_duo(section: &str, node: &Node) -> Option<Value> {
    let section = policy::section(section)?;
    match (&node.data, short(section)) {
        (Data::Mapping(entries), _) => Some(Value::Object(object(section.fields, entries)?)),
        (_, Some(field)) => Some(json!({field.name: value(field, node)?})),
        (_, None) => None,
    }
}

/// A section as Duo writes it, with the places of its fields in the YAML.
pub fn read(section: &str, node: &Node) -> Option<Written> {
    let value = to_duo(section, node)?;
    let mut found = BTreeMap::new();
    if let (Data::Mapping(entries), Some(section)) = (&node.data, policy::section(section)) {
        places(section.fields, entries, "", &mut found);
    }
    Some(Written::new(value, found))
}

/// The places of the keys of an object, by their JSON pointers in Duo.
fn places(fields: &[Field], entries: &[Entry], at: &str, found: &mut BTreeMap<String, Span>) {
    for Entry { key, value } in entries {
        let Some(field) = named(fields, &key.value) else { continue };
        let pointer = member(at, field.name);
        if let (Data::Mapping(entries), Some(fields)) = (&value.data, field.inner()) {
            places(fields, entries, &pointer, found);
        }
        found.insert(pointer, key.span);
    }
}

/// A path in a section, given as a JSON pointer, with the names of the YAML.
pub fn written_path(section: &str, pointer: &str) -> String {
    let mut fields = policy::section(section).map(|section| section.fields);
    let names = pointer.split('/').skip(1).map(|name| {
        let field = fields.and_then(|fields| fields.iter().find(|field| field.name == name));
        fields = field.and_then(Field::inner);
        match field.map(|field| field.shape) {
            Some(Shape::Unit | Shape::Amount) => MAX_TIME.to_owned(),
            _ => field.map_or_else(|| name.to_owned(), |field| written(field).to_owned()),
        }
    });
    names.collect::<Vec<String>>().join(".")
}

/// The fields of an object, by their names in Duo.
pub(super) fn object(fields: &[Field], entries: &[Entry]) -> Option<Map<String, Value>> {
    let mut map = Map::new();
    for Entry { key, value: node } in entries {
        if key.value == MAX_TIME {
            map.extend(pair(text(node)?)?);
        } else {
            let field = named(fields, &key.value)?;
            map.insert(field.name.to_owned(), value(field, node)?);
        }
    }
    Some(map)
}

/// The field that has this name in the YAML.
pub(super) fn named<'f>(fields: &'f [Field], name: &str) -> Option<&'f Field> {
    fields.iter().find(|field| is_usable(field) && written(field) == name)
}

fn value(field: &Field, node: &Node) -> Option<Value> {
    Some(match (field.shape, &node.data) {
        (_, Data::Null) => return None,
        (Shape::Branches(fields), data) => Value::Object(branch(fields, data)?),
        (Shape::Object(fields) | Shape::Optional(fields), Data::Mapping(entries)) => {
            Value::Object(object(fields, entries)?)
        }
        (Shape::Object(_), Data::Text(text)) => Value::Object(pair(text)?),
        (_, Data::Mapping(_)) => return None,
        _ => node.json(),
    })
}

/// A branch with the switches that what it sets implies.
pub(super) fn branch(fields: &[Field], data: &Data) -> Option<Map<String, Value>> {
    let set = match data {
        Data::Flag(on) => Map::from_iter([("enabled".to_owned(), json!(on))]),
        Data::Text(word) if word == OFF => Map::from_iter([("enabled".to_owned(), json!(false))]),
        Data::Text(time) => pair(time)?,
        Data::Mapping(entries) => object(fields, entries)?,
        Data::Null | Data::Number(..) | Data::List(_) => return None,
    };
    Some(implied(fields, set))
}

/// Adds the switches that the fields of a branch imply.
pub(super) fn implied(fields: &[Field], set: Map<String, Value>) -> Map<String, Value> {
    let mut whole = Map::new();
    for field in fields.iter().filter(|field| set.contains_key(field.name)) {
        for when in field.applies {
            let (name, value) = match when {
                When::True(name) => (name, json!(true)),
                When::In(name, [only]) => (name, json!(only)),
                _ => continue,
            };
            if !set.contains_key(*name) {
                whole.entry(*name).or_insert(value);
            }
        }
    }
    whole.extend(set);
    whole
}

fn text(node: &Node) -> Option<&str> {
    if let Data::Text(text) = &node.data { Some(text) } else { None }
}

/// A length of time as Duo writes it.
fn pair(time: &str) -> Option<Map<String, Value>> {
    let (unit, amount) = duration(time)?;
    Some(Map::from_iter([
        ("max_time_units".to_owned(), json!(unit)),
        ("max_time_value".to_owned(), json!(amount)),
    ]))
}

/// The unit and number of a length of time, if Duo accepts it.
pub(super) fn duration(text: &str) -> Option<(&'static str, i64)> {
    let letter = text.chars().last()?;
    let unit = UNITS.iter().copied().find(|unit| unit.starts_with(letter))?;
    let number = text.strip_suffix(letter)?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let amount = number.parse().ok().filter(|amount| plain && amounts(unit).contains(amount))?;
    Some((unit, amount))
}

/// Whether Duo fills in a field by itself, so that the YAML does not write it.
pub(super) fn fills_in(field: &Field, fields: &[Field], map: &Map<String, Value>, hides: bool) -> bool {
    let same_as = |name| map.contains_key(field.name) && map.get(field.name) == map.get(name);
    field.risk == Risk::ReadOnly
        || (needs_effect(field, hides) && !has_effect(field, fields, map, hides))
        // The blocked methods decide (policies.md, trap 9).
        || (field.name == "allowed_auth_list" && map.contains_key("blocked_auth_list"))
        // It follows the other one (trap 6).
        || (field.name == "trusted_endpoint_checking_mobile" && same_as("trusted_endpoint_checking"))
}

/// Whether Duo hides, resets or refuses a field while it has no effect (policies.md, traps 1, 2 and 8). With `hides`, it
/// does so with every field of the object.
pub(super) fn needs_effect(field: &Field, hides: bool) -> bool {
    hides || field.shape == Shape::Version || field.applies.iter().any(|when| matches!(when, When::Filled(_)))
}

/// Whether a field has an effect, with Duo's defaults for what its object leaves out.
pub(super) fn has_effect(field: &Field, fields: &[Field], map: &Map<String, Value>, hides: bool) -> bool {
    let mut whole = map.clone();
    for other in
        fields.iter().filter(|other| other.default != Default::Inner && !map.contains_key(other.name))
    {
        // The default of a choice between branches depends on the edition, and the branches show what was chosen.
        if let Some(value) = other.default(Edition::Advantage).filter(|_| !hides) {
            whole.insert(other.name.to_owned(), value);
        }
    }
    let unknown = |when: &When| hides && matches!(when, When::In(name, _) if !whole.contains_key(*name));
    field.applies.iter().all(|when| unknown(when) || when.holds(&whole) != Some(false))
}
