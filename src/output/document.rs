//! The JSON documents as types: what every format but `human` and `json` is written from, what `duoctl show` reads, and
//! where the published schemas come from. Within a format version properties are only ever added, so a reader ignores
//! those that it does not know.

mod plan;
mod report;
pub mod schema;

pub use plan::{
    ActivityDocument, ChangeDocument, ConsoleFieldDocument, DeliveryDocument, DiagnosticDocument,
    HandoffDocument, MadeWith, OrphanDocument, Place, PlanDocument, RefusalDocument, RelatedDocument,
    RiskDocument, StepDocument, WhoDocument,
};
pub use report::{
    ApplicationDocument, ApplyDocument, CheckDocument, DoctorDocument, EventDocument, FailureDocument,
    HandoffsDocument, ImportDocument, ImportedDocument, ImportedFile, LadderDocument, LeftOutDocument,
    NormalisedDocument, OutcomeDocument, SecretsDocument, SecretsEntry, ValidateDocument, VerifyDocument,
    VerifySummary,
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::json::FORMAT_VERSION;

/// A document that was read.
#[derive(Clone, Debug)]
pub enum Document {
    /// Of `plan`, saved or printed.
    Plan(Box<PlanDocument>),
    /// Of `drift`.
    Drift(Box<PlanDocument>),
    /// Of `apply`.
    Apply(Box<ApplyDocument>),
    /// Of `verify`.
    Verify(Box<VerifyDocument>),
    /// Of `validate`.
    Validate(Box<ValidateDocument>),
    /// Of any command that could not do its work.
    Failure(Box<FailureDocument>),
}

/// The words in `kind` of the documents that [`read`] knows.
pub const READABLE: [&str; 6] = ["plan", "drift", "apply", "verify", "validate", "failure"];

/// Reads a document.
///
/// # Errors
///
/// What is wrong with it: another kind, another format version, a property that is missing or of another type.
pub fn read(value: &Value) -> Result<Document, String> {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    if !READABLE.contains(&kind) {
        let all = READABLE.join("`, `");
        return Err(format!("its `kind` is none of `{all}`"));
    }
    let version = value.get("format_version").and_then(Value::as_str).unwrap_or_default();
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(version) != major(FORMAT_VERSION) {
        return Err(format!("its format version is {version:?}, and this duoctl reads {FORMAT_VERSION}"));
    }
    Ok(match kind {
        "plan" => Document::Plan(typed(value)?),
        "drift" => Document::Drift(typed(value)?),
        "apply" => Document::Apply(typed(value)?),
        "verify" => Document::Verify(typed(value)?),
        "validate" => Document::Validate(typed(value)?),
        _ => Document::Failure(typed(value)?),
    })
}

/// Values never stand in a message: a file may hold anything.
fn typed<T: DeserializeOwned>(value: &Value) -> Result<Box<T>, String> {
    match T::deserialize(value) {
        Ok(document) => Ok(Box::new(document)),
        Err(error) => {
            let text = error.to_string();
            let missing = text.strip_prefix("missing field ").map(|field| format!("it has no {field}"));
            Err(missing
                .unwrap_or_else(|| "one of its properties has another type than a document has".to_owned()))
        }
    }
}
