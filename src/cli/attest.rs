//! `duoctl attest`: records that a person entered the current values in the console.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::edit;
use crate::git::identity;
use crate::kinds::address::Address;
use crate::language::address::ADMIN_API;
use crate::language::address::Place;
use crate::language::attestation;
use crate::language::attestation::Attestation;
use crate::output::document::{EditDocument, EditedDocument, ReasonDocument};
use crate::output::printer::Printer;
use crate::reconcile::handoff::{Handoff, Purpose};
use crate::reconcile::plan::Plan;
use crate::text::safe;
use crate::verify::connection::World;
use crate::verify::connection::claim::{self, Claim};
use crate::verify::report::Report;

use super::args;
use super::edit::{hold, read};
use super::exit::{Exit, Failure};
use super::handoff::{planned, sheet};
use super::outlet::Outlet;
use super::session::Session;

/// Runs the command.
pub async fn run(
    args: args::Attest,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let by = match &args.by {
        Some(by) => by.clone(),
        None => committer(workspace)?,
    };
    let session = Session::open_as(workspace, &args.online, printer).await?;
    let plan = planned(&session, printer).await?;
    let sheet = sheet(&session, &plan, &args.name)?;
    let address = &sheet.address;
    // The date is compared with Duo's logs, so it has to be Duo's.
    session.transport.learn_clock().await?;
    let now = session.duo_now();
    // Whole seconds, and never later than now: what happens next must not count as older.
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let waits = sheet.purpose == Purpose::Enter && pending(&plan, address);
    let attestation = match (waits, sheet.attest(at, by, args.reason.clone())) {
        (false, Some(attestation)) => attestation,
        (true, _) | (_, None) => {
            let why = format!(
                "the account does not match the YAML for {address} yet, so the console cannot have its values"
            );
            return Ok(refused(&why, "run `duoctl apply` first", outlet, printer));
        }
    };
    let complete = sheet.attestation().is_some_and(|written| !written.fields.is_empty());
    if sheet.is_attested() && complete {
        let reason = format!("it is already attested, as {}", attestation.fingerprint);
        let unchanged = vec![ReasonDocument { address: address.to_string(), reason }];
        outlet.edited(EditDocument { unchanged, ..EditDocument::new("attest", Vec::new()) }, "");
        return Ok(Exit::Done);
    }
    if contradicted(&session, &plan, &args, sheet, outlet, printer).await {
        return Ok(Exit::Refused);
    }
    let file = match sheet.purpose {
        Purpose::Enter => {
            let name = Place::entry(address.as_str());
            let keys = ["identity_intelligence", name, "attested"];
            write(&session, &attestation, entry_file(&session, address), &keys)?
        }
        Purpose::Remove => {
            let keys = ["removed", address.as_str(), "attested"];
            let decided = session.desired.removed.contains_key(address);
            if decided {
                return Err(Failure::Usage(format!(
                    "`removed` already has a line for {address}; replace it with lines for its applications, e.g. `{address}.{ADMIN_API}`"
                )));
            }
            write(&session, &attestation, removed_file(&session), &keys)?
        }
    };
    let (field, after, next) = match sheet.purpose {
        Purpose::Enter => (
            "attested",
            Value::from(attestation.to_string()),
            "commit the file; `duoctl verify` shows how far the data flows\n",
        ),
        Purpose::Remove => (
            "removed",
            json!({"attested": attestation.to_string()}),
            "commit the file; `duoctl apply --prune` now removes its applications\n",
        ),
    };
    let edited = EditedDocument {
        address: address.to_string(),
        field: field.to_owned(),
        before: Value::Null,
        after,
        file,
    };
    let edit = EditDocument::new("attest", vec![edited]);
    outlet.edited(edit, &format!("{}{next}", entered(sheet)));
    Ok(Exit::Done)
}

/// Who attests if the command line does not say: the person who would commit the file.
fn committer(path: &Path) -> Result<String, Failure> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let found = identity(folder);
    found.and_then(|who| attestation::name(&who)).ok_or_else(|| {
        Failure::Usage(
            "cannot tell who attests: git has no usable user.name and user.email here; pass --by WHO"
                .to_owned(),
        )
    })
}

