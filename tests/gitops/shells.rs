//! The scripts for a plain shell, and what every other pipeline builds on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::{Value, json};

use super::stage::{Stage, recipes};
use super::story::operator;
use crate::support::{Folder, HEAD, Server, THREE};

/// An integration key and its secret key.
pub type Keys = (String, String);

/// A repository whose YAML matches its account, the programs to reach it, and the keys of a pipeline.
pub struct Scene {
    pub server: Server,
    pub stage: Stage,
    pub folder: Folder,
    pub reader: Keys,
    pub writer: Keys,
}

impl Scene {
    pub fn set() -> Self {
        let server = Server::start();
        let stage = Stage::new(&server);
        let folder = Folder::empty();
        fs::create_dir(folder.path("duo")).unwrap();
        folder.write("duo/duo.yaml", &format!("{HEAD}{THREE}"));
        folder.duoctl(["fmt", "duo"]).run().exits(0);
        folder.duoctl(["apply", "duo", "--auto-approve", "--no-verify"]).at(&server).run().exits(0);
        fs::create_dir(folder.path("ci")).unwrap();
        for script in recipes("shell", "sh") {
            fs::copy(&script, folder.path("ci").join(script.file_name().unwrap())).unwrap();
        }
        let reader = operator(&server, &["read_resource", "read_log"]);
        let writer = server.key("operator");
        let writer = (writer.integration_key.clone(), writer.secret_key.expose().to_owned());
        Self { server, stage, folder, reader, writer }
    }

    pub fn change(&self, from: &str, to: &str) {
        let text = self.folder.read("duo/duo.yaml");
        assert!(text.contains(from));
        self.folder.write("duo/duo.yaml", &text.replace(from, to));
    }

    /// Runs a script in the checkout, with these variables only.
    pub fn script(&self, script: &str, env: &[(&str, &str)]) -> Output {
        self.script_in("", script, env)
    }

    pub fn script_in(&self, folder: &str, script: &str, env: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.stage.programs().display(), std::env::var("PATH").unwrap());
        Command::new("bash")
            .args(["-eo", "pipefail", "-c", script])
            .current_dir(self.folder.path(folder))
            .env_clear()
            .env("PATH", path)
            .env("GH_STATE", self.stage.folder.path())
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    /// With a key as the pipeline's variables.
    pub fn with_key(&self, keys: &Keys, script: &str, env: &[(&str, &str)]) -> Output {
        let keys = [("DUO_IKEY", keys.0.as_str()), ("DUO_SKEY", keys.1.as_str())];
        self.script(script, &[&keys[..], env].concat())
    }

    /// What a pipeline does over the days: it plans, refuses a stale plan, applies the next one, finds no drift, and then
    /// does.
    pub fn cycle(&self, plan: &dyn Fn() -> Output, apply: &dyn Fn() -> Output, drift: &dyn Fn() -> Output) {
        self.change("Owned by the network team", "Owned by the VPN team");
        let writes = self.server.writes();
        let planned = ends(&plan(), 0);
        assert!(planned.contains("Owned by the VPN team"), "{planned}");
        self.server.edit("VPN", json!({"self_service_allowed": "1"}));
        ends(&apply(), 6);
        assert_eq!(self.server.writes(), writes, "neither writes anything");
        ends(&plan(), 0);
        self.applies(apply, drift);
    }

    pub fn applies(&self, apply: &dyn Fn() -> Output, drift: &dyn Fn() -> Output) {
        ends(&apply(), 0);
        let notes = self.server.named("VPN")[0]["notes"].as_str().unwrap().to_owned();
        assert!(notes.starts_with("Owned by the VPN team"), "{notes}");
        ends(&drift(), 0);
        self.server.edit("VPN", json!({"notes": "edited by hand"}));
        let drifted = ends(&drift(), 2);
        assert!(drifted.contains("applications.vpn"), "{drifted}");
    }
}

#[track_caller]
pub fn ends(output: &Output, code: i32) -> String {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn the_scripts_plan_apply_once_and_tell_of_drift() {
    let scene = Scene::set();
    for script in recipes("shell", "sh") {
        assert_ne!(fs::metadata(&script).unwrap().permissions().mode() & 0o111, 0, "{script:?}");
    }
    let run = |key: &Keys, call: &str| scene.with_key(key, &format!("ci/{call}"), &[]);
    ends(&run(&scene.reader, "plan.sh duo"), 0);
    scene.change("Owned by the network team", "Owned by the VPN team");
    ends(&run(&scene.reader, "plan.sh duo"), 2);
    assert!(scene.folder.read("plan/plan.md").contains("Owned by the VPN team"));
    scene.server.edit("VPN", json!({"self_service_allowed": "1"}));
    let writes = scene.server.writes();
    assert!(ends(&run(&scene.writer, "apply.sh"), 6).contains("Review plan/plan.md"));
    fs::create_dir(scene.folder.path("other")).unwrap();
    let other = scene.folder.read("duo/duo.yaml").replace("name: VPN", "name: Other VPN");
    scene.folder.write("other/duo.yaml", &other);
    ends(&run(&scene.writer, "apply.sh plan other"), 5);
    assert_eq!(scene.server.writes(), writes);
    ends(&run(&scene.reader, "plan.sh duo"), 2);
    ends(&run(&scene.writer, "apply.sh plan duo"), 0);
    assert!(scene.folder.read("plan/outcome.md").contains("applications.vpn"));
    assert!(scene.folder.read("plan/outcome.xml").contains("<testsuites"));
    ends(&run(&scene.writer, "apply.sh"), 6);
    ends(&run(&scene.reader, "drift.sh duo"), 0);
    scene.server.edit("VPN", json!({"notes": "edited by hand"}));
    ends(&run(&scene.reader, "drift.sh duo tee told"), 2);
    assert!(scene.folder.read("told").contains("applications.vpn"));
}

/// A webhook that takes one request. Returns its address, and the path and the body once they arrived.
fn webhook() -> (String, thread::JoinHandle<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
                if body.len() >= length.parse().unwrap() {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                    let path = head.split_whitespace().nth(1).unwrap().to_owned();
                    return (path, serde_json::from_str(body).unwrap());
                }
            }
            let count = stream.read(&mut part).unwrap();
            assert_ne!(count, 0, "the request ended early: {text}");
            request.extend(part.iter().take(count));
        }
    });
    (format!("http://{address}/hook/s3cret"), taken)
}

