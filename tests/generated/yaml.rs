//! `docs/reference/yaml.md`: every key of the language, from its JSON Schema; the table of settings tells which types have a field.

use std::fmt::Write as _;

use duoctl::config::schema::config_schema;
use duoctl::duo::catalogue::kinds;
use duoctl::kinds::application::fields::{FIELDS, field};
use duoctl::kinds::field::{Field, Roles};
use duoctl::yaml;
use serde_json::{Map, Value};

use super::row;

const PLACES: &str = "Places of values";
/// Keys that a workspace needs once, in any of its files.
const ONCE: [&str; 3] = ["version", "workspace", "tenant"];

pub(crate) fn page() -> String {
    let schema = without_variables(config_schema());
    let schema = joined(&schema, schema.clone());
    let mut reference = Reference { text: String::new(), root: &schema, written: Vec::new() };
    reference.introduction();
    reference.mapping("Top level", "", &schema);
    reference.places();
    reference.text
}

/// The schema without the variable alternative that every value has.
fn without_variables(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            let variable = serde_json::json!({"$ref": "#/definitions/variable"});
            if map.get("if") == Some(&variable)
                && let Some(Value::Object(written)) = map.remove("else")
            {
                map.retain(|key, _| !matches!(key.as_str(), "if" | "then"));
                map.extend(written);
            }
            map.into_iter().map(|(key, value)| (key, without_variables(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_variables).collect(),
        value => value,
    }
}

/// The schema with the keys of each mapping next to its type, where editors do not need them apart, and without the keys
/// that it only explains.
fn joined(root: &Value, value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            let of_keys = |rule: &Value| rule.get("$ref").is_some() || rule.get("properties").is_some();
            let keys = map.get("allOf").and_then(|rules| rules.get(0)).filter(|rule| of_keys(rule)).cloned();
            if let Some(keys) = keys.filter(|_| map.contains_key("type") && !map.contains_key("properties")) {
                let Value::Object(keys) = resolved(root, &keys).clone() else { panic!("no mapping") };
                for (key, value) in keys {
                    map.entry(key).or_insert(value);
                }
            }
            if let Some(Value::Object(keys)) = map.get_mut("properties") {
                keys.retain(|_, value| value["doNotSuggest"] != true);
            }
            map.into_iter().map(|(key, value)| (key, joined(root, value))).collect()
        }
        Value::Array(items) => items.into_iter().map(|item| joined(root, item)).collect(),
        value => value,
    }
}

/// The example of a key: a value that is a mapping or a list is the label of its snippet.
fn example(value: &Value) -> Value {
    let plain = value["examples"].as_array().and_then(|examples| examples.first()).cloned();
    let snippets = value["defaultSnippets"].as_array().into_iter().flatten();
    let mut labels = snippets.filter_map(|snippet| snippet["label"].as_str());
    plain.unwrap_or_else(|| parsed(labels.find(|label| label.starts_with(['{', '['])).unwrap()).unwrap())
}

struct Reference<'s> {
    text: String,
    root: &'s Value,
    /// The keys of each mapping, and its path.
    written: Vec<(&'s Value, String)>,
}

impl<'s> Reference<'s> {
    fn introduction(&mut self) {
        let _ = write!(
            self.text,
            "# YAML reference\n\n{}\n\n\
             Every key of the language, version 1. [Concepts](../explanation/concepts.md) explains the terms. `duoctl schema config` prints \
             the same as a JSON Schema, which most editors use if the file begins with\n\n\
             ```yaml\n# $schema: duoctl.schema.json\n```\n\n\
             `duoctl init` writes both.\n\n\
             A workspace is one file, or all `duo.yaml` and `*.duo.yaml` files in a folder and its subfolders, except hidden \
             ones. Similar names (`Duo.yaml`, `x.duo.yml`) are errors, and so is the path of only a part of a workspace. \
             `version`, `workspace` and `tenant` are set once, in one of the files. Unknown keys are errors. YAML is read as \
             version 1.2: `yes`, `no` and `on` are text. Anchors, aliases and merge keys work within one file. Top-level keys \
             that begin with `x-` are ignored; use them for what anchors share, e.g. `x-common: &common {{user_access: no_users}}`.\n\n\
             In an application, a key that is left out is unmanaged: duoctl neither compares nor changes it. `null`, where \
             allowed, clears the value in Duo. In a policy, that holds for whole sections: a section that is given replaces \
             the one in Duo, and `null` removes it.\n\n\
             `${{vars.NAME}}` is replaced by [a variable](variables.md) in every value, except those that decide about secrets or \
             name the workspace.\n\n\
             [Secrets](../how-to/secrets.md) explains how secrets are delivered.\n",
            super::NOTICE
        );
    }

