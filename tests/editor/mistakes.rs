//! Mistakes that people make: which of them a schema finds, in an editor and in other validators, and that `validate` finds
//! all of them.

use std::fs;

use duoctl::config::load::load_text;
use duoctl::config::schema::config_schema;
use duoctl::yaml;
use serde_json::{Value, json};

use super::{Editor, GENERIC, MODELINE, instance, node};

struct Mistake {
    name: String,
    text: String,
    schema: bool,
}

/// The mistakes of `mistakes.yaml`, each as a whole file.
fn mistakes() -> Vec<Mistake> {
    let text = fs::read_to_string("tests/editor/mistakes.yaml").unwrap();
    let all = yaml::parse(0, &text, &mut Vec::new()).unwrap().json();
    let mistakes = all.as_array().unwrap().iter().map(|mistake| {
        let part = |key: &str| mistake[key].as_str().unwrap_or_default();
        let tenant = part("tenant").replace('\n', "\n  ");
        let host = "api_hostname: api-1a2b3c4d.duosecurity.com\n  ";
        let host = if tenant.contains("api_hostname") { "" } else { host };
        let text = match mistake.get("whole") {
            Some(_) => part("whole").to_owned(),
            None => {
                let head = format!("version: 1\nworkspace: acme\ntenant:\n  {host}{}\n", tenant.trim_end());
                format!("{head}{}", part("yaml").replace("NOTES", &"long ".repeat(120)))
            }
        };
        Mistake { name: part("mistake").to_owned(), text, schema: mistake["schema"] == true }
    });
    mistakes.collect()
}

#[test]
fn most_mistakes_are_found_by_the_schema_and_all_by_validate() {
    let mistakes = mistakes();
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    for Mistake { name, text, schema: found } in &mistakes {
        let instance = instance(text).unwrap();
        assert_eq!(!schema.is_valid(&instance), *found, "{name}");
        let loaded = load_text("duo.yaml".into(), text.clone());
        assert!(!loaded.diagnostics.is_empty(), "{name}: `validate` has no finding");
    }
    let found = |mistakes: &[Mistake]| mistakes.iter().filter(|mistake| mistake.schema).count();
    assert_eq!((mistakes.len(), found(&mistakes)), (35, 25));
    assert_eq!(found(&mistakes[..25]), 16, "of the everyday ones");
}

#[test]
fn an_editor_and_another_validator_find_the_same_mistakes() {
    let mistakes = mistakes();
    let file = |index: usize| format!("mistake-{index}.yaml");
    let numbered = || mistakes.iter().enumerate();
    let documents = numbered()
        .map(|(index, mistake)| json!({"name": file(index), "text": format!("{MODELINE}{}", mistake.text)}));
    let Some(answers) = (Editor { documents: documents.collect() }).run() else { return };
    let instances: Vec<Value> = numbered()
        .map(|(index, mistake)| json!({"name": file(index), "value": instance(&mistake.text)}))
        .collect();
    let accepted = node("ajv.mjs", &json!({"schema": config_schema(), "instances": instances})).unwrap();
    for (index, Mistake { name, schema, .. }) in numbered() {
        let diagnostics = answers[&file(index)]["diagnostics"].as_array().unwrap();
        assert_eq!(!diagnostics.is_empty(), *schema, "{name}: {diagnostics:?}");
        let text = Value::Array(diagnostics.clone()).to_string();
        assert!(!GENERIC.iter().any(|words| text.contains(words)), "{name}: {text}");
        assert_eq!(accepted[file(index)], json!(!schema), "{name}");
    }
    // The most dangerous mistake says what to do, and where it is.
    let secret = &answers[&file(0)]["diagnostics"][0]["message"];
    let secret = secret.as_str().unwrap();
    for words in ["plain text", "{env: NAME}", "{file: PATH}", "{command:", "reset it"] {
        assert!(secret.contains(words), "{secret}");
    }
    assert!(!answers[&file(0)].to_string().contains("1a2b3c4d5e6f"), "the secret is repeated");
}
