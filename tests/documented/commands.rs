//! What pages only show: commands have arguments that exist, YAML is valid, and the tests that are named exist.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use duoctl::cli::args::Args;
use duoctl::config::load::load_text;
use duoctl::diagnostic::has_errors;

use super::pages::{blocks, pages};

/// The arguments of a duoctl command; `None` for another command.
fn arguments(command: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    words.strip_prefix(&["duoctl"]).map(<[_]>::to_vec)
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

/// Who opens the repository sees what it is on a few screens, and runs the tests as CI does.
#[test]
fn the_readme_is_short_and_has_the_test_command_of_ci() {
    let [readme, ci] = ["README.md", ".ci/run"].map(|path| fs::read_to_string(path).unwrap());
    assert!(readme.lines().count() <= 120, "{} lines", readme.lines().count());
    let command = ci.lines().find(|line| line.starts_with("cargo test ")).unwrap();
    let shown = readme.lines().find(|line| line.starts_with("cargo test ")).unwrap();
    assert_eq!(shown.split('#').next().unwrap().trim(), command);
}
