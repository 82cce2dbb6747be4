//! `duoctl verify`: checks every managed key with live calls. Changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::diagnostic::has_errors;
use crate::duo::documents::Fetch;
use crate::duo::object::{Ikey, Kind, Object};
use crate::kinds::address::Address;
use crate::kinds::value::Setting;
use crate::observe::Reading;
use crate::output::document::{Document, EventDocument, VerifyDocument};
use crate::output::printer::Printer;
use crate::reconcile::consent::Consent;
use crate::reconcile::delivery::Held;
use crate::reconcile::desired::Wanted;
use crate::reconcile::guard::judge;
use crate::reconcile::handoff::Purpose;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::Plan;
use crate::text::counted;
use crate::verify::connection::{World, check_all};
use crate::verify::endpoints::Endpoints;
use crate::verify::report::{ConnectionReport, Report, Subject};
use crate::verify::run::{KeySource, Target, Verifier};

use super::args::{self, FailOn, Pruning};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::progress::Spinner;
use super::session::{Session, check_patterns, first_failure, options, show_problems};

/// Runs the command.
pub async fn run(
    args: args::Verify,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let options = options(&args.selected, &Pruning::default())?;
    let mut session = Session::open_as(workspace, &args.online, printer).await?;
    session.controls = args.proving.controls();
    let reading = session.read(printer).await?;
    let plan = session.planned(&reading.observation, &options);
    check_patterns(options.selection.patterns(), &session.desired, &plan)?;
    show_problems(plan.problems(), &session.sources, printer);
    let targets = targets(&session, &plan, &reading, &|address| options.selection.covers(address));
    tell_keys(targets.iter().flatten(), outlet);
    let endpoints = if args.endpoints { Some(session.endpoints()?) } else { None };
    let documents = session.documents()?;
    let how = How {
        documents: Some(documents.as_ref()),
        endpoints: endpoints.as_ref(),
        parallelism: usize::from(args.online.connection.parallelism),
        outlet,
    };
    let spinner = Spinner::start("probing keys", printer);
    let mut report = match targets {
        Some(targets) => verify_addresses(&session, &plan, targets, &how).await,
        None => Report::default(),
    };
    report.connections = connections(&session, &plan, &report).await;
    spinner.finish();
    if outlet.streams() {
        report
            .connections
            .iter()
            .for_each(|connection| outlet.event(&EventDocument::connection_checked(connection)));
    }
    let document = VerifyDocument::alone(&report, &plan).located(&session.desired, &session.sources);
    outlet.deliver(&Document::Verify(Box::new(document)));
    if outlet.human() && !plan.steps().is_empty() {
        printer.remark("note: the account differs from the YAML; `duoctl plan` shows how\n");
    }
    Ok(match report.failed() {
        false if has_errors(plan.problems()) => {
            first_failure(&reading.failures).map_or(Exit::Error, Exit::of)
        }
        false if !report.passed() => Exit::Unavailable,
        false if args.fail_on == Some(FailOn::Pending) && report.pending() => Exit::NotVerified,
        false => Exit::Done,
        true => Exit::NotVerified,
    })
}

/// The connection of each entry of `identity_intelligence` that the selection covers.
async fn connections(session: &Session, plan: &Plan, report: &Report) -> Vec<ConnectionReport> {
    let sheets = plan.attested().iter().chain(plan.handoffs());
    // An entry that is no longer in the YAML has nothing to verify.
    let sheets: Vec<_> = sheets.filter(|sheet| sheet.purpose == Purpose::Enter).collect();
    if sheets.is_empty() {
        return Vec::new();
    }
    let apis = session.intelligence();
    let world = World {
        host: session.host(),
        clock_offset: session.transport.clock_offset(),
        report,
        plan,
        apis: &apis,
        now: session.duo_now(),
        log_delay: session.log_delay(),
    };
    check_all(&session.transport, &world, sheets).await
}

/// With `-v`: how many calls are expected.
pub fn tell_calls(what: &str, calls: usize, outlet: &Outlet) {
    if outlet.style.every {
        outlet.remark(&format!("note: {what} {}\n", counted(calls, "call", "calls")));
    }
}

