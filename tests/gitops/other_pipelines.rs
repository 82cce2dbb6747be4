//! The recipes for Azure Pipelines, Bitbucket, Jenkins, Atlantis, Kubernetes and Argo CD: the scripts that they contain, with
//! the variables that they name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::shells::{Keys, Scene, ends};
use super::stage::yaml;

fn recipe(name: &str) -> Value {
    yaml(&Path::new("examples/ci").join(name))
}

fn named<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|entry| entry[key] == name).unwrap()
}

impl Scene {
    fn keys_of(&self, secrets: &str) -> &Keys {
        match secrets {
            "duo-plan" => &self.reader,
            "duo-production" => &self.writer,
            other => panic!("no secrets {other}"),
        }
    }
}

/// The steps of a stage. A step gets a secret variable only by its own `env`.
fn azure(scene: &Scene, stage: &str) -> Output {
    let recipe = recipe("azure/azure-pipelines.yml");
    let job = &named(&recipe["stages"], "stage", stage)["jobs"][0];
    let keys = scene.keys_of(job["variables"][0]["group"].as_str().unwrap());
    let steps =
        if job["steps"].is_array() { &job["steps"] } else { &job["strategy"]["runOnce"]["deploy"]["steps"] };
    let artifacts = scene.stage.folder.path().display().to_string();
    let mut last = None;
    for step in steps.as_array().unwrap() {
        let (script, result) = match (step["bash"].as_str(), step["publish"].as_str()) {
            (Some(script), _) => (script.to_owned(), true),
            // A job begins with its own checkout.
            (None, Some(folder)) => {
                (format!("rm -rf '{artifacts}/{folder}'; mv {folder} '{artifacts}'"), false)
            }
            (None, None) => continue,
        };
        let mut env = vec![("DUO_CONFIG", recipe["variables"]["DUO_CONFIG"].as_str().unwrap())];
        env.push(("PIPELINE_WORKSPACE", &artifacts));
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            let value = match value.as_str().unwrap() {
                "$(DUO_IKEY)" => &keys.0,
                "$(DUO_SKEY)" => &keys.1,
                other => panic!("{other} is not emulated"),
            };
            env.push((name, value));
        }
        let output = scene.script(&script, &env);
        let failed = !output.status.success();
        if failed || (result && !env.iter().all(|(name, _)| *name != "DUO_IKEY")) {
            last = Some(output);
        }
        if failed {
            break;
        }
    }
    last.unwrap()
}

#[test]
fn azure_pipelines() {
    let scene = Scene::set();
    scene.cycle(&|| azure(&scene, "plan"), &|| azure(&scene, "apply"), &|| azure(&scene, "drift"));
    let tests = recipe("azure/azure-pipelines.yml")["stages"][1].to_string();
    assert!(tests.contains("plan/outcome.xml") && scene.folder.path("plan/outcome.xml").exists());
}

fn bitbucket(scene: &Scene, steps: &Value, name: &str) -> Output {
    let step = named_step(steps, name);
    let keys = if step["deployment"].is_null() { &scene.reader } else { &scene.writer };
    let script: Vec<&str> =
        step["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    scene.with_key(keys, &script.join("\n"), &[])
}

#[test]
fn bitbucket_pipelines() {
    let scene = Scene::set();
    let all = &recipe("bitbucket/bitbucket-pipelines.yml")["pipelines"];
    let main = &all["branches"]["main"];
    scene.cycle(
        &|| {
            ends(&bitbucket(&scene, &all["pull-requests"]["**"], "plan"), 0);
            bitbucket(&scene, main, "plan")
        },
        &|| bitbucket(&scene, main, "apply"),
        &|| bitbucket(&scene, &all["custom"]["drift"], "drift"),
    );
    assert_eq!(named_step(main, "apply")["trigger"], "manual");
    assert!(scene.folder.path("test-results/outcome.xml").exists());
    ends(&bitbucket(&scene, &all["custom"]["verify"], "verify"), 0);
}

fn named_step<'a>(steps: &'a Value, name: &str) -> &'a Value {
    steps.as_array().unwrap().iter().map(|entry| &entry["step"]).find(|step| step["name"] == name).unwrap()
}

