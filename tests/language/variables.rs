//! Variables in every place of the language: the full example has every key.

use std::fs;
use std::path::Path;

use duoctl::config::load::{InMemory, Loaded, load_files};
use duoctl::config::schema::config_schema;
use duoctl::config::variables::Assigned;
use duoctl::diagnostic::Code;
use duoctl::yaml;
use serde_json::{Map, Value, json};

/// The files of the full example in one.
fn example() -> Value {
    let mut all = Map::new();
    for file in super::yaml_files(Path::new("examples/full")) {
        let text = fs::read_to_string(file).unwrap();
        let Value::Object(file) = yaml::parse(0, &text, &mut Vec::new()).unwrap().json() else { panic!() };
        for (key, value) in file {
            match (all.get_mut(&key), value) {
                (Some(Value::Object(earlier)), Value::Object(more)) => earlier.extend(more),
                (_, value) => drop(all.insert(key, value)),
            }
        }
    }
    Value::Object(all)
}

fn loaded(yaml: &Value) -> Loaded {
    let file = InMemory { path: "examples/full/duo.yaml".into(), text: yaml.to_string(), tree: None };
    load_files(Path::new("examples/full"), &Assigned::default(), [file])
}

/// The places of all single values, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                places(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(at.to_owned()),
    }
}

/// Either a variable means the same as its value written in that place, and an editor accepts it; or the place takes no
/// variables, and the parser reports it.
#[test]
fn a_variable_means_what_its_value_means_in_every_place() {
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    let example = example();
    let meaning = loaded(&example).valid().unwrap().meaning.clone();
    let mut all = Vec::new();
    places(&example, "", &mut all);
    let (mut replaced, mut literal) = (0, Vec::new());
    for place in &all {
        let mut yaml = example.clone();
        let value = std::mem::replace(yaml.pointer_mut(place).unwrap(), json!("${vars.it}"));
        if !place.starts_with("/vars") {
            yaml["vars"]["it"] = json!({"default": value});
        }
        let found = loaded(&yaml);
        let said = |wanted: &str| found.diagnostics.iter().any(|found| found.message.starts_with(wanted));
        if said("variables are not allowed in") {
            literal.push(place.split('/').take(4).collect::<Vec<_>>().join("/"));
            continue;
        }
        assert!(found.diagnostics.iter().all(|found| found.code != Code::UnknownVariable), "{place}");
        let workspace = found.valid().unwrap_or_else(|| panic!("{place}: {:#?}", found.diagnostics));
        assert_eq!(workspace.meaning, meaning, "{place}");
        let errors: Vec<String> = schema.iter_errors(&yaml).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{place}: {errors:?}");
        replaced += 1;
    }
    assert!(replaced > 100, "{replaced}");
    literal.dedup();
    for place in ["/version", "/workspace", "/tenant/credentials/secret_key", "/secret_stores/vault/token"] {
        assert!(literal.iter().any(|found| found == place), "{place} in {literal:#?}");
    }
    for place in ["/applications/vpn/secret", "/identity_intelligence/emea/attested"] {
        assert!(literal.iter().any(|found| found == place), "{place} in {literal:#?}");
    }
}