/// How many keys are read, and from where: Duo logs each.
fn tell_keys<'t>(targets: impl Iterator<Item = &'t Target>, outlet: &Outlet) {
    let sources: Vec<KeySource> = targets.filter_map(Target::key).collect();
    let from = |source| sources.iter().filter(|known| **known == source).count();
    let stores = match from(KeySource::Store) {
        0 => String::new(),
        count => format!("; {} from secret stores", counted(count, "comes", "come")),
    };
    match from(KeySource::Duo) {
        0 => {}
        count => {
            let keys = counted(count, "secret key", "secret keys");
            outlet.remark(&format!("note: reads {keys} from Duo, which logs each{stores}\n"));
        }
    }
}

/// How applications are verified.
pub struct How<'a> {
    /// Fetches documents of single sign-on.
    pub documents: Option<&'a dyn Fetch>,
    /// Tries the hosts that users are sent to, if that is wanted.
    pub endpoints: Option<&'a Endpoints>,
    /// How many applications are checked at once.
    pub parallelism: usize,
    /// Where results go as they come.
    pub outlet: &'a Outlet,
}

/// The declared applications that are covered; `None` if the account could not be read.
pub fn targets(
    session: &Session,
    plan: &Plan,
    reading: &Reading,
    covers: &dyn Fn(&Address) -> bool,
) -> Option<Vec<Target>> {
    let Observed::Present(integrations) = reading.observation.objects.of(Kind::Application) else {
        return None;
    };
    let lives: HashMap<&Ikey, &Object> =
        integrations.iter().map(|integration| (&integration.id, integration)).collect();
    let wanted = session.desired.of(Kind::Application).filter(|wanted| covers(&wanted.address));
    Some(wanted.map(|wanted| target(wanted, plan, &lives, &reading.observation.held)).collect())
}

/// Checks the targets.
pub async fn verify_addresses(session: &Session, plan: &Plan, targets: Vec<Target>, how: &How<'_>) -> Report {
    let outlet = how.outlet;
    let refusals = judge(plan, &session.desired, &Consent::default());
    let advised = |subject: &Subject| {
        let mut subject = subject.clone();
        subject.advise(&session.remedy(&subject.address, plan, &refusals));
        subject
    };
    let calls = targets.iter().map(Target::calls).sum();
    let count = counted(targets.len(), "application", "applications");
    tell_calls(&format!("verifying {count} takes"), calls, outlet);
    let seen = |subject: &Subject| {
        if outlet.streams() {
            outlet.event(&EventDocument::application_verified(&advised(subject)));
        }
    };
    let mut verifier = Verifier::new(&session.transport, session.duo_now());
    verifier.stores = Some(&session.stores);
    verifier.documents = how.documents;
    verifier.endpoints = how.endpoints;
    verifier.controls = session.controls.clone();
    verifier.parallelism = how.parallelism;
    let report = verifier.verify(targets, &seen).await;
    let subjects = report.subjects.iter().map(advised).collect();
    Report { subjects, ..report }
}

fn target(
    wanted: &Wanted,
    plan: &Plan,
    lives: &HashMap<&Ikey, &Object>,
    held: &BTreeMap<Address, Held>,
) -> Target {
    let permissions = wanted.settings.get("permissions").map(|setting| &setting.value);
    let ignored = wanted.ignore.iter().any(|field| field == "permissions");
    let live = plan.matched().get(&wanted.address).and_then(|ikey| lives.get(ikey));
    let holds = |live: &Object| match held.get(&wanted.address) {
        Some(Held::Keys(keys)) => keys.ikey == live.id.as_str() && keys.secret_end.is_some(),
        _ => false,
    };
    Target {
        address: wanted.address.clone(),
        declared: (
            wanted.variant.clone().unwrap_or_default(),
            wanted.name.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
        ),
        permissions: match permissions {
            Some(Setting::List(names)) if !ignored => {
                Some(names.iter().map(|name| name.value.clone()).collect())
            }
            Some(Setting::LeftOut) if !ignored => Some(BTreeSet::new()),
            _ => None,
        },
        kept: wanted
            .secret
            .as_ref()
            .filter(|_| live.is_some_and(|live| holds(live)))
            .map(|secret| (secret.target.clone(), secret.place.clone())),
        live: match live {
            Some(live) => Observed::Present((*live).clone()),
            None if plan.blocked().contains(&wanted.address) => {
                Observed::Unreadable("duoctl cannot tell which application it is; see the error".to_owned())
            }
            None => Observed::Absent,
        },
    }
}
