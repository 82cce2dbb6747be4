//! The documents of the commands that change keys (`keys rotate`, `confirm`, `abort`) or edit the YAML (`accept`, `adopt`,
//! `ignore`, `attest`).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::apply::outcome::Tally;
use crate::diagnostic::Severity;
use crate::reconcile::rotation::Rotation;
use crate::text::{counted, safe};

use super::apply::{OutcomeDocument, tally};
use super::finding::DiagnosticDocument;
use super::kind::{FORMAT_VERSION, Kind};
use super::plan::{RefusalDocument, StepDocument};

/// The outcome of `keys rotate`, `keys confirm` and `keys abort`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyChangesDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `key_changes`.
    #[schemars(with = "String", extend("const" = "key_changes"))]
    pub kind: Kind,
    /// The command, e.g. `keys rotate`.
    pub command: String,
    /// The steps that were planned.
    pub planned: Vec<StepDocument>,
    /// The requested addresses that cannot be changed.
    pub left_alone: Vec<ReasonDocument>,
    /// How many keys are younger than `--older-than`.
    pub young: usize,
    /// The guards that refuse the steps.
    pub refusals: Vec<RefusalDocument>,
    /// The command that consents to everything; absent if no option lifts one of the guards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// What was found in the YAML and the account.
    pub diagnostics: Vec<DiagnosticDocument>,
    /// How many steps had which outcome.
    pub summary: Tally,
    /// The outcome of each step; empty if nothing was begun.
    pub steps: Vec<OutcomeDocument>,
    /// The rotations of these addresses that are in progress afterwards.
    pub rotations: Vec<Rotation>,
    /// The addresses whose old application is now out of use and waits for `duoctl apply --prune`.
    pub retired: Vec<String>,
}

/// An address, and why nothing was done there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonDocument {
    /// The address.
    pub address: String,
    /// Why.
    pub reason: String,
}

impl KeyChangesDocument {
    /// For a command that has not begun.
    pub fn new(command: &str) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::KeyChanges,
            command: command.to_owned(),
            planned: Vec::new(),
            left_alone: Vec::new(),
            young: 0,
            refusals: Vec::new(),
            consent: None,
            diagnostics: Vec::new(),
            summary: Tally::default(),
            steps: Vec::new(),
            rotations: Vec::new(),
            retired: Vec::new(),
        }
    }

    /// The same with the outcome of its steps.
    #[must_use]
    pub fn ended(self, steps: Vec<OutcomeDocument>) -> Self {
        Self { summary: tally(&steps), steps, ..self }
    }

    /// How many addresses and guards were refused.
    pub fn refused(&self) -> usize {
        self.left_alone.len() + self.refusals.len()
    }

    fn nothing_begun(&self) -> String {
        let errors = self.diagnostics.iter().any(|found| found.severity == Severity::Error);
        if !self.planned.is_empty() {
            return "Not approved; nothing was changed.".to_owned();
        }
        if self.refused() > 0 {
            return "Refused; nothing was changed.".to_owned();
        }
        if errors {
            return "Stopped by errors; nothing was changed.".to_owned();
        }
        match self.rotations.len() {
            0 => "No changes. Nothing to rotate.".to_owned(),
            1 => "No changes. 1 rotation is waiting.".to_owned(),
            several => format!("No changes. {several} rotations are waiting."),
        }
    }

    /// How many steps were done, or why none was.
    pub fn last_line(&self) -> String {
        if self.steps.is_empty() {
            return self.nothing_begun();
        }
        let mut line = format!("Applied: {} of {} steps", self.summary.applied, self.steps.len());
        let counts = [
            (self.summary.failed, "failed"),
            (self.summary.not_attempted, "not attempted"),
            (self.refused(), "refused"),
        ];
        for (count, words) in counts.iter().filter(|(count, _)| *count > 0) {
            line.push_str(&format!(", {count} {words}"));
        }
        line.push('.');
        line
    }
}

/// The outcome of `accept`, `adopt`, `ignore` and `attest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EditDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `edit`.
    #[schemars(with = "String", extend("const" = "edit"))]
    pub kind: Kind,
    /// The command, e.g. `accept`.
    pub command: String,
    /// What was written, value by value.
    pub edits: Vec<EditedDocument>,
    /// Values that the YAML cannot express, and why.
    pub refused: Vec<ReasonDocument>,
    /// Addresses with nothing to write, and why.
    pub unchanged: Vec<ReasonDocument>,
}

/// One value of the YAML that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EditedDocument {
    /// The address; empty if it is about the workspace.
    pub address: String,
    /// The YAML key below the address; for a part of a document, followed by its path.
    pub field: String,
    /// The previous value; null if there was none or it is unknown.
    pub before: Value,
    /// The new value; null if the key was removed.
    pub after: Value,
    /// The file.
    pub file: String,
}

impl EditDocument {
    /// A document of one command.
    pub fn new(command: &str, edits: Vec<EditedDocument>) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Edit,
            command: command.to_owned(),
            edits,
            refused: Vec::new(),
            unchanged: Vec::new(),
        }
    }

    /// The files that were written, in order.
    fn files(&self) -> Vec<&str> {
        let files: BTreeSet<&str> = self.edits.iter().map(|edit| edit.file.as_str()).collect();
        files.into_iter().collect()
    }

    /// How many values were written, and where.
    pub fn last_line(&self) -> String {
        match self.files().as_slice() {
            [] => "No changes to the YAML.".to_owned(),
            files => {
                let (written, all) = (self.edits.len(), self.edits.len() + self.refused.len());
                let of = if written < all { format!("{written} of ") } else { String::new() };
                format!("Wrote {of}{} to {}.", counted(all, "value", "values"), safe(&files.join(", ")))
            }
        }
    }
}
