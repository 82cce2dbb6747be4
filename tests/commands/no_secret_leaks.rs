//! No secret key ever leaves the process except to Duo: every command, in every format, succeeding and failing, at the
//! highest verbosity. Every byte of stdout and stderr and every file is searched.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Call, Folder, HEAD, Outcome, Server, THREE};
use base64::Engine as _;
use duoctl::sandbox::account::Key;
use duoctl::sandbox::serve::ServeOptions;
use duoctl::secret::Secret;
use serde_json::Value;
use tempfile::TempDir;

/// Used in place of a mistyped or misplaced key.
const WRONG: &str = "hUnTeR2hUnTeR2hUnTeR2hUnTeR2hUnTeR2hUnTe";

const SSO: &str = "  portal:
    type: sso-oidc-generic
    name: Portal
    user_access: permitted_groups
    groups_allowed: [Employees]
    sso: {oidc_config: {grant_types: {authorization_code: true}, redirect_uris: [\"https://a.example.com/\"], scopes: [{name: openid}]}}
identity_intelligence:
  emea: {display_name: Duo EMEA, access: read_only, push_verification: {application_name: Acme}}
";

/// A simulator that keeps its state outside the searched folder, where every secret it ever issued can be read.
struct Issuer {
    server: Server,
    state: TempDir,
}

impl Issuer {
    fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let options = ServeOptions { state: Some(state.path().to_owned()), ..ServeOptions::default() };
        Self { server: Server::with(options), state }
    }
}

/// Every secret in a state folder: the journal only grows while a simulator runs.
fn issued(state: &Path) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    for line in std::fs::read_to_string(state.join("journal.jsonl")).unwrap().lines() {
        collect(&serde_json::from_str(line).unwrap(), &mut secrets);
    }
    assert!(secrets.len() >= 12, "the seed alone has more");
    secrets
}

fn collect(value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "secret_key" && !text.is_empty() => {
                        secrets.insert(text.clone());
                    }
                    Value::Object(clients) if key == "client_secrets" => {
                        secrets.extend(clients.values().filter_map(Value::as_str).map(str::to_owned));
                    }
                    other => collect(other, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        _ => {}
    }
}

/// Everything printed and written.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn add(&mut self, title: &str, outcome: &Outcome) {
        assert!(!outcome.stderr.contains("panicked"), "{title}: {}", outcome.stderr);
        self.0.push((format!("stdout of {title}"), outcome.stdout.clone()));
        self.0.push((format!("stderr of {title}"), outcome.stderr.clone()));
    }

    /// Every file except those of simulators.
    fn add_files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with(".duoctl") => {}
                true => self.add_files(&path),
                false => {
                    let bytes = std::fs::read(&path).unwrap();
                    self.0.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
        }
    }

    /// Neither a secret nor most of it, nor its base64 form, nor any part of an `Authorization` header.
    #[track_caller]
    fn holds_none_of(&self, secrets: &BTreeSet<String>) {
        assert!(self.0.iter().map(|(_, text)| text.len()).sum::<usize>() > 10_000, "nothing was searched");
        for (title, text) in &self.0 {
            for secret in secrets {
                let encoded = base64::engine::general_purpose::STANDARD.encode(secret);
                for form in [&secret[..secret.len().min(12)], &secret[secret.len() - 12..], &encoded[..24]] {
                    // Duo itself shows the last four characters, so twelve are searched for.
                    assert!(
                        !text.contains(form),
                        "{title} shows a secret:\n{}",
                        text.replace(form, "<<HERE>>")
                    );
                }
            }
            assert!(!text.contains("Basic ") && !text.to_lowercase().contains("authorization:"), "{title}");
        }
    }
}

/// Machine-readable output besides stdout; the files are searched like all others.
const REPORTS: &[&str] = &[
    "--format",
    "json",
    "--report",
    "markdown=report.md",
    "--report",
    "html=report.html",
    "--report",
    "github=report.log",
];

