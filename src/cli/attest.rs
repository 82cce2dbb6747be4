//! `duoctl attest`: a person says that the console holds the values of now.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use crate::config::attestation::Attestation;
use crate::config::edit;
use crate::output::handoff_text::short_name;
use crate::output::paint::safe;
use crate::output::printer::Printer;
use crate::reconcile::address::Address;
use crate::reconcile::handoff::Handoff;
use crate::reconcile::plan::Plan;

use super::args;
use super::exit::{Exit, Failure};
use super::handoff::{known, planned, sheet};
use super::session::Session;

/// Runs the command.
pub async fn run(args: args::Attest, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(&args.path, &args.connection, printer).await?;
    let address = known(&session, &args.name)?;
    let plan = planned(&session, printer).await?;
    let Some(sheet) = sheet(&plan, &address) else { return Ok(Exit::Error) };
    // Whole seconds, and never later than now: what happens next must not count as older.
    let now = Timestamp::now();
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let attestation = match (pending(&plan, &address), sheet.attest(now, args.by)) {
        (false, Some(attestation)) => attestation,
        (true, _) | (_, None) => {
            printer.problem(&format!(
                "refused: the account is not yet as the YAML says for {address}, so the console cannot hold its values; \
                 run `duoctl apply` first\n"
            ));
            return Ok(Exit::Refused);
        }
    };
    let complete = sheet.attestation().is_some_and(|written| !written.fields.is_empty());
    if sheet.is_attested() && complete {
        printer.data(&format!("{} is attested already: {}\n", address, attestation.fingerprint));
        return Ok(Exit::Done);
    }
    let file = write(&session, &address, &attestation)?;
    printer.data(&format!("{}\n", done(sheet, &attestation, &file)));
    printer
        .remark("commit the file, so that everybody sees it; `duoctl verify` shows how far the data flows\n");
    Ok(Exit::Done)
}

/// Whether anything is still to be done in Duo for the entry.
fn pending(plan: &Plan, address: &Address) -> bool {
    let part = |candidate: &Address| {
        candidate.as_str().strip_prefix(address.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    plan.steps().iter().any(|step| part(&step.address)) || plan.blocked().iter().any(part)
}

fn done(sheet: &Handoff, attestation: &Attestation, file: &str) -> String {
    let labels: Vec<&str> =
        sheet.fields.iter().filter(|field| field.outstanding).map(|field| field.label).collect();
    let entered = if labels.is_empty() { String::new() } else { format!(" ({})", labels.join(", ")) };
    format!("Attested {} as {} in {file}{entered}.", sheet.address, attestation.fingerprint)
}

fn write(session: &Session, address: &Address, attestation: &Attestation) -> Result<String, Failure> {
    let name = short_name(address);
    let entry = session.workspace.identity_intelligence.get(name);
    let file = entry.and_then(|entry| session.sources.file(entry.span.file));
    let path = file.map_or_else(|| Path::new("duo.yaml"), |file| &file.path);
    let failure = |what| move |error| Failure::File { path: path.to_owned(), what, error };
    let text = std::fs::read_to_string(path).map_err(failure("cannot be read"))?;
    let keys = ["identity_intelligence", name, "attested"];
    let edited = edit::set(&text, &keys, &json!(attestation.to_string())).map_err(|error| {
        let line = format!("attested: \"{attestation}\"");
        Failure::Edit { path: path.to_owned(), error: error.to_string(), line }
    })?;
    edit::save(path, &edited).map_err(failure("cannot be written"))?;
    Ok(safe(&path.display().to_string()))
}
