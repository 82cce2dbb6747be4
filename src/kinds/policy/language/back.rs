//! Sections from Duo to the YAML, and sections that stay as Duo writes them.

use serde_json::{Map, Number, Value, json};

use crate::diagnostic::{Code, Diagnostic, Help, Span, Spanned, has_errors};
use crate::duo::policy::{self, Field, Shape, UNITS};
use crate::kinds::value::parts;
use crate::language::check;
use crate::language::shape::Findings;
use crate::text::shown;
use crate::yaml::{Data, Entry, Node, find};

use super::convert::{branch, fills_in};
use super::names::{MAX_TIME, OFF, RAW, short, written};
use super::sections::ALL;

/// The shortest YAML for a section in Duo, without what Duo fills in by itself. `None` if duoctl does not know something in
/// it, or would not accept it: it can only be written under `raw`.
pub fn from_duo(section: &str, value: &Value) -> Option<Value> {
    let section = policy::section(section).filter(|section| section.replaced_by.is_none())?;
    let map = back(section.fields, value.as_object()?, false)?;
    let shorter = short(section).filter(|_| map.len() == 1).and_then(|field| map.get(written(field)));
    let yaml = shorter.cloned().unwrap_or(Value::Object(map));
    let key = ALL.iter().find(|key| key.name == section.name)?;
    let mut findings = Vec::new();
    // What import writes must be valid: the same check decides.
    check::value(&node(&yaml), key, NOWHERE, &mut findings);
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
        Shape::Set(_) | Shape::Tokens | Shape::Networks | Shape::Countries => json!(texts(value)?),
        _ if value.is_null() || value.is_object() => return None,
        _ => value.clone(),
    })
}

/// The texts of a list, which can come as text with commas.
fn texts(value: &Value) -> Option<Vec<String>> {
    let is_list = match value {
        Value::Array(items) => items.iter().all(Value::is_string),
        other => other.is_string(),
    };
    is_list.then(|| parts(value))
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

/// Checks `raw` of a policy: it is only for what the YAML cannot say otherwise. `is_own` recognizes its other keys.
pub(super) fn raw(entries: &[Entry], is_own: fn(&str) -> bool, findings: &mut Findings) {
    let Some(Data::Mapping(sections)) = find(entries, RAW).map(|entry| &entry.value.data) else { return };
    for Entry { key, value } in sections {
        let name = &key.value;
        if is_own(name) {
            findings.push(
                Diagnostic::error(Code::InvalidValue, key.span, format!("{} is not a section", shown(name)))
                    .help(Help::removing("move it out of `raw`")),
            );
        } else if let Some(typed) = find(entries, name) {
            findings.push(
                Diagnostic::error(
                    Code::DuplicateKey,
                    key.span,
                    format!("{} is also set outside `raw`", shown(name)),
                )
                .help(Help::removing("remove one of the two: a section has one form"))
                .related(typed.key.span, "the other one"),
            );
        } else if let Some(yaml) = from_duo(name, &value.json()) {
            let yaml = yaml.as_str().map_or_else(|| yaml.to_string(), str::to_owned);
            findings.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    key.span,
                    format!("duoctl knows everything in `{name}`, so `raw` is not needed"),
                )
                .help(format!("write `{name}: {yaml}` outside `raw`")),
            );
        }
    }
}
