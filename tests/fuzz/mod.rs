//! Everything that reads external input, with inputs derived from a committed corpus: no panic, nothing that takes two
//! seconds or half a gigabyte. `FUZZ_SECONDS` sets how long each target runs; a failure prints its input.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

mod targets;

/// No input may take this long.
const SLOW: Duration = Duration::from_secs(2);
const MAX_INPUT: usize = 64 * 1024;
const MAX_MEMORY_KB: u64 = 500 * 1024;

/// Pieces with a meaning for one of the readers.
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

/// Runs a target on the corpus and its mutations.
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
            // An input that was once valid and is far from its origin finds more.
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

#[test]
fn yaml() {
    fuzz("yaml", &["tests/samples", "examples", "tests/corpus/yaml"], targets::yaml);
}

#[test]
fn plans() {
    fuzz("plan", &["tests/corpus/plan"], targets::plans);
}

#[test]
fn replies() {
    fuzz("reply", &["tests/corpus/reply"], targets::replies);
}

#[test]
fn markers() {
    fuzz("marker", &["tests/corpus/marker"], targets::markers);
}

#[test]
fn texts() {
    fuzz("text", &["tests/corpus/text"], targets::texts);
}
