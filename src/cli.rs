//! The command line: one file per command. It reads arguments, calls the library, and prints; it decides nothing else.

pub mod accept;
pub mod adopt;
pub mod apply;
pub mod args;
mod asking;
pub mod attest;
pub mod completions;
mod connection;
pub mod doctor;
pub mod drift;
pub mod edit;
pub mod exit;
pub mod explain;
pub mod fmt;
pub mod handoff;
pub mod ignore;
pub mod import;
pub mod init;
pub mod man;
pub mod outlet;
pub mod panics;
pub mod plan;
pub mod progress;
pub mod rotate;
pub mod sandbox;
mod saved_plan;
pub mod schema;
mod sealing;
pub mod second;
pub mod secrets;
pub mod session;
pub mod show;
pub mod signals;
mod stale;
pub mod validate;
pub mod verify;

use args::{Args, Command};
use exit::{Exit, Failure};
use outlet::Outlet;

use crate::output::printer::Printer;

/// Runs a command and returns its exit code; failures are printed.
pub async fn run(args: Args) -> Exit {
    let printer = Printer::new(args.global.color.into(), args.global.quiet);
    let outlet = Outlet::of(&args, printer);
    if let Err(failure) = outlet.check() {
        failure.print(printer);
        return failure.exit();
    }
    let exit = match dispatch(args, &outlet, printer).await {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print(printer);
            outlet.fail(&failure);
            failure.exit()
        }
    };
    match printer.lost_data() {
        Some(reason) => {
            let error = printer.err.bad("error");
            printer.problem(&format!("{error}: a part of the output could not be written: {reason}\n"));
            if exit == Exit::Done { Exit::Error } else { exit }
        }
        None => exit,
    }
}

async fn dispatch(args: Args, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let verbosity = args.global.verbose;
    match args.command {
        Command::Init(args) => init::run(&args, printer),
        Command::Validate(args) => validate::run(&args, outlet, printer),
        Command::Fmt(args) => fmt::run(&args, printer),
        Command::Import(args) => import::run(args, outlet, printer).await,
        Command::Plan(args) => plan::run(args, verbosity, outlet, printer).await,
        Command::Drift(args) => drift::run(args, verbosity, outlet, printer).await,
        Command::Accept(args) => accept::run(args, printer).await,
        Command::Ignore(args) => ignore::run(&args, printer),
        Command::Adopt(args) => adopt::run(&args, printer),
        Command::Apply(args) => apply::run(args, verbosity, outlet, printer).await,
        Command::Show(args) => show::run(&args, printer),
        Command::Verify(args) => verify::run(args, outlet, printer).await,
        Command::Handoff(args) => handoff::run(args, outlet, printer).await,
        Command::Attest(args) => attest::run(args, printer).await,
        Command::Rotate(args) => rotate::run(args, outlet, printer).await,
        Command::Secrets(args) => secrets::run(args, outlet, printer).await,
        Command::Doctor(args) => doctor::run(args, outlet, printer).await,
        Command::Sandbox(args) => sandbox::run(args, printer).await,
        Command::Explain(args) => explain::run(&args, printer),
        Command::Schema(args) => schema::run(&args, printer),
        Command::Completions(args) => Ok(completions::run(&args, printer)),
        Command::Man(args) => man::run(&args, printer),
    }
}
