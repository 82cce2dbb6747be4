//! The effect of each fault on each step, as a table in docs/reference/faults.md: every cell is a run of the binary, followed by an
//! undisturbed run that ends in the normal state.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duoctl::cli::exit::Failure;
use duoctl::duo::api::{ReadApi as _, WriteApi as _};
use duoctl::duo::client::{Reader, Writer};
use duoctl::duo::https::{HttpsConfig, HttpsTransport};
use duoctl::duo::object::{Ikey, Kind};
use duoctl::sandbox::account::Account;
use duoctl::secret::Secret;
use reqwest::dns::{Name, Resolve, Resolving};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::seals::{create_as_operator, seal_all};
use crate::support::wire_server::{self, Authority, Proxying, speak_first};
use crate::support::{Call, Folder, HEAD, Outcome, Server, object};

/// A fault of the simulator, as passed to `--fault`, and its description.
const FAULTS: &[(&str, &str)] = &[
    ("429=2", "429, twice"),
    ("429=99", "429, to the end"),
    ("5xx=1", "500, once"),
    ("5xx=99", "500, to the end"),
    ("html=1", "a gateway's page, once"),
    ("redirect=1", "a redirect to another host"),
    ("huge=1", "a body of 64 MiB"),
    ("reset-before=1", "a reset before it is carried out"),
    ("reset-after-commit=1", "a reset after it was carried out"),
    ("truncate=1", "the answer breaks off"),
    ("halt=1", "no answer, not carried out"),
    ("halt-after-commit=1", "no answer, carried out"),
    ("endless=1", "an answer that drips on and never ends"),
    ("endless=99", "such answers, to the end"),
];

/// A step, and which request after those of the plan performs it; a read is the first one.
const STEPS: &[(&str, usize)] = &[
    ("read", 0),
    ("create", 1),
    ("update", 1),
    ("adopt", 1),
    ("deliver", 0),
    ("quarantine", 2),
    ("delete", 2),
];

const LEAN: &str = "applications: {keep: {type: radius, name: Keep, user_access: no_users}}\n";

fn yaml(step: &str) -> String {
    match step {
        "quarantine" | "delete" => LEAN.to_owned(),
        "deliver" => "applications: {it: {type: radius, name: It, user_access: no_users, secret: {store: local, path: it}}}\n\
                      secret_stores: {local: {type: file, path: kept}}\n"
            .to_owned(),
        _ => "applications: {it: {type: radius, name: It, user_access: no_users}}\n".to_owned(),
    }
}

fn before(step: &str) -> Account {
    let mut account = Account::in_memory().unwrap();
    let mut put = |name: &str, access: &str, notes: &str| {
        let body = json!({"type": "radius", "name": name, "user_access": access, "notes": notes});
        create_as_operator(&mut account, object(body));
    };
    match step {
        "update" => put("It", "ALL_USERS", "[duoctl acme/applications.it -]"),
        "adopt" => put("It", "NO_USERS", "Ours"),
        "deliver" => put("It", "NO_USERS", "[duoctl acme/applications.it -]"),
        "quarantine" => put("It", "ALL_USERS", "[duoctl acme/applications.it -]"),
        "delete" => put("It", "NO_USERS", "[duoctl acme/applications.it - quarantined:2020-01-01T00:00:00Z]"),
        _ => {}
    }
    if matches!(step, "quarantine" | "delete") {
        put("Keep", "NO_USERS", "[duoctl acme/applications.keep -]");
    }
    seal_all(&mut account);
    account
}

/// Whether the step was carried out.
fn done(step: &str, server: &Server, folder: &Folder) -> bool {
    let found = server.named("It");
    match step {
        "read" | "create" => !found.is_empty(),
        "delete" => found.is_empty(),
        "deliver" => folder.path("kept/it").exists(),
        "adopt" => found[0]["notes"].as_str().unwrap().contains("[duoctl"),
        _ => found[0]["user_access"] == "NO_USERS",
    }
}

fn content(account: &mut Account) -> Vec<String> {
    let even = |mut live: Value| {
        for key in ["integration_key", "secret_key", "sso", "groups_allowed"] {
            live[key].take();
        }
        // The time of a quarantine.
        let notes = live["notes"].as_str().unwrap().to_owned();
        live["notes"] = json!(
            notes
                .split(' ')
                .filter(|word| !word.starts_with('~') && !word.starts_with("quarantined:"))
                .collect::<Vec<_>>()
        );
        live.to_string()
    };
    let mut all: Vec<String> = account.applications().into_iter().map(even).collect();
    all.sort();
    all
}

