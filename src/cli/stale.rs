//! A plan that is not carried out, since what it is about has changed.

use crate::output::printer::Printer;

use super::exit::Exit;
use super::outlet::Outlet;

/// Why a plan is not carried out any more, and what to do.
pub(super) type Stale = (&'static str, &'static str);

/// Of a saved plan.
pub(super) const SAVED: Stale =
    ("the saved plan is stale, so nothing was changed", "make a new one with `duoctl plan --out FILE`");

/// Of a plan that a person was asked about.
pub(super) const ASKED: Stale = (
    "what the plan is about changed before it was approved, so nothing was changed",
    "run `duoctl apply` again to see the plan that holds now",
);

/// Says what moved; nothing was sent.
pub(super) fn stale((what, next): Stale, moved: &[String], outlet: &Outlet, printer: Printer) -> Exit {
    let mut text = format!("{}: {what}\n", printer.err.bad("error"));
    for line in moved.iter().map(String::as_str).chain([next]) {
        text.push_str(&format!("  {line}\n"));
    }
    printer.problem(&text);
    let help: Vec<String> = moved.iter().cloned().chain([next.to_owned()]).collect();
    outlet.failed(Exit::Stale, what, &help, Vec::new());
    Exit::Stale
}