    fn places(&mut self) {
        let _ = write!(
            self.text,
            "\n## {PLACES}\n\n\
             A value that may be secret is read from exactly one of the following places. A value that is not secret may \
             also be written as plain text.\n\n"
        );
        let places = self.root.pointer("/properties/tenant/properties/credentials/properties/secret_key");
        self.table(PLACES, places.unwrap());
    }

    /// The section of a mapping, and the sections of nested mappings.
    fn mapping(&mut self, title: &str, path: &str, schema: &'s Value) {
        let depth = "#".repeat(2 + usize::from(path.trim_end_matches(".NAME").contains('.')));
        let _ = write!(self.text, "\n{depth} {title}\n\n");
        if let (Some(description), false) =
            (schema.get("description").and_then(Value::as_str), path.is_empty())
        {
            let _ = writeln!(self.text, "{description}\n");
        }
        if path.starts_with("defaults.") {
            let fields = FIELDS.iter().filter(|field| field.is(Roles::DEFAULTABLE));
            let keys: Vec<String> = fields.map(|field| format!("`{}`", field.name())).collect();
            let link = link("applications.NAME");
            let _ = writeln!(self.text, "Keys of an application, as in {link}: {}.", keys.join(", "));
            return;
        }
        let same = self.written.iter().find(|(keys, _)| *keys == &schema["properties"]);
        if let Some((_, earlier)) = same {
            let _ = writeln!(self.text, "The same keys as in {}.", link(earlier));
            return;
        }
        self.written.push((&schema["properties"], path.to_owned()));
        self.table(path, schema);
        for (key, value) in schema["properties"].as_object().unwrap() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if let Some((path, nested)) = nested(self.root, &path, value) {
                self.mapping(&format!("`{path}`"), &path, nested);
            }
        }
    }

    fn table(&mut self, path: &str, schema: &Value) {
        let application = path == "applications.NAME";
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut words = String::new();
        let types = if application { "Types | " } else { "" };
        let _ = writeln!(self.text, "| Key | Value | Default | {types}Description | Example |");
        let _ = writeln!(self.text, "|---|---|---|{}---|---|", if application { "---|" } else { "" });
        for (key, value) in schema["properties"].as_object().unwrap() {
            let field = field(key).filter(|_| application);
            let default = match (value.get("default"), field) {
                _ if required.contains(&key.as_str()) => "**required**".to_owned(),
                _ if path.is_empty() && ONCE.contains(&key.as_str()) => "**required**, once".to_owned(),
                (_, Some(field)) if field.key.required => {
                    "**required**, unless `integration_key` is set".to_owned()
                }
                (Some(default), _) => format!("`{}`", flow(default)),
                (None, Some(field)) if field.is_setting() => "unmanaged".to_owned(),
                (None, _) => String::new(),
            };
            let inside = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let name = format!("`{key}`");
            let kind = self.kind(&inside, value);
            let description = value["description"].as_str().unwrap();
            let example = example(value);
            let example = format!("`{}`", checked(flow(&example), &example));
            self.text += &match field {
                Some(field) => row([&name, &kind, &default, &types_of(field), description, &example]),
                None => row([&name, &kind, &default, description, &example]),
            };
            words += &choices(key, value);
        }
        self.text += &words;
    }

    /// A value in words.
    fn kind(&self, path: &str, value: &Value) -> String {
        let value = resolved(self.root, value);
        if path == "applications.NAME.type" {
            return "text, see [types](types.md)".to_owned();
        }
        let types: Vec<&str> = match &value["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        let alternatives = types.iter().filter(|name| !(**name == "number" && types.contains(&"string")));
        let words: Vec<String> = alternatives
            .map(|name| match *name {
                "string" => text(value),
                "integer" => whole(value),
                "boolean" => "`true` or `false`".to_owned(),
                "null" => "`null`".to_owned(),
                "array" => format!("list of {}{}", length(value), self.kind(path, &value["items"])),
                "object" if is_place(value) => format!("[place]({})", anchor(PLACES)),
                "object" => match nested(self.root, path, value) {
                    Some((nested, _)) if value.get("properties").is_some() => {
                        format!("[mapping]({})", anchor(&nested))
                    }
                    Some((nested, _)) => format!("names, each with a [mapping]({})", anchor(&nested)),
                    None => "names, each with a value".to_owned(),
                },
                other => panic!("{path}: no word for {other}"),
            })
            .collect();
        words.join(", or ")
    }
}

/// The mapping with fixed keys that a value is or contains, and its path.
fn nested<'s>(root: &'s Value, path: &str, value: &'s Value) -> Option<(String, &'s Value)> {
    let value = resolved(root, value);
    if is_place(value) {
        return None;
    }
    if value.get("properties").is_some() {
        return Some((path.to_owned(), value));
    }
    if let Some(items) = value.get("items") {
        return nested(root, &format!("{path}[]"), items);
    }
    let entries = value.get("additionalProperties").filter(|entries| entries.is_object())?;
    nested(root, &format!("{path}.NAME"), entries)
}

