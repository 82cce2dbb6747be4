//! What a call prints for people: the last line matches the exit code, and nothing is printed twice.

use std::collections::BTreeMap;
use std::process::Command;

/// Commands whose stdout is for programs.
const DATA: [&str; 5] = ["--", "completions", "man", "sandbox", "schema"];

/// With `-vv` each request has a line, and two may be equal.
const LOGGED: [&str; 3] = ["DEBUG ", "INFO ", "WARN "];
/// A spinner is redrawn repeatedly.
const SPINNER: fn(char) -> bool = |c| ('\u{2800}'..='\u{28ff}').contains(&c);

/// Words of a last line that report a failure.
const BEGINS: [&str; 5] = ["Failed", "Not ", "Refused", "error", "refused"];
const COUNTED: [&str; 11] = [
    " failed",
    " not attempted",
    " inconclusive",
    " stopped by errors",
    " not delivered",
    " refused",
    "erification failed",
    " error",
    " stale",
    " still differ",
    " could not be read again",
];

/// A call of the binary whose streams are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It reports what it did.
    Tells,
    /// It shows what another call did, and exits with 0 whatever that was.
    Shows,
}

/// What a call of the binary prints for people; `None` if its streams are for programs.
pub(super) fn for_people(command: &Command) -> Option<Call> {
    let arguments: Vec<String> =
        command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let other =
        |argument: &String| argument.starts_with("--format") || argument == "--help" || argument == "-h";
    let first = arguments.first()?.as_str();
    let told = command.get_program() == env!("CARGO_BIN_EXE_duoctl")
        && !arguments.iter().any(other)
        && !DATA.contains(&first);
    told.then_some(if first == "show" { Call::Shows } else { Call::Tells })
}

/// Fails unless both streams agree with the exit code. `last` is the last line of the report, if there is one.
#[track_caller]
pub(super) fn agree(call: Call, code: i32, stdout: &str, stderr: &str, last: Option<&str>) {
    let (out, err) = (plain(stdout), plain(stderr));
    let shown = out.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let errors = err.lines().any(|line| line.starts_with("error"));
    // The last line of every format, and the last one that people see.
    let lines = [last.unwrap_or(shown), shown];
    let found = match code {
        _ if call == Call::Shows => None,
        0 if errors || lines.iter().any(|line| fails(line)) => Some("it tells of a failure, and ends with 0"),
        0 => None,
        // A terminal shows both streams as one.
        code if lines.iter().all(|line| why(code, line, &format!("{err}\n{out}"))) => None,
        _ => Some("no word says why it ends so"),
    };
    let said_twice = twice(&out, &err);
    let problem =
        found.map(str::to_owned).or_else(|| said_twice.map(|block| format!("said twice:\n{block}")));
    if let Some(problem) = problem {
        panic!("{problem}\n--- exit {code}\n--- last lines: {lines:?}\n--- stdout\n{out}\n--- stderr\n{err}");
    }
}

/// Whether a last line reports a failure.
fn fails(last: &str) -> bool {
    BEGINS.iter().any(|word| last.starts_with(word)) || COUNTED.iter().any(|word| last.contains(word))
}

/// Whether the last line or another one says why a call exited with this code.
fn why(code: i32, last: &str, all: &str) -> bool {
    let errors = || all.lines().any(|line| line.starts_with("error"));
    match code {
        2 => {
            let changes = last.starts_with("Plan: ") || last.contains(" older than max_age");
            changes || all.contains("not formatted")
        }
        3 | 4 => fails(last) || last.contains(" pending"),
        5 => fails(last) || all.contains("refused") || all.contains("pass --auto-approve") || errors(),
        6 => fails(last) || all.contains("stale") || all.contains(" changed "),
        130 => all.contains("interrupt"),
        _ => fails(last) || errors() || incomplete(last),
    }
}

/// Whether a last line counts fewer than all: `Keys: 1 of 2 are current.`
fn incomplete(last: &str) -> bool {
    let words: Vec<&str> = last.split_whitespace().collect();
    let number = |text: &str| text.parse::<usize>().ok();
    words.windows(3).any(|words| match words {
        [some, "of", all] => number(some).zip(number(all)).is_some_and(|(some, all)| some < all),
        _ => false,
    })
}

/// What was printed twice. A line that is not indented counts together with the indented lines below it; a plan's line may be
/// true again after the apply.
fn twice(out: &str, err: &str) -> Option<String> {
    let (before, after) = out.split_once("After the apply the account still differs:").unwrap_or((out, ""));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for block in blocks(before).into_iter().chain(blocks(err)) {
        *seen.entry(block).or_default() += 1;
    }
    let again = blocks(after).into_iter().fold(BTreeMap::<String, usize>::new(), |mut seen, block| {
        *seen.entry(block).or_default() += 1;
        seen
    });
    seen.into_iter().chain(again).find(|(_, count)| *count > 1).map(|(block, _)| block)
}

fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let logged = |line: &&str| LOGGED.iter().any(|level| line.starts_with(level));
    let said = |line: &&str| line.chars().any(char::is_alphanumeric) && !line.starts_with(SPINNER);
    for line in text.lines().filter(|line| said(line) && !logged(line)) {
        // The line number of a shown file is in the margin.
        let margin = line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(" |");
        match blocks.last_mut() {
            Some(block) if margin || line.starts_with([' ', '\t']) => {
                block.push('\n');
                block.push_str(line);
            }
            _ => blocks.push(line.to_owned()),
        }
    }
    blocks
}

/// Without colours, and without what a terminal erased.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(&text.replace("\r\n", "\n").replace('\r', "\n")).to_string()
}
