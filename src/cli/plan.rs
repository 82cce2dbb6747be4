//! `duoctl plan`: shows what would change. It has only a reader, so it cannot write.

use std::path::Path;

use crate::atomic::{self, Readers};
use crate::output::document::{Document, MadeWith, PlanDocument, PruneDocument, unmanaged_fields};
use crate::output::json;
use crate::output::printer::Printer;
use crate::reconcile::consent::patterns;
use crate::reconcile::guard::judge;
use crate::reconcile::ignores::unneeded;
use crate::reconcile::plan::Plan;

use super::again::Again;
use super::args;
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::saved_plan::from_file;
use super::session::{Session, check_patterns, consent, first_failure, options, show_problems, show_remarks};
use super::verify::tell_calls;
use crate::observe::least_calls;
use crate::text::safe;

/// Runs the command.
pub async fn run(
    args: args::Plan,
    workspace: &Path,
    verbosity: u8,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let options = options(&args.selected, &args.pruning)?;
    let consent = consent(&args.consents);
    let session = Session::open_as(workspace, &args.online, printer).await?;
    session.may_prune(&args.pruning)?;
    tell_calls("reading the account takes at least", least_calls(&session.desired), outlet);
    let mut reading = session.read(printer).await?;
    let mut plan = session.plan(&mut reading, &options, printer).await;
    check_patterns(options.selection.patterns().chain(patterns(&consent.allow)), &session.desired, &plan)?;
    session.tell_affected(&mut plan, &reading.observation, &args.impact, printer).await;
    let consent = session.informed(&plan, consent).await;
    let refusals = judge(&plan, &session.desired, &consent);
    show_problems(plan.problems(), &session.sources, printer);
    show_problems(
        &unneeded(&session.workspace, &session.desired, &reading.observation),
        &session.sources,
        printer,
    );
    show_remarks(&reading.observation, verbosity, printer);
    if let (1.., Some(sentence)) = (verbosity, unmanaged_fields(plan.unmanaged_fields().len())) {
        printer.remark(&format!("note: {sentence} `duoctl drift -v` names them\n"));
    }
    let again = session
        .again()
        .assigning(&args.online.yaml.vars)
        .covering(&args.selected, &args.pruning)
        .consenting(&args.consents);
    let consent = again.lifting(&refusals).map(|again| again.line("apply"));
    let document = Document::Plan(Box::new(PlanDocument { consent, ..session.document(&plan, &refusals) }));
    if let (Some(file), Document::Plan(document)) = (&args.out, &document) {
        save(file, document.as_ref().clone(), workspace, &args)?;
    }
    outlet.deliver(&document);
    if let Some(file) = &args.out {
        let again = Again::at(file, &args.online.connection).consenting(&args.consents);
        let line = again.clone().lifting(&refusals).unwrap_or(again).line("apply");
        printer.remark(&format!(
            "saved {}; apply it with:\n  {}\n",
            safe(&file.display().to_string()),
            safe(&line)
        ));
    }
    Ok(exit(&plan, args.detailed_exitcode, first_failure(&reading.failures).map(Exit::of)))
}

fn exit(plan: &Plan, detailed: bool, unreadable: Option<Exit>) -> Exit {
    if crate::diagnostic::has_errors(plan.problems()) {
        return unreadable.unwrap_or(Exit::Error);
    }
    if detailed && !plan.is_empty() { Exit::Pending } else { Exit::Done }
}

/// A saved plan is the plan's document with the arguments that it was made with. Its steps are never carried out:
/// `apply` makes a new plan and only compares the fingerprints.
fn save(file: &Path, document: PlanDocument, workspace: &Path, args: &args::Plan) -> Result<(), Failure> {
    let made_with = MadeWith {
        path: workspace.display().to_string(),
        from_file: from_file(file, workspace),
        only: args.selected.only.clone(),
        exclude: args.selected.exclude.clone(),
        prune: args.pruning.prune.map(PruneDocument::from),
    };
    let saved = json::text(&PlanDocument { made_with: Some(made_with), ..document });
    let failure = |error| Failure::File { path: file.to_owned(), what: "cannot be written", error };
    atomic::replace(file, &saved, Readers::Owner).map_err(failure)
}
