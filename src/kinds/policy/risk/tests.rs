//! A table of changes for each rule of policies.md, section 6, and for each trap of section 5.

mod declared;

use serde_json::json;

use super::*;
use crate::duo::policy::{Edition, sections};
use crate::kinds::risk::Risk::{self, NarrowsAccess as Narrows, Neutral, WidensAccess as Widens};

/// The worst risk of a change, and its reason.
fn worst(section: &str, before: &Value, after: &Value) -> (Risk, &'static str) {
    let judged = compare(section, Some(before), Some(after));
    judged
        .iter()
        .map(|judged| judged.assessment)
        .max_by_key(|assessment| assessment.0)
        .unwrap_or((Neutral, ""))
}

/// Checks a change, and the opposite one.
fn check(section: &str, before: &Value, after: &Value, there: Risk, back: Risk) {
    let place = format!("{section}: {before} -> {after}");
    assert_eq!(worst(section, before, after).0, there, "{place}");
    assert_eq!(worst(section, after, before).0, back, "back from {place}");
    for value in [before, after] {
        assert_eq!(compare(section, Some(value), Some(value)), [], "{place}");
    }
}

#[test]
fn an_order_of_values_is_the_order_of_the_table() {
    for (section, weaker, stricter) in [
        ("new_user", json!({"new_user_behavior": "no-mfa"}), json!({"new_user_behavior": "enroll"})),
        ("new_user", json!({"new_user_behavior": "enroll"}), json!({"new_user_behavior": "deny"})),
        (
            "authentication_policy",
            json!({"user_auth_behavior": "bypass"}),
            json!({"user_auth_behavior": "deny"}),
        ),
        ("anonymous_networks", json!({}), json!({"anonymous_access_behavior": "require-mfa"})),
        ("tampered_devices", json!({"block_tampered_devices": false}), json!({})),
        ("authentication_methods", json!({"verified_push_digits": 3}), json!({"verified_push_digits": 6})),
        (
            "authentication_methods",
            json!({"require_verified_push": false}),
            json!({"verified_push_digits": 4}),
        ),
        ("plugins", json!({"java": "allow-all"}), json!({"java": "warn-and-block"})),
        ("plugins", json!({"java": "warn-and-block"}), json!({"java": "block-all"})),
        (
            "plugins",
            json!({"java": "warn-only", "java_max_ood_days": 60}),
            json!({"java": "warn-only", "java_max_ood_days": 30}),
        ),
        ("browsers", json!({}), json!({"blocked_browsers_list": ["ie"]})),
        ("browsers", json!({}), json!({"allowed_browsers_list": ["edge", "chrome"]})),
        ("operating_systems", json!({}), json!({"block_os_list": ["windowsphone"]})),
        ("duo_desktop", json!({}), json!({"requires_duo_desktop": ["windows"]})),
        ("device_health_app", json!({}), json!({"requires_DHA": ["windows"]})),
        ("authorized_networks", json!({}), json!({"blocked": {"ip_list": ["192.0.2.0/24"]}})),
        (
            "operating_systems",
            json!({"os_restrictions": {"ios": {"block_policy": "less-than-version", "block_version": "9.2"}}}),
            json!({"os_restrictions": {"ios": {"block_policy": "less-than-version", "block_version": "10"}}}),
        ),
        (
            "operating_systems",
            json!({"os_restrictions": {"ios": {"block_policy": "end-of-life", "block_remediation_days": 30}}}),
            json!({"os_restrictions": {"ios": {"block_policy": "end-of-life"}}}),
        ),
    ] {
        check(section, &weaker, &stricter, Narrows, Widens);
    }
}

