//! The language as a JSON schema (draft-07) for editors. Generated from the tables that the parser uses.
//!
//! Clear messages matter more than short rules: there are no alternatives (`anyOf`, `oneOf`) where an editor would report
//! each of them, and per-type rules use `if`/`then`. An editor shows an `errorMessage` for every rule of the mapping it is
//! written in, so the rules about a mapping's keys are one level below the rule about its type.

mod words;

use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::kinds::application::entry::{DEFAULTS, type_names};
use crate::kinds::policy::language::{DEFINITIONS, GLOBAL_POLICY};
use crate::language::places::SOURCE;
use crate::language::shape::{Choice, Key, Object, Shape, TextRule, one_of};
use crate::language::texts::{FILLED, LINE};

use super::language::FILE;
use words::{map, value};

/// The schema of a YAML file, as `duoctl schema config` prints it.
pub fn config_schema() -> Value {
    let version = FILE.keys.iter().find_map(|key| match key.shape {
        Shape::Whole(_, newest) if key.name == "version" => Some(newest),
        _ => None,
    });
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        // Stable: it changes only with the version of the language.
        "$id": format!("{ID}{}", version.unwrap_or_default()),
        "title": "duoctl",
        "description": "Applications of a Cisco Duo account as duoctl reads them. A workspace is one file, or all `duo.yaml` and `*.duo.yaml` files of a folder; `version`, `workspace` and `tenant` are set in one of them.",
        "defaultSnippets": words::first_file(),
        "allOf": [{"type": "object", "errorMessage": "A file must be a mapping, which begins with a key such as `version: 1`."}],
    });
    if let Value::Object(schema) = &mut schema {
        schema.extend(object(&FILE, false));
        words::offer_entries(schema);
        let entries = Kind::ALL
            .into_iter()
            .map(Kind::entry)
            .chain([&DEFAULTS, &GLOBAL_POLICY])
            .chain(DEFINITIONS.iter().copied());
        let entries = entries
            .filter_map(|entry| Some((entry.definition?.to_owned(), Value::Object(object(entry, false)))));
        let mut definitions: Map<String, Value> = entries.collect();
        definitions.insert("known_type".to_owned(), json!({"enum": type_names(|_| true)}));
        definitions.insert("source".to_owned(), Value::Object(source()));
        definitions.insert("variable".to_owned(), json!({"type": "string", "pattern": r"\$\{vars\."}));
        schema.insert("definitions".to_owned(), json!(definitions));
    }
    strict(&mut schema);
    schema
}

/// The start of the schema's `$id`, before the version of the language.
pub const ID: &str = "urn:duoctl:schema:config:";

