//! Declared sections compared with live ones, and what Duo fills in.

use super::*;

/// A declared section, a live one, and the paths that differ.
type Case<'a> = (&'a str, Value, Value, &'a [&'a str]);

fn cases() -> Vec<Case<'static>> {
    let one = |method: &str| {
        let branch = method.replace('-', "_");
        json!({"browser_apps": {
            "enabled": true, "remember_method": method, branch: {"max_time_units": "days", "max_time_value": 1},
        }})
    };
    let mut both = one("user-based");
    both["browser_apps"]["risk_based"] = json!({"max_time_units": "days", "max_time_value": 1});
    let hours = json!({"browser_apps": {
        "enabled": true, "user_based": {"max_time_units": "hours", "max_time_value": 24, "confirm_per_app": false},
    }});
    let windows = |os: Value| json!({"os_restrictions": {"windows": os}});
    let outdated = |version| json!({"block_policy": "less-than-version", "block_version": version});
    vec![
        // A section is meant whole: what it leaves out has Duo's default.
        ("new_user", json!({}), json!({"new_user_behavior": "enroll"}), &[]),
        ("new_user", json!({}), json!({"new_user_behavior": "deny"}), &["new_user_behavior"]),
        ("new_user", json!({"new_user_behavior": "enroll"}), json!({}), &[]),
        (
            "authorized_networks",
            json!({}),
            json!({"no_2fa_required": {"ip_list": ["192.0.2.1"]}}),
            &["no_2fa_required.ip_list"],
        ),
        ("operating_systems", json!({}), windows(outdated("10")), &["os_restrictions.windows.block_policy"]),
        ("operating_systems", windows(json!({})), json!({}), &[]),
        // Sets have no order, and networks no spelling.
        (
            "browsers",
            json!({"blocked_browsers_list": ["ie", "edge"]}),
            json!({"blocked_browsers_list": "edge,ie"}),
            &[],
        ),
        (
            "authorized_networks",
            json!({"blocked": {"ip_list": ["192.0.2.0/31"]}}),
            json!({"blocked": {"ip_list": ["192.0.2.1", "192.0.2.0"]}}),
            &[],
        ),
        // Trap 1: a setting that has no effect keeps the value that it has.
        (
            "authorized_networks",
            json!({}),
            json!({"no_2fa_required": {"ip_list": [], "require_enrollment": false}}),
            &[],
        ),
        // Trap 2.
        (
            "operating_systems",
            windows(json!({"block_policy": "end-of-life"})),
            windows(json!({"block_policy": "end-of-life", "block_version": "10"})),
            &[],
        ),
        (
            "operating_systems",
            windows(json!({"block_policy": "end-of-life", "block_version": "9"})),
            windows(json!({"block_policy": "end-of-life", "block_version": "10"})),
            &[],
        ),
        (
            "operating_systems",
            windows(outdated("9")),
            windows(outdated("10")),
            &["os_restrictions.windows.block_version"],
        ),
        // Trap 4: a time is compared in hours.
        ("remembered_devices", hours, one("user-based"), &[]),
        // Trap 6: the check of mobile devices is compared only if it is declared.
        (
            "trusted_endpoints",
            json!({"trusted_endpoint_checking": "allow-all"}),
            json!({"trusted_endpoint_checking": "allow-all", "trusted_endpoint_checking_mobile": "no-action"}),
            &[],
        ),
        (
            "trusted_endpoints",
            json!({"trusted_endpoint_checking": "allow-all", "trusted_endpoint_checking_mobile": "allow-all"}),
            json!({"trusted_endpoint_checking": "allow-all", "trusted_endpoint_checking_mobile": "no-action"}),
            &["trusted_endpoint_checking_mobile"],
        ),
        // Trap 7: an account without a management integration keeps no other value.
        (
            "trusted_endpoints",
            json!({"trusted_endpoint_checking": "allow-all"}),
            json!({"trusted_endpoint_checking": "not-configured", "trusted_endpoint_message": "x"}),
            &[],
        ),
        (
            "trusted_endpoints",
            json!({"trusted_endpoint_checking": "allow-all"}),
            json!({"trusted_endpoint_checking": "no-action"}),
            &["trusted_endpoint_checking"],
        ),
        // Trap 8: a branch that is not in force is no difference.
        (
            "remembered_devices",
            json!({"browser_apps": {"enabled": false}}),
            json!({"browser_apps": {"enabled": false, "remember_method": "user-based", "user_based": {"max_time_value": 99}}}),
            &[],
        ),
        ("remembered_devices", one("user-based"), both, &[]),
        ("remembered_devices", json!({}), one("user-based"), &["browser_apps.enabled"]),
        (
            "remembered_devices",
            json!({"windows_logon": {"enabled": false, "max_time_value": 5}}),
            json!({"windows_logon": {"enabled": false}}),
            &[],
        ),
        // Trap 9: the allowed methods follow from the blocked ones.
        (
            "authentication_methods",
            json!({"blocked_auth_list": ["sms"]}),
            json!({"blocked_auth_list": ["sms"], "allowed_auth_list": ["desktop"]}),
            &[],
        ),
        (
            "authentication_methods",
            json!({"blocked_auth_list": ["sms"], "allowed_auth_list": ["duo-push"]}),
            json!({"blocked_auth_list": ["sms"], "allowed_auth_list": ["desktop"]}),
            &[],
        ),
        (
            "authentication_methods",
            json!({"blocked_auth_list": []}),
            json!({"blocked_auth_list": ["sms"]}),
            &["blocked_auth_list"],
        ),
        // Without a known default, only what is declared is compared.
        ("plugins", json!({}), json!({"flash": "block-all", "java": "block-all"}), &[]),
        ("plugins", json!({"flash": "allow-all"}), json!({"java": "block-all"}), &["flash"]),
        // What duoctl does not know is kept unless it is declared.
        ("new_user", json!({}), json!({"brand_new": true}), &[]),
        ("new_user", json!({"brand_new": false}), json!({"brand_new": true}), &["brand_new"]),
        ("brand_new", json!({"on": true}), json!({"off": false, "on": true}), &[]),
        ("brand_new", json!({"on": true, "x": 1}), json!({"on": false}), &["on", "x"]),
        ("brand_new", json!({}), Value::Null, &[""]),
        ("new_user", json!({}), Value::Null, &[""]),
    ]
}

