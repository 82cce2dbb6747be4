//! `duoctl handoff`: shows what to enter in the console. Changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::io::IsTerminal as _;
use std::path::Path;

use crate::diagnostic::has_errors;
use crate::duo::api::SecretApi as _;
use crate::duo::client::KeyReader;
use crate::language::address::Place;
use crate::output::document::{Document, HandoffDocument, HandoffsDocument};
use crate::output::human::console::sheets as shown;
use crate::output::printer::Printer;
use crate::reconcile::handoff::{Handoff, Purpose};
use crate::reconcile::plan::{Options, Plan};
use crate::reconcile::selection::meant;
use crate::secret::Secret;
use crate::text::shown as quoted;

use super::args::{self, OutputFormat, Pruning, Selected};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::{Session, options, show_problems};

/// Runs the command.
pub async fn run(
    args: args::Handoff,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    if args.reveal && !(std::io::stdout().is_terminal() && args.output.format == OutputFormat::Human) {
        let message = "--reveal works only on a terminal and in the human format";
        return Err(Failure::Usage(message.to_owned()));
    }
    let session = Session::open_as(workspace, &args.online, printer).await?;
    let plan = planned(&session, printer).await?;
    let sheets: Vec<&Handoff> = if args.names.is_empty() {
        let mut sheets: Vec<&Handoff> = plan.handoffs().iter().chain(plan.attested()).collect();
        sheets.sort_by_key(|sheet| (sheet.purpose == Purpose::Remove, &sheet.address));
        sheets
    } else {
        let named: BTreeSet<&str> = args.names.iter().map(String::as_str).collect();
        named.into_iter().map(|name| sheet(&session, &plan, name)).collect::<Result<_, _>>()?
    };
    let documents = sheets.iter().map(|sheet| HandoffDocument::from(*sheet));
    let document = HandoffsDocument::new(documents.collect());
    if args.reveal {
        let secrets = reveal(&session, &plan, &sheets, printer).await?;
        printer.show(&shown(&document, &secrets, printer.out));
    } else {
        outlet.deliver(&Document::Handoff(Box::new(document)));
    }
    Ok(if has_errors(plan.problems()) { Exit::Error } else { Exit::Done })
}

/// Plans everything and shows the problems.
pub async fn planned(session: &Session, printer: Printer) -> Result<Plan, Failure> {
    let reading = session.read(printer).await?;
    // A person is about to enter what it shows.
    let options = Options { hold_back: true, ..options(&Selected::default(), &Pruning::default())? };
    let plan = session.planned(&reading.observation, &options);
    show_problems(plan.problems(), &session.sources, printer);
    Ok(plan)
}

/// The handoff of an entry by its name, whether or not it was attested: its form, or what is to be removed.
///
/// # Errors
///
/// [`Failure::Usage`] if neither the YAML nor the account has such an entry.
pub fn sheet<'p>(session: &Session, plan: &'p Plan, name: &str) -> Result<&'p Handoff, Failure> {
    let key = Place::entry(name);
    let sheets = || plan.handoffs().iter().chain(plan.attested());
    if let Some(sheet) = sheets().find(|sheet| Place::entry(sheet.address.as_str()) == key) {
        return Ok(sheet);
    }
    if session.workspace.attested_removal(key).is_some() {
        return Err(Failure::Usage(format!(
            "`identity_intelligence.{key}` is gone from the account, so there is nothing to hand over; remove its line from \
             `removed`"
        )));
    }
    let names: Vec<&str> = sheets().map(|sheet| Place::entry(sheet.address.as_str())).collect();
    Err(Failure::Usage(format!(
        "`identity_intelligence` has no entry {}; {}",
        quoted(name),
        meant(key, &names)
    )))
}

async fn reveal(
    session: &Session,
    plan: &Plan,
    sheets: &[&Handoff],
    printer: Printer,
) -> Result<HashMap<String, Secret>, Failure> {
    let warning = printer.err.notice("warning");
    printer.problem(&format!(
        "{warning}: the secret keys are shown in plain text; clear the terminal and its scrollback afterwards\n"
    ));
    let reader = KeyReader::new(session.transport.clone());
    let mut secrets = HashMap::new();
    let fields = sheets
        .iter()
        .flat_map(|sheet| &sheet.fields)
        .filter(|field| field.secret && field.withheld.is_none());
    for address in fields.filter_map(|field| field.application.as_ref()) {
        if let Some(ikey) = plan.matched().get(address) {
            secrets.insert(address.to_string(), reader.secret_key(ikey).await?);
        }
    }
    Ok(secrets)
}
