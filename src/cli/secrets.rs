//! `duoctl secrets`: where every key is kept, and whether it is that of now. Changes nothing.

use crate::output::printer::Printer;
use crate::output::{json, secrets_text};
use crate::reconcile::inventory::{Keeping, inventory};
use crate::reconcile::plan;

use super::args::{self, Format, Pruning};
use super::exit::{Exit, Failure};
use super::session::{Session, options};

/// Runs the command.
pub async fn run(args: args::Secrets, printer: Printer) -> Result<Exit, Failure> {
    let options = options(&args.selected, &Pruning::default())?;
    let session = Session::open(&args.source.path, &args.connection, printer).await?;
    let reading = session.read(printer).await?;
    let plan = plan::plan(&session.desired, &reading.observation, &options);
    let entries = inventory(&session.desired, &reading.observation, plan.matched(), plan.rotations(), &options.selection);
    match args.format {
        Format::Json => printer.data(&json::text(&json::secrets(&entries))),
        Format::Human => printer.data(&secrets_text::render(&entries, printer.out)),
    }
    let unreadable = entries.iter().any(|entry| entry.state == Keeping::Unreadable);
    Ok(if unreadable { Exit::Error } else { Exit::Done })
}