/// Runs a command for people and, if it supports that, for machines, at the highest verbosity.
fn run(seen: &mut Seen, folder: &Folder, arguments: &[&str], prepare: impl Fn(Call) -> Call) {
    let formats: &[&[&str]] = match arguments[0] {
        "validate" | "plan" | "apply" | "verify" | "drift" => &[&[], REPORTS],
        "doctor" => &[&[], &["--format", "json"]],
        _ => &[&[]],
    };
    for format in formats {
        let all = arguments.iter().chain(&["-vvv"]).chain(*format);
        let outcome = prepare(folder.duoctl(all).env("RUST_BACKTRACE", "1").env("RUST_LOG", "trace")).run();
        seen.add(&format!("{arguments:?} {format:?}"), &outcome);
        for report in ["report.md", "report.html", "report.log"] {
            let text = std::fs::read_to_string(folder.path(report)).unwrap_or_default();
            seen.0.push((format!("{report} of {arguments:?}"), text));
        }
    }
}

#[test]
fn runs_that_succeed_show_no_secret() {
    let (folder, issuer) = (Folder::with(&format!("{THREE}{SSO}")), Issuer::start());
    let server = &issuer.server;
    let mut seen = Seen::default();
    for arguments in [
        &["validate"][..],
        &["plan"],
        &["plan", "--out", "plan.json"],
        &["doctor"],
        &["apply"],
        &["apply", "--auto-approve"],
        &["apply"],
        &["verify"],
        &["drift", "--who"],
        &["handoff"],
        &["attest", "emea", "--by", "ada@example.com"],
        // Refused: it has no store. The tests of the stores cover rotation into stores.
        &["keys", "rotate", "applications.siem", "--auto-approve"],
    ] {
        run(&mut seen, &folder, arguments, |call| call.at(server));
    }
    assert!(folder.read("duo.yaml").contains("attested"), "it was attested");
    assert_eq!(server.account().applications().len(), 12 + 6, "it was applied");
    folder.declare(&THREE.replace("radius", "unix").replace("[info, read_resource]", "[]"));
    run(&mut seen, &folder, &["apply", "--auto-approve", "--prune"], |call| call.at(server));
    run(
        &mut seen,
        &folder,
        &[
            "apply",
            "--auto-approve",
            "--prune=now",
            "--allow=replaces",
            "--allow=destroys",
            "--max-deletes=9",
            "--allow=breaks_handoff",
        ],
        |call| call.at(server),
    );
    assert_eq!(server.account().applications().len(), 12 + 3, "it was replaced and pruned");
    for arguments in
        [&["schema"][..], &["completions", "bash"], &["--help"], &["--version"], &["init", "new"]]
    {
        run(&mut seen, &folder, arguments, |call| call);
    }
    seen.add_files(&folder.path(""));
    let secrets = issued(issuer.state.path());
    assert!(secrets.len() > 18, "keys of deleted applications count too");
    seen.holds_none_of(&secrets);
}

