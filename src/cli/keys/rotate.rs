//! `duoctl keys rotate`, `confirm` and `abort`: new secret keys, delivered to the secret stores. Each run does as much as it
//! can, reports what the next one waits for, and exits; it never waits itself.

use std::cell::RefCell;
use std::path::Path;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::apply::execute::{Hands, execute};
use crate::apply::outcome::{Status, StepOutcome};
use crate::apply::seal::Sealer;
use crate::diagnostic::has_errors;
use crate::duo::client::Writer;
use crate::duo::object::Kind;
use crate::observe::Reading;
use crate::observe::rotations::look_at_creations;
use crate::output::document::{Document, KeyChangesDocument, OutcomeDocument};
use crate::output::human::apply::line;
use crate::output::human::keys::{changed, planned, refusals};
use crate::output::printer::Printer;
use crate::reconcile::consent::{Consent, patterns};
use crate::reconcile::fingerprint::snapshot;
use crate::reconcile::guard::{Refusal, judge};
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Options, Plan};
use crate::reconcile::rotation::Rotation;
use crate::reconcile::selection::Selection;

use super::super::args::{ChangeKeys, Consents, Pruning, Selected};
use super::super::asking::{SoFar, asked as consented};
use super::super::exit::{Exit, Failure};
use super::super::outlet::Outlet;
use super::super::progress::Steps;
use super::super::session::{Session, check_patterns, options, show_problems};
use super::super::signals::{GIVEN_UP, Signals, stop_then_give_up};
use super::super::stale::{ASKED, stale, what_moved};

use super::choice::{Asked, Choice};
use super::in_place::{InPlace, Rotator};
use super::order::Order;

/// Runs `rotate`, `confirm` and `abort`.
pub(super) async fn run(
    order: &Order,
    keys: &ChangeKeys,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let ChangeKeys { connection, vars, approval, proving, .. } = keys;
    let selection = options(&order.selected, &Pruning::default())?.selection;
    let mut options = options(&Selected::default(), &Pruning::default())?;
    options.rotation.silence = order.silence;
    options.hold_back = true;
    let mut session = Session::open(workspace, connection, vars, printer).await?;
    let consent = Consent { allow: approval.allow.clone(), ..Consent::default() };
    session.trusted = consent.trusted();
    session.controls = proving.controls();
    session.may_seal()?;
    let mut reading = session.read(printer).await?;
    if let Some(least) = order.older_than() {
        let reach = least.saturating_add(SignedDuration::from_hours(24));
        look_at_creations(&session.transport, &mut reading.observation, reach, options.now).await;
    }
    let plan = session.planned(&reading.observation, &options);
    check_patterns(selection.patterns().chain(patterns(&approval.allow)), &session.desired, &plan)?;
    let asked = Asked {
        session: &session,
        reading: &reading,
        plan: &plan,
        order,
        selection: &selection,
        consent: &consent,
        now: options.now,
    };
    let choice = asked.choose();
    let stages = stages(&session, &reading, &choice, &options);
    let guards = stages.as_ref().map(|stages| judge(stages, &session.desired, &consent)).unwrap_or_default();
    let run = Run { session: &session, choice: &choice, options: &options, keys, outlet, printer };
    let document = run.document(order, stages.as_ref(), &guards);
    printer.problem(&refusals(&document, printer.err));
    let problems = stages.as_ref().map(Plan::problems).unwrap_or_default();
    show_problems(problems, &session.sources, printer);
    let exit = match document.refused() {
        0 if has_errors(problems) => Exit::Error,
        0 => Exit::Done,
        _ => Exit::Refused,
    };
    let stages = stages.filter(|stages| guards.is_empty() && !stages.steps().is_empty());
    if choice.in_place.is_empty() && stages.is_none() {
        let rotations = if exit == Exit::Done { run.in_progress(&plan) } else { Vec::new() };
        run.deliver(KeyChangesDocument { rotations, ..document });
        return Ok(exit);
    }
    outlet.tell(|paint| planned(&document, paint));
    if !approval.auto_approve {
        let question = "Continue? Only `yes` is accepted: ";
        if !consented(question, "yes", "pass --auto-approve", SoFar::Nothing, printer)? {
            run.deliver(document);
            return Ok(Exit::Refused);
        }
        let now = session.read(printer).await?;
        let moved = moved_since(&session, stages.as_ref(), &choice, &options, &now)?;
        if !moved.is_empty() {
            return Ok(stale(ASKED, SoFar::Nothing, &moved, outlet, printer));
        }
    }
    let (signals, stop) = (Signals::catch(), CancellationToken::new());
    let work = async {
        let Ended { steps, failed } = run.carry_out(stages.as_ref(), &stop).await;
        let document = document.ended(steps);
        (if stop.is_cancelled() { document } else { run.left(document).await }, failed)
    };
    let (document, failed) = tokio::select! {
        done = work => done,
        () = stop_then_give_up(signals, &stop, printer) => {
            outlet.failed(Exit::Interrupted, GIVEN_UP, &[], Vec::new());
            return Ok(Exit::Interrupted);
        }
    };
    let ended = if stop.is_cancelled() { Exit::Interrupted } else { exit_of_all(&document, &failed) };
    run.deliver(document);
    Ok(if ended == Exit::Done && exit != Exit::Done { Exit::Partly } else { ended })
}