/// Declares every required key next to where it is required, as strict validators want.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(strict);
            let required = map.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            let names = required.iter().filter_map(Value::as_str);
            let missing: Vec<&str> = names
                .filter(|name| map.get("properties").is_none_or(|declared| declared.get(name).is_none()))
                .collect();
            if !missing.is_empty() {
                let declared = map.entry("properties").or_insert_with(|| json!({}));
                if let Value::Object(declared) = declared {
                    declared.extend(missing.into_iter().map(|name| (name.to_owned(), json!(true))));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The schema as it is committed and printed: indented, with a trailing line break.
pub fn config_schema_text() -> String {
    format!("{:#}\n", config_schema())
}

/// Exactly one place, and a timeout only with a command.
fn source() -> Map<String, Value> {
    let mut schema = keyed(&SOURCE, true);
    let places: Vec<&str> =
        SOURCE.keys.iter().map(|key| key.name).filter(|name| *name != "timeout").collect();
    let mut rules = vec![json!({
        "if": {"required": ["timeout"]},
        "then": {"required": ["command"], "errorMessage": "`timeout` requires a `command`."},
    })];
    let message =
        "Name exactly one source: `{env: NAME}`, `{file: PATH}` or `{command: [PROGRAM, ARGUMENT]}`.";
    rules.push(json!({
        "if": {"required": ["timeout"]},
        "then": {},
        "else": {"allOf": one_of(&places, message)},
    }));
    rules.push(json!({
        "if": {"required": ["command"]},
        "then": {"properties": {"env": false, "file": false}, "errorMessage": message},
    }));
    schema.insert("allOf".to_owned(), Value::Array(rules));
    schema
}

/// `literal` is true if variables are not replaced in it.
fn object(table: &Object, literal: bool) -> Map<String, Value> {
    let mut schema = keyed(table, literal);
    if let Some(whole) = table.whole {
        (whole.schema)(&mut schema);
    }
    schema
}

fn keyed(table: &Object, literal: bool) -> Map<String, Value> {
    let properties: Map<String, Value> =
        table.keys.iter().map(|known| (known.name.to_owned(), Value::Object(key(known, literal)))).collect();
    let required: Vec<&str> = table.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let elsewhere = (table.foreign)().into_iter().filter(|(key, _)| !properties.contains_key(key));
    let elsewhere: Vec<(String, Value)> =
        elsewhere.map(|(key, problem)| (key.clone(), words::never(&key, &problem))).collect();
    let mut properties = properties;
    properties.extend(elsewhere);
    let mut schema = map(json!({"properties": properties}));
    if !required.is_empty() && table.unless.is_none() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    if let Some(begins) = table.free {
        let free = json!({"description": "Ignored. For anchors that are used elsewhere in this file."});
        schema.insert("patternProperties".to_owned(), json!({format!("^{begins}"): free}));
    }
    if let Some(unless) = table.unless {
        let rule = json!({"if": {"required": [unless]}, "then": {}, "else": {"required": required}});
        schema.insert("allOf".to_owned(), json!([rule]));
    }
    schema
}

fn key(key: &Key, literal: bool) -> Map<String, Value> {
    let literal = literal || key.literal;
    let mut schema = words::documented(key);
    if let Some(default) = key.default.and_then(value) {
        schema.insert("default".to_owned(), default);
    }
    let mut written = shape(&key.shape, literal);
    if key.nullable {
        allow_null(&mut written);
    }
    words::say_what_is_meant(&mut written, &key.shape, &format!("`{}`", key.name), Some(key.example));
    schema.extend(if literal { written } else { or_variable(written) });
    schema
}

/// A value, or text with a variable if the value is not text anyway.
fn or_variable(mut schema: Map<String, Value>) -> Map<String, Value> {
    for within in ["items", "additionalProperties"] {
        if let Some(Value::Object(values)) = schema.get_mut(within) {
            *values = or_variable(std::mem::take(values));
        }
    }
    let is = |name: &str| match schema.get("type") {
        Some(Value::Array(types)) => types.contains(&json!(name)),
        Some(one) => one == name,
        None => false,
    };
    let pattern = schema.get("pattern").and_then(Value::as_str);
    let any_text = is("string")
        && !schema.contains_key("enum")
        && pattern.is_none_or(|pattern| [FILLED.pattern, LINE.pattern].contains(&pattern));
    if any_text || !["string", "boolean", "integer", "number"].into_iter().any(is) {
        return schema;
    }
    // Editors complete only values that an alternative lists; the empty one accepts every value.
    let offered: Map<String, Value> = ["enum", "enumDescriptions"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), schema.get(key)?.clone())))
        .collect();
    let offered = if offered.is_empty() && is("boolean") { map(json!({"type": "boolean"})) } else { offered };
    let mut offers = schema.remove("anyOf").unwrap_or_else(|| json!([{}]));
    if let (Some(offers), false) = (offers.as_array_mut(), offered.is_empty()) {
        offers.insert(0, Value::Object(offered));
    }
    let mut either = map(json!({"if": {"$ref": "#/definitions/variable"}, "then": {}, "else": schema}));
    if offers != json!([{}]) {
        either.insert("anyOf".to_owned(), offers);
    }
    either
}

