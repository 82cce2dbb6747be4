//! In a job of GitHub Actions its runner is told of each key before a store is, and of nothing else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::support::{Duo, Folder};

const APPLICATIONS: &str = "applications:
  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], secret: {store: cmd, path: siem}}
";
const STORES: &str = "secret_stores: {cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read], timeout_seconds: 20}}";

fn set_up(duo: &mut Duo) -> Folder {
    let folder = Folder::new();
    folder.keeper();
    folder.yaml(APPLICATIONS, STORES);
    duo.environment.push(("GITHUB_ACTIONS".to_owned(), "true".into()));
    folder
}

fn key(duo: &Duo) -> String {
    duo.application("SIEM")["secret_key"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runner_is_told_before_the_store() {
    let mut duo = Duo::start().await;
    let folder = set_up(&mut duo);
    // The store waits until this test has seen the line: were it printed later, both would wait in vain.
    let keep = fs::read_to_string(folder.path("keep.sh")).unwrap();
    let waits = "[ \"$1\" = read ] || while [ ! -e go ]; do sleep 0.02; done\n";
    folder.script("keep.sh", &keep.replacen("#!/bin/sh\n", waits, 1));
    let mut command =
        duo.command(&folder, env!("CARGO_BIN_EXE_duoctl"), &["apply", "--auto-approve", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let seen = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(masked) = line.strip_prefix("::add-mask::") {
                return masked.to_owned();
            }
        }
        panic!("no mask was asked for")
    };
    let masked = tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap();
    assert_eq!(masked, key(&duo));
    assert!(!folder.path("kept-siem").exists());
    fs::write(folder.path("go"), "").unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).await.unwrap();
    while let Some(line) = lines.next_line().await.unwrap() {
        assert!(!line.contains(&masked), "{line}");
    }
    assert!(child.wait().await.unwrap().success());
    assert!(serde_json::from_str::<Value>(&out).is_ok() && !out.contains(&masked), "{out}");
    assert!(folder.path("kept-siem").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_printed_where_no_runner_reads_it() {
    let mut duo = Duo::start().await;
    let folder = set_up(&mut duo);
    let log = fs::File::create(folder.path("log")).unwrap();
    let mut command = duo.command(&folder, env!("CARGO_BIN_EXE_duoctl"), &["apply", "--auto-approve"]);
    let status = command.stdout(Stdio::null()).stderr(log).status().await.unwrap();
    assert!(status.success());
    assert!(!fs::read_to_string(folder.path("log")).unwrap().contains("::add-mask::"), "a file is no runner");

    for value in ["", "false", "1"] {
        duo.environment = vec![("GITHUB_ACTIONS".to_owned(), value.into())];
        duo.reset("SIEM");
        duo.apply(&folder).await.ended(0).never_says("add-mask").never_says(&key(&duo));
    }
    // Plans fetch no key, and what is current is not delivered.
    duo.environment = vec![("GITHUB_ACTIONS".to_owned(), "true".into())];
    duo.plan(&folder).await.ended(0).never_says("add-mask");
    duo.run(&folder, &["verify"]).await.ended(0).never_says("add-mask");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_rotation_the_runner_is_told_both_keys() {
    let mut duo = Duo::start().await;
    let folder = set_up(&mut duo);
    duo.apply(&folder).await.ended(0);
    let run = duo.run(&folder, &["rotate", "applications.siem", "--auto-approve"]).await.ended(0);
    let keys = duo.applications("SIEM");
    assert_eq!(keys.len(), 2, "the old one works on, and stands beside the new one in the store");
    for key in keys {
        let line = format!("::add-mask::{}", key["secret_key"].as_str().unwrap());
        assert!(run.err.lines().any(|said| said == line), "{}", run.err);
    }
}
