//! `duoctl accept`: copies changes made in Duo into the YAML.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::edit::{EditError, remove, set};
use crate::config::variables::escaped;
use crate::diagnostic::has_errors;
use crate::duo::object::{Kind, Object};
use crate::import::Live;
use crate::import::accept::{Edit, drifted, edits};
use crate::import::part;
use crate::kinds::address::Address;
use crate::kinds::application::fields::FIELDS;
use crate::kinds::field::Field;
use crate::language::address::Place;
use crate::language::similar::did_you_mean;
use crate::output::document::{EditDocument, EditedDocument, ReasonDocument};
use crate::output::printer::Printer;
use crate::reconcile::desired::Wanted;
use crate::reconcile::diff::Change;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{self, Options, Plan, Prune};
use crate::reconcile::selection::Selection;
use crate::text::shown;

use super::args;
use super::edit::{application, application_of, edited, not_declared};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::{Session, desired, first_failure, options, show_problems};

/// Runs the command: nothing is written unless everything can be accepted.
pub async fn run(
    args: args::Accept,
    path: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    args.addresses.iter().try_for_each(|address| application(address).map(drop))?;
    fields(&args.field)?;
    let session = Session::open_as(path, &args.online, printer).await?;
    let mut wanted: BTreeMap<Address, Chosen<'_>> = BTreeMap::new();
    for address in &args.addresses {
        let found = self::wanted(&session, application_of(&session.workspace, address)?)?;
        wanted.insert(found.declared.address.clone(), found);
    }
    let reading = session.read_all(printer).await?;
    let seen = &reading.observation.objects;
    let (Observed::Present(integrations), Observed::Present(groups), Observed::Present(policies)) =
        (seen.of(Kind::Application), seen.of(Kind::Group), seen.of(Kind::Policy))
    else {
        let failure = first_failure(&reading.failures).cloned().map(Failure::Duo);
        return failure.map_or(Ok(Exit::Error), Err);
    };
    let options = only(wanted.keys())?;
    let plan = session.planned(&reading.observation, &options);
    show_problems(plan.problems(), &session.sources, printer);
    let lists = Live { integrations, groups, policies };
    let (mut exit, mut found, mut unchanged) = (Exit::Done, Vec::new(), Vec::new());
    for (address, wanted) in &wanted {
        match accepted(&session, &plan, &args.field, *wanted, lists)? {
            Ok(accepted) => found.push((address, *wanted, accepted)),
            Err(nothing) => {
                unchanged.push(ReasonDocument { address: address.to_string(), reason: nothing.why });
                exit = if nothing.stopped { Exit::Error } else { exit };
            }
        }
    }
    found.sort_by_key(|(_, wanted, _)| wanted.file);
    let mut written = Vec::new();
    for accepted in found.chunk_by(|(_, one, _), (_, other, _)| one.file == other.file) {
        let Some((_, Chosen { file, .. }, _)) = accepted.first() else { continue };
        let edited = edited(&session.workspace, &session.sources, *file, |text| {
            accepted.iter().try_fold(text.to_owned(), |text, (_, wanted, accepted)| {
                write(&text, wanted.place, &accepted.edits)
            })
        })?;
        if let Some(workspace) = edited.loaded.valid() {
            let again = plan::plan(&desired(workspace), &reading.observation, &options);
            accepted.iter().try_for_each(|(address, _, accepted)| is_accepted(address, accepted, &again))?;
        }
        written.push((edited, accepted));
    }
    let mut edit = EditDocument { unchanged, ..EditDocument::new("accept", Vec::new()) };
    // Nothing is written unless every file can be.
    if let Some(wrong) = written.iter().position(|(edited, _)| has_errors(&edited.loaded.diagnostics)) {
        written.swap_remove(wrong).0.save()?;
    }
    for (edited, accepted) in written {
        let file = edited.save()?.display().to_string();
        for (address, _, Accepted { changes, refused, .. }) in accepted {
            edit.edits.extend(changes.iter().map(|change| into_the_yaml(address, change, &file)));
            edit.refused.extend(refused.iter().map(|reason| ReasonDocument {
                address: address.to_string(),
                reason: format!("not accepted: {reason}; `duoctl apply` reverts it"),
            }));
        }
    }
    if !edit.refused.is_empty() {
        exit = Exit::Error;
    }
    outlet.edited(edit, "`duoctl apply` records it in Duo\n");
    Ok(exit)
}

/// A change that was made in Duo, as an edit of the YAML.
fn into_the_yaml(address: &Address, change: &Change, file: &str) -> EditedDocument {
    EditedDocument {
        address: address.to_string(),
        field: change.field.clone(),
        before: change.after.clone(),
        after: change.before.clone(),
        file: file.to_owned(),
    }
}

/// An address, and what the YAML declares there.
#[derive(Clone, Copy)]
struct Chosen<'s> {
    place: Place<'s>,
    declared: &'s Wanted,
    file: usize,
}

fn wanted<'s>(session: &'s Session, place: Place<'s>) -> Result<Chosen<'s>, Failure> {
    let address = Address::new(place.to_string());
    let declared = session.desired.objects.iter().find(|wanted| wanted.address == address);
    let found = declared.and_then(|declared| Some((declared, declared.span?.file)));
    let (declared, file) = found.ok_or_else(|| not_declared(&session.workspace, place))?;
    if declared.kind != Kind::Application {
        let (noun, address) = (declared.kind.noun(), &declared.address);
        let message = format!(
            "{address} is a {noun}: `accept` writes only what was changed in applications; `duoctl drift` shows what to write"
        );
        return Err(Failure::Usage(message));
    }
    Ok(Chosen { place, declared, file })
}

