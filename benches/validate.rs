//! `duoctl validate` without the command line: YAML of generated applications from a file to a checked workspace,
//! compared with only parsing the same text.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::fs;

use divan::Bencher;
use divan::counter::BytesCount;
use duoctl::config::load::load;
use duoctl::kinds::Kind;
use granit_parser::Parser;

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// A workspace of applications of several types, as a person would write them.
fn yaml(applications: usize) -> String {
    let mut text = String::from(
        "version: 1\nworkspace: bench\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\napplications:\n",
    );
    for number in 0..applications {
        let _ = match number % 3 {
            0 => writeln!(
                text,
                "  vpn-{number}:\n    type: radius\n    name: VPN of branch {number}\n    user_access: permitted_groups\n    \
                 groups_allowed: [VPN Users, Contractors]\n    policy: Require trusted endpoints\n    greeting: Branch {number}"
            ),
            1 => writeln!(
                text,
                "  report-{number}:\n    type: adminapi\n    name: Report {number}\n    user_access: no_users\n    \
                 permissions: [info, read_log]\n    networks_for_api_access: [192.0.2.0/24, 198.51.100.7]"
            ),
            _ => writeln!(
                text,
                "  web-{number}:\n    # Owned by team {number}\n    type: websdk\n    name: Web {number}\n    user_access: all_users\n    \
                 self_service_allowed: false\n    notes: Ticket {number}"
            ),
        };
    }
    text
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn validate(bencher: Bencher<'_, '_>, applications: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duo.yaml");
    let text = yaml(applications);
    fs::write(&path, &text).unwrap();
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let loaded = load(&path);
        assert!(
            loaded.valid().is_some_and(|workspace| workspace.of(Kind::Application).len() == applications)
        );
        loaded
    });
}

/// Only parses: reads every event and does nothing with it.
#[divan::bench(args = SIZES, sample_count = 10)]
fn parse(bencher: Bencher<'_, '_>, applications: usize) {
    let text = yaml(applications);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench_local(|| Parser::new_from_str(&text).filter(|event| event.is_ok()).count());
}
