//! The ladder in `verify`: each rung with its right word, through the program and the rehearsed console.
#![allow(
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use duoctl::sandbox::account::Account;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use reqwest::{Certificate, Client};
use serde_json::{Map, Value, json};

const YAML: &str = "\
version: 1
workspace: acme
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}
identity_intelligence:
  emea:
    display_name: Duo EMEA
    access: read_only
    endpoints: true
identity_intelligence_api:
  token_url: https://login.example.oort.io/oauth/token
  api_url: https://api.example.oort.io/graphql
  client_id: {env: NOT_NEEDED_IN_A_REHEARSAL}
  client_secret: {env: NOT_NEEDED_IN_A_REHEARSAL}
";

struct Workspace {
    folder: tempfile::TempDir,
}

/// The state folder, served: a person at the console.
struct Console {
    running: Running,
    client: Client,
}

impl Console {
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let base = self.running.url();
        let request = self.client.post(format!("{base}{path}")).header("Origin", base);
        let response = request.form(fields).send().await.unwrap();
        assert_eq!(response.status(), 303, "{path}");
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        format!("/console/integrations/{}", location.rsplit('-').next().unwrap())
    }

    /// Fills the form in, presses Save and Collect Now.
    async fn fill(&self, path: &str, key: (&str, &str)) -> String {
        let fields = [
            ("display_name", "Duo EMEA"),
            ("api_hostname", "api-1a2b3c4d.duosecurity.com"),
            ("integration_key", key.0),
            ("secret_key", key.1),
            ("endpoints", "on"),
        ];
        let integration = self.post(path, &fields).await;
        self.post(&format!("{integration}/collect"), &[]).await;
        integration
    }
}

impl Workspace {
    fn applied() -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(workspace.file(), YAML).unwrap();
        assert!(workspace.run(&["apply", "--auto-approve"]).status.success());
        workspace
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("duo.yaml")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join(".duoctl/sandbox")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duoctl"));
        command.current_dir(self.folder.path()).args(arguments).arg("--sandbox").output().unwrap()
    }

    async fn console(&self, switches: &[&str]) -> Console {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut options = ServeOptions { state: Some(self.state()), ..ServeOptions::default() };
        switches.iter().for_each(|switch| options.switches.set(switch).unwrap());
        let running = start(options).await.unwrap();
        let ca = Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([ca]);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Console { running, client }
    }

    /// The Admin API application's key, as the Admin Panel shows it.
    fn key(&self) -> (String, String) {
        let mut account = Account::open(&self.state()).unwrap();
        let applications = account.applications();
        let found = applications.iter().find(|a| a["name"] == "Identity Intelligence: Duo EMEA").unwrap();
        let ikey = found["integration_key"].as_str().unwrap().to_owned();
        let reply = account.as_administrator("GET", &format!("/admin/v1/integrations/{ikey}"), Map::new());
        let duoctl::sandbox::call::Reply::Ok(shown) = reply else { panic!("no application") };
        (ikey, shown["secret_key"].as_str().unwrap().to_owned())
    }

    fn rotate(&self, ikey: &str) {
        let properties = Map::from_iter([("reset_secret_key".to_owned(), json!("1"))]);
        Account::open(&self.state()).unwrap().modify_application(ikey, properties).unwrap();
    }

    /// The exit code, the highest rung, and the verdict of each rung.
    fn verify(&self, more: &[&str]) -> (i32, String, Map<String, Value>) {
        let mut arguments = vec!["verify", "--format", "json"];
        arguments.extend(more);
        let output = self.run(&arguments);
        ladder(&output)
    }

    fn attest(&self) {
        assert!(self.run(&["attest", "emea"]).status.success());
    }

    /// Makes the attestation older than the time that data may take.
    fn age(&self) {
        let text = fs::read_to_string(self.file()).unwrap();
        let line = text.lines().find(|line| line.contains("attested:")).unwrap();
        let mut words: Vec<&str> = line.split(' ').collect();
        let place = words.iter().position(|word| word.ends_with('Z')).unwrap();
        words[place] = "2026-01-01T00:00:00Z";
        fs::write(self.file(), text.replace(line, &words.join(" "))).unwrap();
    }
}

fn ladder(output: &Output) -> (i32, String, Map<String, Value>) {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let ladder = &report["identity_intelligence"][0];
    let rungs = ladder["rungs"].as_array().unwrap();
    let rungs = rungs.iter().map(|rung| (rung["name"].as_str().unwrap().to_owned(), rung["verdict"].clone()));
    let highest = ladder["highest_rung"].as_str().unwrap_or_default().to_owned();
    (output.status.code().unwrap(), highest, rungs.collect())
}

