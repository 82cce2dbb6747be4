//! The recipes for GitLab, a plain shell and pre-commit.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::story::operator;
use super::workflow::{Stage, yaml};
use crate::support::{Folder, HEAD, Server, THREE};

/// An account that matches a folder, and the programs to reach it.
fn settled() -> (Server, Stage, Folder) {
    let server = Server::start();
    let running = server.running();
    let more = [
        "--connect-to".to_owned(),
        running.address().to_string(),
        "--ca-file".to_owned(),
        running.ca_file().display().to_string(),
    ];
    let stage = Stage::new(&more);
    let folder = Folder::empty();
    fs::create_dir(folder.path("duo")).unwrap();
    folder.write("duo/duo.yaml", &format!("{HEAD}{THREE}"));
    folder.duoctl(["fmt", "duo"]).run().exits(0);
    folder.duoctl(["apply", "duo", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
    (server, stage, folder)
}

fn change(folder: &Folder, from: &str, to: &str) {
    let text = folder.read("duo/duo.yaml");
    assert!(text.contains(from));
    folder.write("duo/duo.yaml", &text.replace(from, to));
}

fn shell(
    stage: &Stage,
    folder: &Folder,
    key: &(String, String),
    script: &str,
    env: &[(&str, &str)],
) -> Output {
    let path = format!("{}:{}", stage.programs().display(), std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-eo", "pipefail", "-c", script])
        .current_dir(folder.path(""))
        .env_clear()
        .env("PATH", path)
        .env("GH_STATE", stage.folder.path())
        .env("DUO_IKEY", &key.0)
        .env("DUO_SKEY", &key.1)
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

#[track_caller]
fn ends(output: &Output, code: i32) -> String {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn the_scripts_plan_apply_once_and_tell_of_drift() {
    let (server, stage, folder) = settled();
    let reader = operator(&server, &["read_resource", "read_log"]);
    let writer = server.key("operator");
    let writer = (writer.integration_key.clone(), writer.secret_key.expose().to_owned());
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci/shell");
    for script in ["plan.sh", "apply.sh", "drift.sh"] {
        assert_ne!(fs::metadata(scripts.join(script)).unwrap().permissions().mode() & 0o111, 0, "{script}");
    }
    let run = |key: &(String, String), call: &str| {
        shell(&stage, &folder, key, &format!("'{}'/{call}", scripts.display()), &[])
    };
    ends(&run(&reader, "plan.sh duo"), 0);
    change(&folder, "Owned by the network team", "Owned by the VPN team");
    ends(&run(&reader, "plan.sh duo"), 2);
    assert!(folder.read("plan/plan.md").contains("Owned by the VPN team"));
    server.edit("VPN", json!({"self_service_allowed": "1"}));
    let writes = server.writes();
    assert!(ends(&run(&writer, "apply.sh"), 6).contains("Review plan/plan.md"));
    assert_eq!(server.writes(), writes);
    ends(&run(&writer, "apply.sh"), 0);
    assert!(folder.read("plan/outcome.md").contains("applications.vpn"));
    ends(&run(&writer, "apply.sh"), 6);
    ends(&run(&reader, "drift.sh duo"), 0);
    server.edit("VPN", json!({"notes": "edited by hand"}));
    ends(&run(&reader, "drift.sh duo tee told"), 2);
    assert!(folder.read("told").contains("applications.vpn"));
}

#[test]
fn gitlab_notes_applies_by_hand_and_fails_on_drift() {
    let (server, stage, folder) = settled();
    let reader = operator(&server, &["read_resource", "read_log"]);
    let writer = server.key("operator");
    let writer = (writer.integration_key.clone(), writer.secret_key.expose().to_owned());
    let pipeline = yaml(Path::new("examples/ci/gitlab/.gitlab-ci.yml"));
    assert_eq!(pipeline["apply"]["rules"][0]["when"], "manual");
    assert_eq!(pipeline["apply"]["needs"], json!(["plan"]));
    let run = |job: &str, key: &(String, String)| {
        let lines = pipeline[job]["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        let script = lines.collect::<Vec<_>>().join("\n");
        let env = [
            ("DUO_CONFIG", pipeline["variables"]["DUO_CONFIG"].as_str().unwrap()),
            ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
            ("CI_PROJECT_ID", "1"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("GITLAB_COMMENT_TOKEN", "comment-token"),
        ];
        shell(&stage, &folder, key, &script, &env)
    };
    change(&folder, "Owned by the network team", "Owned by the VPN team");
    ends(&run("validate", &reader), 0);
    let quality: Value = serde_json::from_str(&folder.read("code-quality.json")).unwrap();
    assert_eq!(quality, json!([]));
    ends(&run("review", &reader), 0);
    ends(&run("review", &reader), 0);
    let notes = stage.held("notes");
    assert!(
        notes.len() == 1 && notes[0]["body"].as_str().unwrap().contains("Owned by the VPN team"),
        "{notes:?}"
    );
    assert!(!folder.path("token-header").exists());
    assert!(!stage.calls().contains("comment-token"), "the token is on no command line");
    ends(&run("plan", &reader), 0);
    server.edit("VPN", json!({"self_service_allowed": "1"}));
    ends(&run("apply", &writer), 6);
    ends(&run("plan", &reader), 0);
    ends(&run("apply", &writer), 0);
    ends(&run("drift", &reader), 0);
    server.edit("VPN", json!({"notes": "edited by hand"}));
    ends(&run("drift", &reader), 2);
}

/// Every command that a recipe runs before the merge treats the content of a pull request as untrusted.
#[test]
fn what_is_not_merged_is_not_trusted() {
    let read = |path: &str| fs::read_to_string(path).unwrap();
    let gitlab = yaml(Path::new("examples/ci/gitlab/.gitlab-ci.yml"));
    let hooks = yaml(Path::new(".pre-commit-hooks.yaml"));
    let documented = read("docs/how-to/ci.md");
    let lines = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let entries: Vec<Value> = hooks.as_array().unwrap().iter().map(|hook| hook["entry"].clone()).collect();
    let texts = [
        read("examples/ci/github/plan.yml"),
        read("examples/ci/github/validate-forks.yml"),
        lines(&gitlab["validate"]["script"]),
        lines(&gitlab["review"]["script"]),
        lines(&json!(entries)),
        documented.split("## pre-commit").nth(1).unwrap().split("```").nth(1).unwrap().to_owned(),
        read("examples/ci/shell/plan.sh"),
    ];
    let call = regex::Regex::new(r"\bduoctl (validate|fmt|plan|drift|verify)\b").unwrap();
    for text in texts {
        let named = |line: &&str| ["#", "name:"].iter().any(|start| line.trim().starts_with(start));
        let calls: Vec<&str> = text.lines().filter(|line| call.is_match(line) && !named(line)).collect();
        assert!(!calls.is_empty(), "{text}");
        for line in calls {
            assert!(line.contains("--untrusted"), "{line}");
        }
    }
}

#[test]
fn the_hooks_of_pre_commit_have_entries_that_work() {
    let hooks = yaml(Path::new(".pre-commit-hooks.yaml"));
    let (_server, stage, folder) = settled();
    let nobody = (String::new(), String::new());
    let files = "duo/duo.yaml";
    for hook in hooks.as_array().unwrap() {
        let pattern = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
        for (path, wanted) in [
            ("duo.yaml", true),
            ("a/duo.yaml", true),
            ("a/vpn.duo.yaml", true),
            ("aduo.yaml", false),
            ("a.yaml", false),
        ] {
            assert_eq!(pattern.is_match(path), wanted, "{path}");
        }
        let arguments = if hook["pass_filenames"] == json!(false) { "duo" } else { files };
        let entry = format!("{} {arguments}", hook["entry"].as_str().unwrap());
        ends(&shell(&stage, &folder, &nobody, &entry, &[]), 0);
    }
    change(&folder, "workspace: acme", "workspace:   acme");
    ends(&shell(&stage, &folder, &nobody, "duoctl fmt duo/duo.yaml", &[]), 0);
    assert!(
        folder.read("duo/duo.yaml").contains("workspace: acme\n"),
        "pre-commit fails where a file changed"
    );
    change(&folder, "type: radius", "typ: radius");
    ends(&shell(&stage, &folder, &nobody, "duoctl validate duo", &[]), 1);
}