#[test]
fn a_chat_gets_one_message_without_markup() {
    let scene = Scene::set();
    fs::remove_file(scene.stage.programs().join("curl")).unwrap();
    scene.change("Owned by the network team", "Owned by the VPN team");
    let document = |script: &str| {
        let keys =
            if script.contains("apply") || script.contains("verify") { &scene.writer } else { &scene.reader };
        let script = format!("duoctl {script} --report json=document.json > out.txt 2>&1 || [ $? = 2 ]");
        ends(&scene.with_key(keys, &script, &[]), 0);
    };
    let post = |kind: &str| {
        let (url, taken) = webhook();
        let run = "https://ci.example.com/runs/7";
        let env = [("CHAT_URL", url.as_str()), ("RUN_URL", run), ("no_proxy", "*")];
        let log = ends(&scene.script(&format!("ci/chat.sh {kind} document.json"), &env), 0);
        assert!(!log.contains("s3cret"), "{log}");
        let (path, payload) = taken.join().unwrap();
        assert_eq!(path, "/hook/s3cret");
        assert!(payload.to_string().contains(run), "{payload}");
        payload
    };
    document("plan duo");
    assert_eq!(post("slack")["text"], "duoctl acme: planned: 0 add, 1 change, 0 adopt, 0 delete");
    document("apply duo --auto-approve");
    assert_eq!(post("slack")["text"], "duoctl acme: applied: 1 applied, 0 failed, 0 not_attempted");
    document("verify duo");
    let text = post("slack")["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("duoctl acme: verified: 3 verified, "), "{text}");
    document("drift duo");
    let teams = post("teams");
    let card = &teams["attachments"][0]["content"];
    assert_eq!(card["body"][0]["inlines"][0]["text"], "duoctl acme: Duo matches the YAML");
    scene.server.edit("VPN", json!({"policy_key": "", "name": "<!channel> [x](https://evil.example.com)"}));
    document("drift duo");
    for kind in ["slack", "teams"] {
        let text = post(kind).to_string();
        assert!(text.contains("1 application changed in Duo: applications.vpn; risks: "), "{text}");
        assert!(!text.contains("evil") && !text.contains("!channel"), "{text}");
    }
    let wrong = scene
        .script("echo '{\"kind\": \"list\"}' | ci/chat.sh slack", &[("CHAT_URL", "http://127.0.0.1:9/")]);
    assert!(ends(&wrong, 5).contains("no message for a document of the kind list"));
}

/// Every command that a recipe runs before the merge treats the content of a pull request as untrusted.
#[test]
fn what_is_not_merged_is_not_trusted() {
    let read = |path: &str| fs::read_to_string(path).unwrap();
    let yaml = |path: &str| super::stage::yaml(Path::new(path));
    let gitlab = yaml("examples/ci/gitlab/.gitlab-ci.yml");
    let lines = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let hooks = yaml(".pre-commit-hooks.yaml");
    let entries: Vec<Value> = hooks.as_array().unwrap().iter().map(|hook| hook["entry"].clone()).collect();
    let atlantis = &yaml("examples/ci/atlantis/repos.yaml")["workflows"]["duoctl"]["plan"]["steps"];
    let atlantis: Vec<Value> = atlantis.as_array().unwrap().iter().map(|step| step["run"].clone()).collect();
    let documented = read("docs/how-to/ci.md");
    let texts = [
        read("examples/ci/github/plan.yml"),
        read("examples/ci/github/workspaces.yml"),
        read("examples/ci/github/validate-forks.yml"),
        read("examples/ci/github/code-scanning.yml"),
        lines(&gitlab["validate"]["script"]),
        lines(&gitlab["review"]["script"]),
        lines(&json!(entries)),
        lines(&json!(atlantis)),
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
    // The action for plans trusts only what a workflow says is merged.
    for (workflow, merged) in [("plan", false), ("workspaces", false), ("drift", true), ("accept", true)] {
        let text = read(&format!("examples/ci/github/{workflow}.yml"));
        assert_eq!(text.contains("untrusted: \"false\""), merged, "{workflow}");
    }
}

#[test]
fn the_hooks_of_pre_commit_have_entries_that_work() {
    let hooks = super::stage::yaml(Path::new(".pre-commit-hooks.yaml"));
    let scene = Scene::set();
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
        let arguments = if hook["pass_filenames"] == json!(false) { "duo" } else { "duo/duo.yaml" };
        let entry = format!("{} {arguments}", hook["entry"].as_str().unwrap());
        ends(&scene.script(&entry, &[]), 0);
    }
    scene.change("workspace: acme", "workspace:   acme");
    ends(&scene.script("duoctl fmt duo/duo.yaml", &[]), 0);
    let text = scene.folder.read("duo/duo.yaml");
    assert!(text.contains("workspace: acme\n"), "pre-commit fails where a file changed");
    scene.change("type: radius", "typ: radius");
    ends(&scene.script("duoctl validate duo", &[]), 1);
}
