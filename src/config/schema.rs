//! The language as a JSON schema (draft-07) for editors. Generated from the tables that the parser uses.
//!
//! Clear messages matter more than short rules: there are no alternatives (`anyOf`, `oneOf`) where an editor would report
//! each of them, and per-type rules use `if`/`then`.

use serde_json::{Map, Value, json};

use crate::kinds::application::entry::{APPLICATION, DEFAULTS, type_names};
use crate::language::places::SOURCE;
use crate::language::shape::{Choice, Key, Object, Shape, TextRule};
use crate::language::texts::{FILLED, LINE};
use crate::yaml;

use super::language::FILE;

/// The schema of a YAML file, as `duoctl schema config` prints it.
pub fn config_schema() -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:duoctl:schema:config:1",
        "description": "Applications of a Cisco Duo account as duoctl reads them. A workspace is one file, or all `duo.yaml` and `*.duo.yaml` files of a folder; `version`, `workspace` and `tenant` are set in one of them.",
    });
    if let Value::Object(schema) = &mut schema {
        schema.extend(object(&FILE, false));
        schema.insert(
            "definitions".to_owned(),
            json!({
                "application": object(&APPLICATION, false),
                "defaults": object(&DEFAULTS, false),
                "known_type": {"enum": type_names(|_| true)},
                "variable": {"type": "string", "pattern": r"\$\{vars\."},
            }),
        );
    }
    schema
}

/// The schema as it is committed and printed: indented, with a trailing line break.
pub fn config_schema_text() -> String {
    format!("{:#}\n", config_schema())
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
    let mut schema = map(json!({"type": "object", "properties": properties}));
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
    let mut schema = documented(key.description, key.example);
    if let Some(default) = key.default.and_then(value) {
        schema.insert("default".to_owned(), default);
    }
    let mut written = shape(&key.shape, literal);
    if key.nullable {
        allow_null(&mut written);
    }
    say_what_is_meant(key, &mut written);
    schema.extend(if literal { written } else { or_variable(written) });
    if let Some(snippet) = snippet(key.name) {
        schema.insert("defaultSnippets".to_owned(), snippet);
    }
    if let Some((text, target)) = key.link {
        link(&mut schema, text, target);
    }
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
    let mut either = map(json!({"if": {"$ref": "#/definitions/variable"}, "then": {}, "else": schema}));
    if !offered.is_empty() {
        either.insert("anyOf".to_owned(), json!([offered, {}]));
    }
    either
}

/// Without `title`, which editors would show instead of the expected type.
fn documented(description: &str, example: &str) -> Map<String, Value> {
    let mut schema = map(json!({"description": description}));
    schema.insert("examples".to_owned(), value(example).into_iter().collect());
    schema
}

/// The message that editors show instead of the pattern if a text does not match.
fn say_what_is_meant(key: &Key, schema: &mut Map<String, Value>) {
    let Key { name, description, example, .. } = key;
    let say = |schema: &mut Map<String, Value>| {
        let message = match schema.get("pattern").and_then(Value::as_str) {
            None => return,
            Some(r"\S") => format!("`{name}` must not be empty."),
            Some(_) => format!("Not a valid `{name}`. {description} Example: {example}"),
        };
        schema.insert("patternErrorMessage".to_owned(), json!(message));
    };
    say(schema);
    for within in ["items", "additionalProperties"] {
        if let Some(Value::Object(values)) = schema.get_mut(within) {
            say(values);
        }
    }
}

/// The snippets that editors offer for entries of a top-level key.
fn snippet(key: &str) -> Option<Value> {
    match key {
        "applications" => Some(json!([
            {
                "label": "application",
                "description": "An application that users log in to",
                "body": {"${1:vpn}": {
                    "type": "${2:radius}",
                    "name": "${3:VPN}",
                    "user_access": "${4|permitted_groups,all_users,no_users|}",
                    "groups_allowed": ["${5:VPN Users}"],
                }},
            },
            {
                "label": "admin api application",
                "description": "An Admin API key with exactly these permissions",
                "body": {"${1:siem}": {
                    "type": "adminapi",
                    "name": "${2:SIEM export}",
                    "user_access": "no_users",
                    "permissions": ["${3:read_log}"],
                }},
            },
        ])),
        "identity_intelligence" => Some(json!([{
            "label": "identity intelligence entry",
            "description": "A connection to Cisco Identity Intelligence with the applications it needs",
            "body": {"${1:emea}": {
                "display_name": "${2:Duo EMEA}",
                "access": "${3|read_only,read_write|}",
                "push_verification": {"application_name": "${4:Acme IT Support}"},
            }},
        }])),
        _ => None,
    }
}

/// A value that is written in YAML.
fn value(text: &str) -> Option<Value> {
    yaml::parse(0, text, &mut Vec::new()).map(|node| node.json())
}