#[test]
fn what_is_not_known_widens_with_the_reason() {
    let mixed = (json!({"blocked_browsers_list": ["ie"]}), json!({"blocked_browsers_list": ["edge"]}));
    check("browsers", &mixed.0, &mixed.1, Widens, Widens);
    for (section, before, after) in [
        ("brand_new", json!({}), json!({"on": true})),
        ("new_user", json!({"new_user_behavior": "enroll"}), json!({"new_user_behavior": "brand-new"})),
        ("new_user", json!({}), json!({"brand_new": true})),
        ("new_user", json!({"new_user_behavior": "enroll"}), json!("deny")),
        ("browsers", json!({}), json!({"blocked_browsers_list": ["brand-new"]})),
        ("plugins", json!({}), json!({"flash": "block-all"})),
        ("remembered_devices", json!({}), json!({"browser_apps": "off"})),
        ("duo_desktop", json!({}), json!({"requires_duo_desktop": true})),
        (
            "duo_mobile_app",
            json!({"block_policy": "less-than-version", "block_version": "1.x"}),
            json!({"block_policy": "less-than-version", "block_version": "2.0"}),
        ),
        ("authorized_networks", json!({}), json!({"mfa_required": {"ip_list": ["office"]}})),
        ("authorized_networks", json!({}), json!({"blocked": {"ip_list": ["office"]}})),
        ("authorized_networks", json!({"deny_other_access": 1}), json!({})),
        ("user_location", json!({}), json!({"access_device_only": true})),
        ("user_location", json!({}), json!({"default_action": "brand-new"})),
        ("trusted_endpoints", json!({}), json!({"trusted_endpoint_checking": "brand-new"})),
        ("duo_desktop", json!({}), json!({"enforce_signed_payload": "brand-new"})),
    ] {
        check(section, &before, &after, Widens, Widens);
        let judged = compare(section, Some(&before), Some(&after));
        let reason = judged.iter().find(|judged| judged.assessment.0 == Widens).unwrap().assessment.1;
        assert!(reason.starts_with("cannot be judged: "), "{section}: {reason}");
    }
    let (none, some) = (None, Some(json!({"require_screen_lock": true})));
    assert_eq!(compare("screen_lock", none, none), []);
    for (before, after) in [(none, some.as_ref()), (some.as_ref(), none)] {
        let judged = compare("screen_lock", before, after);
        assert_eq!((judged.len(), judged[0].assessment.0), (1, Widens));
    }
}

#[test]
fn methods_are_permitted_unless_they_are_blocked() {
    let blocked = |names: &[&str]| json!({"blocked_auth_list": names});
    for (method, grade) in [
        ("sms", "weak"),
        ("phonecall", "weak"),
        ("bypass", "weak"),
        ("bypass-pwl", "weak"),
        ("duo-passcode", "can be phished"),
        ("hardware-token", "can be phished"),
        ("desktop", "can be phished"),
        ("duo-push", "verified push"),
        ("webauthn-roaming", "resist phishing"),
        ("smart-card", "resist phishing"),
        ("brand-new", "does not know"),
    ] {
        check("authentication_methods", &blocked(&[method]), &blocked(&[]), Widens, Narrows);
        let reason = worst("authentication_methods", &blocked(&[method]), &blocked(&[])).1;
        assert!(reason.contains(grade), "{method}: {reason}");
    }
    let unverified = json!({"blocked_auth_list": [], "require_verified_push": false});
    let push = json!({"blocked_auth_list": ["duo-push"], "require_verified_push": false});
    assert!(worst("authentication_methods", &push, &unverified).1.contains("can be phished"));
    let both = worst("authentication_methods", &blocked(&["sms", "webauthn-roaming"]), &blocked(&[])).1;
    assert!(both.contains("weak"), "{both}");
    // It is a requirement, not a method.
    let verification = blocked(&["webauthn-require-user-verification"]);
    check("authentication_methods", &verification, &blocked(&[]), Narrows, Widens);
    // The allowed list only informs.
    let allowed = |names: &[&str]| json!({"blocked_auth_list": [], "allowed_auth_list": names});
    check("authentication_methods", &allowed(&["sms"]), &allowed(&[]), Neutral, Neutral);
    check(
        "authentication_methods",
        &blocked(&["sms", "desktop"]),
        &json!({"blocked_auth_list": "desktop, sms"}),
        Neutral,
        Neutral,
    );
    // The trap of section 3.4: a new section brings Duo's defaults along, which permit text messages again.
    let global = blocked(&["bypass", "phonecall", "sms"]);
    let added = whole("authentication_methods", &json!({"require_verified_push": true}), Edition::Essentials);
    assert_eq!(worst("authentication_methods", &global, &added).0, Widens);
}

