//! What linters do not know, for every workflow: where secrets are, which permissions a job has, and how actions are pinned.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use regex::Regex;
use serde_json::{Value, json};

use super::lint::workflows;
use super::stage::{ACTIONS, recipes, yaml};

fn actions() -> Vec<PathBuf> {
    ACTIONS.map(|name| PathBuf::from(format!("examples/ci/github/{name}/action.yml"))).to_vec()
}

/// One commit and version of each action, everywhere, so that an update cannot miss a file.
#[test]
fn every_action_is_pinned_by_its_commit_and_in_one_version() {
    let uses = Regex::new(r"\buses: *(\S+)(.*)").unwrap();
    let pinned = Regex::new(r"^([\w.-]+/[\w.-]+)(?:/[\w./-]+)?@([0-9a-f]{40})$").unwrap();
    let version = Regex::new(r"^ # (v\d+\.\d+\.\d+)$").unwrap();
    let mut commits: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    let mut generated = Vec::new();
    for path in [recipes("github", "yml"), actions(), workflows(".github/workflows")].concat() {
        for found in uses.captures_iter(&fs::read_to_string(&path).unwrap()) {
            if found[1].starts_with("./") || found[1].starts_with("$/") {
                continue;
            }
            let [_, action, commit] = [0, 1, 2].map(|group| {
                pinned.captures(&found[1]).unwrap_or_else(|| panic!("{}: {}", path.display(), &found[0]))
                    [group]
                    .to_owned()
            });
            // dist writes no versions; dist-workspace.toml has them.
            if path.ends_with("release.yml") {
                generated.push((action, commit));
                continue;
            }
            let Some(version) = version.captures(&found[2]) else {
                panic!("{}: {}", path.display(), &found[0])
            };
            commits.entry(action).or_default().insert((commit, version[1].to_owned()));
        }
    }
    for (action, commits) in &commits {
        assert_eq!(commits.len(), 1, "{action}: {commits:?}");
    }
    let dist = fs::read_to_string("dist-workspace.toml").unwrap();
    let of_dist = Regex::new(r#"(?m)^"([\w./-]+)" = "([0-9a-f]{40})" # (v[\d.]+)$"#).unwrap();
    let of_dist: BTreeMap<String, (String, String)> = of_dist
        .captures_iter(&dist)
        .map(|found| (found[1].into(), (found[2].into(), found[3].into())))
        .collect();
    for (action, commit) in generated {
        assert_eq!(of_dist[&action].0, commit, "{action}: run `dist generate`");
    }
    for (action, pinned) in &of_dist {
        assert_eq!(commits[action].first(), Some(pinned), "{action}");
    }
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

/// A secret is in the environment of a step that runs duoctl, and nowhere else: not of a job, a workflow or another step.
#[test]
fn only_the_step_that_needs_a_secret_has_it() {
    for path in recipes("github", "yml") {
        let workflow = yaml(&path);
        let mut allowed = 0;
        for step in workflow["jobs"].as_object().unwrap().values().flat_map(steps) {
            let runs_duoctl = step["uses"] == "./.github/actions/duoctl-plan"
                || step["run"].as_str().is_some_and(|script| script.contains("duoctl "));
            if runs_duoctl {
                allowed += step["env"].to_string().matches("secrets.").count();
                assert!(!step["env"].to_string().contains("github.token"), "{path:?}: a token next to a key");
            }
        }
        assert_eq!(workflow.to_string().matches("secrets.").count(), allowed, "{path:?}");
    }
    for path in actions() {
        assert!(!fs::read_to_string(&path).unwrap().contains("secrets."), "{path:?}");
    }
}

/// Everything that a workflow may do is said by the job that does it. What may write is listed here.
#[test]
fn each_job_has_the_least_permissions() {
    let mut writing = Vec::new();
    for path in recipes("github", "yml") {
        let workflow = yaml(&path);
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(workflow["permissions"], json!({}), "{name}: no permissions except those of a job");
        for (job_name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["timeout-minutes"].is_number(), "{name}: {job_name} has no limit");
            for (scope, access) in job["permissions"].as_object().unwrap() {
                match access.as_str().unwrap() {
                    "read" => {}
                    "write" => writing.push(format!("{name} {job_name} {scope}")),
                    other => panic!("{name}: {other}"),
                }
            }
            let keeps = steps(job).filter(|step| step["uses"].to_string().contains("actions/checkout@"));
            for checkout in keeps {
                assert_eq!(checkout["with"]["persist-credentials"], json!(false), "{name}: {job_name}");
            }
        }
    }
    assert_eq!(
        writing,
        [
            "accept accept contents",
            "accept accept pull-requests",
            "code-scanning scan security-events",
            "drift drift issues",
            "plan plan pull-requests",
            "workspaces plan pull-requests",
        ]
    );
}

/// Untrusted values reach a script only through its environment.
#[test]
fn no_script_contains_an_expression() {
    for path in [recipes("github", "yml"), actions(), workflows(".github/workflows")].concat() {
        // dist writes release.yml.
        if path.ends_with("release.yml") {
            continue;
        }
        let file = yaml(&path);
        let jobs = file["jobs"].as_object().into_iter().flatten().map(|(_, job)| job);
        for step in jobs.chain([&file["runs"]]).flat_map(steps) {
            assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{path:?}: {step}");
        }
    }
}

/// Which workflows run for a fork, and what they have then.
#[test]
fn a_fork_gets_no_key() {
    for path in recipes("github", "yml") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let workflow = yaml(&path);
        let events = workflow["on"].as_object().unwrap();
        assert!(
            !events.contains_key("pull_request_target") && !events.contains_key("workflow_run"),
            "{name}"
        );
        if !events.contains_key("pull_request") {
            continue;
        }
        assert!(
            events["pull_request"].is_null(),
            "{name}: a filter would keep a required check from reporting"
        );
        let own = "github.event.pull_request.head.repo.full_name == github.repository";
        for (job_name, job) in workflow["jobs"].as_object().unwrap() {
            let condition = job["if"].as_str().unwrap_or_default();
            // `plan` of several workspaces needs a job with the condition.
            let for_own = condition.ends_with(own) || job["needs"] == "changed";
            let harmless =
                !job.to_string().contains("secrets.") && !job["permissions"].to_string().contains("write");
            assert!(for_own || harmless, "{name}: {job_name}");
        }
    }
    let forks = yaml(&PathBuf::from("examples/ci/github/validate-forks.yml"));
    assert!(!forks.to_string().contains("secrets."));
}