fn shape(shape_: &Shape, literal: bool) -> Map<String, Value> {
    match shape_ {
        Shape::Text(rule) => text(rule),
        Shape::Choice(choices) => choice(choices),
        Shape::Flag => map(json!({"type": "boolean"})),
        Shape::Whole(least, most) if least == most => map(json!({"type": "integer", "const": least})),
        Shape::Whole(least, most) => map(json!({"type": "integer", "minimum": least, "maximum": most})),
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
        Shape::Object(table) => match table.definition {
            Some(name) => map(json!({"$ref": format!("#/definitions/{name}")})),
            None => object(table, literal),
        },
        Shape::Entries(rule, item) => {
            let mut schema = map(json!({"type": "object", "additionalProperties": shape(item, literal)}));
            if !rule.pattern.is_empty() {
                let meant =
                    "Use at most 64 lower-case letters, digits, - and _, starting with a letter or digit.";
                let names = json!({"pattern": rule.pattern, "patternErrorMessage": meant});
                schema.insert("propertyNames".to_owned(), names);
            }
            schema
        }
        Shape::Source { secret } => {
            let mut schema = object(&SOURCE, true);
            schema.insert("minProperties".to_owned(), json!(1));
            schema.insert("maxProperties".to_owned(), json!(2));
            // Exactly one source, and a timeout only with a command.
            let dependencies = json!({
                "timeout": ["command"],
                "env": {"maxProperties": 1},
                "file": {"maxProperties": 1},
                "command": {"not": {"anyOf": [{"required": ["env"]}, {"required": ["file"]}]}},
            });
            schema.insert("dependencies".to_owned(), dependencies);
            if !secret {
                schema.insert("type".to_owned(), json!(["string", "object"]));
                schema.insert("pattern".to_owned(), json!(r"\S"));
            }
            schema
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
    map(json!({"type": "string", "enum": words, "enumDescriptions": descriptions}))
}

/// Combines shapes of different JSON types in one schema: each keyword applies only to values of its own type.
fn either(shapes: &[Shape], literal: bool) -> Map<String, Value> {
    let mut merged = Map::new();
    let mut types = Vec::new();
    for mut schema in shapes.iter().map(|one| shape(one, literal)) {
        // `enum` would apply to values of all shapes; `pattern` applies only to text.
        if let Some(Value::Array(words)) = schema.remove("enum") {
            schema.remove("enumDescriptions");
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

/// Adds a link for editors that show links.
fn link(schema: &mut Map<String, Value>, text: &str, target: &str) {
    if let Some(Value::String(description)) = schema.get("description") {
        let text = format!("{description}\n\n[{text}]({target})");
        schema.insert("markdownDescription".to_owned(), json!(text));
    }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::language;
    use crate::diagnostic::Span;
    use crate::language::check;

    /// Every key has a description and an example that its shape accepts.
    #[test]
    fn every_key_has_a_description_and_an_example_that_holds() {
        fn visit(keys: &[Key], seen: &mut usize) {
            for key in keys {
                let place = Span { file: 0, start: 0, end: 0 };
                let mut findings = Vec::new();
                let node = yaml::parse(0, key.example, &mut findings).expect(key.name);
                assert!(check::value(&node, key, place, &mut findings), "{}: {findings:?}", key.name);
                assert!(key.description.ends_with('.'), "{}: {}", key.name, key.description);
                if let Some(default) = key.default {
                    let node = yaml::parse(0, default, &mut findings).expect(key.name);
                    assert!(check::value(&node, key, place, &mut findings), "{}: {findings:?}", key.name);
                }
                let instance = node.json();
                let schema = Value::Object(super::key(key, false));
                if !schema.to_string().contains("$ref") {
                    assert!(jsonschema::is_valid(&schema, &instance), "{}: {schema}", key.name);
                }
                *seen += 1;
                nested(&key.shape, seen);
            }
        }
        fn nested(shape: &Shape, seen: &mut usize) {
            match shape {
                Shape::Object(table) => visit(table.keys, seen),
                Shape::List(item, ..) | Shape::Entries(_, item) => nested(item, seen),
                Shape::Either(shapes) => shapes.iter().for_each(|shape| nested(shape, seen)),
                Shape::Source { .. } => visit(SOURCE.keys, seen),
                _ => {}
            }
        }
        let mut seen = 0;
        visit(FILE.keys, &mut seen);
        assert!(seen > 120, "only {seen} keys were reached");
    }

    #[test]
    fn what_the_schema_calls_a_default_is_what_the_parser_takes() {
        let head = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";
        let entry = "identity_intelligence: {emea: {display_name: Duo, access: read_only}}\n";
        let application = "applications: {vpn: {type: radius, name: VPN, user_access: no_users}}\n";
        let loaded = crate::config::load::load_text("duo.yaml".into(), format!("{head}{entry}{application}"));
        let workspace = loaded.workspace.expect("a workspace");
        let key = |keys: &[Key], name: &str| {
            let default = keys.iter().find(|key| key.name == name).and_then(|key| key.default);
            value(default.expect(name)).expect(name)
        };
        let guards = |name| key(language::GUARDS.keys, name);
        assert_eq!(guards("max_changes"), json!(format!("{}%", workspace.guards.max_changes_percent)));
        assert_eq!(guards("max_deletes"), json!(workspace.guards.max_deletes));
        assert_eq!(guards("quarantine_days"), json!(workspace.guards.quarantine_days));
        assert_eq!(guards("allow"), json!(workspace.guards.allow.iter().map(|_| "").collect::<Vec<_>>()));
        let entry = &workspace.identity_intelligence["emea"];
        let of_entry = |name| key(language::intelligence::ENTRY.keys, name);
        assert_eq!(of_entry("endpoints"), json!(entry.endpoints.is_some()));
        assert_eq!(of_entry("event_streaming"), json!(entry.event_streaming.is_some()));
        assert_eq!(of_entry("push_verification"), json!(entry.push_application_name.is_some()));
        let vpn = &workspace.applications["vpn"];
        let of_application = |name| key(APPLICATION.keys, name);
        assert_eq!(of_application("protect"), json!(vpn.protect));
        assert_eq!(of_application("ignore"), json!(vpn.ignore.iter().map(|_| "").collect::<Vec<_>>()));
    }

    #[test]
    fn the_schema_is_a_schema() {
        jsonschema::meta::validate(&config_schema()).expect("valid draft-07");
    }
}
