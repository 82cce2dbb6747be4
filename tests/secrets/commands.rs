//! The exec store: commands that hang, print the secret, print too much, or expect input that they do not get.

use std::fs;
use std::time::{Duration, Instant};

use super::workspace::{Folder, KEY, got, put, target};

fn folder(write: &str, read: &str, more: &str) -> Folder {
    let folder = Folder::empty();
    folder.script("write.sh", write);
    folder.script("read.sh", read);
    folder.yaml(
        "",
        &format!(
            "secret_stores: {{cmd: {{type: exec, write: [./write.sh, one], read: [./read.sh, two]{more}}}}}"
        ),
    );
    folder
}

async fn refused(folder: &Folder) -> String {
    let error = put(&folder.stores(), &target("cmd", "vpn", None), KEY).await.unwrap_err();
    let text = format!("{} | {}", error.message, error.help.unwrap_or_default());
    assert!(!text.contains(&KEY[..8]) && !text.contains(&KEY[20..28]), "{text}");
    text
}

const EMPTY: &str = "exit 3";

#[tokio::test]
async fn a_command_gets_everything_on_its_input_and_nothing_elsewhere() {
    let folder = folder(
        "cat > input; printf '%s\\n' \"$@\" > arguments; env > environment",
        EMPTY,
        ", environment: [DUOCTL_TEST_PASSED, CARGO_MANIFEST_DIR]",
    );
    put(&folder.stores(), &target("cmd", "a b/vpn", Some("dotenv")), KEY).await.unwrap();
    let input: serde_json::Value = serde_json::from_slice(&fs::read(folder.path("input")).unwrap()).unwrap();
    assert_eq!(input["operation"], "write");
    assert_eq!(input["path"], "a b/vpn");
    assert_eq!(input["format"], "dotenv");
    assert_eq!(input["secret"]["secret_key"], KEY);
    assert!(input["content"].as_str().unwrap().contains(&format!("DUO_SECRET_KEY={KEY}\n")));
    assert_eq!(fs::read_to_string(folder.path("arguments")).unwrap(), "one\n");
    let environment = fs::read_to_string(folder.path("environment")).unwrap();
    let names: Vec<&str> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let known = ["PATH", "HOME", "LANG", "CARGO_MANIFEST_DIR", "PWD", "SHLVL", "_", "OLDPWD"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(names.contains(&"CARGO_MANIFEST_DIR"), "what the YAML names is passed on: {names:?}");
    assert!(!environment.contains(KEY));
}

#[tokio::test]
async fn what_was_written_is_read_back() {
    let folder = Folder::empty();
    folder.keeper();
    folder.yaml("", "secret_stores: {cmd: {type: exec, write: [./keep.sh, write], read: [./keep.sh, read]}}");
    let stores = folder.stores();
    for format in [None, Some("dotenv")] {
        let target = target("cmd", format.unwrap_or("json"), format);
        assert_eq!(got(&stores, &target).await.unwrap(), None);
        put(&stores, &target, KEY).await.unwrap();
        assert_eq!(got(&stores, &target).await.unwrap().as_deref(), Some(KEY));
    }
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let folder = folder("sleep 300 & echo $! > child; sleep 300", EMPTY, ", timeout: 1s");
    let begun = Instant::now();
    let error = refused(&folder).await;
    assert!(
        error.contains("the write command of the store `cmd` did not finish within 1 s and was stopped"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(60));
    let child = fs::read_to_string(folder.path("child")).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    let gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    // The kernel may take a moment to carry out a kill.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !gone() && Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert!(gone(), "the child is still there");
}

#[tokio::test]
async fn a_command_that_prints_the_secret_is_shown_without_it() {
    for leak in [
        "cat >&2; exit 1",
        "set -x; input=$(cat); : \"$input\"; exit 1",
        "base64 >&2; exit 1",
        "sed 's/.*secret_key\":\"//; s/\".*//' | cut -c 5-20 >&2; printf 'tail\\033[31m' >&2; exit 1",
    ] {
        let error = refused(&folder(leak, EMPTY, "")).await;
        assert!(error.contains("the write command of the store `cmd` ended with exit status: 1"), "{error}");
        assert!(error.contains("***"), "{leak}: {error}");
        assert!(!error.contains('\u{1b}'), "{error}");
    }
    let folder = folder("cat > /dev/null", &format!("echo 'found {KEY}' >&2; exit 1"), "");
    let error = refused(&folder).await;
    assert!(
        error.contains("the read command of the store `cmd` ended with exit status: 1: found ***"),
        "{error}"
    );
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    for flood in ["cat /dev/zero", "cat /dev/zero >&2"] {
        let error = refused(&folder("cat > /dev/null", flood, "")).await;
        assert!(error.contains("the read command of the store `cmd` printed more than 64 KiB"), "{error}");
    }
}

#[tokio::test]
async fn other_exit_codes_and_missing_programs_are_failures() {
    let error = refused(&folder("exit 3", EMPTY, "")).await;
    assert!(error.contains("the write command of the store `cmd` ended with exit status: 3"), "{error}");
    let error = refused(&folder("kill -9 $$", EMPTY, "")).await;
    assert!(error.contains("ended with signal: 9"), "{error}");
    let error = refused(&folder("cat > /dev/null", "echo nonsense", "")).await;
    assert!(error.contains("store cmd: vpn holds data that duoctl did not write"), "{error}");
    let folder = folder("exit 0", EMPTY, "");
    fs::remove_file(folder.path("read.sh")).unwrap();
    let error = refused(&folder).await;
    assert!(error.contains("the read command of the store `cmd` cannot be started"), "{error}");
}

#[tokio::test]
async fn a_command_that_does_not_read_its_input_is_no_error_by_itself() {
    put(&folder("exit 0", EMPTY, "").stores(), &target("cmd", "vpn", None), &KEY.repeat(1000)).await.unwrap();
}

#[tokio::test]
async fn what_a_command_leaves_running_does_not_hold_it_up() {
    let folder = folder("cat > /dev/null; sleep 300 &", EMPTY, "");
    let begun = Instant::now();
    put(&folder.stores(), &target("cmd", "vpn", None), KEY).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for the time limit");
}
