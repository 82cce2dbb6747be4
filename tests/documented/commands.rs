//! What the pages of the root and of docs/ show is true. Per page, in a copy of examples/ of its own and
//! without a network:
//!
//! * a `console` block is run line by line; what stands under a command is what it prints, where a line of `...` stands
//!   for any lines and `[..]` for any text. `<!-- exit 2 -->` before the block is the exit code of its last command;
//!   every other command ends with 0;
//! * the duoctl commands of a `sh` block are read by the real parser of arguments, and not run;
//! * a `yaml` block with `version:` is loaded and has no error;
//! * a link to a file of the repository leads there, and so does its anchor;
//! * the tests that it names exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Parser as _;
use duoctl::cli::args::Args;
use duoctl::config::load::load_text;
use duoctl::diagnostic::has_errors;

/// The pages, by their paths in the repository: those of its root, and all below `docs`.
fn pages() -> Vec<PathBuf> {
    fn add(folder: &Path, below: bool, pages: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true if below => add(&path, true, pages),
                true => {}
                false => pages.extend(path.extension().is_some_and(|is| is == "md").then_some(path.clone())),
            }
        }
    }
    let mut pages = Vec::new();
    add(Path::new("."), false, &mut pages);
    add(Path::new("docs"), true, &mut pages);
    pages.sort();
    pages
}

/// A fenced block.
struct Block {
    page: PathBuf,
    line: usize,
    language: String,
    lines: Vec<String>,
    exit: i32,
}

impl Block {
    fn place(&self) -> String {
        format!("{}:{}", self.page.display(), self.line)
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut exit = 0;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, Some(language)) => {
                let (page, language) = (page.to_owned(), language.to_owned());
                open = Some(Block { page, line: number + 1, language, lines: Vec::new(), exit });
                exit = 0;
            }
            (None, None) => {
                let said = line.strip_prefix("<!-- exit ").and_then(|rest| rest.strip_suffix(" -->"));
                exit = said.map_or(exit, |code| code.parse().unwrap());
            }
        }
    }
    assert!(open.is_none(), "{}: a block is not closed", page.display());
    blocks
}

/// The arguments of a duoctl command, however it is started; `None` for another command.
fn arguments(command: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    ["cargo run --release --", "duoctl"].into_iter().find_map(|start| {
        let start: Vec<&str> = start.split(' ').collect();
        words.strip_prefix(start.as_slice()).map(<[_]>::to_vec)
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap().is_dir() {
            // What someone tried in the sources has no place here.
            true if entry.file_name() == ".duoctl" => {}
            true => copy(&from, &to),
            false => {
                fs::copy(from, to).unwrap();
            }
        }
    }
}

/// What a command prints, stdout and stderr in the order in which it came, and its exit code.
fn run(folder: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let output = folder.join(".output");
    let file = fs::File::create(&output).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_duoctl"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE");
    command.env_remove("DUO_IKEY").env_remove("DUO_SKEY");
    command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
    let status = command.status().unwrap();
    let text = fs::read_to_string(&output).unwrap();
    fs::remove_file(&output).unwrap();
    (text, status.code())
}

/// Whether a line is the shown one, in which `[..]` stands for any text.
fn matches(shown: &str, printed: &str) -> bool {
    let pieces: Vec<&str> = shown.trim_end().split("[..]").collect();
    let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
    let printed = printed.trim_end();
    if pieces.len() == 1 {
        return first == printed;
    }
    let between = printed.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let mut rest = match between {
        Some(between) => between,
        None => return false,
    };
    pieces[1..pieces.len() - 1].iter().all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// The first shown line of a part that the output does not hold, in the order of the parts.
fn untrue<'s>(shown: &[&'s str], printed: &str) -> Option<&'s str> {
    let printed: Vec<&str> = printed.trim_end().lines().collect();
    let parts: Vec<&[&str]> = shown.split(|line| line.trim() == "...").collect();
    let last = parts.len() - 1;
    let mut next = 0;
    for (index, part) in parts.iter().enumerate() {
        // Nothing was left out before the first part, nor after the last one, unless dots say so.
        let places = match (index == 0, index == last) {
            (true, true) if part.len() != printed.len() => 0..0,
            (true, _) => 0..1,
            (false, true) if part.is_empty() => continue,
            (false, true) => printed.len().saturating_sub(part.len()).max(next)..printed.len(),
            (false, false) => next..printed.len(),
        };
        let here = |place: &usize| {
            let lines = printed.get(*place..*place + part.len());
            lines.is_some_and(|lines| part.iter().zip(lines).all(|(shown, line)| matches(shown, line)))
        };
        match places.into_iter().find(here) {
            Some(place) => next = place + part.len(),
            None => return part.first().copied().or(Some("(the whole output)")),
        }
    }
    None
}

