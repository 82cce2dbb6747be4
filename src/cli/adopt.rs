//! `duoctl adopt`: pins an address of the YAML to a live application, or records the former name of the workspace.

use std::path::Path;

use serde_json::{Value, json};

use crate::config::edit::set;
use crate::config::load::Terms;
use crate::config::model::Workspace;
use crate::diagnostic::{Diagnostic, Severity, has_errors};
use crate::language::address::{AUTH_API, Place};
use crate::language::similar::did_you_mean;
use crate::language::texts::{INTEGRATION_KEY, WORKSPACE};
use crate::output::document::{EditDocument, EditedDocument, ReasonDocument};
use crate::output::printer::Printer;
use crate::text::{quoted, shown};

use super::args;
use super::edit::{application_of, edited};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::{load_whole, show_problems};

/// One value of the YAML: the keys that lead to it, and what it becomes.
type Setting<'a> = (Vec<&'a str>, Value);

/// An address and the integration key of its application.
type Pair<'a> = (Place<'a>, &'a str);

/// Runs the command.
pub fn run(args: &args::Adopt, workspace: &Path, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let terms = args.yaml.terms();
    match &args.formerly {
        Some(name) => former(name, workspace, &terms, outlet),
        None => applications(&args.arguments, workspace, &terms, outlet, printer),
    }
}

/// The workspace was renamed: writes its former name into the YAML.
fn former(name: &str, path: &Path, terms: &Terms, outlet: &Outlet) -> Result<Exit, Failure> {
    if let Err(problem) = (WORKSPACE.check)(name) {
        return Err(Failure::Usage(format!("--formerly {}: {}", problem.message, problem.help)));
    }
    let loaded = load_whole(path, terms)?;
    let Some(workspace) = loaded.valid() else {
        return Err(Failure::Config(Box::new((loaded.diagnostics, loaded.sources))));
    };
    if workspace.name.value == name {
        return Err(Failure::Usage(format!(
            "`{name}` is the current name of the workspace; pass its former name"
        )));
    }
    let place = workspace.formerly.as_ref().map_or(workspace.name.span, |former| former.span);
    let edited =
        edited(workspace, &loaded.sources, place.file, |text| set(text, &["formerly"], &Value::from(name)))?;
    let before = workspace.formerly.as_ref().map(|former| former.value.as_str());
    let file = edited.save()?.display().to_string();
    outlet.edited(EditDocument::new("adopt", vec![edit("", "formerly", before, name, &file)]), NEXT);
    Ok(Exit::Done)
}

const NEXT: &str = "next: `duoctl plan` shows what this changes\n";

fn edit(address: &str, field: &str, before: Option<&str>, after: &str, file: &str) -> EditedDocument {
    EditedDocument {
        address: address.to_owned(),
        field: field.to_owned(),
        before: before.map_or(Value::Null, Value::from),
        after: Value::from(after),
        file: file.to_owned(),
    }
}

fn applications(
    arguments: &[String],
    path: &Path,
    terms: &Terms,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let loaded = load_whole(path, terms)?;
    let Some(workspace) = &loaded.workspace else {
        return Err(Failure::Config(Box::new((loaded.diagnostics, loaded.sources))));
    };
    let pairs = pairs(arguments, workspace)?;
    let new: String = pairs.iter().filter_map(|(place, _)| new_entry(workspace, *place)).collect();
    let mut settings: Vec<Setting<'_>> = Vec::new();
    let mut files = Vec::new();
    for (place, key) in &pairs {
        let (file, needed) = place_of(workspace, *place)?;
        files.push(file);
        settings.extend(needed);
        settings.push(([place.keys(), vec!["integration_key"]].concat(), Value::from(*key)));
    }
    let Some(file) = files.first().copied() else { return Ok(Exit::Done) };
    if files.iter().any(|other| *other != file) {
        let message = "the addresses are in different files; adopt those of one file at a time";
        return Err(Failure::Usage(message.to_owned()));
    }
    // Two entries with the same name are an error that a pin resolves, so errors do not stop this command.
    let edited = edited(workspace, &loaded.sources, file, |text| {
        settings.iter().try_fold(text.to_owned(), |text, (path, value)| set(&text, path, value))
    })?;
    let same = |one: &Diagnostic, other: &Diagnostic| one.code == other.code && one.message == other.message;
    let is_new = |found: &Diagnostic| !loaded.diagnostics.iter().any(|known| same(known, found));
    if edited.loaded.diagnostics.iter().any(|found| found.severity == Severity::Error && is_new(found)) {
        return Err(Failure::Config(Box::new((edited.loaded.diagnostics, edited.loaded.sources))));
    }
    let wrong = has_errors(&edited.loaded.diagnostics);
    // Warnings that this edit does not add are left to `validate`.
    let found: Vec<Diagnostic> = edited
        .loaded
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error || is_new(found))
        .cloned()
        .collect();
    show_problems(&found, &edited.loaded.sources, printer);
    let before: Vec<_> = pairs.iter().map(|(place, _)| pin(workspace, *place)).collect();
    let file = edited.save_anyway()?.display().to_string();
    let (same, edits): (Vec<_>, Vec<_>) =
        pairs.iter().zip(before).partition(|((_, key), before)| *before == Some(*key));
    let unchanged = same.into_iter().map(|((place, key), _)| ReasonDocument {
        address: place.to_string(),
        reason: format!("it is {} already", shown(key)),
    });
    let edits = edits
        .into_iter()
        .map(|((place, key), before)| edit(&place.to_string(), "integration_key", before, key, &file));
    let edit = EditDocument { unchanged: unchanged.collect(), ..EditDocument::new("adopt", edits.collect()) };
    outlet.edited(edit, &format!("{new}{NEXT}"));
    Ok(if wrong { Exit::Error } else { Exit::Done })
}

