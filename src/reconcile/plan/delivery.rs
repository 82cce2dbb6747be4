//! Deliveries to secret stores, planned if a store does not hold the current keys.

use std::collections::HashMap;

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic};
use crate::duo::object::{Ikey, Kind};
use crate::kinds::value::Setting;

use super::super::delivery::{Delivery, DesiredSecret, Held, Standing, standing, taken};
use super::super::desired::{Desired, Wanted};
use super::super::handoff::Handoff;
use super::super::live::Live;
use super::super::observed::Observed;
use super::super::pairing::Pair;
use super::super::rotation::Stage;
use super::context::Context;
use super::step::{Action, Step, Write};
use crate::kinds::address::Address;
use crate::kinds::marker::MarkerState;
use crate::secrets::payload::Owner;
use crate::secrets::store::StoreError;

/// The reason for every new application's delivery.
const NEW: &str = "the application is new";

/// Adds the delivery that an application needs to its steps. An unreadable store blocks only the delivery.
pub(super) fn add_delivery(
    cx: &Context<'_>,
    wanted: &Wanted,
    live: Option<&Live<'_>>,
    pair: Option<&Pair<'_>>,
    steps: &mut Vec<Step>,
) -> Option<Diagnostic> {
    let secret = wanted.secret.as_ref()?;
    // A rotation step delivers what it needs itself.
    if steps.iter().any(|step| step.action == Action::Rotate) && cx.readable(wanted) {
        return None;
    }
    // So does a rotation that cannot continue yet: until it does, the store keeps what it holds.
    if pair.is_some_and(|pair| pair.stage != Stage::Delivered || !pair.torn.is_empty()) && cx.readable(wanted)
    {
        return None;
    }
    let held = cx.held(wanted);
    if let Some(Held::Unreadable { reason, help }) = held {
        let message = format!("{}: its keys cannot be delivered: {reason}", wanted.address);
        let problem = Diagnostic::error(Code::StoreUnreadable, secret.span, message);
        return Some(problem.help(help.as_deref().unwrap_or("fix the store, then apply again")));
    }
    let own = Owner {
        workspace: &cx.desired.workspace,
        formerly: cx.desired.formerly.as_ref().map(|former| former.value.as_str()),
        address: wanted.address.as_str(),
        host: &cx.observation.host,
    };
    let known = [live.map(|live| &live.integration.id), pair.map(|pair| &pair.old.integration.id)];
    let known: Vec<&Ikey> = known.into_iter().flatten().collect();
    if let Some(StoreError { message, help }) = held.and_then(|held| taken(held, &secret.place, own, &known))
    {
        let message = format!("{}: its keys cannot be delivered: {message}", wanted.address);
        let problem = Diagnostic::error(Code::StoreUnreadable, secret.span, message);
        return Some(problem.help(help.unwrap_or_default()));
    }
    let made = steps.iter_mut().find(|step| matches!(step.action, Action::Create | Action::Replace));
    match (made, live, held) {
        (Some(step), _, _) if secret.write_only || step.action == Action::Replace => {
            deliver_within(step, secret);
        }
        (Some(step), _, held) => {
            let delivery = separate(step, Delivery::new(secret, new(cx, held)));
            insert(steps, delivery);
        }
        (None, Some(live), _) if secret.write_only => {
            // The contents of such a store are unknown, so the marker records whether a delivery was completed.
            let unfinished = live.state().is_none_or(may_lack_delivery);
            if let Some(step) = steps.first().filter(|_| unfinished) {
                let reason = "nothing shows that the keys were ever delivered";
                let delivery = separate(step, Delivery::new(secret, reason));
                steps.insert(0, delivery);
            }
        }
        // An in-place rotation was interrupted: the marker says so until the store holds the new key.
        (None, Some(live), _) if live.state() == Some(&MarkerState::Renewing) => {
            let step = Step::about(&wanted.address, Action::Deliver, live.integration);
            let delivery = separate(&step, Delivery::new(secret, "its key was replaced in place"));
            steps.insert(0, delivery);
        }
        (None, Some(live), Some(held)) => {
            let old = pair.map(|pair| &pair.old.integration.id);
            let previous = old.filter(|old| **old != live.integration.id);
            let due = match standing(held, live.integration, &cx.observation.host, previous) {
                Standing::Due(reason) => Some(reason),
                Standing::Current => new_client(wanted, held),
                Standing::CannotTell | Standing::Unreadable => None,
            };
            if let Some(reason) = due {
                let delivery = Delivery { previous: previous.cloned(), ..Delivery::new(secret, reason) };
                let step = Step::about(&wanted.address, Action::Deliver, live.integration);
                insert(steps, separate(&step, delivery));
            }
        }
        (None, _, _) => {}
    }
    None
}

