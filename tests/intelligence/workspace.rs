//! A folder with YAML and its simulated account, a person at the rehearsed console, and a simulator elsewhere.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use duoctl::sandbox::account::Account;
use duoctl::sandbox::call::Reply;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use reqwest::{Certificate, Client};
use serde_json::{Map, Value, json};

/// One entry, and credentials of the public API, which a rehearsal replaces with its own.
pub(crate) const CONNECTION: &str = "\
version: 1
workspace: acme
tenant: {api_hostname: api-1a2b3c4d.duosecurity.com, plan: advantage}
identity_intelligence:
  emea:
    display_name: Duo EMEA
    access: read_only
    endpoints: true
    api:
      token_url: https://login.example.oort.io/oauth/token
      api_url: https://api.example.oort.io/graphql
      client_id: {env: NOT_NEEDED_IN_A_REHEARSAL}
      client_secret: {env: NOT_NEEDED_IN_A_REHEARSAL}
";

pub(crate) struct Workspace {
    pub(crate) folder: tempfile::TempDir,
}

/// The served state folder: a person at the console.
pub(crate) struct Console {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

impl Console {
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let base = self.running.url();
        let request = self.client.post(format!("{base}{path}")).header("Origin", base);
        let response = request.form(fields).send().await.unwrap();
        assert_eq!(response.status(), 303, "{path}");
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        format!("/console/integrations/{}", location.rsplit('-').next().unwrap())
    }

    /// Fills in the form, and presses Save and Collect Now.
    pub(crate) async fn fill(&self, path: &str, key: (&str, &str)) -> String {
        self.fill_as("Duo EMEA", path, key).await
    }