/// The exit code that all steps share if they all failed and nothing was done.
fn exit_of_all(document: &KeyChangesDocument, failed: &[Exit]) -> Exit {
    let summary = document.summary;
    match (summary.applied, failed) {
        (_, []) if summary.not_attempted == 0 => Exit::Done,
        (0, [first, rest @ ..]) if summary.not_attempted == 0 && rest.iter().all(|exit| exit == first) => {
            *first
        }
        _ => Exit::Partly,
    }
}

/// What changed since the question was asked.
fn moved_since(
    session: &Session,
    stages_then: Option<&Plan>,
    choice: &Choice<'_>,
    options: &Options,
    now: &Reading,
) -> Result<Vec<String>, Failure> {
    let mut moved = match (stages_then, stages(session, now, choice, options)) {
        (Some(then), Some(plan)) => what_moved(then.fingerprint(), &plan, now)?,
        _ => Vec::new(),
    };
    let lives = match now.observation.objects.of(Kind::Application) {
        Observed::Present(lives) => lives.as_slice(),
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => &[],
    };
    for InPlace { live, .. } in &choice.in_place {
        let found = lives.iter().find(|found| found.id == live.id);
        if found.is_none_or(|found| snapshot(found) != snapshot(live)) {
            moved.push(format!("application {} changed in Duo", live.id));
        }
    }
    Ok(moved)
}

/// The steps of the rotations with an overlap; `None` if there are none.
fn stages(session: &Session, reading: &Reading, choice: &Choice<'_>, options: &Options) -> Option<Plan> {
    let globs: Vec<String> = choice.twins.iter().map(|address| globset::escape(address.as_str())).collect();
    let selection = Selection::new(&globs, &[]).ok().filter(|_| !globs.is_empty())?;
    let options = Options { selection, rotation: choice.orders.clone(), ..options.clone() };
    Some(session.planned(&reading.observation, &options))
}

/// A command, and the account as it was read.
struct Run<'a> {
    session: &'a Session,
    choice: &'a Choice<'a>,
    options: &'a Options,
    keys: &'a ChangeKeys,
    outlet: &'a Outlet,
    printer: Printer,
}

/// How the steps of a run ended.
struct Ended {
    steps: Vec<OutcomeDocument>,
    /// The exit codes of the steps that were started and failed.
    failed: Vec<Exit>,
}

