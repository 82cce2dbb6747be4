//! After the writes: the account is read again, and the plan must be empty.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::duo::api::WriteApi;
use crate::duo::types::Ikey;
use crate::kinds::address::Address;
use crate::observe::{Reading, look_up, observe};
use crate::reconcile::delivery::Held;
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::settle::settle;
use crate::reconcile::plan::{Action, Options, Plan, Prune, plan};
use crate::secrets::Stores;

use super::outcome::Normalised;
use super::seal::Sealer;

/// Nothing promises that a read right after a write sees it, so a contradiction is asked about three times over about
/// five seconds before it counts (duo-api.md, trap 30).
pub(super) const WAITS: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(1500), Duration::from_millis(3500)];

/// One of these waits, announced.
pub(super) async fn pause(writer: &impl WriteApi, wait: Duration) {
    if !wait.is_zero() {
        writer.announce("Duo does not show every change yet", wait);
    }
    tokio::time::sleep(wait).await;
}

/// The account after an apply.
#[derive(Debug)]
pub struct Converged {
    /// The plan of now; its steps are what the apply did not reach.
    pub plan: Plan,
    /// What Duo keeps in another form than the one that was sent.
    pub normalised: Vec<Normalised>,
}

/// What the secret stores held before the apply, and the stores to look again at what it delivered.
pub struct Shelves<'a> {
    /// The stores.
    pub stores: &'a Stores,
    /// What they held.
    pub before: &'a BTreeMap<Address, Held>,
    /// How many may be looked up at once.
    pub parallelism: usize,
    /// Seals the markers that record what Duo keeps, and verifies the others.
    pub sealer: Sealer<'a>,
}

impl Shelves<'_> {
    async fn look_again(&self, desired: &Desired, written: &[Address]) -> BTreeMap<Address, Held> {
        let touched = desired.applications.iter().filter(|wanted| written.contains(&wanted.address));
        let mut held = self.before.clone();
        held.extend(look_up(self.stores, touched, self.parallelism).await);
        held
    }
}

/// Reads the account again until the plan covers nothing that was written, at most three times.
pub async fn converge<W: WriteApi>(
    writer: &W,
    desired: &Desired,
    options: &Options,
    operator: &Ikey,
    host: &str,
    written: &[Address],
    shelves: &Shelves<'_>,
) -> (Converged, Reading) {
    let options = Options { prune: Prune::No, ..options.clone() };
    let mut normalised = Vec::new();
    let mut last = None;
    for wait in WAITS {
        pause(writer, wait).await;
        let mut reading = observe(writer, desired, shelves.sealer.keyring(), operator, host).await;
        let held = shelves.look_again(desired, written).await;
        // The first look may be too early, and an old value must not be taken for what Duo made of the new one.
        let settlements =
            if wait.is_zero() { Vec::new() } else { settle(desired, &reading.observation, written) };
        if !settlements.is_empty() {
            for settlement in settlements {
                // A marker that cannot be written now is written by the next apply, which finds the same difference.
                if writer
                    .update(&settlement.ikey, shelves.sealer.over(Some(&settlement.ikey), &settlement.body))
                    .await
                    .is_ok()
                {
                    let entry = |(field, sent, kept)| Normalised {
                        address: settlement.address.clone(),
                        field,
                        sent,
                        kept,
                    };
                    normalised.extend(settlement.fields.into_iter().map(entry));
                }
            }
            reading = observe(writer, desired, shelves.sealer.keyring(), operator, host).await;
        }
        reading.observation.held = held;
        let now = plan(desired, &reading.observation, &options);
        let settled = !now.steps().iter().any(|step| {
            // A store that failed a moment ago is asked again by the next apply.
            written.contains(&step.address) && step.action != Action::Deliver
        });
        last = Some((now, reading));
        if settled {
            break;
        }
    }
    let (plan, reading) = match last {
        Some(last) => last,
        None => {
            let mut reading = observe(writer, desired, shelves.sealer.keyring(), operator, host).await;
            reading.observation.held = shelves.look_again(desired, written).await;
            (plan(desired, &reading.observation, &options), reading)
        }
    };
    (Converged { plan, normalised }, reading)
}
