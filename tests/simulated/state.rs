//! The sandbox's state survives a kill during a write, and ten thousand applications do not slow it down.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use duoctl::sandbox::account::Account;
use duoctl::sandbox::direct::Direct;
use duoctl::sandbox::message::RawRequest;
use serde_json::{Map, Value, json};

const STATE: &str = "SANDBOX_STATE_UNDER_TEST";

fn body(name: &str) -> Map<String, Value> {
    json!({"name": name, "type": "rdp", "user_access": "NO_USERS"}).as_object().unwrap().clone()
}

/// Runs in its own process, which is killed: creates applications and reports each.
#[test]
#[ignore = "only as the child of a_kill_loses_no_acknowledged_write"]
fn child_that_writes_until_it_is_killed() {
    let mut account = Account::open(Path::new(&std::env::var_os(STATE).unwrap())).unwrap();
    for number in 0.. {
        account.create_application(body(&format!("written {number}"))).unwrap();
        println!("written {number}");
    }
}

#[test]
fn a_kill_loses_no_acknowledged_write() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let before = Account::open(folder.path()).unwrap().applications().len();
        let mut child = crate::support::alone(module_path!(), "child_that_writes_until_it_is_killed")
            .env(STATE, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut written = lines.filter(|line| line.as_ref().unwrap().contains("written ")).take(40);
        let acknowledged = written.by_ref().count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(acknowledged, 40);
        let mut account = Account::open(folder.path()).unwrap();
        let after = account.applications().len();
        assert!(after >= before + acknowledged, "round {round}: {before} + {acknowledged} > {after}");
        account.create_application(body("after")).unwrap();
        assert_eq!(account.applications().len(), after + 1);
    }
}

#[test]
fn pages_of_ten_thousand_applications_are_quick() {
    let mut account = Account::empty_in_memory().unwrap();
    let groups: Vec<String> = (0..3).map(|n| account.add_group(&format!("group {n}")).unwrap()).collect();
    for number in 0..9_999 {
        let mut body = body(&format!("application {number}"));
        body.insert("user_access".to_owned(), json!("PERMITTED_GROUPS"));
        body.insert("groups_allowed".to_owned(), json!(groups));
        account.create_application(body).unwrap();
    }
    // The read is measured with its signature and its bytes, as a client causes it.
    let requests = [0, 9_500].map(|offset| signed_list(&account, offset));
    let now = jiff::Timestamp::now().as_second();
    let mut best = [Duration::MAX; 2];
    for _ in 0..5 {
        for (best, request) in best.iter_mut().zip(&requests) {
            let begun = Instant::now();
            let reply = account.handle(request, now);
            *best = (*best).min(begun.elapsed());
            assert_eq!(reply.status, 200);
            let page: Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(page["response"].as_array().unwrap().len(), 500);
        }
    }
    eprintln!("a page of 500 of 10,000 applications: first {:?}, last {:?}", best[0], best[1]);
    // Without optimisation everything takes several times as long.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 300 } else { 20 });
    assert!(best.iter().all(|time| *time < limit), "{best:?}");
}

fn signed_list(account: &Account, offset: usize) -> RawRequest {
    use duoctl::duo::sign::{Scheme, Signable, authorization, canonical_params, signature};
    let key = account.key("operator").unwrap();
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&jiff::Timestamp::now()).unwrap();
    let params = [("limit".to_owned(), "500".to_owned()), ("offset".to_owned(), offset.to_string())];
    let (host, path) = ("api-1a2b3c4d.duosecurity.com", "/admin/v3/integrations");
    let signable =
        Signable { date: &date, method: "GET", host, path, params: &params, body: b"", duo_headers: &[] };
    let authorization =
        authorization(&key.integration_key, &signature(Scheme::V5, &key.secret_key, &signable));
    let headers = [("Host", host.to_owned()), ("Date", date.clone()), ("Authorization", authorization)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    RawRequest::new("GET", &format!("{path}?{}", canonical_params(&params)), headers.into(), Vec::new())
}

#[test]
fn clients_share_one_account() {
    let direct = Direct::operator(Account::empty_in_memory().unwrap());
    let other = direct.clone();
    direct.account().create_application(body("shared")).unwrap();
    assert_eq!(other.account().applications().len(), 2);
}