fn apply(server: &Server, folder: &Folder) -> Call {
    let arguments = ["apply", "--auto-approve", "--no-verify", "--parallelism=1", "--prune", "--quiet"];
    folder.duoctl(arguments).at(server)
}

/// One cell: the exit code, and whether the step was carried out.
fn cell(server: &Server, fault: &str, step: &str, at: usize) -> String {
    let only_writes = fault.starts_with("reset-after") || fault.starts_with("halt-after");
    if only_writes && matches!(step, "read" | "deliver") {
        return "–".to_owned();
    }
    *server.account() = before(step);
    let folder = Folder::with(&yaml(step));
    apply(server, &folder).run().exits(0);
    let wanted = content(&mut server.account());

    *server.account() = before(step);
    let _ = std::fs::remove_dir_all(folder.path("kept"));
    server.disturb(&format!("{fault}@{at}"));
    let silent = fault.starts_with("halt") || fault.starts_with("endless");
    let call = apply(server, &folder);
    let outcome = if silent { call.env("DUOCTL_SIMULATOR_TIMEOUT_MS", "1000") } else { call }.run();
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    let (code, done) = (outcome.code.unwrap(), done(step, server, &folder));
    server.calm();
    let what = format!("{fault} at {step}: {told}");
    assert!(!told.contains("panicked"), "{what}");
    // A successful run did the step; a failed one says why and what to do.
    match code {
        0 => assert!(done, "{what}"),
        3 => assert!(done && told.contains("error"), "{what}"),
        4 => assert!(told.contains("again") || told.contains("delivers its keys"), "{what}"),
        1 | 75 => assert!(told.contains("error: ") || told.contains("failed "), "{what}"),
        other => panic!("{other}: {what}"),
    }
    if told.contains("Applied: 1 of 1 steps.") {
        assert!(done, "{what}");
    }
    apply(server, &folder).run().exits(0);
    assert_eq!(content(&mut server.account()), wanted, "{what}");
    if step == "deliver" {
        assert!(folder.path("kept/it").exists(), "{what}");
    }
    format!("{code}, {}", if done { "done" } else { "not done" })
}

fn requests_of_the_plan(server: &Server, step: &str) -> usize {
    if step == "read" {
        return 0;
    }
    *server.account() = before(step);
    Folder::with(&yaml(step)).duoctl(["plan", "--prune"]).at(server).run().exits(0);
    server.account().requests().values().sum()
}

fn rows<'f>(faults: impl Iterator<Item = &'f (&'f str, &'f str)>) -> Vec<String> {
    let server = Server::start();
    let planned = STEPS.iter().map(|(step, _)| requests_of_the_plan(&server, step)).collect::<Vec<_>>();
    let row = |(fault, words): &(&str, &str)| {
        let cells = STEPS.iter().zip(&planned);
        let cells: Vec<_> =
            cells.map(|((step, at), planned)| cell(&server, fault, step, at + planned)).collect();
        format!("| {words} | {} |\n", cells.join(" | "))
    };
    faults.map(row).collect()
}

/// Compares the part of docs/reference/faults.md with this name, or writes it if the environment requests that.
#[track_caller]
fn compare(name: &str, table: &str) {
    let path = Path::new("docs/reference/faults.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(&format!("<!-- generated: {name} -->\n")).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let wanted = format!("{before}<!-- generated: {name} -->\n\n{table}\n<!-- end -->{after}");
    if std::env::var_os("DUOCTL_REGENERATE").is_some() {
        std::fs::write(path, &wanted).unwrap();
        return;
    }
    assert_eq!(
        page, wanted,
        "run DUOCTL_REGENERATE=1 cargo test --test cli commands::faults -- --test-threads=1"
    );
}

#[test]
fn every_fault_at_every_step_is_told_and_made_good_by_the_next_run() {
    // The last faults take most of the time, so each part has one of them.
    let parts = std::thread::scope(|scope| {
        let parts = [0, 1, 2, 3].map(|part| scope.spawn(move || rows(FAULTS.iter().skip(part).step_by(4))));
        parts.map(|part| part.join().unwrap())
    });
    let rows: String = (0..FAULTS.len()).map(|row| parts[row % 4][row / 4].as_str()).collect();
    let head: Vec<&str> = STEPS.iter().map(|(step, _)| *step).collect();
    let head = format!("| Fault | {} |\n{}|\n", head.join(" | "), "|---".repeat(STEPS.len() + 1));
    compare("steps", &format!("{head}{rows}"));
}

/// A run that cannot connect: as the account's own hostname, at an address or through a proxy.
fn way(folder: &Folder, to: Option<(SocketAddr, &Path)>, proxy: Option<&str>) -> Outcome {
    let mut arguments = vec!["apply".to_owned(), "--auto-approve".to_owned()];
    if let Some((address, ca_file)) = to {
        arguments.extend(["--connect-to".to_owned(), address.to_string()]);
        arguments.extend(["--ca-file".to_owned(), ca_file.display().to_string()]);
    }
    let call: Call = folder.duoctl(arguments).env("DUO_IKEY", "DIXXXXXXXXXXXXXXXXXX");
    let call = call
        .env("DUO_SKEY", "hUnTeR2hUnTeR2hUnTeR2hUnTeR2hUnTeR2hUnTe")
        .env("DUOCTL_SIMULATOR_BACKOFF_MS", "1");
    match proxy {
        Some(proxy) => call.env("HTTPS_PROXY", proxy).run(),
        None => call.run(),
    }
}

/// A name server that knows no names. The binary would ask a real one, which no test may do; after the error, message and
/// exit code come from the same code.
struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("no such name".into()) })
    }
}

