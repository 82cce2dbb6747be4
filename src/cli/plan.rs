//! `duoctl plan`: what would change. It holds a reader only, so it cannot write.

use std::path::Path;

use serde_json::{Value, json};

use crate::atomic::{self, Readers};
use crate::config::load::Trust;
use crate::output::printer::Printer;
use crate::output::{json as documents, plan_text};
use crate::reconcile::guard::judge;
use crate::reconcile::ignores::unneeded;
use crate::reconcile::plan::Plan;

use super::args::{self, Impact};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::session::{
    Session, consent, first_failure, options, show_idle_globs, show_problems, show_unmanaged,
};

/// Runs the command.
pub async fn run(
    args: args::Plan,
    verbosity: u8,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let options = options(&args.selected, &args.pruning)?;
    let consent = consent(&args.consents)?;
    let trust = if args.untrusted { Trust::None } else { Trust::Full };
    let session = Session::open_as(&args.source.path, &args.connection, trust, printer).await?;
    let mut reading = session.read(printer).await?;
    let mut plan = session.plan(&mut reading, &options, printer).await;
    // Who wrote the YAML would choose whose names are shown.
    let impact = if args.untrusted { Impact { impact_budget: 0 } } else { args.impact.clone() };
    session.tell_affected(&mut plan, &reading.observation, &impact, printer).await;
    let consent = session.informed(&plan, consent).await;
    let refusals = judge(&plan, &session.desired, &consent);
    let wanted = outlet.takes_documents() || args.out.is_some();
    let document = wanted.then(|| session.document(&plan, &refusals));
    show_problems(plan.problems(), &session.sources, printer);
    show_problems(
        &unneeded(&session.workspace, &session.desired, &reading.observation),
        &session.sources,
        printer,
    );
    show_unmanaged(&reading.observation, verbosity, printer);
    show_idle_globs(&args.selected, &session.desired, &plan, printer);
    if outlet.human() {
        printer.data(&plan_text::render(&plan, &refusals, printer.out, false));
    }
    if let Some(document) = &document {
        outlet.deliver(document);
    }
    if let (Some(file), Some(document)) = (&args.out, &document) {
        save(file, document, &args)?;
        printer.remark(&format!(
            "saved {}; carry it out with: duoctl apply {}\n",
            file.display(),
            file.display()
        ));
    }
    Ok(exit(&plan, args.detailed_exitcode, first_failure(&reading.failures).map(Exit::of)))
}

fn exit(plan: &Plan, detailed: bool, unreadable: Option<Exit>) -> Exit {
    if crate::config::diagnostic::has_errors(plan.problems()) {
        return unreadable.unwrap_or(Exit::Error);
    }
    if detailed && !plan.is_empty() { Exit::Pending } else { Exit::Done }
}

/// A saved plan is the plan's document with the arguments that it was made with. What it says is never carried out:
/// an apply makes the plan anew and only compares the fingerprints.
fn save(file: &Path, document: &Value, args: &args::Plan) -> Result<(), Failure> {
    let mut saved = document.clone();
    if let Value::Object(map) = &mut saved {
        map.insert(
            "made_with".to_owned(),
            json!({
                "path": args.source.path,
                "only": args.selected.only,
                "exclude": args.selected.exclude,
                "prune": args.pruning.prune.map(|mode| match mode {
                    args::PruneMode::Quarantine => "quarantine",
                    args::PruneMode::Now => "now",
                }),
            }),
        );
    }
    atomic::replace(file, &documents::text(&saved), Readers::Owner).map_err(|error| Failure::File {
        path: file.to_owned(),
        what: "cannot be written",
        error,
    })
}
