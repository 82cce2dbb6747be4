//! A path in place of a name, or the reverse: reported before anything is read from the wrong folder.

use std::path::Path;

use crate::config::load::{Terms, load_as};
use crate::intelligence::expand::desired;
use crate::language::address::Place;
use crate::reconcile::selection::Pattern;
use crate::text::shown;

use super::args::{Args, Command, KeysCommand};
use super::exit::Failure;

/// Refuses a path among the names of a command, unless the workspace knows that name.
///
/// # Errors
///
/// [`Failure::Usage`] with how to give the path.
pub(super) fn check(command: &Command, workspace: &Path, terms: &Terms) -> Result<(), Failure> {
    let path = |name: &&str| Path::new(name).exists();
    match names(command).into_iter().filter(path).find(|name| !is_known(name, workspace, terms)) {
        Some(path) => Err(Failure::Usage(message(path))),
        None => Ok(()),
    }
}

/// Refuses an address where a path belongs.
///
/// # Errors
///
/// [`Failure::Usage`] with how to give an address.
pub(super) fn check_path(args: &Args) -> Result<(), Failure> {
    let Some(given) = args.command.path().filter(|given| !given.exists()) else { return Ok(()) };
    let name = given.to_string_lossy();
    let (vars, trusted, _) = args.command.input();
    let terms = vars.map(|vars| vars.terms(trusted.trust())).unwrap_or_default();
    if !is_known(&name, &args.elsewhere(), &terms) {
        return Ok(());
    }
    let selects = matches!(
        args.command,
        Command::Plan(_) | Command::Apply(_) | Command::Drift(_) | Command::Verify(_) | Command::List(_)
    );
    let way = if selects {
        format!("use `--only {name}`")
    } else if matches!(args.command, Command::Graph(_)) {
        format!("use `--focus {name}`")
    } else {
        "this command always covers all addresses".to_owned()
    };
    Err(Failure::Usage(format!("{} is an address, not a path; {way}", shown(&name))))
}

/// The message for an unexpected path.
pub fn message(path: &str) -> String {
    let what = if Path::new(path).is_dir() { "folder" } else { "file" };
    format!("{} is a {what}, not a name; use `-w {path}`", shown(path))
}

/// The positional arguments that name something in the YAML.
fn names(command: &Command) -> Vec<&str> {
    match command {
        Command::Accept(args) => all(&args.addresses),
        Command::Ignore(args) => vec![&args.address],
        Command::Adopt(args) => all(&args.arguments),
        Command::Handoff(args) => all(&args.names),
        Command::Attest(args) => vec![&args.name],
        Command::Keys(args) => match &args.command {
            KeysCommand::List(args) => all(&args.covered.addresses),
            KeysCommand::Rotate(args) => all(&args.keys.covered.addresses),
            KeysCommand::Status(args) => all(&args.covered.addresses),
            KeysCommand::Confirm(args) => all(&args.keys.covered.addresses),
            KeysCommand::Abort(args) => all(&args.keys.covered.addresses),
        },
        Command::Sandbox(_)
        | Command::Init(_)
        | Command::Validate(_)
        | Command::Fmt(_)
        | Command::Import(_)
        | Command::Plan(_)
        | Command::Drift(_)
        | Command::Apply(_)
        | Command::Show(_)
        | Command::Verify(_)
        | Command::List(_)
        | Command::Graph(_)
        | Command::Doctor(_)
        | Command::Explain(_)
        | Command::Schema(_)
        | Command::Lsp(_)
        | Command::Completions(_)
        | Command::Man(_) => Vec::new(),
    }
}

fn all(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// Whether the YAML has an address or an entry of this name.
fn is_known(name: &str, workspace: &Path, terms: &Terms) -> bool {
    let Some(workspace) = load_as(workspace, terms).workspace else { return false };
    let entry = Place::entry(name);
    workspace.identity_intelligence.contains_key(entry)
        || workspace.attested_removal(entry).is_some()
        || Pattern::parse(name).is_ok_and(|pattern| {
            desired(&workspace).objects.iter().any(|wanted| pattern.matches(wanted.address.as_str()))
        })
}
