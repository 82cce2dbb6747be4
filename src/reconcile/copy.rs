//! The settings of a live application as they are sent to create a copy of it: every setting that can be set, managed or
//! not (duo-api.md, section 3.3). Duo has no call that copies an application.

use serde_json::{Map, Value, json};

use crate::duo::object::Object;

use crate::kinds::application::NO_USERS;
use crate::kinds::application::fields::FIELDS;
use crate::kinds::field::{Field, Roles, Silence, Wire};
use crate::kinds::managed::again;

/// What is sent to create a copy of an application.
#[derive(Clone, Debug, PartialEq)]
pub struct Bodies {
    /// The body of the creation.
    pub create: Map<String, Value>,
    /// What follows: the settings that Duo accepts only on modify, and those that let people in.
    pub finish: Map<String, Value>,
}

/// Every setting of an application except its notes.
pub fn settings(live: &Object) -> Map<String, Value> {
    let fields = FIELDS.iter().filter(|field| !field.is(Roles::MARKED));
    let mut body: Map<String, Value> = fields.flat_map(|field| set(field, live)).collect();
    body.retain(|_, value| value.as_str() != Some(""));
    body
}

/// The application's value of a field; empty if Duo does not show it.
fn set(field: &Field, live: &Object) -> Map<String, Value> {
    let shown = |name| live.property(name).is_some_and(|value| value.as_str() != Some(""));
    match field.wire {
        Wire::Property(name) if !shown(name) => Map::new(),
        Wire::Property(_) | Wire::Flags(_) | Wire::Section(_) | Wire::Nowhere => again(field, live),
    }
}

/// Splits settings into those that a creation accepts and those that can only follow it.
pub fn bodies(kind: &str, settings: Map<String, Value>) -> Bodies {
    let is = |role, key: &str| FIELDS.iter().any(|field| field.is(role) && field.owns(key));
    let mut create =
        Map::from_iter([("type".to_owned(), json!(kind)), ("user_access".to_owned(), json!(NO_USERS))]);
    let mut finish = Map::new();
    for (key, value) in settings {
        let opens = is(Roles::OPENS, &key) && create.get(&key) != Some(&value);
        let later = opens || is(Roles::LATE, &key);
        if later { &mut finish } else { &mut create }.insert(key, value);
    }
    Bodies { create, finish }
}

/// The settings of [`Bodies::finish`] that an interrupted copy still lacks, as long as it lets no one in. Any other
/// application is not touched, whatever its marker says.
pub fn unfinished(wanted: &Map<String, Value>, kind: &str, live: &Object) -> Map<String, Value> {
    if live.text("user_access") != NO_USERS {
        return Map::new();
    }
    let held = settings(live);
    let finish = bodies(kind, wanted.clone()).finish;
    if finish.iter().all(|(key, value)| held.get(key) == Some(value)) { Map::new() } else { finish }
}