fn shape(shape_: &Shape, literal: bool) -> Map<String, Value> {
    match shape_ {
        Shape::Text(rule) => text(rule),
        Shape::Choice(choices) => choice(choices),
        Shape::Flag => map(json!({"type": "boolean"})),
        Shape::Whole(least, most) if least == most => map(json!({"type": "integer", "const": least})),
        Shape::Whole(least, most) => map(json!({"type": "integer", "minimum": least, "maximum": most})),
        Shape::Numbers(numbers) => map(json!({"type": "integer", "enum": numbers})),
        Shape::Any => Map::new(),
        Shape::List(item, least, most) => {
            let mut schema = map(json!({"type": "array", "items": shape(item, literal)}));
            if *least > 0 {
                schema.insert("minItems".to_owned(), json!(least));
            }
            if *most < usize::MAX {
                schema.insert("maxItems".to_owned(), json!(most));
            }
            schema
        }
        Shape::Object(table) => {
            let keys = match table.definition {
                Some(name) => json!({"$ref": format!("#/definitions/{name}")}),
                None => Value::Object(object(table, literal)),
            };
            map(json!({"type": "object", "allOf": [keys]}))
        }
        Shape::Entries(rule, item) => {
            let mut schema = map(json!({"type": "object", "additionalProperties": shape(item, literal)}));
            if !rule.pattern.is_empty() {
                schema.insert("propertyNames".to_owned(), json!({"pattern": rule.pattern}));
            }
            schema
        }
        Shape::Source { plain } => {
            let keys = json!([{"$ref": "#/definitions/source"}]);
            match plain {
                None => map(json!({"type": "object", "allOf": keys})),
                Some(rule) => {
                    map(json!({"type": ["string", "object"], "pattern": rule.pattern, "allOf": keys}))
                }
            }
        }
        Shape::Either(shapes) => either(shapes, literal),
    }
}

fn text(rule: &TextRule) -> Map<String, Value> {
    let mut schema = if rule.numeric {
        map(json!({"type": ["string", "number"]}))
    } else {
        map(json!({"type": "string"}))
    };
    if !rule.pattern.is_empty() {
        schema.insert("pattern".to_owned(), json!(rule.pattern));
    }
    schema
}

fn choice(choices: &[Choice]) -> Map<String, Value> {
    let words: Vec<&str> = choices.iter().map(|choice| choice.value).collect();
    let descriptions: Vec<&str> = choices.iter().map(|choice| choice.description).collect();
    let metadata: Map<String, Value> = choices
        .iter()
        .map(|choice| (choice.value.to_owned(), json!({"description": choice.description})))
        .collect();
    map(json!({
        "type": "string",
        "enum": words,
        "enumDescriptions": descriptions,
        "x-intellij-enum-metadata": metadata,
    }))
}

/// Combines shapes of different JSON types in one schema: each keyword applies only to values of its own type.
fn either(shapes: &[Shape], literal: bool) -> Map<String, Value> {
    let mut merged = Map::new();
    let mut types = Vec::new();
    for mut schema in shapes.iter().map(|one| shape(one, literal)) {
        // `enum` would apply to values of all shapes; `pattern` applies only to text.
        if let Some(Value::Array(words)) = schema.remove("enum") {
            // Editors complete only values that an alternative lists; the empty one accepts every value.
            let offered = json!({"enum": words, "enumDescriptions": schema.remove("enumDescriptions")});
            merged.insert("anyOf".to_owned(), json!([offered, {}]));
            schema.remove("x-intellij-enum-metadata");
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            schema.insert("pattern".to_owned(), json!(format!("^({})$", words.join("|"))));
        }
        match schema.get("type") {
            Some(Value::Array(several)) => types.extend(several.iter().cloned()),
            Some(one) => types.push(one.clone()),
            None => {}
        }
        merged.extend(schema);
    }
    types.dedup();
    merged.insert("type".to_owned(), Value::Array(types));
    merged
}

fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push(json!("null")),
        Some(one) => *one = json!([one, "null"]),
        None => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    if let Some(Value::Array(descriptions)) = schema.get_mut("enumDescriptions") {
        descriptions.push(json!("clears it"));
    }
}

#[cfg(test)]
mod tests;
