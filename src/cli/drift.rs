//! `duoctl drift`: a plan to run on a schedule. It separates changes made in Duo from changes pending in the YAML, and shows
//! on request who made them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::diagnostic::{Code, has_errors};
use crate::duo::activity::{Activities, Activity, activities_until};
use crate::duo::error::DuoError;
use crate::duo::explain::{Cause, causes};
use crate::kinds::address::Address;
use crate::names::same;
use crate::observe::Reading;
use crate::output::document::{
    Document, DriftedDocument, Kind, PlanDocument, UnmanagedFieldDocument, WhoDocument,
};
use crate::output::printer::Printer;
use crate::reconcile::delivery::Held;
use crate::reconcile::diff::{Change, Origin};
use crate::reconcile::ignores::unneeded;
use crate::reconcile::plan::{Action, Plan, Step};
use crate::reconcile::set_fields::SetField;
use crate::text::{one_line, safe};

use super::args;
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::{Session, check_patterns, first_failure, options, show_problems, show_remarks};

/// How many actions are shown for one application.
const SHOWN: usize = 3;

const DAY: i64 = 86_400_000;

/// Runs the command.
pub async fn run(
    args: args::Drift,
    workspace: &Path,
    verbosity: u8,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let options = options(&args.selected, &args.pruning())?;
    let session = Session::open_as(workspace, &args.online, printer).await?;
    let mut reading = session.read(printer).await?;
    let mut plan = session.plan_of_drift(&mut reading, &options, printer).await;
    check_patterns(options.selection.patterns(), &session.desired, &plan)?;
    session.tell_affected(&mut plan, &reading.observation, &args.impact, printer).await;
    show_problems(plan.problems(), &session.sources, printer);
    show_remarks(&reading.observation, verbosity, printer);
    show_problems(
        &unneeded(&session.workspace, &session.desired, &reading.observation),
        &session.sources,
        printer,
    );
    let created = plan.steps().iter().any(|step| step.action == Action::Create);
    let who = match (args.who && !plan.steps().is_empty()) || created {
        true => who(&session, &args, &plan).await.map_err(|error| not_told(&error, args.who, printer)).ok(),
        false => None,
    };
    let drifted = drifted(&plan, &reading, who.as_ref());
    let changed = !drifted.in_duo.is_empty();
    let who = who.filter(|_| args.who && !plan.steps().is_empty());
    show_unmanaged_fields(&plan, verbosity, printer);
    let unmanaged_fields = plan.unmanaged_fields().iter().map(UnmanagedFieldDocument::from).collect();
    let document = PlanDocument {
        kind: Kind::Drift,
        drifted: Some(drifted),
        who,
        unmanaged_fields,
        ..session.document(&plan, &[])
    };
    outlet.deliver(&Document::Drift(Box::new(document)));
    if has_errors(plan.problems()) {
        return Ok(first_failure(&reading.failures).map_or(Exit::Error, Exit::of));
    }
    let overdue = plan.problems().iter().any(|problem| problem.code == Code::KeyTooOld);
    Ok(if changed || overdue { Exit::Pending } else { Exit::Done })
}

/// With `-v`: shows the fields that are set in Duo and not managed.
fn show_unmanaged_fields(plan: &Plan, verbosity: u8, printer: Printer) {
    for SetField { address, field, value } in plan.unmanaged_fields().iter().filter(|_| verbosity > 0) {
        let (address, field, value) = (safe(address.as_str()), safe(field), one_line(value));
        printer.remark(&format!("note: {address}: `{field}` is {value} in Duo and is not managed\n"));
    }
}

