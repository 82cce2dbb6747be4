//! `duoctl keys`: where keys are kept, and how they are replaced.

mod choice;
mod list;
mod order;
mod rotate;
mod status;

use std::path::Path;

use super::args::{AbortKeys, ConfirmKeys, KeyStatus, KeysCommand, RotateKeys};
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
        KeysCommand::Status(args) => {
            let KeyStatus { addresses, vars, connection, silence, format: _ } = args;
            let order = Order { addresses, vars, silence, verb: Verb::Status };
            status::run(&order, workspace, &connection, outlet, printer).await
        }
        KeysCommand::Rotate(args) => {
            let RotateKeys { addresses, vars, connection, strategy, older_than, silence, approval } = args;
            let order = Order { addresses, vars, silence, verb: Verb::Rotate { strategy, older_than } };
            rotate::run(&order, workspace, &connection, &approval, outlet, printer).await
        }
        KeysCommand::Confirm(ConfirmKeys { addresses, vars, connection, approval }) => {
            let order = Order { addresses, vars, silence: SILENCE, verb: Verb::Confirm };
            rotate::run(&order, workspace, &connection, &approval, outlet, printer).await
        }
        KeysCommand::Abort(AbortKeys { addresses, vars, connection, approval }) => {
            let order = Order { addresses, vars, silence: SILENCE, verb: Verb::Abort };
            rotate::run(&order, workspace, &connection, &approval, outlet, printer).await
        }
    }
}
