//! Options and commands of other tools, and arguments in the wrong order: errors that tell what to type instead.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use std::path::Path;

use super::args::{Args, Command};
use super::exit::Failure;
use super::saved_plan::holds_yaml;
use crate::text::shown;

/// Options of other tools, and what to use.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["--yes", "-y", "--auto-approved", "--approve", "--no-confirm", "--assume-yes"],
        "use `--auto-approve`",
    ),
    (&["--force"], "use `--auto-approve`, and `--allow NAME` for what a guard refuses"),
    (&["--json"], "use `--format json`"),
    (&["--markdown", "--md"], "use `--format markdown`"),
    (&["--csv"], "use `--format csv`, which `duoctl list` supports"),
    (
        &["--output", "-o"],
        "use `--format FORMAT` or `--report FORMAT=FILE`; `duoctl plan` saves a plan with `--out FILE`",
    ),
    (&DRY_RUN, "use `duoctl plan`"),
    (
        &["--profile", "--env", "--environment", "--account", "--context"],
        "each account has its own workspace; use `-w PATH`",
    ),
    (&["--path", "--file", "-f", "--dir", "--chdir", "-C", "--config", "-c", "--cwd"], "use `-w PATH`"),
    (&["--target", "-target", "--select", "--filter", "--include"], "use `--only GLOB`"),
    (&["--skip", "--ignore"], "use `--exclude GLOB`"),
    (&["--destroy", "--delete"], "remove the entries from the YAML, then use `duoctl apply --prune`"),
    (&["--set"], "use `--var NAME=VALUE` for a variable, or write the value into the YAML"),
    (&["--host", "--hostname", "--api-hostname"], "write `tenant.api_hostname` into the YAML"),
    (
        &["--ikey", "--skey", "--key", "--secret", "--token"],
        "keys cannot be given as options; set `tenant.credentials` in the YAML",
    ),
    (
        &["--insecure", "-k", "--no-verify-ssl", "--cacert"],
        "use `--ca-file FILE` for a proxy's certificate authority",
    ),
    (&["--online"], "use `duoctl plan`, which reads the account"),
    (&["--offline"], "use `duoctl validate`, which needs no network"),
    (&["--status"], "use `duoctl keys status`"),
    (&["--confirm"], "use `duoctl keys confirm ADDRESS`"),
    (&["--abort"], "use `duoctl keys abort ADDRESS`"),
    (&["--debug", "--verbosity"], "use `-v`, or `-vv` for every request"),
    (&["--silent"], "use `--quiet`"),
    (&["--no-color", "--no-colour", "--colour"], "use `--color never`"),
    (&["--timeout"], "not supported; calls that take too long end on their own"),
    (
        &["--no-input", "--non-interactive", "--batch"],
        "questions are asked only on a terminal; `duoctl init` has `--no-input`",
    ),
];

/// Commands of other tools, and the equivalent duoctl commands.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["rotate"], "`duoctl keys rotate`"),
    (&["secrets", "secret", "key"], "`duoctl keys list`"),
    (&["diff", "preview", "what-if", "compare"], "`duoctl plan`"),
    (&["deploy", "push", "up", "sync", "create", "update"], "`duoctl apply`"),
    (
        &["destroy", "delete", "remove", "rm", "prune"],
        "`duoctl apply --prune` after removing the entries from the YAML",
    ),
    (&["pull", "export", "dump", "fetch", "get"], "`duoctl import`"),
    (&["lint", "check"], "`duoctl validate`"),
    (&["test", "probe"], "`duoctl verify`"),
    (&["status", "refresh"], "`duoctl drift`"),
    (&["ls", "inventory", "state"], "`duoctl list`"),
    (&["diagram", "draw", "map", "visualize"], "`duoctl graph`"),
    (&["format"], "`duoctl fmt`"),
    (&["login", "auth", "ping", "whoami"], "`duoctl doctor` after setting the keys in the environment"),
    (&["simulate", "simulator", "serve", "mock"], "`duoctl sandbox serve`"),
    (&["version"], "`duoctl --version`"),
    (&["completion"], "`duoctl completions SHELL`"),
    (&["new", "setup", "start"], "`duoctl init`"),
];

/// Options that request what some commands do anyway.
const DRY_RUN: [&str; 5] = ["--dry-run", "--dry_run", "--check", "--diff", "-n"];
const CHANGE_NOTHING: [&str; 6] = ["plan", "drift", "verify", "list", "graph", "doctor"];

/// Options for reaching an account, and the commands that do not reach one.
const ONLINE: [&str; 5] = ["--sandbox", "--connect-to", "--ca-file", "--tls-roots", "--parallelism"];
const OFFLINE: [&str; 4] = ["adopt", "ignore", "validate", "fmt"];

