//! `duoctl keys rotate`, `confirm` and `abort`: new secret keys, delivered to the secret stores. One run does a stage and says what the next one
//! waits for; it never waits itself.

use std::path::Path;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::apply::deliver::Courier;
use crate::apply::execute::{Hands, execute};
use crate::apply::outcome::{Status, StepOutcome};
use crate::apply::rotate::{Rotated, in_place};
use crate::apply::seal::Sealer;
use crate::diagnostic::has_errors;
use crate::duo::api::SecretApi as _;
use crate::duo::client::{KeyReader, Writer};
use crate::duo::https::HttpsTransport;
use crate::duo::types::{Ikey, Integration};
use crate::kinds::address::Address;
use crate::observe::Reading;
use crate::observe::rotations::look_at_creations;
use crate::output::document::{OutcomeDocument, StepDocument};
use crate::output::human::console::short_name;
use crate::output::human::list::rotations as rotations_text;
use crate::output::human::{apply, plan as plan_text};
use crate::output::printer::Printer;
use crate::reconcile::consent::{Consent, patterns};
use crate::reconcile::delivery::Delivery;
use crate::reconcile::fingerprint::snapshot;
use crate::reconcile::guard::{Refusal, judge};
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Options, Plan};
use crate::reconcile::rotation::Rotation;
use crate::reconcile::selection::Selection;
use crate::text::{counted, safe};

use super::super::args::{ChangeKeys, Consents, Pruning, Selected};
use super::super::asking::{SoFar, asked as consented};
use super::super::exit::{Exit, Failure};
use super::super::outlet::Outlet;
use super::super::progress::Steps;
use super::super::sealing::{Resealed, seal_anew};
use super::super::session::{Session, check_patterns, options, show_problems};
use super::super::signals::{Signals, stop_then_give_up};
use super::super::stale::{ASKED, stale, what_moved};

use super::choice::{Asked, Choice, InPlace};
use super::order::Order;

/// Runs `rotate`, `confirm` and `abort`.
pub(super) async fn run(
    order: &Order,
    keys: &ChangeKeys,
    workspace: &Path,
    outlet: &Outlet,
    printer: Printer,
) -> Result<Exit, Failure> {
    let ChangeKeys { connection, vars, approval, .. } = keys;
    let selection = options(&order.selected, &Pruning::default())?.selection;
    let mut options = options(&Selected::default(), &Pruning::default())?;
    options.rotation.silence = order.silence;
    options.hold_back = true;
    let mut session = Session::open(workspace, connection, vars, printer).await?;
    let consent = Consent { allow: approval.allow.clone(), ..Consent::default() };
    session.trusted = consent.trusted();
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
    let given = Consents { allow: approval.allow.clone(), ..Consents::default() };
    let again = session.again().assigning(vars).consenting(&given);
    let again = if approval.auto_approve { again.with("--auto-approve") } else { again }.lifting(&guards);
    let again = again.map(|again| again.named(&order.command())).filter(|_| !guards.is_empty());
    show_refusals(&choice, &guards, again.as_deref(), printer);
    if let Some(stages) = &stages {
        show_problems(stages.problems(), &session.sources, printer);
    }
    let stopped = stages.as_ref().is_some_and(|stages| has_errors(stages.problems()));
    let stages = stages.filter(|stages| guards.is_empty() && !stages.steps().is_empty());
    let refused = !choice.refusals.is_empty() || !guards.is_empty();
    if choice.in_place.is_empty() && stages.is_none() {
        if !refused {
            waiting(&plan, &choice, printer);
        }
        return Ok(match (refused, stopped) {
            (true, _) => Exit::Refused,
            (false, true) => Exit::Error,
            (false, false) => Exit::Done,
        });
    }
    printer.show(&sheet(&choice.in_place, printer));
    if let Some(stages) = &stages {
        let steps = stages.steps().iter().map(|step| plan_text::step(&StepDocument::from(step), printer.out));
        steps.for_each(|step| printer.show(&step));
    }
    let question = "Go on with this? Only `yes` is accepted: ";
    if !approval.auto_approve {
        if !consented(question, "yes", "pass --auto-approve", SoFar::Nothing, printer)? {
            return Ok(Exit::Refused);
        }
        let now = session.read(printer).await?;
        let moved = moved_since(&session, stages.as_ref(), &choice, &options, &now)?;
        if !moved.is_empty() {
            return Ok(stale(ASKED, SoFar::Nothing, &moved, outlet, printer));
        }
    }
    let parallelism = usize::from(connection.parallelism);
    let run = Run { session: &session, parallelism, outlet, printer };
    let (signals, stop) = (Signals::catch(), CancellationToken::new());
    let done = tokio::select! {
        done = run.carry_out(stages.as_ref(), &choice, &stop) => done,
        () = stop_then_give_up(signals, &stop, printer) => return Ok(Exit::Interrupted),
    };
    run.show_what_is_left(&choice, &options).await;
    let refusals = choice.refusals.len() + guards.len();
    printer.show(&format!("{}\n", done.last_line(refusals)));
    if stop.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let exit = done.exit();
    Ok(if exit == Exit::Done && (refused || stopped) { Exit::Partly } else { exit })
}

