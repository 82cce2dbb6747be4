//! `duoctl apply`: plan, consent, write, read again, verify, report.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::apply::converge::{Converged, Shelves, converge};
use crate::apply::execute::{Hands, execute};
use crate::apply::outcome::{Status, StepOutcome, Tally};
use crate::apply::seal::Sealer;
use crate::diagnostic::{Diagnostic, has_errors};
use crate::duo::client::Writer;
use crate::kinds::address::Address;
use crate::observe::Reading;
use crate::output::document::{
    ApplyDocument, Document, OutcomeDocument, PlanDocument, RefusalDocument, StepDocument,
};
use crate::output::human::apply::{end, repaired as done_line};
use crate::output::human::plan::{NEEDS_CONSENT, refused, render, step as step_text};
use crate::output::printer::Printer;
use crate::reconcile::consent::{Consent, patterns};
use crate::reconcile::guard::judge;
use crate::reconcile::plan::{Options, Plan};
use crate::text::safe;
use crate::verify::report::Report;

use super::again::Again;
use super::args;
use super::asking::{SoFar, asked, consented, liftable};
use super::exit::{Exit, Failure};
use super::outlet::Outlet;
use super::progress::{Spinner, Steps};
use super::recovery::{Outlook, Repair, look};
use super::saved_plan::SavedPlan;
use super::session::{Session, check_patterns, consent, first_failure, options, show_problems, show_remarks};
use super::signals::{GIVEN_UP, Signals, stop_then_give_up};
use super::stale::{ASKED, REPAIR, SAVED, stale, what_moved};
use super::verify::{How, targets, tell_calls, verify_addresses};

/// Runs the command.
pub async fn run(
    args: args::Apply,
    workspace: &Path,
    verbosity: u8,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let saved = SavedPlan::read(workspace)?;
    let (path, args) = match &saved {
        Some(saved) => saved.arguments(args)?,
        None if args.config.is_some() => {
            let message = format!(
                "--config applies only to a saved plan, and {} is not one; leave --config out",
                workspace.display()
            );
            return Err(Failure::Usage(message));
        }
        None => (workspace.to_owned(), args),
    };
    let allow = args.consents.allow.clone();
    let options = Options { hold_back: true, allow, ..options(&args.selected, &args.pruning)? };
    let consent = consent(&args.consents);
    let mut session = Session::open(&path, &args.connection, &args.vars, printer).await?;
    session.trusted = consent.trusted();
    session.controls = args.proving.controls();
    session.may_seal()?;
    session.may_prune(&args.pruning)?;
    let unattended = args.auto_approve || saved.is_some();
    let (reading, repaired) = match look(&session, session.read(printer).await, &consent).await? {
        Outlook::Clear(reading) => (*reading, None),
        Outlook::Repair(repair) => {
            let asks = !unattended;
            if let Some(exit) = put_back(&repair, &session, &consent, asks, outlet, printer).await? {
                return Ok(exit);
            }
            (session.read(printer).await.map_err(repaired_before)?, Some(repair.outcome()))
        }
    };
    let begun = Begun { session, args, options, saved, consent, verbosity, repaired, outlet, printer };
    match begun.repaired.is_some() {
        false => begun.go_on(reading).await,
        true => begun.go_on(reading).await.map(after_repair).map_err(repaired_before),
    }
}

fn repaired_before(failure: Failure) -> Failure {
    Failure::Repaired { failure: Box::new(failure) }
}

/// The exit code of a run that put something back: if it went no further, it is partly applied.
fn after_repair(exit: Exit) -> Exit {
    match exit {
        Exit::Done | Exit::NotVerified | Exit::Interrupted => exit,
        _ => Exit::Partly,
    }
}

