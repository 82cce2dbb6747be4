//! Edits at random: half-typed lines, line breaks of Windows, characters of two units.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{APPLICATIONS, Client, HEAD, STORES};
use crate::config::load::load;

/// The findings of the files in a folder as `duoctl validate` has them: file, place, code and message.
fn validated(folder: &Path) -> Vec<(PathBuf, String)> {
    let loaded = load(folder);
    let found = loaded.diagnostics.iter().map(|found| {
        let place = found.span.and_then(|span| loaded.sources.locate(span)).map(|(path, _)| path.to_owned());
        let path = place
            .or_else(|| loaded.sources.files().first().map(|file| file.path.clone()))
            .unwrap_or_default();
        let text =
            |at: Option<crate::diagnostic::Position>| at.map(|it| format!("{}:{}", it.line, it.column));
        let begin = found.span.and_then(|span| loaded.sources.locate(span)).map(|(_, at)| at);
        let end = found.span.and_then(|span| loaded.sources.locate_end(span));
        let (begin, end) = (text(begin).unwrap_or_default(), text(end).unwrap_or_default());
        (path, format!("{begin}-{end} {} {}", found.code, found.message))
    });
    let mut found: Vec<(PathBuf, String)> = found.collect();
    found.sort();
    found
}

/// The same as the client has them. Columns are in characters, as people count them.
fn published(client: &Client, texts: &BTreeMap<&str, String>) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for (name, text) in texts {
        let lines: Vec<&str> = split(text);
        let column = |at: &Value| {
            let line = usize::try_from(at["line"].as_u64().unwrap()).unwrap();
            let units = usize::try_from(at["character"].as_u64().unwrap()).unwrap();
            let mut left = units;
            let before = lines.get(line).unwrap_or(&"").chars().take_while(|c| {
                let fits = left > 0;
                left = left.saturating_sub(c.len_utf16());
                fits
            });
            (line, before.count() + 1)
        };
        let found = client.found.get(&client.uri(name)).and_then(Value::as_array);
        for it in found.into_iter().flatten() {
            let (line, from) = column(&it["range"]["start"]);
            let (end, to) = column(&it["range"]["end"]);
            let message = it["message"].as_str().unwrap().split("\nhelp: ").next().unwrap();
            all.push((
                client.path(name),
                (line, from, end, to),
                format!("{} {message}", it["code"].as_str().unwrap()),
            ));
        }
    }
    let mut all: Vec<(PathBuf, String)> = all
        .into_iter()
        .map(|(path, (line, from, end, to), text)| {
            (path, format!("{}:{from}-{}:{to} {text}", line + 1, end + 1))
        })
        .collect();
    all.sort();
    all
}

/// The lines of the protocol; those of the sources end only with `\n`, so texts without a lone `\r` are compared.
fn split(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

/// What is typed: keys, values, half of something, line breaks of Windows, and characters of two units.
const TYPED: &[&str] = &[
    "",
    "x",
    ":",
    ": ",
    "\n",
    "\r\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "<<: *a\n",
    "\u{1f511}",
    "é",
    "${vars.",
    "}",
    "user_access",
    "type: radius\n",
    "name: VPN\n",
    "applications:\n",
    "  vpn:\n",
    "\t",
    "|\n",
    "---\n",
    "secret_key: hunter2\n",
    "groups_allowed: [A, B]\n",
];

#[derive(Clone, Debug)]
struct Edit {
    file: usize,
    from: prop::sample::Index,
    length: usize,
    text: usize,
    checked: bool,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    // Most edits are in the file with the applications.
    let file = prop::sample::select(vec![0, 1, 1, 1, 2]);
    let edit = (file, any::<prop::sample::Index>(), 0..12_usize, 0..TYPED.len(), any::<bool>())
        .prop_map(|(file, from, length, text, checked)| Edit { file, from, length, text, checked });
    prop::collection::vec(edit, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// After any edits, the client has the findings of a fresh load of the same texts, and every question has an answer.
    #[test]
    fn edits_at_random_lead_to_the_findings_of_a_fresh_load(edits in edits(), at in any::<prop::sample::Index>()) {
        let names = ["duo.yaml", "a.duo.yaml", "b.duo.yaml"];
        let vars = "vars: {host: {default: x}}\nx-a: &a {name: Étoile \u{1f511}}\n";
        // Several entries, so that one of them is parsed alone after an edit.
        let more = "  wiki: {type: websdk, name: Wiki,\n    user_access: no_users}\n  # SIEM\n  siem:\n    type: adminapi\n    name: \"SIEM \u{1f511}\"\n    user_access: no_users\n    notes: |\n      R & D\n    permissions:\n      - read_log\n      - read_log\nguards: {allow: [{risk: widens_access, address: vpn, reason: r}]}\n";
        let files = [("duo.yaml", format!("{HEAD}{vars}")), ("a.duo.yaml", format!("{APPLICATIONS}{more}")), ("b.duo.yaml", STORES.to_owned())];
        let borrowed: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let mut client = Client::start(&borrowed);
        let mut texts: BTreeMap<&str, String> = files.iter().cloned().collect();
        for (name, text) in &files {
            client.open(name, text);
        }
        for Edit { file, from, length, text, checked } in edits {
            let name = names[file];
            let document = texts.get_mut(name).unwrap();
            let places: Vec<usize> = document.char_indices().map(|(at, _)| at).chain([document.len()]).collect();
            let from = from.index(places.len());
            let range = places[from]..places[(from + length).min(places.len() - 1)];
            // Positions within a line break do not exist.
            let between = |at: usize| document[..at].ends_with('\r') && document[at..].starts_with('\n');
            if between(range.start) || between(range.end) {
                continue;
            }
            let position = |at: usize| {
                let before = &document[..at];
                json!({"line": before.matches('\n').count(), "character": before.rsplit('\n').next().unwrap().encode_utf16().count()})
            };
            let changed = json!({"start": position(range.start), "end": position(range.end)});
            let mut after = document.clone();
            after.replace_range(range, TYPED[text]);
            // A lone `\r` is a line break for editors only.
            if after.replace("\r\n", "\n").contains('\r') {
                continue;
            }
            client.change(name, Some(changed), TYPED[text]);
            *document = after;
            // Between some edits, the text is checked.
            if checked {
                client.settle(name);
            }
        }
        client.settle("duo.yaml");
        for name in names {
            fs::write(client.path(name), &texts[name]).unwrap();
        }
        let folder = client.path("");
        // A finding without a place is shown at the beginning.
        let placed = |(path, text): (_, String)| {
            let text = text.strip_prefix('-').map(|rest| format!("1:1-1:1{rest}")).unwrap_or(text);
            (path, text)
        };
        let expected: Vec<_> = validated(&folder).into_iter().map(placed).collect();
        prop_assert_eq!(published(&client, &texts), expected);
        for name in names {
            let text = &texts[name];
            let line = at.index(text.split('\n').count());
            let params = json!({
                "textDocument": {"uri": client.uri(name)}, "position": {"line": line, "character": at.index(30)},
                "range": {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}},
                "context": {"diagnostics": []}, "newName": "other",
            });
            for method in ["completion", "hover", "formatting", "codeAction", "inlayHint", "documentSymbol", "foldingRange", "definition", "references", "prepareRename", "rename"] {
                let _ = client.try_ask(&format!("textDocument/{method}"), params.clone());
            }
        }
    }
}
