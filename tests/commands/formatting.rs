//! `duoctl fmt`: what it writes, what it leaves unchanged, and how it exits.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use duoctl::config::files;
use duoctl::config::format::{FormatError, canonical};
use duoctl::config::untrusted::Trust;

use crate::support::{Call, Folder, Server};

const LOOSE: &str = "workspace:  acme\nversion: 1 # first\n";
const NEAT: &str = "version: 1 # first\nworkspace: acme\n";

#[test]
fn files_are_written_listed_checked_and_compared() {
    let folder = Folder::empty();
    folder.write("duo.yaml", LOOSE);
    folder.write("neat.duo.yaml", NEAT);
    folder.write("other.yaml", LOOSE);
    folder.duoctl(["fmt", "--check"]).run().exits(2).says("duo.yaml\n");
    let diff = folder
        .duoctl(["fmt", "--diff"])
        .run()
        .exits(0)
        .says("-workspace:  acme\n")
        .says("+workspace: acme\n");
    assert!(diff.stdout.starts_with("--- duo.yaml\n+++ duo.yaml\n@@"), "{}", diff.stdout);
    folder.duoctl(["fmt", "--check", "--diff"]).run().exits(2);
    assert_eq!(folder.read("duo.yaml"), LOOSE, "nothing is written by either");
    let outcome = folder.duoctl(["fmt"]).run().exits(0);
    assert_eq!(outcome.stdout, "duo.yaml\n");
    assert_eq!((folder.read("duo.yaml"), folder.read("other.yaml")), (NEAT.to_owned(), LOOSE.to_owned()));
    folder.duoctl(["fmt", "other.yaml", "duo.yaml", "."]).run().exits(0).says("other.yaml\n");
    let outcome = folder.duoctl(["fmt", "--check", "other.yaml", "."]).run().exits(0);
    assert_eq!(outcome.stdout, "");
}

