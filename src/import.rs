//! Writes a live account as YAML: one entry for each application that is not declared yet, so that the next plan only
//! adopts. Values that the language cannot express become comments, and applications that cannot be adopted are left out
//! with a reason.
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
mod settings;

use serde_json::{Map, Value};

use crate::config::model::Workspace;
use crate::duo::object::Object;
use crate::reconcile::desired::Desired;
use crate::reconcile::observation::Observation;

use check::Check;
pub use draft::Entry;
use draft::{Draft, Fullness};
use names::Names;
pub use scope::{LeftOut, Live, Reason, Wanted};
use scope::{Scope, keys};

/// The result of an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The new entries, sorted by their addresses.
    pub entries: Vec<Entry>,
    /// Everything else, sorted by integration key.
    pub left_out: Vec<LeftOut>,
    /// The key of every application that may get an entry, whether or not it was selected.
    pub keys: Vec<String>,
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
    let mut chosen = Vec::new();
    let scope = Scope::new(desired, observation, live, wanted);
    let alike = check::look_alikes(desired, observation);
    let mut integrations: Vec<&Object> = live.integrations.iter().collect();
    integrations.sort_by(|a, b| a.id.cmp(&b.id));
    for integration in integrations {
        match scope.judge(integration) {
            Ok(_) if let Some(address) = alike.get(&integration.id) => {
                let why = format!(
                    "`{address}` looks like it and would be created; if it is the same, run `duoctl adopt {address} {}`; if not, \
                     give it its own entry with this `integration_key`",
                    integration.id
                );
                imported.left_out.push(left_out(integration, Reason::Impossible(why)));
            }
            Ok(candidate) => chosen.push(candidate),
            Err(reason) => imported.left_out.push(left_out(integration, reason)),
        }
    }
    let mut drafts = Vec::new();
    let names = Names::new(live.groups, live.policies);
    for (candidate, key) in chosen.iter().zip(keys(&chosen, live.integrations, workspace)) {
        imported.keys.push(key.clone());
        if scope.is_wanted(candidate.integration, &key) {
            let defaults = defaults(workspace, candidate.integration.variant());
            let inherited =
                defaults.get("authoritative").and_then(Value::as_bool).unwrap_or(workspace.authoritative);
            let fullness = Fullness { written: wanted.authoritative, inherited };
            drafts.push(scope.draft(candidate, key, &names, &defaults, fullness));
        } else {
            imported.left_out.push(left_out(candidate.integration, Reason::NotWanted));
        }
    }
    let check = Check { workspace, desired, observation };
    let impossible = check.settle(&mut drafts);
    imported.left_out.extend(impossible);
    imported.unmanaged_fields = check.unmanaged_fields(&drafts);
    imported.left_out.sort_by(|a, b| a.ikey.cmp(&b.ikey));
    drafts.sort_by(|a, b| a.key.cmp(&b.key));
    imported.entries = drafts.into_iter().map(Draft::finish).collect();
    imported
}

/// The `defaults` for applications of a type.
fn defaults(workspace: &Workspace, kind: &str) -> Map<String, Value> {
    let general = workspace.defaults.get("applications");
    let of_type = workspace.defaults.get("types").and_then(|types| types.get(kind));
    let layers = [general, of_type].into_iter().flatten().filter_map(Value::as_object);
    layers.flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn left_out(integration: &Object, reason: Reason) -> LeftOut {
    LeftOut { ikey: integration.id.clone(), name: integration.name().to_owned(), reason }
}
