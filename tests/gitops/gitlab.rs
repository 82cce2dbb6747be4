//! GitLab's pipeline: which jobs run, which variables reach them, and what they do.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::shells::{Scene, ends};
use super::stage::yaml;

/// A variable of a project's settings, as the table of docs/how-to/ci.md has it.
#[derive(Debug)]
struct Variable {
    name: String,
    /// The environments of the jobs that get it.
    environments: Vec<String>,
    protected: bool,
}

fn documented() -> Vec<Variable> {
    let page = fs::read_to_string("docs/how-to/ci.md").unwrap();
    let table = page.split("## GitLab").nth(1).unwrap().lines().filter(|line| line.starts_with("| `"));
    let quoted = regex::Regex::new("`([^`]+)`").unwrap();
    let mut found = Vec::new();
    for row in table {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, names, environments, masked, protected, _] = cells[..] else { panic!("{row}") };
        assert_eq!(masked, "yes", "{row}");
        let all = |cell| quoted.captures_iter(cell).map(|name| name[1].to_owned()).collect::<Vec<String>>();
        for name in all(names).into_iter().filter(|name| name.to_uppercase() == *name) {
            found.push(Variable {
                name,
                environments: all(environments),
                protected: protected.starts_with("yes"),
            });
        }
    }
    found
}

/// A pipeline: what started it, and the variables that GitLab sets.
struct Pipeline<'a> {
    scene: &'a Scene,
    file: Value,
    predefined: Vec<(&'static str, &'static str)>,
}

/// What all have.
const ALWAYS: [(&str, &str); 4] = [
    ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
    ("CI_DEFAULT_BRANCH", "main"),
    ("CI_PROJECT_ID", "1"),
    ("CI_MERGE_REQUEST_IID", "7"),
];

impl<'a> Pipeline<'a> {
    fn of(scene: &'a Scene, predefined: &[(&'static str, &'static str)]) -> Self {
        let file = yaml(Path::new("examples/ci/gitlab/.gitlab-ci.yml"));
        Self { scene, file, predefined: [&ALWAYS[..], predefined].concat() }
    }