#[test]
fn runs_that_fail_show_no_secret() {
    let (folder, issuer) = (Folder::with(THREE), Issuer::start());
    let server = &issuer.server;
    let mut seen = Seen::default();
    let everything = |seen: &mut Seen, prepare: &dyn Fn(Call) -> Call| {
        for arguments in [&["plan"][..], &["apply", "--auto-approve"], &["verify"], &["doctor"]] {
            run(seen, &folder, arguments, prepare);
        }
    };
    everything(&mut seen, &|call| call.at(server).env("DUO_SKEY", WRONG));
    // The two halves of a key, swapped: this mistake puts a secret where an identifier is expected.
    let operator = server.key("operator");
    let swapped = Key {
        integration_key: operator.secret_key.expose().to_owned(),
        secret_key: Secret::new(operator.integration_key.clone()),
        ..operator
    };
    everything(&mut seen, &|call| call.at_with(server, &swapped));
    for key in ["plan-only", "auth", "no-permissions"] {
        let key = server.key(key);
        everything(&mut seen, &|call| call.at_with(server, &key));
    }
    for fault in [
        "429=9999",
        "5xx=9999",
        "html=9999",
        "redirect=9999",
        "reset-before=9999",
        "reset-after-commit=9999",
        "truncate=9999",
        "skew=900",
        "repeat-offset",
        "short-list",
        "string-code",
        "writes-per-minute=0",
    ] {
        server.disturb(fault);
        everything(&mut seen, &|call| call.at(server));
        server.calm();
        for live in server.named("VPN") {
            let ikey = live["integration_key"].as_str().unwrap();
            server.account().delete_application(ikey).unwrap_or_else(|_| panic!("refused"));
        }
    }
    seen.add_files(&folder.path(""));
    let mut secrets = issued(issuer.state.path());
    secrets.insert(WRONG.to_owned());
    seen.holds_none_of(&secrets);
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let (folder, issuer) = (Folder::empty(), Issuer::start());
    let mut seen = Seen::default();
    let sources = [
        format!("{{integration_key: {{env: DUO_IKEY}}, secret_key: {WRONG}}}"),
        format!("{{integration_key: {{env: DUO_IKEY}}, secret_key: [{WRONG}]}}"),
        format!("{{integration_key: {{env: DUO_IKEY}}, secret_key: {{plain: {WRONG}}}}}"),
        format!("{{integration_key: {{env: DUO_IKEY}}, skey: {WRONG}}}"),
        "{integration_key: {env: DUO_IKEY}, secret_key: {file: key}}".to_owned(),
        "{integration_key: {env: DUO_IKEY}, secret_key: {command: [sh, -c, 'cat key; exit 1']}}".to_owned(),
        "{integration_key: {env: DUO_IKEY}, secret_key: {command: [cat, key]}}".to_owned(),
    ];
    // A value with two lines is invalid, and must not be shown because of that.
    let key = folder.path("key");
    for credentials in sources {
        let head = HEAD.lines().filter(|line| !line.contains("credentials")).collect::<Vec<_>>().join("\n");
        folder.write("duo.yaml", &format!("{head}\n  credentials: {credentials}\n{THREE}"));
        for text in [format!("{WRONG}\nmore"), WRONG.to_owned()] {
            std::fs::write(&key, text).unwrap();
            for arguments in [&["validate"][..], &["plan"], &["doctor"]] {
                run(&mut seen, &folder, arguments, |call| call.at(&issuer.server));
            }
        }
    }
    for place in [format!("skey: {WRONG}"), format!("secret_key: {WRONG}"), format!("secret: {WRONG}")] {
        folder.declare(&format!("{THREE}    {place}\n"));
        run(&mut seen, &folder, &["validate"], |call| call);
    }
    seen.holds_none_of(&BTreeSet::from([WRONG.to_owned()]));
}

#[test]
fn the_simulator_shows_its_keys_on_its_one_line_only() {
    let folder = Folder::with(THREE);
    let mut process = folder.duoctl(["sandbox", "serve", "-vvv"]).start();
    let document: Value = serde_json::from_str(&process.line()).unwrap();
    let operator =
        &document["keys"].as_array().unwrap().iter().find(|key| key["name"] == "operator").unwrap();
    let address = document["url"].as_str().unwrap().strip_prefix("https://").unwrap();
    let way = ["--connect-to", address, "--ca-file", document["ca_file"].as_str().unwrap()];
    let mut seen = Seen::default();
    for command in ["apply", "verify"] {
        let arguments =
            [command, "-vvv"].into_iter().chain(way).chain((command == "apply").then_some("--auto-approve"));
        let call = folder.duoctl(arguments).env("DUO_IKEY", operator["integration_key"].as_str().unwrap());
        seen.add(command, &call.env("DUO_SKEY", operator["secret_key"].as_str().unwrap()).run().exits(0));
    }
    process.signal("TERM");
    seen.add("sandbox serve, after its line", &process.end().exits(0));
    let secrets = issued(&folder.path(".duoctl/sandbox"));
    // With the built-in simulator, too.
    run(&mut seen, &folder, &["apply", "--sandbox"], |call| call);
    run(&mut seen, &folder, &["doctor", "--sandbox"], |call| call);
    seen.holds_none_of(&secrets);
}
