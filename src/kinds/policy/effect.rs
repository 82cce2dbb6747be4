//! Compares what a policy requires with what the global policy requires, as far as their settings are comparable.

use serde_json::{Map, Value};

use crate::duo::object::Policy;

use crate::kinds::risk::{Assessment, NEUTRAL, Risk};

/// A policy compared with the global one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It requires the same or more.
    NotWeaker,
    /// It requires less.
    Weaker(&'static str),
    /// It has a different setting that duoctl cannot compare.
    Unknown,
}

impl Effect {
    /// The risk of a new application that has the policy and lets users in.
    pub fn assessment(self) -> Assessment {
        match self {
            Self::NotWeaker => NEUTRAL,
            Self::Weaker(reason) => (Risk::WidensAccess, reason),
            Self::Unknown => (Risk::Neutral, UNKNOWN),
        }
    }
}

/// What a plan shows as unknown if the policies cannot be compared.
pub const UNKNOWN: &str = "whether the policy requires less than the global one";

/// A setting whose values have an order.
struct Ordered {
    section: &'static str,
    field: &'static str,
    /// From the weakest to the strictest.
    values: &'static [&'static str],
    reason: &'static str,
}

/// The settings that decide whether a second factor is required (policies.md, section 4).
const ORDERED: &[Ordered] = &[
    Ordered {
        section: "authentication_policy",
        field: "user_auth_behavior",
        values: &["bypass", "enforce", "deny"],
        reason: "the policy requires less at every login than the global one",
    },
    Ordered {
        section: "new_user",
        field: "new_user_behavior",
        values: &["no-mfa", "enroll", "deny"],
        reason: "the policy requires less from users who are not enrolled in Duo than the global one",
    },
    Ordered {
        section: "anonymous_networks",
        field: "anonymous_access_behavior",
        values: &["no-action", "require-mfa", "deny"],
        reason: "the policy requires less on anonymous networks than the global one",
    },
    Ordered {
        section: "authentication_methods",
        field: "require_verified_push",
        values: &["false", "true"],
        reason: "the policy does not require a verified push, but the global one does",
    },
];

/// Compares a policy with the global one. A section of a policy replaces the whole section of the global one
/// (policies.md, section 3), so a field that only one of them shows cannot be compared.
pub fn effect(policy: Policy<'_>, global: Policy<'_>) -> Effect {
    let mut effect = Effect::NotWeaker;
    for (name, section) in policy.sections() {
        let empty = Map::new();
        let section = section.as_object().unwrap_or(&empty);
        let other = global.section(name).and_then(Value::as_object).unwrap_or(&empty);
        if section.is_empty() && !other.is_empty() {
            effect = Effect::Unknown;
        }
        for field in section.keys().chain(other.keys().filter(|field| !section.contains_key(*field))) {
            match field_effect(name, field, section.get(field), other.get(field)) {
                weaker @ Effect::Weaker(_) => return weaker,
                Effect::Unknown => effect = Effect::Unknown,
                Effect::NotWeaker => {}
            }
        }
    }
    effect
}

fn field_effect(section: &str, field: &str, own: Option<&Value>, global: Option<&Value>) -> Effect {
    if own == global {
        return Effect::NotWeaker;
    }
    let Some(row) = ORDERED.iter().find(|row| row.section == section && row.field == field) else {
        return Effect::Unknown;
    };
    let rank = |value: Option<&Value>| {
        let text = match value? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        row.values.iter().position(|value| *value == text)
    };
    match (rank(own), rank(global)) {
        (Some(own), Some(global)) if own >= global => Effect::NotWeaker,
        (Some(_), Some(_)) => Effect::Weaker(row.reason),
        _ => Effect::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::duo::object::{Kind, Object};

    fn policy(sections: Value) -> Object {
        Object::decode(Kind::Policy, json!({"policy_key": "PO1", "sections": sections})).unwrap()
    }

    fn effect(policy: &Object, global: &Object) -> Effect {
        super::effect(Policy::of(policy).unwrap(), Policy::of(global).unwrap())
    }

    #[test]
    fn a_policy_is_weaker_by_any_ordered_setting_and_unknown_by_any_other() {
        let global = policy(json!({
            "authentication_policy": {"user_auth_behavior": "enforce"},
            "new_user": {"new_user_behavior": "enroll"},
            "authentication_methods": {"require_verified_push": true, "blocked_auth_list": ["sms"]},
        }));
        let of = |sections| effect(&policy(sections), &global);
        let is_weaker = |effect| matches!(effect, Effect::Weaker(_));
        assert_eq!(of(json!({})), Effect::NotWeaker);
        assert_eq!(of(json!({"new_user": {"new_user_behavior": "enroll"}})), Effect::NotWeaker);
        assert_eq!(of(json!({"new_user": {"new_user_behavior": "deny"}})), Effect::NotWeaker);
        assert!(is_weaker(of(json!({"new_user": {"new_user_behavior": "no-mfa"}}))));
        assert!(is_weaker(of(json!({"authentication_policy": {"user_auth_behavior": "bypass"}}))));
        // A stricter setting does not compensate for a weaker one, and does not hide an unknown one.
        assert!(is_weaker(of(json!({
            "authentication_policy": {"user_auth_behavior": "deny"},
            "new_user": {"new_user_behavior": "no-mfa"},
        }))));
        for unknown in [
            json!({"new_user": {"new_user_behavior": "brand-new"}}),
            json!({"new_user": {}}),
            json!({"new_user": null}),
            json!({"anonymous_networks": {"anonymous_access_behavior": "deny"}}),
            json!({"browsers": {"out_of_date_behavior": "warn-only"}}),
            // The whole section counts: a field that it leaves out has Duo's default, not the global policy's value.
            json!({"authentication_methods": {"require_verified_push": true}}),
            json!({"authentication_methods": {"require_verified_push": true, "blocked_auth_list": []}}),
        ] {
            assert_eq!(of(unknown.clone()), Effect::Unknown, "{unknown}");
        }
    }
}
