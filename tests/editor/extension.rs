//! The extension for VS Code in `editors/vscode`: its bundle is driven with a stub of the editor's API.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::python::skip;

const WHAT: &str = "the extension for VS Code";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/vscode")
}

/// Whether the packages are there.
fn installed() -> bool {
    let there = folder().join("node_modules/esbuild").is_dir();
    if !there {
        skip(WHAT, "no packages: run `npm ci --ignore-scripts` in editors/vscode");
    }
    there
}

fn succeeds(command: &mut Command) -> String {
    let output = command.current_dir(folder()).output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{command:?}:\n{text}");
    text
}

#[test]
fn the_extension_passes_its_type_check() {
    if installed() {
        succeeds(Command::new("node").args(["node_modules/typescript/bin/tsc", "--noEmit"]));
    }
}

/// The program is the one of these tests, so the test with a real server runs if it has `duoctl lsp`.
#[test]
fn the_bundle_of_the_extension_works_in_a_stub_of_the_editor() {
    if !installed() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_duoctl");
    let text = succeeds(
        Command::new("node")
            .args(["--test", "--test-reporter=tap", "test/extension.test.mjs"])
            .env("DUOCTL", program),
    );
    for line in ["# pass ", "# fail 0"] {
        assert!(text.contains(line), "{text}");
    }
    let passed = text.lines().find_map(|line| line.strip_prefix("# pass ")?.parse::<usize>().ok());
    assert!(passed.is_some_and(|passed| passed >= 9), "{text}");
    let served = Command::new(program).args(["lsp", "--help"]).output().unwrap().status.success();
    assert_eq!(text.contains("# skipped 1"), !served, "{text}");
}

/// The package has the bundle, and nothing that is only needed to build it.
#[test]
fn the_package_of_the_extension_is_the_bundle() {
    let ignored = std::fs::read_to_string(folder().join(".vscodeignore")).unwrap();
    let mut lines = ignored.lines();
    assert_eq!(lines.next(), Some("**"));
    let kept: Vec<&str> = lines.map(|line| line.strip_prefix('!').unwrap()).collect();
    assert_eq!(kept, ["dist/**", "package.json", "README.md", "LICENSE"]);
    for name in kept.iter().filter(|name| !name.contains('*')) {
        assert!(folder().join(name).is_file(), "{name}");
    }
    let cargo = std::fs::read_to_string("Cargo.toml").unwrap();
    assert!(!cargo.contains("\"/editors"), "the extension is no part of the Rust package");
    let manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder().join("package.json")).unwrap()).unwrap();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert!(manifest.get("dependencies").is_none(), "everything is in the bundle");
}
