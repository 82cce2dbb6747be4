//! A workspace in a folder of its own, a sandbox, and the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use duoctl::config::load::load;
use duoctl::config::model::SecretTarget;
use duoctl::duo::types::Ikey;
use duoctl::sandbox::account::{API_HOSTNAME, Key};
use duoctl::sandbox::call::Reply;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use duoctl::secret::Secret;
use duoctl::secrets::payload::Payload;
use duoctl::secrets::store::StoreError;
use duoctl::secrets::{Stores, place};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

pub const KEY: &str = "Zq3vT8mXw1Rb6KdY0pLsHc9NfJgU2aEo5iVt7nQk";

/// A folder with a `duo.yaml`.
pub struct Folder {
    pub dir: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the YAML: `applications` and `secret_stores` as given.
    pub fn yaml(&self, applications: &str, stores: &str) -> &Self {
        let text = format!(
            "version: 1\nworkspace: acme\ntenant:\n  api_hostname: {API_HOSTNAME}\n  credentials:\n    \
             integration_key: {{env: DUO_IKEY}}\n    secret_key: {{env: DUO_SKEY}}\n{applications}\n{stores}\n\
             guards: {{allow: [{{risk: escalates_privilege, reason: a test}}]}}\n"
        );
        fs::write(self.path("duo.yaml"), text).unwrap();
        self
    }

    /// An executable script.
    pub fn script(&self, name: &str, body: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A store that keeps what it is given in `kept-PATH`.
    pub fn keeper(&self) {
        self.script(
            "keep.sh",
            "set -eu; umask 077; input=$(cat); path=$(printf %s \"$input\" | sed 's/.*\"path\":\"\\([^\"]*\\)\".*/\\1/')\n\
             case \"$1\" in\n\
             write) printf %s \"$input\" | python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)[\"content\"])' > \"kept-$path\" ;;\n\
             read) [ -e \"kept-$path\" ] || exit 3; cat \"kept-$path\" ;;\n\
             esac",
        );
    }

    pub fn stores(&self) -> Stores {
        let loaded = load(self.dir.path());
        Stores::open(loaded.valid().unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)))
    }
}

pub fn target(store: &str, path: &str, format: Option<&str>) -> SecretTarget {
    SecretTarget { store: store.to_owned(), path: path.to_owned(), format: format.map(str::to_owned) }
}

pub fn payload(key: &str) -> Payload {
    Payload {
        ikey: Ikey::new("DIAAAAAAAAAAAAAAAAA1"),
        secret_key: Some(Secret::new(key)),
        clients: BTreeMap::new(),
        api_hostname: API_HOSTNAME.to_owned(),
        address: "applications.vpn".to_owned(),
        delivered_at: "2026-11-24T22:00:00Z".to_owned(),
        previous: None,
    }
}

/// Reads and writes as a delivery does.
pub async fn put(stores: &Stores, target: &SecretTarget, key: &str) -> Result<(), StoreError> {
    let store = stores.of(target)?;
    let revision = if store.write_only() { 0 } else { store.read(&place(target)).await?.revision };
    store.write(&place(target), &payload(key), revision).await
}

/// The secret key that a store holds.
pub async fn got(stores: &Stores, target: &SecretTarget) -> Result<Option<String>, StoreError> {
    let contents = stores.read(target).await?.expect("a store that can be read");
    Ok(contents.payload.and_then(|payload| payload.secret_key).map(|key| key.expose().to_owned()))
}

pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// The sandbox with its operator.
pub struct Duo {
    pub sandbox: Running,
    pub operator: Key,
    /// What the binary has in its environment beside the operator's keys.
    pub environment: Vec<(String, OsString)>,
}

impl Duo {
    pub async fn start() -> Self {
        let sandbox = start(ServeOptions::default()).await.unwrap();
        let operator = sandbox.keys().into_iter().find(|key| key.name == "operator").unwrap();
        Self { sandbox, operator, environment: Vec::new() }
    }

