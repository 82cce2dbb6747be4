//! What Duo shows of applications that duoctl knows nothing of: new properties and new values. They are kept as they are
//! and never compared (duo-api.md, traps 17, 18 and 37).

use std::collections::{BTreeMap, BTreeSet};

use crate::config::settings::USER_ACCESS;
use crate::duo::catalogue::{PERMISSIONS, lookup};
use crate::duo::types::Integration;

use super::fields::{FIELDS, PERMISSION_PREFIX};

/// Properties that duoctl reads or knows the meaning of, beside its fields (duo-api.md, section 3.3).
const KNOWN: &[&str] = &[
    "type",
    "integration_key",
    "secret_key",
    "frameless_auth_prompt_enabled",
    "enroll_policy",
    "trusted_device_days",
    "ip_whitelist",
    "ip_whitelist_enroll_policy",
    "visual_style",
];

/// One unknown thing, in words, and how many applications show it.
pub type Seen = BTreeMap<String, usize>;

/// Everything unknown, each once.
pub fn seen<'a>(integrations: impl IntoIterator<Item = &'a Integration>) -> Seen {
    let mut seen = Seen::new();
    for integration in integrations {
        for what in of(integration) {
            *seen.entry(what).or_default() += 1;
        }
    }
    seen
}

fn of(integration: &Integration) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (property, value) in integration.properties() {
        let permission = property.strip_prefix(PERMISSION_PREFIX);
        let known = KNOWN.contains(&property.as_str())
            || FIELDS.iter().any(|field| field.wire == property)
            || permission.is_some_and(|name| PERMISSIONS.iter().any(|known| known.name == name));
        if !known && !value.is_null() {
            found.insert(format!("unmanaged field seen: {property}"));
        }
    }
    let access = integration.text("user_access");
    if !access.is_empty() && !USER_ACCESS.iter().any(|choice| choice.value.eq_ignore_ascii_case(access)) {
        found.insert(format!("unmanaged value seen: user_access {access}"));
    }
    let normalization = integration.text("username_normalization_policy");
    if !["", "none", "simple"].iter().any(|known| normalization.eq_ignore_ascii_case(known)) {
        found.insert(format!("unmanaged value seen: username_normalization_policy {normalization}"));
    }
    if lookup(integration.kind()).is_none() {
        found.insert(format!("unmanaged value seen: type {}", integration.kind()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_known_is_named_once_with_its_number() {
        let app = |ikey: &str, more: serde_json::Value| {
            let mut app = json!({"integration_key": ikey, "type": "rdp", "name": "x", "user_access": "NO_USERS", "notes": "",
                "adminapi_info": 0, "secret_key": "*", "username_normalization_policy": "Simple", "sso": null, "absent": null});
            app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Integration::decode(app).unwrap()
        };
        let apps = [
            app("DI1", json!({})),
            app("DI2", json!({"sensitivity_level": {"name": "Critical"}, "adminapi_everything": 1})),
            app(
                "DI3",
                json!({"sensitivity_level": null, "user_access": "BY_APPOINTMENT", "type": "type-of-tomorrow"}),
            ),
            app("DI4", json!({"sensitivity_level": "x", "username_normalization_policy": "Strict"})),
        ];
        let seen: Vec<String> = seen(&apps).iter().map(|(what, count)| format!("{what} ({count})")).collect();
        assert_eq!(
            seen,
            [
                "unmanaged field seen: adminapi_everything (1)",
                "unmanaged field seen: sensitivity_level (2)",
                "unmanaged value seen: type type-of-tomorrow (1)",
                "unmanaged value seen: user_access BY_APPOINTMENT (1)",
                "unmanaged value seen: username_normalization_policy Strict (1)",
            ]
        );
    }
}
