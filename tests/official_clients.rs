//! Duo's official Python clients run unchanged against the sandbox, over TLS (tests/conformance).
//!
//! They need `python3` with `venv`, and PyPI the first time. Where these are missing the test says so and does
//! nothing, but with `CI` in the environment it fails.
#![allow(clippy::string_slice, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use duoctl::sandbox::account::Account;
use duoctl::sandbox::serve::{ServeOptions, start};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{command:?} failed:\n{text}"))
}

/// A Python with the pinned clients, installed once for each state of `requirements.txt`.
fn python() -> Result<PathBuf, String> {
    let requirements = suite().join("requirements.txt");
    let digest = Sha256::digest(fs::read(&requirements).unwrap());
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{name}"));
    fs::create_dir_all(&folder).unwrap();
    // Another run of the tests may be installing at the same time.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let python = folder.join(if cfg!(windows) { "venv/Scripts/python.exe" } else { "venv/bin/python" });
    let done = folder.join("installed");
    if !done.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")))?;
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run(Command::new(&python).args(quiet).arg(&requirements))?;
        fs::write(done, "").unwrap();
    }
    Ok(python)
}

/// What the clients cannot create: an application that only an owner makes, and texts that a reader of YAML may take for
/// something else.
fn furnish(account: &mut Account) {
    let place = |account: &mut Account, stored: Value| account.place_application(&stored).unwrap();
    place(account, json!({"kind": "accountsapi", "name": "evidence accountsapi", "user_access": "NO_USERS"}));
    let texts = [
        "no",
        "on",
        "Yes",
        "n",
        "~",
        "null",
        "0123",
        "0o17",
        "0x1F",
        "1_000",
        "1:30",
        "190:20:30",
        "1e3",
        ".inf",
        "-.INF",
        ".nan",
        "2027-01-01",
        "2027-01-01 10:00:00",
        "=",
        "<<",
        "+1",
        "1.",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "{a}",
        "[a]",
        "a,b",
        "\"a\"",
        "'a'",
        "a\\b",
        "|",
        ">",
        "?",
        ": a",
        "🔥 fire",
        "مرحبا",
        "e\u{301}",
        "line\u{2028}break",
        "\u{feff}bom",
        "\u{85}",
        "nbsp\u{a0}x",
        "true",
        "True",
        "OFF",
        "\u{202e}txt",
        "two\nlines",
        "end\n",
        "\n",
        "tab\tbed",
        "bell\u{7}",
        "  both  ",
        "'",
        "\"",
        "---",
        "...",
        "key:",
        "trailing ",
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duos_own_clients_work_unchanged() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) if std::env::var_os("CI").is_some() => panic!("{reason}"),
        Err(reason) => {
            eprintln!(
                "\n*** SKIPPED: Duo's official clients were NOT run against the sandbox ***\n{reason}\n"
            );
            return;
        }
    };
    let sandbox = start(ServeOptions::default()).await.unwrap();
    furnish(&mut sandbox.account());
    let document = sandbox.document().to_string();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .args(["-W", "ignore::DeprecationWarning", "-m", "unittest", "discover", "--verbose"])
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
    // A suite that finds no test must not pass.
    let count =
        text.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse::<u32>().ok());
    assert!(count.is_some_and(|count| count >= 27), "{text}");
    sandbox.shutdown().await;
}