/// That an address is a new entry of the YAML, and which one may have been meant.
fn new_entry(workspace: &Workspace, place: Place<'_>) -> Option<String> {
    if workspace.declared(place).is_some() || !matches!(place, Place::Object(..)) {
        return None;
    }
    let known: Vec<String> = workspace.every_declared().map(|declared| declared.place.to_string()).collect();
    let help = did_you_mean(&place.to_string(), known.iter().map(String::as_str));
    let help = help.map(|help| format!("; {help}")).unwrap_or_default();
    Some(format!("`{place}` is a new entry{help}\n"))
}

/// The addresses with their integration keys.
fn pairs<'a>(arguments: &'a [String], workspace: &Workspace) -> Result<Vec<Pair<'a>>, Failure> {
    let (pairs, rest) = arguments.as_chunks::<2>();
    if let [address] = rest {
        return Err(Failure::Usage(format!("{} needs an integration key after it", shown(address))));
    }
    let mut read: Vec<Pair<'a>> = Vec::new();
    for [address, key] in pairs {
        let place = application_of(workspace, address)?;
        if let Err(problem) = (INTEGRATION_KEY.check)(key) {
            let what =
                if Place::parse(key).is_some() { quoted(key) } else { "the integration key".to_owned() };
            return Err(Failure::Usage(format!("{place}: {what} {}: {}", problem.message, problem.help)));
        }
        if let Some((other, _)) = read.iter().find(|(other, of)| *other == place || of == key) {
            let same = if *other == place {
                "is named twice"
            } else {
                "gets the same application as another address"
            };
            return Err(Failure::Usage(format!("`{place}` {same}")));
        }
        read.push((place, key.as_str()));
    }
    Ok(read)
}

/// The file of an address, and what has to be written there in addition to its pin.
fn place_of<'a>(workspace: &Workspace, place: Place<'a>) -> Result<(usize, Vec<Setting<'a>>), Failure> {
    let Place::Part { entry: key, part } = place else {
        let found = workspace.declared(place).map_or(workspace.name.span, |declared| declared.span);
        return Ok((found.file, Vec::new()));
    };
    let Some(entry) = workspace.identity_intelligence.get(key) else {
        return Err(Failure::Usage(format!(
            "the YAML has no `identity_intelligence.{key}`; add it first, with the values that no Duo API returns: \
             `identity_intelligence: {{{key}: {{display_name: NAME, access: read_only}}}}`"
        )));
    };
    // The application already has a name, so the YAML needs none.
    let on = (vec!["identity_intelligence", key, "push_verification"], json!(true));
    let needed = part == AUTH_API && entry.push_application_name.is_none();
    Ok((entry.span.file, if needed { vec![on] } else { Vec::new() }))
}

fn pin<'w>(workspace: &'w Workspace, place: Place<'_>) -> Option<&'w str> {
    workspace.declared(place)?.pin.map(|pin| pin.value.as_str())
}