#[test]
fn a_declared_section_is_compared_as_a_whole() {
    for (section, declared, live, paths) in cases() {
        let found = differences(section, &declared, &live);
        let found: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(found, paths, "{section}: {declared} and {live}");
        assert_eq!(same(section, &declared, &live), paths.is_empty());
        // After it was written, Duo holds it.
        for edition in [Edition::Essentials, Edition::Advantage] {
            let written = [whole(section, &declared, edition), rewritten(section, &declared, &live, edition)];
            for written in written {
                assert_eq!(
                    differences(section, &declared, &written),
                    [],
                    "{section}: {declared} and {written}"
                );
            }
        }
    }
    assert!(!is_available("trusted_endpoints", &json!({"trusted_endpoint_checking": "not-configured"})));
    assert!(is_available("new_user", &json!({"trusted_endpoint_checking": "not-configured"})));
}

#[test]
fn a_new_section_has_the_defaults_of_the_edition_and_only_the_branch_in_force() {
    let of = |section: &str, declared: Value, edition| whole(section, &declared, edition);
    assert_eq!(
        of("remembered_devices", json!({"windows_logon": {"enabled": true}}), Edition::Essentials),
        json!({
            "browser_apps": {"enabled": false},
            "windows_logon": {"enabled": true, "max_time_units": "days", "max_time_value": 30},
        })
    );
    let browser = |edition| of("remembered_devices", json!({"browser_apps": {"enabled": true}}), edition);
    assert_eq!(
        browser(Edition::Essentials)["browser_apps"],
        json!({
            "enabled": true, "remember_method": "user-based",
            "user_based": {"max_time_units": "hours", "max_time_value": 12, "confirm_per_app": false},
        })
    );
    assert_eq!(
        browser(Edition::Advantage)["browser_apps"],
        json!({
            "enabled": true, "remember_method": "risk-based",
            "risk_based": {"max_time_units": "days", "max_time_value": 30},
        })
    );
    assert_eq!(
        of("trusted_endpoints", json!({"trusted_endpoint_checking": "allow-all"}), Edition::Essentials),
        json!({
            "trusted_endpoint_checking": "allow-all", "trusted_endpoint_checking_mobile": "allow-all",
            "cisco_secure_endpoint_can_block": false,
        })
    );
    let methods =
        of("authentication_methods", json!({"blocked_auth_list": ["duo-push", "sms"]}), Edition::Essentials);
    let allowed = value::items(&methods["allowed_auth_list"]);
    assert!(
        allowed.contains("desktop") && allowed.contains("bypass") && !allowed.contains("sms"),
        "{allowed:?}"
    );
    let checks = of("duo_desktop", json!({}), Edition::Essentials);
    assert!(
        checks.get("requires_duo_desktop").is_some() && checks.get("enforce_firewall").is_none(),
        "{checks}"
    );
    assert!(checks.get("device_health_signed_payload").is_none(), "{checks}");
}

#[test]
fn a_section_that_exists_keeps_what_a_write_cannot_set() {
    let live = json!({"flash": "block-all", "java": "block-all", "brand_new": 1, "java_max_ood_days": 60});
    assert_eq!(
        rewritten("plugins", &json!({"java": "warn-only"}), &live, Edition::Advantage),
        json!({"flash": "block-all", "java": "warn-only", "brand_new": 1, "java_max_ood_days": 30})
    );
    assert_eq!(
        rewritten("brand_new", &json!({"on": true}), &json!({"on": false, "off": 1}), Edition::Advantage),
        json!({"on": true, "off": 1})
    );
    let shown = rewritten(
        "authentication_methods",
        &json!({"blocked_auth_list": ["sms"]}),
        &json!({"blocked_auth_list": ["smart-card"], "allowed_auth_list": ["sms", "brand-new"]}),
        Edition::Essentials,
    );
    let allowed = value::items(&shown["allowed_auth_list"]);
    assert!(
        allowed.contains("smart-card") && allowed.contains("brand-new") && !allowed.contains("sms"),
        "{allowed:?}"
    );
}
