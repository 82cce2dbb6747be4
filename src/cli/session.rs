//! What most commands begin with: load the YAML, find the keys, open the connection, read the account.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::apply::deliver::Courier;
use crate::config::load::{Loaded, Terms, load_as};
use crate::config::model::{Removal, Workspace};
use crate::config::scope;
use crate::config::untrusted::Trust;
use crate::credentials::{CredentialError, announce};
use crate::diagnostic::{Code, Diagnostic, Sources};
use crate::duo::call::Transport;
use crate::duo::client::Reader;
use crate::duo::documents::{Documents, Fetch, Handshakes, Route};
use crate::duo::error::DuoError;
use crate::duo::https::{HttpsError, HttpsTransport};
use crate::duo::object::{Ikey, Kind};
use crate::kinds::address::Address;
use crate::kinds::seal::{Keyring, Verdict};
use crate::observe::births::look_at_births;
use crate::observe::rotations::{look_at_creations, look_at_uses};
use crate::observe::{Reading, look_up, observe, observe_all};
use crate::output::document::PlanDocument;
use crate::output::printer::{Printer, findings_width};
use crate::output::snippet;
use crate::reconcile::consent::Consent;
use crate::reconcile::desired::Desired;
use crate::reconcile::guard::Refusal;
use crate::reconcile::observation::Observation;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Options, Plan, Prune, plan};
use crate::reconcile::selection::{self, Pattern, Selection};
use crate::reconcile::unmanaged::{Unmanaged, seen};
use crate::sandbox::serve::Running;
use crate::secrets::Stores;
use crate::text::{quoted, safe};
use crate::verify::connection::Apis;
use crate::verify::endpoints::Endpoints;
use crate::verify::keys::Controls;

use super::again::Again;
use super::args::{Connection, Consents, Online, PruneMode, Pruning, Selected, Variables};
use super::connection::{self, live_config, sandbox_config, start_sandbox};
use super::exit::Failure;
use super::progress::{self, Spinner};
use super::sealing::{STATE_KEYS, keyring};

pub use crate::intelligence::expand::desired;

/// How many secrets are looked up at once.
const LOOK_UPS: usize = 8;

/// Duo's logs show events two minutes late, by design (Duo's page about the Admin API, authentication logs).
const LOG_DELAY: Duration = Duration::from_secs(120);

/// A loaded workspace with a connection to its account.
pub struct Session {
    /// The YAML.
    pub workspace: Workspace,
    /// Its files, to show places.
    pub sources: Sources,
    /// What it declares.
    pub desired: Desired,
    /// The connection, signed by the operator.
    pub transport: HttpsTransport,
    /// The operator.
    pub operator: Ikey,
    /// What seals and verifies markers.
    pub(super) keyring: Keyring,
    /// Why a key of `tenant.credentials.state_keys` is not available.
    unsealed: Option<CredentialError>,
    /// What Duo answers to wrong keys.
    pub(super) controls: Controls,
    /// How hosts other than the API are reached.
    route: Route,
    /// Applications whose markers count although nothing proves them, because a person consented.
    pub(super) trusted: BTreeSet<Ikey>,
    /// Its secret stores; none without trust.
    pub stores: Stores,
    pub(super) trust: Trust,
    /// The simulator, while one is used. It ends with the session.
    pub sandbox: Option<Arc<Running>>,
    pub(super) connection: Connection,
    path: PathBuf,
}

/// Loads a path that leads to one whole workspace: a command would treat what is missing as removed.
pub fn load_whole(path: &Path, terms: &Terms) -> Result<Loaded, Failure> {
    let loaded = load_as(path, terms);
    if let [several] = loaded.diagnostics.as_slice()
        && several.code == Code::SeveralWorkspaces
    {
        return Err(Failure::Usage(format!("{}; pass the path of one of them", several.message)));
    }
    // The targets of links are not read, not even to find other files of the workspace.
    if loaded.diagnostics.iter().any(|found| found.code == Code::Untrusted) {
        return Ok(loaded);
    }
    match scope::part(path, loaded.name.as_deref()).filter(|_| path.exists()) {
        Some(part) => Err(Failure::Usage(part)),
        None => Ok(loaded),
    }
}

/// The YAML, if it has no errors. Prints its warnings, except those that reading the account will answer.
pub fn load_valid(path: &Path, terms: &Terms, printer: Printer) -> Result<(Workspace, Sources), Failure> {
    let loaded = load_whole(path, terms)?;
    let Some(workspace) = loaded.valid().cloned() else {
        return Err(Failure::Config(Box::new((loaded.diagnostics, loaded.sources))));
    };
    let mut found = loaded.diagnostics;
    found.retain(|found| found.code != Code::PlanTooSmall);
    show_problems(&found, &loaded.sources, printer);
    Ok((workspace, loaded.sources))
}

