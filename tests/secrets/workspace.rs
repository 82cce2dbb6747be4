//! What tests of deliveries need in addition to the kit: stores, their content, and Duo's secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use duoctl::config::load::load;
use duoctl::config::model::SecretTarget;
use duoctl::duo::object::Ikey;
use duoctl::sandbox::account::{API_HOSTNAME, Key};
use duoctl::sandbox::call::Reply;
use duoctl::secret::Secret;
use duoctl::secrets::payload::Payload;
use duoctl::secrets::store::StoreError;
use duoctl::secrets::{Stores, place};
use serde_json::{Map, Value, json};

pub use crate::support::{Call, Folder, Outcome, Server};

pub const KEY: &str = "Zq3vT8mXw1Rb6KdY0pLsHc9NfJgU2aEo5iVt7nQk";

impl Folder {
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

    /// A store that keeps its input in `kept-PATH`.
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
        let loaded = load(self.root());
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
        workspace: "acme".to_owned(),
        delivered_at: "2026-11-24T22:00:00Z".to_owned(),
        previous: None,
    }
}

/// Reads and writes like a delivery.
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

/// A script that applies where no file may grow, which is how every writer sees a full disk.
pub fn without_room() -> String {
    let binary = env!("CARGO_BIN_EXE_duoctl");
    format!("trap '' XFSZ; ulimit -f 0; exec '{binary}' apply --auto-approve \"$@\"")
}

pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// The simulator with its operator.
pub struct Duo {
    server: Server,
    pub operator: Key,
    /// The binary's environment in addition to the operator's keys.
    pub environment: Vec<(String, OsString)>,
}

impl Deref for Duo {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Duo {
    pub fn start() -> Self {
        let server = Server::start();
        let operator = server.key("operator");
        Self { server, operator, environment: Vec::new() }
    }

    /// The call, as the operator.
    pub fn at(&self, call: Call) -> Call {
        let call = call.at_with(&self.server, &self.operator);
        self.environment.iter().fold(call, |call, (name, value)| call.env(name, value))
    }

    /// The binary in the folder, before it is started.
    pub fn call(&self, folder: &Folder, arguments: &[&str]) -> Call {
        self.at(folder.duoctl(arguments))
    }

    pub fn run(&self, folder: &Folder, arguments: &[&str]) -> Outcome {
        self.call(folder, arguments).run()
    }

    pub fn apply(&self, folder: &Folder) -> Outcome {
        self.run(folder, &["apply", "--auto-approve"])
    }

    /// Runs a command and kills it while its Nth request waits for an answer. False if it ended before.
    pub fn killed(&self, folder: &Folder, command: &[&str], fault: &str, number: usize) -> bool {
        let before = self.account().faults.halted();
        self.account().faults.add(format!("{fault}=1@{}", number - 1).parse().unwrap());
        let mut run = self.call(folder, command).start();
        self.wait_until("it hangs or ends", |account| account.faults.halted() > before || run.has_ended());
        let hung = self.account().faults.halted() > before;
        run.kill();
        self.calm();
        hung
    }

    pub fn plan(&self, folder: &Folder) -> Outcome {
        self.run(folder, &["plan", "--detailed-exitcode"])
    }

    /// Every application of a name, with secrets in clear text.
    pub fn applications(&self, name: &str) -> Vec<Value> {
        let mut account = self.account();
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
            let mut account = self.account();
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

    /// An administrator resets the secret key in the Admin Panel.
    pub fn reset(&self, name: &str) {
        self.edit(name, json!({"reset_secret_key": 1}));
    }
}
