//! The names that exist in Duo, in a file: `duoctl list --snapshot` writes it, the language server offers them. It holds no
//! secret.

use serde::{Deserialize, Serialize};

/// The names in an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// `snapshot`.
    pub kind: String,
    /// The version of this shape.
    pub format_version: String,
    /// The account's API hostname.
    pub api_hostname: String,
    /// When the account was read.
    pub read_at: String,
    /// The groups.
    pub groups: Vec<Object>,
    /// The policies that can be attached.
    pub policies: Vec<Object>,
    /// The applications.
    pub applications: Vec<Object>,
}

/// An object with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Its ID.
    pub id: String,
    /// The type of an application.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// The value of `kind`.
pub const KIND: &str = "snapshot";

impl Snapshot {
    /// Reads a snapshot; `None` if the text is anything else.
    pub fn read(text: &str) -> Option<Self> {
        let snapshot: Self = serde_json::from_str(text).ok()?;
        (snapshot.kind == KIND).then_some(snapshot)
    }
}
