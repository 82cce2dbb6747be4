//! The command line, one file per command: reads the arguments, calls the library and prints.

pub mod accept;
pub mod adopt;
mod again;
pub mod apply;
pub mod args;
mod asking;
pub mod attest;
mod completing;
pub mod completions;
mod connection;
pub mod doctor;
pub mod drift;
pub mod edit;
pub mod environment;
pub mod exit;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod handoff;
pub mod ignore;
pub mod import;
pub mod init;
mod interview;
pub mod keys;
pub mod list;
pub mod lsp;
pub mod man;
pub mod misplaced;
pub mod mistakes;
pub mod outlet;
pub mod panics;
pub mod plan;
mod planning;
pub mod progress;
pub mod recovery;
pub mod sandbox;
mod saved_plan;
pub mod schema;
mod sealing;
pub mod session;
pub mod show;
pub mod signals;
mod stale;
pub mod validate;
pub mod verify;

use std::path::Path;

use args::{Args, Command};
use exit::{Exit, Failure};
use outlet::Outlet;

use crate::duo::error::DuoError;
use crate::output::printer::Printer;

/// Runs a command and returns its exit code; failures are printed.
pub async fn run(args: Args) -> Exit {
    let printer = Printer::new(args.global.color.into(), args.global.quiet);
    environment::warn_about_unknown(printer);
    let workspace = args.workspace();
    let outlet = Outlet::of(&args, workspace.as_ref().ok(), printer);
    let workspace = misplaced::check_path(&args).and_then(|()| workspace.map_err(Failure::Usage));
    let workspace = match workspace.and_then(|found| outlet.check().map(|()| found)) {
        Ok(workspace) => workspace,
        Err(failure) => {
            failure.print(printer);
            return failure.exit();
        }
    };
    Printer::complete_commands(again::call(&args.command, &workspace));
    let interrupted = outlet.clone();
    signals::on_interrupt(move || interrupted.failed(Exit::Interrupted, "interrupted", &[], Vec::new()));
    let simulator = args.command.input().2.and_then(|connection| connection.connect_to);
    let exit = match dispatch(args, &workspace, &outlet, printer).await {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print(printer);
            if let (Failure::Duo(DuoError::Unreachable { .. }), Some(simulator)) = (&failure, simulator) {
                printer.problem(&format!(
                    "  this run connects to the simulator at {simulator} (--connect-to, DUOCTL_CONNECT_TO), not to Duo: start it \
                     again, and use the CA file that it prints\n"
                ));
            }
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

/// The arguments of this call, as text.
pub fn words() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

async fn dispatch(args: Args, workspace: &Path, outlet: &Outlet, printer: Printer) -> Result<Exit, Failure> {
    let verbosity = args.global.verbose;
    mistakes::check(&args, &words(), workspace)?;
    misplaced::check(&args.command, workspace, outlet.terms())?;
    match args.command {
        Command::Init(args) => init::run(&args, workspace, printer).await,
        Command::Validate(args) => validate::run(&args, workspace, outlet, printer),
        Command::Fmt(args) => fmt::run(&args, workspace, printer),
        Command::Import(args) => import::run(args, workspace, outlet, printer).await,
        Command::Plan(args) => plan::run(args, workspace, verbosity, outlet, printer).await,
        Command::Drift(args) => drift::run(args, workspace, verbosity, outlet, printer).await,
        Command::Accept(args) => accept::run(args, workspace, outlet, printer).await,
        Command::Ignore(args) => ignore::run(&args, workspace, outlet, printer),
        Command::Adopt(args) => adopt::run(&args, workspace, outlet, printer),
        Command::Apply(args) => apply::run(args, workspace, verbosity, outlet, printer).await,
        Command::Show(args) => show::run(&args, printer),
        Command::Verify(args) => verify::run(args, workspace, outlet, printer).await,
        Command::Handoff(args) => handoff::run(args, workspace, outlet, printer).await,
        Command::Attest(args) => attest::run(args, workspace, outlet, printer).await,
        Command::List(args) => list::run(args, workspace, outlet, printer).await,
        Command::Graph(args) => graph::run(&args, workspace, outlet, printer).await,
        Command::Keys(args) => keys::run(args.command, workspace, outlet, printer).await,
        Command::Doctor(args) => doctor::run(args, workspace, outlet, printer).await,
        Command::Sandbox(args) => sandbox::run(args, workspace, printer).await,
        Command::Explain(args) => explain::run(&args, printer),
        Command::Schema(args) => schema::run(&args, printer),
        Command::Completions(args) => Ok(completions::run(&args, printer)),
        Command::Lsp(args) => lsp::run(&args),
        Command::Man(args) => man::run(&args, printer),
    }
}
