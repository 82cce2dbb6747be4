//! An application as the sandbox stores it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::call::Caller;
use super::super::logs::Target;
use super::super::store::Store;
use super::{COLLECTION, kinds};

/// Who may log in (duo-api.md, section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum Access {
    #[serde(rename = "ALL_USERS")]
    All,
    #[serde(rename = "PERMITTED_GROUPS")]
    Groups,
    #[default]
    #[serde(rename = "NO_USERS")]
    Nobody,
}

/// A policy that applies to some groups of one application (duo-api.md, section 7.2).
#[derive(Clone, Serialize, Deserialize)]
pub(in super::super) struct GroupPolicy {
    pub(in super::super) policy_key: String,
    pub(in super::super) group_ids: Vec<String>,
}

/// Everything that is known of an application. It holds secrets in clear, so it has no `Debug`.
///
/// Groups and policies are kept by id even after they are gone; reading shows only those that exist, so that removing
/// one is a single write.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Application {
    pub(in super::super) integration_key: String,
    pub(in super::super) kind: String,
    pub(in super::super) name: String,
    pub(in super::super) secret_key: String,
    pub(in super::super) notes: String,
    pub(in super::super) greeting: String,
    pub(in super::super) user_access: Access,
    pub(in super::super) groups_allowed: Vec<String>,
    pub(in super::super) policy_key: Option<String>,
    pub(in super::super) group_policies: Vec<GroupPolicy>,
    pub(in super::super) self_service_allowed: bool,
    /// `None` or `Simple` as Duo returns them; absent where it was never set.
    pub(in super::super) normalization: Option<String>,
    pub(in super::super) networks: Vec<String>,
    /// The `adminapi_*` flags that are on.
    pub(in super::super) permissions: BTreeSet<String>,
    /// Duo has seen a frameless authentication (duo-api.md, section 3.3).
    pub(in super::super) frameless: bool,
    pub(in super::super) universal_prompt: bool,
    pub(in super::super) sso: Option<Map<String, Value>>,
    /// By client id; an OIDC application has one, under `oidc`.
    pub(in super::super) client_secrets: BTreeMap<String, String>,
    /// Legacy properties as they were sent, where they are kept.
    pub(in super::super) legacy: Map<String, Value>,
}

impl Application {
    /// Reads a stored object.
    pub(in super::super) fn read(stored: &Value) -> Option<Self> {
        Self::deserialize(stored).ok()
    }

    /// One application.
    pub(in super::super) fn load(store: &Store, ikey: &str) -> Option<Self> {
        Self::read(store.get(COLLECTION, ikey)?)
    }

    /// Writes it.
    pub(in super::super) fn save(&self, store: &mut Store) -> io::Result<()> {
        store.put(COLLECTION, &self.integration_key, serde_json::to_value(self)?)
    }

    /// Itself as the signer of a call.
    pub(in super::super) fn caller(&self) -> Caller {
        Caller {
            ikey: self.integration_key.clone(),
            kind: self.kind.clone(),
            permissions: self.permissions.iter().cloned().collect(),
        }
    }

    /// Itself in the activity log.
    pub(in super::super) fn target(&self) -> Target {
        Target { key: self.integration_key.clone(), kind: "integration", name: self.name.clone() }
    }

    /// The secret key in clear; `""` on types that have none.
    pub(in super::super) fn shown_secret(&self) -> &str {
        if kinds::has_secret_key(&self.kind) { &self.secret_key } else { "" }
    }
}
