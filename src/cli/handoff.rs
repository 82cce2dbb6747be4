//! `duoctl handoff`: the console sheet. Changes nothing.

use std::collections::HashMap;
use std::io::IsTerminal as _;

use crate::config::similar::did_you_mean;
use crate::duo::api::SecretApi as _;
use crate::duo::client::KeyReader;
use crate::output::printer::Printer;
use crate::output::{handoff_text, json};
use crate::reconcile::address::Address;
use crate::reconcile::handoff::Handoff;
use crate::reconcile::plan::{self, Plan};
use crate::secret::Secret;

use super::args::{self, Pruning, Selected, SheetFormat};
use super::exit::{Exit, Failure};
use super::session::{Session, options, show_problems};

/// Runs the command.
pub async fn run(args: args::Handoff, printer: Printer) -> Result<Exit, Failure> {
    if args.reveal && !(std::io::stdout().is_terminal() && args.format == SheetFormat::Human) {
        let message = "--reveal shows secret keys on a terminal only, in the human format";
        return Err(Failure::Usage(message.to_owned()));
    }
    let session = Session::open(&args.path, &args.connection, printer).await?;
    let names = match &args.name {
        Some(name) => vec![known(&session, name)?],
        None => {
            session.workspace.identity_intelligence.keys().map(|key| Address::intelligence(key)).collect()
        }
    };
    let plan = planned(&session, printer).await?;
    let sheets: Vec<&Handoff> = names.iter().filter_map(|address| sheet(&plan, address)).collect();
    let secrets = if args.reveal { reveal(&session, &plan, &sheets, printer).await? } else { HashMap::new() };
    match args.format {
        SheetFormat::Json => printer.data(&json::text(&json::handoff(&sheets))),
        SheetFormat::Markdown => {
            let texts: Vec<String> = sheets.iter().map(|sheet| handoff_text::markdown(sheet)).collect();
            printer.data(&texts.join("\n"));
        }
        SheetFormat::Human if sheets.is_empty() => {
            printer.data(
                "The YAML has no entry under `identity_intelligence`, so there is nothing to hand over.\n",
            );
        }
        SheetFormat::Human => {
            let text = |sheet: &&Handoff| handoff_text::sheet(sheet, &secrets, printer.out);
            printer.data(&sheets.iter().map(text).collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(Exit::Done)
}

/// The address of an entry, if the YAML has it.
pub fn known(session: &Session, name: &str) -> Result<Address, Failure> {
    let entries = &session.workspace.identity_intelligence;
    let key = name.strip_prefix("identity_intelligence.").unwrap_or(name);
    if entries.contains_key(key) {
        return Ok(Address::intelligence(key));
    }
    let names: Vec<&str> = entries.keys().map(String::as_str).collect();
    let help = match did_you_mean(key, names.iter().copied()) {
        Some(help) => help,
        None if names.is_empty() => "the YAML has none".to_owned(),
        None => format!("the YAML has {}", names.join(", ")),
    };
    Err(Failure::Usage(format!("`identity_intelligence` has no entry {name:?}; {help}")))
}

/// The plan of everything; its problems are shown.
pub async fn planned(session: &Session, printer: Printer) -> Result<Plan, Failure> {
    let reading = session.read(printer).await?;
    let options = options(&Selected::default(), &Pruning::default())?;
    let plan = plan::plan(&session.desired, &reading.observation, &options);
    show_problems(plan.problems(), &session.sources, printer);
    Ok(plan)
}

/// The form of an entry, whether or not it was attested.
pub fn sheet<'p>(plan: &'p Plan, address: &Address) -> Option<&'p Handoff> {
    plan.handoffs().iter().chain(plan.attested()).find(|handoff| handoff.address == *address)
}

async fn reveal(
    session: &Session,
    plan: &Plan,
    sheets: &[&Handoff],
    printer: Printer,
) -> Result<HashMap<Address, Secret>, Failure> {
    let warning = printer.err.notice("warning");
    printer.problem(&format!(
        "{warning}: the secret keys follow in clear; clear the terminal and its scrollback afterwards\n"
    ));
    let reader = KeyReader::new(session.transport.clone());
    let mut secrets = HashMap::new();
    let fields = sheets.iter().flat_map(|sheet| &sheet.fields).filter(|field| field.secret);
    for address in fields.filter_map(|field| field.application.as_ref()) {
        if let Some(ikey) = plan.matched().get(address) {
            secrets.insert(address.clone(), reader.secret_key(ikey).await?);
        }
    }
    Ok(secrets)
}
