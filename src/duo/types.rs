//! Names in Duo's API (duo-api.md, sections 0 and 3).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::secret::last_four;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as Duo returned it. The format is checked where a person enters a value, not here.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text as Duo returns it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// An application's integration key: public, 20 characters, `DI…`.
    Ikey
);
identifier!(
    /// A group's id: 20 characters, `DG…`.
    GroupId
);
identifier!(
    /// A policy's key: 20 characters, `PO…`.
    PolicyKey
);

/// An application as Duo returns it: `GET /admin/v3/integrations` (duo-api.md, section 3.3).
///
/// Every property is kept unchanged, known or not, except that secrets are removed while decoding: the last four
/// characters of the masked `secret_key` are kept in [`Integration::secret_hint`], those of client secrets in
/// [`Integration::client_hints`].
#[derive(Clone, Debug, PartialEq)]
pub struct Integration {
    /// The application's public key and identity.
    pub ikey: Ikey,
    /// The last four characters of the secret key, if Duo shows them.
    pub secret_hint: Option<String>,
    /// The last four characters of client secrets by client id, if Duo shows them (duo-api.md, section 3.5).
    pub client_hints: BTreeMap<String, String>,
    properties: Map<String, Value>,
}

impl Integration {
    /// Decodes one object of a reply. `None` if it has no valid `integration_key`.
    pub fn decode(value: Value) -> Option<Self> {
        let Value::Object(mut properties) = value else { return None };
        let ikey = Ikey::new(properties.get("integration_key")?.as_str().filter(|key| !key.is_empty())?);
        let secret_hint = properties.remove("secret_key").and_then(|key| hint(key.as_str()?));
        let mut client_hints = BTreeMap::new();
        properties.values_mut().for_each(|value| remove_secrets(value, &mut client_hints));
        Some(Self { ikey, secret_hint, client_hints, properties })
    }

    /// The ids of all clients of an OAuth application, or of the single client of an OpenID Connect application, whether or
    /// not Duo shows part of their secrets (duo-api.md, sections 3.3 and 3.5).
    pub fn client_ids(&self) -> BTreeSet<&str> {
        let sso = self.property("sso");
        let clients = sso.and_then(|sso| sso.pointer("/oauth_config/clients")).and_then(Value::as_array);
        let ids = clients.into_iter().flatten().filter_map(|client| client.get("client_id"));
        let only = sso.filter(|sso| sso.get("oidc_config").is_some());
        let only = only.and_then(|sso| sso.pointer("/idp_metadata/client_id"));
        let declared = ids.chain(only).filter_map(Value::as_str);
        declared.chain(self.client_hints.keys().map(String::as_str)).collect()
    }

    /// A property by its API name; JSON `null` counts as absent (duo-api.md, trap 6).
    pub fn property(&self, wire: &str) -> Option<&Value> {
        self.properties.get(wire).filter(|value| !value.is_null())
    }

    /// All properties, without secrets.
    pub fn properties(&self) -> &Map<String, Value> {
        &self.properties
    }

    /// A string property; `""` if it is absent or not a string.
    pub fn text(&self, wire: &str) -> &str {
        self.property(wire).and_then(Value::as_str).unwrap_or_default()
    }

    /// The type, e.g. `adminapi`. Immutable (trap 13).
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// The name: free text, not unique (trap 14).
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// The notes, including the marker.
    pub fn notes(&self) -> &str {
        self.text("notes")
    }
}

/// The end of a secret. Only third parties report that Duo shows it (duo-api.md, section 0), so a mask without it has no
/// meaning.
fn hint(secret: &str) -> Option<String> {
    Some(last_four(secret)).filter(|end| !end.is_empty() && !end.contains('*'))
}

fn remove_secrets(value: &mut Value, hints: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            // A short secret must not reveal four characters.
            let long = |secret: &&str| secret.chars().count() >= 8;
            if let (Some(client), Some(secret)) = (text("client_id"), text("client_secret").filter(long)) {
                hints.extend(hint(secret).map(|end| (client.to_owned(), end)));
            }
            map.retain(|key, _| key != "client_secret" && key != "secret_key");
            map.values_mut().for_each(|value| remove_secrets(value, hints));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove_secrets(item, hints)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What a group does to its members' logins (duo-api.md, correction to section 7.1: reads are capitalised).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupStatus {
    /// Members log in as usual.
    Active,
    /// Members log in without a second factor.
    Bypass,
    /// Members cannot log in.
    Disabled,
    /// Duo does not show the status, or shows one that duoctl does not know.
    Unknown,
}

