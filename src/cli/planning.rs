//! The plan of a session, completed with the account's logs and the people who are affected.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::duo::activity::activities;
use crate::duo::object::{Ikey, Kind};
use crate::observe::memberships::memberships;
use crate::observe::replays::{Silence, look_for_replays};
use crate::observe::uses::{touched, uses};
use crate::observe::{Reading, counts};
use crate::output::printer::Printer;
use crate::reconcile::consent::Consent;
use crate::reconcile::diff::Origin;
use crate::reconcile::effect::{Memberships, assess, needs};
use crate::reconcile::guard::asks_for_caller;
use crate::reconcile::observation::Observation;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Action, Options, Plan, Step};

use super::args::Impact;
use super::progress::Spinner;
use super::session::Session;

/// How far back, and over how many pages, the activity log is searched for the addresses that duoctl calls from.
const CALLERS_MS: i64 = 30 * 24 * 3600 * 1000;
const CALLERS_PAGES: usize = 3;

impl Session {
    /// The plan from a reading. Before a deletion after a quarantine, the authentication log is read to see whether the
    /// application is still used; before any deletion, Duo is asked how many applications there are.
    pub async fn plan(&self, reading: &mut Reading, options: &Options, printer: Printer) -> Plan {
        let mut found = self.planned(&reading.observation, options);
        if !found.unlooked().is_empty() {
            let spinner = Spinner::start("reading the authentication log", printer);
            let now = self.by_duos_clock(reading.observation.observed_at);
            let (seen, wanted) = (&mut reading.observation, found.unlooked());
            seen.uses = uses(&self.transport, wanted, now).await;
            match touched(&self.transport, wanted, &self.operator, now).await {
                Ok(touched) => seen.touched = touched,
                // An administrator may have changed it in order to keep it.
                Err(reason) => seen.uses.extend(
                    wanted.iter().map(|(ikey, _)| (ikey.clone(), Observed::Unreadable(reason.clone()))),
                ),
            }
            spinner.finish();
            found = self.planned(&reading.observation, options);
        }
        if !found.by_word().is_empty() {
            let spinner = Spinner::start("reading the activity log", printer);
            let now = self.duo_now();
            look_for_replays(
                &self.transport,
                &mut reading.observation,
                found.by_word(),
                now,
                Silence::Doubts,
            )
            .await;
            spinner.finish();
            found = self.planned(&reading.observation, options);
        }
        if found.deletes() {
            reading.observation.counted = counts::applications(&self.transport).await;
            found = self.planned(&reading.observation, options);
        }
        found
    }

    /// The plan of a reading for `drift`. If someone put back an old marker together with the value that it covers, a
    /// change in Duo would look like one of the YAML. So the activity log is checked for what only the YAML seems to have
    /// changed.
    pub async fn plan_of_drift(&self, reading: &mut Reading, options: &Options, printer: Printer) -> Plan {
        let found = self.plan(reading, options, printer).await;
        let of_yaml = |step: &&Step| step.changes.iter().all(|change| change.origin == Some(Origin::Config));
        let updates = found.steps().iter().filter(|step| step.action == Action::Update).filter(of_yaml);
        let wanted: Vec<Ikey> = updates.filter_map(|step| step.ikey().cloned()).collect();
        if wanted.is_empty() {
            return found;
        }
        let spinner = Spinner::start("reading the activity log", printer);
        let now = self.duo_now();
        look_for_replays(&self.transport, &mut reading.observation, &wanted, now, Silence::SaysNothing).await;
        spinner.finish();
        self.planned(&reading.observation, options)
    }

    /// The plan that is to be carried out. Duo's logs show with a delay who changed what the plan removes, so an edit from
    /// the minutes before the reading would be missed: they are read again as soon as they cover these minutes.
    pub async fn settled_plan(&self, reading: &mut Reading, options: &Options, printer: Printer) -> Plan {
        let found = self.plan(reading, options, printer).await;
        if found.by_word().is_empty() && reading.observation.uses.is_empty() {
            return found;
        }
        let since = Timestamp::now().duration_since(reading.observation.observed_at);
        let left = self.log_delay().saturating_sub(since.unsigned_abs());
        if left.is_zero() {
            return found;
        }
        let spinner =
            Spinner::start("waiting until Duo's logs show who changed what is to be removed", printer);
        tokio::time::sleep(left).await;
        spinner.finish();
        reading.observation.uses.clear();
        self.plan(reading, options, printer).await
    }

    /// Counts who is affected by a plan. Reads nothing if the plan changes neither who may log in nor a policy;
    /// reading errors are not failures.
    pub async fn tell_affected(
        &self,
        plan: &mut Plan,
        observation: &Observation,
        impact: &Impact,
        printer: Printer,
    ) {
        // An untrusted author of the YAML could choose whose names are shown.
        let budget = if self.trust.is_full() { impact.impact_budget } else { 0 };
        let needs = needs(plan, observation);
        let people = if needs.is_empty() {
            Memberships::default()
        } else {
            let spinner = Spinner::start("counting who is affected", printer);
            let groups = match observation.objects.of(Kind::Group) {
                Observed::Present(groups) => Some(groups.as_slice()),
                Observed::NotRead | Observed::Absent | Observed::Unreadable(_) => None,
            };
            let people = memberships(&self.transport, &needs, groups, budget).await;
            spinner.finish();
            people
        };
        plan.tell_affected(assess(plan, observation, &people));
    }

    /// The consent, completed with the addresses from which Duo recently saw the operator call, if a guard needs them
    /// and none was stated. If they cannot be read, the guard refuses.
    pub async fn informed(&self, plan: &Plan, consent: Consent) -> Consent {
        if !asks_for_caller(plan, &self.desired.guards, &consent) {
            return consent;
        }
        let now = jiff::Timestamp::now().as_millisecond();
        let Ok(log) = activities(&self.transport, now - CALLERS_MS, now, CALLERS_PAGES).await else {
            return consent;
        };
        let own = log.items.iter().filter(|activity| Ikey::new(activity.actor.as_str()) == self.operator);
        let callers: BTreeSet<IpAddr> =
            own.filter_map(|activity| activity.from.as_ref()?.parse().ok()).collect();
        Consent { callers: callers.into_iter().collect(), ..consent }
    }
}