#[test]
fn networks_are_judged_together() {
    let of = |exempt: &[&str], required: &[&str], deny: bool| {
        json!({
            "no_2fa_required": {"ip_list": exempt}, "mfa_required": {"ip_list": required}, "deny_other_access": deny,
        })
    };
    let (office, offices) = (["192.0.2.0/24"], ["192.0.2.0/24", "198.51.100.7"]);
    for (before, after, there, back) in [
        (of(&[], &[], false), of(&office, &[], false), Widens, Narrows),
        (of(&office, &[], false), of(&offices, &[], false), Widens, Narrows),
        (of(&[], &office, true), of(&[], &offices, true), Widens, Narrows),
        (of(&[], &office, false), of(&[], &offices, false), Neutral, Neutral),
        (of(&office, &[], false), of(&[], &office, false), Narrows, Widens),
        (of(&office, &[], true), of(&[], &office, true), Narrows, Widens),
        (of(&[], &office, false), of(&[], &office, true), Narrows, Widens),
        // Without a network, nothing is denied.
        (of(&[], &[], false), of(&[], &[], true), Neutral, Neutral),
        (of(&[], &[], true), of(&[], &office, true), Narrows, Widens),
        (of(&[], &[], false), of(&[], &office, true), Narrows, Widens),
        (of(&office, &[], true), of(&[], &[], true), Widens, Widens),
        // Spellings of one network.
        (of(&office, &[], true), of(&["192.0.2.0-192.0.2.255"], &[], true), Neutral, Neutral),
    ] {
        check("authorized_networks", &before, &after, there, back);
    }
    let enrolled =
        |list: &[&str], must| json!({"no_2fa_required": {"ip_list": list, "require_enrollment": must}});
    check("authorized_networks", &enrolled(&office, true), &enrolled(&office, false), Widens, Narrows);
    check("authorized_networks", &enrolled(&[], true), &enrolled(&[], false), Neutral, Neutral);
    check("authorized_networks", &enrolled(&office, false), &enrolled(&[], true), Narrows, Widens);
}

#[test]
fn countries_are_compared_by_their_actions() {
    let of = |default: &str, list: &str, countries: &[&str]| {
        let list = format!("{list}_countries_list");
        json!({"default_action": default, list: countries})
    };
    let none = of("require-mfa", "ignore_location", &[]);
    for (after, there, back) in [
        (of("require-mfa", "ignore_location", &["DE"]), Widens, Narrows),
        (of("require-mfa", "deny_access", &["DE"]), Narrows, Widens),
        (of("require-mfa", "require_mfa", &["DE"]), Neutral, Neutral),
        (of("deny-access", "require_mfa", &["DE"]), Narrows, Widens),
        (of("ignore-location", "require_mfa", &["DE"]), Widens, Narrows),
        (of("deny-access", "ignore_location", &["DE"]), Widens, Widens),
    ] {
        check("user_location", &none, &after, there, back);
    }
    let judged =
        compare("user_location", Some(&none), Some(&of("require-mfa", "ignore_location", &["DE", "FR"])));
    assert_eq!((judged[0].path.as_str(), judged[0].countries), ("ignore_location_countries_list", Some(2)));
}

#[test]
fn remediation_agents_and_enforcement_have_their_own_rules() {
    let browser = |value: &str| json!({"out_of_date_behavior": value});
    let system = |value: &str| json!({"os_restrictions": {"windows": {"block_policy": value}}});
    let agents = |names: &[&str]| json!({"windows_endpoint_security_list": names});
    let pinned = |value: &str| json!({"enforce_device_id_pinning": value});
    let trusted = |value: &str| json!({"trusted_endpoint_checking": value, "trusted_endpoint_checking_mobile": "allow-all"});
    for (section, before, after, there, back) in [
        ("browsers", browser("no-remediation"), browser("warn-only"), Neutral, Widens),
        ("browsers", browser("no-remediation"), browser("warn-and-block"), Narrows, Widens),
        ("browsers", browser("warn-only"), browser("warn-and-block"), Narrows, Widens),
        ("operating_systems", json!({}), system("not-up-to-date"), Narrows, Widens),
        ("operating_systems", system("end-of-life"), system("not-up-to-date"), Widens, Widens),
        ("duo_desktop", agents(&[]), agents(&["cisco-amp"]), Narrows, Widens),
        ("duo_desktop", agents(&["cisco-amp"]), agents(&["cisco-amp", "sophos"]), Widens, Narrows),
        ("health_checks", agents(&["cisco-amp"]), agents(&["sophos"]), Widens, Widens),
        ("duo_desktop", pinned("never"), pinned("enforce-enabled"), Narrows, Widens),
        ("duo_desktop", pinned("never"), pinned("no-enforcement"), Neutral, Neutral),
        ("trusted_endpoints", trusted("allow-all"), trusted("require-trusted"), Narrows, Widens),
        ("trusted_endpoints", trusted("allow-all"), trusted("no-action"), Neutral, Neutral),
        // A text that Duo writes, and one without an effect on access.
        ("trusted_endpoints", json!({}), json!({"trusted_endpoint_message": "x"}), Neutral, Neutral),
        ("authentication_methods", json!({}), json!({"auto_retry_sms": true}), Neutral, Neutral),
    ] {
        check(section, &before, &after, there, back);
    }
}