/// Why an address has nothing to accept.
struct Nothing {
    why: String,
    /// Whether an error keeps duoctl from knowing.
    stopped: bool,
}

/// What was changed in Duo at an address, as far as the YAML can express it.
fn accepted<'p>(
    session: &Session,
    plan: &'p Plan,
    named: &[String],
    Chosen { place, declared, .. }: Chosen<'_>,
    lists: Live<'_>,
) -> Result<Result<Accepted<'p>, Nothing>, Failure> {
    let address = &declared.address;
    let live = plan.matched().get(address);
    let live = live.and_then(|ikey| lists.integrations.iter().find(|live| live.id == *ikey));
    let changes: Vec<&Change> = live
        .map(|live| drifted(plan, declared, live))
        .unwrap_or_default()
        .into_iter()
        .filter(|change| named.is_empty() || named.iter().any(|field| names(&change.field, field)))
        .collect();
    let stopped = plan.blocked().contains(address);
    let why = match live {
        Some(live) if !changes.is_empty() => {
            let accepted = said(session, place, declared, changes, live, lists);
            return accepted.map(Ok).map_err(|why| not_accepted(address, &why));
        }
        _ if stopped => "its differences are not known because of an error".to_owned(),
        None => {
            "it is not in the account: remove its entry, or let `duoctl apply` create it again".to_owned()
        }
        Some(_) if named.is_empty() => {
            "no field of the YAML was changed in Duo since the last apply".to_owned()
        }
        Some(_) => {
            "none of the named fields is in the YAML and was changed in Duo since the last apply".to_owned()
        }
    };
    Ok(Err(Nothing { why, stopped }))
}

/// Checks that the edited YAML matches what Duo holds.
fn is_accepted(address: &Address, accepted: &Accepted<'_>, again: &Plan) -> Result<(), Failure> {
    let steps = again.steps().iter().filter(|step| step.address == *address);
    let fields: Vec<&str> =
        steps.flat_map(|step| &step.changes).map(|change| change.field.as_str()).collect();
    match accepted.changes.iter().find(|change| fields.contains(&change.field.as_str())) {
        Some(left) => Err(not_accepted(address, &format!("`{}` would still differ", left.field))),
        None => Ok(()),
    }
}

/// Checks that each name is a field of some application, or a part of one, e.g. `sso.saml_config.relaystate`.
fn fields(named: &[String]) -> Result<(), Failure> {
    let Some(unknown) = named.iter().find(|name| !FIELDS.iter().any(|field| names(name, field.name())))
    else {
        return Ok(());
    };
    let help = did_you_mean(unknown, FIELDS.iter().map(Field::name));
    let help = help.unwrap_or_else(|| "`duoctl plan` shows the fields that differ".to_owned());
    Err(Failure::Usage(format!("{} is not a field of an application; {help}", shown(unknown))))
}

/// The changes that the YAML can express.
struct Accepted<'p> {
    changes: Vec<&'p Change>,
    edits: Vec<Edit>,
    /// Why each of the other fields cannot be accepted.
    refused: Vec<String>,
}

/// An entry of `identity_intelligence` accepts the changes that it can express; any other application accepts all of them
/// or none. The error is the reason why nothing is accepted.
fn said<'p>(
    session: &Session,
    place: Place<'_>,
    wanted: &Wanted,
    changes: Vec<&'p Change>,
    live: &Object,
    lists: Live<'_>,
) -> Result<Accepted<'p>, String> {
    let entry = match place {
        Place::Part { entry, part } => session.workspace.identity_intelligence.get(entry).zip(Some(part)),
        Place::Object(..) | Place::Entry(_) => None,
    };
    let Some((entry, part)) = entry else {
        let edits = edits(wanted, &changes, live, lists)?;
        return Ok(Accepted { changes, edits, refused: Vec::new() });
    };
    let mut accepted = Accepted { changes: Vec::new(), edits: Vec::new(), refused: Vec::new() };
    for change in changes {
        match part::edits(entry, part, &change.field, live) {
            Ok(edits) => {
                accepted.edits.extend(edits);
                accepted.changes.push(change);
            }
            Err(why) => accepted.refused.push(format!("`{}`: {why}", change.field)),
        }
    }
    if accepted.changes.is_empty() { Err(accepted.refused.join("; ")) } else { Ok(accepted) }
}

fn not_accepted(address: &Address, why: &str) -> Failure {
    Failure::Refused(format!(
        "{address} cannot be accepted: {why}; edit the YAML by hand, or let `duoctl apply` revert it"
    ))
}

/// Whether a change, e.g. of `sso.saml_config.relaystate`, belongs to a field.
fn names(changed: &str, field: &str) -> bool {
    changed.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn only<'a>(addresses: impl Iterator<Item = &'a Address>) -> Result<Options, Failure> {
    let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
    let selection = Selection::new(&addresses, &[]).map_err(Failure::Usage)?;
    let options = options(&args::Selected::default(), &args::Pruning::default())?;
    Ok(Options { selection, prune: Prune::No, ..options })
}

fn write(text: &str, place: Place<'_>, edits: &[Edit]) -> Result<String, EditError> {
    let entry: Vec<&str> = place.keys().into_iter().take(2).collect();
    let mut text = text.to_owned();
    for edit in edits {
        let path: Vec<&str> = entry.iter().copied().chain(edit.path.iter().map(String::as_str)).collect();
        text = match &edit.value {
            Some(value) => set(&text, &path, &escaped(value))?,
            None => remove(&text, &path)?,
        };
    }
    Ok(text)
}
