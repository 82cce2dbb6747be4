//! Objects of an account: groups, policies and applications, in one form. What differs between their kinds is in
//! [`Endpoint`] (duo-api.md, sections 3 and 7; policies.md, sections 1 and 7).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::secret::last_four;

/// An object's id as Duo returns it: 20 characters that begin with `DI`, `DG` or `PO`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Id(String);

/// An application's integration key: public, and the id of the application.
pub type Ikey = Id;

impl Id {
    /// Wraps the text as Duo returned it. The format is checked where a person enters a value, not here.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as Duo returns it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A kind of object that an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A group of users.
    Group,
    /// A policy.
    Policy,
    /// An application; Duo's API calls it an integration.
    Application,
}

/// Where a kind is read and written, and how its objects say who they are.
#[derive(Debug)]
pub struct Endpoint {
    /// The path of the list; that of one object ends in its id.
    pub path: &'static str,
    /// The property that holds the id.
    pub id: &'static str,
    /// The property that holds the name.
    pub name: &'static str,
    /// The YAML key that pins an object by its id.
    pub pin: &'static str,
    /// How a message calls an id that a person enters.
    pub key: &'static str,
    /// The property that holds the marker, if the kind has a text for one.
    pub marker: Option<&'static str>,
    /// The word for that text.
    pub text: &'static str,
    /// How long that text may be, in characters.
    pub limit: usize,
    /// How many objects a page has.
    pub page: usize,
    /// The word for one object.
    pub noun: &'static str,
    /// The word for several, and the section of the YAML that declares them; their addresses begin with it.
    pub section: &'static str,
}

impl Kind {
    /// The word for one object.
    pub const fn noun(self) -> &'static str {
        self.endpoint().noun
    }

    /// What identifies an object beside a marker or a pin.
    pub const fn identity(self) -> &'static str {
        match self {
            Self::Group | Self::Policy => "name",
            Self::Application => "type and name",
        }
    }

    /// Every kind, in the order in which objects are created: none refers to a later one.
    pub const ALL: [Self; 3] = [Self::Group, Self::Policy, Self::Application];

    /// Where its objects are.
    pub const fn endpoint(self) -> &'static Endpoint {
        match self {
            Self::Group => &Endpoint {
                path: "/admin/v1/groups",
                id: "group_id",
                name: "name",
                pin: "group_id",
                key: "ID",
                marker: Some("desc"),
                text: "description",
                // Unknown; one tool's guess (policies.md, section 15).
                limit: 255,
                page: 100,
                noun: "group",
                section: "groups",
            },
            Self::Policy => &Endpoint {
                path: "/admin/v2/policies",
                id: "policy_key",
                name: "policy_name",
                pin: "policy_key",
                key: "ID",
                marker: None,
                text: "",
                limit: 0,
                page: 100,
                noun: "policy",
                section: "policies",
            },
            Self::Application => &Endpoint {
                path: "/admin/v3/integrations",
                id: "integration_key",
                name: "name",
                pin: "integration_key",
                key: "IKEY",
                marker: Some("notes"),
                text: "notes",
                limit: 512,
                // The maximum (duo-api.md, section 3.1).
                page: 500,
                noun: "application",
                section: "applications",
            },
        }
    }
}

/// Names one object of an account. It carries the kind, so a call never reaches another kind's endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The kind.
    pub kind: Kind,
    /// The id.
    pub id: Id,
}

impl ObjectId {
    /// An application.
    pub fn application(ikey: &Ikey) -> Self {
        Self { kind: Kind::Application, id: ikey.clone() }
    }

    /// The id as Duo returns it.
    pub fn as_str(&self) -> &str {
        self.id.as_str()
    }

    /// Whether it is this application.
    pub fn is(&self, ikey: &Ikey) -> bool {
        self.kind == Kind::Application && self.id == *ikey
    }

    /// The integration key, if it is an application.
    pub fn ikey(&self) -> Option<&Ikey> {
        (self.kind == Kind::Application).then_some(&self.id)
    }
}

/// As the id alone: ids of different kinds begin differently.
impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.id.serialize(serializer)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// An object as Duo returns it.
///
/// Every property is kept unchanged, known or not, except that secrets are removed while decoding: the last four
/// characters of the masked `secret_key` are kept in [`Object::secret_hint`], those of client secrets in
/// [`Object::client_hints`].
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The kind.
    pub kind: Kind,
    /// The id.
    pub id: Id,
    /// The last four characters of the secret key, if Duo shows them.
    pub secret_hint: Option<String>,
    /// The last four characters of client secrets by client id, if Duo shows them (duo-api.md, section 3.5).
    pub client_hints: BTreeMap<String, String>,
    properties: Map<String, Value>,
}

