//! The language: what loads, what does not, the messages, and that the parser and the schema agree.

mod files;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use duoctl::config::load::{Loaded, load};
use duoctl::config::model::ValueSource;
use duoctl::config::schema::config_schema;
use duoctl::diagnostic::{Code, Severity, has_errors};
use duoctl::kinds::Kind;
use duoctl::kinds::reference::Reference;
use duoctl::kinds::value::Setting;
use duoctl::yaml;
use serde_json::Value;

/// Set to rewrite the committed schema and the expectations of the samples; review the diff afterwards.
fn bless() -> bool {
    std::env::var_os("DUOCTL_BLESS").is_some()
}

#[test]
fn the_example_of_the_design_becomes_typed_values() {
    let loaded = load(Path::new("tests/samples/valid/design.yaml"));
    let workspace = loaded.valid().unwrap();
    assert_eq!(workspace.name.value, "acme-prod");
    let credentials = workspace.tenant.credentials.as_ref().unwrap();
    assert_eq!(credentials.secret_key.value, ValueSource::Env("DUO_SKEY".to_owned()));
    assert_eq!(
        workspace.tenant.ca_file.as_ref().unwrap().value,
        Path::new("tests/samples/valid/corporate-ca.pem")
    );
    let vpn = &workspace.of(Kind::Application)["vpn"];
    let named = |name: &str| Reference::Name(name.to_owned());
    assert_eq!(vpn.settings["policy"].value, Setting::Reference(named("Require trusted endpoints")));
    let Setting::References(groups) = &vpn.settings["groups_allowed"].value else { panic!("a list") };
    assert_eq!(groups[1].value, named("Contractors"));
    assert!(vpn.protect);
    assert_eq!(vpn.ignore[0].value.field, "greeting");
    assert_eq!(
        workspace.of(Kind::Application)["wiki"].settings["self_service_allowed"].value,
        Setting::Flag(false)
    );
    assert!(!workspace.of(Kind::Application)["siem"].settings.contains_key("self_service_allowed"));
    assert!(workspace.of(Kind::Application)["old-vpn"].settings.is_empty());
    assert_eq!(workspace.identity_intelligence["emea"].attested.as_ref().unwrap().value, "7f3a9c21");
    assert_eq!(workspace.guards.max_changes_percent, 30);
}

#[test]
fn the_three_states_are_kept_apart() {
    let workspace = load(Path::new("tests/samples/valid/three-states.yaml")).workspace.unwrap();
    let settings = &workspace.of(Kind::Application)["cleared"].settings;
    for key in ["policy", "greeting", "notes"] {
        assert_eq!(settings[key].value, Setting::Clear, "{key}");
    }
    assert!(!settings.contains_key("groups_allowed"), "`all_users` says it already");
    assert!(!workspace.of(Kind::Application)["unmanaged"].settings.contains_key("policy"));
    assert_eq!(
        workspace.of(Kind::Application)["set"].settings["greeting"].value,
        Setting::Text("Hello".to_owned())
    );
    assert_eq!(
        workspace.of(Kind::Application)["api"].settings["networks_for_api_access"].value,
        Setting::Clear
    );
}

#[test]
fn defaults_fill_in_what_a_type_has_and_an_application_leaves_out() {
    let workspace = load(Path::new("tests/samples/valid/defaults.yaml")).workspace.unwrap();
    let setting = |application: &str, key: &str| {
        workspace.of(Kind::Application)[application].settings.get(key).map(|setting| setting.value.clone())
    };
    let text = |text: &str| Some(Setting::Reference(Reference::Name(text.to_owned())));
    assert_eq!(setting("vpn", "policy"), text("Default policy"));
    assert_eq!(setting("own", "policy"), text("Own policy"));
    assert_eq!(setting("detached", "policy"), Some(Setting::Clear));
    assert_eq!(setting("siem", "policy"), None, "the Admin API has no policy");
    assert_eq!(setting("newer", "policy"), text("Default policy"));
    assert_eq!(setting("newer", "networks_for_api_access"), None, "only API keys have it for certain");
    assert_eq!(setting("pinned", "policy"), None, "its type is not written down");
    assert!(
        workspace.of(Kind::Application)["vpn"].protect && workspace.of(Kind::Application)["pinned"].protect
    );
    assert!(!workspace.of(Kind::Application)["own"].protect);
}

