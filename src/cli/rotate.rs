//! `duoctl rotate`: new secret keys, delivered to the secret stores.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use crate::apply::deliver::Courier;
use crate::apply::rotate::{Rotated, in_place};
use crate::duo::client::Writer;
use crate::duo::types::Integration;
use crate::observe::Reading;
use crate::output::handoff_text::short_name;
use crate::output::paint::safe;
use crate::output::printer::Printer;
use crate::reconcile::address::Address;
use crate::reconcile::delivery::{Delivery, DesiredSecret, Held};
use crate::reconcile::guard::{Consent, allows};
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{self, Action, Plan, is_intelligence};
use crate::reconcile::risk::Risk;

use super::args::{self, Pruning, Selected};
use super::exit::{Exit, Failure};
use super::session::{Session, options};

/// One application whose keys are replaced.
struct Wanted<'a> {
    address: &'a Address,
    live: &'a Integration,
    secret: &'a DesiredSecret,
}

/// Runs the command.
pub async fn run(args: args::Rotate, printer: Printer) -> Result<Exit, Failure> {
    let args::Strategy::InPlace = args.strategy;
    let options = options(&Selected::default(), &Pruning::default())?;
    let session = Session::open(&args.path, &args.connection, printer).await?;
    let reading = session.read(printer).await?;
    let plan = plan::plan(&session.desired, &reading.observation, &options);
    let consent = Consent { allow: args.allow.clone(), ..Consent::default() };
    let mut wanted = Vec::new();
    let mut refusals = Vec::new();
    for address in &args.addresses {
        match judge(&session, &reading, &plan, &consent, address) {
            Ok(application) => wanted.push(application),
            Err(reason) => refusals.push(reason),
        }
    }
    if !refusals.is_empty() {
        let title = printer.err.bad("refused");
        let lines: String = refusals.iter().map(|reason| format!("  ! {}\n", safe(reason))).collect();
        printer.problem(&format!("{title}; nothing was changed:\n{lines}"));
        return Ok(Exit::Refused);
    }
    printer.data(&sheet(&wanted, printer));
    if !approved(args.auto_approve, printer)? {
        return Ok(Exit::Refused);
    }
    let writer = Writer::new(session.transport.clone());
    let courier = Courier::new(session.transport.clone(), &session.stores);
    let mut exit = Exit::Done;
    let mut rotated = 0;
    for Wanted { address, live, secret } in wanted {
        let delivery = Delivery::new(secret, "the keys are new");
        let outcome = in_place(&writer, &courier, address, live, &delivery).await;
        printer.data(&line(address, &outcome, printer));
        remark_console(address, &outcome, printer);
        match outcome {
            Rotated::Delivered(_) => rotated += 1,
            Rotated::Failed(error) if rotated == 0 && exit == Exit::Done => exit = Exit::of(&error),
            Rotated::NotDelivered(_) | Rotated::Unknown(_) | Rotated::Failed(_) => exit = Exit::Partly,
        }
    }
    Ok(if exit != Exit::Done && rotated > 0 { Exit::Partly } else { exit })
}