    fn merge_request(scene: &'a Scene, from: &'static str) -> Self {
        Self::of(
            scene,
            &[("CI_PIPELINE_SOURCE", "merge_request_event"), ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", from)],
        )
    }

    fn main(scene: &'a Scene) -> Self {
        Self::of(scene, &[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")])
    }

    fn schedule(scene: &'a Scene, task: Option<&'static str>) -> Self {
        let task = task.map(|task| ("DUO_TASK", task));
        let on_main = [("CI_PIPELINE_SOURCE", "schedule"), ("CI_COMMIT_BRANCH", "main")];
        Self::of(scene, &on_main.into_iter().chain(task).collect::<Vec<_>>())
    }

    fn value(&self, operand: &str) -> Option<String> {
        match operand.strip_prefix('$') {
            Some(name) => {
                self.predefined.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            }
            None if operand == "null" => None,
            None => Some(operand.trim_matches('"').to_owned()),
        }
    }

    /// The jobs of which a rule holds.
    fn jobs(&self) -> Vec<String> {
        let holds = |rule: &Value| {
            rule["if"].as_str().unwrap().split(" && ").all(|part| {
                let (left, operator, right) = match part.split_once(" == ") {
                    Some((left, right)) => (left, true, right),
                    None => part.split_once(" != ").map(|(left, right)| (left, false, right)).unwrap(),
                };
                (self.value(left) == self.value(right)) == operator
            })
        };
        let jobs = self.file.as_object().unwrap().iter().filter(|(_, job)| job["rules"].is_array());
        jobs.filter(|(_, job)| job["rules"].as_array().unwrap().iter().any(holds))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Runs a job with the variables that GitLab gives it.
    fn run(&self, job: &str) -> Output {
        assert!(self.jobs().contains(&job.to_owned()), "{job} does not run: {:?}", self.jobs());
        let job = &self.file[job];
        let environment = &job["environment"];
        let environment = environment["name"].as_str().or(environment.as_str()).unwrap_or_default();
        let on_a_protected_branch = self.predefined.contains(&("CI_COMMIT_BRANCH", "main"));
        let mut env: Vec<(String, String)> =
            self.predefined.iter().map(|&(a, b)| (a.into(), b.into())).collect();
        let set = self.file["variables"].as_object().unwrap();
        env.extend(set.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())));
        for variable in documented() {
            let reaches = variable.environments.iter().any(|known| known == environment);
            if reaches && (on_a_protected_branch || !variable.protected) {
                let keys = if environment == "duo/plan" { &self.scene.reader } else { &self.scene.writer };
                let value = match variable.name.as_str() {
                    "DUO_IKEY" => &keys.0,
                    "DUO_SKEY" => &keys.1,
                    "GITLAB_COMMENT_TOKEN" => "comment-token",
                    other => panic!("{other} is not emulated"),
                };
                env.push((variable.name, value.to_owned()));
            }
        }
        let lines = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        let env: Vec<(&str, &str)> =
            env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.scene.script(&lines.collect::<Vec<_>>().join("\n"), &env)
    }
}

#[test]
fn each_pipeline_has_its_jobs_and_a_fork_gets_no_key() {
    let scene = Scene::set();
    for (pipeline, jobs) in [
        (Pipeline::merge_request(&scene, "1"), vec!["review", "validate"]),
        (Pipeline::merge_request(&scene, "666"), vec!["validate"]),
        (Pipeline::main(&scene), vec!["apply", "plan", "validate"]),
        (Pipeline::schedule(&scene, None), vec!["drift"]),
        (Pipeline::schedule(&scene, Some("drift")), vec!["drift"]),
        (Pipeline::schedule(&scene, Some("verify")), vec!["verify"]),
        (Pipeline::schedule(&scene, Some("rotate")), vec!["rotate"]),
        (Pipeline::of(&scene, &[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "feature")]), vec![]),
    ] {
        let mut found = pipeline.jobs();
        found.sort();
        assert_eq!(found, jobs, "{:?}", pipeline.predefined);
    }
    let file = yaml(Path::new("examples/ci/gitlab/.gitlab-ci.yml"));
    assert_eq!(file["apply"]["rules"][0]["when"], "manual");
    assert_eq!(file["apply"]["needs"], json!(["plan"]));
    // A key that can write never reaches what is not merged.
    for variable in documented() {
        let read_only = variable.environments == ["duo/plan"];
        assert_eq!(variable.protected, !read_only, "{variable:?}");
    }
}

#[test]
fn notes_applies_by_hand_and_fails_on_drift() {
    let scene = Scene::set();
    let proposed = Pipeline::merge_request(&scene, "1");
    let main = Pipeline::main(&scene);
    scene.change("Owned by the network team", "Owned by the VPN team");
    ends(&proposed.run("validate"), 0);
    let quality: Value = serde_json::from_str(&scene.folder.read("code-quality.json")).unwrap();
    assert_eq!(quality, json!([]));
    // Of more notes than a page has, the one of the first run is found again.
    let others: Vec<Value> = (1..=250).map(|id| json!({"id": id, "body": "a remark"})).collect();
    scene.stage.hold("notes", &json!(others));
    ends(&proposed.run("review"), 0);
    ends(&proposed.run("review"), 0);
    let notes = scene.stage.held("notes");
    assert_eq!(notes.len(), 251);
    assert!(notes[250]["body"].as_str().unwrap().contains("Owned by the VPN team"), "{notes:?}");
    assert!(!scene.folder.path("token-header").exists());
    assert!(!scene.stage.calls().contains("comment-token"), "the token is on no command line");

    ends(&main.run("plan"), 0);
    scene.server.edit("VPN", json!({"self_service_allowed": "1"}));
    ends(&main.run("apply"), 6);
    ends(&main.run("plan"), 0);
    ends(&main.run("apply"), 0);
    assert!(scene.folder.read("outcome.xml").contains("<testsuites"));
    ends(&Pipeline::schedule(&scene, Some("verify")).run("verify"), 0);
    assert!(scene.folder.read("verify.xml").contains("<testsuites"));
    ends(&Pipeline::schedule(&scene, Some("rotate")).run("rotate"), 0);
    let nightly = Pipeline::schedule(&scene, None);
    ends(&nightly.run("drift"), 0);
    scene.server.edit("VPN", json!({"notes": "edited by hand"}));
    ends(&nightly.run("drift"), 2);

    // A plan that cannot be made is noted, and fails the job.
    scene.change("groups_allowed: [VPN Users, Contractors]", "groups_allowed: [Missing]");
    ends(&proposed.run("review"), 1);
    let notes = scene.stage.held("notes");
    assert!(notes[250]["body"].as_str().unwrap().contains("Missing"), "{:?}", notes[250]);
}
