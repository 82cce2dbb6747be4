//! The documents: what a command found or did, as data. Each is built once from the engine's types. Every format,
//! including the one for people, is written from it; `duoctl show` reads it; and the published schemas come from these
//! types. Within a format version, properties are only added, so readers must ignore unknown ones.

mod apply;
mod changes;
mod columns;
mod console;
mod finding;
mod graph;
mod kind;
mod last_line;
mod list;
mod plan;
pub mod schema;
mod unmanaged;
mod verify;

pub use apply::{ApplyDocument, EventDocument, EventName, OutcomeDocument, StepStatus};
pub use changes::{EditDocument, EditedDocument, KeyChangesDocument, ReasonDocument};
pub(crate) use columns::{COLUMNS, row, short_row};
pub use console::{ConsoleFieldDocument, HandoffDocument, HandoffsDocument};
pub use finding::{
    DeclaredCounts, DiagnosticDocument, FailureDocument, Place, RelatedDocument, ValidateDocument,
};
pub use graph::{GraphDocument, GraphSource, mark_changes};
pub use kind::{FORMAT_VERSION, Kind};
pub use list::{
    DoctorDocument, ImportDocument, ImportedDocument, ImportedFile, KeysDocument, LeftOutDocument,
    LeftOutReason, ListDocument, RotationsDocument,
};
pub(crate) use plan::Actions;
pub(crate) use plan::lift_words;
pub use plan::{
    ChangeDocument, DeliveryDocument, DriftedDocument, MadeBy, MadeWith, PlanDocument, PruneDocument,
    RefusalDocument, RiskDocument, StepDocument, UnmanagedFieldDocument, WhoDocument,
};
pub use unmanaged::unmanaged_fields;
pub use verify::{ApplicationDocument, ConnectionDocument, VerifyDocument, VerifySummary};

use schemars::Schema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! documents {
    ($($(#[$doc:meta])* $variant:ident($document:ty) = $name:literal,)*) => {
        /// A document.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        pub enum Document { $($(#[$doc])* $variant(Box<$document>),)* }

        /// The values of `kind` that [`read`] accepts.
        pub const READABLE: &[&str] = &[$($name,)*];

        /// The schema of each document.
        const SCHEMAS: &[schema::Named] = &[$(($name, schema::of::<$document>),)*];

        impl Document {
            /// The value of its `kind`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            fn typed(kind: Kind, value: &Value) -> Result<Self, String> {
                match kind {
                    $(Kind::$variant => Ok(Self::$variant(typed(value)?)),)*
                    Kind::Event => Err(no_kind()),
                }
            }
        }
    };
}

documents! {
    /// From `plan`, saved or printed.
    Plan(PlanDocument) = "plan",
    /// From `drift`.
    Drift(PlanDocument) = "drift",
    /// From `apply`.
    Apply(ApplyDocument) = "apply",
    /// From `verify`.
    Verify(VerifyDocument) = "verify",
    /// From `validate`.
    Validate(ValidateDocument) = "validate",
    /// From any command that could not do its work.
    Failure(FailureDocument) = "failure",
    /// From `doctor`.
    Doctor(DoctorDocument) = "doctor",
    /// From `keys list`.
    Keys(KeysDocument) = "keys",
    /// From `import`.
    Import(ImportDocument) = "import",
    /// From `handoff`.
    Handoff(HandoffsDocument) = "handoff",
    /// From `list`.
    List(ListDocument) = "list",
    /// From `keys status`.
    Rotations(RotationsDocument) = "rotations",
    /// From `keys rotate`, `keys confirm` and `keys abort`.
    KeyChanges(KeyChangesDocument) = "key_changes",
    /// From `accept`, `adopt`, `ignore` and `attest`.
    Edit(EditDocument) = "edit",
    /// From `graph`.
    Graph(GraphDocument) = "graph",
}

#[derive(Deserialize)]
struct Header {
    kind: Kind,
    #[serde(default)]
    format_version: Value,
}

/// The schema of every document but plans.
pub fn report_schema() -> Schema {
    schema::reports(SCHEMAS)
}

fn no_kind() -> String {
    format!("its `kind` must be one of `{}`", READABLE.join("`, `"))
}

/// Reads a document.
///
/// # Errors
///
/// What is wrong: another kind, another format version, or a property that is missing or has the wrong type.
pub fn read(value: &Value) -> Result<Document, String> {
    let header = if value.is_object() { Header::deserialize(value).ok() } else { None };
    let Header { kind, format_version } = header.filter(|it| it.kind != Kind::Event).ok_or_else(no_kind)?;
    let version = format_version.as_str().unwrap_or_default();
    if version.split('.').next() != FORMAT_VERSION.split('.').next() {
        return Err(format!("its format version is {version:?}, but this duoctl reads {FORMAT_VERSION}"));
    }
    Document::typed(kind, value)
}

/// Messages never contain values, because a file may hold anything.
fn typed<T: DeserializeOwned>(value: &Value) -> Result<Box<T>, String> {
    T::deserialize(value).map(Box::new).map_err(|error| {
        let text = error.to_string();
        let missing = text.strip_prefix("missing field ").map(|field| format!("it has no {field}"));
        missing.unwrap_or_else(|| "one of its properties has the wrong type".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_read_by_its_name() {
        for name in READABLE {
            let kind: Kind = serde_json::from_value(Value::from(*name)).unwrap();
            assert_eq!(serde_json::to_value(kind).unwrap(), *name);
            let message =
                read(&serde_json::json!({"kind": name, "format_version": FORMAT_VERSION})).unwrap_err();
            assert!(message.starts_with("it has no "), "{name}: {message}");
        }
        assert_eq!(read(&serde_json::json!({"kind": "event"})).unwrap_err(), no_kind());
    }
}