#[test]
fn times_are_compared_in_hours_over_both_branches() {
    let browser = |method: &str, unit: &str, amount: i64| {
        let branch = method.replace('-', "_");
        json!({"browser_apps": {
            "enabled": true, "remember_method": method, branch: {"max_time_units": unit, "max_time_value": amount},
        }})
    };
    let windows = |unit: &str, amount: i64| json!({"windows_logon": {"enabled": true, "max_time_units": unit, "max_time_value": amount}});
    for (before, after, there, back) in [
        (json!({}), browser("user-based", "hours", 1), Widens, Narrows),
        (browser("user-based", "hours", 12), browser("user-based", "hours", 13), Widens, Narrows),
        (browser("user-based", "days", 1), browser("user-based", "hours", 24), Neutral, Neutral),
        (browser("user-based", "days", 1), browser("user-based", "hours", 30), Widens, Narrows),
        (browser("user-based", "hours", 12), browser("risk-based", "days", 30), Widens, Widens),
        (browser("user-based", "days", 30), browser("risk-based", "hours", 12), Narrows, Widens),
        (json!({}), windows("hours", 1), Widens, Narrows),
        (windows("days", 2), windows("hours", 49), Widens, Narrows),
        (windows("days", 2), windows("hours", 48), Neutral, Neutral),
    ] {
        check("remembered_devices", &before, &after, there, back);
    }
    // Equal times are no change at all, and a branch that is not in force has no effect.
    assert_eq!(compare("remembered_devices", Some(&windows("days", 2)), Some(&windows("hours", 48))), []);
    let idle = |days| {
        let mut value = browser("user-based", "hours", 12);
        value["browser_apps"]["risk_based"] = json!({"max_time_units": "days", "max_time_value": days});
        value
    };
    check("remembered_devices", &idle(1), &idle(365), Neutral, Neutral);
    // The branch that Duo shows tells the method.
    let short = json!({"browser_apps": {"enabled": true, "user_based": {"max_time_value": 12}}});
    check("remembered_devices", &short, &browser("user-based", "hours", 11), Narrows, Widens);
}

#[test]
fn every_field_that_can_widen_is_judged() {
    for section in sections() {
        for leaf in section.leaves() {
            let nested = |value: Value| leaf.path.rsplit('.').fold(value, |value, name| json!({name: value}));
            let (before, after) =
                (nested(json!("one brand-new value")), nested(json!("another brand-new value")));
            let judged = compare(section.name, Some(&before), Some(&after));
            assert!(judged.iter().any(|judged| judged.path == leaf.path), "{}.{}", section.name, leaf.path);
        }
    }
}

#[test]
fn values_that_can_lock_people_out_are_known() {
    let all: Vec<&str> = match sections()[1].fields[1].shape {
        crate::duo::policy::Shape::Set(names) => names.to_vec(),
        _ => Vec::new(),
    };
    let but = |kept: &str| all.iter().filter(|name| **name != kept).collect::<Vec<_>>();
    for (section, value, locks) in [
        ("authentication_policy", json!({"user_auth_behavior": "deny"}), true),
        ("authentication_policy", json!({"user_auth_behavior": "bypass"}), false),
        ("authentication_methods", json!({"blocked_auth_list": all}), true),
        ("authentication_methods", json!({"blocked_auth_list": but("bypass")}), true),
        ("authentication_methods", json!({"blocked_auth_list": but("duo-push-pwl")}), true),
        ("authentication_methods", json!({"blocked_auth_list": but("sms")}), false),
        (
            "authorized_networks",
            json!({"deny_other_access": true, "mfa_required": {"ip_list": ["192.0.2.1"]}}),
            true,
        ),
        ("authorized_networks", json!({"deny_other_access": true}), false),
        ("user_location", json!({"default_action": "deny-access"}), true),
        ("user_location", json!({"deny_access_countries_list": ["DE"]}), false),
        ("trusted_endpoints", json!({"trusted_endpoint_checking": "require-trusted"}), true),
        ("trusted_endpoints", json!({"trusted_endpoint_checking_mobile": "require-trusted"}), true),
        ("trusted_endpoints", json!({"trusted_endpoint_checking": "allow-all"}), false),
        ("new_user", json!({"new_user_behavior": "deny"}), true),
        ("new_user", json!({}), false),
        ("duo_desktop", json!({"requires_duo_desktop": ["macos"]}), true),
        ("health_checks", json!({"requires_duo_desktop": ["macos"]}), true),
        ("device_health_app", json!({"requires_DHA": ["macos"]}), true),
        ("duo_desktop", json!({"enforce_firewall": ["macos"]}), false),
        ("brand_new", json!({"deny": true}), false),
    ] {
        assert_eq!(lockout(section, &value).is_some(), locks, "{section}: {value}");
    }
}
