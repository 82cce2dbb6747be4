//! The entry for the catalogue of schemas that editors download, with the catalogue's own checks.

use std::fs;

use duoctl::config::schema::{ID, config_schema};
use serde_json::{Value, json};

use super::node;

fn entry() -> Value {
    serde_json::from_str(&fs::read_to_string("schemas/catalogue-entry.json").unwrap()).unwrap()
}

#[test]
fn the_catalogue_entry_follows_the_rules_of_the_catalogue() {
    let entry = entry();
    let words = |key: &str| entry["catalog"][key].as_str().unwrap().to_owned();
    for key in ["name", "description"] {
        // Its linter refuses these words, and a full stop at the end of a name.
        assert!(!words(key).to_lowercase().contains("schema"), "{key}");
    }
    assert!(!words("name").is_empty() && !words("name").ends_with('.'));
    let files = entry["catalog"]["fileMatch"].as_array().unwrap();
    assert_eq!(files, &[json!("duo.yaml"), json!("*.duo.yaml")]);
    let url = words("url");
    assert!(url.starts_with("https://") && url.ends_with("/schemas/duoctl.schema.json"), "{url}");
    let schema = config_schema();
    let version = schema["$id"].as_str().unwrap().strip_prefix(ID).unwrap();
    assert_eq!(
        entry["catalog"]["versions"],
        json!({version: url}),
        "a version of the language has one `$id`"
    );
    assert!(jsonschema::is_valid(&schema, &json!({"version": version.parse::<u32>().unwrap()})));
    assert_eq!(schema["title"], "duoctl");
}

/// `ajv` with the catalogue's options. It knows some editors' keywords; the entry has to name the others.
#[test]
fn the_schema_passes_the_strict_checks_of_the_catalogue() {
    let unknown = entry()["options"]["unknownKeywords"].clone();
    let request =
        |keywords: &Value| json!({"schema": config_schema(), "catalogue": keywords, "instances": []});
    let Some(answer) = node("ajv.mjs", &request(&unknown)) else { return };
    assert_eq!(answer, json!({}), "it compiles");
    let words = unknown.as_array().unwrap();
    for word in words {
        let others: Value = words.iter().filter(|other| *other != word).cloned().collect();
        let error = node("ajv.mjs", &request(&others)).unwrap()["error"].to_string();
        assert!(error.contains(word.as_str().unwrap()), "{word} need not be in the entry: {error}");
    }
}
