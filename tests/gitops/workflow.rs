//! Runs the jobs of a workflow like a runner, as far as the recipes need it: expressions, conditions, environments, outputs,
//! composite actions and artifacts. Bash runs the shell steps unchanged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use duoctl::yaml;
use serde_json::{Value, json};

/// Reads a YAML file.
pub fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    let mut findings = Vec::new();
    let tree = yaml::parse(0, &text, &mut findings);
    assert_eq!(findings, [], "{}", path.display());
    tree.unwrap().json()
}

/// Where a job runs, and what it can access.
pub struct Runner<'a> {
    /// The checkout.
    pub folder: &'a Path,
    /// Programs that stand in for others.
    pub programs: &'a Path,
    /// GitHub's data: artifacts, comments, issues.
    pub github: &'a Path,
    /// Expressions and their values, e.g. `github.sha`.
    pub context: BTreeMap<String, String>,
}

/// The result of a job.
#[derive(Debug, Default)]
pub struct Job {
    /// `None` if its condition was false.
    pub passed: Option<bool>,
    pub outputs: BTreeMap<String, String>,
    /// Everything that its steps printed.
    pub log: String,
    pub summary: String,
}

impl Runner<'_> {
    pub fn run(&mut self, workflow: &str, job: &str) -> Job {
        let path = self.folder.join(".github/workflows").join(workflow);
        let workflow = yaml(&path);
        assert_eq!(workflow["permissions"], json!({}), "no permissions but those of a job");
        let job = &workflow["jobs"][job];
        assert!(job["permissions"].is_object() && job["timeout-minutes"].is_number());
        let mut done = Job::default();
        if !self.holds(&job["if"]) {
            return done;
        }
        let temp = tempfile::tempdir().unwrap();
        let summary = temp.path().join("summary");
        fs::write(&summary, "").unwrap();
        let mut env = self.environment(&workflow["env"]);
        env.insert("GITHUB_STEP_SUMMARY".to_owned(), summary.display().to_string());
        env.insert("RUNNER_TEMP".to_owned(), temp.path().display().to_string());
        let mut passed = true;
        for step in job["steps"].as_array().unwrap() {
            if passed && self.holds(&step["if"]) {
                passed = self.step(step, &env, &mut done.log);
            }
        }
        for (name, value) in job["outputs"].as_object().into_iter().flatten() {
            done.outputs.insert(name.clone(), self.filled_in(value.as_str().unwrap()));
        }
        done.passed = Some(passed);
        done.summary = fs::read_to_string(summary).unwrap();
        done
    }

    fn step(&mut self, step: &Value, env: &BTreeMap<String, String>, log: &mut String) -> bool {
        match step["uses"].as_str() {
            Some(uses) => self.uses(uses, &step["with"], env, log),
            None => self.shell(step, env, log),
        }
    }

    fn shell(&mut self, step: &Value, env: &BTreeMap<String, String>, log: &mut String) -> bool {
        let script = step["run"].as_str().unwrap();
        // Untrusted values reach a script only through its environment.
        assert!(!script.contains("${{"), "{script}");
        let output = tempfile::NamedTempFile::new().unwrap();
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap());
        let done = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.folder)
            .env_clear()
            .envs(env)
            .envs(self.environment(&step["env"]))
            .env("PATH", path)
            .env("HOME", self.github)
            .env("GH_STATE", self.github)
            .env("GITHUB_OUTPUT", output.path())
            .output()
            .unwrap();
        log.push_str(&String::from_utf8_lossy(&done.stdout));
        log.push_str(&String::from_utf8_lossy(&done.stderr));
        if let Some(id) = step["id"].as_str() {
            for line in fs::read_to_string(output.path()).unwrap().lines() {
                let (name, value) = line.split_once('=').unwrap();
                self.context.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
        }
        done.status.success()
    }

    fn uses(&mut self, uses: &str, with: &Value, env: &BTreeMap<String, String>, log: &mut String) -> bool {
        if let Some(local) = uses.strip_prefix("./") {
            let action = yaml(&self.folder.join(local).join("action.yml"));
            for (name, input) in action["inputs"].as_object().into_iter().flatten() {
                let given = with[name].as_str().or(input["default"].as_str()).unwrap_or_default();
                self.context.insert(format!("inputs.{name}"), given.to_owned());
            }
            return action["runs"]["steps"].as_array().unwrap().iter().all(|step| self.step(step, env, log));
        }
        let (action, commit) = uses.split_once('@').unwrap();
        assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{uses} is not pinned");
        let with = |key: &str| self.filled_in(with[key].as_str().unwrap_or_default());
        match action {
            // The folder is already a clone.
            "actions/checkout" => true,
            "actions/upload-artifact" => {
                let (name, path) = (with("name"), with("path"));
                let kept = self.github.join("artifacts").join(&name);
                fs::create_dir_all(&kept).unwrap();
                if fs::copy(self.folder.join(&path), kept.join(&path)).is_err() {
                    return false;
                }
                let list = self.github.join("artifacts.json");
                let mut all: Vec<Value> = serde_json::from_str(&fs::read_to_string(&list).unwrap()).unwrap();
                all.push(json!({
                    "name": name, "expired": false, "created_at": format!("2026-01-01T00:00:{:02}Z", all.len()),
                    "workflow_run": {
                        "id": all.len() + 100, "repository_id": 1, "head_repository_id": 1,
                        "head_sha": self.context.get("github.event.pull_request.head.sha"),
                    },
                }));
                fs::write(list, json!(all).to_string()).unwrap();
                true
            }
            "actions/download-artifact" => {
                let (kept, folder) =
                    (self.github.join("artifacts").join(with("name")), self.folder.join(with("path")));
                fs::create_dir_all(&folder).unwrap();
                for entry in fs::read_dir(kept).unwrap().map(Result::unwrap) {
                    fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
                }
                true
            }
            other => panic!("{other} is not played"),
        }
    }

    fn environment(&self, env: &Value) -> BTreeMap<String, String> {
        let entries = env.as_object().into_iter().flatten();
        entries.map(|(name, value)| (name.clone(), self.filled_in(value.as_str().unwrap()))).collect()
    }

    fn filled_in(&self, text: &str) -> String {
        let mut parts = text.split("${{");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (expression, rest) = part.split_once("}}").unwrap();
            filled.push_str(&self.value(expression.trim()));
            filled.push_str(rest);
        }
        filled
    }

    fn value(&self, expression: &str) -> String {
        if let Some(text) = expression.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return text.to_owned();
        }
        match self.context.get(expression) {
            Some(value) => value.clone(),
            // An output that was not written is empty.
            None if expression.starts_with("steps.") || expression.starts_with("needs.") => String::new(),
            None => panic!("nothing is known of {expression}"),
        }
    }

    fn holds(&self, condition: &Value) -> bool {
        let Some(condition) = condition.as_str() else { return true };
        condition.split("&&").all(|part| match (part.split_once("=="), part.split_once("!=")) {
            (Some((a, b)), _) => self.value(a.trim()) == self.value(b.trim()),
            (None, Some((a, b))) => self.value(a.trim()) != self.value(b.trim()),
            (None, None) => panic!("{condition} is not played"),
        })
    }
}

