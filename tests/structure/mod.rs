//! The structure of the source: a module only uses those below it in the list of `lib.rs`, and files do not use each other in
//! a cycle. Tests inside the source are exempt.

mod names;
mod prose;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The files of a crate by their paths, with the files that each uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_use_goes_down_and_none_comes_round() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    read(&root, "", &mut files);
    let uses = uses(&files);
    assert!(
        uses.len() > 200 && uses.values().map(BTreeSet::len).sum::<usize>() > 1000,
        "sources were missed"
    );
    assert_eq!(faults(&order(&files["lib.rs"]), &uses), Vec::<String>::new());
}

/// Other ways to read files, each with the reason.
const OTHER_READERS: &[(&str, &str)] = &[
    ("reading.rs", "the function itself"),
    ("sandbox/store.rs", "the simulator's own journal, line by line"),
    ("secrets/file.rs", "a secret, only if it is the very file that was checked before; and its folder"),
    ("atomic.rs", "a lock, of which nothing is read"),
    ("leftovers.rs", "locks, of which nothing is read"),
    ("secrets/exec.rs", "the output of a process"),
    ("credentials.rs", "the output of a process"),
];

/// Other ways to read a file forget the byte-order mark, the limit, or that a pipe blocks.
#[test]
fn files_are_read_by_one_function() {
    let ways =
        ["fs::read(", "fs::read_to_string(", "read_to_string(", "read_to_end(", "File::open(", ".read(true)"];
    assert_eq!(files_with(&ways), OTHER_READERS.iter().map(|(file, _)| (*file).to_owned()).collect());
}

/// A deletion is planned, or of what the run created; one file decides that.
#[test]
fn what_may_be_deleted_is_decided_in_one_file() {
    let found = files_with(&["Deletable::", "Deletable("]);
    assert_eq!(found, ["apply/deletion.rs", "duo/api.rs"].map(str::to_owned).into());
}

/// The sections of addresses are compared and written in one file.
#[test]
fn addresses_are_taken_apart_in_one_file() {
    let found = files_with(&["\"applications.", "\"identity_intelligence."]);
    // Examples of the language.
    assert_eq!(found, ["config/language.rs"].map(str::to_owned).into());
}

/// The files whose production code contains one of these.
fn files_with(texts: &[&str]) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    read(&root, "", &mut files);
    let has = |(file, text): &(String, String)| {
        production(file, text).is_some_and(|text| texts.iter().any(|wanted| text.contains(wanted)))
    };
    files.into_iter().filter(has).map(|(file, _)| file).collect()
}

/// The part of a file that is not a test; nothing if all of it is one.
fn production<'t>(file: &str, text: &'t str) -> Option<&'t str> {
    let tests = file.contains("tests") || file.ends_with("traps.rs") || file.contains("testing");
    let text = text.split("#[cfg(test)]\nmod tests").next()?;
    text.split("#[cfg(all(test,").next().filter(|_| !tests)
}

/// Tests the check itself: it sees every way to name a module, and nothing in tests, comments and strings.
#[test]
fn uses_that_go_up_or_come_round_are_found() {
    let files = [
        ("lib.rs", "pub mod top;\npub mod middle;\npub(crate) mod low;"),
        ("top.rs", "use crate::{low, middle::{self, face as other}}; pub(super) fn x() {}"),
        ("middle.rs", "mod face; mod leaf; pub use face::run;"),
        ("middle/face.rs", "fn run() { super::leaf::stop() }"),
        (
            "middle/leaf.rs",
            "use self::inner::x; #[cfg(test)] mod tests { use super::super::face; } // crate::top\n",
        ),
        (
            "low.rs",
            r##"fn f<'a>(c: char) -> &'a str { if c == '"' { crate::top::x() } else { r#"crate::middle"# } }"##,
        ),
        ("middle/leaf/inner.rs", "use super::super::*;"),
    ];
    let files: BTreeMap<String, String> =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let found = faults(&order(&files["lib.rs"]), &uses(&files));
    assert_eq!(
        found,
        [
            "low.rs uses top.rs, and so in a circle",
            "low.rs uses top.rs, which stands above it",
            "middle.rs uses middle/face.rs, and so in a circle",
            "middle/face.rs uses middle/leaf.rs, and so in a circle",
            "middle/leaf.rs uses middle/leaf/inner.rs, and so in a circle",
            "middle/leaf/inner.rs uses middle.rs, and so in a circle",
            "top.rs uses low.rs, and so in a circle",
        ]
    );
}

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else if name.ends_with(".rs") && name != "main.rs" {
            files.insert(name, fs::read_to_string(path).unwrap());
        }
    }
}

