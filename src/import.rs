//! Writes a live account as YAML: one entry for each object that is not declared yet, so that the next plan only adopts.
//! Values that the language cannot express become comments, and objects that cannot be adopted are left out with a reason.
//!
//! Every entry is parsed again and planned against the same account. Settings that would cause an error or a change are
//! removed, one at a time.

pub mod accept;
mod check;
mod document;
mod draft;
mod names;
mod naming;
pub mod part;
pub mod placement;
mod scope;
mod sections;
mod settings;

use serde_json::{Map, Value};

use crate::config::model::Workspace;
use crate::duo::object::{Kind, Object};
use crate::kinds::address::Address;
use crate::reconcile::desired::Desired;
use crate::reconcile::observation::Observation;

use check::Check;
use draft::Draft;
pub use draft::Entry;
use names::Names;
pub use scope::{LeftOut, Live, Reason, Wanted};
use scope::{Scope, declared};

/// The result of an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The new entries: objects before those that may refer to them, then by address.
    pub entries: Vec<Entry>,
    /// Everything else that the selected kinds have, sorted by ID.
    pub left_out: Vec<LeftOut>,
    /// The address of every object that may get an entry, whether or not it was selected.
    pub addresses: Vec<Address>,
    /// The number of fields of the new entries that are set in Duo and that the YAML neither mentions nor ignores.
    pub unmanaged_fields: usize,
}

/// Describes what the workspace does not declare yet.
pub fn import(
    workspace: &Workspace,
    desired: &Desired,
    observation: &Observation,
    live: Live<'_>,
    wanted: &Wanted,
) -> Imported {
    let mut imported = Imported::default();
    let mut names = Names::new(live.groups, live.policies);
    let alike = check::look_alikes(desired, observation);
    let mut proven: Vec<Draft> = Vec::new();
    // Objects before those that refer to them.
    for kind in Kind::ALL {
        if kind != Kind::Application {
            names.declare(declared(kind, desired, observation, live.of(kind)));
        }
        if !wanted.looks_at(kind) {
            continue;
        }
        let scope = Scope::new(kind, desired, observation, live, wanted, &alike);
        let mut drafts = drafts(&scope, workspace, &names, &mut imported);
        let check = Check { workspace, desired, observation, before: &proven };
        imported.left_out.extend(check.settle(&mut drafts));
        imported.unmanaged_fields += check.unmanaged_fields(&drafts);
        names.declare(drafts.iter().map(|draft| (draft.id.clone(), draft.address())));
        drafts.sort_by(|a, b| (a.is_global_policy(), &a.key).cmp(&(b.is_global_policy(), &b.key)));
        proven.extend(drafts);
    }
    imported.left_out.sort_by(|a, b| a.id.cmp(&b.id));
    imported.entries = proven.into_iter().map(Draft::finish).collect();
    imported
}

/// The first draft of every wanted object of a kind; everything else is left out.
fn drafts(
    scope: &Scope<'_>,
    workspace: &Workspace,
    names: &Names<'_>,
    imported: &mut Imported,
) -> Vec<Draft> {
    let mut chosen = Vec::new();
    for live in scope.lives() {
        match scope.judge(live) {
            Ok(candidate) => chosen.push(candidate),
            Err(reason) => imported.left_out.push(left_out(live, reason)),
        }
    }
    let mut drafts = Vec::new();
    for (candidate, key) in chosen.iter().zip(scope.keys(&chosen, workspace)) {
        imported.addresses.push(Address::object(candidate.live.kind, &key));
        if scope.is_wanted(candidate.live, &key) {
            let defaults = defaults(workspace, candidate.live);
            let inherited =
                defaults.get("authoritative").and_then(Value::as_bool).unwrap_or(workspace.authoritative);
            drafts.push(scope.draft(candidate, key, names, &defaults, inherited));
        } else {
            imported.left_out.push(left_out(candidate.live, Reason::NotWanted));
        }
    }
    drafts
}

/// The `defaults` for an object: only applications have some.
fn defaults(workspace: &Workspace, live: &Object) -> Map<String, Value> {
    if live.kind != Kind::Application {
        return Map::new();
    }
    let general = workspace.defaults.get("applications");
    let of_type = workspace.defaults.get("types").and_then(|types| types.get(live.variant()));
    let layers = [general, of_type].into_iter().flatten().filter_map(Value::as_object);
    layers.flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn left_out(live: &Object, reason: Reason) -> LeftOut {
    LeftOut { id: live.id.clone(), name: live.name().to_owned(), reason }
}