/// A folder that stands in for GitHub, and the programs of a runner.
pub struct Stage {
    pub folder: tempfile::TempDir,
}

impl Stage {
    /// `duoctl` is a script that runs the binary, with `more` arguments for calls to Duo.
    pub fn new(more: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in
            [("comments", "[]"), ("issues", "[]"), ("artifacts", "[]"), ("pulls", "[]"), ("notes", "[]")]
        {
            fs::write(folder.path().join(format!("{name}.json")), value).unwrap();
        }
        let stage = Self { folder };
        fs::create_dir(stage.programs()).unwrap();
        let binary = env!("CARGO_BIN_EXE_duoctl");
        stage.program("duoctl", &format!(
            "#!/usr/bin/env bash\nexport DUOCTL_SIMULATOR_BACKOFF_MS=1\ncase ${{1:-}} in\n  plan | apply | drift | verify | doctor) exec '{binary}' \"$@\" {} ;;\n  *) exec '{binary}' \"$@\" ;;\nesac\n",
            more.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        ));
        stage.program("gh", include_str!("gh.sh"));
        stage.program("curl", include_str!("curl.sh"));
        stage.program("cargo", "#!/bin/sh\necho \"cargo $*\" >> \"$GH_STATE/calls\"\n");
        stage
    }

    pub fn programs(&self) -> PathBuf {
        self.folder.path().join("programs")
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.programs().join(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// GitHub's data of a kind.
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