/// Options with an optional value, which needs `=`.
const EQUALS: [&str; 3] = ["--prune", "--sandbox", "--install"];

/// Adds what to type to an error of the arguments, if known; this replaces clap's suggestions.
pub fn explained(mut error: clap::Error, words: &[String]) -> clap::Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => {
            text(ContextKind::InvalidArg).and_then(|argument| of_argument(&argument, words))
        }
        ErrorKind::MissingRequiredArgument
            if words.starts_with(&["keys".to_owned(), "rotate".to_owned()]) =>
        {
            Some("name addresses, or use `--older-than AGE` to rotate every older key".to_owned())
        }
        ErrorKind::InvalidSubcommand => text(ContextKind::InvalidSubcommand)
            .and_then(|command| find(COMMANDS, &command).map(|instead| format!("use {instead}"))),
        _ => None,
    };
    // clap suggests passing the word as a value, which is never meant.
    error.remove(ContextKind::Suggested);
    // The usage would list a few options, including the wrong one.
    error.remove(ContextKind::Usage);
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

fn of_argument(argument: &str, words: &[String]) -> Option<String> {
    let name = argument.split('=').next().unwrap_or(argument);
    let verb = words.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str);
    if DRY_RUN.contains(&name) && CHANGE_NOTHING.contains(&verb) {
        return Some(format!("leave it out: `duoctl {verb}` changes nothing in Duo"));
    }
    if ONLINE.contains(&name) && OFFLINE.contains(&verb) {
        return Some(format!("leave it out: `duoctl {verb}` works offline"));
    }
    let single = |word: &&String| word.len() > 2 && word.starts_with(argument) && !word.starts_with("--");
    if let Some(word) = words.iter().find(single).filter(|_| argument.len() == 2 && argument.starts_with('-'))
    {
        return Some(format!("use `-{word}`: long options start with two dashes"));
    }
    if let Some(instead) = find(OPTIONS, name) {
        return Some(instead.to_owned());
    }
    if argument.starts_with('-') {
        return None;
    }
    if let Some(option) = before(argument, words) {
        return Some(format!("use `{option}={argument}`"));
    }
    Path::new(argument).exists().then(|| format!("use `-w {argument}`"))
}

/// The option with an optional value that comes right before a word.
fn before<'w>(word: &str, words: &'w [String]) -> Option<&'w str> {
    let pair = words.iter().zip(words.iter().skip(1)).find(|(_, next)| *next == word)?;
    Some(pair.0.as_str()).filter(|option| EQUALS.contains(option))
}

fn find<'t>(table: &[(&[&str], &'t str)], word: &str) -> Option<&'t str> {
    table.iter().find(|(words, _)| words.contains(&word)).map(|(_, instead)| *instead)
}

/// Refuses words that clap accepts but that are mistakes: a value without `=` taken as PATH, and a consent as a path.
///
/// # Errors
///
/// [`Failure::Usage`] with what to type.
pub(super) fn check(args: &Args, words: &[String], workspace: &Path) -> Result<(), Failure> {
    let Some(path) = args.command.path().and_then(|path| path.to_str()) else { return Ok(()) };
    if let Some(option) = before(path, words)
        && !holds_yaml(workspace)
    {
        let what = shown(path);
        return Err(Failure::Usage(format!("{what} is taken as the workspace; use `{option}={path}`")));
    }
    if let (Command::Apply(_) | Command::Plan(_), false) = (&args.command, Path::new(path).exists())
        && path.contains(':')
    {
        return Err(Failure::Usage(format!(
            "{} is not a path; use `--allow {path}` for a consent",
            shown(path)
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    /// Advice names only existing commands and options, and no advice is for a command that exists.
    #[test]
    fn advice_names_what_exists() {
        let command = Args::command();
        let mut known = BTreeSet::new();
        collect(&command, &mut known);
        for advice in OPTIONS.iter().chain(COMMANDS).map(|(_, advice)| *advice) {
            let words =
                advice.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|w| w.starts_with("--"));
            words.for_each(|option| {
                assert!(known.contains(option) || option == "--version", "{option}: {advice}")
            });
            for call in
                advice.split('`').filter(|call| call.starts_with("duoctl ") && !call.contains("--version"))
            {
                let name = call.split(' ').nth(1).unwrap();
                assert!(command.find_subcommand(name).is_some(), "{call}");
            }
        }
        for (words, _) in COMMANDS {
            assert!(words.iter().all(|word| command.find_subcommand(word).is_none()), "{words:?}");
        }
    }

    fn collect(command: &clap::Command, known: &mut BTreeSet<String>) {
        known.extend(command.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?))));
        command.get_subcommands().for_each(|inner| collect(inner, known));
    }
}