/// Prints findings with their places; errors and warnings always, notes unless `--quiet`.
pub fn show_problems(problems: &[Diagnostic], sources: &Sources, printer: Printer) {
    if !problems.is_empty() {
        printer.problem(&snippet::findings(problems, sources, printer.err.on, findings_width()));
    }
}

impl Session {
    /// Loads the YAML, whose author is trusted, and opens the connection.
    pub async fn open(
        path: &Path,
        connection: &Connection,
        vars: &Variables,
        printer: Printer,
    ) -> Result<Self, Failure> {
        Self::open_on(path, connection, vars.terms(Trust::Full), printer).await
    }

    /// The same, with the trust in the author of the YAML that the options give. Without trust, no secret store is opened: it
    /// could be any command, or any server that would get a token.
    pub async fn open_as(path: &Path, online: &Online, printer: Printer) -> Result<Self, Failure> {
        Self::open_on(path, &online.connection, online.yaml.terms(), printer).await
    }

    async fn open_on(
        path: &Path,
        connection: &Connection,
        terms: Terms,
        printer: Printer,
    ) -> Result<Self, Failure> {
        let connection = &connection.completed().map_err(Failure::Usage)?;
        let trust =
            terms.trust.with_authorities(connection.ca_file.is_some() || connection.sandbox.is_some());
        let (workspace, sources) = load_valid(path, &Terms { trust, ..terms }, printer)?;
        announce(move |line| progress::remark(printer, line));
        let mut desired = desired(&workspace);
        // The simulator has no recovery key.
        desired.recovery_key &= connection.sandbox.is_none();
        let (config, sandbox) = match &connection.sandbox {
            Some(state) => {
                let host = workspace.tenant.api_hostname.value.clone();
                let running = start_sandbox(&sandbox_state(path, state), host, printer).await?;
                (sandbox_config(&workspace, &running)?, Some(Arc::new(running)))
            }
            None => (live_config(&workspace, connection)?, None),
        };
        let operator = config.ikey.clone();
        let (keyring, unsealed) = match sandbox {
            // A simulated account has its own secrets.
            Some(_) => (Keyring::new([&config.skey]), None),
            None => keyring(&workspace, &config.skey, trust.is_full()),
        };
        let route = Route::of(&config);
        let transport = HttpsTransport::open(config)?;
        transport.tell_waits(Arc::new(move |line| progress::remark(printer, line)));
        let stores = if trust.is_full() { Stores::open(&workspace) } else { Stores::default() };
        if !trust.is_full() && !workspace.secret_stores.is_empty() {
            printer.remark("secret stores are not opened with --untrusted\n");
        }
        let connection = connection.clone();
        let path = path.to_owned();
        Ok(Self {
            trust,
            stores,
            workspace,
            sources,
            desired,
            transport,
            operator,
            keyring,
            unsealed,
            controls: Controls::default(),
            route,
            trusted: BTreeSet::new(),
            sandbox,
            connection,
            path,
        })
    }

    /// Advice on how to make one address match the YAML: the command with the consents that its guards ask for, without
    /// other addresses that are refused.
    pub fn remedy(&self, address: &Address, plan: &Plan, refusals: &[Refusal]) -> String {
        let own = refusals.iter().filter(|refusal| refusal.address.as_ref() == Some(address));
        let (mut again, mut first) = (self.again(), String::new());
        // It is unknown what an apply would refuse of what was left out.
        let elsewhere = refusals.iter().any(|refusal| refusal.address.as_ref() != Some(address));
        if elsewhere || !plan.left_out_addresses().is_empty() {
            again = again.with(&format!("--only {address}"));
        }
        for refusal in own {
            match refusal.lift.as_deref() {
                Some(option) if option.starts_with("--") => again = again.with(option),
                Some(other) => first = format!("{other}; then "),
                None => return format!("`duoctl apply` refuses it: {}", refusal.message),
            }
        }
        format!("{first}run `{}`", again.line("apply"))
    }

    /// The arguments of a command for the same workspace and connection.
    pub(super) fn again(&self) -> Again {
        Again::at(&self.path, &self.connection)
    }