/// Shows what the recovery key can put back, asks, checks once more, and does it. Returns the exit code if the run ends here.
async fn put_back(
    repair: &Repair,
    session: &Session,
    consent: &Consent,
    asks: bool,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Option<Exit>, Failure> {
    let what = repair.sentence();
    printer.problem(&format!("{}: {what}\n", printer.err.notice("unfinished")));
    printer.problem(&step_text(&StepDocument::from(repair.step()), printer.err));
    let refusals = repair.refusals(session, consent);
    for refusal in &refusals {
        let lift = RefusalDocument::from(refusal).lift_words();
        printer.problem(&format!("  ! {}; {}\n", safe(&refusal.message), safe(&lift)));
    }
    let question = "Do this first? Only `yes` is accepted: ";
    let may_go = refusals.is_empty() && (!asks || asked(question, "yes", INSTEAD, SoFar::Nothing, printer)?);
    if !may_go {
        if outlet.human() {
            let why = if refusals.is_empty() { "Not approved" } else { "Refused" };
            printer.show(&format!("{why}; {}.\n", SoFar::Nothing.words()));
        }
        outlet.failed(Exit::Refused, &what, &[], Vec::new());
        return Ok(Some(Exit::Refused));
    }
    if !repair.is_current(session, consent).await? {
        return Ok(Some(stale(REPAIR, SoFar::Nothing, &[], outlet, printer)));
    }
    repair.carry_out().await?;
    let done = OutcomeDocument::from(&repair.outcome());
    outlet.tell(|paint| format!("{}\n", done_line(&done, paint)));
    Ok(None)
}

/// A run whose account was read.
struct Begun<'a> {
    session: Session,
    args: args::Apply,
    options: Options,
    saved: Option<SavedPlan>,
    consent: Consent,
    verbosity: u8,
    /// What the recovery key put back first.
    repaired: Option<StepOutcome>,
    outlet: &'a Outlet,
    printer: Printer,
}

impl Begun<'_> {
    async fn go_on(self, mut reading: Reading) -> Result<Exit, Failure> {
        let Self { session, args, options, saved, consent, verbosity, repaired, outlet, printer } = self;
        let so_far = if repaired.is_some() { SoFar::Repaired } else { SoFar::Nothing };
        let mut plan = session.settled_plan(&mut reading, &options, printer).await;
        check_patterns(
            options.selection.patterns().chain(patterns(&consent.allow)),
            &session.desired,
            &plan,
        )?;
        if let Some(saved) = &saved {
            let moved = what_moved(&saved.fingerprint, &plan, &reading)?;
            if !moved.is_empty() {
                return Ok(stale(SAVED, so_far, &moved, outlet, printer));
            }
        }
        session.tell_affected(&mut plan, &reading.observation, &args.impact, printer).await;
        show_remarks(&reading.observation, verbosity, printer);
        let consent = session.informed(&plan, consent).await;
        let refusals = judge(&plan, &session.desired, &consent);
        let again = match &saved {
            Some(saved) => Again::at(saved.file(), &args.connection),
            None => session.again().covering(&args.selected, &args.pruning),
        };
        let again = again.assigning(&args.vars).consenting(&args.consents).lifting(&refusals);
        let given = [(args.auto_approve, "--auto-approve"), (args.proving.no_control, "--no-control")];
        let given = || given.iter().filter(|(given, _)| *given);
        let again = again.map(|again| given().fold(again, |again, (_, option)| again.with(option)));
        let consent = again.map(|again| again.line("apply"));
        let mut planned = PlanDocument { consent, ..session.document(&plan, &refusals) };
        let asks = !args.auto_approve && std::io::stdin().is_terminal();
        let liftable = asks && liftable(&refusals);
        let run = Run { session, args, options, plan, repaired, so_far, outlet, printer };
        let title = refused(so_far.words());
        let title = if liftable { NEEDS_CONSENT } else { title.as_str() };
        run.show_plan(&planned, asks, title);
        let lifted =
            refusals.is_empty() || (liftable && consented(&refusals, saved.is_none(), so_far, printer)?);
        if !lifted || (!run.plan.steps().is_empty() && !run.approved(saved.is_some())?) {
            run.deliver(ApplyDocument::refused(planned));
            return Ok(Exit::Refused);
        }
        planned.refusals.clear();
        // The account may have changed while the question waited for an answer.
        if asks && !run.plan.steps().is_empty() {
            reading = run.session.read(printer).await?;
            let now = run.session.plan(&mut reading, &run.options, printer).await;
            let moved = what_moved(run.plan.fingerprint(), &now, &reading)?;
            if !moved.is_empty() {
                return Ok(stale(ASKED, so_far, &moved, outlet, printer));
            }
        }
        let (signals, stop) = (Signals::catch(), CancellationToken::new());
        tokio::select! {
            exit = run.carry_out(planned, reading, &stop) => exit,
            () = stop_then_give_up(signals, &stop, printer) => {
                outlet.failed(Exit::Interrupted, GIVEN_UP, &[], Vec::new());
                Ok(Exit::Interrupted)
            }
        }
    }
}

struct Run<'a> {
    session: Session,
    args: args::Apply,
    options: Options,
    plan: Plan,
    repaired: Option<StepOutcome>,
    so_far: SoFar,
    outlet: &'a Outlet,
    printer: Printer,
}

