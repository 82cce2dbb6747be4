//! The kinds of documents, and the version of their format.

use serde::{Deserialize, Serialize};

/// The format version of all documents.
pub const FORMAT_VERSION: &str = "1.0";

/// The kind of a document, as in its `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From `plan`, saved or printed.
    Plan,
    /// From `drift`.
    Drift,
    /// From `apply`.
    Apply,
    /// From `verify`.
    Verify,
    /// From `validate`.
    Validate,
    /// From any command that could not do its work.
    Failure,
    /// From `doctor`.
    Doctor,
    /// From `keys list`.
    Keys,
    /// From `import`.
    Import,
    /// From `handoff`.
    Handoff,
    /// From `list`.
    List,
    /// From `keys status`.
    Rotations,
    /// From `keys rotate`, `keys confirm` and `keys abort`.
    KeyChanges,
    /// From `accept`, `adopt`, `ignore` and `attest`.
    Edit,
    /// From `graph`.
    Graph,
    /// A line of a stream, which is not a document of its own.
    Event,
}