    /// Refuses to prune if another folder of the repository declares the same workspace: each would remove what the
    /// other declares.
    pub fn may_prune(&self, pruning: &Pruning) -> Result<(), Failure> {
        let deletes = self.workspace.removed.values().any(|removal| removal.value == Removal::Delete);
        if pruning.prune.is_none() && !deletes {
            return Ok(());
        }
        let files: Vec<PathBuf> = self.sources.files().iter().map(|file| file.path.clone()).collect();
        match scope::duplicate(&self.workspace, &files) {
            Some(found) => Err(Failure::Config(Box::new((vec![found], self.sources.clone())))),
            None => Ok(()),
        }
    }

    /// Refuses to write if one of the keys that seal markers is not available: others could not verify what is written.
    pub fn may_seal(&self) -> Result<(), Failure> {
        match &self.unsealed {
            None => Ok(()),
            Some(error) => Err(Failure::Credentials { key: STATE_KEYS, error: error.clone(), also: None }),
        }
    }

    /// The API hostname.
    pub fn host(&self) -> &str {
        &self.workspace.tenant.api_hostname.value
    }

    /// The time by Duo's clock, if it is known.
    pub fn duo_now(&self) -> Timestamp {
        self.by_duos_clock(Timestamp::now())
    }

    /// Converts a time of this machine's clock to Duo's, if that is known: waits of several days must not end early because
    /// the machine is ahead.
    pub fn by_duos_clock(&self, time: Timestamp) -> Timestamp {
        let offset = SignedDuration::from_secs(self.transport.clock_offset().unwrap_or_default());
        time.checked_add(offset).unwrap_or(time)
    }

    /// The plan of a reading.
    pub fn planned(&self, observation: &Observation, options: &Options) -> Plan {
        let options = Options { now: self.by_duos_clock(options.now), ..options.clone() };
        plan(&self.desired, observation, &options)
    }

    /// Fetches the public documents of the account's single sign-on service.
    pub(super) fn documents(&self) -> Result<Box<dyn Fetch>, HttpsError> {
        Ok(Box::new(Documents::new(self.route.clone())?))
    }

    /// Tries the hosts that users are sent to.
    pub(super) fn endpoints(&self) -> Result<Endpoints, HttpsError> {
        Ok(Endpoints::new(Handshakes::new(&self.route)?))
    }

    /// Delivers keys over a connection to the account, and proves them.
    pub(super) fn courier<T: Transport + Clone>(&self, transport: &T) -> Courier<'_, T> {
        Courier::new(transport.clone(), &self.stores).controlled(&self.controls)
    }

    /// How long it takes until the account's logs show an event. A simulator's logs show it at once.
    pub fn log_delay(&self) -> Duration {
        let simulated = self.sandbox.is_some() || self.connection.connect_to.is_some();
        if simulated { Duration::ZERO } else { LOG_DELAY }
    }

    /// The document of a plan, with the place of each address in the YAML.
    pub fn document(&self, plan: &Plan, refusals: &[Refusal]) -> PlanDocument {
        PlanDocument::new(plan, refusals, &self.desired, &self.sources)
    }

    /// Reads the account. An account whose applications cannot be read is a failure: there is nothing to plan from.
    pub async fn read(&self, printer: Printer) -> Result<Reading, Failure> {
        let spinner = Spinner::start("reading the account", printer);
        let reader = Reader::new(self.transport.clone());
        let looked_into = self.desired.objects.iter().filter(|_| self.trust.is_full());
        let (mut reading, held) = tokio::join!(
            observe(&reader, &self.desired, &self.keyring, &self.operator, self.host()),
            look_up(&self.stores, looked_into, LOOK_UPS)
        );
        reading.observation.held = held;
        for ikey in &self.trusted {
            reading.observation.proofs.set(ikey.clone(), Verdict::Trusted);
        }
        let now = self.duo_now();
        look_at_births(&self.transport, &mut reading.observation, now).await;
        look_at_uses(&self.transport, &self.desired, &mut reading.observation, now).await;
        // One day more than the longest `max_age`, so that an older key can be told from a missing record.
        let oldest = self
            .desired
            .objects
            .iter()
            .filter_map(|wanted| wanted.max_age.as_ref())
            .map(|age| age.value)
            .max();
        if let Some(reach) = oldest {
            let reach = reach.saturating_add(SignedDuration::from_hours(24));
            look_at_creations(&self.transport, &mut reading.observation, reach, now).await;
        }
        spinner.finish();
        self.usable(reading, printer)
    }

    /// Reads applications, groups and policies, whatever the YAML names.
    pub async fn read_all(&self, printer: Printer) -> Result<Reading, Failure> {
        let spinner = Spinner::start("reading the account", printer);
        let reader = Reader::new(self.transport.clone());
        let reading = observe_all(&reader, &self.keyring, &self.operator, self.host()).await;
        spinner.finish();
        self.usable(reading, printer)
    }

    fn usable(&self, reading: Reading, printer: Printer) -> Result<Reading, Failure> {
        self.remark_clock(printer);
        match (reading.observation.objects.of(Kind::Application), reading.failures.first()) {
            (Observed::Unreadable(_), Some(error)) if error.is_denied() && self.desired.recovery_key => {
                let advice = "`duoctl apply` checks the operator with the recovery key and reverts an unfinished change; or \
                              set `tenant.credentials` to the recovery key to continue with it";
                Err(Failure::FirstRefused { error: error.clone(), advice: advice.to_owned() })
            }
            (Observed::Unreadable(_), Some(error)) => Err(Failure::Duo(error.clone())),
            _ => Ok(reading),
        }
    }

    /// Clients of the public APIs of Identity Intelligence, as far as the YAML lets duoctl use them.
    pub fn intelligence(&self) -> Apis {
        connection::intelligence(&self.workspace, &self.connection, self.sandbox.as_deref(), self.trust)
    }

    fn remark_clock(&self, printer: Printer) {
        if let Some(offset) = self.transport.clock_offset() {
            let warning = printer.err.notice("warning");
            printer.problem(&format!("{warning}: this machine's clock is {offset} s off Duo's; requests are signed with Duo's time\n"));
        }
    }
}

