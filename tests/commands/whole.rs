//! A path that is not exactly one workspace is refused by every command that would act on it.

use std::fs;

use clap::CommandFactory as _;
use duoctl::cli::args::Args;

use crate::support::{Folder, HEAD, Outcome, Server};

/// How each command that acts on a workspace is called with a path, except those that take none or only read text.
const CALLS: &[(&str, &[&str])] = &[
    ("import", &["PATH"]),
    ("plan", &["PATH", "--prune"]),
    ("drift", &["PATH"]),
    ("accept", &["applications.one", "-w", "PATH"]),
    ("ignore", &["applications.one", "name", "-w", "PATH", "--reason", "x"]),
    ("adopt", &["applications.one", "DIAAAAAAAAAAAAAAAAAA", "-w", "PATH"]),
    ("apply", &["PATH", "--prune", "--auto-approve"]),
    ("verify", &["PATH"]),
    ("handoff", &["emea", "-w", "PATH"]),
    ("attest", &["emea", "-w", "PATH", "--by", "a person"]),
    ("list", &["PATH"]),
    ("graph", &["PATH"]),
    ("keys list", &["-w", "PATH"]),
    ("keys rotate", &["applications.one", "-w", "PATH"]),
    ("keys status", &["-w", "PATH"]),
    ("keys confirm", &["applications.one", "-w", "PATH"]),
    ("keys abort", &["applications.one", "-w", "PATH"]),
    ("doctor", &["PATH"]),
];

const EXEMPT: &[&str] = &[
    "init",
    "validate",
    "fmt",
    "show",
    "sandbox serve",
    "sandbox edit",
    "sandbox reset",
    "explain",
    "lsp",
    "schema",
    "completions",
    "man",
];

/// The commands without subcommands.
fn leaves(command: &clap::Command, path: &str) -> Vec<String> {
    let name = |inner: &clap::Command| format!("{path} {}", inner.get_name()).trim().to_owned();
    let inner = command.get_subcommands().flat_map(|inner| leaves(inner, &name(inner)));
    let inner: Vec<String> = inner.collect();
    if inner.is_empty() { vec![path.to_owned()] } else { inner }
}

const ONE: &str = "applications:\n  one: {type: radius, name: One, user_access: no_users}\n";

fn head(name: &str) -> String {
    HEAD.replace("acme", name)
}