fn without_an_address(runtime: &Runtime) -> Outcome {
    let mut config = HttpsConfig::new(HOST, Ikey::new("DIXXXXXXXXXXXXXXXXXX"), Secret::new("hunter2"));
    config.resolver = Some(Arc::new(NoNames));
    config.backoff.unit = Duration::from_millis(1);
    let transport = HttpsTransport::open(config).unwrap();
    let read = runtime.block_on(Reader::new(transport.clone()).list(Kind::Application)).unwrap_err();
    let written = runtime
        .block_on(Writer::new(transport).create(Kind::Application, object(json!({"name": "It"}))))
        .unwrap_err();
    assert!(!written.outcome_unknown() && written == read, "{written}");
    let failure = Failure::Duo(read);
    let stderr = format!("error: {failure}\n  {}\n", failure.help().join("\n  "));
    Outcome { code: Some(failure.exit().code().into()), stdout: String::new(), stderr }
}

const HOST: &str = "api-00000000.duosecurity.com";

#[test]
fn whatever_is_wrong_with_the_way_is_told_and_nothing_is_sent() {
    let folder = Folder::empty();
    folder.write("duo.yaml", &format!("{}{LEAN}", HEAD.replace("api-1a2b3c4d.duosecurity.com", HOST)));
    let runtime = Runtime::new().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::named("Another"));
    let served = |leaf| {
        let server = runtime.block_on(wire_server::Server::start(leaf, []));
        let outcome = way(&folder, Some((server.address, ours.file.path())), None);
        assert_eq!(server.requests(), 0, "nothing is sent");
        outcome
    };
    let mut hello = vec![0x16, 3, 2, 0, 0x2a, 2, 0, 0, 0x26, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let spoken =
        |bytes: Vec<u8>| way(&folder, Some((runtime.block_on(speak_first(bytes)), ours.file.path())), None);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = |status| {
        let (address, _) = runtime.block_on(wire_server::proxy(Proxying::Refuse(status)));
        way(&folder, None, Some(&format!("http://user:hunter2@{address}")))
    };
    let cases = [
        ("a certificate of another host", served(ours.leaf("api-ffffffff.duosecurity.com", 2020, 2099))),
        ("a certificate that has expired", served(ours.leaf(HOST, 2020, 2021))),
        ("a certificate that is not valid yet", served(ours.leaf(HOST, 2090, 2099))),
        ("an authority that is not trusted", served(theirs.leaf(HOST, 2020, 2099))),
        ("TLS 1.1", spoken(hello)),
        ("no TLS at all", spoken(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
        ("the API hostname has no address", without_an_address(&runtime)),
        ("nothing listens", way(&folder, Some((closed, ours.file.path())), None)),
        ("a proxy that cannot be reached", way(&folder, None, Some(&format!("http://{closed}")))),
        ("a proxy that refuses", refusing("403 Forbidden")),
        ("a proxy that asks for credentials", refusing("407 Proxy Authentication Required")),
        ("a proxy whose name has no address", way(&folder, None, Some("http://proxy.invalid:3128"))),
    ];
    let mut table = "| What is wrong | Exit code | What is said |\n|---|---|---|\n".to_owned();
    for (words, outcome) in cases {
        assert!(!outcome.stderr.contains("hunter2") && outcome.stdout.is_empty(), "{outcome:?}");
        let told = outcome.stderr.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or_default();
        assert_eq!(outcome.code, Some(75), "{words}: {outcome:?}");
        assert!(told.contains("cannot be reached: "), "{words}: {told}");
        assert!(outcome.stderr.contains("  nothing was sent, so Duo did nothing: it is safe to run again\n"));
        let told = told.split_once("cannot be reached: ").unwrap().1;
        writeln!(table, "| {words} | 75 | {told} |").unwrap();
    }
    compare("way", &table);
}
