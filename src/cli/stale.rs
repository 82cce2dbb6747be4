//! A plan that is not carried out because something that it depends on changed.

use crate::observe::Reading;
use crate::output::printer::Printer;
use crate::reconcile::fingerprint::Fingerprint;
use crate::reconcile::plan::Plan;

use super::asking::SoFar;
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::first_failure;

/// Why a plan is not carried out, and what to do.
pub(super) type Stale = (&'static str, &'static str);

/// Of a saved plan.
pub(super) const SAVED: Stale = ("the saved plan is stale", "make a new one with `duoctl plan --out FILE`");

/// Of a plan that a person was asked about.
pub(super) const ASKED: Stale = (
    "something that the plan depends on changed before it was approved",
    "run the command again to see what it would do now",
);

/// Of a repair.
pub(super) const REPAIR: Stale = (
    "the operator changed before the recovery key could restore it",
    "run the command again to see what it would do now",
);

/// What moved between the moment of a fingerprint and a plan from a new reading.
///
/// # Errors
///
/// Why the account cannot be read now: this does not mean that anything moved.
pub(super) fn what_moved(then: &Fingerprint, now: &Plan, reading: &Reading) -> Result<Vec<String>, Failure> {
    match first_failure(&reading.failures) {
        Some(failure) => Err(Failure::Duo(failure.clone())),
        None => Ok(then.moved(now.fingerprint())),
    }
}

/// Reports what moved; nothing was sent.
pub(super) fn stale(
    (what, next): Stale,
    so_far: SoFar,
    moved: &[String],
    outlet: &Outlet,
    printer: Printer,
) -> Exit {
    let exit = match so_far {
        SoFar::Nothing => Exit::Stale,
        SoFar::Repaired => Exit::Partly,
    };
    let what = format!("{what}, so {}", so_far.words());
    let mut text = format!("{}: {what}\n", printer.err.bad("error"));
    for line in moved.iter().map(String::as_str).chain([next]) {
        text.push_str(&format!("  {line}\n"));
    }
    printer.problem(&text);
    let help: Vec<String> = moved.iter().cloned().chain([next.to_owned()]).collect();
    outlet.failed(exit, &what, &help, Vec::new());
    exit
}
