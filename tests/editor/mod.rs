//! The schema in practice: in the language server that editors use (`yaml-language-server`), and in two more validators
//! (`ajv`, `check-jsonschema`), which must agree with the parser.
//!
//! Needs node with `npm ci` in tests/editor, and `python3` with PyPI the first time. If they are missing, the tests say so
//! and do nothing; with `CI` set they fail.

mod catalogue;
mod extension;
mod formatter;
mod lsp;
mod mistakes;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use duoctl::config::load::load;
use duoctl::config::schema::{config_schema, config_schema_text};
use duoctl::diagnostic::has_errors;
use duoctl::yaml;
use serde_json::{Value, json};

use crate::support::python::{python_of, skip};

/// The form of the line that all editors read.
const MODELINE: &str = "# $schema: duoctl.schema.json\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/editor")
}

/// Runs a script with node: JSON in, JSON out. `None` if node or its packages are missing.
fn node(script: &str, input: &Value) -> Option<Value> {
    if !folder().join("node_modules/yaml-language-server").is_dir() {
        skip(
            "the schema in an editor and in other validators",
            "no yaml-language-server: run `npm ci --ignore-scripts` in tests/editor",
        );
        return None;
    }
    let mut command = Command::new("node");
    command.arg(folder().join(script)).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        skip("the schema in an editor and in other validators", "there is no node");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} ended with {}", output.status);
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A sample in one file: its name, its text, and whether the parser accepts it.
struct Sample {
    path: PathBuf,
    name: String,
    text: String,
    valid: bool,
}

fn samples() -> Vec<Sample> {
    let mut found = Vec::new();
    for kind in ["valid", "invalid"] {
        let entries = fs::read_dir(Path::new("tests/samples").join(kind)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml")) {
            // A file that is not text is not checked in an editor.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let name = format!("{kind}-{}", path.file_name().unwrap().to_string_lossy());
            let valid = !has_errors(&load(&path).diagnostics);
            assert_eq!(valid, kind == "valid", "{name}");
            found.push(Sample { path, name, text, valid });
        }
    }
    assert!(found.len() > 90, "{}", found.len());
    found
}

/// Whether the parser's own schema check refuses a sample. `None` if it is not YAML.
fn instance(text: &str) -> Option<Value> {
    let mut findings = Vec::new();
    let tree = yaml::parse(0, text.trim_start_matches('\u{feff}'), &mut findings)?;
    (!has_errors(&findings)).then(|| tree.json())
}

/// Line and character of a `|` in a text, and the text without it.
fn marked(text: &str) -> (String, Value) {
    let (before, after) = text.split_once('|').unwrap();
    let line = before.matches('\n').count();
    let character = before.rsplit('\n').next().unwrap().chars().count();
    (format!("{before}{after}"), json!([line, character]))
}

struct Editor {
    documents: Vec<Value>,
}

impl Editor {
    fn ask(&mut self, kind: &str, name: &str, text: &str) {
        let (text, place) = marked(&format!("{MODELINE}{text}"));
        self.documents.push(json!({"name": format!("{name}.yaml"), "text": text, kind: [place]}));
    }

    /// The answers by name.
    fn run(self) -> Option<BTreeMap<String, Value>> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("duoctl.schema.json"), config_schema_text()).unwrap();
        let answers = node("server.mjs", &json!({"folder": folder.path(), "documents": self.documents}))?;
        let answers = answers.as_array().unwrap().iter();
        Some(answers.map(|answer| (answer["name"].as_str().unwrap().to_owned(), answer.clone())).collect())
    }
}

fn items(answer: &Value) -> BTreeMap<String, (String, String)> {
    let items = answer["completions"][0].as_array().unwrap().iter();
    items
        .map(|item| {
            let text =
                |value: &Value| value.as_str().or(value["value"].as_str()).unwrap_or_default().to_owned();
            let inserted =
                item["textEdit"]["newText"].as_str().or(item["insertText"].as_str()).unwrap_or_default();
            (text(&item["label"]), (inserted.to_owned(), text(&item["documentation"])))
        })
        .collect()
}

/// Places of values that are mappings or lists.
const NESTED: [(&str, &str); 7] = [
    ("secret", "tenant:\n  credentials:\n    secret_key: |\n"),
    ("token", "secret_stores:\n  v:\n    type: vault\n    token: |\n"),
    ("groups", "applications:\n  vpn:\n    user_access: permitted_groups\n    groups_allowed: |\n"),
    ("grants", "applications:\n  a:\n    sso:\n      oidc_config:\n        grant_types: |\n"),
    ("removed", "removed: |\n"),
    ("defaults", "defaults:\n  applications:\n    |\n"),
    ("empty", "|"),
];

