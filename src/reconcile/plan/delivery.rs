//! Deliveries to secret stores: planned where a store does not hold the keys of now.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::config::diagnostic::{Code, Diagnostic};
use crate::config::model::Setting;

use super::super::address::Address;
use super::super::delivery::{Delivery, DesiredSecret, Held, Standing, standing};
use super::super::desired::{Desired, DesiredApplication};
use super::super::handoff::Handoff;
use super::super::marker::MarkerState;
use super::super::matching::{Live, Pair};
use super::build::Builder;
use super::{Action, Step, Write};

/// What every new application's delivery says.
const NEW: &str = "the application is new";

impl Builder<'_> {
    /// Adds the delivery that an application needs to its steps. A store that cannot be read stops only the delivery.
    pub(super) fn add_delivery(
        &mut self,
        wanted: &DesiredApplication,
        live: Option<&Live<'_>>,
        pair: Option<&Pair<'_>>,
        steps: &mut Vec<Step>,
    ) {
        let Some(secret) = &wanted.secret else { return };
        // A step of a rotation delivers what it needs itself.
        if steps.iter().any(|step| step.action == Action::Rotate) && self.readable(wanted) {
            return;
        }
        let beside = pair
            .map(|pair| &pair.old.integration.ikey)
            .filter(|old| live.is_some_and(|live| live.integration.ikey != **old));
        let held = self.held.get(&wanted.address);
        if let Some(Held::Unreadable { reason, help }) = held {
            let message = format!("{}: its keys cannot be delivered: {reason}", wanted.address);
            let problem = Diagnostic::error(Code::StoreUnreadable, secret.span, message);
            let help = help.as_deref().unwrap_or("mend the store, and apply again");
            self.problems.push(problem.help(help));
            return;
        }
        let made = steps.iter_mut().find(|step| matches!(step.action, Action::Create | Action::Replace));
        match (made, live, held) {
            (Some(step), _, _) if secret.write_only || step.action == Action::Replace => {
                deliver_within(step, secret);
            }
            (Some(step), _, _) => {
                let delivery = separate(step, Delivery::new(secret, NEW));
                insert(steps, delivery);
            }
            (None, Some(live), _) if secret.write_only => {
                // What such a store holds is unknown, so it is told by the marker whether a delivery was completed.
                let unfinished =
                    live.marker.as_ref().is_none_or(|marker| marker.state == MarkerState::Creating);
                if let Some(step) = steps.first().filter(|_| unfinished) {
                    let reason = "nothing shows that the keys were ever delivered";
                    let delivery = separate(step, Delivery::new(secret, reason));
                    steps.insert(0, delivery);
                }
            }
            (None, Some(live), Some(held)) => {
                let due = match standing(held, live.integration, self.host, beside) {
                    Standing::Due(reason) => Some(reason),
                    Standing::Current => new_client(wanted, held),
                    Standing::CannotTell | Standing::Unreadable => None,
                };
                if let Some(reason) = due {
                    let delivery = Step {
                        address: wanted.address.clone(),
                        action: Action::Deliver,
                        ikey: Some(live.integration.ikey.clone()),
                        kind: live.integration.kind().to_owned(),
                        name: live.integration.name().to_owned(),
                        changes: Vec::new(),
                        inherent: Vec::new(),
                        writes: vec![Write::Deliver(Some(live.integration.ikey.clone()))],
                        baseline: BTreeMap::new(),
                        delivery: Some(Delivery { beside: beside.cloned(), ..Delivery::new(secret, reason) }),
                    };
                    insert(steps, delivery);
                }
            }
            (None, _, _) => {}
        }
    }

    /// Whether nothing keeps the store from being read.
    pub(super) fn readable(&self, wanted: &DesiredApplication) -> bool {
        !matches!(self.held.get(&wanted.address), Some(Held::Unreadable { .. }))
    }
}

/// A client that the YAML adds to an OAuth application, whose secret Duo makes with it.
fn new_client(wanted: &DesiredApplication, held: &Held) -> Option<String> {
    let (Some(sso), Held::Keys(keys)) = (wanted.settings.get("sso"), held) else { return None };
    let Setting::Document(sso) = &sso.value else { return None };
    let clients = sso.pointer("/oauth_config/clients").and_then(Value::as_array)?;
    let mut ids = clients.iter().filter_map(|client| client.get("client_id")?.as_str());
    let new = ids.find(|id| !keys.client_ends.contains_key(*id))?;
    Some(format!("the client {new} is new"))
}

/// Says beside each secret of a console form where it is delivered.
pub(super) fn show_places(forms: &mut [Handoff], desired: &Desired) {
    let places: HashMap<&Address, &str> = desired
        .applications
        .iter()
        .filter_map(|wanted| Some((&wanted.address, wanted.secret.as_ref()?.place.as_str())))
        .collect();
    for field in forms.iter_mut().flat_map(|form| &mut form.fields).filter(|field| field.secret) {
        let place = field.application.as_ref().and_then(|address| places.get(address));
        field.delivered_to = place.map(|place| (*place).to_owned());
    }
}

/// A step of its own for the application that another step makes or changes.
fn separate(step: &Step, delivery: Delivery) -> Step {
    Step {
        address: step.address.clone(),
        action: Action::Deliver,
        ikey: step.ikey.clone(),
        kind: step.kind.clone(),
        name: step.name.clone(),
        changes: Vec::new(),
        inherent: Vec::new(),
        writes: vec![Write::Deliver(step.ikey.clone())],
        baseline: BTreeMap::new(),
        delivery: Some(delivery),
    }
}

/// The new keys are delivered before the old application goes, and, where a store cannot be read back, before the
/// marker says that everything is done.
fn deliver_within(step: &mut Step, secret: &DesiredSecret) {
    let before = |write: &Write| match write {
        Write::Delete(_) | Write::Prove(_) => true,
        Write::Finish(_) => secret.write_only,
        Write::Create(_) | Write::Update(..) | Write::Deliver(_) => false,
    };
    let position = step.writes.iter().position(before).unwrap_or(step.writes.len());
    step.writes.insert(position, Write::Deliver(None));
    step.delivery = Some(Delivery::new(secret, NEW));
}

/// What a replacement left behind goes last.
fn insert(steps: &mut Vec<Step>, delivery: Step) {
    let position = steps.iter().position(|step| step.action == Action::Delete).unwrap_or(steps.len());
    steps.insert(position, delivery);
}
