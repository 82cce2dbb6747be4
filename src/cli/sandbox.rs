//! `duoctl sandbox`: the simulator on its own.

use std::path::Path;

use crate::output::printer::Printer;
use crate::sandbox::account;
use crate::sandbox::faults::Fault;
use crate::sandbox::serve::{self, ServeOptions};
use crate::sandbox::switches::Switches;

use super::args::{Reset, Sandbox, SandboxCommand, Serve};
use super::exit::{Exit, Failure};
use super::session::sandbox_state;
use super::signals::Signals;

/// Runs the command.
pub async fn run(args: Sandbox, printer: Printer) -> Result<Exit, Failure> {
    match args.command {
        SandboxCommand::Serve(args) => serve_until_signal(args, printer).await,
        SandboxCommand::Reset(args) => forget(&args, printer),
    }
}

async fn serve_until_signal(args: Serve, printer: Printer) -> Result<Exit, Failure> {
    if !args.listen.ip().is_loopback() {
        let message = format!(
            "--listen {} is not a loopback address; the sandbox serves this machine only",
            args.listen
        );
        return Err(Failure::Usage(message));
    }
    let faults = args.fault.iter().map(|fault| fault.parse::<Fault>());
    let faults = faults.collect::<Result<Vec<_>, _>>().map_err(|error| Failure::Usage(error.to_string()))?;
    let mut switches = Switches::default();
    for switch in &args.switch {
        switches.set(switch).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    let state = args.state.clone();
    let options = ServeOptions {
        listen: args.listen,
        state: Some(args.state),
        faults,
        switches,
        ..ServeOptions::default()
    };
    let failure = |error| Failure::Sandbox { state: state.clone(), error };
    let running = serve::start(options).await.map_err(failure)?;
    let mut signals = Signals::catch();
    printer.remark("this is a simulated Duo account, not Duo; stop it with Ctrl-C\n");
    printer.data(&format!("{}\n", running.document()));
    signals.next().await;
    running.shutdown().await;
    Ok(Exit::Done)
}

fn forget(args: &Reset, printer: Printer) -> Result<Exit, Failure> {
    let state = args.state.clone().unwrap_or_else(|| sandbox_state(&args.path, Path::new("")));
    let failure = |error| Failure::Sandbox { state: state.clone(), error };
    match account::reset(&state).map_err(failure)? {
        true => printer.data(&format!("Forgot the simulated account in {}.\n", state.display())),
        false => printer.data(&format!("There is no simulated account in {}.\n", state.display())),
    }
    Ok(Exit::Done)
}