type Files<'f> = &'f [(&'f str, String)];

/// A folder with files, and `.git` at its top.
fn folder(files: Files<'_>) -> Folder {
    let folder = Folder::empty();
    fs::create_dir(folder.path(".git")).unwrap();
    for (name, text) in files {
        fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
        folder.write(name, text);
    }
    folder
}

fn each(folder: &Folder, path: &str, check: impl Fn(&str, Outcome)) {
    for (command, arguments) in CALLS {
        let arguments = arguments.iter().map(|word| if *word == "PATH" { path } else { word });
        check(command, folder.duoctl(command.split(' ').chain(arguments)).run());
    }
}

#[test]
fn every_command_is_called_or_exempt() {
    let known = Args::command();
    let mut known: Vec<String> = leaves(&known, "");
    let mut listed: Vec<&str> = CALLS.iter().map(|(name, _)| *name).chain(EXEMPT.iter().copied()).collect();
    known.sort_unstable();
    listed.sort_unstable();
    assert_eq!(known, listed);
}

#[test]
fn a_part_of_a_workspace_is_refused_with_the_folder_that_holds_all_of_it() {
    let two = ONE.replace("one", "two");
    let cases: [(Files<'_>, &str, &str, &str); 7] = [
        (
            &[("w/duo.yaml", head("acme")), ("w/apps/a.duo.yaml", ONE.into())],
            "w/duo.yaml",
            "w/apps/a.duo.yaml",
            "`w`",
        ),
        (&[("w/duo.yaml", head("acme")), ("w/a.duo.yaml", ONE.into())], "w/a.duo.yaml", "w/duo.yaml", "`w`"),
        (&[("w/duo.yaml", head("acme")), ("w/x/a.duo.yaml", ONE.into())], "w/x", "w/duo.yaml", "`w`"),
        (&[("w/x/duo.yaml", head("acme")), ("w/a.duo.yaml", ONE.into())], "w/x", "w/a.duo.yaml", "`w`"),
        // A file that is almost read belongs to it, too, and so does one that cannot be parsed.
        (
            &[("w/duo.yaml", head("acme")), ("w/two.duo.yml", two.clone())],
            "w/duo.yaml",
            "w/two.duo.yml",
            "`w`",
        ),
        (&[("duo.yaml", head("acme")), ("a.duo.yaml", "{".into())], "duo.yaml", "a.duo.yaml", "`.`"),
        // The folder below has its own workspace, and the files next to that belong to it.
        (
            &[
                ("w/duo.yaml", head("acme")),
                ("w/b/duo.yaml", head("other")),
                ("w/b/b.duo.yaml", ONE.into()),
                ("w/z.duo.yaml", two),
            ],
            "w/duo.yaml",
            "w/z.duo.yaml",
            "`w`",
        ),
    ];
    for (files, path, other, whole) in cases {
        let folder = folder(files);
        each(&folder, path, |command, outcome| {
            let outcome = outcome.exits(64);
            let lines = outcome.stderr.lines().count();
            assert_eq!((outcome.stdout.as_str(), lines), ("", 1), "{command} {path}: {}", outcome.stderr);
            let (has_other, has_folder) = (format!("`{other}`"), format!("contains both, {whole}"));
            assert!(outcome.stderr.contains(&has_other), "{command} {path}: {}", outcome.stderr);
            assert!(outcome.stderr.contains(&has_folder), "{command} {path}: {}", outcome.stderr);
        });
    }
}

#[test]
fn a_whole_workspace_beside_others_is_not_refused() {
    let cases: [(Files<'_>, &str); 5] = [
        (&[("duo.yaml", head("a")), (".theirs/duo.yaml", head("a"))], ".theirs"),
        (
            &[("a.duo.yaml", head("a")), ("b.duo.yaml", head("b")), ("ci.yml", "on: push\n".into())],
            "a.duo.yaml",
        ),
        (&[("a/duo.yaml", head("a")), ("b/duo.yaml", head("b")), ("b/x.duo.yaml", ONE.into())], "a"),
        (&[("duo.yaml", head("a")), ("x.duo.yaml", ONE.into()), ("b/duo.yaml", head("b"))], "b"),
        (&[("duo.yaml", head("a")), ("b/duo.yaml", head("b")), ("b/x.duo.yaml", ONE.into())], "duo.yaml"),
    ];
    for (files, path) in cases {
        let outcome = folder(files).duoctl(["plan", path]).run().exits(1);
        assert!(outcome.stderr.contains("DUO_IKEY"), "{path}: {}", outcome.stderr);
    }
}

#[test]
fn a_folder_of_several_workspaces_gets_one_sentence_that_lists_them() {
    let names: Vec<String> = (10..46).map(|number| format!("w{number}")).collect();
    let files: Vec<(String, String)> =
        names.iter().map(|name| (format!("x/{name}/duo.yaml"), head(name))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let folder = folder(&files);
    each(&folder, "x", |command, outcome| {
        let outcome = outcome.exits(64);
        assert_eq!(outcome.stderr.lines().count(), 1, "{command}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains("`x` contains 36 workspaces: `w10` (`x/w10`), "),
            "{}",
            outcome.stderr
        );
        assert!(outcome.stderr.contains(", and 24 more; pass the path of one of them"), "{}", outcome.stderr);
    });
    let found = folder.duoctl(["validate", "x", "--format", "json"]).run().exits(1).json();
    let codes: Vec<_> = found["diagnostics"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
    assert_eq!(codes, ["several-workspaces"]);
    folder.duoctl(["fmt", "--check", "x"]).run();
}

#[test]
fn two_folders_with_one_workspace_name_do_not_prune_each_other() {
    let server = Server::start();
    let two = ONE.replace("one", "two").replace("One", "Two");
    let files = |name: &str| {
        [
            ("a/duo.yaml", head("acme") + ONE),
            ("b/duo.yaml", head(name) + &two),
            ("ci/x.yaml", "a: 1\n".into()),
        ]
    };
    let folder = folder(&files("acme"));
    folder.duoctl(["apply", "a", "--auto-approve"]).at(&server).run().exits(0);
    for command in [&["plan", "b", "--prune"][..], &["apply", "b", "--prune", "--auto-approve"]] {
        let outcome = folder.duoctl(command).at(&server).run().exits(1);
        assert!(outcome.stderr.contains("duplicate-workspace"), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("`b/duo.yaml`") && outcome.stderr.contains("`a/duo.yaml`"),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(server.named("One")[0]["user_access"], "NO_USERS");
    // Without pruning nothing is lost, and another name or account is another workspace.
    folder.duoctl(["plan", "b"]).at(&server).run().exits(0);
    folder.write("a/duo.yaml", &(head("acme").replace("1a2b3c4d", "99999999") + ONE));
    folder.duoctl(["plan", "b", "--prune"]).at(&server).run().exits(0);
    for (name, text) in files("other") {
        folder.write(name, &text);
    }
    folder.duoctl(["plan", "b", "--prune"]).at(&server).run().exits(0);
}
