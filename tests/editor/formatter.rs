//! `duoctl fmt` and the formatter of editors, which is prettier inside `yaml-language-server`, agree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use duoctl::config::association::associate;
use duoctl::config::format::canonical;
use serde_json::{Value, json};

use super::Editor;

/// Every file that duoctl can format: the valid samples, the invalid ones that are YAML, and the examples.
fn formatted() -> BTreeMap<String, String> {
    let mut folders: Vec<PathBuf> =
        ["tests/samples/valid", "tests/samples/invalid", "examples"].map(PathBuf::from).into();
    let mut found = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let yaml = path.extension().is_some_and(|ending| ending == "yaml");
            let text = fs::read_to_string(&path).ok().filter(|_| yaml && !path.starts_with("examples/ci"));
            if let Some(text) = text.and_then(|text| canonical(0, &text).ok()) {
                found.insert(path.display().to_string().replace(['/', '\\'], "-"), text);
            }
        }
    }
    found.extend(long());
    assert!(found.len() > 120, "{}", found.len());
    found
}

/// Lists and mappings around the width where a line ends.
fn long() -> BTreeMap<String, String> {
    let text = |width: usize, letter: &str| {
        let name = letter.repeat(width);
        let text = format!(
            "applications:\n  vpn: {{type: radius, name: VPN, user_access: permitted_groups, groups_allowed: [{name}, Staff]}}\n  \
             wiki:\n    groups_allowed: [VPN Users, {name}, \"{letter}: {name}\"]  # the groups\n\
             guards:\n  allow: [{{risk: destroys, address: applications.{name}, reason: ticket {name}}}]\n"
        );
        canonical(0, &text).unwrap()
    };
    let widths = (1..100).step_by(3).map(|width| (format!("width-{width}.yaml"), text(width, "x")));
    let wide = (1..60).step_by(3).map(|width| (format!("wide-{width}.yaml"), text(width, "\u{65e5}")));
    widths.chain(wide).collect()
}

/// The settings that `duoctl schema --install` writes, as nested objects.
fn settings() -> Value {
    let text = associate("", "duoctl.schema.json").unwrap().unwrap();
    let settings: Value = serde_json::from_str(&text).unwrap();
    json!({
        "bracketSpacing": settings["yaml.format.bracketSpacing"],
        "printWidth": settings["yaml.format.printWidth"],
    })
}

#[test]
fn an_editor_formats_as_duoctl_does() {
    let samples = formatted();
    let document =
        |(name, text): (&String, &String)| json!({"name": name, "text": text, "format": settings()});
    let Some(answers) = (Editor { documents: samples.iter().map(document).collect() }).run() else { return };
    let changed: Vec<String> = samples
        .iter()
        // An editor keeps the line ends of a file, whatever its server sends.
        .map(|(name, text)| (name, text.replace("\r\n", "\n"), answers[name]["formatted"].as_str().unwrap()))
        .map(|(name, text, formatted)| (name, text, formatted.replace("\r\n", "\n")))
        .filter(|(_, text, formatted)| text != formatted)
        .map(|(name, text, formatted)| {
            let mut lines = text.lines().zip(formatted.lines());
            format!("{name}: {:?}", lines.find(|(ours, theirs)| ours != theirs))
        })
        .collect();
    assert!(changed.is_empty(), "{} of {}:\n{}", changed.len(), samples.len(), changed.join("\n"));
}

/// The lines on the page are the settings.
#[test]
fn the_page_about_editors_has_the_settings() {
    let page = fs::read_to_string(Path::new("docs/how-to/editor.md")).unwrap();
    let Value::Object(settings) = settings() else { panic!("no settings") };
    for (name, value) in settings {
        for line in [format!("\"yaml.format.{name}\": {value}"), format!("\"{name}\": {value}")] {
            assert!(page.contains(&line), "{line}");
        }
    }
}
