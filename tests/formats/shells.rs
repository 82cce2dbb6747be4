//! Completions as a shell loads them, manual pages, and examples in every help.

use std::process::Command;

use clap::{CommandFactory as _, Parser as _};
use duoctl::cli::args::Args;

use crate::support::Folder;

/// Runs a script in a shell, if there is one.
fn shell(program: &str, arguments: &[&str], script: &str) -> Option<String> {
    let output = match Command::new(program).args(arguments).arg(script).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{error}"),
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{program}: {out}{err}");
    Some(out.into_owned())
}

fn script(name: &str) -> (Folder, String) {
    let folder = Folder::empty();
    folder.write("script", &folder.duoctl(["completions", name]).run().exits(0).stdout);
    let path = folder.path("script").display().to_string();
    (folder, path)
}

#[test]
fn bash_completes_commands_options_and_formats() {
    let (_folder, path) = script("bash");
    let complete = |words: &str| {
        let count = words.split(' ').count() - 1;
        let last = words.split(' ').next_back().unwrap();
        let script = format!(
            ". '{path}' && COMP_WORDS=({words} {empty}) && COMP_CWORD={count} && _duoctl duoctl '{last}' \"${{COMP_WORDS[$((COMP_CWORD-1))]}}\" && echo \"${{COMPREPLY[@]}}\"",
            empty = if last.is_empty() { "''" } else { "" },
        );
        shell("bash", &["--norc", "-c"], &script).expect("bash is part of every test machine")
    };
    assert_eq!(complete("duoctl dri"), "drift\n");
    assert_eq!(complete("duoctl validate --fail"), "--fail-severity\n");
    let formats = complete("duoctl plan --format ");
    for format in ["human", "json", "markdown", "github", "gitlab"] {
        assert!(formats.split_whitespace().any(|word| word == format), "{formats}");
    }
    assert!(complete("duoctl sandbox ").contains("serve"));
}

#[test]
fn zsh_and_fish_load_their_scripts() {
    let (_folder, path) = script("zsh");
    if let Some(out) = shell(
        "zsh",
        &["-f", "-c"],
        &format!("autoload -U compinit; compinit -D; . '{path}'; whence -w _duoctl"),
    ) {
        assert_eq!(out, "_duoctl: function\n");
    }
    let (_folder, path) = script("fish");
    if let Some(out) =
        shell("fish", &["--no-config", "-c"], &format!("source '{path}'; complete -C 'duoctl dri'"))
    {
        assert!(out.starts_with("drift"), "{out}");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = Folder::empty();
    let page = folder.duoctl(["man", "sandbox", "serve"]).run().exits(0).stdout;
    let title = format!(".TH duoctl-sandbox-serve 1  \"duoctl {}\" ", env!("CARGO_PKG_VERSION"));
    assert!(page.lines().any(|line| line == title), "the version is the tool's: {page}");
    assert!(
        page.contains(".TH duoctl-sandbox-serve 1") && page.contains("EXAMPLES") || page.contains("Examples"),
        "{page}"
    );
    folder.duoctl(["man", "nothing"]).run().exits(64).warns("`nothing` is no command");
    folder.duoctl(["man", "--dir", "pages"]).run().exits(0).says("pages into pages");
    let names: Vec<String> = std::fs::read_dir(folder.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["duoctl.1", "duoctl-plan.1", "duoctl-sandbox-serve.1", "duoctl-explain.1"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    // As it is read: without a complaint of the formatter.
    let path = folder.path("pages/duoctl-plan.1").display().to_string();
    if let Some(text) = shell("man", &["--warnings", "-E", "UTF-8", "-l"], &path) {
        assert!(text.contains("--detailed-exitcode"), "{text}");
    }
}

/// The lines of an `Examples:` part that are commands.
fn examples(command: &clap::Command) -> Vec<String> {
    let after = command
        .get_after_long_help()
        .or(command.get_after_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let lines = after.lines().map(str::trim).filter(|line| line.starts_with("duoctl "));
    lines.map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn every_help_has_examples_that_are_real_commands() {
    let mut root = Args::command();
    root.build();
    let mut pending: Vec<&clap::Command> = root.get_subcommands().collect();
    let mut read = 0;
    while let Some(command) = pending.pop() {
        if command.get_name() == "help" {
            continue;
        }
        pending.extend(command.get_subcommands());
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let examples = examples(command);
        assert!(!examples.is_empty(), "`{name} --help` has no example");
        for example in examples {
            // What follows a pipe or a redirection is the shell's.
            let words = example
                .split(['|', '>', '<'])
                .next()
                .unwrap()
                .split_whitespace()
                .map(|word| word.trim_matches(['\'', '"']));
            if let Err(error) = Args::try_parse_from(words) {
                panic!("{name}: {example}\n{error}");
            }
            assert!(example.starts_with(&name), "{name}: {example}");
            read += 1;
        }
    }
    assert!(read > 25, "{read}");
}