/// The settings in which a copy differs from its original, by their names in the YAML. Text that only people read is not
/// compared, because Duo may store it in another form.
pub fn differences(original: &Object, copy: &Object) -> Vec<&'static str> {
    let (wanted, held) = (settings(original), settings(copy));
    let of = |field: &Field, body: &Map<String, Value>| -> Vec<(String, Value)> {
        let own = body.iter().filter(|(key, _)| field.owns(key));
        own.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    // A switch that Duo does not offer yet, such as the Universal Prompt before its first use, cannot be set on a copy.
    let offered = |field: &&Field| field.silence != Silence::Off || !of(field, &held).is_empty();
    let differs =
        |field: &&Field| !field.is(Roles::PROSE) && offered(field) && of(field, &wanted) != of(field, &held);
    FIELDS.iter().filter(differs).map(Field::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::object::Kind;

    fn live(mut properties: Value) -> Object {
        let map = properties.as_object_mut().unwrap();
        map.insert("integration_key".to_owned(), json!("DIA"));
        Object::decode(Kind::Application, properties).unwrap()
    }

    #[test]
    fn every_setting_is_carried_over_whoever_manages_it() {
        let original = live(json!({
            "type": "websdk", "name": "Portal", "notes": "x", "greeting": "Hello", "user_access": "PERMITTED_GROUPS",
            "groups_allowed": ["DG2", "DG1"], "policy_key": "PO1", "self_service_allowed": 1, "prompt_v4_enabled": 0,
            "frameless_auth_prompt_enabled": 1, "username_normalization_policy": "Simple",
            "networks_for_api_access": "", "secret_key": "****9fQx", "enroll_policy": "enroll",
        }));
        let Bodies { create, finish } = bodies("websdk", settings(&original));
        assert_eq!(
            Value::Object(create),
            json!({"type": "websdk", "name": "Portal", "greeting": "Hello", "user_access": "NO_USERS",
                "self_service_allowed": "1", "username_normalization_policy": "simple"})
        );
        let wanted = json!({"user_access": "PERMITTED_GROUPS", "groups_allowed": "DG1,DG2", "policy_key": "PO1",
            "prompt_v4_enabled": "0"});
        assert_eq!(Value::Object(finish), wanted);
        let shut = live(json!({"type": "websdk", "user_access": "NO_USERS"}));
        assert_eq!(Value::Object(unfinished(&settings(&original), "websdk", &shut)), wanted);
        let open = live(json!({"type": "websdk", "user_access": "ALL_USERS"}));
        assert!(unfinished(&settings(&original), "websdk", &open).is_empty(), "it is in use already");
    }

    #[test]
    fn a_key_keeps_its_permissions_and_networks_in_one_call() {
        let original = live(json!({
            "type": "adminapi", "name": "SIEM", "user_access": "NO_USERS", "adminapi_read_log": 1, "adminapi_info": 0,
            "adminapi_allow_to_set_permissions": 1, "networks_for_api_access": ["192.0.2.0/24", "192.0.2.7"],
        }));
        let wanted = settings(&original);
        let Bodies { create, finish } = bodies("adminapi", wanted.clone());
        assert_eq!(create["adminapi_read_log"], "1");
        assert_eq!(create["adminapi_info"], "0");
        assert_eq!(create["adminapi_allow_to_set_permissions"], "1");
        assert_eq!(create["networks_for_api_access"], "192.0.2.0/24,192.0.2.7");
        assert!(finish.is_empty());
        let half = live(
            json!({"type": "adminapi", "name": "SIEM", "user_access": "NO_USERS", "adminapi_read_log": 0,
            "adminapi_info": 0, "networks_for_api_access": "192.0.2.7,192.0.2.0/24"}),
        );
        assert!(
            unfinished(&wanted, "adminapi", &half).is_empty(),
            "permissions are given on creation or not at all"
        );
        assert_eq!(differences(&original, &half), ["permissions"]);
        assert!(differences(&original, &original).is_empty());
    }

    #[test]
    fn what_duo_does_not_offer_yet_is_no_difference() {
        let with = |prompt: Value| {
            live(
                json!({"type": "websdk", "name": "Portal", "user_access": "ALL_USERS", "prompt_v4_enabled": prompt}),
            )
        };
        let hidden = live(json!({"type": "websdk", "name": "Portal", "user_access": "ALL_USERS"}));
        assert!(differences(&with(json!(1)), &hidden).is_empty());
        assert_eq!(differences(&with(json!(1)), &with(json!(0))), ["prompt_v4_enabled"]);
    }

    #[test]
    fn what_the_server_adds_is_not_sent_back() {
        let sso = json!({"idp_metadata": {"cert": "x"}, "saml_config": {"entity_id": "e", "slo_url": null}});
        let original = live(json!({"type": "sso-generic", "sso": sso}));
        assert_eq!(settings(&original)["sso"], json!({"saml_config": {"entity_id": "e"}}));
    }
}
