//! Completions as a shell loads them, manual pages, and the examples in every help.

use std::path::Path;
use std::process::Command;

use clap::{CommandFactory as _, Parser as _};
use duoctl::cli::args::Args;

use crate::support::Folder;

/// Runs a script in a shell, if there is one.
fn shell(program: &str, arguments: &[&str], script: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).arg(script);
    said(command, program)
}

fn said(mut command: Command, program: &str) -> Option<String> {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{error}"),
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{program}: {out}{err}");
    Some(out.into_owned())
}

/// A folder with a workspace and a script, and a shell that finds duoctl as a user's shell does.
fn script(name: &str) -> Folder {
    let folder = Folder::with(
        "applications:\n  siem: {type: adminapi, name: SIEM, user_access: no_users, permissions: [read_log]}\n",
    );
    folder.write("script", &folder.duoctl(["completions", name]).run().exits(0).stdout);
    folder
}

fn shell_in(folder: &Folder, program: &str, arguments: &[&str], script: &str) -> Option<String> {
    let program_folder = Path::new(env!("CARGO_BIN_EXE_duoctl")).parent().unwrap();
    let path = format!("{}:{}", program_folder.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(arguments).arg(script).current_dir(folder.root()).env("PATH", path);
    said(command, program)
}

/// Typed lines, the words that bash makes of them, and its replacement for the last one.
const TYPED: [(&str, &[&str], &str); 9] = [
    ("duoctl dri", &["duoctl", "dri"], "drift\n"),
    ("duoctl validate --fail", &["duoctl", "validate", "--fail"], "--fail-severity\n"),
    (
        "duoctl plan --format ",
        &["duoctl", "plan", "--format", ""],
        "human\njson\nmarkdown\nhtml\ngithub\ngitlab\n",
    ),
    ("duoctl plan --only=si", &["duoctl", "plan", "--only", "=", "si"], "siem\n"),
    ("duoctl plan --only=", &["duoctl", "plan", "--only", "="], "siem\n"),
    ("duoctl apply --allow replaces:s", &["duoctl", "apply", "--allow", "replaces", ":", "s"], "siem\n"),
    ("duoctl  apply   --allow  replaces:", &["duoctl", "apply", "--allow", "replaces", ":"], "siem\n"),
    (
        "duoctl apply --allow=replaces:si",
        &["duoctl", "apply", "--allow", "=", "replaces", ":", "si"],
        "siem\n",
    ),
    ("duoctl keys rotate ", &["duoctl", "keys", "rotate", ""], "siem\n"),
];

#[test]
fn bash_completes_words_that_it_splits_itself() {
    let folder = script("bash");
    for (line, words, expected) in TYPED {
        let last = words.last().copied().filter(|word| !["=", ":"].contains(word)).unwrap_or_default();
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            ". ./script && COMP_LINE='{line}' COMP_POINT={} COMP_WORDS=({}) COMP_CWORD={} && _duoctl duoctl '{last}' x && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            line.len(),
            quoted.join(" "),
            words.len() - 1,
        );
        let found = shell_in(&folder, "bash", &["--norc", "-c"], &script);
        assert_eq!(found.expect("bash is part of every test machine"), expected, "{line}");
    }
    let registered =
        shell_in(&folder, "bash", &["--norc", "-c"], ". ./script && complete -p duoctl").unwrap();
    assert!(registered.contains("-F _duoctl duoctl"), "{registered}");
}

#[test]
fn other_shells_load_their_scripts_and_ask() {
    // The zsh functions that show matches need a terminal.
    let zsh = "autoload -U compinit; compinit -D; . ./script; whence -w _duoctl
        _describe() { print -l -- ${(P)3}; }
        words=(duoctl plan --only si) CURRENT=4 PREFIX=si; _duoctl
        words=(duoctl apply --allow repl) CURRENT=4 PREFIX=repl; _duoctl";
    if let Some(out) = shell_in(&script("zsh"), "zsh", &["-f", "-c"], zsh) {
        let replaces = "replaces:a new application with a new key replaces the old one";
        assert_eq!(out, format!("_duoctl: function\nsiem:adminapi, SIEM\n{replaces}\n"));
    }
    let fish = "source ./script; complete -C 'duoctl plan --only s'";
    if let Some(out) = shell_in(&script("fish"), "fish", &["--no-config", "-c"], fish) {
        assert_eq!(out, "siem\tadminapi, SIEM\n");
    }
    let nu = "$env.config.completions.external.completer = {|spans| $spans.0}; source script.nu
        let complete = $env.config.completions.external.completer
        print (do $complete [duoctl plan --only s] | to json --raw) (do $complete [git s])";
    let folder = script("nushell");
    std::fs::rename(folder.path("script"), folder.path("script.nu")).unwrap();
    if let Some(out) = shell_in(&folder, "nu", &["--no-config-file", "-c"], nu) {
        assert_eq!(out, "[{\"value\":\"siem\",\"description\":\"adminapi, SIEM\"}]\ngit\n");
    }
}

/// They are created on one machine and installed on others.
#[test]
fn scripts_call_duoctl_by_its_name() {
    for name in ["bash", "elvish", "fish", "nushell", "powershell", "zsh"] {
        let script = script(name).read("script");
        let folder = Path::new(env!("CARGO_BIN_EXE_duoctl")).parent().unwrap().display().to_string();
        assert!(script.contains("duoctl -- ") && !script.contains(&folder), "{name}: {script}");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = Folder::empty();
    let page = folder.duoctl(["man", "sandbox", "serve"]).run().exits(0).stdout;
    let title =
        format!(".TH duoctl-sandbox-serve 1 \"\" \"duoctl {}\" \"duoctl\"", env!("CARGO_PKG_VERSION"));
    assert!(page.lines().any(|line| line == title), "the version is the tool's: {page}");
    folder.duoctl(["man", "nothing"]).run().exits(64).warns("`nothing` is not a duoctl command");
    folder.duoctl(["man", "--dir", "pages"]).run().exits(0).says("pages into pages");
    let names: Vec<String> = std::fs::read_dir(folder.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["duoctl.1", "duoctl-plan.1", "duoctl-sandbox-serve.1", "duoctl-explain.1"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    // As shown to a reader: without warnings from the formatter.
    let path = folder.path("pages/duoctl-plan.1").display().to_string();
    if let Some(text) = shell("man", &["--warnings", "-E", "UTF-8", "-l"], &path) {
        assert!(text.contains("--detailed-exitcode"), "{text}");
    }
}

/// The commands in an `Examples:` section.
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
            // A pipe or a redirection belongs to the shell.
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
