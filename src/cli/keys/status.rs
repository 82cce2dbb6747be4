//! `duoctl keys status`: the rotations in progress, and what they are waiting for. Changes nothing.

use std::path::Path;

use crate::output::document::{Document, RotationsDocument};
use crate::output::printer::Printer;
use crate::reconcile::consent::Consent;
use crate::reconcile::plan;
use crate::reconcile::rotation::Rotation;
use crate::reconcile::selection::Pattern;
use crate::text::safe;

use super::super::args::{Connection, Pruning, Selected};
use super::super::exit::{Exit, Failure};
use super::super::outlet::Outlet;
use super::super::session::{Session, check_patterns, options, show_problems};
use super::choice::Asked;
use super::order::Order;

/// Runs the command.
pub(super) async fn run(
    order: &Order,
    workspace: &Path,
    connection: &Connection,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let mut options = options(&Selected::default(), &Pruning::default())?;
    options.rotation.silence = order.silence;
    let session = Session::open(workspace, connection, &order.vars, printer).await?;
    let reading = session.read(printer).await?;
    let plan = plan::plan(&session.desired, &reading.observation, &options);
    let named: Result<Vec<_>, _> = order.addresses.iter().map(|text| Pattern::parse(text)).collect();
    check_patterns(&named.map_err(Failure::Usage)?, &session.desired, &plan)?;
    let consent = Consent::default();
    let asked = Asked {
        session: &session,
        reading: &reading,
        plan: &plan,
        order,
        consent: &consent,
        now: options.now,
    };
    let mut refusals = Vec::new();
    let wanted = asked.wanted(&mut refusals);
    let covered = |rotation: &&Rotation| wanted.iter().any(|declared| declared.address == rotation.address);
    let rotations: Vec<Rotation> = plan.rotations().iter().filter(covered).cloned().collect();
    let blocked = plan.blocked();
    let errors: Vec<_> = plan
        .problems()
        .iter()
        .filter(|_| wanted.iter().any(|declared| blocked.contains(&declared.address)))
        .cloned()
        .collect();
    show_problems(&errors, &session.sources, printer);
    for refusal in &refusals {
        printer.problem(&format!("{}: {}\n", printer.err.bad("error"), safe(refusal)));
    }
    outlet.deliver(&Document::Rotations(Box::new(RotationsDocument::new(rotations))));
    Ok(if refusals.is_empty() && errors.is_empty() { Exit::Done } else { Exit::Error })
}
