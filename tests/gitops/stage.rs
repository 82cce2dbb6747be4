//! What a runner has: programs that stand in for others, and a folder that stands in for the forge.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use duoctl::yaml;
use serde_json::Value;

use crate::support::Server;

/// Reads a YAML file, which may have several documents.
pub fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    let mut findings = Vec::new();
    let tree = yaml::parse(0, &text, &mut findings);
    assert_eq!(findings, [], "{}", path.display());
    tree.unwrap().json()
}

/// The files of a folder of examples/ci with this ending.
pub fn recipes(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new("examples/ci").join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    assert!(!paths.is_empty(), "{folder}");
    paths
}

/// The names of the composite actions.
pub const ACTIONS: [&str; 3] = ["duoctl", "duoctl-comment", "duoctl-plan"];

/// Copies the recipes to their places in a repository.
pub fn install(repository: &Path) {
    let workflows = repository.join(".github/workflows");
    fs::create_dir_all(&workflows).unwrap();
    for path in recipes("github", "yml") {
        fs::copy(&path, workflows.join(path.file_name().unwrap())).unwrap();
    }
    for name in ACTIONS {
        let action = repository.join(".github/actions").join(name);
        fs::create_dir_all(&action).unwrap();
        fs::copy(Path::new("examples/ci/github").join(name).join("action.yml"), action.join("action.yml"))
            .unwrap();
    }
}

/// A folder that stands in for the forge, and the programs of a runner.
pub struct Stage {
    pub folder: tempfile::TempDir,
}

impl Stage {
    /// `duoctl` is a script that runs the binary against a simulator.
    pub fn new(server: &Server) -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["comments", "issues", "labels", "artifacts", "pulls", "requests", "notes"] {
            fs::write(stage.folder.path().join(format!("{name}.json")), "[]").unwrap();
        }
        fs::create_dir(stage.programs()).unwrap();
        let running = server.running();
        let variables = [
            ("DUOCTL_CONNECT_TO", running.address().to_string()),
            ("DUOCTL_CA_FILE", running.ca_file().display().to_string()),
            ("DUOCTL_SIMULATOR_BACKOFF_MS", "1".to_owned()),
        ];
        let variables = variables.map(|(name, value)| format!("export {name}='{value}'")).join("\n");
        let binary = env!("CARGO_BIN_EXE_duoctl");
        stage.program("duoctl", &format!("#!/usr/bin/env bash\n{variables}\nexec '{binary}' \"$@\"\n"));
        stage.program("gh", include_str!("gh.sh"));
        stage.program("curl", include_str!("curl.sh"));
        stage
    }

    pub fn programs(&self) -> PathBuf {
        self.folder.path().join("programs")
    }

    pub fn program(&self, name: &str, text: &str) {
        let path = self.programs().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The forge's data of a kind.
    pub fn held(&self, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join(format!("{kind}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub fn hold(&self, kind: &str, values: &Value) {
        fs::write(self.folder.path().join(format!("{kind}.json")), values.to_string()).unwrap();
    }

    pub fn calls(&self) -> String {
        fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default()
    }
}
