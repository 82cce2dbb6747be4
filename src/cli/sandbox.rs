//! `duoctl sandbox`: the simulator on its own.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::language::similar::did_you_mean;
use crate::names::same;
use crate::output::printer::Printer;
use crate::sandbox::account::{self, Account};
use crate::sandbox::call::Reply;
use crate::sandbox::faults::Fault;
use crate::sandbox::serve::{self, Running, ServeOptions};
use crate::sandbox::switches::Switches;
use crate::text::safe;

use super::args::{Edit, Reset, Sandbox, SandboxCommand, Serve};
use super::exit::{Exit, Failure};
use super::session::sandbox_state;
use super::signals::Signals;

/// Runs the command.
pub async fn run(args: Sandbox, workspace: &Path, printer: Printer) -> Result<Exit, Failure> {
    match args.command {
        SandboxCommand::Serve(args) => serve_until_signal(args, workspace, printer).await,
        SandboxCommand::Edit(args) => edit(&args, workspace, printer),
        SandboxCommand::Reset(args) => forget(&args, workspace, printer),
    }
}

async fn serve_until_signal(args: Serve, workspace: &Path, printer: Printer) -> Result<Exit, Failure> {
    if !args.listen.ip().is_loopback() {
        let message = format!(
            "--listen {} is not a loopback address; the sandbox serves only this machine",
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
    let state = state(args.state.as_deref(), workspace);
    let options = ServeOptions {
        listen: args.listen,
        state: Some(state.clone()),
        api_hostname: args.api_hostname,
        faults,
        switches,
        ..ServeOptions::default()
    };
    let failure = |error| Failure::Sandbox { state: state.clone(), error };
    let mut running = serve::start(options).await.map_err(failure)?;
    let mut signals = Signals::catch();
    printer.remark("this is a simulated Duo account, not Duo; stop it with Ctrl-C\n");
    let ready = if args.print_env { exports(&running)? } else { format!("{}\n", running.document()) };
    printer.data(&ready);
    loop {
        tokio::select! {
            _ = signals.next() => break,
            Some(host) = running.stranger() => printer.remark(&format!(
                "refused a request for {}: this account is {}; start the sandbox with --api-hostname to change that\n",
                safe(&host),
                running.api_hostname()
            )),
        }
    }
    running.shutdown().await;
    Ok(Exit::Done)
}

/// Where the simulated account is stored.
fn state(given: Option<&Path>, workspace: &Path) -> PathBuf {
    sandbox_state(workspace, given.unwrap_or(Path::new("")))
}

/// Shell lines that make duoctl use this sandbox with its operator's key.
fn exports(running: &Running) -> Result<String, Failure> {
    let missing = || {
        Failure::Usage("the simulated account no longer has the operator's key; reset the account".to_owned())
    };
    let operator = running.keys().into_iter().find(|key| key.name == "operator").ok_or_else(missing)?;
    let ca_file = std::path::absolute(running.ca_file()).unwrap_or_else(|_| running.ca_file().to_owned());
    let variables = [
        ("DUO_HOST", running.api_hostname()),
        ("DUO_IKEY", operator.integration_key),
        ("DUO_SKEY", operator.secret_key.expose().to_owned()),
        ("DUOCTL_CONNECT_TO", running.address().to_string()),
        ("DUOCTL_CA_FILE", ca_file.display().to_string()),
    ];
    let lines = variables.map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', "'\\''")));
    Ok(lines.concat())
}

fn edit(args: &Edit, workspace: &Path, printer: Printer) -> Result<Exit, Failure> {
    let state = state(args.state.as_deref(), workspace);
    let mut properties = Map::new();
    for set in &args.set {
        let Some((property, value)) = set.split_once('=') else {
            return Err(Failure::Usage(format!("--set takes PROPERTY=VALUE, not `{set}`")));
        };
        let document = serde_json::from_str(value).ok().filter(Value::is_object);
        properties.insert(property.to_owned(), document.unwrap_or_else(|| Value::from(value)));
    }
    let mut account =
        Account::open(&state).map_err(|error| Failure::Sandbox { state: state.clone(), error })?;
    let text = |live: &Value, key: &str| live.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_meant = |live: &&Value| {
        same(&text(live, "name"), &args.application) || text(live, "integration_key") == args.application
    };
    let live = account.applications();
    let ikeys: Vec<String> = live.iter().filter(is_meant).map(|live| text(live, "integration_key")).collect();
    let ikey = match ikeys.as_slice() {
        [ikey] => ikey,
        [] => {
            let names: Vec<String> = live.iter().map(|live| text(live, "name")).collect();
            let help = did_you_mean(&args.application, names.iter().map(String::as_str));
            let help = help.map(|help| format!("; {help}")).unwrap_or_default();
            let message = format!("the simulated account has no application `{}`{help}", args.application);
            return Err(Failure::Usage(message));
        }
        several => {
            let message = format!(
                "{} applications are named `{}`; use an integration key: {}",
                several.len(),
                args.application,
                several.join(", ")
            );
            return Err(Failure::Usage(message));
        }
    };
    let done = match args.delete {
        true => account.delete_application(ikey),
        false => account.modify_application(ikey, properties).map(drop),
    };
    match done {
        Ok(()) => {
            let what = if args.delete { "Deleted" } else { "Changed" };
            printer.show(&format!(
                "{what} \"{}\" {ikey}, as an administrator would.\n",
                safe(&args.application)
            ));
            Ok(Exit::Done)
        }
        Err(Reply::Fail { code, message, detail }) => {
            let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
            Err(Failure::Usage(format!("the simulator refused this: {message}{detail} [{code}]")))
        }
        Err(_) => Err(Failure::Usage("the simulator did not answer".to_owned())),
    }
}

fn forget(args: &Reset, workspace: &Path, printer: Printer) -> Result<Exit, Failure> {
    let state = state(args.state.as_deref(), workspace);
    let failure = |error| Failure::Sandbox { state: state.clone(), error };
    match account::reset(&state).map_err(failure)? {
        true => printer.show(&format!("Reset the simulated account in {}.\n", state.display())),
        false => printer.show(&format!("No simulated account exists in {}.\n", state.display())),
    }
    Ok(Exit::Done)
}
