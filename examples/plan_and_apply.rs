//! duoctl as a library: plans and applies a workspace in memory against a simulated Duo account in this process.
//!
//! ```sh
//! cargo run --example plan_and_apply
//! ```
//!
//! For a real account, remove the sandbox: give [`HttpsConfig`] the hostname and the operator's keys, and set neither
//! `connect_to` nor `authorities`.

use std::error::Error;

use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Hands, Progress, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::apply::seal::Sealer;
use duoctl::config::load::load_text;
use duoctl::duo::client::{Reader, Writer};
use duoctl::duo::https::{Authorities, HttpsConfig, HttpsTransport};
use duoctl::duo::object::Ikey;
use duoctl::intelligence::expand::desired;
use duoctl::kinds::seal::Keyring;
use duoctl::observe::observe;
use duoctl::output::document::{Document, PlanDocument};
use duoctl::output::human::{self, Style};
use duoctl::reconcile::consent::Consent;
use duoctl::reconcile::guard::judge;
use duoctl::reconcile::plan::{Options, Step, plan};
use duoctl::sandbox::serve::{ServeOptions, start};
use duoctl::secrets::Stores;
use tokio_util::sync::CancellationToken;

const YAML: &str = "version: 1
workspace: library
tenant:
  api_hostname: api-1a2b3c4d.duosecurity.com
  credentials: {integration_key: {env: DUO_IKEY}, secret_key: {env: DUO_SKEY}}
applications:
  vpn:
    type: radius
    name: VPN
    user_access: permitted_groups
    groups_allowed: [VPN Users]
";

/// Progress of each step; an interactive program would display it.
struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: &Step) {}
    fn end(&self, _: &StepOutcome) {}
}

/// The last lines of the plan before the apply and of the plan after it.
///
/// # Errors
///
/// When planning or applying fails.
pub(crate) async fn plan_and_apply() -> Result<(String, String), Box<dyn Error>> {
    // A simulated Duo account. It ends with the program.
    let sandbox = start(ServeOptions::default()).await?;
    let key = sandbox.keys().into_iter().find(|key| key.name == "operator").ok_or("no operator key")?;

    // What the YAML declares. Findings have source locations for display.
    let loaded = load_text("duo.yaml".into(), YAML.to_owned());
    let workspace = loaded.valid().ok_or_else(|| format!("{:?}", loaded.diagnostics))?;
    let desired = desired(workspace);

    // The connection, signed with the operator's key.
    let host = workspace.tenant.api_hostname.value.clone();
    let operator = Ikey::new(key.integration_key);
    // The markers in the notes are sealed, so that no one else can forge them.
    let keyring = Keyring::new([&key.secret_key]);
    let mut config = HttpsConfig::new(host.clone(), operator.clone(), key.secret_key);
    config.connect_to = Some(sandbox.address());
    config.authorities = Authorities::file(sandbox.ca_file());
    let transport = HttpsTransport::open(config)?;

    // The plan is a pure function of both sides; a `Reader` cannot write.
    let options = Options::at(jiff::Timestamp::now());
    let reading = observe(&Reader::new(transport.clone()), &desired, &keyring, &operator, &host).await;
    let before = plan(&desired, &reading.observation, &options);

    // Guards prevent accidental access changes: a refused plan is not applied.
    let refusals = judge(&before, &desired, &Consent::default());
    if !refusals.is_empty() {
        let document = PlanDocument::new(&before, &refusals, &desired, &loaded.sources);
        return Err(human::render(&Document::Plan(Box::new(document)), Style::PLAIN).into());
    }

    // Only a `Writer` can write, and only what the plan contains.
    let stores = Stores::open(workspace);
    let courier = Courier::new(transport.clone(), &stores);
    let (writer, stop) = (Writer::new(transport), CancellationToken::new());
    let hands = Hands { writer: &writer, courier: &courier, deputy: None, sealer: Sealer::new(&keyring) };
    let outcomes = execute(&before, hands, 4, &stop, &Quiet).await;
    if let Some(failed) = outcomes.iter().find(|outcome| !matches!(outcome.status, Status::Applied)) {
        return Err(format!("{}: {:?}", failed.address, failed.status).into());
    }

    // Duo now matches the YAML.
    let reading = observe(&writer, &desired, &keyring, &operator, &host).await;
    let after = plan(&desired, &reading.observation, &options);
    sandbox.shutdown().await;
    let last_line = |plan| PlanDocument::new(plan, &[], &desired, &loaded.sources).last_line();
    Ok((last_line(&before), last_line(&after)))
}

/// Prints both lines.
#[tokio::main]
#[allow(dead_code, reason = "the test of the library includes this file as a module")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (before, after) = plan_and_apply().await?;
    #[allow(clippy::print_stdout, reason = "a program of its own")]
    {
        println!("{before}\n{after}");
    }
    Ok(())
}
