//! Two runs at once may both create one address. Whoever then sees a second application with the same marker takes
//! back its own: at least the later of the two sees both, so there is never a lasting duplicate, at worst none is left
//! and the next run creates it.

use std::collections::HashMap;

use crate::duo::api::WriteApi;
use crate::duo::types::{Ikey, Integration};
use crate::kinds::address::Address;
use crate::kinds::marker::{MarkerState, Notes};
use crate::reconcile::plan::Action;

use super::outcome::{Status, StepOutcome};

/// Looks for rivals of what this run created, in one list.
pub async fn withdraw<W: WriteApi>(workspace: &str, writer: &W, outcomes: &mut [StepOutcome]) {
    let created = |outcome: &StepOutcome| {
        outcome.action == Action::Create
            && matches!(outcome.status, Status::Applied)
            && outcome.ikey.is_some()
    };
    if !outcomes.iter().any(created) {
        return;
    }
    // A list that cannot be read shows no rival; the next plan reports a marker that stands twice.
    let Ok(integrations) = writer.integrations().await else { return };
    let marked = marked(workspace, &integrations);
    for outcome in outcomes.iter_mut().filter(|outcome| created(outcome)) {
        let (Some(own), Some(ikeys)) = (outcome.ikey.clone(), marked.get(&outcome.address)) else { continue };
        let Some(rival) = ikeys.iter().find(|ikey| **ikey != own) else { continue };
        let what = format!("another run created {} as {rival} at the same time", outcome.address);
        outcome.status = match writer.delete(&own).await {
            Ok(()) => Status::Moved(format!("{what}, so {own} was taken back")),
            Err(error) => Status::Failed { error, partly: true },
        };
    }
}

/// What shares a marker by right: what replacements and rotations left behind.
fn put_aside(state: &MarkerState) -> bool {
    matches!(state, MarkerState::Replaced | MarkerState::Retired(_)) || state.is_successor()
}

/// The successors that rotations made for an address.
pub fn successors(workspace: &str, address: &Address, integrations: &[Integration]) -> Vec<Ikey> {
    let is_one = |live: &&Integration| {
        Notes::parse(live.notes()).marker.is_some_and(|marker| {
            marker.workspace == workspace && marker.address == *address && marker.state.is_successor()
        })
    };
    integrations.iter().filter(is_one).map(|live| live.ikey.clone()).collect()
}

fn marked(workspace: &str, integrations: &[Integration]) -> HashMap<Address, Vec<Ikey>> {
    let mut marked: HashMap<Address, Vec<Ikey>> = HashMap::new();
    for integration in integrations {
        let marker = Notes::parse(integration.notes()).marker;
        if let Some(marker) =
            marker.filter(|marker| marker.workspace == workspace && !put_aside(&marker.state))
        {
            marked.entry(marker.address).or_default().push(integration.ikey.clone());
        }
    }
    marked
}