/// Whether the keys of an address may be replaced now.
fn judge<'a>(
    session: &'a Session,
    reading: &'a Reading,
    plan: &Plan,
    consent: &Consent,
    text: &str,
) -> Result<Wanted<'a>, String> {
    let declared = session.desired.applications.iter().find(|wanted| wanted.address.as_str() == text);
    let declared = declared.ok_or_else(|| format!("{text}: the YAML has no application of this address"))?;
    let address = &declared.address;
    let ikey = plan.matched().get(address);
    let live = match (&reading.observation.integrations, ikey) {
        (Observed::Present(all), Some(ikey)) => all.iter().find(|live| live.ikey == *ikey),
        _ => None,
    };
    let live =
        live.ok_or_else(|| format!("{address}: it is not in the account; run `duoctl apply` first"))?;
    if live.ikey == *plan.operator() {
        return Err(format!(
            "{address}: duoctl itself uses this key, and Duo lets no key replace itself; reset it in the Admin Panel, or \
             rotate it with another operator's key"
        ));
    }
    let secret = declared.secret.as_ref().ok_or_else(|| {
        format!(
            "{address}: it has no `secret`, so its new key would be nowhere; say where it is to be delivered"
        )
    })?;
    if let Some(Held::Unreadable { reason, .. }) = reading.observation.held.get(address) {
        return Err(format!("{address}: its store cannot be read, so its new key might be lost: {reason}"));
    }
    let unfinished =
        plan.steps().iter().any(|step| step.address == *address && step.action != Action::Deliver);
    if unfinished || plan.blocked().contains(address) {
        return Err(format!("{address}: it differs from the YAML; run `duoctl apply` first"));
    }
    if is_intelligence(address) && !allows(&session.desired.guards, consent, Risk::BreaksHandoff, address) {
        return Err(format!(
            "{address}: the Identity Intelligence console holds the old key, which stops working until somebody enters \
             the new one; to allow it: --allow breaks_handoff:{address}"
        ));
    }
    Ok(Wanted { address, live, secret })
}

fn sheet(wanted: &[Wanted<'_>], printer: Printer) -> String {
    let mut text = String::new();
    for Wanted { address, live, secret } in wanted {
        let address = printer.out.strong(address.as_str());
        text.push_str(&format!(
            "{} {address}  \"{}\" ({}) {}\n    a new key to {}\n    {} the old key stops working at once: whoever uses \
             it is refused until it reads the new one\n\n",
            printer.out.notice("~ rotate"),
            safe(live.name()),
            safe(live.kind()),
            live.ikey,
            safe(&secret.place),
            printer.out.bad("! outage:")
        ));
    }
    text
}

fn line(address: &Address, outcome: &Rotated, printer: Printer) -> String {
    let address = printer.out.strong(address.as_str());
    match outcome {
        Rotated::Delivered(place) => format!("{} {address} {}\n", printer.out.good("rotated"), safe(place)),
        Rotated::NotDelivered(error) => format!(
            "{} {address}: {}; there is a new key, and `duoctl apply` delivers it\n",
            printer.out.bad("rotated, not delivered"),
            safe(&error.to_string())
        ),
        Rotated::Failed(error) => {
            format!("{} {address}: {}\n", printer.out.bad("not rotated"), safe(&error.to_string()))
        }
        Rotated::Unknown(error) => format!(
            "{} {address}: {}; the store holds what Duo has now, run `duoctl rotate` again for a new key\n",
            printer.out.bad("perhaps not rotated"),
            safe(&error.to_string())
        ),
    }
}

/// A console that holds the old key has to be given the new one.
fn remark_console(address: &Address, outcome: &Rotated, printer: Printer) {
    let entry = address.composite().filter(|_| is_intelligence(address)).map(|(entry, _)| entry);
    if let (Some(entry), false) = (entry, matches!(outcome, Rotated::Failed(_))) {
        let name = short_name(&entry);
        printer.remark(&format!(
            "`duoctl handoff {name}` shows what to enter again, then `duoctl attest {name}` says that it is done\n"
        ));
    }
}

/// Only `yes` approves.
fn approved(auto: bool, printer: Printer) -> Result<bool, Failure> {
    if auto {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        printer.problem(
            "refused: there is no terminal to ask for consent, so nothing was changed; pass --auto-approve\n",
        );
        return Ok(false);
    }
    let failure =
        |error| Failure::File { path: PathBuf::from("the terminal"), what: "cannot be used", error };
    let mut terminal = std::io::stderr();
    let question = b"Rotate these keys? Only `yes` is accepted: ";
    terminal.write_all(question).and_then(|()| terminal.flush()).map_err(failure)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failure)?;
    let approved = answer.trim() == "yes";
    if !approved {
        printer.problem("not approved; nothing was changed\n");
    }
    Ok(approved)
}
