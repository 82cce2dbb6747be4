//! Checks the Vault double: Vault's own Python client works with it. And the store against a real server: `rvault` of the
//! crate `rusty_vault`, which has Vault's API with version 1 of the engine, AppRole and sealing.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::vault_double::{TOKEN, UNSEAL_KEY, Vault, certificates};
use super::workspace::{Duo, Folder};
use crate::support::python::{python, skip, suite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_double_is_a_vault_to_vaults_own_client() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => return skip("the double of Vault, by hvac", &reason),
    };
    let vault = Vault::start().await;
    {
        let mut state = vault.state();
        state.namespace = "infra/duo".to_owned();
        state.lease = (3600, true);
        state.tokens.insert("narrow".to_owned(), "kv/data/other".to_owned());
        state.logins = vec!["role/secret".to_owned(), "ci/token".to_owned()];
    }
    let mut command = Command::new(python);
    command
        .args(["-W", "ignore::DeprecationWarning"])
        .arg(suite().join("vault_double.py"))
        .env("VAULT_ADDR", format!("https://localhost:{}", vault.address.port()))
        .env("VAULT_CACERT", vault.ca.path())
        .env("VAULT_TOKEN", TOKEN)
        .env("VAULT_NAMESPACE", "infra/duo")
        .env("UNSEAL_KEY", UNSEAL_KEY);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("Ran 13 tests"), "{text}");
}

/// A separate server, from a program that a person built (`cargo install rusty_vault --version 0.2.1`).
struct Server {
    process: Child,
    address: String,
    folder: Folder,
    python: PathBuf,
}

impl Server {
    fn start(program: &Path, python: PathBuf) -> Self {
        let folder = Folder::empty();
        for (name, text) in ["ca.pem", "leaf.pem", "key.pem"].iter().zip(certificates()) {
            std::fs::write(folder.path(name), text).unwrap();
        }
        // The server does not accept port 0.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| folder.path(name).display().to_string();
        let config = json!({
            "listener": {"tcp": {
                "address": format!("127.0.0.1:{port}"),
                "tls_disable": false,
                // With them it cannot resume a TLS session: it sets no session context.
                "tls_disable_client_certs": true,
                "tls_cert_file": at("leaf.pem"),
                "tls_key_file": at("key.pem"),
            }},
            "storage": {"file": {"path": at("data")}},
            "log_level": "warn",
        });
        std::fs::write(folder.path("config.json"), config.to_string()).unwrap();
        let mut command = Command::new(program);
        command.args(["server", "--config"]).arg(folder.path("config.json")).current_dir(folder.root());
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { process, address: format!("https://localhost:{port}"), folder, python }
    }

    fn call(&self, script: &str, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> String {
        let mut command = Command::new(&self.python);
        command
            .arg(suite().join(script))
            .args(arguments)
            .env("VAULT_ADDR", &self.address)
            .env("VAULT_CACERT", self.folder.path("ca.pem"))
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// `secret_stores` with one store, `vault`.
    fn store(&self, mount: &str, more: &str) -> String {
        let (address, ca) = (&self.address, self.folder.path("ca.pem").display().to_string());
        format!(
            "secret_stores: {{vault: {{type: vault, address: \"{address}\", mount: {mount}, kv_version: 1, ca_file: {ca}, {more}}}}}"
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const APPLICATIONS: &str = "applications:
  a: {type: authapi, name: A, user_access: no_users, secret: {store: vault, path: team/a}}
  b: {type: adminapi, name: B, user_access: no_users, permissions: [info], secret: {store: vault, path: team/b}}
";

/// Opt-in, since the server takes minutes to build: `DUOCTL_TEST_RVAULT=/path/to/rvault`.
#[test]
fn a_real_server_with_version_one_app_role_and_a_seal() {
    let Some(program) = std::env::var_os("DUOCTL_TEST_RVAULT") else {
        eprintln!("skipped: the store `vault` against a real server; DUOCTL_TEST_RVAULT names none");
        return;
    };
    let server = Server::start(Path::new(&program), python().unwrap());
    let made: Value = serde_json::from_str(&server.call("vault_server.py", &["set-up"], &[], "")).unwrap();
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    let root = [("VAULT_TOKEN", made["token"].as_str().unwrap())];
    let (duo, folder) = (Duo::start(), Folder::empty());
    std::fs::write(folder.path("secret_id"), text("secret_id")).unwrap();
    let login = format!("app_role: {{role_id: {}, secret_id: {{file: secret_id}}}}", text("role_id"));
    folder.yaml(APPLICATIONS, &server.store("duo", &login));

    duo.apply(&folder).exits(0).tells("duo/team/a; read back, proven by a signed call");
    duo.plan(&folder).exits(0);
    for (path, name) in [("team/a", "A"), ("team/b", "B")] {
        let held = server.call("vault_kv.py", &["read", "1", "duo", path], &root, "");
        let held: Value = serde_json::from_str(&held).unwrap();
        assert_eq!(held["secret_key"], duo.application(name)["secret_key"]);
    }
    let other = json!({"integration_key": "DIOTHER", "secret_key": "other"}).to_string();
    server.call("vault_kv.py", &["write", "1", "duo", "team/a"], &root, &other);
    server.call("vault_kv.py", &["delete", "1", "duo", "team/b"], &root, "");
    duo.plan(&folder)
        .exits(2)
        .tells("the store holds the keys of DIOTHER")
        .tells("the store holds nothing yet");
    duo.apply(&folder).exits(0).tells("Applied: 2 of 2 steps.");

    // A sealed server, a wrong mount and a wrong login are errors, never an empty store.
    server.call("vault_server.py", &["seal"], &root, "");
    duo.plan(&folder).exits(1).tells("error[store-unreadable]").tells("is sealed").tells("unseal it");
    server.call("vault_server.py", &["unseal"], &[("UNSEAL_KEY", &text("unseal_key"))], "");
    duo.plan(&folder).exits(0);
    folder.yaml(APPLICATIONS, &server.store("nowhere", &login));
    duo.plan(&folder).exits(1).tells("has no mount nowhere").tells("correct `mount`");
    std::fs::write(folder.path("secret_id"), "wrong").unwrap();
    folder.yaml(APPLICATIONS, &server.store("duo", &login));
    duo.plan(&folder).exits(1).tells("the login at auth/approle/login failed");
    std::fs::write(folder.path("token"), "wrong").unwrap();
    folder.yaml(APPLICATIONS, &server.store("duo", "token: {file: token}"));
    duo.plan(&folder).exits(1).tells("does not accept the token");
}
