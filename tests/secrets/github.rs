//! In a GitHub Actions job each key is registered with the runner before it reaches a store, and nothing else is.

use std::fs;

use super::workspace::{Duo, Folder};

const APPLICATIONS: &str = "applications:
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], secret: {store: cmd, path: siem}}
";
const STORES: &str =
    "secret_stores: {cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read], timeout: 20s}}";

fn set_up(duo: &mut Duo) -> Folder {
    let folder = Folder::empty();
    folder.keeper();
    folder.yaml(APPLICATIONS, STORES);
    duo.environment.push(("GITHUB_ACTIONS".to_owned(), "true".into()));
    folder
}

fn key(duo: &Duo) -> String {
    duo.application("SIEM")["secret_key"].as_str().unwrap().to_owned()
}

#[test]
fn the_runner_is_told_before_the_store() {
    let mut duo = Duo::start();
    let folder = set_up(&mut duo);
    // The store waits until this test has seen the line: if it were printed later, both would wait forever.
    let keep = fs::read_to_string(folder.path("keep.sh")).unwrap();
    let waits = "[ \"$1\" = read ] || while [ ! -e go ]; do sleep 0.02; done\n";
    folder.script("keep.sh", &keep.replacen("#!/bin/sh\n", waits, 1));
    let mut run = duo.call(&folder, &["apply", "--auto-approve", "--format", "json"]).start();
    let masked = loop {
        assert!(!run.has_ended(), "no mask was asked for");
        if let Some(masked) = run.remark().strip_prefix("::add-mask::") {
            break masked.to_owned();
        }
    };
    assert_eq!(masked, key(&duo));
    assert!(!folder.path("kept-siem").exists());
    fs::write(folder.path("go"), "").unwrap();
    let outcome = run.end().exits(0).never_tells(&masked);
    assert!(outcome.json().is_object());
    assert!(folder.path("kept-siem").exists());
}

#[test]
fn nothing_is_printed_where_no_runner_reads_it() {
    let mut duo = Duo::start();
    let folder = set_up(&mut duo);
    let binary = env!("CARGO_BIN_EXE_duoctl");
    let script = format!("exec '{binary}' apply --auto-approve \"$@\" 2> log");
    duo.at(folder.shell(&script)).run().exits(0);
    assert!(!fs::read_to_string(folder.path("log")).unwrap().contains("::add-mask::"), "a file is no runner");

    for value in ["", "false", "1"] {
        duo.environment = vec![("GITHUB_ACTIONS".to_owned(), value.into())];
        duo.reset("SIEM");
        duo.apply(&folder).exits(0).never_tells("add-mask").never_tells(&key(&duo));
    }
    // Plans fetch no keys, and current ones are not delivered.
    duo.environment = vec![("GITHUB_ACTIONS".to_owned(), "true".into())];
    duo.plan(&folder).exits(0).never_tells("add-mask");
    duo.run(&folder, &["verify"]).exits(0).never_tells("add-mask");
}

#[test]
fn of_a_rotation_the_runner_is_told_both_keys() {
    let mut duo = Duo::start();
    let folder = set_up(&mut duo);
    duo.apply(&folder).exits(0);
    let run = duo.run(&folder, &["keys", "rotate", "applications.siem", "--auto-approve"]).exits(0);
    let keys = duo.applications("SIEM");
    assert_eq!(keys.len(), 2, "the old one works on, and stands beside the new one in the store");
    for key in keys {
        let line = format!("::add-mask::{}", key["secret_key"].as_str().unwrap());
        assert!(run.stderr.lines().any(|said| said == line), "{}", run.stderr);
    }
}
