//! Rotates a key in place: created in Duo, delivered, read back, proven.

use serde_json::{Map, json};

use crate::duo::api::{ReadApi as _, WriteApi as _};
use crate::duo::call::Transport;
use crate::duo::catalogue::{Family, lookup};
use crate::duo::client::Writer;
use crate::duo::error::DuoError;
use crate::duo::object::{Object, ObjectId};
use crate::kinds::address::Address;
use crate::kinds::marker::{Marker, MarkerState, Notes};
use crate::reconcile::delivery::Delivery;
use crate::reconcile::fingerprint::snapshot;

use super::deliver::{Courier, DeliveryError};
use super::seal::Sealer;

/// The outcome of a rotation.
#[derive(Debug)]
pub enum Rotated {
    /// The new key was delivered: where, and how it was proven.
    Delivered(String),
    /// There is a new key, but the store holds the old one.
    NotDelivered(DeliveryError),
    /// Nothing was begun, and why.
    Refused(String),
    /// Nothing was begun: the store did not accept the current key again.
    Unready(DeliveryError),
    /// Duo created no new key.
    Failed(DuoError),
    /// Only some of the clients have a new secret, because Duo refused the next one. What Duo has now was delivered.
    Partly(DuoError),
    /// The answer was lost, and nothing shows that there is a new key. What Duo has now was delivered.
    Unknown(DuoError),
}

/// Replaces the keys of one application after proving that its store can be written, because the old key stops working
/// immediately. The marker records the rotation until the store holds the new key, so the next apply delivers it even if
/// this run is interrupted.
pub async fn in_place<T: Transport + Clone>(
    writer: &Writer<T>,
    sealer: Sealer<'_>,
    courier: &Courier<'_, T>,
    address: &Address,
    live: &Object,
    delivery: &Delivery,
) -> Rotated {
    let notes = Notes::parse(live.notes());
    let is_settled = |marker: &&Marker| {
        marker.address == *address && matches!(marker.state, MarkerState::Owned | MarkerState::Renewing)
    };
    let Some(marker) = notes.marker.as_ref().filter(is_settled) else {
        return Rotated::Refused(
            "an earlier change of it is not finished; run `duoctl apply` first".to_owned(),
        );
    };
    if let Err(error) = courier.rehearse(address, live.variant(), &live.id, delivery).await {
        return Rotated::Unready(error);
    }
    match writer.get(&ObjectId::application(&live.id)).await {
        Ok(Some(now)) if snapshot(&now) == snapshot(live) => {}
        Ok(_) => {
            return Rotated::Refused(
                "it was changed in Duo in the meantime; run the command again".to_owned(),
            );
        }
        Err(error) => return Rotated::Failed(error),
    }
    let says = async |state: MarkerState| {
        let marker = Marker { state, ..marker.clone() };
        let body = Map::from_iter([("notes".to_owned(), json!(marker.notes(&notes.text)))]);
        writer.update(&live.object_id(), sealer.over(live.kind, Some(&live.id), &body)).await
    };
    if let Err(error) = says(MarkerState::Renewing).await {
        return Rotated::Failed(error);
    }
    let lost = match reset(writer, live).await {
        Ok(()) => None,
        Err((error, done)) if done || error.outcome_unknown() => Some((error, done)),
        Err((error, _)) => {
            // If this fails, the next apply delivers what the store already holds.
            let _ = says(MarkerState::Owned).await;
            return Rotated::Failed(error);
        }
    };
    let delivered = courier.deliver(address, live.variant(), &live.id, delivery).await;
    let place = match delivered {
        Ok(place) => place,
        Err(error) => return Rotated::NotDelivered(error),
    };
    // If this fails, the next apply delivers the key again.
    let _ = says(MarkerState::Owned).await;
    match lost {
        None => Rotated::Delivered(place),
        Some((error, true)) => Rotated::Partly(error),
        Some((error, false)) => match writer.get(&ObjectId::application(&live.id)).await {
            Ok(Some(now)) => match renewed(live, &now) {
                (0, _) => Rotated::Unknown(error),
                (new, all) if new == all => Rotated::Delivered(place),
                _ => Rotated::Partly(error),
            },
            _ => Rotated::Unknown(error),
        },
    }
}

/// Resets every key of an application. The error says whether some of them were reset before it.
async fn reset<T: Transport>(writer: &Writer<T>, live: &Object) -> Result<(), (DuoError, bool)> {
    let none = |error| (error, false);
    match lookup(live.variant()).map(|kind| kind.family) {
        Some(Family::Oidc) => writer.reset_client_secret(&live.id, None).await.map_err(none),
        Some(Family::OAuth) => {
            for (done, client) in live.client_ids().into_iter().enumerate() {
                let reset = writer.reset_client_secret(&live.id, Some(client)).await;
                reset.map_err(|error| (error, done > 0))?;
            }
            Ok(())
        }
        _ => writer.reset_secret_key(&live.id).await.map_err(none),
    }
}

/// How many of the keys whose ends Duo shows are new, and how many there are.
fn renewed(before: &Object, now: &Object) -> (usize, usize) {
    let key = before.secret_hint.iter().map(|end| now.secret_hint.as_ref() != Some(end));
    let clients = before.client_hints.iter().map(|(id, end)| now.client_hints.get(id) != Some(end));
    let changed: Vec<bool> = key.chain(clients).collect();
    (changed.iter().filter(|changed| **changed).count(), changed.len())
}
