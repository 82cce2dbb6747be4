//! The recipes are linted: workflows by zizmor and actionlint, scripts by shellcheck, and each file by the schema of its system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::stage::{ACTIONS, install, recipes, yaml};
use crate::support::python::{python_of, skip};

/// A program next to the interpreter; `None` if the packages cannot be installed here.
fn linter(name: &str) -> Option<Command> {
    match python_of("gitops") {
        Ok(python) => {
            let mut command = Command::new(python.with_file_name(name));
            let path = format!("{}:{}", python.parent().unwrap().display(), std::env::var("PATH").unwrap());
            command.env("PATH", path);
            Some(command)
        }
        Err(reason) => {
            skip(name, &reason);
            None
        }
    }
}

/// Whether it accepts these files, and what it prints.
fn accepts<P: AsRef<Path>>(mut linter: Command, files: &[P]) -> (bool, String) {
    let output = linter.args(files.iter().map(AsRef::as_ref)).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[track_caller]
fn is_clean<P: AsRef<Path>>(linter: Command, files: &[P]) {
    let (clean, text) = accepts(linter, files);
    assert!(clean, "{text}");
}

#[test]
fn zizmor_finds_nothing_in_the_workflows() {
    let zizmor = |folder: &Path| {
        let mut command = linter("zizmor")?;
        command.args([
            "--offline",
            "--no-progress",
            "--format",
            "json",
            "--config",
            "tests/gitops/zizmor.yml",
        ]);
        let output = command.arg(folder).output().unwrap();
        let findings: Vec<Value> = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let idents = findings.iter().map(|finding| finding["ident"].as_str().unwrap().to_owned());
        Some(idents.collect::<Vec<_>>())
    };
    // As in a user's repository.
    let user = tempfile::tempdir().unwrap();
    install(user.path());
    let Some(found) = zizmor(user.path()) else { return };
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(zizmor(Path::new(".github/workflows")).unwrap(), Vec::<String>::new());
    // The linters do find mistakes.
    let plan = user.path().join(".github/workflows/plan.yml");
    let text = fs::read_to_string(&plan).unwrap().replace("  pull_request:\n", "  pull_request_target:\n");
    fs::write(plan, text).unwrap();
    assert!(zizmor(user.path()).unwrap().iter().any(|ident| ident == "dangerous-triggers"));
}

#[test]
fn actionlint_finds_nothing_in_the_workflows() {
    let user = tempfile::tempdir().unwrap();
    install(user.path());
    // In a repository it also looks into the composite actions: their inputs and outputs.
    fs::create_dir(user.path().join(".git")).unwrap();
    let workflow = user.path().join(".github/workflows/plan.yml");
    let Some(command) = linter("actionlint") else { return };
    let of_user = |mut command: Command| {
        command.current_dir(user.path());
        command
    };
    is_clean::<&str>(of_user(command), &[]);
    // dist writes release.yml, whose scripts have another style.
    let (generated, ours): (Vec<PathBuf>, Vec<PathBuf>) =
        workflows(".github/workflows").into_iter().partition(|path| path.ends_with("release.yml"));
    assert_eq!(generated.len(), 1);
    is_clean(linter("actionlint").unwrap(), &ours);
    let mut without_scripts = linter("actionlint").unwrap();
    without_scripts.args(["-shellcheck", ""]);
    is_clean(without_scripts, &generated);
    for (from, to, found) in [
        ("steps.plan.outputs.outcome }}", "steps.plan.outputs.outcme }}", "outcme"),
        ("exit \"$CODE\"", "exit $CODE", "SC2086"),
        ("          outcome: ", "          outcom: ", "outcom"),
    ] {
        let text = fs::read_to_string(&workflow).unwrap();
        fs::write(&workflow, text.replace(from, to)).unwrap();
        let (clean, printed) = accepts::<&str>(of_user(linter("actionlint").unwrap()), &[]);
        assert!(!clean && printed.contains(found), "{printed}");
        fs::write(&workflow, text).unwrap();
    }
}

pub fn workflows(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yml"));
    paths.sort();
    paths
}

/// Every script in a file of a pipeline: the values of these keys, wherever they are, as a text or a list of lines.
fn scripts(value: &Value, keys: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(text) if keys.contains(&key.as_str()) => found.push(text.clone()),
                    Value::Array(lines) if keys.contains(&key.as_str()) => {
                        found.push(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"));
                    }
                    other => scripts(other, keys, found),
                }
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| scripts(entry, keys, found)),
        _ => {}
    }
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let mut files = recipes("shell", "sh");
    files.extend(["tests/gitops/gh.sh", "tests/gitops/curl.sh"].map(PathBuf::from));
    let folder = tempfile::tempdir().unwrap();
    let mut inner = Vec::new();
    for (file, keys) in [
        ("gitlab/.gitlab-ci.yml", &["script"][..]),
        ("bitbucket/bitbucket-pipelines.yml", &["script"]),
        ("azure/azure-pipelines.yml", &["bash"]),
        ("atlantis/repos.yaml", &["run"]),
    ] {
        let before = inner.len();
        scripts(&yaml(&Path::new("examples/ci").join(file)), keys, &mut inner);
        assert!(inner.len() > before, "{file}");
    }
    for action in ACTIONS {
        scripts(
            &yaml(&Path::new("examples/ci/github").join(action).join("action.yml")),
            &["run"],
            &mut inner,
        );
    }
    for (number, script) in inner.iter().enumerate() {
        let path = folder.path().join(format!("{number}.sh"));
        fs::write(&path, format!("#!/usr/bin/env bash\nset -eo pipefail\n{script}\n")).unwrap();
        files.push(path);
    }
    let Some(shellcheck) = linter("shellcheck") else { return };
    is_clean(shellcheck, &files);
}

