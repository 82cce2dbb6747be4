//! `duoctl lsp` as editors use it: the real program, with the protocol library of VS Code.

use std::fs;

use serde_json::{Value, json};

use super::node;

const HEAD: &str = "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n";
const APPLICATIONS: &str = "applications:
  vpn:
    type: radius
    name: VPN
    user_access: permitted_groups
    groups_allowed: [VPN Users]
    secret: {store: vault, path: vpn}
";

/// The answers to steps in a folder with two files and a snapshot.
fn answers(abilities: Value, steps: Value) -> Option<Vec<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let snapshot = json!({
        "kind": "snapshot", "format_version": "1", "api_hostname": "api-1a2b3c4d.duosecurity.com", "read_at": "",
        "groups": [{"name": "Contractors", "id": "DG1"}], "policies": [], "applications": [],
    });
    fs::write(path.join("duo.yaml"), HEAD).unwrap();
    fs::write(path.join("stores.duo.yaml"), "secret_stores:\n  vault: {type: file, path: secrets}\n")
        .unwrap();
    fs::write(path.join(".duoctl-snapshot.json"), snapshot.to_string()).unwrap();
    let input = json!({
        "command": [env!("CARGO_BIN_EXE_duoctl"), "lsp", "--stdio"], "folder": path, "abilities": abilities, "steps": steps,
    });
    Some(node("lsp.mjs", &input)?.as_array().unwrap().clone())
}

fn at(line: u32, character: u32) -> Value {
    json!({"position": {"line": line, "character": character}})
}

fn with(mut params: Value, key: &str, value: Value) -> Value {
    params[key] = value;
    params
}

#[test]
fn an_editor_gets_everything_from_the_real_program() {
    let name = "a.duo.yaml";
    let ask = |method: &str, params: Value| json!({"ask": format!("textDocument/{method}"), "name": name, "params": params});
    let all = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    let steps = json!([
        {"open": name, "text": APPLICATIONS.replace("vault", "valt").replace("radius", "radus")},
        ask("codeAction", json!({"range": all, "context": {"diagnostics": []}})),
        ask("codeLens", json!({})),
        {"ask": "workspace/executeCommand", "name": name, "params": {"command": "duoctl.explain", "arguments": ["unknown-store"]}},
        {"change": name, "text": "vault", "range": {"start": {"line": 6, "character": 20}, "end": {"line": 6, "character": 24}}},
        {"change": name, "text": "radius", "range": {"start": {"line": 2, "character": 10}, "end": {"line": 2, "character": 15}}},
        ask("hover", at(4, 20)),
        ask("completion", at(5, 22)),
        ask("definition", at(6, 22)),
        ask("references", with(at(6, 22), "context", json!({"includeDeclaration": true}))),
        ask("prepareRename", at(1, 3)),
        ask("rename", with(at(1, 3), "newName", json!("remote"))),
        ask("documentSymbol", json!({})),
        ask("foldingRange", json!({})),
        ask("formatting", json!({"options": {"tabSize": 2, "insertSpaces": true}})),
        ask("inlayHint", json!({"range": all})),
        {"findings": "stores.duo.yaml"},
    ]);
    let abilities = json!({"workspace": {"configuration": true}, "textDocument": {"completion": {"completionItem": {"snippetSupport": true}}}});
    let Some(answers) = answers(abilities, steps) else { return };
    let result = |step: usize| &answers[step]["result"];
    let text = |value: &Value| value.to_string();
    assert_eq!(answers[0]["capabilities"]["textDocumentSync"]["change"], 2);
    let codes: Vec<&str> =
        answers[1]["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["unknown-type", "unknown-store"]);
    let titles: Vec<&str> =
        result(2).as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Change to `radius`", "Set `store: vault`"]);
    assert_eq!(result(3).as_array().unwrap().len(), 2, "{}", result(3));
    assert!(result(4).as_str().unwrap().starts_with("unknown-store, a finding:"));
    assert_eq!(answers[6]["findings"], json!([]));
    assert!(text(result(7)).contains("permitted_groups"), "{}", result(7));
    let groups: Vec<&str> =
        result(8)["items"].as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap()).collect();
    assert_eq!(groups, ["Contractors", "VPN Users"], "from the snapshot, and from the YAML");
    assert!(result(9)[0]["uri"].as_str().unwrap().ends_with("/stores.duo.yaml"), "{}", result(9));
    assert_eq!(result(10).as_array().unwrap().len(), 2);
    assert_eq!(result(11)["placeholder"], "vpn");
    assert!(text(result(12)).contains("\"remote\""));
    assert_eq!(result(13)[0]["children"][0]["name"], "vpn");
    assert!(!result(14).as_array().unwrap().is_empty());
    assert_eq!(*result(15), json!([]), "formatted already");
    assert_eq!(*result(16), json!([]), "no plan is named");
    assert_eq!(answers[17]["findings"], json!([]), "also for files that are not open");
    assert_eq!(answers[18]["exit"], 0);
    assert!(text(&answers[18]["told"]).contains("adopt applications.remote"), "what the new address means");
}

/// Neither the YAML's commands nor its secrets are of any use to an editor.
#[test]
fn the_server_runs_no_command_and_reads_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let run = json!(["sh", "-c", "touch ran"]);
    let yaml = format!(
        "{}, credentials: {{integration_key: {{file: key}}, secret_key: {{command: {run}}}}}}}\nsecret_stores: {{kept: {{type: exec, write: {run}, read: {run}}}}}\n{}",
        HEAD.trim_end().trim_end_matches('}'),
        APPLICATIONS.replace("vault", "kept"),
    );
    fs::write(path.join("duo.yaml"), &yaml).unwrap();
    fs::write(path.join("key"), "hunter2hunter2hunter2").unwrap();
    let steps = json!([
        {"open": "duo.yaml", "text": yaml},
        {"ask": "textDocument/hover", "name": "duo.yaml", "params": at(2, 80)},
        {"ask": "textDocument/completion", "name": "duo.yaml", "params": at(2, 80)},
        {"ask": "textDocument/documentSymbol", "name": "duo.yaml"},
    ]);
    let input = json!({"command": [env!("CARGO_BIN_EXE_duoctl"), "lsp"], "folder": path, "steps": steps});
    let Some(answers) = node("lsp.mjs", &input) else { return };
    assert_eq!(answers[1]["findings"], json!([]), "{answers}");
    assert!(!answers.to_string().contains("hunter2"));
    assert!(!path.join("ran").exists());
}