/// The modules of the crate in the order of `lib.rs`, from the top down.
fn order(lib: &str) -> Vec<String> {
    let tokens = tokens(lib);
    let modules = tokens.windows(2).filter(|pair| pair[0] == "mod");
    modules.map(|pair| pair[1].to_owned()).collect()
}

fn faults(order: &[String], uses: &Uses) -> Vec<String> {
    let rank = |file: &str| {
        let module = file.split('/').next().unwrap().trim_end_matches(".rs");
        order.iter().position(|name| name == module)
    };
    let mut faults = BTreeSet::new();
    for (from, to) in uses.iter().flat_map(|(from, uses)| uses.iter().map(move |to| (from, to))) {
        if let (Some(from_rank), Some(to_rank)) = (rank(from), rank(to))
            && to_rank < from_rank
        {
            faults.insert(format!("{from} uses {to}, which stands above it"));
        }
        if reaches(uses, to, from) {
            faults.insert(format!("{from} uses {to}, and so in a circle"));
        }
    }
    faults.into_iter().collect()
}

fn reaches(uses: &Uses, from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(file) = open.pop() {
        if file == to {
            return true;
        }
        open.extend(
            uses.get(file).into_iter().flatten().map(String::as_str).filter(|next| seen.insert(next)),
        );
    }
    false
}

fn uses(files: &BTreeMap<String, String>) -> Uses {
    let parsed: Vec<(Vec<&str>, Vec<&str>)> =
        files.iter().map(|(path, text)| (module(path), tokens(text))).collect();
    let tests: Vec<Vec<&str>> = parsed.iter().flat_map(|(path, tokens)| test_modules(path, tokens)).collect();
    let is_test = |path: &[&str]| tests.iter().any(|test| path.starts_with(test));
    let by_module: BTreeMap<Vec<&str>, &String> =
        files.keys().map(|path| (module(path), path)).filter(|(path, _)| !is_test(path)).collect();
    let mut uses = Uses::new();
    for (here, tokens) in parsed.iter().filter(|(path, _)| !is_test(path)) {
        let file = by_module[here];
        let used = paths(&without_tests(tokens)).into_iter().filter_map(|path| {
            let target = resolve(here, &path, &by_module)?;
            (target != file).then(|| target.clone())
        });
        uses.insert(file.clone(), used.collect());
    }
    uses
}

/// The path of a file's module.
fn module(file: &str) -> Vec<&str> {
    if file == "lib.rs" { Vec::new() } else { file.trim_end_matches(".rs").split('/').collect() }
}

/// The file of the deepest module that a path names.
fn resolve<'f>(
    here: &[&str],
    path: &[&str],
    by_module: &BTreeMap<Vec<&str>, &'f String>,
) -> Option<&'f String> {
    let ups = path.iter().take_while(|part| **part == "super").count();
    let (mut base, rest) = match path.first()? {
        &"crate" => (Vec::new(), &path[1..]),
        &"self" => (here.to_vec(), &path[1..]),
        &"super" => (here[..here.len().checked_sub(ups)?].to_vec(), &path[ups..]),
        // Any other first part is a module below this one, or an imported name that is counted there.
        child => {
            let below = [here, &[child]].concat();
            by_module.contains_key(&below).then_some((below, &path[1..]))?
        }
    };
    for part in rest {
        let below = [base.as_slice(), &[part]].concat();
        if !by_module.contains_key(&below) {
            break;
        }
        base = below;
    }
    by_module.get(&base).copied().filter(|file| *file != "lib.rs")
}

