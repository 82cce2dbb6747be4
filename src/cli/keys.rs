//! `duoctl keys`: where keys are kept, and how they are replaced.

mod choice;
mod list;
mod rotate;
mod status;

use std::path::Path;

use clap::ValueEnum as _;
use jiff::SignedDuration;

use super::again::word;
use super::args::{AbortKeys, ConfirmKeys, KeyStatus, KeysCommand, RotateKeys, Strategy, Variables};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use crate::output::printer::Printer;

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

/// How long an old key has to be unused, where that is not asked.
const SILENCE: SignedDuration = SignedDuration::from_hours(24);

/// What is asked for, and of which addresses.
struct Order {
    /// Addresses and globs; all of them without any.
    addresses: Vec<String>,
    /// What the variables of the YAML are set to.
    vars: Variables,
    /// How long an old key has to be unused before it is removed.
    silence: SignedDuration,
    verb: Verb,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Status,
    Rotate { strategy: Option<Strategy>, older_than: Option<SignedDuration> },
    Confirm,
    Abort,
}

impl Order {
    /// From which age on keys are rotated.
    fn older_than(&self) -> Option<SignedDuration> {
        match self.verb {
            Verb::Rotate { older_than, .. } => older_than,
            Verb::Status | Verb::Confirm | Verb::Abort => None,
        }
    }

    /// The words of the command.
    fn command(&self) -> String {
        let (verb, strategy) = match self.verb {
            Verb::Status => ("keys status", None),
            Verb::Rotate { strategy, .. } => ("keys rotate", strategy),
            Verb::Confirm => ("keys confirm", None),
            Verb::Abort => ("keys abort", None),
        };
        let strategy = strategy.and_then(|strategy| strategy.to_possible_value());
        let strategy = strategy.map(|value| format!("--strategy {}", value.get_name()));
        let older_than = self.older_than().map(|age| format!("--older-than {}h", age.as_hours()));
        let silence = (self.silence != SILENCE).then(|| format!("--silence {}h", self.silence.as_hours()));
        let addresses = self.addresses.iter().map(|address| word(address));
        let options = [strategy, older_than, silence].into_iter().flatten();
        std::iter::once(verb.to_owned()).chain(addresses).chain(options).collect::<Vec<_>>().join(" ")
    }

    /// Whether the key is to be replaced in the same application.
    fn in_place(&self) -> bool {
        matches!(self.verb, Verb::Rotate { strategy: Some(Strategy::InPlace), .. })
    }
}
