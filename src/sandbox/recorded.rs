//! A policy with every section, as recorded in an account with Duo Premier (policies.md, section 4).

use serde_json::{Map, Value, json};

/// Its sections.
#[rustfmt::skip]
pub(super) fn every_section() -> Map<String, Value> {
    let methods = json!(["duo-passcode", "duo-push", "hardware-token", "sms", "webauthn-platform", "webauthn-roaming"]);
    let browsers = json!(["chrome", "chrome-mobile", "edge", "firefox", "ie", "other-browsers", "safari", "safari-mobile"]);
    let systems = json!([
        "android", "blackberry", "chromeos", "ios", "linux", "macos", "unknownos", "windows", "windowsphone",
    ]);
    let sections = json!({
        "anonymous_networks": {"anonymous_access_behavior": "no-action"},
        "authentication_methods": {
            "allowed_auth_list": methods, "auto_retry_sms": false,
            "blocked_auth_list": ["duo-push-pwl", "webauthn-platform-pwl", "webauthn-roaming-pwl"],
            "require_verified_push": true, "verified_push_digits": 6,
        },
        "authentication_policy": {"user_auth_behavior": "enforce"},
        "authorized_networks": {
            "deny_other_access": false, "mfa_required": {"ip_list": []},
            "no_2fa_required": {"ip_list": [], "require_enrollment": true},
        },
        "browsers": {
            "allowed_browsers_list": browsers, "blocked_browsers_list": [], "browser_max_ood_days": 30,
            "out_of_date_behavior": "no-remediation",
        },
        "duo_desktop": {
            "enforce_device_id_pinning": "never", "enforce_signed_payload": "never", "requires_duo_desktop": [],
        },
        "duo_mobile_app": {"require_updates": false},
        "full_disk_encryption": {"require_encryption": false},
        "mobile_device_biometrics": {"require_biometrics": false},
        "new_user": {"new_user_behavior": "enroll"},
        "operating_systems": {"allow_unrestricted_os_list": systems, "block_os_list": [], "os_restrictions": {}},
        "plugins": {"flash": "allow-all", "java": "allow-all", "java_max_ood_days": 30},
        "remembered_devices": {
            "browser_apps": {
                "enabled": true, "remember_method": "user-based",
                "user_based": {"confirm_per_app": false, "max_time_units": "hours", "max_time_value": 12},
            },
            "windows_logon": {"enabled": false},
        },
        "risk_based_factor_selection": {"limit_to_risk_based_auth_methods": false, "risk_based_verified_push_digits": 6},
        "screen_lock": {"require_screen_lock": true},
        "tampered_devices": {"block_tampered_devices": false},
        "trusted_endpoints": {
            "cisco_secure_endpoint_can_block": false, "trusted_endpoint_checking": "allow-all",
            "trusted_endpoint_checking_mobile": "allow-all",
        },
        "user_location": {
            "allow_access_no_2fa_countries_list": [], "default_action": "ignore-location",
            "deny_access_countries_list": [], "ignore_location_countries_list": [], "require_mfa_countries_list": [],
        },
    });
    sections.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::policy::{self, Section};

    #[test]
    fn it_has_every_section_and_only_fields_of_the_table() {
        let recorded = every_section();
        let newer = |section: &&Section| section.name != "health_checks" && section.replaced_by.is_none();
        let names: Vec<&str> = policy::sections().iter().filter(newer).map(|section| section.name).collect();
        assert_eq!(recorded.keys().map(String::as_str).collect::<Vec<_>>(), names);
        for (name, fields) in &recorded {
            let known = policy::section(name).unwrap().defaults(policy::Edition::Advantage);
            for field in fields.as_object().unwrap().keys() {
                let has = policy::section(name).unwrap().fields.iter().any(|known| known.name == field);
                assert!(has, "{name}.{field} of {known:?}");
            }
        }
    }
}