#[test]
fn defaults_of_a_type_count_more_than_general_ones_and_less_than_the_own_value() {
    let workspace = load(Path::new("tests/samples/valid/defaults-of-types.yaml")).workspace.unwrap();
    let policy =
        |application: &str| match &workspace.of(Kind::Application)[application].settings["policy"].value {
            Setting::Reference(Reference::Name(name)) => name.clone(),
            Setting::Clear => "none".to_owned(),
            other => panic!("{other:?}"),
        };
    let rest = |application: &str| {
        let found = &workspace.of(Kind::Application)[application];
        let days = found.max_age.as_ref().unwrap().value.as_hours() / 24;
        (found.protect, found.authoritative, days, found.ignore.len(), found.own_ignore)
    };
    assert_eq!(["general", "of-type", "own", "newer"].map(policy), ["General", "Of type", "none", "Newer"]);
    assert_eq!(rest("general"), (false, true, 90, 0, false));
    assert_eq!(rest("of-type"), (true, false, 60, 1, false));
    assert_eq!(rest("own"), (false, true, 30, 0, true));
    for application in ["general", "of-type"] {
        let settings = &workspace.of(Kind::Application)[application].settings;
        assert_eq!(settings["self_service_allowed"].value, Setting::Flag(false), "{application}");
    }
}

/// The samples of a folder: files, and folders with one workspace each.
fn samples(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The YAML files of a sample, the first by name before the others.
fn yaml_files(sample: &Path) -> Vec<PathBuf> {
    if !sample.is_dir() {
        return vec![sample.to_owned()];
    }
    let visible = samples(sample.to_str().unwrap()).into_iter().filter(|path| !name(path).starts_with('.'));
    let (folders, files): (Vec<_>, Vec<_>) = visible.partition(|path| path.is_dir());
    let named = |path: &PathBuf| name(path) == "duo.yaml" || name(path).ends_with(".duo.yaml");
    files.into_iter().filter(named).chain(folders.iter().flat_map(|folder| yaml_files(folder))).collect()
}

/// `code@line:column` of every diagnostic, preceded by the file's name in a folder.
fn found(loaded: &Loaded, in_folder: bool) -> String {
    let places = loaded.diagnostics.iter().map(|diagnostic| {
        let place = diagnostic.span.and_then(|span| loaded.sources.locate(span)).map(|(path, position)| {
            let file = path.file_name().unwrap().to_string_lossy();
            let file = if in_folder { format!("{file}:") } else { String::new() };
            format!("@{file}{}:{}", position.line, position.column)
        });
        format!("{}{}", diagnostic.code, place.unwrap_or_default())
    });
    places.collect::<Vec<_>>().join(", ")
}

/// The start of a sample's first line, which contains what is expected of it.
const EXPECT: &[u8] = b"# expect: ";

fn expected(sample: &Path) -> Option<String> {
    let path = yaml_files(sample).remove(0);
    let bytes = fs::read(&path).unwrap();
    let line = bytes.split(|byte| *byte == b'\n').next()?.strip_prefix(EXPECT)?;
    let expected = String::from_utf8(line.to_vec()).unwrap().trim_end().to_owned();
    if bless() {
        let actual = found(&load(sample), sample.is_dir());
        let rest = &bytes[EXPECT.len() + line.len()..];
        fs::write(&path, [EXPECT, actual.as_bytes(), rest].concat()).unwrap();
        return Some(actual);
    }
    Some(expected)
}

fn name(sample: &Path) -> String {
    sample.file_name().unwrap().to_string_lossy().into_owned()
}

/// Whether an editor's schema check accepts every file of a sample. A file that is not YAML is refused.
fn schema_accepts(schema: &jsonschema::Validator, sample: &Path) -> Result<(), String> {
    for file in yaml_files(sample) {
        let text = String::from_utf8(fs::read(&file).unwrap()).map_err(|_| "not UTF-8".to_owned())?;
        let mut findings = Vec::new();
        let tree = yaml::parse(0, text.trim_start_matches('\u{feff}'), &mut findings).ok_or("no value")?;
        if has_errors(&findings) {
            return Err(format!("{findings:?}"));
        }
        let instance = tree.json();
        if let Some(error) = schema.iter_errors(&instance).next() {
            return Err(format!("{}: {}", error.instance_path(), error.masked()));
        }
    }
    Ok(())
}

/// The invalid samples that a schema cannot detect, each with the reason.
fn meaning_only() -> BTreeMap<String, String> {
    let text = fs::read_to_string("tests/samples/meaning-only.txt").unwrap();
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| row.split_once(": ").expect("a name and a reason"))
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}

