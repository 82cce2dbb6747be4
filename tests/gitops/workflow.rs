//! Runs the jobs of a workflow like a runner, as far as the recipes need it: expressions, conditions, environments, outputs,
//! composite actions, caches and artifacts. Bash runs the shell steps unchanged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::expression::{filled_in, holds};
use super::stage::yaml;

/// Where a job runs, and what it can access.
pub struct Runner<'a> {
    /// The checkout.
    pub folder: &'a Path,
    /// Programs that stand in for others.
    pub programs: &'a Path,
    /// GitHub's data: artifacts, caches, comments, issues.
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
    /// The outputs of its steps: `plan.outcome`.
    pub steps: BTreeMap<String, String>,
    /// Everything that its steps printed.
    pub log: String,
    pub summary: String,
}

/// What changes while the steps of a job run.
struct Run {
    env: BTreeMap<String, String>,
    temp: PathBuf,
    path: String,
    log: String,
    /// Folders to put into the cache at the end of a job that passed.
    to_cache: Vec<(PathBuf, PathBuf)>,
}

impl Runner<'_> {
    pub fn run(&mut self, workflow: &str, job: &str) -> Job {
        let workflow = yaml(&self.folder.join(".github/workflows").join(workflow));
        let job = &workflow["jobs"][job];
        assert!(job.is_object(), "there is no such job");
        let event = self.context.get("github.event_name");
        assert!(event.is_none_or(|event| workflow["on"].get(event).is_some()), "{event:?} starts nothing");
        let mut done = Job::default();
        if !self.condition(&job["if"], true) {
            return done;
        }
        let temp = tempfile::tempdir().unwrap();
        let summary = temp.path().join("summary");
        fs::write(&summary, "").unwrap();
        self.context.insert("runner.temp".to_owned(), temp.path().display().to_string());
        let mut run = self.begin(&workflow["env"], &job["env"], temp.path());
        let passed = self.steps(&job["steps"], &mut run);
        for (folder, kept) in run.to_cache.iter().filter(|_| passed) {
            copy_files(folder, kept);
        }
        for (name, value) in job["outputs"].as_object().into_iter().flatten() {
            done.outputs.insert(name.clone(), self.filled(value));
        }
        for (name, value) in &self.context {
            if let Some((step, output)) =
                name.strip_prefix("steps.").and_then(|name| name.split_once(".outputs."))
            {
                done.steps.insert(format!("{step}.{output}"), value.clone());
            }
        }
        done.passed = Some(passed);
        done.log = run.log;
        done.summary = fs::read_to_string(summary).unwrap();
        done
    }

    fn begin(&mut self, of_workflow: &Value, of_job: &Value, temp: &Path) -> Run {
        let mut env = self.environment(of_workflow);
        env.extend(self.environment(of_job));
        for (name, value) in &env {
            self.context.insert(format!("env.{name}"), value.clone());
        }
        for (name, value) in [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_REPOSITORY", self.value("github.repository")),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("GITHUB_STEP_SUMMARY", temp.join("summary").display().to_string()),
            ("RUNNER_TEMP", temp.display().to_string()),
            ("RUNNER_OS", "Linux".to_owned()),
            ("RUNNER_ARCH", "X64".to_owned()),
        ] {
            env.insert(name.to_owned(), value);
        }
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap());
        Run { env, temp: temp.to_owned(), path, log: String::new(), to_cache: Vec::new() }
    }

    fn steps(&mut self, steps: &Value, run: &mut Run) -> bool {
        let mut passed = true;
        for step in steps.as_array().unwrap() {
            if self.condition(&step["if"], passed) {
                passed &= match step["uses"].as_str() {
                    Some(uses) => self.uses(uses, step, run),
                    None => self.shell(step, run),
                };
            }
        }
        passed
    }

    fn shell(&mut self, step: &Value, run: &mut Run) -> bool {
        let output = tempfile::NamedTempFile::new_in(&run.temp).unwrap();
        let path = tempfile::NamedTempFile::new_in(&run.temp).unwrap();
        let done = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().unwrap()])
            .current_dir(self.folder)
            .env_clear()
            .envs(&run.env)
            .envs(self.environment(&step["env"]))
            .env("PATH", &run.path)
            .env("HOME", self.github)
            .env("GH_STATE", self.github)
            .env("GITHUB_OUTPUT", output.path())
            .env("GITHUB_PATH", path.path())
            .output()
            .unwrap();
        run.log.push_str(&String::from_utf8_lossy(&done.stdout));
        run.log.push_str(&String::from_utf8_lossy(&done.stderr));
        for line in fs::read_to_string(path.path()).unwrap().lines() {
            run.path = format!("{line}:{}", run.path);
        }
        for line in fs::read_to_string(output.path()).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.output(step, name, value);
        }
        done.status.success()
    }

    fn output(&mut self, step: &Value, name: &str, value: &str) {
        if let Some(id) = step["id"].as_str() {
            self.context.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
    }

    fn uses(&mut self, uses: &str, step: &Value, run: &mut Run) -> bool {
        if let Some(local) = uses.strip_prefix("./") {
            return self.composite(&self.folder.join(local).join("action.yml"), step, run);
        }
        let (action, _) = uses.split_once('@').unwrap();
        let with = |key: &str| self.filled(&step["with"][key]);
        match action {
            // The folder is already a clone.
            "actions/checkout" => true,
            "actions/cache" => {
                let (folder, kept) =
                    (PathBuf::from(with("path")), self.github.join("cache").join(with("key")));
                if kept.is_dir() {
                    copy_files(&kept, &folder);
                    self.output(step, "cache-hit", "true");
                } else {
                    run.to_cache.push((folder, kept));
                }
                true
            }
            "actions/upload-artifact" => {
                self.upload(&with("name"), &with("path"), &with("if-no-files-found"))
            }
            "actions/download-artifact" => {
                copy_files(
                    &self.github.join("artifacts").join(with("name")),
                    &self.folder.join(with("path")),
                );
                true
            }
            "github/codeql-action/upload-sarif" => {
                fs::copy(self.folder.join(with("sarif_file")), self.github.join("alerts.sarif")).is_ok()
            }
            other => panic!("{other} is not emulated"),
        }
    }

    /// The steps of an action see its inputs and their own outputs, and nothing of the steps around it.
    fn composite(&mut self, path: &Path, step: &Value, run: &mut Run) -> bool {
        let action = yaml(path);
        let inputs = action["inputs"].as_object().cloned().unwrap_or_default();
        for given in step["with"].as_object().into_iter().flatten() {
            assert!(inputs.contains_key(given.0), "{} has no input {}", path.display(), given.0);
        }
        let mut inner = self.context.clone();
        inner.retain(|name, _| !name.starts_with("steps.") && !name.starts_with("secrets."));
        for (name, input) in inputs {
            let given = &step["with"][&name];
            assert!(!given.is_null() || input["required"] != json!(true), "{name} is required");
            let value = if given.is_null() { &input["default"] } else { given };
            inner.insert(format!("inputs.{name}"), self.filled(value));
        }
        let around = run.env.clone();
        run.env.extend(self.environment(&step["env"]));
        let outer = std::mem::replace(&mut self.context, inner);
        let passed = self.steps(&action["runs"]["steps"], run);
        let outputs = action["outputs"].as_object().into_iter().flatten();
        let outputs: Vec<_> =
            outputs.map(|(name, output)| (name.clone(), self.filled(&output["value"]))).collect();
        self.context = outer;
        run.env = around;
        for (name, value) in outputs {
            self.output(step, &name, &value);
        }
        passed
    }

    fn upload(&self, name: &str, paths: &str, if_none: &str) -> bool {
        let kept = self.github.join("artifacts").join(name);
        fs::create_dir_all(&kept).unwrap();
        let copied = paths.lines().filter(|path| {
            let path = self.folder.join(path);
            fs::copy(&path, kept.join(path.file_name().unwrap())).is_ok()
        });
        if copied.count() == 0 {
            return if_none != "error";
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

    fn environment(&self, env: &Value) -> BTreeMap<String, String> {
        let entries = env.as_object().into_iter().flatten();
        entries.map(|(name, value)| (name.clone(), self.filled(value))).collect()
    }

    fn filled(&self, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => filled_in(text, &|name| self.value(name)),
            other => other.to_string(),
        }
    }

    fn value(&self, name: &str) -> String {
        match self.context.get(name) {
            Some(value) => value.clone(),
            // An output that was not written is empty.
            None if name.starts_with("steps.") || name.starts_with("needs.") => String::new(),
            None => panic!("nothing is known of {name}"),
        }
    }

    fn condition(&self, condition: &Value, passed: bool) -> bool {
        condition.as_str().map_or(passed, |condition| holds(condition, passed, &|name| self.value(name)))
    }
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
