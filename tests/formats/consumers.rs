//! Reports in the programs that read them: Microsoft's validator for SARIF, a library and a viewer for JUnit.
//!
//! Needs `npm ci` in `tests/formats` and Python. Under `CI` a missing one is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::python::{python_of, skip};
use crate::support::{Folder, Server, THREE};

/// A program of `tests/formats`; `None` if it is not installed.
fn program(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/node_modules/.bin").join(name);
    if !path.exists() {
        skip(name, "run `npm ci --ignore-scripts` in tests/formats");
        return None;
    }
    // The packages are installed without their scripts, and one of them would have done this.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let tool = path.with_file_name("../@microsoft/sarif-multitool-linux/Sarif.Multitool");
        std::fs::set_permissions(tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Some(path)
}

#[track_caller]
fn output(command: &mut Command) -> String {
    let run = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{command:?}\n{text}");
    text
}

#[test]
fn the_sarif_validator_finds_nothing() {
    let Some(validator) = program("sarif-multitool") else { return };
    let wrong = THREE.replace("type: radius", "type: radus").replace("VPN Users", "''");
    let folder = Folder::with(&wrong);
    folder.duoctl(["validate", "--report", "sarif=duo.sarif"]).run().exits(1);
    let validated = |file: &str| output(Command::new(&validator).arg("validate").arg(folder.path(file)));
    let text = validated("duo.sarif");
    assert!(!text.contains("SARIF") && !text.contains("warning") && !text.contains("error"), "{text}");
    // It does find mistakes.
    let broken = folder.read("duo.sarif").replace("informationUri", "informationUrl");
    folder.write("broken.sarif", &broken);
    let run = Command::new(&validator).arg("validate").arg(folder.path("broken.sarif")).output().unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.contains("SARIF") || text.contains("JSON"), "{text}");
}

#[test]
fn readers_of_junit_count_every_check() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    folder.duoctl(["apply", "--auto-approve", "--report", "junit=apply.xml"]).at(&server).run().exits(0);
    // An address has a failure, and another one several checks of one permission.
    server.edit("SIEM export", json!({"adminapi_read_resource": 0}));
    folder.duoctl(["verify", "--report", "junit=verify.xml"]).at(&server).run().exits(3);
    let python = python_of("formats");
    let viewer = program("xunit-viewer");
    let counts = regex::Regex::new("([0-9]+) (passed|skipped|failed|failure|errored|error)").unwrap();
    for file in ["apply.xml", "verify.xml"] {
        let text = folder.read(file);
        let cases = text.matches("<testcase ").count();
        assert!(cases > 5, "{text}");
        match &python {
            Err(reason) => skip("junitparser", reason),
            Ok(python) => {
                let script = "import sys, junitparser\n\
                    x = junitparser.JUnitXml.fromfile(sys.argv[1])\n\
                    cases = [(s.name, c.name) for s in x for c in s]\n\
                    print(x.tests, len(cases), len(set(cases)), len([s for s in x if s._elem.get('file')]) == len(list(x)))";
                let read = output(Command::new(python).args(["-c", script]).arg(folder.path(file)));
                assert_eq!(read.trim(), format!("{cases} {cases} {cases} True"), "{file}");
            }
        }
        if let Some(viewer) = &viewer {
            let html = folder.path("viewer.html");
            let read =
                output(Command::new(viewer).arg("-c").arg("-r").arg(folder.path(file)).arg("-o").arg(html));
            let last = read.lines().rev().find(|line| counts.is_match(line)).unwrap_or_default();
            let seen: usize = counts.captures_iter(last).map(|it| it[1].parse::<usize>().unwrap()).sum();
            assert_eq!(seen, cases, "{read}");
        }
    }
    assert!(
        folder.read("verify.xml").contains("--&gt; duo.yaml:"),
        "a failure says where: {}",
        folder.read("verify.xml")
    );
}
