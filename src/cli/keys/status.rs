//! `duoctl keys status`: the rotations in progress, and what they are waiting for. Changes nothing.

use std::path::Path;

use crate::output::document::{Document, RotationsDocument};
use crate::output::printer::Printer;
use crate::reconcile::plan;
use crate::reconcile::rotation::Rotation;

use super::super::args::{self, Pruning, Selected};
use super::super::exit::{Exit, Failure};
use super::super::outlet::Outlet;
use super::super::session::{Session, check_patterns, options, show_problems};

/// Runs the command.
pub(super) async fn run(
    args: args::KeyStatus,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let selection = options(&args.covered.selected(), &Pruning::default())?.selection;
    let mut options = options(&Selected::default(), &Pruning::default())?;
    options.rotation.silence = args.silence;
    let session = Session::open_as(workspace, &args.online, printer).await?;
    let reading = session.read(printer).await?;
    let plan = plan::plan(&session.desired, &reading.observation, &options);
    check_patterns(selection.patterns(), &session.desired, &plan)?;
    let covered = |rotation: &&Rotation| selection.covers(&rotation.address);
    let rotations: Vec<Rotation> = plan.rotations().iter().filter(covered).cloned().collect();
    let stopped = plan.blocked().iter().any(|address| selection.covers(address));
    let errors = if stopped { plan.problems() } else { &[] };
    show_problems(errors, &session.sources, printer);
    outlet.deliver(&Document::Rotations(Box::new(RotationsDocument::new(rotations))));
    Ok(if stopped { Exit::Error } else { Exit::Done })
}
