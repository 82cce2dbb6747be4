//! `duoctl drift`: a plan for a schedule. It says what differs, and on request who made it so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::config::diagnostic::has_errors;
use crate::duo::activity::{Activities, Activity, activities};
use crate::output::paint::{Paint, safe};
use crate::output::printer::Printer;
use crate::output::{json as documents, plan_text};
use crate::reconcile::ignores::unneeded;
use crate::reconcile::plan::{Action, Plan, Step};

use super::args::{self, Format};
use super::exit::{Exit, Failure};
use super::session::{Session, first_failure, options, show_idle_globs, show_problems, show_unmanaged};

/// How many pages of the log are read: its budget is far smaller than that of other calls.
const PAGES: usize = 10;

/// How many actions are shown for one application.
const SHOWN: usize = 3;

const DAY: i64 = 86_400_000;

/// Runs the command.
pub async fn run(args: args::Drift, verbosity: u8, printer: Printer) -> Result<Exit, Failure> {
    let options = options(&args.selected, &args.pruning())?;
    let session = Session::open(&args.source.path, &args.connection, printer).await?;
    let mut reading = session.read(printer).await?;
    let mut plan = session.plan(&mut reading, &options, printer).await;
    session.tell_affected(&mut plan, &reading.observation, &args.impact, printer).await;
    show_problems(plan.problems(), &session.sources, printer);
    show_unmanaged(&reading.observation, verbosity, printer);
    show_idle_globs(&args.selected, &session.desired, &plan, printer);
    show_problems(
        &unneeded(&session.workspace, &session.desired, &reading.observation),
        &session.sources,
        printer,
    );
    let who =
        if args.who && !plan.steps().is_empty() { Some(who(&session, &args, &plan).await?) } else { None };
    match args.format {
        Format::Json => {
            let mut document = documents::plan(&plan, &[], &session.sources);
            if let (Value::Object(document), Some(who)) = (&mut document, &who) {
                document.insert("who".to_owned(), who.document());
            }
            printer.data(&documents::text(&document));
        }
        Format::Human => {
            if let Some(who) = &who {
                printer.data(&who.text(&plan, printer.out));
            }
            printer.data(&plan_text::render(&plan, &[], printer.out, false));
        }
    }
    if has_errors(plan.problems()) {
        return Ok(first_failure(&reading.failures).map_or(Exit::Error, Exit::of));
    }
    Ok(if plan.is_empty() { Exit::Done } else { Exit::Pending })
}

/// Who did something to the applications that differ, by address.
struct Who {
    found: BTreeMap<String, Vec<Activity>>,
    complete: bool,
    days: u16,
}

async fn who(session: &Session, args: &args::Drift, plan: &Plan) -> Result<Who, Failure> {
    let now = jiff::Timestamp::now().as_millisecond();
    let from = now - i64::from(args.days) * DAY;
    let Activities { items, complete } = activities(&session.transport, from, now, PAGES).await?;
    let mut found: BTreeMap<String, Vec<Activity>> = BTreeMap::new();
    for step in plan.steps() {
        let theirs = items.iter().filter(|activity| {
            // What duoctl itself did is no drift.
            activity.actor != session.operator.as_str() && concerns(activity, step)
        });
        found.entry(step.address.to_string()).or_default().extend(theirs.take(SHOWN).cloned());
    }
    Ok(Who { found, complete, days: args.days })
}

/// An application that is gone is known by its name only.
fn concerns(activity: &Activity, step: &Step) -> bool {
    match &step.ikey {
        Some(ikey) => activity.target == ikey.as_str(),
        None => {
            step.action == Action::Create
                && activity.action.ends_with("delete")
                && activity.target_name == step.name
        }
    }
}

impl Who {
    fn text(&self, plan: &Plan, paint: Paint) -> String {
        let mut text = String::new();
        for (address, activities) in &self.found {
            let _ = writeln!(text, "{} {}", paint.calm("@ who"), paint.strong(&safe(address)));
            for activity in activities {
                let from = activity.from.as_deref().unwrap_or("an unknown address");
                let _ = writeln!(
                    text,
                    "    {}  {}  from {}  {}",
                    safe(&activity.when),
                    safe(&activity.who),
                    safe(from),
                    safe(&activity.action)
                );
            }
            if activities.is_empty() {
                let _ = writeln!(
                    text,
                    "    the activity log of the last {} days names nobody else than duoctl's own key",
                    self.days
                );
            }
        }
        if !self.complete && !plan.steps().is_empty() {
            let _ = writeln!(
                text,
                "    only the newest {PAGES} pages of the activity log were read; a smaller --days goes further back per page"
            );
        }
        text.push('\n');
        text
    }

    fn document(&self) -> Value {
        json!({"by_address": self.found, "complete": self.complete, "days": self.days})
    }
}