#[test]
fn each_file_follows_the_schema_of_its_system() {
    let schema = |name: &str| {
        let mut command = linter("check-jsonschema")?;
        command.args(["--regex-variant", "nonunicode", "--builtin-schema", name]);
        Some(command)
    };
    let actions = ACTIONS.map(|name| Path::new("examples/ci/github").join(name).join("action.yml"));
    for (name, files) in [
        ("vendor.github-workflows", recipes("github", "yml")),
        ("vendor.github-actions", actions.to_vec()),
        ("vendor.gitlab-ci", vec!["examples/ci/gitlab/.gitlab-ci.yml".into()]),
        ("vendor.azure-pipelines", recipes("azure", "yml")),
        ("vendor.bitbucket-pipelines", recipes("bitbucket", "yml")),
    ] {
        let Some(command) = schema(name) else { return };
        is_clean(command, &files);
    }
    let mut kubernetes = linter("kubernetes-validate").unwrap();
    kubernetes.arg("--strict");
    is_clean(kubernetes, &recipes("kubernetes", "yaml"));
    // The parser finds what is not Groovy. Which steps Jenkins knows depends on its plugins.
    let groovy = "import sys\nfrom groovy_parser.parser import parse_groovy_content\nparse_groovy_content(open(sys.argv[1]).read())";
    let mut parser = linter("python").unwrap();
    parser.args(["-c", groovy]);
    is_clean(parser, &["examples/ci/jenkins/Jenkinsfile"]);

    let folder = tempfile::tempdir().unwrap();
    for (name, file, from, to) in [
        ("vendor.azure-pipelines", "azure/azure-pipelines.yml", "runOnce:", "runTwice:"),
        (
            "vendor.bitbucket-pipelines",
            "bitbucket/bitbucket-pipelines.yml",
            "trigger: manual",
            "trigger: hand",
        ),
        ("vendor.gitlab-ci", "gitlab/.gitlab-ci.yml", "when: manual", "when: hand"),
    ] {
        let text = fs::read_to_string(Path::new("examples/ci").join(file)).unwrap();
        let wrong = folder.path().join("wrong.yml");
        fs::write(&wrong, text.replace(from, to)).unwrap();
        assert!(!accepts(schema(name).unwrap(), &[wrong]).0, "{file}");
    }
}
