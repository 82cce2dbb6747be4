//! `duoctl accept`: what somebody changed in Duo becomes what the YAML says.

use crate::config::edit::{EditError, remove, set};
use crate::config::variables::escaped;
use crate::duo::types::Integration;
use crate::import::Live;
use crate::import::accept::{Edit, drifted, edits};
use crate::import::part;
use crate::kinds::address::Address;
use crate::kinds::application::fields::FIELDS;
use crate::kinds::field::Field;
use crate::language::address::Place;
use crate::language::similar::did_you_mean;
use crate::output::printer::Printer;
use crate::reconcile::desired::DesiredApplication;
use crate::reconcile::diff::Change;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{self, Options, Prune};
use crate::reconcile::selection::Selection;
use crate::text::{one_line, safe, shown};

use super::args;
use super::edit::{application, edited, not_declared};
use super::exit::{Exit, Failure};
use super::session::{Session, desired, first_failure, options, show_problems};

/// Runs the command.
pub async fn run(args: args::Accept, printer: Printer) -> Result<Exit, Failure> {
    let place = application(&args.address)?;
    fields(&args.field)?;
    let address = Address::new(place.to_string());
    let session =
        Session::open_as(&args.source.path, &args.connection, args.vars.terms(args.trusted.trust()), printer)
            .await?;
    let not_there = || not_declared(&session.workspace, place);
    let wanted = session.desired.applications.iter().find(|wanted| wanted.address == address);
    let wanted = wanted.ok_or_else(not_there)?;
    let file = wanted.span.ok_or_else(not_there)?.file;
    let reading = session.read_all(printer).await?;
    let seen = &reading.observation;
    let (Observed::Present(integrations), Observed::Present(groups), Observed::Present(policies)) =
        (&seen.integrations, &seen.groups, &seen.policies)
    else {
        let failure = first_failure(&reading.failures).cloned().map(Failure::Duo);
        return failure.map_or(Ok(Exit::Error), Err);
    };
    let options = only(&address)?;
    let plan = plan::plan(&session.desired, seen, &options);
    show_problems(plan.problems(), &session.sources, printer);
    let live =
        plan.matched().get(&address).and_then(|ikey| integrations.iter().find(|live| live.ikey == *ikey));
    let changes: Vec<&Change> = live
        .map(|live| drifted(&plan, wanted, live))
        .unwrap_or_default()
        .into_iter()
        .filter(|change| args.field.is_empty() || args.field.iter().any(|field| names(&change.field, field)))
        .collect();
    let (Some(live), false) = (live, changes.is_empty()) else {
        let stopped = plan.blocked().contains(&address);
        let why = if stopped {
            format!("an error stops {address}, so its differences are not known")
        } else if live.is_none() {
            format!("{address} is not in the account")
        } else if args.field.is_empty() {
            format!("nobody changed {address} in Duo since the last apply")
        } else {
            format!("no change in Duo of {address} is one of the named fields")
        };
        printer.data(&format!("Nothing to accept: {why}.\n"));
        return Ok(if stopped { Exit::Error } else { Exit::Done });
    };
    let lists = Live { integrations, groups, policies };
    let Accepted { changes, edits, refused } = accepted(&session, place, wanted, changes, live, lists)
        .map_err(|why| not_accepted(&address, &why))?;
    let edited = edited(&session.workspace, &session.sources, file, |text| write(text, place, &edits))?;
    if let Some(workspace) = edited.loaded.valid() {
        let again = plan::plan(&desired(workspace), seen, &options);
        let fields = again.steps().iter().flat_map(|step| &step.changes).map(|change| change.field.as_str());
        if let Some(left) = changes.iter().find(|change| fields.clone().any(|field| field == change.field)) {
            let why = format!("`{}` would still differ", left.field);
            return Err(not_accepted(&address, &why));
        }
    }
    let file = edited.save()?;
    for change in &changes {
        printer.data(&format!(
            "~ {}  {} -> {}\n",
            safe(&change.field),
            one_line(&change.after),
            one_line(&change.before)
        ));
    }
    for why in &refused {
        let warning = printer.err.notice("warning");
        let why = safe(why);
        printer.problem(&format!("{warning}: not accepted: {why}; `duoctl apply` reverts it\n"));
    }
    let file = safe(&file.display().to_string());
    let all = changes.len() + refused.len();
    let how_many =
        if refused.is_empty() { String::new() } else { format!(" {} of {all} changes", changes.len()) };
    printer.data(&format!("Accepted{how_many} into {file}. `duoctl apply` records it in Duo.\n"));
    Ok(if refused.is_empty() { Exit::Done } else { Exit::Error })
}

/// Whether each of them is a field of some application, or a part of one, e.g. `sso.saml_config.relaystate`.
fn fields(named: &[String]) -> Result<(), Failure> {
    let Some(unknown) = named.iter().find(|name| !FIELDS.iter().any(|field| names(name, field.name())))
    else {
        return Ok(());
    };
    let help = did_you_mean(unknown, FIELDS.iter().map(Field::name));
    let help = help.unwrap_or_else(|| "`duoctl plan` shows the fields that differ".to_owned());
    Err(Failure::Usage(format!("{} is not a field of an application; {help}", shown(unknown))))
}

/// What of the changes the YAML can say.
struct Accepted<'p> {
    changes: Vec<&'p Change>,
    edits: Vec<Edit>,
    /// Why each of the other fields cannot be accepted.
    refused: Vec<String>,
}

/// An entry of `identity_intelligence` says what it can; everything else is accepted as a whole. The error is the reason
/// why nothing is.
fn accepted<'p>(
    session: &Session,
    place: Place<'_>,
    wanted: &DesiredApplication,
    changes: Vec<&'p Change>,
    live: &Integration,
    lists: Live<'_>,
) -> Result<Accepted<'p>, String> {
    let entry = match place {
        Place::Part { entry, part } => session.workspace.identity_intelligence.get(entry).zip(Some(part)),
        Place::Application(_) | Place::Entry(_) => None,
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
    Failure::Usage(format!(
        "{address} cannot be accepted: {why}; edit the YAML by hand, or revert it with `duoctl apply`"
    ))
}

/// Whether a change, e.g. of `sso.saml_config.relaystate`, is one of a field.
fn names(changed: &str, field: &str) -> bool {
    changed.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn only(address: &Address) -> Result<Options, Failure> {
    let selection = Selection::new(&[address.as_str().to_owned()], &[]).map_err(Failure::Usage)?;
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
