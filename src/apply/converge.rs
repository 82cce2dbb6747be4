//! Reads the account again after the writes; the plan must then be empty.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::duo::api::WriteApi;
use crate::duo::object::Ikey;
use crate::kinds::address::Address;
use crate::observe::{Reading, look_up, observe};
use crate::reconcile::delivery::Held;
use crate::reconcile::desired::Desired;
use crate::reconcile::plan::settle::settle;
use crate::reconcile::plan::{Action, Options, Plan, Prune, plan};
use crate::secrets::Stores;

use super::outcome::Normalised;
use super::seal::Sealer;

/// Duo does not promise that a read right after a write sees it, so a difference is checked again three times over about
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
    /// The current plan; its steps are what the apply did not achieve.
    pub plan: Plan,
    /// Values that Duo stores in another form than they were sent.
    pub normalised: Vec<Normalised>,
}

/// The contents of the secret stores before the apply, and the stores for checking what it delivered.
pub struct Shelves<'a> {
    /// The stores.
    pub stores: &'a Stores,
    /// Their contents.
    pub before: &'a BTreeMap<Address, Held>,
    /// How many lookups may run at once.
    pub parallelism: usize,
    /// Seals the markers that record what Duo stores, and verifies the others.
    pub sealer: Sealer<'a>,
}

impl Shelves<'_> {
    async fn look_again(&self, desired: &Desired, written: &[Address]) -> BTreeMap<Address, Held> {
        let touched = desired.objects.iter().filter(|wanted| written.contains(&wanted.address));
        let mut held = self.before.clone();
        held.extend(look_up(self.stores, touched, self.parallelism).await);
        held
    }
}

/// Reads the account again, at most three times, until the plan contains nothing that was written.
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
        let settlements = settle(desired, &reading.observation, written, wait.is_zero());
        if !settlements.is_empty() {
            for settlement in settlements {
                // If the marker cannot be written now, the next apply finds the same difference and writes it.
                if writer
                    .update(
                        &settlement.id,
                        shelves.sealer.over(settlement.id.kind, Some(&settlement.id.id), &settlement.body),
                    )
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
            // The next apply tries a store again that just failed.
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
