//! The documents of what was done, found or seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::apply::outcome::Tally;
use crate::duo::types::Ikey;
use crate::reconcile::address::Address;
use crate::reconcile::age::KeyAge;
use crate::reconcile::inventory::Keeping;
use crate::reconcile::plan::Action;
use crate::verify::report::{Check, Ladder, Report, Subject, Verdict};

use super::plan::{DiagnosticDocument, HandoffDocument, PlanDocument};

/// The outcome of `apply`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `apply`.
    #[schemars(extend("const" = "apply"))]
    pub kind: String,
    /// The plan that was carried out, or refused.
    pub plan: PlanDocument,
    /// How many steps ended how.
    pub summary: Tally,
    /// What became of each step; empty where nothing was begun.
    pub steps: Vec<OutcomeDocument>,
    /// Values that Duo keeps in another form than the one that was sent.
    pub normalised: Vec<NormalisedDocument>,
    /// The plan after the writes; null where nothing was written.
    pub left: Option<PlanDocument>,
    /// The addresses that `--only` and `--exclude` left out.
    pub left_out: Option<Vec<String>>,
    /// What a person still has to do in consoles: of the account as it is now.
    pub handoffs: Option<Vec<HandoffDocument>>,
    /// What was verified; null where nothing was.
    pub verify: Option<VerifyDocument>,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeDocument {
    /// The address.
    pub address: String,
    /// What was to be done.
    pub action: Action,
    /// The application, once it is known.
    pub integration_key: Option<String>,
    /// What became of it.
    #[schemars(extend("enum" = ["applied", "moved", "partly_applied", "failed", "not_delivered", "not_proven", "rolled_back", "rolled_back_not_proven", "not_rolled_back", "not_attempted"]))]
    pub status: String,
    /// Why, where it is not `applied`.
    pub reason: Option<String>,
    /// Where keys were delivered and how they were proven.
    pub delivered: Option<String>,
    /// `second_operator` where the second operator makes it, since it changes the application whose key duoctl uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["second_operator"]))]
    pub made_by: Option<String>,
}

/// A value that Duo keeps in another form than the one that was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NormalisedDocument {
    /// The address.
    pub address: String,
    /// The field's YAML key.
    pub field: String,
    /// What was sent.
    pub sent: Value,
    /// What Duo keeps.
    pub kept: Value,
}

/// The outcome of `verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `verify`.
    #[schemars(extend("const" = "verify"))]
    pub kind: String,
    /// The workspace, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Whether nothing failed and nothing stayed open.
    pub passed: bool,
    /// How many applications have which outcome.
    pub summary: VerifySummary,
    /// The ladders of Identity Intelligence.
    pub identity_intelligence: Vec<LadderDocument>,
    /// The applications.
    pub applications: Vec<ApplicationDocument>,
    /// The addresses that `--only` and `--exclude` left out; absent within an apply, which says it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Vec<String>>,
}

/// How many applications have which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifySummary {
    /// Proven by a live call.
    pub verified: usize,
    /// No call without effect can show it.
    pub not_testable: usize,
    /// No answer that proves anything.
    pub inconclusive: usize,
    /// The opposite was proven.
    pub failed: usize,
}

/// How far the data of one Identity Intelligence entry flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LadderDocument {
    /// The address of the entry.
    pub address: String,
    /// The display name in the console.
    pub display_name: String,
    /// The worst outcome.
    pub verdict: Verdict,
    /// The highest rung that was proven with nothing below it missing.
    pub highest_rung: Option<String>,
    /// The rungs from the lowest on.
    pub rungs: Vec<CheckDocument>,
}

/// One application and what was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplicationDocument {
    /// Its address.
    pub address: String,
    /// Its key; null where it is not in the account.
    pub integration_key: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The worst outcome.
    pub verdict: Verdict,
    /// The checks in their order.
    pub checks: Vec<CheckDocument>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckDocument {
    /// What.
    pub name: String,
    /// The outcome.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// What to do, where something is wrong.
    pub fix: Option<String>,
}

/// The outcome of `validate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValidateDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `validate`.
    #[schemars(extend("const" = "validate"))]
    pub kind: String,
    /// The workspace, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Whether there is no error.
    pub valid: bool,
    /// Everything that was found, by file and place.
    pub diagnostics: Vec<DiagnosticDocument>,
}

/// A command that could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `failure`.
    #[schemars(extend("const" = "failure"))]
    pub kind: String,
    /// The command.
    pub command: String,
    /// The workspace, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The process's exit code.
    pub exit_code: u8,
    /// What went wrong.
    pub message: String,
    /// What to do, or what exactly moved, line by line.
    pub help: Vec<String>,
    /// What is wrong with the YAML.
    pub diagnostics: Vec<DiagnosticDocument>,
}

