//! The step that restores what an unproven change took from the operator; shown and judged like any other.

use crate::duo::object::Object;
use crate::kinds::address::Address;
use crate::kinds::application::fields::held_permissions;
use crate::kinds::application::{NETWORKS, PERMISSION_LIST};
use crate::kinds::risk::{NEUTRAL, Risk};
use crate::kinds::value::parts;
use serde_json::json;

use super::super::diff::Change;
use super::super::undo::GiveBack;
use super::step::{Action, Step, Write};

/// The step that restores something to an application. Permissions that the YAML declares and the key had before are
/// expected; anything else widens what the key may do.
pub fn give_back(address: &Address, live: &Object, back: &GiveBack) -> Step {
    let mut step = Step::on(address, Action::Update, live);
    let held = held_permissions(live);
    if !back.declared.is_empty() || !back.consented.is_empty() {
        let after: Vec<&String> = held.iter().chain(&back.declared).chain(&back.consented).collect();
        let mut change = Change::neutral(PERMISSION_LIST, json!(held), json!(after));
        if !back.consented.is_empty() {
            (change.risk, change.reason) =
                (Risk::EscalatesPrivilege, "it restores permissions that the YAML does not declare");
        }
        step.changes.push(change);
    }
    if let Some(networks) = &back.networks {
        let before = live.property(NETWORKS).map(parts).unwrap_or_default();
        let mut change = Change::neutral(NETWORKS, json!(before), json!(networks));
        (change.risk, change.reason) = if back.networks_as_before {
            NEUTRAL
        } else {
            (Risk::WidensAccess, "the key works from other addresses than before the change")
        };
        step.changes.push(change);
    }
    step.writes.push(Write::Update(live.object_id(), back.body()));
    step
}