#[test]
fn valid_samples_pass_the_parser_and_the_schema() {
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    let all = samples("tests/samples/valid");
    for sample in &all {
        let loaded = load(sample);
        let expected = expected(sample).unwrap_or_default();
        assert_eq!(
            found(&loaded, sample.is_dir()),
            expected,
            "{}: {:#?}",
            sample.display(),
            loaded.diagnostics
        );
        assert!(loaded.valid().is_some(), "{}", sample.display());
        assert_eq!(schema_accepts(&schema, sample), Ok(()), "{}", sample.display());
    }
    assert!(all.len() >= 15, "{}", all.len());
}

#[test]
fn invalid_samples_fail_the_parser_and_the_schema() {
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    let meaning_only = meaning_only();
    let all = samples("tests/samples/invalid");
    let mut problems = Vec::new();
    for sample in &all {
        let loaded = load(sample);
        let expected = expected(sample).expect("an invalid sample says what it expects");
        let actual = found(&loaded, sample.is_dir());
        if actual != expected {
            problems.push(format!("{}: expected {expected}\n     found {actual}", sample.display()));
        }
        assert!(has_errors(&loaded.diagnostics), "{} is valid", sample.display());
        for diagnostic in loaded.diagnostics.iter().filter(|found| found.severity == Severity::Error) {
            assert!(diagnostic.help.is_some(), "{}: no help: {}", sample.display(), diagnostic.message);
        }
        let accepted = schema_accepts(&schema, sample).is_ok();
        if accepted != meaning_only.contains_key(&name(sample)) {
            let verb = if accepted { "accepts" } else { "refuses" };
            problems.push(format!("{}: the schema {verb} it", sample.display()));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let names: Vec<String> = all.iter().map(|sample| name(sample)).collect();
    for listed in meaning_only.keys() {
        assert!(names.contains(listed), "{listed} is listed and does not exist");
    }
    assert!(all.len() >= 60, "{}", all.len());
}

#[test]
fn every_code_of_the_language_has_a_sample() {
    let texts: String = samples("tests/samples/invalid")
        .iter()
        .chain(&samples("tests/samples/valid"))
        .filter_map(|sample| expected(sample))
        .collect();
    // What cannot be in a file of the repository is tested with the files themselves.
    let elsewhere = [Code::Unreadable, Code::NoYaml, Code::MisnamedFile, Code::SeveralWorkspaces];
    let last = Code::ALL.iter().position(|code| *code == Code::UnusedIgnore).unwrap();
    for code in Code::ALL[..=last].iter().filter(|code| !elsewhere.contains(code)) {
        assert!(texts.contains(code.name()), "no sample shows `{code}`");
    }
}

#[test]
fn the_quickstart_loads_without_a_word() {
    let loaded = load(Path::new("examples/quickstart"));
    assert_eq!(loaded.diagnostics, []);
    let workspace = loaded.workspace.unwrap();
    assert_eq!(workspace.of(Kind::Application).len(), 2);
    let entry = &workspace.identity_intelligence["emea"];
    assert_eq!(entry.push_application_name.as_ref().unwrap().value, "Acme IT Support");
}

#[test]
fn the_full_examples_have_every_key_of_the_language() {
    let paths = [Path::new("examples/full"), Path::new("examples/policies")];
    let schema = jsonschema::validator_for(&config_schema()).unwrap();
    for path in paths {
        let loaded = load(path);
        assert_eq!(loaded.diagnostics, []);
        assert!(loaded.valid().is_some());
        assert_eq!(schema_accepts(&schema, path), Ok(()));
    }

    fn written(value: &Value, keys: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                keys.extend(map.keys().cloned());
                map.values().for_each(|value| written(value, keys));
            }
            Value::Array(items) => items.iter().for_each(|value| written(value, keys)),
            _ => {}
        }
    }
    fn known(schema: &Value, keys: &mut BTreeSet<String>) {
        match schema {
            Value::Object(map) => {
                if let Some(Value::Object(properties)) = map.get("properties") {
                    // Without the keys that the schema only explains.
                    let own = properties.iter().filter(|(_, value)| value["doNotSuggest"] != true);
                    keys.extend(own.map(|(key, _)| key.clone()));
                }
                map.values().for_each(|value| known(value, keys));
            }
            Value::Array(items) => items.iter().for_each(|value| known(value, keys)),
            _ => {}
        }
    }
    let (mut in_files, mut in_schema) = (BTreeSet::new(), BTreeSet::new());
    for file in paths.into_iter().flat_map(yaml_files) {
        let text = fs::read_to_string(file).unwrap();
        written(&yaml::parse(0, &text, &mut Vec::new()).unwrap().json(), &mut in_files);
    }
    known(&config_schema(), &mut in_schema);
    assert_eq!(in_schema.difference(&in_files).collect::<Vec<_>>(), Vec::<&String>::new());
}