fn resolved<'s>(root: &'s Value, value: &'s Value) -> &'s Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn is_place(value: &Value) -> bool {
    let keys = value.get("properties").and_then(Value::as_object);
    keys.is_some_and(|keys| keys.keys().take(3).eq(["env", "file", "command"]))
}

fn text(value: &Value) -> String {
    match (closed(value).get("enum"), value.get("pattern").and_then(Value::as_str)) {
        (Some(Value::Array(words)), _) => {
            let words: Vec<String> =
                words.iter().filter(|word| !word.is_null()).map(|word| format!("`{}`", flow(word))).collect();
            if words.len() > 4 { "one of the values below".to_owned() } else { words.join(", ") }
        }
        (_, Some(pattern)) if is_plain(pattern) => {
            format!("text, `{pattern}`")
        }
        _ => "text".to_owned(),
    }
}

/// A value, or the alternative that has its closed set.
fn closed(value: &Value) -> &Value {
    value.pointer("/anyOf/0").filter(|offered| offered.get("enum").is_some()).unwrap_or(value)
}

/// Whether a pattern is simple enough for readers: only character classes.
fn is_plain(pattern: &str) -> bool {
    pattern.starts_with("^[") && !pattern.contains(['(', '\\'])
}

fn whole(value: &Value) -> String {
    match (value.get("const"), &value["minimum"], &value["maximum"]) {
        (Some(only), ..) => format!("`{only}`"),
        _ if value["enum"].is_array() => {
            let numbers = value["enum"].as_array().into_iter().flatten();
            format!("one of {}", numbers.map(|number| format!("`{number}`")).collect::<Vec<_>>().join(", "))
        }
        (_, least, most) if most.as_u64() == Some(u64::from(u32::MAX)) => {
            format!("whole number from {least}")
        }
        (_, least, most) => format!("whole number, {least} to {most}"),
    }
}

fn length(value: &Value) -> String {
    match (value.get("minItems"), value.get("maxItems")) {
        (Some(least), Some(most)) => format!("{least} to {most}: "),
        (Some(least), None) => format!("at least {least}: "),
        (None, _) => String::new(),
    }
}

/// The values of a closed set, each with its meaning.
fn choices(key: &str, value: &Value) -> String {
    let closed = closed(if value.get("items").is_some() { &value["items"] } else { value });
    let (Some(words), Some(meanings)) = (closed["enum"].as_array(), closed["enumDescriptions"].as_array())
    else {
        return String::new();
    };
    let mut text = format!("\nValues of `{key}`:\n\n");
    for (word, meaning) in words.iter().zip(meanings).filter(|(word, _)| !word.is_null()) {
        let _ = writeln!(text, "- `{}`: {}", flow(word), meaning.as_str().unwrap());
    }
    text
}

/// Which types have a field, as briefly as possible.
fn types_of(field: &Field) -> String {
    let (with, without): (Vec<_>, Vec<_>) = kinds().iter().partition(|kind| field.applies_to(Some(kind)));
    let names = |kinds: &[&duoctl::duo::catalogue::Variant]| {
        kinds.iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", ")
    };
    let is_sso = |kind: &&duoctl::duo::catalogue::Variant| kind.name.starts_with("sso-");
    if without.is_empty() {
        "all".to_owned()
    } else if with.iter().all(is_sso) && !without.iter().any(is_sso) {
        "those that begin with `sso-`".to_owned()
    } else if with.len() <= without.len() {
        names(&with)
    } else {
        format!("all but {}", names(&without))
    }
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    format!("#{}", kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

fn link(path: &str) -> String {
    format!("[`{path}`]({})", anchor(path))
}

/// A value as YAML on one line.
fn flow(value: &Value) -> String {
    let pair = |(key, value): (&String, &Value)| format!("{}: {}", plain(key), flow(value));
    match value {
        Value::String(text) => plain(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: &Map<String, Value> = entries;
            format!("{{{}}}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A text without quotes if YAML reads it as the same text.
fn plain(text: &str) -> String {
    let quiet =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | ':' | '@' | '%');
    let safe = text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/'))
        && text.chars().all(quiet)
        && !text.contains(": ")
        && !text.ends_with([' ', ':']);
    let same = || parsed(text) == Some(Value::String(text.to_owned()));
    if safe && same() { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

fn parsed(text: &str) -> Option<Value> {
    yaml::parse(0, text, &mut Vec::new()).map(|node| node.json())
}

fn checked(text: String, value: &Value) -> String {
    assert_eq!(parsed(&text).as_ref(), Some(value), "{text} means something else");
    text
}
