//! The whole of the vendor's page as a person does it, with a real browser at the rehearsed console.
//!
//! It needs Debian's `chromium` and `npm ci` in `tests/browser`. Where they are missing it says so; under `CI` it fails.
//! With `DUOCTL_PICTURES` it writes the pictures of `docs/images`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use duoctl::sandbox::account::Account;
use serde_json::{Map, Value, json};

const YAML: &str = "\
version: 1
workspace: acme
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}

identity_intelligence:
  emea:
    display_name: Duo EMEA
    access: read_write                      # remediation actions
    push_verification:
      application_name: Acme IT Support     # end users see it on the push
    endpoints: true

identity_intelligence_api: {file: identity-intelligence-api.json}
";

/// What the test needs and does not find.
fn missing(root: &Path, browser: Option<&str>) -> Option<&'static str> {
    if browser.is_none() {
        return Some("no Chromium: install Debian's `chromium`");
    }
    if !root.join("node_modules/playwright-core").is_dir() {
        return Some("no playwright-core: run `npm ci` in tests/browser");
    }
    let found = |program: &str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    (!found("node") || !found("script")).then_some("node or script (bsdutils) is not there")
}

#[test]
fn a_person_walks_through_the_vendors_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let browser = places.into_iter().find(|place| Path::new(place).exists());
    if let Some(what) = missing(&root, browser) {
        assert!(std::env::var_os("CI").is_none(), "the browser test cannot run: {what}");
        eprintln!("SKIPPED, NOTHING WAS PROVEN: the browser test cannot run: {what}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("duo.yaml"), YAML).unwrap();
    let mut command = Command::new("node");
    command.arg(root.join("console.mjs")).arg(env!("CARGO_BIN_EXE_duoctl")).arg(folder.path());
    command.arg(browser.unwrap());
    if let Some(pictures) = std::env::var_os("DUOCTL_PICTURES") {
        let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join(pictures);
        fs::create_dir_all(&pictures).unwrap();
        command.arg(pictures);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    if let Some(Ok(line)) = lines.next() {
        let asked: Value = serde_json::from_str(&line).unwrap();
        let mut account = Account::open(&folder.path().join(".duoctl/sandbox")).unwrap();
        let reset = Map::from_iter([("reset_secret_key".to_owned(), json!("1"))]);
        account.modify_application(asked["reset"].as_str().unwrap(), reset).unwrap();
        drop(account);
        child.stdin.take().unwrap().write_all(b"done\n").unwrap();
    }
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let status = child.wait().unwrap();
    assert!(status.success(), "{}", rest.join("\n"));
}
