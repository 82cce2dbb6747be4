//! The documents: what a command found out or did, as data. Each is built once from the engine's types; every format, the
//! one for people included, is written from it, `duoctl show` reads it, and the published schemas come from these types.
//! Within a format version properties are only ever added, so a reader ignores those that it does not know.

mod apply;
mod changes;
mod columns;
mod console;
mod finding;
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
pub use verify::{ApplicationDocument, LadderDocument, VerifyDocument, VerifySummary};

use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of every document's shape.
pub const FORMAT_VERSION: &str = "1.0";

macro_rules! documents {
    ($($(#[$doc:meta])* $variant:ident($document:ty) = $name:literal,)*) => {
        /// What a document is: the word in its `kind`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
            /// A line of a stream, which is no document of its own.
            #[serde(rename = "event")]
            Event,
        }

        /// A document.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        pub enum Document { $($(#[$doc])* $variant(Box<$document>),)* }

        /// The words in `kind` of the documents that [`read`] knows.
        pub const READABLE: &[&str] = &[$($name,)*];

        /// The schema of each.
        const SCHEMAS: &[(&str, fn(&mut SchemaGenerator) -> Schema)] = &[$(($name, schema::of::<$document>),)*];

        impl Document {
            /// The word in its `kind`.
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
    /// Of `plan`, saved or printed.
    Plan(PlanDocument) = "plan",
    /// Of `drift`.
    Drift(PlanDocument) = "drift",
    /// Of `apply`.
    Apply(ApplyDocument) = "apply",
    /// Of `verify`.
    Verify(VerifyDocument) = "verify",
    /// Of `validate`.
    Validate(ValidateDocument) = "validate",
    /// Of any command that could not do its work.
    Failure(FailureDocument) = "failure",
    /// Of `doctor`.
    Doctor(DoctorDocument) = "doctor",
    /// Of `keys list`.
    Keys(KeysDocument) = "keys",
    /// Of `import`.
    Import(ImportDocument) = "import",
    /// Of `handoff`.
    Handoff(HandoffsDocument) = "handoff",
    /// Of `list`.
    List(ListDocument) = "list",
    /// Of `keys status`.
    Rotations(RotationsDocument) = "rotations",
    /// Of `keys rotate`, `keys confirm` and `keys abort`.
    KeyChanges(KeyChangesDocument) = "key_changes",
    /// Of `accept`, `adopt`, `ignore` and `attest`.
    Edit(EditDocument) = "edit",
}

#[derive(Deserialize)]
struct Header {
    kind: Kind,
    #[serde(default)]
    format_version: Value,
}

fn no_kind() -> String {
    format!("its `kind` is none of `{}`", READABLE.join("`, `"))
}

/// Reads a document.
///
/// # Errors
///
/// What is wrong with it: another kind, another format version, a property that is missing or of another type.
pub fn read(value: &Value) -> Result<Document, String> {
    let header = if value.is_object() { Header::deserialize(value).ok() } else { None };
    let Header { kind, format_version } = header.filter(|it| it.kind != Kind::Event).ok_or_else(no_kind)?;
    let version = format_version.as_str().unwrap_or_default();
    if version.split('.').next() != FORMAT_VERSION.split('.').next() {
        return Err(format!("its format version is {version:?}, and this duoctl reads {FORMAT_VERSION}"));
    }
    Document::typed(kind, value)
}

/// Values never stand in a message: a file may hold anything.
fn typed<T: DeserializeOwned>(value: &Value) -> Result<Box<T>, String> {
    T::deserialize(value).map(Box::new).map_err(|error| {
        let text = error.to_string();
        let missing = text.strip_prefix("missing field ").map(|field| format!("it has no {field}"));
        missing.unwrap_or_else(|| "one of its properties has another type than a document has".to_owned())
    })
}
