//! Runs the steps of a plan: which of them run together, and in what order.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::duo::api::WriteApi;
use crate::duo::call::Transport;
use crate::kinds::Kind;
use crate::reconcile::plan::{Action, Plan, Step};

use super::creation::{confirmed, rests_on_the_list};
use super::deliver::Courier;
use super::deputy::Deputy;
use super::made::{Listed, Made, list_with};
use super::outcome::{Status, StepOutcome};
use super::run::{Run, Stop};
use super::seal::Sealer;

/// Is notified when each step begins and ends.
pub trait Progress: Sync {
    /// A step begins.
    fn begin(&self, step: &Step);
    /// A step has ended.
    fn end(&self, outcome: &StepOutcome);
}

/// The resources for carrying out a plan.
pub struct Hands<'a, W, T> {
    /// The operator's connection, which writes.
    pub writer: &'a W,
    /// Delivers keys to secret stores.
    pub courier: &'a Courier<'a, T>,
    /// Changes the operator's own application, if there is a recovery key.
    pub deputy: Option<&'a Deputy<T>>,
    /// Seals markers.
    pub sealer: Sealer<'a>,
}

/// Carries out a plan: first additions and changes, then removals. Steps of one address keep their order; addresses run in
/// parallel, at most `parallelism` at once. Nothing is removed at an address where an earlier step failed: the old keys of
/// a replacement stay until the new ones are delivered. A cancelled run finishes the steps under way.
///
/// Whatever is created has no access until a list that was requested afterwards shows it as it was sent, and shows nothing
/// else at its address. Before the first step that creates or removes, the list of applications is read once more, and
/// must match the one that the plan was made from.
///
/// A change of the operator's own application is made by the `deputy`, if there is one, alone and after every other
/// change: no other request is in flight while the key that signs it is in doubt, and the other changes are done
/// regardless of the outcome. It comes before removals, because a removal at its own address waits for it, and because a
/// key that may stop working must not remove anything.
pub async fn execute<'a, W: WriteApi, T: Transport + Clone>(
    plan: &'a Plan,
    hands: Hands<'a, W, T>,
    parallelism: usize,
    stop: &CancellationToken,
    progress: &dyn Progress,
) -> Vec<StepOutcome> {
    let removes = |step: &&Step| matches!(step.action, Action::Quarantine | Action::Delete);
    let (removals, changes): (Vec<&Step>, Vec<&Step>) = plan.steps().iter().partition(removes);
    let unconfirmed = confirmed(plan, hands.writer).await.err().map(|stop| stop.status(false));
    let sealer = hands.sealer.adopting(plan.claimed());
    let Hands { writer, courier, deputy, sealer: _ } = hands;
    let made = &Made::default();
    let crew = Crew { plan, writer, courier, deputy, sealer, made, parallelism, stop, progress, unconfirmed };
    let own = changes.iter().filter(|step| crew.is_by_deputy(step));
    let own: BTreeSet<&str> = own.map(|step| step.address.as_str()).collect();
    let (own, changes): (Vec<&Step>, Vec<&Step>) =
        changes.into_iter().partition(|step| own.contains(step.address.as_str()));
    // Objects come before those that refer to them, and are removed after them.
    let of = |steps: &[&'a Step], kind| steps.iter().copied().filter(|step| step.kind == kind).collect();
    let first = Kind::ALL.into_iter().map(|kind| of(&changes, kind));
    let last = Kind::ALL.into_iter().rev().map(|kind| of(&removals, kind));
    let mut outcomes = Vec::with_capacity(plan.steps().len());
    for phase in first.chain([own]).chain(last) {
        let done = crew.phase(phase, &outcomes).await;
        outcomes.extend(done);
    }
    outcomes
}

/// How many addresses run together at most: what they create waits without access for one list that shows all of it.
const BATCH: usize = 100;

/// Who carries out a plan.
struct Crew<'a, W, T> {
    plan: &'a Plan,
    writer: &'a W,
    courier: &'a Courier<'a, T>,
    deputy: Option<&'a Deputy<T>>,
    sealer: Sealer<'a>,
    made: &'a Made,
    parallelism: usize,
    stop: &'a CancellationToken,
    progress: &'a dyn Progress,
    /// The status of the steps that depend on the list of applications, if the list does not match the plan.
    unconfirmed: Option<Status>,
}

impl<'a, W: WriteApi, T: Transport + Clone> Crew<'a, W, T> {
    fn is_by_deputy(&self, step: &Step) -> bool {
        self.deputy.is_some() && step.writes_to(self.plan.operator())
    }

    /// Runs steps that may run at the same time if they belong to different addresses.
    async fn phase(&self, steps: Vec<&'a Step>, before: &[StepOutcome]) -> Vec<StepOutcome> {
        let mut lanes = self.lanes(steps, before);
        for batch in lanes.chunks_mut(BATCH) {
            self.each(batch.iter_mut().map(|lane| lane.advance(self))).await;
            while batch.iter().any(Lane::waits) {
                let created = batch.iter().filter_map(|lane| lane.run.created.as_ref());
                let list = list_with(created, self.writer).await;
                let waiting = batch.iter_mut().filter(|lane| lane.waits());
                let list = &list;
                self.each(waiting.map(|lane| async move {
                    lane.look(list, self).await;
                    lane.advance(self).await;
                }))
                .await;
            }
        }
        lanes.into_iter().flat_map(|lane| lane.outcomes).collect()
    }

