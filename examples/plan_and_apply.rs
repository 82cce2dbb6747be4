//! duoctl as a library: a workspace in memory is planned and applied against the simulated Duo account in this process.
//!
//! ```sh
//! cargo run --example plan_and_apply
//! ```
//!
//! For a real account leave the sandbox out: give [`HttpsConfig`] the hostname and the operator's keys, and keep neither
//! `connect_to` nor `trust`.

use std::error::Error;

use duoctl::apply::deliver::Courier;
use duoctl::apply::execute::{Hands, Progress, execute};
use duoctl::apply::outcome::{Status, StepOutcome};
use duoctl::apply::seal::Sealer;
use duoctl::config::load::load_text;
use duoctl::duo::client::{Reader, Writer};
use duoctl::duo::https::{Authorities, HttpsConfig, HttpsTransport};
use duoctl::duo::types::Ikey;
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

/// Told of each step; a program with a window would show them.
struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: &Step) {}
    fn end(&self, _: &StepOutcome) {}
}

/// The last line of the plan before the apply, and of the one after it.
///
/// # Errors
///
/// Whatever keeps it from planning or applying.
pub(crate) async fn plan_and_apply() -> Result<(String, String), Box<dyn Error>> {
    // A Duo account of our own. It ends with the program.
    let sandbox = start(ServeOptions::default()).await?;
    let key = sandbox.keys().into_iter().find(|key| key.name == "operator").ok_or("no operator key")?;

    // What the YAML asks for. Findings have places, so that they can be shown.
    let loaded = load_text("duo.yaml".into(), YAML.to_owned());
    let workspace = loaded.valid().ok_or_else(|| format!("{:?}", loaded.diagnostics))?;
    let desired = desired(workspace);

    // The connection, signed by the operator's key.
    let host = workspace.tenant.api_hostname.value.clone();
    let operator = Ikey::new(key.integration_key);
    // What the run writes about itself into the notes is sealed, so that nobody else can.
    let keyring = Keyring::new([&key.secret_key]);
    let mut config = HttpsConfig::new(host.clone(), operator.clone(), key.secret_key);
    config.connect_to = Some(sandbox.address());
    config.authorities = Authorities::file(sandbox.ca_file());
    let transport = HttpsTransport::open(config)?;

    // The plan is a pure function of both sides; a `Reader` cannot write.
    let options = Options::at(jiff::Timestamp::now());
    let reading = observe(&Reader::new(transport.clone()), &desired, &keyring, &operator, &host).await;
    let before = plan(&desired, &reading.observation, &options);

    // Nothing widens by accident: a plan that a guard refuses is not applied.
    let refusals = judge(&before, &desired, &Consent::default());
    if !refusals.is_empty() {
        let document = PlanDocument::new(&before, &refusals, &desired, &loaded.sources);
        return Err(human::render(&Document::Plan(Box::new(document)), Style::PLAIN).into());
    }

    // Only a `Writer` can write, and only what a plan says.
    let stores = Stores::open(workspace);
    let courier = Courier::new(transport.clone(), &stores);
    let (writer, stop) = (Writer::new(transport), CancellationToken::new());
    let hands = Hands { writer: &writer, courier: &courier, deputy: None, sealer: Sealer::new(&keyring) };
    let outcomes = execute(&before, hands, 4, &stop, &Quiet).await;
    if let Some(failed) = outcomes.iter().find(|outcome| !matches!(outcome.status, Status::Applied)) {
        return Err(format!("{}: {:?}", failed.address, failed.status).into());
    }

    // What Duo holds now is what the YAML asks for.
    let reading = observe(&writer, &desired, &keyring, &operator, &host).await;
    let after = plan(&desired, &reading.observation, &options);
    sandbox.shutdown().await;
    let last_line = |plan| PlanDocument::new(plan, &[], &desired, &loaded.sources).last_line();
    Ok((last_line(&before), last_line(&after)))
}

/// Prints both.
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
