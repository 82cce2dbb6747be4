//! `duoctl import`: writes live objects that are not declared yet as YAML.

mod files;

use std::path::Path;

use globset::GlobMatcher;

use crate::config::edit::EditError;
use crate::config::files::MAX_FILE_BYTES;
use crate::config::load::{InMemory, load_files};
use crate::diagnostic::has_errors;
use crate::duo::object::{Kind, Object};
use crate::import::placement::{Change, Split, place};
use crate::import::{Live, Wanted, import};
use crate::kinds::address::Address;
use crate::language::address::without_section;
use crate::language::similar::did_you_mean;
use crate::names::same_key;
use crate::output::document::{Document, ImportDocument};
use crate::output::printer::Printer;
use crate::reading;
use crate::reconcile::observed::Observed;
use crate::reconcile::selection::glob_matcher;
use crate::text::shown;

use super::args::{self, ImportKind, Include, SplitMode};
use super::edit::unchanged;
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::{Session, first_failure};

/// Runs the command.
pub async fn run(
    args: args::Import,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let split = split(args.split, workspace)?;
    let globs = |texts: &[String]| -> Result<Vec<GlobMatcher>, Failure> {
        texts.iter().map(|glob| glob_matcher(&same_key(glob)).map_err(Failure::Usage)).collect()
    };
    let all = args.kinds.contains(&ImportKind::All);
    let wanted = Wanted {
        kinds: if all { Kind::ALL.into() } else { args.kinds.iter().copied().filter_map(kind).collect() },
        global_policy: all || args.kinds.contains(&ImportKind::GlobalPolicy),
        only: globs(&args.only)?,
        exclude: globs(&args.exclude)?,
        types: args.types.clone(),
        operator: args.include.contains(&Include::Operator),
        intelligence: args.include.contains(&Include::IdentityIntelligence),
        authoritative: args.authoritative,
    };
    if !args.types.is_empty() && !wanted.has(Kind::Application) {
        let message = "--type selects applications: add `--kind application`, or leave it out";
        return Err(Failure::Usage(message.to_owned()));
    }
    let session = Session::open_as(workspace, &args.online, printer).await?;
    let reading = session.read_all(printer).await?;
    let seen = &reading.observation.objects;
    let (Observed::Present(integrations), Observed::Present(groups), Observed::Present(policies)) =
        (seen.of(Kind::Application), seen.of(Kind::Group), seen.of(Kind::Policy))
    else {
        // Without the list of groups, names of groups would look like deleted groups.
        let failure = first_failure(&reading.failures).cloned().map(Failure::Duo);
        return failure.map_or(Ok(Exit::Error), Err);
    };
    let live = Live { integrations, groups, policies };
    let imported = import(&session.workspace, &session.desired, &reading.observation, live, &wanted);
    mean_something(&args, &wanted, &session, &imported.addresses, live)?;
    let mut changes = place(&imported.entries, split, &session.workspace, &session.sources, read)
        .map_err(|(path, error)| unchanged(&path, &error))?;
    prove(&session, &mut changes)?;
    if files::write(&changes, printer).await? == files::Written::InPart {
        return Ok(Exit::Interrupted);
    }
    outlet.deliver(&Document::Import(Box::new(ImportDocument::new(&imported, &changes))));
    if outlet.human() && !imported.entries.is_empty() {
        printer.show("Next: `duoctl plan` shows that they will only be adopted.\n");
    }
    Ok(Exit::Done)
}

/// The kind that an option means by itself.
fn kind(kind: ImportKind) -> Option<Kind> {
    match kind {
        ImportKind::Application => Some(Kind::Application),
        ImportKind::Group => Some(Kind::Group),
        ImportKind::Policy => Some(Kind::Policy),
        ImportKind::GlobalPolicy | ImportKind::All => None,
    }
}

/// Checks that each `--type`, `--only` and `--exclude` matches something in the account, imported before or not.
fn mean_something(
    args: &args::Import,
    wanted: &Wanted,
    session: &Session,
    addresses: &[Address],
    live: Live<'_>,
) -> Result<(), Failure> {
    let applications = Kind::ALL.into_iter().all(|kind| wanted.looks_at(kind) == (kind == Kind::Application));
    let what = if applications { "no application of the account" } else { "nothing that the account has" };
    let none = |text: &String, known: &[&str]| {
        let help = did_you_mean(text, known.iter().copied());
        let help = help.map(|help| format!("; {help}")).unwrap_or_default();
        Err(Failure::Usage(format!("{} matches {what}{help}", shown(text))))
    };
    let types: Vec<&str> = live.integrations.iter().map(Object::variant).collect();
    if let Some(missing) = wanted.types.iter().find(|wanted| !types.contains(&wanted.as_str())) {
        return none(missing, &types);
    }
    let declared = session.desired.objects.iter().map(|wanted| &wanted.address);
    let names = Kind::ALL.into_iter().filter(|kind| wanted.looks_at(*kind)).flat_map(|kind| live.of(kind));
    let known: Vec<&str> = addresses
        .iter()
        .filter_map(|address| without_section(address.as_str()))
        .chain(addresses.iter().chain(declared).map(Address::as_str))
        .chain(names.map(Object::name))
        .collect();
    let mut patterns = args.only.iter().chain(&args.exclude).zip(wanted.only.iter().chain(&wanted.exclude));
    match patterns.find(|(_, glob)| !known.iter().any(|known| glob.is_match(same_key(known)))) {
        Some((text, _)) => none(text, &known),
        None => Ok(()),
    }
}

fn split(mode: SplitMode, path: &Path) -> Result<Split, Failure> {
    let split = match mode {
        SplitMode::None => Split::None,
        SplitMode::Type => Split::Type,
        SplitMode::Application => Split::Application,
    };
    if split != Split::None && !path.is_dir() {
        let message = "--split needs a folder as PATH: only in a folder does every `*.duo.yaml` belong to the workspace";
        return Err(Failure::Usage(message.to_owned()));
    }
    Ok(split)
}

fn read(path: &Path) -> Result<Option<String>, EditError> {
    match reading::exact(path, MAX_FILE_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(_) if path.is_file() => Err(EditError::NotYaml),
        // Anything else at the path is reported when the file is written.
        Err(_) => Ok(None),
    }
}

/// Checks that other commands can read what will be written.
fn prove(session: &Session, changes: &mut [Change]) -> Result<(), Failure> {
    let stays = |path: &Path| !changes.iter().any(|change| change.path == path);
    let others = session.sources.files().iter().filter(|source| stays(&source.path));
    let mut files: Vec<InMemory> = others
        .map(|source| InMemory { path: source.path.clone(), text: source.text.clone(), tree: None })
        .collect();
    files.extend(changes.iter_mut().map(|change| InMemory {
        path: change.path.clone(),
        text: change.text.clone(),
        tree: change.tree.take(),
    }));
    let loaded = load_files(&session.workspace.root, &session.workspace.assigned, files);
    if has_errors(&loaded.diagnostics) {
        return Err(Failure::Config(Box::new((loaded.diagnostics, loaded.sources))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_never_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vpn.duo.yaml");
        assert_eq!(read(&file), Ok(None));
        std::fs::write(&file, "applications: {}\n").unwrap();
        assert_eq!(read(&file), Ok(Some("applications: {}\n".to_owned())));
        std::fs::write(&file, b"# caf\xe9\n").unwrap();
        assert_eq!(read(&file), Err(EditError::NotYaml));
        assert_eq!(read(folder.path()), Ok(None), "it is reported when the file is written");
    }
}
