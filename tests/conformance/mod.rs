//! Duo's official clients for Python and Node run unchanged against the sandbox, over TLS (tests/conformance).
//!
//! They need `python3` with `venv`, and `node` with `npm`; PyPI and npm the first time. If these are missing, the test says so
//! and does nothing, but with `CI` set it fails.

use std::path::PathBuf;
use std::process::Command;

use duoctl::sandbox::account::Account;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use serde_json::{Value, json};

use crate::support::node::folder_of;
use crate::support::python::{python, skip, suite};

/// Adds what the clients cannot create: an application that only an owner can create, and texts that a YAML reader may
/// misread.
fn furnish(account: &mut Account) {
    let place = |account: &mut Account, stored: Value| account.place_application(&stored).unwrap();
    place(account, json!({"kind": "accountsapi", "name": "evidence accountsapi", "user_access": "NO_USERS"}));
    #[rustfmt::skip]
    let texts = [
        "no", "on", "Yes", "n", "~", "null", "0123", "0o17", "0x1F", "1_000", "1:30", "190:20:30", "1e3", ".inf",
        "-.INF", ".nan", "2027-01-01", "2027-01-01 10:00:00", "=", "<<", "+1", "1.", "- a", "a: b", "a #b", "#a",
        "&a", "*a", "!a", "%a", "@a", "`a", "{a}", "[a]", "a,b", "\"a\"", "'a'", "a\\b", "|", ">", "?", ": a",
        "🔥 fire", "مرحبا", "e\u{301}", "line\u{2028}break", "\u{feff}bom", "\u{85}", "nbsp\u{a0}x", "true", "True",
        "OFF", "\u{202e}txt", "two\nlines", "end\n", "\n", "tab\tbed", "bell\u{7}", "  both  ", "'", "\"", "---",
        "...", "key:", "trailing ",
    ];
    for (number, text) in texts.into_iter().enumerate() {
        let plain = format!("plain name {number}");
        let name = if text.chars().any(char::is_control) { plain.as_str() } else { text };
        let stored = json!({"kind": "radius", "name": name, "notes": text, "greeting": text, "user_access": "ALL_USERS"});
        place(account, stored);
        account.add_group(text).unwrap();
        let group = account.add_group(&format!("{text} ")).unwrap();
        let stored = json!({"kind": "websdk", "name": name, "groups_allowed": [group], "user_access": "PERMITTED_GROUPS"});
        place(account, stored);
    }
}

/// Runs tests of the suite against a sandbox. Returns their number.
async fn run(sandbox: &Running, python: PathBuf, tests: &'static [&'static str]) -> u32 {
    let document = sandbox.document().to_string();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .args(["-W", "ignore::DeprecationWarning", "-m", "unittest"])
            .args(tests)
            .arg("--verbose")
            .current_dir(suite())
            .env("DUOCTL_SANDBOX", document)
            .env("DUOCTL_BINARY", env!("CARGO_BIN_EXE_duoctl"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let count = text.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok());
    count.unwrap_or_else(|| panic!("{text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duos_own_clients_work_unchanged() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => return skip("Duo's official clients against the sandbox", &reason),
    };
    let sandbox = start(ServeOptions::default()).await.unwrap();
    furnish(&mut sandbox.account());
    // A suite that finds no test must not pass.
    let count = run(&sandbox, python, &["discover"]).await;
    assert!(count >= 47, "{count} tests");
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_logs_cope_with_what_no_source_settles() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => return skip("readers of logs against the sandbox", &reason),
    };
    let mut options = ServeOptions::default();
    for switch in ["log-end-cursor", "log-lag", "text-actions"] {
        options.switches.set(switch).unwrap();
    }
    let sandbox = start(options).await.unwrap();
    assert_eq!(run(&sandbox, python, &["test_logs"]).await, 5);
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duos_node_client_works_unchanged() {
    let folder = match folder_of("conformance/node", &["calls.mjs"]) {
        Ok(folder) => folder,
        Err(reason) => return skip("Duo's official Node client against the sandbox", &reason),
    };
    let sandbox = start(ServeOptions::default()).await.unwrap();
    let document = sandbox.document().to_string();
    let output = tokio::task::spawn_blocking(move || {
        let mut node = Command::new("node");
        node.arg("calls.mjs").current_dir(folder).env("DUOCTL_SANDBOX", document).output().unwrap()
    });
    let output = output.await.unwrap();
    let (told, problems) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{problems}");
    assert_eq!(told.trim(), "81 calls");
    sandbox.shutdown().await;
}