    async fn each(&self, work: impl Iterator<Item = impl Future<Output = ()>>) {
        futures_util::stream::iter(work).buffer_unordered(self.parallelism.max(1)).collect::<()>().await;
    }

    /// One lane for each address, in the order of the addresses' first steps.
    fn lanes(&self, steps: Vec<&'a Step>, before: &[StepOutcome]) -> Vec<Lane<'a, W, T>> {
        let failed = before.iter().filter(|outcome| !matches!(outcome.status, Status::Applied));
        let failed: BTreeSet<&str> = failed.map(|outcome| outcome.address.as_str()).collect();
        let in_doubt = |outcome: &StepOutcome| {
            matches!(outcome.status, Status::NotRolledBack(_) | Status::RolledBack { proven: false, .. })
        };
        let shut_out = before.iter().any(in_doubt);
        let mut lanes: Vec<Lane<'_, W, T>> = Vec::new();
        let mut lane_of: BTreeMap<&str, usize> = BTreeMap::new();
        for step in steps {
            let lane = *lane_of.entry(step.address.as_str()).or_insert(lanes.len());
            let depends = step.after.iter().any(|address| failed.contains(address.as_str()));
            if lane == lanes.len() {
                let broken = if shut_out {
                    Some("the operator's own key may no longer work")
                } else {
                    failed.contains(step.address.as_str()).then_some(EARLIER)
                };
                lanes.push(Lane {
                    run: Run::new(self.plan, self.writer, self.courier, self.deputy, self.sealer, self.made),
                    steps: Vec::new(),
                    broken,
                    under_way: None,
                    outcomes: Vec::new(),
                });
            }
            if let Some(lane) = lanes.get_mut(lane) {
                lane.broken = lane.broken.or(depends.then_some(DEPENDS));
                lane.steps.push(step);
            }
        }
        lanes
    }

    /// Why a step does not begin.
    fn held_back(&self, step: &Step, broken: Option<&'static str>) -> Option<Status> {
        let made = self.made.ids();
        let missing = step.awaits.iter().find(|address| !made.contains_key(*address));
        if let Some(why) = broken {
            Some(Status::NotAttempted(why.to_owned()))
        } else if self.stop.is_cancelled() {
            Some(Status::NotAttempted("the run was interrupted".to_owned()))
        } else if let Some(missing) = missing {
            Some(Status::NotAttempted(format!("{missing}, which it refers to, was not created")))
        } else {
            self.unconfirmed.clone().filter(|_| rests_on_the_list(step))
        }
    }
}

const DEPENDS: &str = "a step that it depends on was not done";

const EARLIER: &str = "an earlier step of the address failed";

/// The steps of one address; none of them begins once something is `broken`.
struct Lane<'a, W, T> {
    run: Run<'a, W, T>,
    steps: Vec<&'a Step>,
    broken: Option<&'static str>,
    /// The outcome of the step under way.
    under_way: Option<StepOutcome>,
    outcomes: Vec<StepOutcome>,
}

impl<'a, W: WriteApi, T: Transport + Clone> Lane<'a, W, T> {
    /// Whether it created something that has not been confirmed yet.
    fn waits(&self) -> bool {
        self.under_way.is_some()
    }

    /// Continues to the end, or until something was created.
    async fn advance(&mut self, crew: &Crew<'a, W, T>) {
        while let Some(step) = self.steps.get(self.outcomes.len()).copied() {
            let mut outcome = match self.under_way.take() {
                Some(outcome) => outcome,
                None => {
                    let mut outcome = StepOutcome {
                        address: step.address.clone(),
                        action: step.action,
                        id: step.id.clone(),
                        stage: step.stage().map(str::to_owned),
                        by_recovery_key: crew.is_by_deputy(step),
                        status: Status::Applied,
                        note: None,
                    };
                    if let Some(status) = crew.held_back(step, self.broken) {
                        outcome.status = status.clone();
                        if !matches!(status, Status::NotAttempted(_)) {
                            crew.progress.begin(step);
                            crew.progress.end(&outcome);
                        }
                        self.ended(outcome);
                        continue;
                    }
                    crew.progress.begin(step);
                    self.run.begin();
                    outcome
                }
            };
            let went = self.run.go_on(step, &mut outcome).await;
            if went.is_ok() && self.run.waits() {
                self.under_way = Some(outcome);
                return;
            }
            self.end(outcome, went, crew);
        }
    }

    /// Looks for what was created in a list that was requested afterwards.
    async fn look(&mut self, list: &Listed, crew: &Crew<'a, W, T>) {
        let Some(step) = self.steps.get(self.outcomes.len()).copied() else { return };
        if let Err(stopped) = self.run.look(step, list).await
            && let Some(outcome) = self.under_way.take()
        {
            self.end(outcome, Err(stopped), crew);
        }
    }

    fn end(&mut self, mut outcome: StepOutcome, went: Result<(), Stop>, crew: &Crew<'a, W, T>) {
        if let Err(stopped) = went {
            outcome.status = stopped.status(self.run.has_written());
        }
        crew.progress.end(&outcome);
        self.ended(outcome);
    }

    fn ended(&mut self, outcome: StepOutcome) {
        if !matches!(outcome.status, Status::Applied) {
            self.broken.get_or_insert(EARLIER);
        }
        self.outcomes.push(outcome);
    }
}