    /// Runs the binary in the folder against this sandbox.
    pub async fn run(&self, folder: &Folder, arguments: &[&str]) -> Run {
        self.run_as(folder, env!("CARGO_BIN_EXE_duoctl"), arguments).await
    }

    /// The same through another program, which gets the binary's arguments.
    pub async fn run_as(&self, folder: &Folder, program: &str, arguments: &[&str]) -> Run {
        Run::of(self.command(folder, program, arguments).output().await.unwrap())
    }

    /// What is to be run, before it is.
    pub fn command(&self, folder: &Folder, program: &str, arguments: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .arg("--connect-to")
            .arg(self.sandbox.address().to_string())
            .arg("--ca-file")
            .arg(self.sandbox.ca_file())
            .current_dir(folder.dir.path())
            .env("DUO_IKEY", &self.operator.integration_key)
            .env("DUO_SKEY", self.operator.secret_key.expose())
            .env("NO_COLOR", "1")
            .env("DUOCTL_SIMULATOR_BACKOFF_MS", "1")
            .env_remove("CI")
            .env_remove("GITHUB_ACTIONS")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Begins the binary in the folder; it is killed when it is dropped.
    pub fn begin(&self, folder: &Folder, arguments: &[&str]) -> tokio::process::Child {
        let mut command = self.command(folder, env!("CARGO_BIN_EXE_duoctl"), arguments);
        command.kill_on_drop(true).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub async fn apply(&self, folder: &Folder) -> Run {
        self.run(folder, &["apply", "--auto-approve"]).await
    }

    pub async fn plan(&self, folder: &Folder) -> Run {
        self.run(folder, &["plan", "--detailed-exitcode"]).await
    }

    /// Every application of a name, secrets in clear.
    pub fn applications(&self, name: &str) -> Vec<Value> {
        let mut account = self.sandbox.account();
        let mut found: Vec<Value> = account.applications();
        found.retain(|application| application["name"] == name);
        for application in &mut found {
            let ikey = application["integration_key"].as_str().unwrap().to_owned();
            let mut ask = |path: String| match account.as_administrator("GET", &path, Map::new()) {
                Reply::Ok(response) => response,
                _ => Value::Null,
            };
            application["secret_key"] =
                ask(format!("/admin/v1/integrations/{ikey}/skey"))["secret_key"].take();
            application["client_secret"] =
                ask(format!("/admin/v2/integrations/oidc/{ikey}/client_secret"))["client_secret"].take();
        }
        found
    }

    /// Every secret of every application.
    pub fn secrets(&self) -> Vec<String> {
        let names: BTreeSet<String> = {
            let mut account = self.sandbox.account();
            account
                .applications()
                .iter()
                .map(|application| application["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let all = names.iter().flat_map(|name| self.applications(name));
        let secrets = all.flat_map(|application| {
            [application["secret_key"].clone(), application["client_secret"].clone()]
        });
        secrets
            .filter_map(|secret| secret.as_str().map(str::to_owned))
            .filter(|secret| secret.len() > 20)
            .collect()
    }

    /// The only application of a name.
    pub fn application(&self, name: &str) -> Value {
        let mut found = self.applications(name);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// What an administrator changes in the Admin Panel.
    pub fn modify(&self, name: &str, properties: Value) {
        let ikey = self.application(name)["integration_key"].as_str().unwrap().to_owned();
        let properties = properties.as_object().cloned().unwrap();
        assert!(self.sandbox.account().modify_application(&ikey, properties).is_ok());
    }

    /// Somebody makes a new secret key in the Admin Panel.
    pub fn reset(&self, name: &str) {
        self.modify(name, json!({"reset_secret_key": 1}));
    }
}

/// What a run printed.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Fails unless the exit code is this one.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        let found = self.out.contains(words) || self.err.contains(words);
        assert!(found, "no {words:?} in stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn never_says(self, words: &str) -> Self {
        let found = self.out.contains(words) || self.err.contains(words);
        assert!(!found, "{words:?} in stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}