#[test]
fn an_editor_completes_explains_and_fills_in() {
    let mut editor = Editor { documents: Vec::new() };
    editor.ask("complete", "top", "|\n");
    editor.ask("complete", "keys", "applications:\n  vpn:\n    type: radius\n    |\n");
    editor.ask("complete", "type", "applications:\n  vpn:\n    type: |\n");
    editor.ask("complete", "access", "applications:\n  vpn:\n    user_access: |\n");
    editor.ask(
        "complete",
        "permissions",
        "applications:\n  api:\n    type: adminapi\n    permissions:\n      - |\n",
    );
    editor.ask("complete", "applications", "applications:\n  |\n");
    editor.ask("complete", "intelligence", "identity_intelligence:\n  |\n");
    editor.ask("complete", "risk", "guards:\n  allow:\n    - risk: |\n");
    editor.ask("complete", "version", "version: |\n");
    editor.ask("hover", "hover-key", "applications:\n  vpn:\n    user_a|ccess: all_users\n");
    editor.ask(
        "hover",
        "hover-section",
        "identity_intel|ligence:\n  emea: {display_name: A, access: read_only}\n",
    );
    editor.ask("hover", "hover-value", "applications:\n  vpn:\n    permissions: [read_l|og]\n");
    let Some(answers) = editor.run() else { return };
    let items = |name: &str| items(&answers[&format!("{name}.yaml")]);

    let top = items("top");
    for key in ["version", "workspace", "tenant", "identity_intelligence", "applications", "guards"] {
        assert!(!top[key].1.is_empty(), "{key} has no description");
    }
    let keys = items("keys");
    assert!(keys["user_access"].1.contains("Who may log in"), "{keys:?}");
    assert!(!keys.contains_key("type"), "it is there already");
    assert!(!keys["groups_allowed"].0.contains("null"), "{keys:?}");
    assert_eq!(items("type")["adminapi"].1, "Admin API");
    assert!(items("type").len() > 150);
    assert_eq!(items("access")["no_users"].1, "no user may log in");
    assert!(items("permissions")["read_log"].1.starts_with("Grant read log"), "{:?}", items("permissions"));
    assert_eq!(items("risk")["destroys"].1, "an application is deleted without a quarantine first");
    assert!(items("version").contains_key("1"), "{:?}", items("version"));
    let (application, _) = &items("applications")["application"];
    assert!(
        application.contains("type: ${2:radius}") && application.contains("user_access: ${4|"),
        "{application}"
    );
    let (entry, _) = &items("intelligence")["identity intelligence entry"];
    assert!(entry.contains("access: ${3|read_only,read_write|}"), "{entry}");

    let hover = |name: &str| answers[&format!("{name}.yaml")]["hovers"][0]["contents"]["value"].to_string();
    assert!(
        hover("hover-key").contains("](https://duo.com/docs/adminapi#integrations)"),
        "{}",
        hover("hover-key")
    );
    assert!(hover("hover-key").contains("no user may log in"), "{}", hover("hover-key"));
    assert!(hover("hover-section").contains("](https://"), "{}", hover("hover-section"));
    assert!(hover("hover-value").contains("Grant read log"), "{}", hover("hover-value"));
}

/// No place offers `[object Object]`.
#[test]
fn an_editor_fills_in_mappings_and_lists() {
    let mut editor = Editor { documents: Vec::new() };
    for (name, text) in NESTED {
        editor.ask("complete", name, text);
    }
    let Some(answers) = editor.run() else { return };
    let items = |name: &str| items(&answers[&format!("{name}.yaml")]);
    for (name, _) in NESTED {
        let offered = items(name);
        assert!(!offered.is_empty() && !offered.contains_key("[object Object]"), "{name}: {offered:?}");
        let inserted: Vec<&String> = offered.values().map(|(inserted, _)| inserted).collect();
        assert!(!inserted.iter().any(|text| text.contains("[object")), "{name}: {inserted:?}");
    }
    for place in ["env: ${1:DUO_SKEY}", "file: ${1:secrets/duo-skey}", "command:"] {
        let offered = items("secret");
        assert!(offered.values().any(|(text, _)| text.contains(place)), "{place}: {offered:?}");
    }
    assert!(items("empty").contains_key("duoctl workspace"), "{:?}", items("empty"));
    assert!(items("grants").values().any(|(text, _)| text.contains("authorization_code")));
    let defaults = items("defaults");
    assert!(!defaults.keys().any(|label| label.contains("application")), "{defaults:?}");
}