/// Why the keys of a new application are delivered. The store may still hold those of an application deleted in Duo.
fn new(cx: &Context<'_>, held: Option<&Held>) -> String {
    let Observed::Present(lives) = cx.observation.objects.of(Kind::Application) else {
        return NEW.to_owned();
    };
    match held {
        Some(Held::Keys(keys))
            if keys.api_hostname == cx.observation.host
                && !lives.iter().any(|live| live.id.as_str() == keys.ikey) =>
        {
            format!("{NEW}; {}, whose keys the store holds, was deleted in Duo", keys.ikey)
        }
        _ => NEW.to_owned(),
    }
}

/// Whether the keys may never have been delivered: the creation was interrupted, or the store holds the keys of the other
/// application of a rotation, which is gone.
fn may_lack_delivery(state: &MarkerState) -> bool {
    matches!(
        state,
        MarkerState::Creating { .. }
            | MarkerState::Rotating(_)
            | MarkerState::Renewing
            | MarkerState::Successor { .. }
            | MarkerState::Abandoned { .. }
    )
}

/// A client that the YAML adds to an OAuth application. Duo creates its secret with it.
fn new_client(wanted: &Wanted, held: &Held) -> Option<String> {
    let (Some(sso), Held::Keys(keys)) = (wanted.settings.get("sso"), held) else { return None };
    let Setting::Document(sso) = &sso.value else { return None };
    let clients = sso.pointer("/oauth_config/clients").and_then(Value::as_array)?;
    let mut ids = clients.iter().filter_map(|client| client.get("client_id")?.as_str());
    let new = ids.find(|id| !keys.client_ends.contains_key(*id))?;
    Some(format!("the client {new} is new"))
}

/// Adds to each secret of a handoff where it is delivered.
pub(super) fn show_places(forms: &mut [Handoff], desired: &Desired) {
    let places: HashMap<&Address, &str> = desired
        .objects
        .iter()
        .filter_map(|wanted| Some((&wanted.address, wanted.secret.as_ref()?.place.as_str())))
        .collect();
    for field in forms.iter_mut().flat_map(|form| &mut form.fields).filter(|field| field.secret) {
        let place = field.application.as_ref().and_then(|address| places.get(address));
        field.delivered_to = place.map(|place| (*place).to_owned());
    }
}

/// A separate step for the application that another step creates or changes.
fn separate(step: &Step, delivery: Delivery) -> Step {
    Step {
        id: step.id.clone(),
        writes: vec![Write::Deliver(step.ikey().cloned())],
        delivery: Some(delivery),
        ..Step::new(step.kind, &step.address, Action::Deliver, &step.variant, &step.name)
    }
}

/// Delivers the new keys before the old application is deleted and, if the store cannot be read back, before the marker says
/// that everything is done.
fn deliver_within(step: &mut Step, secret: &DesiredSecret) {
    let ends = |write: &Write| matches!(write, Write::Delete(_) | Write::Prove(_));
    let last = |write: &Write| matches!(write, Write::Finish(_));
    let end = step.writes.iter().position(ends).unwrap_or(step.writes.len());
    let finish = step.writes.iter().rposition(last).filter(|_| secret.write_only);
    let position = finish.unwrap_or(end);
    step.writes.insert(position, Write::Deliver(None));
    step.delivery = Some(Delivery::new(secret, NEW));
}

/// Inserts a delivery before the leftovers of a replacement are deleted.
fn insert(steps: &mut Vec<Step>, delivery: Step) {
    let position = steps.iter().position(|step| step.action == Action::Delete).unwrap_or(steps.len());
    steps.insert(position, delivery);
}
