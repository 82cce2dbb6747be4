//! Every command at the highest verbosity: no byte that it writes outside the stores is part of a key.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::workspace::{Duo, Folder};

fn files(folder: &Path, texts: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && name != "secrets" {
            files(&path, texts);
        } else if path.is_file() && !name.starts_with("kept-") {
            texts.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn nothing_leaks() {
    let duo = Duo::start();
    let folder = Folder::empty();
    folder.keeper();
    folder.script(
        "bad.sh",
        "[ \"$1\" = read ] && exit 3; set -x; input=$(cat); echo \"$input\"; echo \"$input\" >&2; exit 1",
    );
    folder.yaml(
        "applications:
  help: {type: authapi, name: Help, user_access: no_users, secret: {store: local, path: help}}
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], secret: {store: cmd, path: siem}}
  bad: {type: adminapi, name: Bad, user_access: no_users, permissions: [info], secret: {store: bad, path: bad}}
  portal: {type: sso-oidc-generic, name: Portal, user_access: no_users, secret: {store: local, path: portal}, sso: {oidc_config: {grant_types: {authorization_code: true}, redirect_uris: ['https://p.example.com/cb'], scopes: [{name: openid}]}}}
identity_intelligence: {emea: {display_name: EMEA, access: read_only, secret: {store: local, path: cii}}}
",
        "secret_stores:
  local: {type: file, path: secrets}
  cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}
  bad: {type: exec, write: [./bad.sh, write], read: [./bad.sh, read]}
",
    );
    let mut known: BTreeSet<String> = BTreeSet::new();
    known.extend(duo.secrets());
    let mut texts = Vec::new();
    let commands: &[&[&str]] = &[
        &["plan", "--out", "saved.json"],
        &["plan", "--format", "json"],
        &["apply", "saved.json"],
        &["apply", "--auto-approve", "--format", "json"],
        &["apply", "--auto-approve"],
        &["verify"],
        &["verify", "--format", "json"],
        &["keys", "list"],
        &["keys", "list", "--format", "json"],
        &[
            "keys",
            "rotate",
            "applications.siem",
            "applications.portal",
            "--strategy",
            "in-place",
            "--auto-approve",
        ],
        &["keys", "rotate", "applications.siem", "applications.help", "--auto-approve"],
        &["keys", "status", "--format", "json"],
        &["keys", "abort", "applications.help", "--auto-approve"],
        &["keys", "confirm", "applications.siem", "--auto-approve"],
        &["doctor"],
        &["plan"],
    ];
    for command in commands {
        let arguments: Vec<&str> = command.iter().copied().chain(["-vvv"]).collect();
        let run = duo.run(&folder, &arguments);
        assert!(run.code.is_some_and(|code| code <= 4), "{command:?}: {:?}\n{}", run.code, run.stderr);
        texts.push((format!("stdout of {command:?}"), run.stdout.into_bytes()));
        texts.push((format!("stderr of {command:?}"), run.stderr.into_bytes()));
        known.extend(duo.secrets());
    }
    duo.reset("Help");
    known.extend(duo.secrets());
    let run = duo.run(&folder, &["apply", "--auto-approve", "-vvv"]);
    texts.push(("the last apply".to_owned(), (run.stdout + &run.stderr).into_bytes()));
    files(folder.root(), &mut texts);
    assert!(known.len() >= 10, "{}", known.len());
    assert!(texts.iter().any(|(name, text)| name.contains("stderr") && text.len() > 1000), "tracing is on");
    for (name, text) in &texts {
        let text = String::from_utf8_lossy(text);
        // A part of a key is a leak, too.
        for secret in known.iter().flat_map(|secret| [&secret[..12], &secret[secret.len() - 12..]]) {
            assert!(!text.contains(secret), "{name} holds a part of a key");
        }
    }
}
