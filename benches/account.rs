//! The cost of `import`, `plan` and `drift` with 10,000 live applications: the binary against a simulator in this process,
//! its CPU time (user and system, as Linux counts it for a child) and its requests.
//!
//! `cargo bench --bench account` fails if a command needs a second or more of CPU, or sends other requests than the pages
//! of applications, groups and policies.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Hands, Progress, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::apply::seal::Sealer;
use duoctl::cli::session::desired;
use duoctl::config::load::load;
use duoctl::duo::client::{Reader, Writer};
use duoctl::kinds::seal::Keyring;
use duoctl::observe::observe;
use duoctl::reconcile::plan::{Options, Step, plan};
use duoctl::sandbox::account::{API_HOSTNAME, Account};
use duoctl::sandbox::direct::Direct;
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use duoctl::secrets::Stores;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const APPLICATIONS: usize = 10_000;
const GROUPS: usize = 200;
const POLICIES: usize = 120;
const ROUNDS: usize = 5;
const MOST: Duration = Duration::from_secs(1);

fn main() {
    // `cargo test --benches` only checks that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(start(ServeOptions::default())).unwrap();
    fill(&mut running.account());
    let folder = tempfile::tempdir().unwrap();
    let empty = format!(
        "version: 1\nworkspace: bench\ntenant: {{api_hostname: {API_HOSTNAME}, credentials: {{integration_key: {{env: DUO_IKEY}}, secret_key: {{env: DUO_SKEY}}}}}}\n"
    );
    let yaml = folder.path().join("duo.yaml");
    println!("command   CPU (median of {ROUNDS})   wall   requests");
    let import =
        measure(&running, folder.path(), &["import", "."], 0, || std::fs::write(&yaml, &empty).unwrap());
    let plan = measure(&running, folder.path(), &["plan"], 0, || {});
    adopt(&runtime, &running, &yaml);
    let drift = measure(&running, folder.path(), &["drift"], 0, || {});
    runtime.block_on(running.shutdown());
    for (command, cpu) in [("import", import), ("plan", plan), ("drift", drift)] {
        assert!(cpu < MOST, "{command} needs {cpu:?} of CPU");
    }
}

fn fill(account: &mut Account) {
    let groups: Vec<String> =
        (0..GROUPS).map(|number| account.add_group(&format!("Group {number}")).unwrap()).collect();
    let policies: Vec<String> =
        (0..POLICIES).map(|number| account.add_policy(&format!("Policy {number}")).unwrap()).collect();
    for number in 0..APPLICATIONS {
        let kind = ["radius", "websdk", "rdp", "adminapi", "sso-generic"][number % 5];
        let mut stored = json!({
            "kind": kind, "name": format!("Application {number}"), "notes": format!("Ticket {number}\nOwned by team {}", number % 40),
            "user_access": if kind == "adminapi" { "NO_USERS" } else { "PERMITTED_GROUPS" }, "greeting": "Hello",
            "groups_allowed": [groups[number % GROUPS], groups[(number + 1) % GROUPS]],
            "policy_key": policies[number % POLICIES],
        });
        if kind == "sso-generic" {
            let url = format!("https://{number}.example.com");
            stored["sso"] =
                json!({"saml_config": {"entity_id": url, "acs_urls": [{"url": format!("{url}/acs")}]}});
        }
        account.place_application(&stored).unwrap();
    }
}

/// Applies the adoptions without the write limits.
fn adopt(runtime: &Runtime, running: &Running, yaml: &Path) {
    let loaded = load(yaml);
    let desired = desired(loaded.valid().unwrap());
    let operator = running.account().key("operator").unwrap();
    let keyring = Keyring::new([&operator.secret_key]);
    let direct = Direct::new(running.shared(), &operator);
    let reading = runtime.block_on(observe(
        &Reader::new(direct.clone()),
        &desired,
        &keyring,
        direct.ikey(),
        API_HOSTNAME,
    ));
    let options = Options::at(jiff::Timestamp::UNIX_EPOCH);
    let plan = plan(&desired, &reading.observation, &options);
    let stores = Stores::default();
    let courier = Courier::new(direct.clone(), &stores);
    let outcomes = runtime.block_on(execute(
        &plan,
        Hands {
            writer: &Writer::new(direct),
            courier: &courier,
            deputy: None,
            sealer: Sealer::new(&keyring),
        },
        4,
        &CancellationToken::new(),
        &Silent,
    ));
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome.status, Status::Applied))
            && outcomes.len() > APPLICATIONS
    );
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &Step) {}
    fn end(&self, _: &StepOutcome) {}
}

fn measure(running: &Running, folder: &Path, arguments: &[&str], code: i32, prepare: impl Fn()) -> Duration {
    let key = running.account().key("operator").unwrap();
    let address = running.address().to_string();
    let mut costs = Vec::new();
    for _ in 0..ROUNDS {
        prepare();
        running.account().forget_requests();
        let (before, start) = (cpu_of_children(), Instant::now());
        let status = Command::new(env!("CARGO_BIN_EXE_duoctl"))
            .args(arguments)
            .args(["--connect-to", &address, "--ca-file"])
            .arg(running.ca_file())
            .current_dir(folder)
            .env("DUO_IKEY", &key.integration_key)
            .env("DUO_SKEY", key.secret_key.expose())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
        costs.push((cpu_of_children() - before, start.elapsed()));
    }
    costs.sort_unstable();
    let (cpu, wall) = costs[ROUNDS / 2];
    let requests: BTreeMap<String, usize> = running.account().requests().clone();
    let pages = |total: usize, page: usize| total.div_ceil(page);
    let expected = BTreeMap::from([
        ("GET /admin/v1/groups".to_owned(), pages(GROUPS + 10, 100)),
        ("GET /admin/v2/policies".to_owned(), pages(POLICIES + 4, 100)),
        ("GET /admin/v3/integrations".to_owned(), pages(APPLICATIONS + 12, 500)),
    ]);
    assert_eq!(requests, expected, "{arguments:?}");
    println!("{:<8}  {cpu:>17.2?}  {wall:>6.2?}  {}", arguments[0], requests.values().sum::<usize>());
    cpu
}

/// User and system time of finished child processes, in ticks of ten milliseconds.
fn cpu_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = [13, 14].iter().map(|place| fields[*place].parse::<u64>().unwrap()).sum();
    Duration::from_millis(10 * ticks)
}
