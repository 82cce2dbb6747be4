//! Duo's official Python clients run unchanged against the sandbox, over TLS (tests/conformance).
//!
//! They need `python3` with `venv`, and PyPI the first time. Where these are missing the test says so and does
//! nothing, but with `CI` in the environment it fails.
#![allow(clippy::string_slice, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::process::Command;

use duoctl::sandbox::serve::{ServeOptions, start};

#[path = "support/python.rs"]
mod python;

use python::{python, skip, suite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duos_own_clients_work_unchanged() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => return skip("Duo's official clients against the sandbox", &reason),
    };
    let sandbox = start(ServeOptions::default()).await.unwrap();
    let document = sandbox.document().to_string();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .args(["-W", "ignore::DeprecationWarning", "-m", "unittest", "discover", "--verbose"])
            .current_dir(suite())
            .env("DUOCTL_SANDBOX", document)
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
    assert!(count.is_some_and(|count| count >= 25), "{text}");
    sandbox.shutdown().await;
}
