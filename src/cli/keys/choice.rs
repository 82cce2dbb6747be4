//! Which applications a rotation covers, and what happens to each.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::duo::object::{Kind, Object};
use crate::kinds::address::Address;
use crate::kinds::risk::Risk;
use crate::language::address::Place;
use crate::observe::Reading;
use crate::output::document::ReasonDocument;
use crate::reconcile::age::key_age;
use crate::reconcile::consent::{Consent, UNVERIFIED};
use crate::reconcile::delivery::Held;
use crate::reconcile::desired::Wanted;
use crate::reconcile::guard::allows;
use crate::reconcile::live::Live;
use crate::reconcile::observed::Observed;
use crate::reconcile::ownership::{Ownership, ownership};
use crate::reconcile::plan::{Action, Plan, Step};
use crate::reconcile::rotation::{Orders, Rotation, Stage, without_twin};
use crate::reconcile::selection::Selection;

use super::super::session::Session;
use super::in_place::InPlace;
use super::order::{Order, Verb};

/// What is to be done.
#[derive(Default)]
pub(super) struct Choice<'a> {
    /// Keys that are replaced in the same application.
    pub(super) in_place: Vec<InPlace<'a>>,
    /// Addresses whose rotation with an overlap begins, continues, ends or is aborted.
    pub(super) twins: BTreeSet<Address>,
    /// What was requested for these rotations.
    pub(super) orders: Orders,
    /// Why other requested addresses are left alone.
    pub(super) refusals: Vec<ReasonDocument>,
    /// How many keys are younger than `--older-than`.
    pub(super) young: usize,
}

/// What the choice depends on.
pub(super) struct Asked<'a> {
    /// The workspace.
    pub(super) session: &'a Session,
    /// The account.
    pub(super) reading: &'a Reading,
    /// The current plan, without any order.
    pub(super) plan: &'a Plan,
    /// What is asked for.
    pub(super) order: &'a Order,
    /// For which addresses.
    pub(super) selection: &'a Selection,
    /// What is consented to.
    pub(super) consent: &'a Consent,
    /// The time.
    pub(super) now: Timestamp,
}