fn run_block(block: &Block, folder: &Path) {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in &block.lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("{}: a console block begins with a command", block.place()),
        }
    }
    let last = commands.len() - 1;
    for (index, (command, mut shown)) in commands.into_iter().enumerate() {
        let arguments = arguments(command)
            .unwrap_or_else(|| panic!("{}: only duoctl is run in a console block: {command}", block.place()));
        let (printed, code) = run(folder, &arguments);
        let wanted = if index == last { block.exit } else { 0 };
        assert_eq!(code, Some(wanted), "{}: {command} printed\n{printed}", block.place());
        // An empty line before the next command is there for readers.
        while shown.last().is_some_and(|line| line.is_empty()) {
            shown.pop();
        }
        if let Some(line) = untrue(&shown, &printed) {
            panic!("{}: {command} does not print\n{line}\nbut\n{printed}", block.place());
        }
    }
}

#[test]
fn what_is_not_printed_is_noticed() {
    let printed = "one\ntwo 22\nthree\nfour\n";
    let found = |shown: &str| untrue(&shown.lines().collect::<Vec<_>>(), printed).map(str::to_owned);
    for shown in
        ["one\ntwo 22\nthree\nfour", "...\nthree\nfour", "one\n...", "...\ntwo [..]\n...\nfour", "..."]
    {
        assert_eq!(found(shown), None, "{shown}");
    }
    assert_eq!(found("one\nthree\n..."), Some("one".to_owned()));
    assert_eq!(found("...\nthree\n...\ntwo 22\n..."), Some("two 22".to_owned()));
    assert_eq!(found("...\nthree"), Some("three".to_owned()), "more is printed after it");
    assert_eq!(found("two [..]\n..."), Some("two [..]".to_owned()), "more is printed before it");
    assert_eq!(found("one"), Some("one".to_owned()));
    assert!(matches("a [..] b [..]!", "a 1 b 2!") && !matches("a [..] b [..]!", "a 1 c 2!"));
}

#[test]
fn what_the_pages_show_is_what_happens() {
    let mut run = 0;
    for page in pages() {
        let blocks: Vec<Block> =
            blocks(&page).into_iter().filter(|block| block.language == "console").collect();
        if blocks.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new("examples"), &folder.path().join("examples"));
        copy(Path::new("schemas"), &folder.path().join("schemas"));
        for block in &blocks {
            run_block(block, folder.path());
            run += 1;
        }
    }
    assert!(run > 5, "only {run} blocks were run");
}

#[test]
fn commands_that_are_only_shown_have_arguments_that_exist() {
    let mut read = 0;
    for block in pages().iter().flat_map(|page| blocks(page)).filter(|block| block.language == "sh") {
        for line in &block.lines {
            // What follows a redirection, a pipe or a remark is the shell's.
            let command = line.split(['#', '|', '>', '&']).next().unwrap_or_default();
            let Some(arguments) = arguments(command) else { continue };
            let arguments = arguments.iter().map(|argument| argument.trim_matches(['\'', '"']));
            if let Err(error) = Args::try_parse_from(std::iter::once("duoctl").chain(arguments)) {
                panic!("{}: {line}\n{error}", block.place());
            }
            read += 1;
        }
    }
    assert!(read > 3, "only {read} commands were read");
}

#[test]
fn the_yaml_that_the_pages_show_is_valid() {
    let mut loaded = 0;
    for block in pages().iter().flat_map(|page| blocks(page)).filter(|block| block.language == "yaml") {
        if block.lines.iter().any(|line| line.starts_with("version:")) {
            let result = load_text("duo.yaml".into(), block.text());
            assert!(!has_errors(&result.diagnostics), "{}: {:?}", block.place(), result.diagnostics);
            loaded += 1;
        }
    }
    assert!(loaded > 0);
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_inside_the_repository_lead_somewhere() {
    let mut followed = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        // `[text](target)`; what has a space in it is no target.
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains(char::is_whitespace)) {
            if target.starts_with("https://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, place) =
                target.split_once('#').map_or((target, None), |(path, place)| (path, Some(place)));
            let file = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            assert!(file.exists(), "{}: {target} leads nowhere", page.display());
            if let Some(place) = place {
                let text = fs::read_to_string(&file).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let known = headings.any(|line| anchor(line.trim_start_matches('#').trim()) == place);
                assert!(known, "{}: {target} has no such heading", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "only {followed} links were followed");
}

/// The files of tests that a page names are there, and so are the crate and the folder of each `--test CRATE FOLDER`.
#[test]
fn the_tests_that_are_named_exist() {
    let mut named = 0;
    for page in pages().into_iter().chain([PathBuf::from(".ci/run")]) {
        let text = fs::read_to_string(&page).unwrap();
        let commands = text.split("--test ").skip(1).map(|rest| {
            let words = rest
                .split([' ', '`', '\n', ':'])
                .take_while(|word| !word.is_empty() && !word.starts_with(['-', '#']));
            let words: Vec<&str> = words.take(2).collect();
            [format!("tests/{}.rs", words[0]), format!("tests/{}", words.get(1).unwrap_or(&""))]
        });
        let paths = text.split('`').filter(|code| code.starts_with("tests/") || code.starts_with("src/"));
        for path in commands.flatten().chain(paths.map(str::to_owned)) {
            assert!(Path::new(&path).exists(), "{}: there is no {path}", page.display());
            named += 1;
        }
    }
    assert!(named > 30, "only {named} tests are named");
}