#[test]
fn jenkins() {
    let scene = Scene::set();
    let text = fs::read_to_string("examples/ci/jenkins/Jenkinsfile").unwrap();
    let step = regex::Regex::new(r"credentialsId: '([\w-]+)'[^{]*\{[^}]*?\bsh '([^']*)'").unwrap();
    let steps: Vec<(String, String)> =
        step.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
    assert_eq!(steps.len(), text.matches(" sh '").count());
    let run = |script: &str| {
        let (secrets, script) = steps.iter().find(|(_, text)| text.contains(script)).unwrap();
        scene.with_key(scene.keys_of(secrets), script, &[("DUO_CONFIG", "duo")])
    };
    scene.cycle(&|| run("plan.sh"), &|| run("apply.sh"), &|| run("drift.sh"));
}

/// The steps of a workflow, with the server's files in a folder.
fn atlantis(scene: &Scene, workflow: &str) -> Output {
    let steps = &recipe("atlantis/repos.yaml")["workflows"]["duoctl"][workflow]["steps"];
    let etc = scene.stage.folder.path().join("etc");
    for secrets in ["duo-plan", "duo-production"] {
        let (ikey, skey) = scene.keys_of(secrets);
        fs::create_dir_all(etc.join(secrets)).unwrap();
        fs::write(etc.join(secrets).join("ikey"), ikey).unwrap();
        fs::write(etc.join(secrets).join("skey"), skey).unwrap();
    }
    let planfile = scene.stage.folder.path().join("duo-default.tfplan").display().to_string();
    let mut env = vec![("PLANFILE".to_owned(), planfile)];
    let mut last = None;
    let folder = recipe("atlantis/atlantis.yaml")["projects"][0]["dir"].as_str().unwrap().to_owned();
    for step in steps.as_array().unwrap() {
        let known: Vec<(&str, &str)> =
            env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if let Some(script) = step["run"].as_str() {
            let output = scene.script_in(&folder, script, &known);
            let failed = !output.status.success();
            last = Some(output);
            if failed {
                break;
            }
        } else {
            let command =
                step["env"]["command"].as_str().unwrap().replace("/etc", &etc.display().to_string());
            let value = String::from_utf8(scene.script(&command, &[]).stdout).unwrap();
            env.push((step["env"]["name"].as_str().unwrap().to_owned(), value));
        }
    }
    last.unwrap()
}

#[test]
fn atlantis_applies_the_plan_that_it_commented() {
    let scene = Scene::set();
    let drift = || scene.with_key(&scene.reader, "ci/drift.sh duo", &[]);
    scene.cycle(&|| atlantis(&scene, "plan"), &|| atlantis(&scene, "apply"), &drift);
}

/// The container of a job, with the YAML as Kubernetes mounts a ConfigMap: links to files in a hidden folder.
fn pod(scene: &Scene, file: &str) -> Output {
    let recipe = recipe(&format!("kubernetes/{file}"));
    let spec = match recipe["kind"].as_str().unwrap() {
        "CronJob" => &recipe["spec"]["jobTemplate"]["spec"],
        _ => &recipe["spec"],
    };
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["volumeMounts"][0]["mountPath"], "/duo");
    let mounted = tempfile::tempdir().unwrap();
    let data = mounted.path().join("..2026_11_28");
    fs::create_dir(&data).unwrap();
    fs::copy(scene.folder.path("duo/duo.yaml"), data.join("duo.yaml")).unwrap();
    symlink("..2026_11_28", mounted.path().join("..data")).unwrap();
    symlink("..data/duo.yaml", mounted.path().join("duo.yaml")).unwrap();
    let arguments =
        container["args"].as_array().unwrap().iter().map(|argument| match argument.as_str().unwrap() {
            "/duo" => format!("'{}'", mounted.path().display()),
            other => other.to_owned(),
        });
    let script = format!("duoctl {}", arguments.collect::<Vec<_>>().join(" "));
    let secrets = container["envFrom"][0]["secretRef"]["name"].as_str().unwrap();
    scene.with_key(scene.keys_of(secrets), &script, &[])
}

#[test]
fn kubernetes_and_argo_cd() {
    let scene = Scene::set();
    scene.change("Owned by the network team", "Owned by the VPN team");
    scene.applies(&|| pod(&scene, "argo-hook.yaml"), &|| pod(&scene, "drift.yaml"));
    // Without a consent, the hook fails, and so does the sync.
    let scene = Scene::set();
    scene.change("[VPN Users, Contractors]", "[VPN Users, Contractors, Employees]");
    ends(&pod(&scene, "argo-hook.yaml"), 5);
}
