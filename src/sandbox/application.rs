//! An application as the sandbox stores it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::Caller;
use super::collections::INTEGRATIONS;
use super::kinds;
use super::store::Store;
use super::switches::{Mask, Switches};
use crate::secret::last_four;

/// Who may log in (duo-api.md, section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Access {
    #[serde(rename = "ALL_USERS")]
    All,
    #[serde(rename = "PERMITTED_GROUPS")]
    Groups,
    #[default]
    #[serde(rename = "NO_USERS")]
    NoOne,
}

/// A policy that applies to some groups of one application (duo-api.md, section 7.2).
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct GroupPolicy {
    pub(super) policy_key: String,
    pub(super) group_ids: Vec<String>,
}

/// Everything about an application. It contains secrets in clear text, so it has no `Debug`.
///
/// Groups and policies are kept by id even after they were deleted; reads only show existing ones, so that a deletion is a
/// single write.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Application {
    pub(super) integration_key: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) secret_key: String,
    pub(super) notes: String,
    pub(super) greeting: String,
    pub(super) user_access: Access,
    pub(super) groups_allowed: Vec<String>,
    pub(super) policy_key: Option<String>,
    pub(super) group_policies: Vec<GroupPolicy>,
    pub(super) self_service_allowed: bool,
    /// `None` or `Simple` as Duo returns them; absent if never set.
    pub(super) normalization: Option<String>,
    pub(super) networks: Vec<String>,
    /// The `adminapi_*` flags that are on.
    pub(super) permissions: BTreeSet<String>,
    /// Whether Duo has seen a frameless authentication (duo-api.md, section 3.3).
    pub(super) frameless: bool,
    pub(super) universal_prompt: bool,
    pub(super) sso: Option<Map<String, Value>>,
    /// By client id; an OIDC application has one, under `oidc`.
    pub(super) client_secrets: BTreeMap<String, String>,
    /// Legacy properties as sent, if they are kept.
    pub(super) legacy: Map<String, Value>,
}

impl Application {
    /// Decodes a stored object.
    pub(super) fn read(stored: &Value) -> Option<Self> {
        Self::deserialize(stored).ok()
    }

    /// Loads an application.
    pub(super) fn load(store: &Store, ikey: &str) -> Option<Self> {
        Self::read(store.get(INTEGRATIONS, ikey)?)
    }

    /// Stores it.
    pub(super) fn save(&self, store: &mut Store) -> io::Result<()> {
        store.put(INTEGRATIONS, &self.integration_key, serde_json::to_value(self)?)
    }

    /// The application as the signer of a call.
    pub(super) fn caller(&self) -> Caller {
        Caller {
            ikey: self.integration_key.clone(),
            kind: self.kind.clone(),
            permissions: self.permissions.iter().cloned().collect(),
        }
    }

    /// The secret key in clear text; `""` for types without one.
    pub(super) fn shown_secret(&self) -> &str {
        if kinds::has_secret_key(&self.kind) { &self.secret_key } else { "" }
    }
}

/// A secret in its masked form (duo-api.md, section 0).
pub(super) fn mask(secret: &str, switches: &Switches) -> String {
    match switches.secret_mask {
        Mask::LastFour => format!("{}{}", "*".repeat(36), last_four(secret)),
        Mask::Stars => "*".repeat(40),
        Mask::FourStars => "*".repeat(4),
    }
}