/// With their placeholders filled in as offered, the snippets are valid.
#[test]
fn the_snippets_are_valid_when_they_are_filled_in() {
    fn plain(value: &Value) -> Value {
        let text = |text: &str| match text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            None => text.to_owned(),
            Some(place) => {
                let chosen = place.trim_start_matches(|c: char| c.is_ascii_digit());
                chosen.trim_matches(['|', ':']).split(',').next().unwrap().to_owned()
            }
        };
        match value {
            Value::String(value) => Value::String(text(value)),
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (text(key), plain(value))).collect(),
            other => other.clone(),
        }
    }
    let schema = config_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut count = 0;
    let root = &schema["defaultSnippets"];
    let sections = ["applications", "identity_intelligence"].map(Some);
    for section in sections.into_iter().chain([None]) {
        let snippets = section.map_or(root, |section| &schema["properties"][section]["defaultSnippets"]);
        for snippet in snippets.as_array().unwrap() {
            let body = plain(&snippet["body"]);
            let instance = section.map_or(body.clone(), |section| json!({section: body}));
            let errors: Vec<String> =
                validator.iter_errors(&instance).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{instance}: {errors:?}");
            count += 1;
        }
    }
    assert_eq!(count, 6);
}

/// Samples that another YAML parser reads differently, with the reason.
const OTHER_YAML: [(&str, &str); 2] = [
    ("invalid-empty.yaml", "a file without a value has nothing to underline"),
    ("invalid-two-documents.yaml", "editors take a stream of documents"),
];

/// The words of `yaml-language-server` that `errorMessage` replaces.
const GENERIC: [&str; 9] = [
    "pattern of",
    "Matches ",
    "multiple schemas",
    "anyOf",
    "oneOf",
    "Incorrect type",
    "Value is not accepted",
    "Value must be",
    "Object has",
];

#[test]
fn an_editor_underlines_what_the_schema_refuses_in_plain_words() {
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    let samples = samples();
    let mut editor = Editor { documents: Vec::new() };
    for sample in &samples {
        let text = sample.text.trim_start_matches('\u{feff}');
        editor.documents.push(json!({"name": sample.name, "text": format!("{MODELINE}{text}")}));
    }
    let Some(answers) = editor.run() else { return };
    let mut problems = Vec::new();
    let mut underlined = 0;
    for sample in &samples {
        let messages: Vec<&str> = answers[&sample.name]["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|diagnostic| diagnostic["message"].as_str().unwrap())
            .collect();
        underlined += usize::from(!messages.is_empty());
        let refused = instance(&sample.text).is_none_or(|instance| !schema.is_valid(&instance));
        let exempt = OTHER_YAML.iter().any(|(name, _)| *name == sample.name);
        match (sample.valid, refused && !exempt) {
            (true, _) if !messages.is_empty() => problems.push(format!("{}: {messages:?}", sample.name)),
            (false, true) if messages.is_empty() => problems.push(format!("{}: nothing", sample.name)),
            _ => {}
        }
        // The words of the editor itself do not say what to write.
        for noise in GENERIC {
            if messages.iter().any(|message| message.contains(noise)) {
                problems.push(format!("{}: {messages:?}", sample.name));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(underlined > 80, "only {underlined} samples were underlined");
}

#[test]
fn ajv_agrees_with_the_parser_on_every_sample() {
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    let samples = samples();
    let instances: Vec<Value> = samples
        .iter()
        .filter_map(|sample| Some(json!({"name": sample.name, "value": instance(&sample.text)?})))
        .collect();
    let input = json!({"schema": config_schema(), "instances": instances});
    let Some(accepted) = node("ajv.mjs", &input) else { return };
    for instance in &instances {
        let name = instance["name"].as_str().unwrap();
        assert_eq!(accepted[name], json!(schema.is_valid(&instance["value"])), "{name}");
    }
    assert!(instances.len() > 80, "{}", instances.len());
}

/// Samples that its YAML reader, not the schema, reads differently.
const READ_OTHERWISE: [(&str, &str); 0] = [];

#[test]
fn check_jsonschema_agrees_with_the_parser_on_every_sample() {
    let python = match python_of("editor") {
        Ok(python) => python,
        Err(reason) => return skip("the schema in an editor and in other validators", &reason),
    };
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    // What is not YAML for the parser may keep this one busy for minutes: it has no limit on aliases.
    let samples: Vec<Sample> =
        samples().into_iter().filter(|sample| instance(&sample.text).is_some()).collect();
    let output = Command::new(python.with_file_name("check-jsonschema"))
        .args(["--schemafile", "schemas/duoctl.schema.json", "--output-format", "json", "--verbose"])
        .args(samples.iter().map(|sample| &sample.path))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let refused: Vec<&str> = ["errors", "parse_errors"]
        .iter()
        .flat_map(|kind| report[kind].as_array().into_iter().flatten())
        .map(|error| error["filename"].as_str().unwrap())
        .collect();
    let mut problems = Vec::new();
    for sample in &samples {
        let accepted = instance(&sample.text).is_some_and(|instance| schema.is_valid(&instance));
        let theirs = !refused.contains(&sample.path.to_str().unwrap());
        let exempt = READ_OTHERWISE.iter().any(|(name, _)| *name == sample.name);
        if accepted != theirs && !exempt {
            problems.push(format!("{}: parser {accepted}, check-jsonschema {theirs}", sample.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
