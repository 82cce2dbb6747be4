//! Usage, colour, pipes and the commands that only print.

use std::fs::File;

use duoctl::config::schema::config_schema_text;

use crate::support::{Folder, Server, THREE};

#[test]
fn usage_errors_have_their_own_code() {
    let folder = Folder::with(THREE);
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["plan", "--frobnicate"],
        &["plan", "a", "b"],
        &["plan", "--format", "xml"],
        &["plan", "--color", "sometimes"],
        &["plan", "--allow", "everything"],
        &["plan", "--max-changes", "200%"],
        &["plan", "--parallelism", "0"],
        &["plan", "--prune=later"],
        &["plan", "--secret-key", "x"],
        &["sandbox"],
        &["completions", "tcl"],
        &["schema", "nothing"],
        &["apply", "--detailed-exitcode"],
    ] {
        let outcome = folder.duoctl(arguments).run().exits(64);
        assert!(outcome.stdout.is_empty() && !outcome.stderr.is_empty(), "{arguments:?} {outcome:?}");
    }
    folder.duoctl(["pla"]).run().exits(64).warns("similar subcommands exist: 'explain', 'plan'");
}

#[test]
fn help_and_version_are_data() {
    let folder = Folder::empty();
    let version = folder.duoctl(["--version"]).run().exits(0);
    assert_eq!(version.stdout, format!("duoctl {}\n", env!("CARGO_PKG_VERSION")));
    let help = folder.duoctl(["--help"]).run().exits(0);
    for command in
        ["init", "validate", "plan", "apply", "verify", "doctor", "sandbox", "schema", "completions"]
    {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}");
        folder.duoctl([command, "--help"]).run().exits(0).says("Usage: duoctl");
    }
    help.says("Exit codes: 0 done, 1 error, 2 changes pending").says("not affiliated with Cisco");
}

#[test]
fn the_schema_and_the_completions_are_printed() {
    let folder = Folder::empty();
    assert_eq!(folder.duoctl(["schema"]).run().exits(0).stdout, config_schema_text());
    assert_eq!(folder.duoctl(["schema", "config"]).run().exits(0).stdout, config_schema_text());
    for shell in ["bash", "elvish", "fish", "nushell", "powershell", "zsh"] {
        folder.duoctl(["completions", shell]).run().exits(0).says("COMPLETE");
    }
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut call = folder.duoctl(["plan"].iter().chain(arguments)).at(&server);
        for (name, value) in environment {
            call = call.env(name, value);
        }
        let outcome = call.env("DUO_SKEY", server.key("operator").secret_key.expose()).run().exits(0);
        outcome.stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(
        coloured(&["--color", "always"], &[("NO_COLOR", "1")]),
        "the flag is nearer than the environment"
    );
}

#[test]
fn more_words_go_to_stderr_without_colour_and_once() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let plain = folder.duoctl(["plan"]).at(&server).run().exits(0);
    let verbose = folder.duoctl(["plan", "-vvv"]).at(&server).run().exits(0);
    assert_eq!(verbose.stdout, plain.stdout);
    assert!(!verbose.stderr.contains('\u{1b}'), "{}", verbose.stderr);
    let inside = folder.duoctl(["plan", "-vv", "--sandbox"]).run().exits(0);
    assert_eq!(inside.stderr.matches("/admin/v1/groups").count(), 1, "{}", inside.stderr);
    assert!(!inside.stderr.contains('\u{1b}'));
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    for arguments in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["apply", "--auto-approve"],
        // Without the note about keys.
        &["verify", "-q"],
        &["schema"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let call = folder.duoctl(arguments);
        let reaches = ["plan", "apply", "verify"].contains(&arguments[0]);
        let outcome = if reaches { call.at(&server) } else { call }.stdout(writer).run().exits(0);
        assert_eq!(outcome.stderr, "", "{arguments:?}");
    }
    assert_eq!(server.account().applications().len(), 12 + 3, "the apply was carried out all the same");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_does_not_fit_on_the_disk_is_an_error() {
    let (folder, server) = (Folder::with(THREE), Server::start());
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let outcome = folder.duoctl(["plan", "--format", "json"]).at(&server).stdout(full()).run().exits(1);
    outcome.warns("error: a part of the output could not be written: No space left on device");
    folder.duoctl(["schema"]).stdout(full()).run().exits(1);
}