#[cfg(unix)]
#[test]
fn modes_are_kept_and_links_are_not_followed() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = Folder::empty();
    folder.write("real.yaml", LOOSE);
    folder.write("vpn.duo.yaml", LOOSE);
    fs::set_permissions(folder.path("vpn.duo.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.yaml", folder.path("duo.yaml")).unwrap();
    // It does not write through a link, but still formats the other files.
    folder.duoctl(["fmt"]).run().exits(1).warns("duo.yaml cannot be written").says("vpn.duo.yaml\n");
    assert_eq!((folder.read("real.yaml"), folder.read("vpn.duo.yaml")), (LOOSE.to_owned(), NEAT.to_owned()));
    assert_eq!(fs::metadata(folder.path("vpn.duo.yaml")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(folder.path("duo.yaml")).unwrap().is_symlink());
}

#[test]
fn what_is_no_yaml_stays_as_it_is_and_the_rest_is_formatted() {
    let folder = Folder::empty();
    folder.write("duo.yaml", LOOSE);
    folder.write("bad.duo.yaml", "applications:\n  vpn: [\n");
    folder.write("two.duo.yaml", "a:  1\n---\nb: 2\n");
    let outcome = folder.duoctl(["fmt"]).run().exits(1).warns("bad.duo.yaml:").warns("two.duo.yaml:2:1");
    assert_eq!(outcome.stdout, "duo.yaml\n");
    assert_eq!(folder.read("bad.duo.yaml"), "applications:\n  vpn: [\n");
    assert_eq!(folder.read("two.duo.yaml"), "a:  1\n---\nb: 2\n");
    folder.duoctl(["fmt", "--check"]).run().exits(1);
    folder.duoctl(["fmt", "missing"]).run().exits(1).warns("cannot read");
    folder.duoctl(["fmt", "-", "duo.yaml"]).run().exits(64).warns("cannot be combined");
}

#[test]
fn stdin_goes_to_stdout() {
    let folder = Folder::empty();
    folder.write("in", LOOSE);
    folder.write("bad", "a: [\n");
    let read = |name: &str| Stdio::from(fs::File::open(folder.path(name)).unwrap());
    assert_eq!(folder.duoctl(["fmt", "-"]).stdin(read("in")).run().exits(0).stdout, NEAT);
    assert_eq!(folder.duoctl(["fmt", "-", "--check"]).stdin(read("in")).run().exits(2).stdout, "");
    let refused = folder.duoctl(["fmt", "-"]).stdin(read("bad")).run().exits(1).warns("stdin:");
    assert_eq!(refused.stdout, "");
}

#[test]
fn the_examples_and_what_duoctl_writes_are_canonical() {
    Call::new(Path::new(env!("CARGO_MANIFEST_DIR")), ["fmt", "--check", "--diff", "examples"]).run().exits(0);
    let folder = Folder::empty();
    folder.duoctl(["init", "first"]).run().exits(0);
    folder.duoctl(["fmt", "--check", "--diff", "first"]).run().exits(0);
    let server = Server::start();
    for split in ["none", "type", "application"] {
        let folder = Folder::with("");
        let include = ["--include", "operator", "--include", "identity-intelligence"];
        folder.duoctl(["import", "--split", split].iter().chain(&include)).at(&server).run().exits(0);
        let outcome = folder.duoctl(["fmt", "--check", "--diff"]).run();
        assert_eq!(outcome.code, Some(0), "{split}\n{}\n{}", outcome.stdout, outcome.stderr);
    }
}

#[test]
fn every_sample_is_formatted_or_refused_with_a_reason() {
    let mut formatted = 0;
    let mut found = Vec::new();
    for folder in ["tests/samples/valid", "tests/samples/invalid"] {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in entries {
            found.extend(files::find(&entry, Trust::Full, &mut Vec::new()).files);
        }
    }
    for path in &found {
        let Ok(text) = fs::read_to_string(path) else { continue };
        match canonical(0, &text) {
            Ok(_) => formatted += 1,
            Err(FormatError::Invalid(findings)) => assert!(findings[0].help.is_some(), "{}", path.display()),
            Err(FormatError::Unsafe) => panic!("{} cannot be formatted", path.display()),
        }
    }
    assert!(formatted > 60, "only {formatted} of {} were formatted", found.len());
}

#[test]
fn the_schema_is_installed_for_vs_code_and_nothing_is_overwritten() {
    let folder = Folder::empty();
    folder.duoctl(["schema", "--install"]).run().exits(0).says("settings.json: written");
    assert!(folder.read("duoctl.schema.json").starts_with('{'));
    assert!(
        folder
            .read(".vscode/settings.json")
            .contains("\"./duoctl.schema.json\": [\"**/duo.yaml\", \"**/*.duo.yaml\"]")
    );
    folder.duoctl(["schema", "--install"]).run().exits(0).says("up to date").says("already has the schema");

    let other = Folder::empty();
    fs::create_dir_all(other.path("deep/.vscode")).unwrap();
    other.write("deep/.vscode/settings.json", "{\n  // mine\n  \"a\": 1, // one\n}\n");
    other.duoctl(["schema", "--install=deep"]).run().exits(0);
    let settings = other.read("deep/.vscode/settings.json");
    assert!(settings.starts_with("{\n  // mine\n  \"a\": 1, // one\n  \"yaml.schemas\": {\n"), "{settings}");
    other.write("deep/.vscode/settings.json", "[]");
    other
        .duoctl(["schema", "--install=deep"])
        .run()
        .exits(1)
        .warns("was not changed")
        .warns("\"yaml.schemas\": {");
    assert_eq!(other.read("deep/.vscode/settings.json"), "[]");

    let foreign = Folder::empty();
    foreign.write("duoctl.schema.json", "{}");
    foreign.duoctl(["schema", "--install"]).run().exits(1).warns("duoctl.schema.json already exists");
    assert!(!foreign.path(".vscode").exists());
}

#[test]
fn a_file_that_holds_nothing_is_an_error_for_both_who_read_it() {
    for text in [
        "",
        "\n\n",
        "# later\n#applications: {}\n",
        "---\n",
        "--- # x\n...\n",
        "null\n",
        "~\n",
        "\u{feff}# x\r\n",
    ] {
        let folder = Folder::with("");
        folder.write("other.duo.yaml", text);
        for command in [&["validate"][..], &["fmt", "--check"], &["fmt", "--diff"], &["fmt"]] {
            let run = folder.duoctl(command).run().exits(1);
            run.warns("error[empty-file]").warns("other.duo.yaml");
        }
    }
    // One short line is a file.
    let folder = Folder::with("");
    folder.write("other.duo.yaml", "# one\napplications: {}\n");
    folder.duoctl(["validate"]).run().exits(0);
    folder.duoctl(["fmt", "--check"]).run().exits(0);
}