impl Object {
    /// Decodes one object of a reply. `None` if it has no id.
    pub fn decode(kind: Kind, value: Value) -> Option<Self> {
        let Value::Object(mut properties) = value else { return None };
        let id = Id::new(properties.get(kind.endpoint().id)?.as_str().filter(|id| !id.is_empty())?);
        let secret_hint = properties.remove("secret_key").and_then(|key| hint(key.as_str()?));
        let mut client_hints = BTreeMap::new();
        properties.values_mut().for_each(|value| remove_secrets(value, &mut client_hints));
        Some(Self { kind, id, secret_hint, client_hints, properties })
    }

    /// Its kind and id.
    pub fn object_id(&self) -> ObjectId {
        ObjectId { kind: self.kind, id: self.id.clone() }
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

    /// What sort of application it is, e.g. `adminapi`: the `type`. Immutable (trap 13). Other kinds have none.
    pub fn variant(&self) -> &str {
        self.text("type")
    }

    /// The name: free text, not unique (trap 14).
    pub fn name(&self) -> &str {
        self.text(self.kind.endpoint().name)
    }

    /// The text that holds the marker.
    pub fn notes(&self) -> &str {
        self.kind.endpoint().marker.map(|property| self.text(property)).unwrap_or_default()
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
    /// Reads the `status` of a group, ignoring case.
    pub fn of(group: &Object) -> Self {
        Self::parse(group.text("status"))
    }

    /// Reads a `status`, ignoring case.
    pub fn parse(status: &str) -> Self {
        match status.trim().to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "bypass" => Self::Bypass,
            "disabled" => Self::Disabled,
            _ => Self::Unknown,
        }
    }
}

/// A policy (duo-api.md, section 7.2).
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a>(&'a Object);

impl<'a> Policy<'a> {
    /// The object as a policy; `None` if it is of another kind.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::Policy).then_some(Self(object))
    }

    /// Its key.
    pub fn key(self) -> &'a Id {
        &self.0.id
    }

    /// Its name; whether names are unique is unknown.
    pub fn name(self) -> &'a str {
        self.0.name()
    }

    /// The global policy applies to everything and is never attached to an application.
    pub fn is_global(self) -> bool {
        self.0.property("is_global_policy").and_then(Value::as_bool).unwrap_or_default()
    }

    /// Its settings, by section; a custom policy only has the sections that it overrides.
    pub fn sections(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.property("sections").and_then(Value::as_object).into_iter().flatten()
    }

    /// One section.
    pub fn section(self, name: &str) -> Option<&'a Value> {
        self.0.property("sections")?.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn application(value: Value) -> Option<Object> {
        Object::decode(Kind::Application, value)
    }

    #[test]
    fn decoding_keeps_unknown_properties_and_drops_every_secret() {
        let object = application(json!({
            "integration_key": "DI3F0GQ7TESTAPP0WEB1", "name": "Portal", "type": "sso-oauth-client-credentials",
            "secret_key": "************************************9fQx", "brand_new": [1],
            "sso": {"idp_metadata": {"client_secret": "s1"}, "oauth_config": {"clients": [{"client_id": "a", "client_secret": "s2"}]}},
        }))
        .unwrap();
        assert_eq!(object.secret_hint.as_deref(), Some("9fQx"));
        assert_eq!(object.property("brand_new"), Some(&json!([1])));
        let text = format!("{object:?}");
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
            let decoded = application(json!({"integration_key": "DIX", "secret_key": shown})).unwrap();
            assert_eq!(decoded.secret_hint.as_deref(), hint, "{shown}");
        }
    }

    #[test]
    fn an_object_without_an_id_of_its_kind_is_none() {
        for kind in Kind::ALL {
            let id = kind.endpoint().id;
            assert_eq!(Object::decode(kind, json!({"name": "x"})), None);
            assert_eq!(Object::decode(kind, json!({id: ""})), None);
            assert_eq!(Object::decode(kind, json!("x")), None);
            let object = Object::decode(kind, json!({id: "X1", kind.endpoint().name: "Name"})).unwrap();
            assert_eq!((object.name(), object.object_id()), ("Name", ObjectId { kind, id: Id::new("X1") }));
            let others = Kind::ALL.into_iter().filter(|other| *other != kind);
            assert!(others.clone().all(|other| Object::decode(other, json!({id: "X1"})).is_none()));
        }
    }
}
