//! Fields and values of live applications that the language does not have: Duo may add some at any time (duo-api.md,
//! traps 17, 18 and 37). They are kept as they are, never compared, and shown to who wants to know.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::duo::catalogue::{PERMISSIONS, lookup};
use crate::duo::types::{Ikey, Integration};
use crate::kinds::application::sso::DOCUMENT;
use crate::language::shape::{Object, Shape};

use super::observation::Observation;
use super::observed::Observed;
use crate::kinds::application::fields::FIELDS;
use crate::kinds::application::{NO_USERS, PERMISSION_PREFIX, PERMITTED_GROUPS};

/// Properties that say what an application is, or that duoctl reads and Duo alone sets.
const READ: [&str; 4] = ["integration_key", "secret_key", "type", "frameless_auth_prompt_enabled"];

/// A field, or a value of a field, that nothing in the YAML can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmanaged {
    /// The property on the wire, with its path inside a document.
    pub field: String,
    /// The value, where the field is known and the value is not.
    pub value: Option<String>,
    /// The applications that have it, in the order of the account.
    pub applications: Vec<Ikey>,
}

/// Every unmanaged field and value of the account, each once, in the order of their names. Blank ones say nothing.
pub fn seen(observation: &Observation) -> Vec<Unmanaged> {
    let Observed::Present(integrations) = &observation.integrations else { return Vec::new() };
    let mut found: BTreeMap<(String, Option<String>), Vec<Ikey>> = BTreeMap::new();
    for live in integrations {
        for key in of(live) {
            let applications = found.entry(key).or_default();
            if applications.last() != Some(&live.ikey) {
                applications.push(live.ikey.clone());
            }
        }
    }
    let unmanaged = |((field, value), applications)| Unmanaged { field, value, applications };
    found.into_iter().map(unmanaged).collect()
}

pub(super) fn of(live: &Integration) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for (key, value) in live.properties().iter().filter(|(_, value)| !is_blank(value)) {
        if let Some(permission) = key.strip_prefix(PERMISSION_PREFIX) {
            if !PERMISSIONS.iter().any(|known| known.name == permission) {
                found.push((key.clone(), None));
            }
        } else if key == "sso" {
            within(value, &DOCUMENT, key, &mut found);
        } else if !READ.contains(&key.as_str()) && !FIELDS.iter().any(|field| field.owns(key)) {
            found.push((key.clone(), None));
        }
        if let Some(text) = value.as_str().filter(|text| !knows(key, text)) {
            found.push((key.clone(), Some(text.to_owned())));
        }
    }
    found
}

/// Whether a value of a closed set is one that the language has.
fn knows(key: &str, text: &str) -> bool {
    match key {
        "user_access" => matches!(text, "ALL_USERS" | PERMITTED_GROUPS | NO_USERS),
        "username_normalization_policy" => matches!(text.to_lowercase().as_str(), "none" | "simple"),
        "type" => lookup(text).is_some(),
        _ => true,
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn within(value: &Value, object: &Object, path: &str, found: &mut Vec<(String, Option<String>)>) {
    let Value::Object(map) = value else { return };
    for (key, value) in map.iter().filter(|(_, value)| !is_blank(value)) {
        let path = format!("{path}.{key}");
        match object.keys.iter().find(|known| known.name == key) {
            Some(known) => shaped(value, &known.shape, &path, found),
            // Duo makes it itself.
            None if key == "idp_metadata" => {}
            None => found.push((path, None)),
        }
    }
}

fn shaped(value: &Value, shape: &Shape, path: &str, found: &mut Vec<(String, Option<String>)>) {
    match (shape, value) {
        (Shape::Object(object), _) => within(value, object, path, found),
        (Shape::List(item, ..), Value::Array(items)) => {
            items.iter().for_each(|value| shaped(value, item, path, found));
        }
        (Shape::Either(shapes), Value::Object(_) | Value::Array(_)) => {
            let fits = |shape: &&Shape| match value {
                Value::Array(_) => matches!(shape, Shape::List(..)),
                _ => matches!(shape, Shape::Object(_)),
            };
            if let Some(shape) = shapes.iter().find(fits) {
                shaped(value, shape, path, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reconcile::testing::FakeDuo;

    #[test]
    fn what_the_language_lacks_is_named_once_with_everyone_who_has_it() {
        let duo = FakeDuo::new()
            .with("DI1", "radius", "A", json!({"sensitivity_level": "Critical", "enroll_policy": "", "user_access": "SOME_USERS"}))
            .with("DI2", "brand-new", "B", json!({"sensitivity_level": "Low", "web_referers_enabled": 0}))
            .with("DI3", "adminapi", "C", json!({"adminapi_brand_new": 1, "adminapi_info": 1}))
            .with("DI4", "sso-generic", "D", json!({"sso": {"idp_metadata": {"x": 1}, "saml_config": {
                "entity_id": "e", "brand_new": 1, "acs_urls": [{"url": "u", "odd": 1}, {"url": "v", "odd": 2}]}}}));
        let found = seen(&duo.observation());
        let found: Vec<_> = found
            .iter()
            .map(|seen| (seen.field.as_str(), seen.value.as_deref(), seen.applications.len()))
            .collect();
        assert_eq!(
            found,
            [
                ("adminapi_brand_new", None, 1),
                ("sensitivity_level", None, 2),
                ("sso.saml_config.acs_urls.odd", None, 1),
                ("sso.saml_config.brand_new", None, 1),
                ("type", Some("brand-new"), 1),
                ("user_access", Some("SOME_USERS"), 1),
                ("web_referers_enabled", None, 1),
            ]
        );
    }

    #[test]
    fn an_ordinary_account_has_none() {
        let duo = FakeDuo::new().with("DI1", "websdk", "A", json!({"policy_key": "PO1", "notes": "x"}));
        assert_eq!(seen(&duo.observation()), []);
    }
}