/// What became of the steps of a run.
#[derive(Default)]
struct Done {
    applied: usize,
    /// How what was begun failed.
    failed: Vec<Exit>,
    /// How many were not begun.
    not_attempted: usize,
}

impl Done {
    /// The same words as those of `apply`.
    fn last_line(&self, refusals: usize) -> String {
        let all = self.applied + self.failed.len() + self.not_attempted;
        let mut line = format!("Applied: {} of {all} steps", self.applied);
        let counts =
            [(self.failed.len(), "failed"), (self.not_attempted, "not attempted"), (refusals, "refused")];
        for (count, words) in counts.iter().filter(|(count, _)| *count > 0) {
            line.push_str(&format!(", {count} {words}"));
        }
        line.push('.');
        line
    }

    /// Where all failed in one way and nothing was done, that way.
    fn exit(&self) -> Exit {
        match (self.applied, self.failed.as_slice()) {
            (_, []) if self.not_attempted == 0 => Exit::Done,
            (0, [first, rest @ ..]) if self.not_attempted == 0 && rest.iter().all(|exit| exit == first) => {
                *first
            }
            _ => Exit::Partly,
        }
    }
}

/// What of a choice is not any more as it was when the question was asked.
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
    let lives = match &now.observation.integrations {
        Observed::Present(lives) => lives.as_slice(),
        Observed::Absent | Observed::NotRead | Observed::Unreadable(_) => &[],
    };
    for InPlace { live, .. } in &choice.in_place {
        let found = lives.iter().find(|found| found.ikey == live.ikey);
        if found.is_none_or(|found| snapshot(found) != snapshot(live)) {
            moved.push(format!("application {} changed in Duo", live.ikey));
        }
    }
    Ok(moved)
}

/// The steps of the rotations by a twin; `None` where there is none.
fn stages(session: &Session, reading: &Reading, choice: &Choice<'_>, options: &Options) -> Option<Plan> {
    let globs: Vec<String> = choice.twins.iter().map(|address| globset::escape(address.as_str())).collect();
    let selection = Selection::new(&globs, &[]).ok().filter(|_| !globs.is_empty())?;
    let options = Options { selection, rotation: choice.orders.clone(), ..options.clone() };
    Some(session.planned(&reading.observation, &options))
}

fn show_refusals(choice: &Choice<'_>, guards: &[Refusal], again: Option<&str>, printer: Printer) {
    if choice.young > 0 {
        printer.remark(&format!("{} keys are young enough, and left alone\n", choice.young));
    }
    let mut lines: Vec<String> = choice.refusals.clone();
    lines.extend(guards.iter().map(|refusal| {
        let lift = refusal.lift.as_ref().map(|lift| format!("; to allow it: {lift}")).unwrap_or_default();
        format!("{}{lift}", refusal.message)
    }));
    if lines.is_empty() {
        return;
    }
    let others = if choice.in_place.is_empty() && (choice.twins.is_empty() || !guards.is_empty()) {
        "; nothing was changed:"
    } else {
        "; the others go on:"
    };
    let lines: String = lines.iter().map(|reason| format!("  ! {}\n", safe(reason))).collect();
    let again =
        again.map(|again| format!("  to consent to all of it:\n    {}\n", safe(again))).unwrap_or_default();
    printer.problem(&format!("{}{others}\n{lines}{again}", printer.err.bad("refused")));
}

/// Nothing to do: either all rotations wait, or no key was old enough.
fn waiting(plan: &Plan, choice: &Choice<'_>, printer: Printer) {
    let waits = |rotation: &&Rotation| choice.twins.contains(&rotation.address);
    let rotations: Vec<Rotation> = plan.rotations().iter().filter(waits).cloned().collect();
    if rotations.is_empty() {
        printer.show("Nothing to rotate.\n");
    } else {
        printer.show(&rotations_text(&rotations, printer.out));
    }
}

