//! Every example applies to the simulator unchanged, and a second run has nothing to do.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A copy of an example in its own folder.
fn copied(example: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(Path::new("examples").join(example)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    folder
}

#[track_caller]
fn applied(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_duoctl"))
        .args(["apply", ".", "--sandbox", "--auto-approve"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{stderr}");
    stdout
}

#[track_caller]
fn converges(folder: &Path, arguments: &[&str]) {
    let first = applied(folder, arguments);
    assert!(first.contains("\nApplied: ") && first.contains("\nVerified: "), "{first}");
    let second = applied(folder, &[]);
    assert!(second.contains("No changes. The account matches the configuration."), "{second}");
}

#[test]
fn the_quickstart() {
    converges(copied("quickstart").path(), &[]);
}

#[test]
fn identity_intelligence() {
    converges(copied("identity-intelligence").path(), &[]);
}

#[test]
fn policies() {
    converges(copied("policies").path(), &[]);
}

/// Its Vault server is only an example, so those keys are delivered to the folder instead.
#[test]
fn every_key_of_the_language() {
    let folder = copied("full");
    for file in ["applications.duo.yaml", "identity-intelligence.duo.yaml"] {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("store: vault"), "{file}");
        fs::write(&path, text.replace("store: vault", "store: local")).unwrap();
    }
    let consents = ["widens_access:applications.intranet", "widens_access:applications.vpn"];
    converges(folder.path(), &consents.map(|consent| ["--allow", consent]).concat());
    assert!(folder.path().join(".secrets").is_dir());
}
