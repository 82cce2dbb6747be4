//! Plain English: words and phrases that are old-fashioned, or that hide who does something, stay rare.

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

/// Words and phrases with a plainer one: fix, an administrator, next to, the current key, is not a ...
const OFFENCES: &str = r"(?i)\b(mend(s|ed)?|whoever|nobody|somebody|beside|thereof|lest|of now|(there )?is no \w+|says? of|tells nothing)\b";
/// "This is no workspace" is old-fashioned; these are not.
const PLAIN: [&str; 2] = ["there is no", "is no longer"];
/// In this many words there are fewer than [`FEW`].
const MANY: usize = 10_000;
const FEW: usize = 3;

/// Where the text has one, by its line.
fn offences(text: &str) -> Vec<(usize, String)> {
    let pattern = Regex::new(OFFENCES).unwrap();
    let lines = text.lines().enumerate();
    let found = lines.flat_map(|(number, line)| {
        pattern.find_iter(line).map(move |found| (number + 1, found.as_str().to_owned()))
    });
    let plain = |words: &str| PLAIN.iter().any(|plain| words.to_lowercase().starts_with(plain));
    found.filter(|(_, words)| !plain(words)).collect()
}

#[test]
fn the_prose_is_plain() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = Command::new("git").args(["ls-files", "*.rs", "*.md"]).current_dir(root).output().unwrap();
    let files = String::from_utf8(files.stdout).unwrap();
    let (mut words, mut hits) = (0, Vec::new());
    let is_test = |file: &&str| file.split('/').any(|part| part == "tests" || part == "tests.rs");
    for file in files.lines().filter(|file| !is_test(file)) {
        // A file that was moved and is not committed yet is read under its new name.
        let Ok(text) = fs::read_to_string(root.join(file)) else { continue };
        words += text.split_whitespace().count();
        hits.extend(offences(&text).into_iter().map(|(line, words)| format!("{file}:{line}: {words}")));
    }
    assert!(words > 100_000, "only {words} words were read");
    let count = hits.len();
    assert!(
        count * MANY < FEW * words,
        "{count} hits in {words} words are not fewer than {FEW} in {MANY}\n{}",
        hits.join("\n")
    );
}

#[test]
fn each_offence_is_found_and_nothing_else() {
    let text = "Mend it, mends, mended.\nWhoever, nobody or somebody beside it.\nlest thereof\nthe key of now\n\
        This is no workspace.\nsays of it, say of it, tells nothing";
    assert_eq!(offences(text).len(), 14);
    let plain = "amend, besides, nobodys, is no longer, There is no file, is not a workspace, says often, latest, none";
    assert_eq!(offences(plain), Vec::new());
}
