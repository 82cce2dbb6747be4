//! Replaces keys in the same application, one after the other; the recovery key replaces the key that duoctl itself uses.

use tokio_util::sync::CancellationToken;

use crate::apply::rotate::{Rotated, in_place};
use crate::apply::seal::Sealer;
use crate::cli::exit::Exit;
use crate::cli::sealing::{Resealed, seal_anew};
use crate::cli::session::Session;
use crate::duo::api::SecretApi as _;
use crate::duo::client::{KeyReader, Writer};
use crate::duo::https::HttpsTransport;
use crate::duo::object::{Ikey, Object};
use crate::kinds::address::Address;
use crate::language::address::Place;
use crate::output::document::{DeliveryDocument, OutcomeDocument, StepDocument};
use crate::output::printer::Printer;
use crate::reconcile::delivery::{Delivery, DesiredSecret};
use crate::reconcile::plan::Action;
use crate::text::counted;

/// One application whose key is replaced in place.
pub(super) struct InPlace<'a> {
    /// Its address.
    pub(super) address: &'a Address,
    /// The application.
    pub(super) live: &'a Object,
    /// Where its keys go.
    pub(super) secret: &'a DesiredSecret,
    /// Whether duoctl itself uses the key.
    pub(super) is_operator: bool,
}

impl InPlace<'_> {
    fn delivery(&self) -> Delivery {
        Delivery::new(self.secret, "the key is new")
    }

    fn consequences(&self) -> Vec<String> {
        let outage = "the old key stops working at once: its users are refused until they read the new one";
        let own = "duoctl itself uses this key: the recovery key replaces, delivers and proves it";
        let own = self.is_operator.then(|| own.to_owned());
        std::iter::once(outage.to_owned()).chain(own).collect()
    }

    /// The step as it is planned.
    pub(super) fn step(&self) -> StepDocument {
        StepDocument {
            address: self.address.to_string(),
            action: Action::Rotate,
            integration_key: Some(self.live.id.to_string()),
            kind: crate::kinds::Kind::Application,
            variant: self.live.variant().to_owned(),
            name: self.live.name().to_owned(),
            changes: Vec::new(),
            affected: None,
            consequences: self.consequences(),
            delivery: Some(DeliveryDocument::from(&self.delivery())),
            risks: Vec::new(),
            drift: Vec::new(),
            rests_on: Vec::new(),
            made_by: None,
            place: None,
        }
    }
}

/// Replaces keys in place.
pub(super) struct Rotator<'a> {
    /// The workspace and the account.
    pub(super) session: &'a Session,
    /// The terminal.
    pub(super) printer: Printer,
}

impl Rotator<'_> {
    /// Replaces the keys one after the other and calls `ended` for each. Returns the exit codes of the failures.
    pub(super) async fn carry_out(
        &self,
        wanted: &[InPlace<'_>],
        stop: &CancellationToken,
        mut ended: impl FnMut(OutcomeDocument),
    ) -> Vec<Exit> {
        let mut failed = Vec::new();
        for wanted in wanted {
            let step = wanted.step();
            if stop.is_cancelled() {
                ended(OutcomeDocument::not_attempted(&step, "the run was interrupted"));
                continue;
            }
            let outcome = self.rotate(wanted).await;
            ended(OutcomeDocument::rotated(&step, &outcome));
            self.say_what_is_next(wanted, &outcome);
            failed.extend(exit_of(&outcome));
        }
        failed
    }

    async fn rotate(&self, wanted: &InPlace<'_>) -> Rotated {
        let InPlace { address, live, .. } = *wanted;
        let delivery = wanted.delivery();
        if wanted.is_operator {
            return self.rotate_operator(address, live, &delivery).await;
        }
        let transport = &self.session.transport;
        let (writer, sealer) = (Writer::new(transport.clone()), Sealer::new(&self.session.keyring));
        let courier = self.session.courier(transport);
        in_place(&writer, sealer, &courier, address, live, &delivery).await
    }

    /// duoctl's own key, replaced, delivered and proven with the recovery key.
    async fn rotate_operator(&self, address: &Address, live: &Object, delivery: &Delivery) -> Rotated {
        let second = match self.session.recovery_key() {
            Ok(second) => second,
            Err(reason) => return Rotated::Refused(reason),
        };
        // If the recovery key could not read the new key, no working key would be left.
        if let Err(error) = KeyReader::new(second.clone()).secret_key(&live.id).await {
            return Rotated::Refused(format!("the recovery key cannot read duoctl's own key: {error}"));
        }
        let courier = self.session.courier(&second);
        let (writer, sealer) = (Writer::new(second.clone()), Sealer::new(&self.session.keyring));
        let outcome = in_place(&writer, sealer, &courier, address, live, delivery).await;
        // Of a lost answer it is not known whether the key is new; sealing again with the same key changes nothing.
        if matches!(outcome, Rotated::Delivered(_) | Rotated::NotDelivered(_) | Rotated::Unknown(_)) {
            self.seal_anew(&second, &live.id).await;
        }
        outcome
    }

    /// Seals the markers of this workspace with the new key, since the old key sealed them.
    async fn seal_anew(&self, second: &HttpsTransport, operator: &Ikey) {
        let markers = |count| counted(count, "marker", "markers");
        let instead = "list the old key in `tenant.credentials.state_keys` until `duoctl apply` has changed their applications";
        match seal_anew(&self.session.workspace, &self.session.keyring, second, operator).await {
            Ok(Resealed { done: 0, failed: 0 }) => {}
            Ok(Resealed { done, failed: 0 }) => {
                self.printer.remark(&format!("sealed {} with the new key\n", markers(done)));
            }
            Ok(Resealed { done, failed }) => self.printer.problem(&format!(
                "sealed {} with the new key, but {} could not be sealed: {instead}\n",
                markers(done),
                markers(failed)
            )),
            Err(error) => self
                .printer
                .problem(&format!("the markers could not be sealed with the new key ({error}): {instead}\n")),
        }
    }

    /// What a person has to do now.
    fn say_what_is_next(&self, wanted: &InPlace<'_>, outcome: &Rotated) {
        let is_stored = match outcome {
            Rotated::Failed(_) | Rotated::Refused(_) | Rotated::Unready(_) => return,
            Rotated::Delivered(_) | Rotated::Partly(_) | Rotated::Unknown(_) => true,
            Rotated::NotDelivered(_) => false,
        };
        // The console has the old key.
        let entry = wanted.address.composite().filter(|_| wanted.address.is_intelligence());
        if let Some(name) = entry.as_ref().map(|(entry, _)| Place::entry(entry.as_str())) {
            self.printer.remark(&format!(
                "`duoctl handoff {name}` shows what to enter again; then record it with `duoctl attest {name}`\n"
            ));
        }
        if wanted.is_operator {
            self.printer.problem(if is_stored {
                "duoctl's own key changed: put the key of the secret store where `tenant.credentials.secret_key` points\n"
            } else {
                "duoctl's own key was replaced but not delivered: set `tenant.credentials` to the recovery key, then run \
                 `duoctl apply`\n"
            });
        }
    }
}

/// How a rotation failed, if it did.
fn exit_of(outcome: &Rotated) -> Option<Exit> {
    match outcome {
        Rotated::Delivered(_) => None,
        Rotated::Failed(error) => Some(Exit::of(error)),
        Rotated::Refused(_) => Some(Exit::Refused),
        Rotated::Unready(_) => Some(Exit::Error),
        Rotated::NotDelivered(_) | Rotated::Partly(_) | Rotated::Unknown(_) => Some(Exit::Partly),
    }
}
