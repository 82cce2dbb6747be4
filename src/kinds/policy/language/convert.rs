//! Sections from the YAML to Duo and back.

use serde_json::{Map, Number, Value, json};

use crate::diagnostic::{Span, Spanned, has_errors};
use crate::duo::policy::{self, Default, Edition, Field, Risk, Shape, UNITS, When, amounts};
use crate::kinds::value::parts;
use crate::language::check;
use crate::yaml::{Data, Entry, Node};

use super::{FIELDS, MAX_TIME, is_usable, short, written};

/// The word for a branch that is switched off.
pub(super) const OFF: &str = "off";

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
fn branch(fields: &[Field], data: &Data) -> Option<Map<String, Value>> {
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

/// The shortest YAML for a section in Duo, without what Duo fills in by itself. `None` if duoctl does not know something in
/// it, or would not accept it: it can only be written under `raw`.
pub fn from_duo(section: &str, value: &Value) -> Option<Value> {
    let section = policy::section(section).filter(|section| section.replaced_by.is_none())?;
    let map = back(section.fields, value.as_object()?, false)?;
    let shorter = short(section).filter(|_| map.len() == 1).and_then(|field| map.get(written(field)));
    let yaml = shorter.cloned().unwrap_or(Value::Object(map));
    let key = FIELDS.iter().find(|field| field.name() == section.name)?.key;
    let mut findings = Vec::new();
    // What import writes must be valid: the same check decides.
    check::value(&node(&yaml), &key, NOWHERE, &mut findings);
    (!has_errors(&findings)).then_some(yaml)
}

/// The YAML of an object; `hides` if it is one whose fields are absent while they have no effect.
fn back(fields: &[Field], map: &Map<String, Value>, hides: bool) -> Option<Map<String, Value>> {
    let mut yaml = Map::new();
    for (name, value) in map {
        let field = fields.iter().find(|field| field.name == name && field.replaced_by.is_none())?;
        if fills_in(field, fields, map, hides) {
            continue;
        }
        match field.shape {
            Shape::Unit => {
                let amount = map.get("max_time_value")?.as_i64()?;
                let unit = UNITS.iter().find(|unit| value.as_str() == Some(unit))?;
                yaml.insert(MAX_TIME.to_owned(), json!(format!("{amount}{}", unit.get(..1)?)));
            }
            Shape::Amount => map.get("max_time_units").map(drop)?,
            _ => drop(yaml.insert(written(field).to_owned(), shortest(field, value)?)),
        }
    }
    Some(yaml)
}

fn shortest(field: &Field, value: &Value) -> Option<Value> {
    Some(match field.shape {
        Shape::Object(fields) => {
            let yaml = back(fields, value.as_object()?, false)?;
            yaml.get(MAX_TIME).filter(|_| yaml.len() == 1).cloned().unwrap_or(Value::Object(yaml))
        }
        Shape::Optional(fields) => Value::Object(back(fields, value.as_object()?, false)?),
        Shape::Branches(fields) => shortest_branch(fields, value.as_object()?)?,
        Shape::Set(_) | Shape::Tokens | Shape::Networks | Shape::Countries => json!(parts(value)),
        _ => value.clone(),
    })
}

/// A branch without the switches that the rest of it implies.
fn shortest_branch(fields: &[Field], map: &Map<String, Value>) -> Option<Value> {
    map.get("enabled")?;
    let mut yaml = back(fields, map, true)?;
    if yaml.len() == 1 && map.get("enabled") == Some(&json!(false)) {
        return Some(json!(OFF));
    }
    let whole = Value::Object(yaml.clone());
    let meant = branch(fields, &node(&whole).data)?;
    for switch in ["enabled", "remember_method"] {
        let Some(removed) = yaml.shift_remove(switch) else { continue };
        let same = branch(fields, &node(&Value::Object(yaml.clone())).data).is_some_and(|less| less == meant);
        if !same {
            yaml.insert(switch.to_owned(), removed);
        }
    }
    Some(yaml.get(MAX_TIME).filter(|_| yaml.len() == 1).cloned().unwrap_or(Value::Object(yaml)))
}

/// Whether Duo fills in a field by itself, so that the YAML does not write it.
fn fills_in(field: &Field, fields: &[Field], map: &Map<String, Value>, hides: bool) -> bool {
    let same_as = |name| map.contains_key(field.name) && map.get(field.name) == map.get(name);
    field.risk == Risk::ReadOnly
        || (needs_effect(field, hides) && !has_effect(field, fields, map, hides))
        // The blocked methods decide (policies.md, trap 9).
        || (field.name == "allowed_auth_list" && map.contains_key("blocked_auth_list"))
        // It follows the other one (trap 6).
        || (field.name == "trusted_endpoint_checking_mobile" && same_as("trusted_endpoint_checking"))
}

/// Whether Duo hides, resets or refuses a field while it has no effect (policies.md, traps 1, 2 and 8). `hides` says so of
/// every field of the object.
pub(super) fn needs_effect(field: &Field, hides: bool) -> bool {
    hides || field.shape == Shape::Version || field.applies.iter().any(|when| matches!(when, When::Filled(_)))
}

/// Whether a field has an effect, with Duo's defaults for what its object leaves out.
pub(super) fn has_effect(field: &Field, fields: &[Field], map: &Map<String, Value>, hides: bool) -> bool {
    let mut whole = map.clone();
    for other in
        fields.iter().filter(|other| other.default != Default::Inner && !map.contains_key(other.name))
    {
        // The default of a choice between branches depends on the edition; the branch itself says more.
        if let Some(value) = other.default(Edition::Advantage).filter(|_| !hides) {
            whole.insert(other.name.to_owned(), value);
        }
    }
    let unknown = |when: &When| hides && matches!(when, When::In(name, _) if !whole.contains_key(*name));
    field.applies.iter().all(|when| unknown(when) || when.holds(&whole) != Some(false))
}

const NOWHERE: Span = Span { file: 0, start: 0, end: 0 };

/// A value as if it were in the YAML.
pub(super) fn node(value: &Value) -> Node {
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(flag) => Data::Flag(*flag),
        Value::Number(number) => Data::Number(Number::clone(number), number.to_string()),
        Value::String(text) => Data::Text(text.clone()),
        Value::Array(items) => Data::List(items.iter().map(node).collect()),
        Value::Object(map) => Data::Mapping(
            map.iter()
                .map(|(key, value)| Entry { key: Spanned::new(key.clone(), NOWHERE), value: node(value) })
                .collect(),
        ),
    };
    Node { data, span: NOWHERE }
}
