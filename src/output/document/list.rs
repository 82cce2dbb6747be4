//! The documents of the commands that list: `doctor`, `list`, `keys list`, `keys status`, `import`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::import::placement::Change;
use crate::import::{Imported, LeftOut, Reason};
use crate::kinds::Kind as ObjectKind;
use crate::reconcile::inventory::Entry;
use crate::reconcile::listing::Listed;
use crate::reconcile::rotation::Rotation;
use crate::verify::report::Check;

use super::kind::{FORMAT_VERSION, Kind};

/// The outcome of `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `doctor`.
    #[schemars(with = "String", extend("const" = "doctor"))]
    pub kind: Kind,
    /// Whether nothing failed.
    pub healthy: bool,
    /// The checks in their order.
    pub checks: Vec<Check>,
}

impl DoctorDocument {
    /// A document of these checks.
    pub fn new(healthy: bool, checks: Vec<Check>) -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), kind: Kind::Doctor, healthy, checks }
    }
}

/// The outcome of `keys list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeysDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `keys`.
    #[schemars(with = "String", extend("const" = "keys"))]
    pub kind: Kind,
    /// When the account was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub read_at: Option<Timestamp>,
    /// The applications.
    pub applications: Vec<Entry>,
    /// The rotations of their keys that are in progress.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rotations: Vec<Rotation>,
}

impl KeysDocument {
    /// A document of this inventory, read at this time.
    pub fn new(read_at: Timestamp, applications: Vec<Entry>, rotations: Vec<Rotation>) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Keys,
            read_at: Some(read_at),
            applications,
            rotations,
        }
    }
}

/// The outcome of `keys status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RotationsDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `rotations`.
    #[schemars(with = "String", extend("const" = "rotations"))]
    pub kind: Kind,
    /// The rotations that are under way.
    pub rotations: Vec<Rotation>,
}

impl RotationsDocument {
    /// A document of these rotations.
    pub fn new(rotations: Vec<Rotation>) -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), kind: Kind::Rotations, rotations }
    }
}

/// The outcome of `list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `list`.
    #[schemars(with = "String", extend("const" = "list"))]
    pub kind: Kind,
    /// The workspace.
    pub workspace: String,
    /// The account's API hostname.
    pub api_hostname: String,
    /// The start of the logs that were read; earlier use is not shown. Null if the logs cannot be read.
    pub uses_since: Option<String>,
    /// The objects.
    pub objects: Vec<Listed>,
}

impl ListDocument {
    /// A document of these objects of a workspace.
    pub fn new(workspace: &str, host: &str, uses_since: Option<String>, objects: Vec<Listed>) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::List,
            workspace: workspace.to_owned(),
            api_hostname: host.to_owned(),
            uses_since,
            objects,
        }
    }
}

/// The outcome of `import`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportDocument {
    /// The version of this shape.
    pub format_version: String,
    /// `import`.
    #[schemars(with = "String", extend("const" = "import"))]
    pub kind: Kind,
    /// The objects that were imported.
    pub entries: Vec<ImportedDocument>,
    /// The files that got entries.
    pub files: Vec<ImportedFile>,
    /// What was left out, and why.
    pub left_out: Vec<LeftOutDocument>,
    /// The number of fields of the imported objects that are set in Duo and that the YAML neither mentions nor
    /// ignores.
    #[serde(default)]
    pub unmanaged_fields: usize,
}

/// An object that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedDocument {
    /// Its address.
    pub address: String,
    /// Its ID, which is the integration key of an application.
    pub integration_key: String,
    /// The type of an application; the kind of any other object.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How many of its values are not managed; comments in the YAML say which.
    pub unsaid: usize,
}

/// A file that got entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedFile {
    /// The file.
    pub path: String,
    /// How many objects it got.
    pub added: usize,
}

/// An object that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutDocument {
    /// Its ID, which is the integration key of an application.
    pub integration_key: String,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: LeftOutReason,
    /// The owner, or the reason why it cannot be adopted.
    pub detail: Option<String>,
}

/// Why an object was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutReason {
    /// The workspace declares it.
    Declared,
    /// Another workspace owns it.
    OwnedElsewhere,
    /// It was not selected.
    NotSelected,
    /// duoctl uses its key.
    Operator,
    /// It looks like part of a connection to Identity Intelligence.
    IdentityIntelligence,
    /// It cannot be adopted.
    Impossible,
}

impl ImportDocument {
    /// A document of what was imported and of the changed files.
    pub fn new(imported: &Imported, changes: &[Change]) -> Self {
        let entries = imported.entries.iter().map(|entry| ImportedDocument {
            address: entry.address.to_string(),
            integration_key: entry.id.to_string(),
            kind: match entry.kind {
                ObjectKind::Application => entry.variant.clone(),
                kind => kind.noun().to_owned(),
            },
            name: entry.name.clone(),
            unsaid: entry.unsaid,
        });
        let files = changes
            .iter()
            .map(|change| ImportedFile { path: change.path.display().to_string(), added: change.added });
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: Kind::Import,
            entries: entries.collect(),
            files: files.collect(),
            left_out: imported.left_out.iter().map(LeftOutDocument::from).collect(),
            unmanaged_fields: imported.unmanaged_fields,
        }
    }
}

impl From<&LeftOut> for LeftOutDocument {
    fn from(left_out: &LeftOut) -> Self {
        let (reason, detail) = match &left_out.reason {
            Reason::Declared => (LeftOutReason::Declared, None),
            Reason::Elsewhere(owner) => (LeftOutReason::OwnedElsewhere, Some(owner)),
            Reason::NotWanted => (LeftOutReason::NotSelected, None),
            Reason::Operator => (LeftOutReason::Operator, None),
            Reason::Intelligence => (LeftOutReason::IdentityIntelligence, None),
            Reason::Impossible(why) => (LeftOutReason::Impossible, Some(why)),
        };
        let (integration_key, name) = (left_out.id.to_string(), left_out.name.clone());
        Self { integration_key, name, reason, detail: detail.cloned() }
    }
}