/// Modules in their own files that only tests have.
fn test_modules<'t>(here: &[&'t str], tokens: &[&'t str]) -> Vec<Vec<&'t str>> {
    let mut found = Vec::new();
    for (at, _) in tokens.iter().enumerate().filter(|(at, _)| is_test_attribute(&tokens[*at..])) {
        let item = &tokens[at..];
        let end = item.iter().position(|token| matches!(*token, "{" | ";")).unwrap_or(item.len());
        if item.get(end) == Some(&";")
            && let Some(name) = item[..end].iter().position(|token| *token == "mod")
        {
            found.push([here, &[item[name + 1]]].concat());
        }
    }
    found
}

fn is_test_attribute(tokens: &[&str]) -> bool {
    tokens.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"])
}

fn without_tests<'t>(tokens: &[&'t str]) -> Vec<&'t str> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at += item_length(&tokens[at..]);
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// The length of an item: up to the end of its braces, or to its semicolon.
fn item_length(tokens: &[&str]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(*token, "}" | ";") {
            return at + 1;
        }
    }
    tokens.len()
}

/// Every path, including those inside the braces of a `use`, in full.
fn paths<'t>(tokens: &[&'t str]) -> Vec<Vec<&'t str>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "mod" {
            at += 2;
        } else if tokens[at..].starts_with(&["pub", "("]) {
            at += tokens[at..].iter().position(|token| *token == ")").unwrap();
        } else if is_name(tokens[at]) && tokens[at] != "use" {
            at += path(&tokens[at..], &[], &mut found).max(1);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one path and its group; returns how many tokens it took.
fn path<'t>(tokens: &[&'t str], before: &[&'t str], found: &mut Vec<Vec<&'t str>>) -> usize {
    let mut so_far = before.to_vec();
    let mut at = if tokens[0] == "as" { 2 } else { 0 };
    loop {
        match tokens.get(at) {
            Some(&"{") if at > 0 => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != "}") {
                    at += path(&tokens[at..], &so_far, found).max(1);
                }
                return at + 1;
            }
            Some(name) if is_name(name) => so_far.push(name),
            _ => break,
        }
        at += 1;
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    if so_far.len() > before.len() {
        found.push(so_far);
    }
    at
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The tokens of a source, without comments, strings and characters.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let raw = raw_text(rest);
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if raw > 0 {
            raw
        } else if first == '"' {
            quoted(rest)
        } else if first == '\'' {
            character(rest)
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        let is_word = first.is_alphanumeric() || first == '_';
        let is_sign = !first.is_whitespace() && !matches!(first, '"' | '\'') && !token.starts_with("//");
        if raw == 0 && (is_word || is_sign) && !token.starts_with("/*") {
            tokens.push(token);
        }
        rest = after;
    }
    tokens
}

/// The length of a raw string; 0 if none starts here.
fn raw_text(text: &str) -> usize {
    let Some(body) = text.strip_prefix("br").or_else(|| text.strip_prefix('r')) else { return 0 };
    let hashes = body.len() - body.trim_start_matches('#').len();
    if !body[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len() + hashes + 1;
    text[start..].find(&end).map_or(text.len(), |found| start + found + end.len())
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == '"' && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// The length of a character literal, or 1 for a lifetime's tick.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => text[2..].find('\'').map_or(1, |end| if end == 0 { 4 } else { end + 3 }),
        Some((_, c)) if text[1 + c.len_utf8()..].starts_with('\'') => c.len_utf8() + 2,
        _ => 1,
    }
}