/// What to do without a terminal to ask.
const INSTEAD: &str = "pass --auto-approve, or apply a saved plan";

impl Run<'_> {
    /// `title` goes above the refusals of the guards.
    fn show_plan(&self, planned: &PlanDocument, asks: bool, title: &str) {
        show_problems(self.plan.problems(), &self.session.sources, self.printer);
        if self.outlet.human() {
            self.printer.show(&render(planned, title, self.printer.out));
        } else if asks {
            // A plan has to be shown before it can be approved.
            self.printer.problem(&render(planned, title, self.printer.err));
        }
        if self.outlet.streams() {
            self.outlet.event(planned);
        }
    }

    /// Shows people only the end, since they have seen the plan and its steps; other formats get the whole document.
    fn deliver(&self, document: ApplyDocument) {
        let repaired = self.repaired.as_ref().map(OutcomeDocument::from);
        let document = ApplyDocument { repaired, ..document };
        if self.outlet.human() {
            self.printer.show(&end(&document, self.outlet.style));
        }
        self.outlet.report(&Document::Apply(Box::new(document)));
    }

    /// Only `yes` approves; a plan that deletes or replaces asks for the number instead.
    fn approved(&self, saved: bool) -> Result<bool, Failure> {
        if self.args.auto_approve || saved {
            return Ok(true);
        }
        let summary = self.plan.summary();
        let (question, wanted) = match summary.delete {
            0 => ("Apply this plan? Only `yes` is accepted: ".to_owned(), "yes".to_owned()),
            count => (
                format!(
                    "This plan deletes for good. Type the number of applications that it deletes ({count}) to apply it: "
                ),
                count.to_string(),
            ),
        };
        asked(&question, &wanted, INSTEAD, self.so_far, self.printer)
    }

    async fn carry_out(
        &self,
        planned: PlanDocument,
        reading: Reading,
        stop: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let writer = Writer::new(self.session.transport.clone());
        let parallelism = usize::from(self.args.connection.parallelism);
        let writes = self.plan.steps().iter().map(|step| step.writes.len()).sum();
        tell_calls("applying it takes", writes, self.outlet);
        let steps = Steps::new(self.printer, self.outlet, self.plan.steps().len());
        let courier = self.session.courier(&self.session.transport);
        let deputy = self.session.deputy(&self.plan);
        let sealer = Sealer::new(&self.session.keyring);
        let hands = Hands { writer: &writer, courier: &courier, deputy: deputy.as_ref(), sealer };
        let outcomes = execute(&self.plan, hands, parallelism, stop, &steps).await;
        steps.finish();
        let written: Vec<Address> = outcomes
            .iter()
            .filter(|outcome| matches!(outcome.status, Status::Applied))
            .map(|outcome| outcome.address.clone())
            .collect();
        let (after, converged) = if written.is_empty() {
            (reading, None)
        } else {
            let (host, operator) = (self.session.host().to_owned(), self.session.operator.clone());
            let desired = &self.session.desired;
            let before = &reading.observation.held;
            let shelves = Shelves { stores: &self.session.stores, before, parallelism, sealer };
            let spinner = Spinner::start("reading the account again", self.printer);
            let (converged, reading) =
                converge(&writer, desired, &self.options, &operator, &host, &written, &shelves).await;
            spinner.finish();
            (reading, Some(converged))
        };
        let plan = converged.as_ref().map_or(&self.plan, |converged| &converged.plan);
        let report = self.checked(&outcomes, plan, &after, stop).await;
        let end = End {
            outcomes: &outcomes,
            written: &written,
            converged: converged.as_ref(),
            report: report.as_ref(),
            unreadable: first_failure(&after.failures).map(Exit::of),
            interrupted: stop.is_cancelled(),
        };
        let summary = self.report(planned, &end);
        Ok(self.exit(&end, summary))
    }

    /// Checks what the steps touched; `None` if nothing was checked.
    async fn checked(
        &self,
        outcomes: &[StepOutcome],
        plan: &Plan,
        after: &Reading,
        stop: &CancellationToken,
    ) -> Option<Report> {
        if self.args.no_verify || stop.is_cancelled() {
            return None;
        }
        let touched: BTreeSet<&Address> =
            outcomes.iter().filter(|outcome| touched(outcome)).map(|outcome| &outcome.address).collect();
        let targets = targets(&self.session, plan, after, &|address| touched.contains(address))?;
        if targets.is_empty() {
            return None;
        }
        // The steps are done, so a reason not to fetch documents does not stop the report.
        let documents = self.session.documents().ok();
        let how = How {
            documents: documents.as_deref(),
            endpoints: None,
            parallelism: usize::from(self.args.connection.parallelism),
            outlet: self.outlet,
        };
        let spinner = Spinner::start("probing keys", self.printer);
        let report = tokio::select! {
            report = verify_addresses(&self.session, plan, targets, &how) => Some(report),
            () = stop.cancelled() => None,
        };
        spinner.finish();
        report
    }

    /// Shows and writes the outcome; returns how many steps ended how.
    fn report(&self, planned: PlanDocument, end: &End<'_>) -> Tally {
        let End { outcomes, converged, report, .. } = *end;
        show_problems(&self.new_problems(converged), &self.session.sources, self.printer);
        let normalised = converged.map(|converged| converged.normalised.as_slice()).unwrap_or_default();
        let left = converged.map(|converged| self.session.document(&converged.plan, &[]));
        let document = ApplyDocument::new(planned, outcomes, normalised, left, report)
            .located(&self.session.desired, &self.session.sources);
        let summary = document.summary;
        self.deliver(document);
        summary
    }

    /// What the first plan could not know, such as an account that can no longer be read.
    fn new_problems(&self, converged: Option<&Converged>) -> Vec<Diagnostic> {
        let known = self.plan.problems();
        let found = converged.map(|converged| converged.plan.problems()).unwrap_or_default();
        found.iter().filter(|problem| !known.contains(problem)).cloned().collect()
    }

    fn exit(&self, end: &End<'_>, tally: Tally) -> Exit {
        let stopped = has_errors(self.plan.problems());
        // Writes whose effect could not be read are not proven.
        let unread = end.converged.is_some() && end.unreadable.is_some();
        let unseen = unread || has_errors(&self.new_problems(end.converged));
        if end.interrupted {
            Exit::Interrupted
        } else if tally.failed > 0
            || tally.not_attempted > 0
            || (!unseen && end.left())
            || (stopped && tally.applied > 0)
        {
            self.partly(end.outcomes)
        } else if stopped {
            end.unreadable.unwrap_or(Exit::Error)
        } else if unseen || end.report.is_some_and(|report| !report.passed()) {
            Exit::NotVerified
        } else {
            Exit::Done
        }
    }

    /// If nothing was done at all, the exit code of the failure is more precise than "partly".
    fn partly(&self, outcomes: &[StepOutcome]) -> Exit {
        if outcomes.iter().any(touched) {
            return Exit::Partly;
        }
        let failure = outcomes.iter().find_map(|outcome| match &outcome.status {
            Status::Failed { error, .. } => Some(Exit::of(error)),
            Status::Moved { .. } => Some(Exit::Stale),
            Status::Unfit(unfit) => Some(unfit.error.as_ref().map_or(Exit::Error, Exit::of)),
            Status::Applied
            | Status::Unconfirmed(_)
            | Status::NotDelivered(_)
            | Status::NotProven(_)
            | Status::RolledBack { .. }
            | Status::NotRolledBack(_)
            | Status::NotAttempted(_) => None,
        });
        failure.unwrap_or(Exit::Partly)
    }
}

