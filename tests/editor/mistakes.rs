//! Mistakes that people make: which of them a schema finds, in an editor and in other validators, and that `validate` finds
//! all of them.

use std::collections::BTreeSet;
use std::fs;

use duoctl::config::load::load_text;
use duoctl::config::schema::config_schema;
use duoctl::yaml;
use serde_json::{Value, json};

use super::{Editor, GENERIC, MODELINE, instance, node};
use crate::generated::{compare_parts, row};

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

/// Findings: the code of each, and the message with the help.
type Found = Vec<(String, String)>;

/// What `validate` finds in a text.
fn validated(text: &str) -> Found {
    let loaded = load_text("duo.yaml".into(), text.to_owned());
    let found = loaded.diagnostics.iter().map(|found| {
        let help = found.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        (found.code.name().to_owned(), format!("{}{help}", found.message))
    });
    found.collect()
}

/// What the real language server finds in the same texts, and the fixes that it offers.
fn served(mistakes: &[Mistake]) -> Option<Vec<(Found, Vec<String>)>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let all = json!({"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}});
    let mut steps = Vec::new();
    for (index, Mistake { text, .. }) in mistakes.iter().enumerate() {
        // Each in a folder of its own, as workspaces are.
        let name = format!("{index}/duo.yaml");
        fs::create_dir(path.join(index.to_string())).unwrap();
        fs::write(path.join(&name), text).unwrap();
        steps.push(json!({"open": name, "text": text}));
        let params = json!({"range": all, "context": {"diagnostics": []}});
        steps.push(json!({"ask": "textDocument/codeAction", "name": name, "params": params}));
    }
    let command = [env!("CARGO_BIN_EXE_duoctl"), "lsp"];
    let answers = node("lsp.mjs", &json!({"command": command, "folder": path, "steps": steps}))?;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let answers = answers.as_array().unwrap()[1..].chunks_exact(2);
    let each = answers.map(|answers| {
        let found = answers[0]["findings"].as_array().unwrap().iter();
        let fixes = answers[1]["result"].as_array().unwrap().iter();
        (
            found.map(|it| (text(&it["code"]), text(&it["message"]))).collect(),
            fixes.map(|it| text(&it["title"])).collect(),
        )
    });
    Some(each.collect())
}

/// Also the generated table of `docs/reference/mistakes.md`.
#[test]
fn the_language_server_finds_what_validate_finds_as_generated() {
    let mistakes = mistakes();
    let Some(served) = served(&mistakes) else { return };
    let documents = mistakes.iter().enumerate().map(|(index, mistake)| {
        json!({"name": format!("mistake-{index}.yaml"), "text": format!("{MODELINE}{}", mistake.text)})
    });
    let Some(answers) = (Editor { documents: documents.collect() }).run() else { return };
    let mut table =
        row(["Mistake", "Schema", "Language server and `validate`", "Quick fix"]) + "|---|---|---|---|\n";
    for (index, (mistake, (found, fixes))) in mistakes.iter().zip(&served).enumerate() {
        assert_eq!(*found, validated(&mistake.text), "{}", mistake.name);
        let schema = answers[&format!("mistake-{index}.yaml")]["diagnostics"].as_array().unwrap();
        let schema: BTreeSet<&str> = schema.iter().map(|it| it["message"].as_str().unwrap()).collect();
        let said = found.iter().map(|(code, message)| {
            format!("`{code}`: {}", message.split("\nhelp: ").next().unwrap_or_default())
        });
        let lines = |lines: Vec<String>| if lines.is_empty() { "–".to_owned() } else { lines.join("<br>") };
        table += &row([
            &mistake.name,
            &lines(schema.into_iter().map(str::to_owned).collect()),
            &lines(said.collect()),
            &lines(fixes.clone()),
        ]);
    }
    compare_parts("docs/reference/mistakes.md", &[("mistakes", table)]);
}
