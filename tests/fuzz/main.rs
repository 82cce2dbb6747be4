//! Everything that reads what others wrote, with inputs made from a committed corpus: no panic, nothing that takes two
//! seconds, no half a gigabyte. `FUZZ_SECONDS` says how long each target runs; a failure prints its input.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use duoctl::cli::session::desired;
use duoctl::config::load::load_text;
use duoctl::config::texts::is_harmful;
use duoctl::duo::call::ApiCall;
use duoctl::duo::reply::{Body, Reply, outcome};
use duoctl::duo::types::{Group, Ikey, Integration, Policy};
use duoctl::output::json;
use duoctl::output::paint::{quoted, safe};
use duoctl::output::snippet;
use duoctl::reconcile::fingerprint::Fingerprint;
use duoctl::reconcile::marker::{Marker, Notes};
use duoctl::reconcile::observed::{Observation, Observed};
use duoctl::reconcile::plan::{Options, Prune, plan};
use duoctl::reconcile::selection::Selection;
use serde_json::Value;

/// No input may take this long.
const SLOW: Duration = Duration::from_secs(2);
const MAX_INPUT: usize = 64 * 1024;
const MAX_MEMORY_KB: u64 = 500 * 1024;

/// Pieces that mean something to one of the readers.
const TOKENS: &[&str] = &[
    "&a ",
    "*a",
    "<<: *a",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "\n",
    "\t",
    "\r\n",
    "#",
    "---\n",
    "!!str ",
    "null",
    "~",
    "\\ud83d",
    "\\ude00",
    "\\u0000",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "é",
    "😀",
    "::error::",
    "[duoctl ",
    " creating]",
    "quarantined:2026-11-25",
    "-1",
    "1e309",
    "99999999999999999999",
    "applications",
    "integration_key",
    "groups_allowed",
    "adminapi_",
    "\"stat\": \"OK\"",
    "next_offset",
    "{\"code\": 40002}",
    "|\n  ",
    ">-\n  ",
];

/// Small, fast, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let span = at..(at + random.below(32)).min(input.len());
        match random.below(8) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = u8::try_from(random.below(256)).unwrap(),
            2 => drop(input.drain(span)),
            3 => {
                let copy = input[span].to_vec();
                let times = 1 + random.below(40);
                input.splice(at..at, copy.repeat(times));
            }
            4 => {
                let from = random.below(other.len() + 1);
                let piece = other[from..(from + random.below(200)).min(other.len())].to_vec();
                input.splice(at..at, piece);
            }
            _ => {
                let token = TOKENS[random.below(TOKENS.len())];
                input.splice(at..at, token.bytes().collect::<Vec<_>>().repeat(1 + random.below(3)));
            }
        }
        input.truncate(MAX_INPUT);
    }
}

fn files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(fs::read(path).unwrap()) }
    }
}

/// Runs a target on the corpus and on what comes of it.
fn fuzz(target: &str, folders: &[&str], check: impl Fn(&[u8])) {
    let seconds: u64 = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut corpus = Vec::new();
    folders.iter().for_each(|folder| files(Path::new(folder), &mut corpus));
    assert!(!corpus.is_empty(), "{target} has no corpus");
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seconds << 32));
    let (start, mut runs) = (Instant::now(), 0_u64);
    let mut worst = Duration::ZERO;
    let mut queue = corpus.clone();
    while start.elapsed() < Duration::from_secs(seconds) || !queue.is_empty() {
        let input = queue.pop().unwrap_or_else(|| {
            let mut input = corpus[random.below(corpus.len())].clone();
            let other = corpus[random.below(corpus.len())].clone();
            mutate(&mut input, &other, &mut random);
            // What once was valid and is far from where it began finds more.
            if random.below(50) == 0 && input.len() < 4096 && corpus.len() < 4000 {
                corpus.push(input.clone());
            }
            input
        });
        let begun = Instant::now();
        let passed = catch_unwind(AssertUnwindSafe(|| check(&input))).is_ok();
        worst = worst.max(begun.elapsed());
        assert!(
            passed && begun.elapsed() < SLOW,
            "{target}: {:?} for {:?}",
            begun.elapsed(),
            String::from_utf8_lossy(&input)
        );
        runs += 1;
    }
    println!("{target}: {runs} inputs in {seconds} s, the slowest took {worst:?}");
    #[cfg(target_os = "linux")]
    {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < MAX_MEMORY_KB, "{target}: {peak} kB");
    }
}

fn options() -> Options {
    Options {
        prune: Prune::Quarantine,
        selection: Selection::default(),
        today: jiff::civil::date(2026, 11, 25),
        now: jiff::Timestamp::UNIX_EPOCH,
        rotation: Default::default(),
    }
}