struct Run<'a> {
    session: &'a Session,
    parallelism: usize,
    outlet: &'a Outlet,
    printer: Printer,
}

impl Run<'_> {
    async fn carry_out(&self, stages: Option<&Plan>, choice: &Choice<'_>, stop: &CancellationToken) -> Done {
        let mut done = Done::default();
        let writer = Writer::new(self.session.transport.clone());
        let courier = Courier::new(self.session.transport.clone(), &self.session.stores);
        if let Some(stages) = stages {
            let steps = Steps::new(self.printer, self.outlet, 0);
            let sealer = Sealer::new(&self.session.keyring);
            let hands = Hands { writer: &writer, courier: &courier, deputy: None, sealer };
            let outcomes = execute(stages, hands, self.parallelism, stop, &steps).await;
            steps.finish();
            for outcome in &outcomes {
                match outcome.status {
                    Status::Applied => done.applied += 1,
                    // What was begun was shown as it ended.
                    Status::NotAttempted(_) => {
                        self.printer.show(&apply::line(&OutcomeDocument::from(outcome), self.printer.out));
                        done.not_attempted += 1;
                    }
                    _ => done.failed.push(exit_of(outcome)),
                }
            }
        }
        for (index, InPlace { address, live, secret, is_operator }) in choice.in_place.iter().enumerate() {
            if stop.is_cancelled() {
                done.not_attempted += choice.in_place.len() - index;
                break;
            }
            let delivery = Delivery::new(secret, "the keys are new");
            let outcome = if *is_operator {
                self.rotate_operator(address, live, &delivery).await
            } else {
                in_place(&writer, Sealer::new(&self.session.keyring), &courier, address, live, &delivery)
                    .await
            };
            self.printer.show(&line(address, &outcome, self.printer));
            remark_console(address, &outcome, self.printer);
            if *is_operator {
                self.say_where_the_operator_is(&outcome);
            }
            match outcome {
                Rotated::Delivered(_) => done.applied += 1,
                Rotated::Failed(error) => done.failed.push(Exit::of(&error)),
                Rotated::Refused(_) => done.failed.push(Exit::Refused),
                Rotated::Unready(_) => done.failed.push(Exit::Error),
                Rotated::NotDelivered(_) | Rotated::Unknown(_) => done.failed.push(Exit::Partly),
            }
        }
        done
    }

    /// The operator's own key, replaced, delivered and proven by the recovery key.
    async fn rotate_operator(&self, address: &Address, live: &Integration, delivery: &Delivery) -> Rotated {
        let second = match self.session.recovery_key() {
            Ok(second) => second,
            Err(reason) => return Rotated::Refused(reason),
        };
        // A recovery key that cannot hand out the new one would leave nobody with a key that works.
        if let Err(error) = KeyReader::new(second.clone()).secret_key(&live.ikey).await {
            return Rotated::Refused(format!(
                "the recovery key cannot read its key, so nothing was changed: {error}"
            ));
        }
        let courier = Courier::new(second.clone(), &self.session.stores);
        let (writer, sealer) = (Writer::new(second.clone()), Sealer::new(&self.session.keyring));
        let outcome = in_place(&writer, sealer, &courier, address, live, delivery).await;
        if matches!(outcome, Rotated::Delivered(_) | Rotated::NotDelivered(_)) {
            self.seal_anew(&second, &live.ikey).await;
        }
        outcome
    }

    /// The old key sealed the markers of this workspace.
    async fn seal_anew(&self, second: &HttpsTransport, operator: &Ikey) {
        let markers = |count| counted(count, "marker", "markers");
        match seal_anew(&self.session.workspace, &self.session.keyring, second, operator).await {
            Ok(Resealed { done: 0, failed: 0 }) => {}
            Ok(Resealed { done, failed: 0 }) => {
                self.printer.remark(&format!("sealed {} anew with the new key\n", markers(done)));
            }
            Ok(Resealed { done, failed }) => self.printer.problem(&format!(
                "sealed {} anew with the new key, and {} could not be: list the old key in \
                 `tenant.credentials.state_keys` until `duoctl apply` has changed their applications\n",
                markers(done),
                markers(failed)
            )),
            Err(error) => self.printer.problem(&format!(
                "the markers could not be sealed anew with the new key ({error}): list the old key in \
                 `tenant.credentials.state_keys` until `duoctl apply` has changed their applications\n"
            )),
        }
    }

    fn say_where_the_operator_is(&self, outcome: &Rotated) {
        match outcome {
            Rotated::Failed(_) | Rotated::Refused(_) | Rotated::Unready(_) => {}
            Rotated::Delivered(_) => self.printer.problem(
                "duoctl's own key has changed: what `tenant.credentials.secret_key` names has to hold the new one now\n",
            ),
            Rotated::NotDelivered(_) | Rotated::Unknown(_) => self.printer.problem(
                "duoctl's own key has changed and is not where it belongs: let `tenant.credentials` name the recovery key, then \
                 `duoctl apply` delivers the new one\n",
            ),
        }
    }

    /// What every rotation waits for now.
    async fn show_what_is_left(&self, choice: &Choice<'_>, options: &Options) {
        if choice.twins.is_empty() {
            return;
        }
        // What was done was said; that the account cannot be read again is no failure of the rotation.
        let Ok(reading) = self.session.read(self.printer).await else { return };
        let plan = self.session.planned(&reading.observation, options);
        let rotations: Vec<Rotation> = plan
            .rotations()
            .iter()
            .filter(|rotation| choice.twins.contains(&rotation.address))
            .cloned()
            .collect();
        self.printer.show(&rotations_text(&rotations, self.printer.out));
        let retired = |address: &Address| plan.retired().iter().any(|retired| retired.address == *address);
        let over = choice.twins.iter().filter(|address| !rotations.iter().any(|r| r.address == **address));
        if over.filter(|address| retired(address)).count() > 0 {
            self.printer
                .remark("the old applications are out of use; `duoctl apply --prune` deletes them later\n");
        }
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

fn sheet(wanted: &[InPlace<'_>], printer: Printer) -> String {
    let mut text = String::new();
    for InPlace { address, live, secret, is_operator } in wanted {
        let address = printer.out.strong(address.as_str());
        text.push_str(&format!(
            "{} {address}  \"{}\" ({}) {}\n    a new key to {}\n    {} the old key stops working at once: whoever uses \
             it is refused until it reads the new one\n\n",
            printer.out.notice("~ rotate"),
            safe(live.name()),
            safe(live.kind()),
            live.ikey,
            safe(&secret.place),
            printer.out.bad("! outage:")
        ));
        if *is_operator {
            text.push_str("    duoctl itself uses this key; it is replaced, delivered and proven with the recovery key\n\n");
        }
    }
    text
}

fn line(address: &Address, outcome: &Rotated, printer: Printer) -> String {
    let address = printer.out.strong(address.as_str());
    match outcome {
        Rotated::Delivered(place) => format!("{} {address} {}\n", printer.out.good("rotated"), safe(place)),
        Rotated::NotDelivered(error) => format!(
            "{} {address}: {}; there is a new key, and `duoctl apply` delivers it\n",
            printer.out.bad("rotated, not delivered"),
            safe(&error.to_string())
        ),
        Rotated::Refused(reason) => {
            format!("{} {address}: {}\n", printer.out.bad("not rotated"), safe(reason))
        }
        Rotated::Unready(error) => format!(
            "{} {address}: the store was tried first, and failed: {}; the key in Duo was not changed\n",
            printer.out.bad("not rotated"),
            safe(&error.to_string())
        ),
        Rotated::Failed(error) => {
            format!("{} {address}: {}\n", printer.out.bad("not rotated"), safe(&error.to_string()))
        }
        Rotated::Unknown(error) => format!(
            "{} {address}: {}; the store holds what Duo has now, run `duoctl keys rotate` again for a new key\n",
            printer.out.bad("perhaps not rotated"),
            safe(&error.to_string())
        ),
    }
}

/// A console that holds the old key has to be given the new one.
fn remark_console(address: &Address, outcome: &Rotated, printer: Printer) {
    let entry = address.composite().filter(|_| address.is_intelligence()).map(|(entry, _)| entry);
    let unchanged = matches!(outcome, Rotated::Failed(_) | Rotated::Refused(_) | Rotated::Unready(_));
    if let (Some(entry), false) = (entry, unchanged) {
        let name = short_name(entry.as_str());
        printer.remark(&format!(
            "`duoctl handoff {name}` shows what to enter again, then `duoctl attest {name}` says that it is done\n"
        ));
    }
}