impl GroupStatus {
    /// Reads the `status` of a group object, ignoring case.
    pub fn of(group: &Value) -> Self {
        let status = group.get("status").and_then(Value::as_str).unwrap_or_default();
        match status.trim().to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "bypass" => Self::Bypass,
            "disabled" => Self::Disabled,
            _ => Self::Unknown,
        }
    }
}

/// A group, as named in `groups_allowed` (duo-api.md, section 7.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name; directory-synced groups have a suffix that names the directory.
    pub name: String,
    /// Whether its members can log in.
    pub status: GroupStatus,
}

impl Group {
    /// Decodes one object of `GET /admin/v1/groups`.
    pub fn decode(value: &Value) -> Option<Self> {
        let id = value.get("group_id")?.as_str().filter(|id| !id.is_empty())?;
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        Some(Self { id: GroupId::new(id), name: name.to_owned(), status: GroupStatus::of(value) })
    }
}

/// A policy, as named in `policy` (duo-api.md, section 7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its key.
    pub key: PolicyKey,
    /// Its name; whether names are unique is unknown.
    pub name: String,
    /// The global policy applies to everything and is never attached to an application.
    pub is_global: bool,
    /// Its settings, by section; a custom policy only has those that it overrides.
    pub sections: Map<String, Value>,
}

impl Policy {
    /// Decodes one object of `GET /admin/v2/policies`.
    pub fn decode(value: &Value) -> Option<Self> {
        let key = value.get("policy_key")?.as_str().filter(|key| !key.is_empty())?;
        let name = value.get("policy_name").and_then(Value::as_str).unwrap_or_default();
        let is_global = value.get("is_global_policy").and_then(Value::as_bool).unwrap_or_default();
        let sections = value.get("sections").and_then(Value::as_object).cloned().unwrap_or_default();
        Some(Self { key: PolicyKey::new(key), name: name.to_owned(), is_global, sections })
    }
}

/// What Duo reports about the account (duo-api.md, section 7.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The customer's name, from the settings.
    pub name: Option<String>,
    /// The edition's name as Duo returns it, e.g. `Duo Premier`; older accounts do not report it.
    pub edition: Option<String>,
}

/// Whether a text has the format of an integration key.
pub fn is_integration_key(text: &str) -> bool {
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    text.len() == 20 && text.starts_with("DI") && text.chars().all(capital)
}

/// Whether a text has the format of a secret key.
pub fn is_secret_key(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Whether a text can be a client secret: the format is not documented.
pub(super) fn is_client_secret(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic() && c != '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn decoding_keeps_unknown_properties_and_drops_every_secret() {
        let integration = Integration::decode(json!({
            "integration_key": "DI3F0GQ7TESTAPP0WEB1", "name": "Portal", "type": "sso-oauth-client-credentials",
            "secret_key": "************************************9fQx", "brand_new": [1],
            "sso": {"idp_metadata": {"client_secret": "s1"}, "oauth_config": {"clients": [{"client_id": "a", "client_secret": "s2"}]}},
        }))
        .unwrap();
        assert_eq!(integration.secret_hint.as_deref(), Some("9fQx"));
        assert_eq!(integration.property("brand_new"), Some(&json!([1])));
        let text = format!("{integration:?}");
        assert!(!text.contains("s1") && !text.contains("s2") && !text.contains("***"), "{text}");
    }

    #[test]
    fn a_mask_of_stars_alone_is_no_hint() {
        for (shown, hint) in [
            (json!("************************************9fQx"), Some("9fQx")),
            (json!("****************************************"), None),
            (json!("****"), None),
            (json!("*************************************Qx*"), None),
            (json!(""), None),
            (Value::Null, None),
        ] {
            let decoded =
                Integration::decode(json!({"integration_key": "DIX", "secret_key": shown})).unwrap();
            assert_eq!(decoded.secret_hint.as_deref(), hint, "{shown}");
        }
    }

    #[test]
    fn an_object_without_a_key_is_not_an_application() {
        assert_eq!(Integration::decode(json!({"name": "x"})), None);
        assert_eq!(Integration::decode(json!({"integration_key": ""})), None);
        assert_eq!(Integration::decode(json!("x")), None);
    }
}