    /// The same for an integration of another name.
    pub(crate) async fn fill_as(&self, name: &str, path: &str, key: (&str, &str)) -> String {
        let fields = [
            ("display_name", name),
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
    pub(crate) fn with(yaml: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(workspace.git_configuration(), "[user]\n\tname = Test Er\n\temail = tester@example.com\n")
            .unwrap();
        fs::write(workspace.file(), yaml).unwrap();
        workspace
    }

    /// With everything applied.
    pub(crate) fn applied(yaml: &str) -> Self {
        let workspace = Self::with(yaml);
        workspace.ok(&["apply", "--auto-approve"]);
        workspace
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("duo.yaml")
    }

    /// git's configuration with the person at this workspace.
    pub(crate) fn git_configuration(&self) -> PathBuf {
        self.folder.path().join(".gitconfig")
    }

    pub(crate) fn yaml(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    pub(crate) fn replace(&self, from: &str, to: &str) {
        let text = self.yaml();
        assert!(text.contains(from), "{from} in {text}");
        fs::write(self.file(), text.replace(from, to)).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duoctl"));
        command.env("GIT_CONFIG_GLOBAL", self.git_configuration()).env("GIT_CONFIG_NOSYSTEM", "1");
        command.current_dir(self.folder.path()).args(arguments).arg("--sandbox").output().unwrap()
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out
    }

    /// The exit code, and both outputs as one text.
    pub(crate) fn says(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), text)
    }

    pub(crate) fn plan(&self) -> Value {
        serde_json::from_str(&self.ok(&["plan", "--format", "json"])).unwrap()
    }

    /// The labels that the plan asks to enter for an entry.
    pub(crate) fn again(&self, name: &str) -> Vec<String> {
        let plan = self.plan();
        let address = format!("identity_intelligence.{name}");
        let handoffs = plan["handoffs"].as_array().unwrap();
        let handoff = handoffs.iter().find(|handoff| handoff["address"] == address.as_str());
        let fields = handoff.and_then(|handoff| handoff["fields"].as_array().cloned()).unwrap_or_default();
        let outstanding = fields.iter().filter(|field| field["outstanding"] == true);
        outstanding.map(|field| field["label"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join(".duoctl/sandbox")
    }

    /// An action in the Admin Panel.
    pub(crate) fn account(&self) -> Account {
        Account::open(&self.state()).unwrap()
    }

    pub(crate) fn ikey(&self, kind: &str, name: &str) -> String {
        let applications = self.account().applications();
        let found = applications.iter().find(|a| a["type"] == kind && a["name"] == name);
        found.unwrap()["integration_key"].as_str().unwrap().to_owned()
    }

    /// An application's secret key, as the Admin Panel shows it.
    pub(crate) fn secret(&self, ikey: &str) -> String {
        let path = format!("/admin/v1/integrations/{ikey}");
        let Reply::Ok(shown) = self.account().as_administrator("GET", &path, Map::new()) else {
            panic!("no application")
        };
        shown["secret_key"].as_str().unwrap().to_owned()
    }

    /// The Admin API application's key.
    pub(crate) fn key(&self) -> (String, String) {
        let ikey = self.ikey("adminapi", "Identity Intelligence: Duo EMEA");
        let secret = self.secret(&ikey);
        (ikey, secret)
    }

    pub(crate) fn modify(&self, ikey: &str, field: &str, value: &str) {
        let properties = Map::from_iter([(field.to_owned(), json!(value))]);
        self.account().modify_application(ikey, properties).unwrap();
    }

    pub(crate) fn rotate(&self, ikey: &str) {
        self.modify(ikey, "reset_secret_key", "1");
    }

    pub(crate) async fn console(&self, switches: &[&str]) -> Console {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut options = ServeOptions { state: Some(self.state()), ..ServeOptions::default() };
        switches.iter().for_each(|switch| options.switches.set(switch).unwrap());
        let running = start(options).await.unwrap();
        let ca = Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([ca]);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Console { running, client }
    }

    /// The exit code, the last check reached, and the verdict of each check.
    pub(crate) fn verify(&self, more: &[&str]) -> (i32, String, Map<String, Value>) {
        let mut arguments = vec!["verify", "--format", "json"];
        arguments.extend(more);
        let output = self.run(&arguments);
        connection(&output)
    }

    pub(crate) fn attest(&self) {
        self.ok(&["attest", "emea"]);
    }

    /// The same although the public API disagrees.
    pub(crate) fn insist(&self, name: &str) {
        self.ok(&["attest", name, "--force", "--reason", "a rehearsal"]);
    }

    /// Sets the last collection of an integration to this many seconds from now.
    pub(crate) fn collected(&self, display_name: &str, seconds: i64) {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        self.account().date_collection(display_name, at).unwrap();
    }

    /// Makes the attestation older than the time that data may take.
    pub(crate) fn age(&self) {
        let text = self.yaml();
        let line = text.lines().find(|line| line.contains("attested:")).unwrap();
        let mut words: Vec<&str> = line.split(' ').collect();
        let place = words.iter().position(|word| word.ends_with('Z')).unwrap();
        words[place] = "2026-01-01T00:00:00Z";
        fs::write(self.file(), text.replace(line, &words.join(" "))).unwrap();
    }
}

/// The exit code, the last check reached, and the verdict of each check.
pub(crate) fn connection(output: &Output) -> (i32, String, Map<String, Value>) {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let (reached, checks) = checked(&report, "identity_intelligence.emea");
    (output.status.code().unwrap(), reached, checks)
}

/// The last check reached, and the verdict of each check, of one entry.
pub(crate) fn checked(report: &Value, address: &str) -> (String, Map<String, Value>) {
    let connections = report["identity_intelligence"].as_array().unwrap();
    let connection = connections.iter().find(|connection| connection["address"] == address).unwrap();
    let checks = connection["checks"].as_array().unwrap();
    let checks =
        checks.iter().map(|check| (check["name"].as_str().unwrap().to_owned(), check["verdict"].clone()));
    let reached = connection["reached"].as_str().unwrap_or_default().to_owned();
    (reached, checks.collect())
}

/// A simulator that runs elsewhere on this machine, with the credentials copied from its console.
pub(crate) struct Elsewhere {
    pub(crate) workspace: Workspace,
    pub(crate) console: Console,
}

impl Elsewhere {
    pub(crate) async fn with(switches: &[&str], audience: bool) -> Self {
        let workspace = Workspace::applied(CONNECTION);
        let key = workspace.key();
        let console = workspace.console(switches).await;
        console.fill("/console/integrations/duo", (&key.0, &key.1)).await;
        // In the same second as the creation of the key it would prove nothing.
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
        console.running.account().date_collection("Duo EMEA", later).unwrap();
        let base = console.running.url();
        let mut fields = vec![("name", "CI")];
        fields.extend(audience.then_some(("audience", "on")));
        let request = console.client.post(format!("{base}/console/api-clients/add")).header("Origin", base);
        let page = request.form(&fields).send().await.unwrap().text().await.unwrap();
        let copied = page.split("<pre id=\"credentials\">").nth(1).unwrap().split("</pre>").next().unwrap();
        fs::write(workspace.folder.path().join("copied.json"), copied.replace("&quot;", "\"")).unwrap();
        let text = CONNECTION.split("    api:").next().unwrap();
        fs::write(workspace.file(), format!("{text}    api: {{file: copied.json}}\n")).unwrap();
        Self { workspace, console }
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let operator = self.console.running.keys().into_iter().find(|key| key.name == "operator").unwrap();
        let credentials =
            "plan: advantage, credentials: {integration_key: {env: IKEY}, secret_key: {env: SKEY}}";
        let text = fs::read_to_string(self.workspace.file()).unwrap();
        if !text.contains("credentials:") {
            fs::write(self.workspace.file(), text.replace("plan: advantage", credentials)).unwrap();
        }
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_duoctl"));
        command.env("GIT_CONFIG_GLOBAL", self.workspace.git_configuration()).env("GIT_CONFIG_NOSYSTEM", "1");
        command.current_dir(self.workspace.folder.path()).args(arguments);
        command.env("DUOCTL_CONNECT_TO", self.console.running.address().to_string());
        command.env("DUOCTL_CA_FILE", self.console.running.ca_file());
        command.env("DUOCTL_SIMULATOR_PATIENCE_MS", "1500");
        command.env("IKEY", &operator.integration_key).env("SKEY", operator.secret_key.expose());
        command.output().await.unwrap()
    }

    pub(crate) async fn verify(&self) -> (i32, String, Map<String, Value>) {
        connection(&self.run(&["verify", "--format", "json"]).await)
    }
}
