//! `duoctl keys`: where keys are kept, and how they are replaced.

mod choice;
mod in_place;
mod list;
mod order;
mod rotate;
mod status;

use std::path::Path;

use super::args::{AbortKeys, ConfirmKeys, KeysCommand, RotateKeys};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use crate::output::printer::Printer;
use order::{Order, SILENCE, Verb};

/// Runs the command.
pub async fn run(
    command: KeysCommand,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    match command {
        KeysCommand::List(args) => list::run(args, workspace, outlet, printer).await,
        KeysCommand::Status(args) => status::run(args, workspace, outlet, printer).await,
        KeysCommand::Rotate(RotateKeys { keys, strategy, older_than, silence }) => {
            let verb = Verb::Rotate { strategy, older_than };
            let order = Order { verb, silence, selected: keys.covered.selected() };
            rotate::run(&order, &keys, workspace, outlet, printer).await
        }
        KeysCommand::Confirm(ConfirmKeys { keys }) => {
            let order = Order { verb: Verb::Confirm, silence: SILENCE, selected: keys.covered.selected() };
            rotate::run(&order, &keys, workspace, outlet, printer).await
        }
        KeysCommand::Abort(AbortKeys { keys }) => {
            let order = Order { verb: Verb::Abort, silence: SILENCE, selected: keys.covered.selected() };
            rotate::run(&order, &keys, workspace, outlet, printer).await
        }
    }
}