/// Whether the public API contradicts the attestation and `--force` is not given. Shows what the API reports, or why it
/// cannot be checked.
async fn contradicted(
    session: &Session,
    plan: &Plan,
    args: &args::Attest,
    sheet: &Handoff,
    outlet: &Outlet,
    printer: Printer,
) -> bool {
    let (apis, report) = (session.intelligence(), Report::default());
    let world = World {
        host: session.host(),
        clock_offset: None,
        report: &report,
        plan,
        apis: &apis,
        now: session.duo_now(),
        log_delay: session.log_delay(),
    };
    let name = Place::entry(sheet.address.as_str());
    match claim::ask(&session.transport, &world, sheet).await {
        Claim::Unasked | Claim::Consistent => false,
        Claim::Untold(reason) => {
            let warning = printer.err.notice("warning");
            let reason = safe(&reason);
            printer.problem(&format!(
                "{warning}: could not check this with the public API of Identity Intelligence: {reason}\n"
            ));
            false
        }
        Claim::Contradicted(what) if args.force => {
            let warning = printer.err.notice("warning");
            printer.problem(&format!("{warning}: recorded anyway: {}\n", safe(&what)));
            false
        }
        Claim::Contradicted(what) => {
            let next = format!("to record it anyway: `duoctl attest {} --force --reason TEXT`", safe(name));
            refused(&what, &next, outlet, printer);
            true
        }
    }
}

/// Reports that nothing is recorded, and what to do.
fn refused(why: &str, next: &str, outlet: &Outlet, printer: Printer) -> Exit {
    printer.problem(&format!("refused: {}\n  {next}\n", safe(why)));
    outlet.failed(Exit::Refused, why, &[next.to_owned()], Vec::new());
    Exit::Refused
}

/// Whether Duo still has to be changed for the entry.
fn pending(plan: &Plan, address: &Address) -> bool {
    let part = |candidate: &Address| candidate.composite().is_some_and(|(entry, _)| entry == *address);
    plan.steps().iter().any(|step| part(&step.address)) || plan.blocked().iter().any(part)
}

/// The fields that the person attests to have entered.
fn entered(sheet: &Handoff) -> String {
    let fields = sheet.fields.iter().filter(|field| field.outstanding && sheet.purpose == Purpose::Enter);
    let labels: Vec<&str> = fields.map(|field| field.label).collect();
    if labels.is_empty() { String::new() } else { format!("entered: {}\n", labels.join(", ")) }
}

fn entry_file(session: &Session, address: &Address) -> Option<usize> {
    let entry = session.workspace.identity_intelligence.get(Place::entry(address.as_str()));
    entry.map(|entry| entry.span.file)
}

/// The file with `removed`, or the one that names the workspace.
fn removed_file(session: &Session) -> Option<usize> {
    let lines = session.workspace.removed.values();
    Some(lines.map(|line| line.span.file).next().unwrap_or(session.workspace.name.span.file))
}

/// Writes an attestation at a path of keys.
fn write(
    session: &Session,
    attestation: &Attestation,
    file: Option<usize>,
    keys: &[&str],
) -> Result<String, Failure> {
    let file = file.and_then(|file| session.sources.file(file));
    let path = file.map_or_else(|| Path::new("duo.yaml"), |file| &file.path);
    let failure = |what| move |error| Failure::File { path: path.to_owned(), what, error };
    let _held = hold(path)?;
    let text = read(path)?;
    let edited = edit::set(&text, keys, &Value::from(attestation.to_string())).map_err(|error| {
        let key = keys.last().copied().unwrap_or_default();
        let line = format!("{key}: \"{attestation}\"");
        Failure::Edit { path: path.to_owned(), error: error.to_string(), line: Some(line) }
    })?;
    edit::save(path, &edited).map_err(failure("cannot be written"))?;
    Ok(path.display().to_string())
}