/// The outcome of `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `doctor`.
    #[schemars(extend("const" = "doctor"))]
    pub kind: String,
    /// Whether nothing failed.
    pub healthy: bool,
    /// The checks in their order.
    pub checks: Vec<CheckDocument>,
}

/// The outcome of `secrets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretsDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `secrets`.
    #[schemars(extend("const" = "secrets"))]
    pub kind: String,
    /// The applications.
    pub applications: Vec<SecretsEntry>,
}

/// Where the keys of one application are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretsEntry {
    /// The application's address.
    pub address: String,
    /// The live application.
    pub integration_key: Option<String>,
    /// Where its keys are kept.
    pub place: Option<String>,
    /// Whether they are those of now.
    pub state: Keeping,
    /// Why they are due, or why the store could not be read.
    pub reason: Option<String>,
    /// When the store says that they were delivered.
    pub delivered_at: Option<String>,
    /// How old the key is.
    pub age: Option<KeyAge>,
    /// Whether it is older than `max_age` says; null where the YAML says nothing or nobody can tell.
    pub overdue: Option<bool>,
    /// Since when the key is being rotated.
    pub rotating_since: Option<String>,
    /// Whether the stored key was accepted by a call a moment ago; null where none was made.
    pub proven: Option<bool>,
    /// What the call showed, or why there was none.
    pub proof: Option<String>,
}

/// The outcome of `import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `import`.
    #[schemars(extend("const" = "import"))]
    pub kind: String,
    /// The applications that were imported.
    pub entries: Vec<ImportedDocument>,
    /// The files that were added to.
    pub files: Vec<ImportedFile>,
    /// What was left out, and why.
    pub left_out: Vec<LeftOutDocument>,
}

/// An application that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedDocument {
    /// Its address.
    pub address: String,
    /// The application.
    pub integration_key: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How many of its values the YAML leaves alone; comments in it say which.
    pub unsaid: usize,
}

/// A file that was added to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedFile {
    /// The file.
    pub path: String,
    /// How many applications it got.
    pub added: usize,
}

/// An application that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutDocument {
    /// The application.
    pub integration_key: String,
    /// Its name.
    pub name: String,
    /// Why.
    #[schemars(extend("enum" = ["declared", "owned_elsewhere", "not_selected", "operator", "identity_intelligence", "impossible"]))]
    pub reason: String,
    /// The owner, or what makes it impossible.
    pub detail: Option<String>,
}

/// Console sheets of `handoff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffsDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `handoff`.
    #[schemars(extend("const" = "handoff"))]
    pub kind: String,
    /// The sheets.
    pub handoffs: Vec<HandoffDocument>,
}

/// One line of `--format jsonl` while the command runs. The last line is the command's whole document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `event`.
    #[schemars(extend("const" = "event"))]
    pub kind: String,
    /// What happened.
    #[schemars(extend("enum" = ["step_begun", "step_ended", "application_verified", "ladder_climbed"]))]
    pub event: String,
    /// When, in RFC 3339.
    pub at: String,
    /// The address that it is about.
    pub address: String,
    /// What the step does, of `step_begun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// What became of the step, of `step_ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<OutcomeDocument>,
    /// What was seen, of `application_verified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationDocument>,
    /// How far the data flows, of `ladder_climbed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<LadderDocument>,
}

impl VerifyDocument {
    /// What was seen, as the probes said it.
    pub fn report(&self) -> Report {
        let subjects = self.applications.iter().map(|it| Subject {
            address: Address::new(&it.address),
            ikey: it.integration_key.as_ref().map(Ikey::new),
            kind: it.kind.clone(),
            name: it.name.clone(),
            checks: checks(&it.checks),
        });
        let ladders = self.identity_intelligence.iter().map(|it| Ladder {
            address: Address::new(&it.address),
            name: it.display_name.clone(),
            rungs: checks(&it.rungs),
        });
        Report { subjects: subjects.collect(), ladders: ladders.collect() }
    }
}

impl FailureDocument {
    /// The failure as the one thing that was looked at, without an answer: a test tab must not stay empty.
    pub fn report(&self) -> Report {
        let found = self.diagnostics.iter().map(|found| format!("{}: {}", found.code, found.message));
        let lines: Vec<String> = self.help.iter().cloned().chain(found).collect();
        let check = Check {
            name: self.command.clone(),
            verdict: Verdict::Inconclusive,
            detail: self.message.clone(),
            fix: (!lines.is_empty()).then(|| lines.join("\n")),
        };
        let (address, name) = (Address::new("duoctl"), self.command.clone());
        let subject = Subject { address, ikey: None, kind: String::new(), name, checks: vec![check] };
        Report { subjects: vec![subject], ladders: Vec::new() }
    }
}

fn checks(documents: &[CheckDocument]) -> Vec<Check> {
    let check = |it: &CheckDocument| Check {
        name: it.name.clone(),
        verdict: it.verdict,
        detail: it.detail.clone(),
        fix: it.fix.clone(),
    };
    documents.iter().map(check).collect()
}