impl Run<'_> {
    /// What is planned, and what is not done.
    fn document(&self, order: &Order, stages: Option<&Plan>, guards: &[Refusal]) -> KeyChangesDocument {
        let ChangeKeys { vars, approval, .. } = self.keys;
        let given = Consents { allow: approval.allow.clone(), ..Consents::default() };
        let again = self.session.again().assigning(vars).consenting(&given);
        let again = if approval.auto_approve { again.with("--auto-approve") } else { again }.lifting(guards);
        let again = again.map(|again| again.named(&order.command())).filter(|_| !guards.is_empty());
        let in_place = self.choice.in_place.iter().map(InPlace::step);
        let stages = stages.map(|stages| self.session.document(stages, guards));
        let (steps, refusals, diagnostics) =
            stages.map(|stages| (stages.steps, stages.refusals, stages.diagnostics)).unwrap_or_default();
        KeyChangesDocument {
            planned: in_place.chain(steps.into_iter().filter(|_| guards.is_empty())).collect(),
            left_alone: self.choice.refusals.clone(),
            young: self.choice.young,
            refusals,
            consent: again,
            diagnostics,
            ..KeyChangesDocument::new(order.verb.command())
        }
    }

    async fn carry_out(&self, stages: Option<&Plan>, stop: &CancellationToken) -> Ended {
        let ended = RefCell::new(Ended { steps: Vec::new(), failed: Vec::new() });
        let tell =
            |outcome: &OutcomeDocument| self.outlet.tell(|paint| format!("{}\n", line(outcome, paint)));
        if let Some(stages) = stages {
            let transport = &self.session.transport;
            let (writer, courier) = (Writer::new(transport.clone()), self.session.courier(transport));
            let steps = Steps::new(self.printer, self.outlet, 0);
            let sealer = Sealer::new(&self.session.keyring);
            let hands = Hands { writer: &writer, courier: &courier, deputy: None, sealer };
            let parallelism = usize::from(self.keys.connection.parallelism);
            let outcomes = execute(stages, hands, parallelism, stop, &steps).await;
            steps.finish();
            let mut ended = ended.borrow_mut();
            for outcome in &outcomes {
                let document = OutcomeDocument::from(outcome);
                match outcome.status {
                    Status::Applied => {}
                    // Steps that were started were shown as they ended.
                    Status::NotAttempted(_) => tell(&document),
                    _ => ended.failed.push(exit_of(outcome)),
                }
                ended.steps.push(document);
            }
        }
        let rotator = Rotator { session: self.session, printer: self.printer };
        let failed = rotator
            .carry_out(&self.choice.in_place, stop, |outcome| {
                tell(&outcome);
                ended.borrow_mut().steps.push(outcome);
            })
            .await;
        let mut ended = ended.into_inner();
        ended.failed.extend(failed);
        ended
    }

    /// The rotations of a plan that were asked for.
    fn in_progress(&self, plan: &Plan) -> Vec<Rotation> {
        let asked = |rotation: &&Rotation| self.choice.twins.contains(&rotation.address);
        plan.rotations().iter().filter(asked).cloned().collect()
    }

    /// Adds what each rotation is waiting for now, and which applications are retired.
    async fn left(&self, document: KeyChangesDocument) -> KeyChangesDocument {
        if self.choice.twins.is_empty() {
            return document;
        }
        // The steps are done and shown: if the account cannot be read again, the rotation did not fail.
        let Ok(reading) = self.session.read(self.printer).await else { return document };
        let plan = self.session.planned(&reading.observation, self.options);
        let rotations = self.in_progress(&plan);
        let is_over = |address: &&_| !rotations.iter().any(|rotation| rotation.address == **address);
        let retired = |address: &&_| plan.retired().iter().any(|retired| retired.address == **address);
        let over = self.choice.twins.iter().filter(is_over).filter(retired);
        KeyChangesDocument { retired: over.map(ToString::to_string).collect(), rotations, ..document }
    }

    /// Shows people only the end, since they have seen the plan and its steps; other formats get the whole document.
    fn deliver(&self, document: KeyChangesDocument) {
        if self.outlet.human() {
            self.printer.show(&changed(&document, self.printer.out));
        }
        self.outlet.report(&Document::KeyChanges(Box::new(document)));
    }
}

fn exit_of(outcome: &StepOutcome) -> Exit {
    match &outcome.status {
        Status::Applied => Exit::Done,
        Status::Moved { partly: false, .. } => Exit::Stale,
        Status::Failed { error, partly: false } if !error.outcome_unknown() => Exit::of(error),
        Status::Failed { .. }
        | Status::Moved { .. }
        | Status::NotDelivered(_)
        | Status::Unconfirmed(_)
        | Status::NotProven(_)
        | Status::Unfit(_)
        | Status::RolledBack { .. }
        | Status::NotRolledBack(_)
        | Status::NotAttempted(_) => Exit::Partly,
    }
}