/// The failure behind a list that could not be read, for the exit code.
pub fn first_failure(failures: &[DuoError]) -> Option<&DuoError> {
    failures.first()
}

/// Where the simulated account of a workspace is kept.
pub fn sandbox_state(path: &Path, state: &Path) -> PathBuf {
    if !state.as_os_str().is_empty() {
        return state.to_owned();
    }
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let folder = folder.strip_prefix(".").unwrap_or(folder);
    folder.join(".duoctl").join("sandbox")
}

/// With `-v`: shows what Duo holds and the YAML cannot express, each once, and a check that could not be made.
pub fn show_remarks(observation: &Observation, verbosity: u8, printer: Printer) {
    if verbosity == 0 {
        return;
    }
    if let Observed::Unreadable(reason) = &observation.counted {
        printer.remark(&format!(
            "note: could not check before a deletion whether the list of applications is complete: {}\n",
            safe(reason)
        ));
    }
    for Unmanaged { field, value, applications } in seen(observation) {
        let what = match value {
            Some(value) => format!("unmanaged value seen: `{}` is {}", safe(&field), quoted(&value)),
            None => format!("unmanaged field seen: `{}`", safe(&field)),
        };
        let on = match applications.as_slice() {
            [one] => safe(one.as_str()),
            [first, ..] => format!("{} applications, e.g. {}", applications.len(), safe(first.as_str())),
            [] => continue,
        };
        printer.remark(&format!("note: {what} on {on}; the YAML cannot express it, so it is left alone\n"));
    }
}

/// Checks that every pattern matches an address of the YAML, or one that the account holds for this workspace.
pub fn check_patterns<'p>(
    patterns: impl IntoIterator<Item = &'p Pattern>,
    desired: &Desired,
    plan: &Plan,
) -> Result<(), Failure> {
    let declared = desired.objects.iter().map(|wanted| &wanted.address);
    let orphaned = plan.orphans().iter().map(|orphan| &orphan.address);
    let planned = plan.steps().iter().map(|step| &step.address);
    let others = plan.left_out_addresses().iter().chain(plan.blocked());
    let known: BTreeSet<&Address> = declared.chain(orphaned).chain(planned).chain(others).collect();
    let known: Vec<&Address> = known.into_iter().collect();
    selection::check(patterns, &known).map_err(Failure::Usage)
}

/// The options of a plan from the arguments.
pub fn options(selected: &Selected, pruning: &Pruning) -> Result<Options, Failure> {
    let selection = Selection::new(&selected.only, &selected.exclude).map_err(Failure::Usage)?;
    let prune = match pruning.prune {
        None => Prune::No,
        Some(PruneMode::Quarantine) => Prune::Quarantine,
        Some(PruneMode::Now) => Prune::Now,
    };
    let now = Timestamp::now();
    // Whole seconds, as markers store them.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Ok(Options { prune, selection, ..Options::at(now) })
}

/// The consent from the arguments.
pub fn consent(consents: &Consents) -> Consent {
    Consent {
        allow: consents.allow.clone(),
        max_changes_percent: consents.max_changes,
        max_deletes: consents.max_deletes,
        callers: consents.caller_address.into_iter().collect(),
    }
}