impl<'a> Asked<'a> {
    /// Looks at every address that was asked for.
    pub(super) fn choose(&self) -> Choice<'a> {
        let mut choice = Choice {
            orders: Orders { silence: self.order.silence, ..Orders::default() },
            ..Choice::default()
        };
        let wanted = self.wanted(&mut choice.refusals);
        for declared in wanted {
            if let Err(reason) = self.judge(declared, &mut choice) {
                choice.refusals.push(ReasonDocument { address: declared.address.to_string(), reason });
            }
        }
        // Once its key is new, the other keys can no longer be replaced with the old one.
        choice.in_place.sort_by_key(|in_place| in_place.is_operator);
        choice
    }

    /// The declared applications that are requested. An application that is no longer in the YAML is refused if it is named.
    fn wanted(&self, refusals: &mut Vec<ReasonDocument>) -> Vec<&'a Wanted> {
        let named =
            |address: &Address| !self.order.selected.only.is_empty() && self.selection.covers(address);
        let orphans = self.plan.orphans().iter().filter(|orphan| named(&orphan.address));
        refusals.extend(orphans.map(|orphan| ReasonDocument {
            address: orphan.address.to_string(),
            reason: "it is no longer in the YAML; add it again to rotate its key, or remove it and what its rotation \
                     created with `duoctl apply --prune`"
                .to_owned(),
        }));
        let all = self.session.desired.of(Kind::Application);
        all.filter(|declared| self.selection.covers(&declared.address)).collect()
    }

    fn judge(&self, declared: &'a Wanted, choice: &mut Choice<'a>) -> Result<(), String> {
        let address = &declared.address;
        let rotation = self.plan.rotations().iter().find(|rotation| rotation.address == *address);
        match rotation {
            Some(rotation) => self.go_on(declared, rotation, choice),
            None if self.order.verb == Verb::Abort => {
                Err("it has no rotation in progress, so there is nothing to abort".to_owned())
            }
            None if self.order.verb == Verb::Confirm => {
                Err("it has no rotation in progress, so there is nothing to confirm".to_owned())
            }
            None => self.begin(declared, choice),
        }
    }

    fn go_on(&self, declared: &Wanted, rotation: &Rotation, choice: &mut Choice<'a>) -> Result<(), String> {
        let address = &declared.address;
        if self.order.in_place() {
            return Err(format!(
                "its key is already being rotated with an overlap; finish that, or abort it with `duoctl keys abort {address}`"
            ));
        }
        self.readable(declared)?;
        if self.order.verb == Verb::Abort {
            choice.orders.abort.insert(address.clone());
        } else {
            if rotation.stage == Stage::Aborted {
                return Err(format!(
                    "its rotation was aborted but not cleaned up; run `duoctl keys abort {address}` to finish"
                ));
            }
            self.as_declared(declared, Some(rotation))?;
        }
        if self.order.verb == Verb::Confirm {
            if rotation.stage != Stage::Delivered {
                return Err(format!(
                    "its new key is not delivered yet, so it cannot be in use; run `duoctl keys rotate {address}` first, \
                     then confirm it"
                ));
            }
            let allowed = allows(&self.session.desired.guards, self.consent, Risk::BreaksHandoff, address);
            if address.is_intelligence() && !rotation.evidence.suffices() && !allowed {
                let entry = address.composite().map(|(entry, _)| entry);
                let name = entry.as_ref().map(|entry| Place::entry(entry.as_str())).unwrap_or_default();
                return Err(format!(
                    "the console holds this key, so only an attestation counts: enter the new key there, then run \
                     `duoctl attest {name}`"
                ));
            }
            choice.orders.confirmed.insert(address.clone());
        }
        choice.twins.insert(address.clone());
        Ok(())
    }

    /// The key of an application goes to the store only if the application is proven to be the one of the address.
    fn may_hand_out(&self, declared: &Wanted, live: &Object) -> Result<(), String> {
        let observation = &self.reading.observation;
        let (address, ikey) = (&declared.address, &live.id);
        let found = Live::new(live, &observation.proofs);
        match ownership(declared, observation.held.get(address), &found) {
            Ownership::Proven => Ok(()),
            Ownership::Adopted
                if allows(&self.session.desired.guards, self.consent, Risk::AdoptsKey, address) =>
            {
                Ok(())
            }
            Ownership::Adopted => Err(format!(
                "duoctl did not create {ikey}, which only has the same type and name, and its key would go to the store; \
                 to allow it: --allow adopts_key:{address}, or pin it with `integration_key`"
            )),
            Ownership::Claimed => Err(format!(
                "the marker of {ikey} is sealed by a key that this run does not have; to allow it: --allow \
                 {UNVERIFIED}:{ikey}, or pin it with `integration_key`"
            )),
        }
    }

    fn begin(&self, declared: &'a Wanted, choice: &mut Choice<'a>) -> Result<(), String> {
        let address = &declared.address;
        if self.order.selected.only.is_empty() && declared.secret.is_none() {
            // A request for old keys without addresses covers only keys that duoctl can replace.
            return Ok(());
        }
        let live = self.live(declared)?;
        if let Some(least) = self.order.older_than()
            && !self.is_old(live, address, least)?
        {
            choice.young += 1;
            return Ok(());
        }
        if self.plan.blocked().contains(address) {
            return Err("an error keeps it from being planned; see above".to_owned());
        }
        let is_operator = live.id == *self.plan.operator();
        let secret = declared.secret.as_ref();
        let in_place = self.order.in_place();
        if secret.is_none() && (in_place || !address.is_intelligence()) {
            return Err(
                "it has no `secret`, so its new key would not be stored; add `secret` to say where to deliver it"
                    .to_owned(),
            );
        }
        self.readable(declared)?;
        self.as_declared(declared, None)?;
        if !in_place {
            if is_operator {
                return Err(
                    "duoctl itself uses this key, so it cannot be rotated with an overlap; pass `--strategy in-place`"
                        .to_owned(),
                );
            }
            if let Some(reason) = without_twin(live.variant()) {
                return Err(format!(
                    "{reason}; pass `--strategy in-place` for a new key in the same application, with an outage until the \
                     new key is read"
                ));
            }
            if let Some(pin) = &declared.pin {
                return Err(format!(
                    "`integration_key` pins it to {}, and a rotation with an overlap changes that key; remove `integration_key`: its \
                     marker identifies the application",
                    pin.value
                ));
            }
            choice.orders.begin.insert(address.clone());
            choice.twins.insert(address.clone());
            return Ok(());
        }
        if is_operator {
            self.session.recovery_key()?;
        }
        self.may_hand_out(declared, live)?;
        if address.is_intelligence()
            && !allows(&self.session.desired.guards, self.consent, Risk::BreaksHandoff, address)
        {
            return Err(format!(
                "the Identity Intelligence console holds the old key, so it stops working until someone enters the new one; \
                 to allow it: --allow breaks_handoff:{address}"
            ));
        }
        if let Some(secret) = secret {
            choice.in_place.push(InPlace { address, live, secret, is_operator });
        }
        Ok(())
    }

    fn live(&self, declared: &Wanted) -> Result<&'a Object, String> {
        let ikey = self.plan.matched().get(&declared.address);
        let live = match (self.reading.observation.objects.of(Kind::Application), ikey) {
            (Observed::Present(all), Some(ikey)) => all.iter().find(|live| live.id == *ikey),
            _ => None,
        };
        live.ok_or_else(|| "it is not in the account; run `duoctl apply` first".to_owned())
    }

    fn readable(&self, declared: &Wanted) -> Result<(), String> {
        match self.reading.observation.held.get(&declared.address) {
            Some(Held::Unreadable { reason, .. }) => {
                Err(format!("its store cannot be read, so its new key might be lost: {reason}"))
            }
            _ => Ok(()),
        }
    }

    /// A rotation copies the live application, so that has to match the YAML. A successor whose creation was interrupted
    /// does not match, and the rotation itself completes it.
    fn as_declared(&self, declared: &Wanted, rotation: Option<&Rotation>) -> Result<(), String> {
        let address = &declared.address;
        let half =
            rotation.filter(|rotation| rotation.stage == Stage::Made).map(|rotation| &rotation.successor);
        let unfinished = |step: &Step| {
            let settles = matches!(step.action, Action::Deliver | Action::Rotate);
            step.address == *address && !settles && (half.is_none() || step.ikey() != half)
        };
        if self.plan.steps().iter().any(unfinished) || self.plan.blocked().contains(address) {
            return Err("it differs from the YAML; run `duoctl apply` first".to_owned());
        }
        Ok(())
    }

    /// Whether a key is old enough. A key of unknown age is left alone, with an error.
    fn is_old(&self, live: &Object, address: &Address, least: SignedDuration) -> Result<bool, String> {
        let observation = &self.reading.observation;
        let held = observation.held.get(address);
        let age = key_age(live, held, &observation.creations, &observation.host, None);
        age.is_over(least, self.now).ok_or_else(|| {
            format!("cannot tell whether its key is old enough, so it is left alone: it is {}", age.words())
        })
    }
}