/// Whether a step may have changed its application.
fn touched(outcome: &StepOutcome) -> bool {
    match &outcome.status {
        // A change that was rolled back was in effect for a moment.
        Status::Applied
        | Status::Unconfirmed(_)
        | Status::NotDelivered(_)
        | Status::NotProven(_)
        | Status::RolledBack { .. }
        | Status::NotRolledBack(_) => true,
        Status::Failed { error, partly } => *partly || error.outcome_unknown(),
        Status::Moved { partly, .. } => *partly,
        Status::Unfit(_) | Status::NotAttempted(_) => false,
    }
}

/// How a run ended.
struct End<'a> {
    outcomes: &'a [StepOutcome],
    /// The addresses of the steps that were applied.
    written: &'a [Address],
    /// The account after the writes; `None` if nothing was written.
    converged: Option<&'a Converged>,
    /// What was verified; `None` if nothing was.
    report: Option<&'a Report>,
    /// The exit code for a list of the account that the last reading could not read.
    unreadable: Option<Exit>,
    interrupted: bool,
}

impl End<'_> {
    /// Whether an address that was written to still differs.
    fn left(&self) -> bool {
        let Some(Converged { plan, .. }) = self.converged else { return false };
        let differs =
            |address| plan.blocked().contains(address) || plan.steps().iter().any(|s| s.address == *address);
        self.written.iter().any(differs)
    }
}
