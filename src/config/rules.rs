//! Rules that depend on meaning. One file per group of rules; adding a group takes one file and one line.

use super::model::Workspace;
use crate::diagnostic::Diagnostic;

mod access;
mod certificate;
mod consents;
mod guards;
mod ignores;
mod intelligence;
mod names;
mod networks;
mod notes;
mod policies;
mod references;
mod removed;
mod single_sign_on;
mod stores;
mod suppressions;
mod tenant;
mod types;

/// A group of rules: checks a workspace and reports problems.
type Rule = fn(&Workspace, &mut Vec<Diagnostic>);

/// Rules that check each part separately.
const LOCAL: &[Rule] = &[
    access::check,
    guards::check,
    ignores::check,
    intelligence::check,
    names::check,
    networks::check,
    notes::check,
    policies::check,
    single_sign_on::check,
    tenant::check,
    types::check,
];

/// Rules that involve several parts: they need every file.
const WHOLE: &[Rule] = &[
    consents::check,
    ignores::defaults,
    references::check,
    removed::check,
    stores::check,
    suppressions::check,
];

/// Runs every rule; `complete` says whether every file could be read.
pub fn run(workspace: &Workspace, complete: bool, findings: &mut Vec<Diagnostic>) {
    for rule in LOCAL {
        rule(workspace, findings);
    }
    for rule in WHOLE.iter().filter(|_| complete) {
        rule(workspace, findings);
    }
}
