//! How much a policy asks for, next to the global one, as far as their settings can be compared.

use serde_json::{Map, Value};

use crate::duo::types::Policy;

use super::risk::{Assessment, NEUTRAL, Risk};

/// A policy next to the global one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It asks for the same, or for more.
    NotWeaker,
    /// It asks for less.
    Weaker(&'static str),
    /// It has a setting that differs and that duoctl cannot compare.
    Unknown,
}

impl Effect {
    /// What a new application risks that has the policy and lets people in.
    pub fn assessment(self) -> Assessment {
        match self {
            Self::NotWeaker => NEUTRAL,
            Self::Weaker(reason) => (Risk::WidensAccess, reason),
            Self::Unknown => (Risk::Neutral, UNKNOWN),
        }
    }
}

/// What a plan says where the policies cannot be compared.
pub const UNKNOWN: &str = "whether the policy asks for less than the global one";

/// A setting whose values have an order.
struct Ordered {
    section: &'static str,
    field: &'static str,
    /// From the weakest to the strictest.
    values: &'static [&'static str],
    reason: &'static str,
}

/// The settings that decide whether a second factor is asked for (policies.md, section 4).
const ORDERED: &[Ordered] = &[
    Ordered {
        section: "authentication_policy",
        field: "user_auth_behavior",
        values: &["bypass", "enforce", "deny"],
        reason: "the policy asks for less at every login than the global one",
    },
    Ordered {
        section: "new_user",
        field: "new_user_behavior",
        values: &["no-mfa", "enroll", "deny"],
        reason: "the policy asks users without an account in Duo for less than the global one",
    },
    Ordered {
        section: "anonymous_networks",
        field: "anonymous_access_behavior",
        values: &["no-action", "require-mfa", "deny"],
        reason: "the policy asks for less on anonymous networks than the global one",
    },
    Ordered {
        section: "authentication_methods",
        field: "require_verified_push",
        values: &["false", "true"],
        reason: "the policy does not ask for a verified push, and the global one does",
    },
];

/// Compares a policy with the global one. A section that a policy has replaces the global one's as a whole
/// (policies.md, section 3), so a field that only one of the two shows cannot be compared.
pub fn effect(policy: &Policy, global: &Policy) -> Effect {
    let mut effect = Effect::NotWeaker;
    for (name, section) in &policy.sections {
        let empty = Map::new();
        let section = section.as_object().unwrap_or(&empty);
        let other = global.sections.get(name).and_then(Value::as_object).unwrap_or(&empty);
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
    use crate::duo::types::PolicyKey;

    fn policy(sections: Value) -> Policy {
        let Value::Object(sections) = sections else { panic!("sections") };
        Policy { key: PolicyKey::new("PO1"), name: "P".into(), is_global: false, sections }
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
        // One setting that is stricter does not make up for one that is weaker, and hides none that is unknown.
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
            // The whole section counts: what it leaves out is Duo's default and not the global policy's value.
            json!({"authentication_methods": {"require_verified_push": true}}),
            json!({"authentication_methods": {"require_verified_push": true, "blocked_auth_list": []}}),
        ] {
            assert_eq!(of(unknown.clone()), Effect::Unknown, "{unknown}");
        }
    }
}
