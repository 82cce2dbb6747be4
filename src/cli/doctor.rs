//! `duoctl doctor`: whether duoctl can work, and how to mend what keeps it from working.

use jiff::Timestamp;

use crate::output::document::{DoctorDocument, Document};
use crate::output::printer::Printer;
use crate::verify::doctor::diagnose;

use super::args;
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::progress::Spinner;
use super::session::Session;

/// Runs the command.
pub async fn run(args: args::Doctor, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::open(&args.source.path, &args.connection, printer).await?;
    let spinner = Spinner::start("looking", printer);
    let diagnosis = diagnose(&session.transport, &session.desired, &session.operator, Timestamp::now()).await;
    spinner.finish();
    let healthy = diagnosis.healthy();
    outlet.deliver(&Document::Doctor(Box::new(DoctorDocument::new(healthy, diagnosis.checks))));
    Ok(match &diagnosis.error {
        Some(error) => Exit::of(error),
        None if healthy => Exit::Done,
        None => Exit::Error,
    })
}