/// Who changed the applications that differ.
async fn who(session: &Session, args: &args::Drift, plan: &Plan) -> Result<WhoDocument, DuoError> {
    let now = jiff::Timestamp::now().as_millisecond();
    let from = now - i64::from(args.days) * DAY;
    let own = session.operator.as_str();
    let drifted: Vec<&Step> = plan.steps().iter().filter(|step| is_drifted(step)).collect();
    // The log comes newest first, and only the newest entries are shown.
    let enough = |items: &[Activity]| {
        drifted.iter().all(|step| {
            let ends = items.iter().any(|activity| activity.actor == own && is_about(activity, step));
            ends || since_own(items, step, own).nth(SHOWN - 1).is_some()
        })
    };
    let Activities { items, complete } =
        activities_until(&session.transport, from, now, WhoDocument::PAGES, enough).await?;
    let mut by_address: BTreeMap<String, Vec<Activity>> = BTreeMap::new();
    for step in drifted {
        let theirs: Vec<Activity> = since_own(&items, step, own).take(SHOWN).cloned().collect();
        // A new entry of the YAML was never in Duo, unless someone deleted it there.
        if step.id.is_some() || !theirs.is_empty() {
            by_address.entry(step.address.to_string()).or_default().extend(theirs);
        }
    }
    Ok(WhoDocument { by_address, complete, days: args.days })
}

/// Which addresses differ because something was changed in Duo.
fn drifted(plan: &Plan, reading: &Reading, who: Option<&WhoDocument>) -> DriftedDocument {
    let of = |is: &dyn Fn(&Step) -> bool| -> BTreeSet<&Address> {
        plan.steps().iter().filter(|step| is(step)).map(|step| &step.address).collect()
    };
    let adopted = of(&|step| step.action == Action::Adopt);
    let in_duo = of(&|step| match step.action {
        // Without a marker, only the log shows that it existed.
        Action::Create => who.is_some_and(|who| who.by_address.contains_key(step.address.as_str())),
        Action::Deliver => matches!(reading.observation.held.get(&step.address), Some(Held::Keys(_))),
        // Without a marker, the origin is unknown: every difference counts.
        Action::Adopt | Action::Update if adopted.contains(&step.address) => !step.changes.is_empty(),
        Action::Adopt | Action::Update | Action::Replace => step.changes.iter().any(is_of_duo),
        Action::Quarantine | Action::Delete | Action::Rotate | Action::Retain => false,
    });
    let all = of(&|_| true);
    let texts = |addresses: Vec<&&Address>| addresses.iter().map(ToString::to_string).collect();
    DriftedDocument {
        in_duo: texts(in_duo.iter().collect()),
        pending: texts(all.difference(&in_duo).collect()),
    }
}

/// Without the log the drift is the same, but without names, and a deletion cannot be told from a new entry.
fn not_told(error: &DuoError, asked: bool, printer: Printer) {
    let warning = printer.err.notice("warning");
    let what = match asked {
        true => "could not find out who changed it",
        false => {
            "could not find out whether missing applications were deleted in Duo, so they count as pending"
        }
    };
    printer.problem(&format!("{warning}: {what}: {}\n", safe(&error.to_string())));
    for Cause { what, fix } in causes(error) {
        printer.problem(&format!("  {what}: {fix}\n"));
    }
}

/// Whether the application was changed in Duo, according to the markers.
fn is_drifted(step: &Step) -> bool {
    step.action == Action::Create || step.changes.iter().any(is_of_duo)
}

/// Without a marker that shows its origin, a change counts as made in Duo.
fn is_of_duo(change: &Change) -> bool {
    change.origin != Some(Origin::Config)
}

/// What others did to an application since duoctl last wrote to it; duoctl saw what was done before. Creating it explains no
/// difference.
fn since_own<'i>(items: &'i [Activity], step: &'i Step, own: &'i str) -> impl Iterator<Item = &'i Activity> {
    let about = items.iter().filter(move |activity| is_about(activity, step));
    let others = about.take_while(move |activity| activity.actor != own);
    let wanted = if step.id.is_some() { "" } else { "delete" };
    others.filter(move |activity| activity.action.ends_with(wanted) && !activity.action.ends_with("create"))
}

/// A deleted application is known only by its name.
fn is_about(activity: &Activity, step: &Step) -> bool {
    match &step.id {
        Some(ikey) => activity.target == ikey.as_str(),
        None => same(&activity.target_name, &step.name),
    }
}