fn observation(integrations: Vec<Integration>) -> Observation {
    Observation {
        host: "api-1a2b3c4d.duosecurity.com".to_owned(),
        operator: Ikey::new("DIOPERATOR"),
        integrations: Observed::Present(integrations),
        groups: Observed::Present(Vec::new()),
        policies: Observed::Present(Vec::new()),
        account: Default::default(),
        held: Default::default(),
        observed_at: jiff::Timestamp::UNIX_EPOCH,
        uses: Default::default(),
        rotation_uses: Observed::Absent,
        creations: Observed::Absent,
    }
}

#[test]
fn yaml() {
    fuzz("yaml", &["tests/samples", "examples", "tests/corpus/yaml"], |input| {
        let text = String::from_utf8_lossy(input).into_owned();
        let loaded = load_text("duo.yaml".into(), text);
        let shown = snippet::render(&loaded.diagnostics, &loaded.sources, false, 100);
        assert!(shown.chars().all(|c| c == '\n' || !is_harmful(c)), "{shown}");
        if let Some(workspace) = loaded.valid() {
            let wanted = desired(workspace, &loaded.sources);
            let planned = plan(&wanted, &observation(Vec::new()), &options());
            assert!(planned.steps().len() <= wanted.applications.len() * 3);
        }
    });
}

#[test]
fn plans() {
    fuzz("plan", &["tests/corpus/plan"], |input| {
        let Ok(mut document) = serde_json::from_slice::<Value>(input) else { return };
        let fingerprint = document.get_mut("fingerprint").map(Value::take).unwrap_or_default();
        if let Ok(fingerprint) = serde_json::from_value::<Fingerprint>(fingerprint) {
            let now = plan(
                &desired_of(
                    "version: 1\nworkspace: a\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\n",
                ),
                &observation(Vec::new()),
                &options(),
            );
            let _ = fingerprint.moved(now.fingerprint());
        }
    });
}

fn desired_of(text: &str) -> duoctl::reconcile::desired::Desired {
    let loaded = load_text("duo.yaml".into(), text.to_owned());
    desired(loaded.valid().unwrap(), &loaded.sources)
}

#[test]
fn replies() {
    let wanted = desired_of(
        "version: 1\nworkspace: acme\ntenant: {api_hostname: api-1a2b3c4d.duosecurity.com}\napplications:\n  \
         vpn: {type: radius, name: VPN, user_access: no_users, greeting: x, notes: y, self_service_allowed: false}\n  \
         siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [info], networks_for_api_access: [192.0.2.0/24]}\n",
    );
    fuzz("reply", &["tests/corpus/reply"], |input| {
        for status in [200, 400, 429, 500] {
            let reply = Reply {
                status,
                content_type: Some("application/json".to_owned()),
                location: None,
                retry_after: None,
                body: Body::Whole(input.to_vec()),
            };
            let call = ApiCall::get("/admin/v3/integrations", &[]);
            match outcome(&call, &reply) {
                Ok(success) => {
                    let rows = success.response.as_array().cloned().unwrap_or_default();
                    for row in &rows {
                        let _ = (Group::decode(row), Policy::decode(row));
                    }
                    let live: Vec<Integration> = rows.into_iter().filter_map(Integration::decode).collect();
                    let planned = plan(&wanted, &observation(live), &options());
                    let shown = duoctl::output::plan_text::render(
                        &planned,
                        &[],
                        duoctl::output::paint::Paint { on: false },
                        false,
                    );
                    assert!(shown.chars().all(|c| c == '\n' || !is_harmful(c)), "{shown}");
                }
                Err(error) => {
                    let shown = error.to_string();
                    assert!(!shown.chars().any(is_harmful) && shown.chars().count() < 2000, "{shown}");
                }
            }
        }
    });
}

#[test]
fn markers() {
    fuzz("marker", &["tests/corpus/marker"], |input| {
        let text = String::from_utf8_lossy(input);
        let notes = Notes::parse(&text);
        if let Some(marker) = notes.marker {
            // What is read is written as the same again, and no text before it can become another one.
            let written = marker.notes(notes.text);
            let again = Notes::parse(&written);
            assert_eq!((again.text, again.marker.as_ref()), (notes.text, Some(&marker)), "{written:?}");
            let forged: Marker = Notes::parse(&marker.notes(&text)).marker.unwrap();
            assert_eq!(forged, marker);
        }
    });
}

#[test]
fn texts() {
    fuzz("text", &["tests/corpus/text"], |input| {
        let text = String::from_utf8_lossy(input);
        let (shown, quoted) = (safe(&text), quoted(&text));
        assert!(!shown.chars().any(is_harmful) && !quoted.chars().any(is_harmful), "{shown}");
        let inner: Vec<char> = quoted.chars().collect();
        let inside = &inner[1..inner.len() - 1];
        assert!(inside.iter().enumerate().all(|(at, c)| *c != '"' || inside[at - 1] == '\\'), "{quoted}");
        let document = json::text(&serde_json::json!({ &*text: [text] }));
        assert!(document.chars().all(|c| c == '\n' || !is_harmful(c)), "{document}");
        assert_eq!(document.lines().count(), 5, "{document}");
        let back: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(back[&*text][0], *text);
    });
}
