//! Rotation under load: a consumer that reads the store before each call never gets a key that does not work, and a rotation
//! that is killed at any request ends like an undisturbed one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use duoctl::duo::call::Transport as _;
use duoctl::duo::error::DuoError;
use duoctl::duo::https::{HttpsConfig, HttpsTransport};
use duoctl::duo::limiter::Limits;
use duoctl::duo::object::Ikey;
use duoctl::duo::probe::auth_check;
use duoctl::duo::sign::Scheme;
use duoctl::secret::Secret;
use serde_json::Value;

use super::twins::{log_in, succeed};
use super::workspace::{Duo, Folder};

const APPLICATIONS: &str = "applications:
  help: {type: authapi, name: Help, user_access: permitted_groups, groups_allowed: [Help Desk], policy: Contractors, secret: {store: local, path: help.json}}
";
const STORES: &str = "secret_stores: {local: {type: file, path: secrets}}\n";
const ROTATE: [&str; 4] = ["keys", "rotate", "applications.help", "--auto-approve"];
const CONFIRM: [&str; 4] = ["keys", "confirm", "applications.help", "--auto-approve"];
const ABORT: [&str; 4] = ["keys", "abort", "applications.help", "--auto-approve"];

fn config(duo: &Duo) -> HttpsConfig {
    let nobody = (Ikey::new("DIX"), Secret::new("x"));
    let mut config = HttpsConfig::new(duo.running().api_hostname(), nobody.0, nobody.1);
    config.connect_to = Some(duo.running().address());
    config.authorities = duoctl::duo::https::Authorities::file(duo.running().ca_file());
    // A call that waits for its turn would be sent long after its key was read.
    config.limits = Limits::UNLIMITED;
    config
}

fn key(path: &PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// One signed call with a key.
async fn works(transport: &HttpsTransport, key: &Value) -> Result<i64, DuoError> {
    let text = |name: &str| key[name].as_str().unwrap();
    let signed = transport.signed_by(&Ikey::new(text("integration_key")), &Secret::new(text("secret_key")));
    auth_check(&signed, Scheme::V5).await
}

/// A consumer that reads its key before every call.
struct Consumer {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<Vec<String>>,
}

impl Consumer {
    fn start(duo: &Duo, path: PathBuf) -> Self {
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, counted, transport) =
            (Arc::clone(&stop), Arc::clone(&calls), HttpsTransport::open(config(duo)).unwrap());
        let task = tokio::spawn(async move {
            let mut failures = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let held = key(&path);
                if let Err(error) = works(&transport, &held).await {
                    failures.push(format!("{}: {error}", held["integration_key"]));
                }
                counted.fetch_add(1, Ordering::Relaxed);
            }
            failures
        });
        Self { stop, calls, task }
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let failures = self.task.await.unwrap();
        assert!(failures.is_empty(), "{failures:?}");
        self.calls.load(Ordering::Relaxed)
    }
}

fn start() -> (Duo, Folder) {
    let (duo, folder) = (Duo::start(), Folder::empty());
    folder.yaml(APPLICATIONS, STORES);
    duo.apply(&folder).exits(0);
    (duo, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_one_call_fails_through_a_whole_rotation() {
    let (duo, folder) = start();
    let path = folder.path("secrets/help.json");
    let consumer = Consumer::start(&duo, path.clone());
    let old = key(&path);
    for round in 0..2 {
        duo.run(&folder, &ROTATE).exits(0);
        duo.plan(&folder).exits(0);
        if round == 0 {
            // A consumer with the old key is not cut off before the end.
            log_in(&duo, &old).await;
            duo.run(&folder, &CONFIRM).exits(0);
        } else {
            log_in(&duo, &key(&path)).await;
            succeed(&duo, &key(&path));
            duo.run(&folder, &["keys", "rotate", "applications.help", "--silence", "0h", "--auto-approve"])
                .exits(0);
        }
        duo.run(&folder, &["apply", "--prune=now", "--allow", "destroys", "--auto-approve"]).exits(0);
    }
    let calls = consumer.end().await;
    assert!(calls > 50, "{calls}");
    assert_eq!(duo.application("Help")["integration_key"], key(&path)["integration_key"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_request_it_ends_in_one_application_and_one_key() {
    let (duo, folder) = start();
    let path = folder.path("secrets/help.json");
    let consumer = HttpsTransport::open(config(&duo)).unwrap();
    let mut kills = BTreeMap::new();
    for (name, stages) in [("begin", &ROTATE[..]), ("finish", &CONFIRM[..]), ("abort", &ABORT[..])] {
        for fault in ["halt-after-commit", "halt"] {
            for number in 1.. {
                if name != "begin" {
                    duo.run(&folder, &ROTATE).exits(0);
                }
                let hung = duo.killed(&folder, stages, fault, number);
                *kills.entry(name).or_insert(0) += usize::from(hung);
                let at = format!("{name}, {fault}, request {number}");
                works(&consumer, &key(&path)).await.unwrap_or_else(|error| panic!("{at}: {error}"));
                resume(&duo, &folder, name, &at);
                let left = duo.application("Help");
                let held = key(&path);
                assert_eq!(held["secret_key"], left["secret_key"], "{at}");
                assert_eq!(held["integration_key"], left["integration_key"], "{at}");
                assert_eq!(held.get("previous_secret_key"), None, "{at}");
                if !hung {
                    break;
                }
            }
        }
    }
    assert!(kills["begin"] > 15 && kills["finish"] > 5 && kills["abort"] > 5, "{kills:?}");
}

/// The same command again, and then to the end: nothing exists twice on the way.
fn resume(duo: &Duo, folder: &Folder, name: &str, at: &str) {
    let in_use = |duo: &Duo| {
        let all = duo.applications("Help");
        all.iter().filter(|one| !one["notes"].as_str().unwrap().contains(" retired:")).count()
    };
    assert!((1..=2).contains(&in_use(duo)), "{at}");
    match name {
        "abort" => {
            // A rotation that was aborted before the kill has nothing left to abort.
            let run = duo.run(folder, &ABORT);
            assert!(matches!(run.code, Some(0 | 5)), "{at}: {}\n{}", run.stdout, run.stderr);
        }
        "finish" => {
            let run = duo.run(folder, &CONFIRM);
            assert!(matches!(run.code, Some(0 | 5)), "{at}: {}\n{}", run.stdout, run.stderr);
        }
        _ => {
            duo.run(folder, &ROTATE).exits(0);
            assert_eq!(in_use(duo), 2, "{at}: one rotation is under way");
            duo.run(folder, &CONFIRM).exits(0);
        }
    }
    let run =
        duo.run(folder, &["apply", "--prune=now", "--allow", "destroys", "--auto-approve", "--no-verify"]);
    assert_eq!(run.code, Some(0), "{at}: {}\n{}", run.stdout, run.stderr);
}