#[tokio::test]
async fn the_whole_page_ends_at_the_top_rung_and_a_rotated_key_falls_off() {
    let workspace = Workspace::applied();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "permissions"));
    assert_eq!(rungs["console form"], "pending");
    assert_eq!((&rungs["token"], &rungs["ping"]), (&json!("verified"), &json!("verified")));
    assert_eq!(
        (&rungs["integration status"], &rungs["data from Duo"]),
        (&json!("pending"), &json!("pending"))
    );

    let key = workspace.key();
    let console = workspace.console(&[]).await;
    let integration = console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
    console.running.shutdown().await;
    workspace.attest();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "this account's users"), "{rungs:?}");
    assert_eq!(rungs["console form"], "attested");
    assert_eq!(rungs["the console's switches"], "not_verifiable");

    workspace.rotate(&key.0);
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (3, "permissions"));
    assert_eq!(rungs["console form"], "failed");
    // Attested without the console holding it: the next collection says so.
    workspace.attest();
    let console = workspace.console(&[]).await;
    console.post(&format!("{integration}/collect"), &[]).await;
    console.running.shutdown().await;
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (3, "ping"), "{rungs:?}");
    assert_eq!(rungs["integration status"], "failed");

    let key = workspace.key();
    let console = workspace.console(&[]).await;
    console.fill(&integration, (&key.0, &key.1)).await;
    console.running.shutdown().await;
    assert_eq!(workspace.verify(&[]).1, "this account's users");
    let human = String::from_utf8(workspace.run(&["verify"]).stdout).unwrap();
    assert!(human.contains("highest rung reached: this account's users"), "{human}");
}

#[tokio::test]
async fn what_is_missing_is_pending_for_a_day_and_failed_afterwards() {
    let workspace = Workspace::applied();
    workspace.attest();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "ping"));
    for rung in ["integration status", "data from Duo", "this account's users"] {
        assert_eq!(rungs[rung], "pending", "{rung}");
    }
    workspace.age();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (3, "ping"));
    for rung in ["integration status", "data from Duo", "this account's users"] {
        assert_eq!(rungs[rung], "failed", "{rung}");
    }
}

#[test]
fn without_credentials_of_the_api_nothing_is_claimed() {
    let workspace = Workspace::applied();
    let text = YAML.split("identity_intelligence_api:").next().unwrap();
    fs::write(workspace.file(), text).unwrap();
    let (exit, highest, rungs) = workspace.verify(&[]);
    assert_eq!((exit, highest.as_str()), (0, "permissions"));
    assert_eq!(rungs["token"], "not_verifiable");
    assert_eq!(rungs["this account's users"], "not_verifiable");
}

/// A simulator that runs elsewhere on this machine, with the credentials as its console copied them.
struct Elsewhere {
    workspace: Workspace,
    console: Console,
}

impl Elsewhere {
    async fn with(switches: &[&str], audience: bool) -> Self {
        let workspace = Workspace::applied();
        let key = workspace.key();
        let console = workspace.console(switches).await;
        console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
        let base = console.running.url();
        let mut fields = vec![("name", "CI")];
        fields.extend(audience.then_some(("audience", "on")));
        let request = console.client.post(format!("{base}/console/api-clients/add")).header("Origin", base);
        let page = request.form(&fields).send().await.unwrap().text().await.unwrap();
        let copied = page.split("<pre id=\"credentials\">").nth(1).unwrap().split("</pre>").next().unwrap();
        fs::write(workspace.folder.path().join("copied.json"), copied.replace("&quot;", "\"")).unwrap();
        let text = YAML.split("identity_intelligence_api:").next().unwrap();
        fs::write(workspace.file(), format!("{text}identity_intelligence_api: {{file: copied.json}}\n"))
            .unwrap();
        Self { workspace, console }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let operator = self.console.running.keys().into_iter().find(|key| key.name == "operator").unwrap();
        let credentials =
            "plan: advantage, credentials: {integration_key: {env: IKEY}, secret_key: {env: SKEY}}";
        let text = fs::read_to_string(self.workspace.file()).unwrap();
        if !text.contains("credentials:") {
            fs::write(self.workspace.file(), text.replace("plan: advantage", credentials)).unwrap();
        }
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_duoctl"));
        command.current_dir(self.workspace.folder.path()).args(arguments);
        command.args(["--connect-to", &self.console.running.address().to_string()]);
        command.arg("--ca-file").arg(self.console.running.ca_file());
        command.env("IKEY", &operator.integration_key).env("SKEY", operator.secret_key.expose());
        command.output().await.unwrap()
    }

    async fn verify(&self) -> (i32, String, Map<String, Value>) {
        ladder(&self.run(&["verify", "--format", "json"]).await)
    }
}

#[tokio::test]
async fn an_old_client_and_the_other_generation_are_understood() {
    let switches = ["intelligence-status=off", "intelligence-form-token", "intelligence-new-values"];
    let elsewhere = Elsewhere::with(&switches, true).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    let (exit, highest, rungs) = elsewhere.verify().await;
    assert_eq!((exit, highest.as_str()), (0, "this account's users"), "{rungs:?}");
    assert_eq!(rungs["integration status"], "unsupported");
}

#[tokio::test]
async fn an_unknown_status_is_no_failure_and_a_removed_client_is() {
    let elsewhere = Elsewhere::with(&["intelligence-new-values"], false).await;
    assert!(elsewhere.run(&["attest", "emea"]).await.status.success());
    let (exit, _, rungs) = elsewhere.verify().await;
    assert_eq!((exit, &rungs["integration status"]), (0, &json!("not_verifiable")));
    let file = elsewhere.workspace.folder.path().join("copied.json");
    let copied = fs::read_to_string(&file).unwrap();
    let client: Value = serde_json::from_str(&copied).unwrap();
    fs::write(&file, copied.replace(client["clientSecret"].as_str().unwrap(), "wrong")).unwrap();
    let (exit, highest, rungs) = elsewhere.verify().await;
    assert_eq!((exit, highest.as_str()), (3, "permissions"));
    assert_eq!((&rungs["token"], &rungs["ping"]), (&json!("failed"), &json!("not_testable")));
}
