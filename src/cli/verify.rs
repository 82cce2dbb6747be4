//! `duoctl verify`: checks every managed key with live calls. Changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use jiff::Timestamp;

use crate::diagnostic::has_errors;
use crate::duo::object::{Ikey, Kind, Object};
use crate::kinds::value::Setting;
use crate::observe::Reading;
use crate::output::document::{Document, EventDocument, VerifyDocument};
use crate::output::printer::Printer;
use crate::reconcile::consent::Consent;
use crate::reconcile::desired::DesiredApplication;
use crate::reconcile::guard::judge;
use crate::reconcile::handoff::Purpose;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::Plan;
use crate::reconcile::selection::Selection;
use crate::text::counted;
use crate::verify::connection::{World, check_all};
use crate::verify::report::{ConnectionReport, Report, Subject};
use crate::verify::run::{Target, WAITS, verify_watched};

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
    let session = Session::open_as(workspace, &args.online, printer).await?;
    let reading = session.read(printer).await?;
    let plan = session.planned(&reading.observation, &options);
    check_patterns(options.selection.patterns(), &session.desired, &plan)?;
    show_problems(plan.problems(), &session.sources, printer);
    let spinner = Spinner::start("probing keys", printer);
    let parallelism = usize::from(args.online.connection.parallelism);
    let mut report = verify_addresses(&session, &plan, &reading, &options.selection, parallelism, outlet)
        .await
        .unwrap_or_default();
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

/// Probes every declared application that the selection covers; `None` if the account could not be read.
pub async fn verify_addresses(
    session: &Session,
    plan: &Plan,
    reading: &Reading,
    selection: &Selection,
    parallelism: usize,
    outlet: &Outlet,
) -> Option<Report> {
    let Observed::Present(integrations) = reading.observation.objects.of(Kind::Application) else {
        return None;
    };
    let lives: HashMap<&Ikey, &Object> =
        integrations.iter().map(|integration| (&integration.id, integration)).collect();
    let targets = session.desired.applications.iter().filter(|wanted| selection.covers(&wanted.address));
    let refusals = judge(plan, &session.desired, &Consent::default());
    let advised = |subject: &Subject| {
        let mut subject = subject.clone();
        subject.advise(&session.remedy(&subject.address, plan, &refusals));
        subject
    };
    let targets: Vec<Target> = targets.map(|wanted| target(wanted, plan, &lives)).collect();
    let calls = targets.iter().map(Target::calls).sum();
    let count = counted(targets.len(), "application", "applications");
    tell_calls(&format!("verifying {count} takes"), calls, outlet);
    let seen = |subject: &Subject| {
        if outlet.streams() {
            outlet.event(&EventDocument::application_verified(&advised(subject)));
        }
    };
    let report =
        verify_watched(&session.transport, targets, Timestamp::now(), parallelism, &WAITS, &seen).await;
    let subjects = report.subjects.iter().map(advised).collect();
    Some(Report { subjects, ..report })
}

fn target(wanted: &DesiredApplication, plan: &Plan, lives: &HashMap<&Ikey, &Object>) -> Target {
    let permissions = wanted.settings.get("permissions").map(|setting| &setting.value);
    let ignored = wanted.ignore.iter().any(|field| field == "permissions");
    let live = plan.matched().get(&wanted.address).and_then(|ikey| lives.get(ikey));
    Target {
        address: wanted.address.clone(),
        declared: (
            wanted.kind.clone().unwrap_or_default(),
            wanted.name.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
        ),
        permissions: match permissions {
            Some(Setting::List(names)) if !ignored => {
                Some(names.iter().map(|name| name.value.clone()).collect())
            }
            Some(Setting::LeftOut) if !ignored => Some(BTreeSet::new()),
            _ => None,
        },
        live: match live {
            Some(live) => Observed::Present((*live).clone()),
            None if plan.blocked().contains(&wanted.address) => {
                Observed::Unreadable("duoctl cannot tell which application it is; see the error".to_owned())
            }
            None => Observed::Absent,
        },
    }
}
