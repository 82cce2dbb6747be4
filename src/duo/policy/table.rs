//! The table itself. One row per field; rows that several sections or systems share are written once.

use super::field::{Default, Edition, Field, Risk, Rule, Section, Shape, When};
use Edition::{Advantage, Essentials};
use Risk::{By, Neutral, ReadOnly, UpNarrows, UpWidens};
use Shape::{
    Amount, Bool, Branches, Countries, Enum, Integer, Networks, Object, OneOf, Optional, PanelDays, Set,
    Text, Tokens, Unit, Version,
};
use When::{Filled, In, ManagementIntegration, Not, True};

const YES: Default = Default::Bool(true);
const NO: Default = Default::Bool(false);
const EMPTY: Default = Default::List(&[]);
const UNKNOWN: Default = Default::Unknown;

const fn int(number: i64) -> Default {
    Default::Integer(number)
}

const fn word(text: &'static str) -> Default {
    Default::Text(text)
}

/// A field that always has an effect.
const fn row(name: &'static str, shape: Shape, default: Default, edition: Edition, risk: Risk) -> Field {
    Field { name, shape, default, edition, risk, applies: &[], replaced_by: None, note: "" }
}

/// An object.
const fn object(name: &'static str, shape: Shape, edition: Edition) -> Field {
    row(name, shape, Default::Inner, edition, Risk::Inner)
}

impl Field {
    const fn when(self, applies: &'static [When]) -> Self {
        Self { applies, ..self }
    }

    const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// A former name of another field.
    const fn now(self, name: &'static str) -> Self {
        Self { replaced_by: Some(name), ..self }
    }
}

const fn section(name: &'static str, edition: Edition, fields: &'static [Field]) -> Section {
    Section { name, edition, replaced_by: None, fields }
}

#[rustfmt::skip]
const METHODS: &[&str] = &[
    "bypass", "bypass-pwl", "desktop", "duo-passcode", "duo-push", "duo-push-pwl", "hardware-token", "phonecall",
    "smart-card", "sms", "webauthn-platform", "webauthn-platform-pwl", "webauthn-require-user-verification",
    "webauthn-roaming", "webauthn-roaming-pwl",
];
const ALLOWED_METHODS: Default = Default::List(&[
    "bypass",
    "bypass-pwl",
    "duo-push",
    "duo-push-pwl",
    "hardware-token",
    "sms",
    "webauthn-platform",
    "webauthn-platform-pwl",
    "webauthn-roaming",
    "webauthn-roaming-pwl",
]);
const BLOCKED_METHODS: Default = Default::List(&["desktop", "duo-passcode", "phonecall"]);
const BROWSERS: &[&str] =
    &["chrome", "chrome-mobile", "edge", "firefox", "ie", "other-browsers", "safari", "safari-mobile"];
#[rustfmt::skip]
const SYSTEMS: &[&str] = &[
    "android", "blackberry", "chromeos", "ios", "linux", "macos", "unknownos", "windows", "windowsphone",
];
const DESKTOPS: &[&str] = &["linux", "macos", "windows"];
const REMEDIATIONS: &[&str] =
    &["no-remediation", "end-of-life", "less-than-version", "less-than-latest", "not-up-to-date"];
const DAYS: &[i64] = &[0, 14, 30, 60, 90, 180, 365];
const TRUSTED: &[&str] = &["not-configured", "no-action", "allow-all", "require-trusted"];
const PINNING: &[&str] = &["never", "no-enforcement", "enforce-enabled"];
const DIGITS: Shape = Integer { min: 3, max: 6 };

#[rustfmt::skip]
const AUTHENTICATION_METHODS: &[Field] = &[
    row("allowed_auth_list", Set(METHODS), ALLOWED_METHODS, Essentials, By(Rule::AuthMethods))
        .note("Only informs: a method is allowed unless `blocked_auth_list` has it."),
    row("blocked_auth_list", Set(METHODS), BLOCKED_METHODS, Essentials, By(Rule::AuthMethods))
        .note("A method that is not blocked is allowed, even if `allowed_auth_list` lacks it."),
    row("require_verified_push", Bool, YES, Essentials, UpNarrows),
    row("verified_push_digits", DIGITS, int(3), Essentials, UpNarrows).when(&[True("require_verified_push")])
        .note("One workshop of Duo's uses 8, so the range may have grown."),
    row("auto_retry_sms", Bool, NO, Essentials, Neutral),
];

#[rustfmt::skip]
const AUTHORIZED_NETWORKS: &[Field] = &[
    object("no_2fa_required", Object(&[
        row("ip_list", Networks, EMPTY, Essentials, UpWidens),
        row("require_enrollment", Bool, YES, Essentials, UpNarrows).when(&[Filled(&["ip_list"])])
            .note("It keeps its default while `ip_list` is empty."),
    ]), Essentials),
    object("mfa_required", Object(&[row("ip_list", Networks, EMPTY, Essentials, By(Rule::Networks))]), Essentials),
    row("deny_other_access", Bool, NO, Essentials, UpNarrows)
        .when(&[Filled(&["no_2fa_required.ip_list", "mfa_required.ip_list"])])
        .note("It keeps its default while both lists are empty."),
    object("blocked", Object(&[row("ip_list", Networks, EMPTY, Essentials, UpNarrows)]), Essentials),
];

#[rustfmt::skip]
const BROWSER_FIELDS: &[Field] = &[
    row("allowed_browsers_list", Set(BROWSERS), Default::List(BROWSERS), Advantage, UpWidens),
    row("blocked_browsers_list", Set(BROWSERS), EMPTY, Advantage, UpNarrows),
    row("out_of_date_behavior", Enum(&["no-remediation", "warn-only", "warn-and-block"]), word("no-remediation"),
        Advantage, By(Rule::Remediation)).note("It applies to every allowed browser."),
    row("browser_max_ood_days", PanelDays, int(30), Advantage, UpWidens)
        .when(&[Not("out_of_date_behavior", "no-remediation")]).note("The days until an outdated browser is blocked."),
];

/// The fields of `duo_desktop`, which `health_checks` has as well.
#[rustfmt::skip]
const CHECKS: [Field; 12] = [
    row("requires_duo_desktop", Set(DESKTOPS), EMPTY, Essentials, UpNarrows).note("A list of systems, not a boolean."),
    row("prompt_to_install", Set(DESKTOPS), EMPTY, Essentials, Neutral),
    row("enforce_encryption", Set(DESKTOPS), EMPTY, Advantage, UpNarrows),
    row("enforce_firewall", Set(DESKTOPS), EMPTY, Advantage, UpNarrows),
    row("enforce_system_password", Set(DESKTOPS), EMPTY, Advantage, UpNarrows),
    row("windows_endpoint_security_list", Tokens, EMPTY, Advantage, By(Rule::Agents)),
    row("macos_endpoint_security_list", Tokens, EMPTY, Advantage, By(Rule::Agents)),
    row("linux_endpoint_security_list", Tokens, EMPTY, Advantage, By(Rule::Agents)),
    row("windows_remediation_note", Text, word(""), Advantage, Neutral),
    row("macos_remediation_note", Text, word(""), Advantage, Neutral),
    row("enforce_device_id_pinning", Enum(PINNING), word("never"), Essentials, By(Rule::OpenEnum)),
    row("enforce_signed_payload", Enum(PINNING), word("never"), Essentials, By(Rule::OpenEnum)),
];

#[rustfmt::skip]
const DUO_DESKTOP: &[Field] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l] = CHECKS;
    [
        a, b, c, d, e, f, g, h, i, j, k, l,
        row("device_health_device_id_pinning", Enum(&["no-enforcement"]), word("no-enforcement"), Advantage,
            By(Rule::OpenEnum)).now("enforce_device_id_pinning"),
        row("device_health_signed_payload", Enum(&["no-enforcement"]), word("no-enforcement"), Advantage,
            By(Rule::OpenEnum)).now("enforce_signed_payload"),
    ]
};

#[rustfmt::skip]
const DEVICE_HEALTH_APP: &[Field] = &[
    row("requires_DHA", Set(DESKTOPS), EMPTY, Essentials, UpNarrows).now("requires_duo_desktop"),
    row("prompt_to_install", Set(DESKTOPS), EMPTY, Essentials, Neutral),
    row("enforce_firewall", Set(DESKTOPS), EMPTY, Essentials, UpNarrows),
    row("enforce_encryption", Set(DESKTOPS), EMPTY, Essentials, UpNarrows),
    row("enforce_system_password", Set(DESKTOPS), EMPTY, Essentials, UpNarrows),
    row("macos_endpoint_security_list", Tokens, EMPTY, Advantage, By(Rule::Agents)),
    row("windows_endpoint_security_list", Tokens, EMPTY, Advantage, By(Rule::Agents)),
    row("macos_remediation_note", Text, word(""), Advantage, Neutral),
    row("windows_remediation_note", Text, word(""), Advantage, Neutral),
];

#[rustfmt::skip]
const DUO_MOBILE_APP: &[Field] = &[
    row("require_updates", Bool, NO, Advantage, UpNarrows)
        .note("The form of 2024; `block_policy` may have taken its place."),
    row("block_policy", Enum(&["no-remediation", "less-than-version"]), UNKNOWN, Advantage, By(Rule::Remediation)),
    row("block_version", Version, UNKNOWN, Advantage, UpNarrows).when(&[In("block_policy", &["less-than-version"])]),
];

#[rustfmt::skip]
const OS_RULES: &[Field] = &[
    row("warn_policy", Enum(REMEDIATIONS), word("no-remediation"), Advantage, Neutral),
    row("warn_version", Version, word(""), Advantage, Neutral).when(&[In("warn_policy", &["less-than-version"])])
        .note("`less-than-version` needs it; otherwise Duo fills it in or empties it."),
    row("warn_remediation_days", OneOf(DAYS), int(0), Advantage, Neutral).when(&[Not("warn_policy", "no-remediation")]),
    row("block_policy", Enum(REMEDIATIONS), word("no-remediation"), Advantage, By(Rule::Remediation))
        .note("Only `no-remediation` is surely the weakest value; the others have no order."),
    row("block_version", Version, word(""), Advantage, UpNarrows).when(&[In("block_policy", &["less-than-version"])])
        .note("`less-than-version` needs it; otherwise Duo fills it in or empties it."),
    row("block_remediation_days", OneOf(DAYS), int(0), Advantage, UpWidens)
        .when(&[Not("block_policy", "no-remediation")]).note("The days until an outdated system is blocked."),
];

#[rustfmt::skip]
const OPERATING_SYSTEMS: &[Field] = &[
    row("allow_unrestricted_os_list", Set(SYSTEMS), Default::List(SYSTEMS), Advantage, UpWidens)
        .note("Systems that are allowed whatever their version. It shares no system with the other lists."),
    row("block_os_list", Set(SYSTEMS), EMPTY, Advantage, UpNarrows),
    object("os_restrictions", Object(&[
        object("android", Optional(OS_RULES), Advantage),
        object("ios", Optional(OS_RULES), Advantage),
        object("macos", Optional(OS_RULES), Advantage),
        object("windows", Optional(OS_RULES), Advantage),
    ]), Advantage),
];

#[rustfmt::skip]
const PLUGINS: &[Field] = &[
    row("flash", Enum(&["allow-all", "block-all"]), UNKNOWN, Advantage, UpNarrows),
    row("java", Enum(&["allow-all", "warn-only", "warn-and-block", "block-all"]), UNKNOWN, Advantage, UpNarrows),
    row("java_max_ood_days", PanelDays, int(30), Advantage, UpWidens)
        .when(&[In("java", &["warn-only", "warn-and-block"])]),
];

#[rustfmt::skip]
const REMEMBERED_DEVICES: &[Field] = &[
    object("browser_apps", Branches(&[
        row("enabled", Bool, NO, Essentials, UpWidens),
        row("remember_method", Enum(&["user-based", "risk-based"]), Default::ByEdition("user-based", "risk-based"),
            Essentials, UpNarrows)
            .when(&[True("enabled")]).note("`risk-based` needs Duo Advantage or Premier."),
        object("user_based", Object(&[
            row("max_time_units", Unit, word("hours"), Essentials, By(Rule::Duration)),
            row("max_time_value", Amount, int(12), Essentials, By(Rule::Duration)),
            row("confirm_per_app", Bool, NO, Essentials, UpNarrows)
                .note("Users confirm once for each application."),
        ]), Essentials).when(&[True("enabled"), In("remember_method", &["user-based"])]),
        object("risk_based", Object(&[
            row("max_time_units", Unit, word("days"), Advantage, By(Rule::Duration)),
            row("max_time_value", Amount, int(30), Advantage, By(Rule::Duration)),
        ]), Advantage).when(&[True("enabled"), In("remember_method", &["risk-based"])]),
    ]), Essentials),
    object("windows_logon", Branches(&[
        row("enabled", Bool, NO, Essentials, UpWidens),
        row("max_time_units", Unit, word("days"), Essentials, By(Rule::Duration)).when(&[True("enabled")]),
        row("max_time_value", Amount, int(30), Essentials, By(Rule::Duration)).when(&[True("enabled")]),
    ]), Essentials),
];

#[rustfmt::skip]
const RISK_BASED_FACTOR_SELECTION: &[Field] = &[
    row("limit_to_risk_based_auth_methods", Bool, YES, Advantage, UpNarrows),
    row("risk_based_verified_push_digits", DIGITS, int(3), Advantage, UpNarrows)
        .when(&[True("limit_to_risk_based_auth_methods")]),
];

#[rustfmt::skip]
const TRUSTED_ENDPOINTS: &[Field] = &[
    row("trusted_endpoint_checking", Enum(TRUSTED), word("not-configured"), Essentials, By(Rule::Trusted))
        .when(&[ManagementIntegration(true)])
        .note("Duo shows `not-configured` until the account has a management integration."),
    row("trusted_endpoint_checking_mobile", Enum(TRUSTED), UNKNOWN, Essentials, By(Rule::Trusted))
        .when(&[ManagementIntegration(true)])
        .note("Duo sets it to `trusted_endpoint_checking` if a write leaves it out."),
    row("cisco_secure_endpoint_can_block", Bool, NO, Essentials, UpNarrows).when(&[ManagementIntegration(true)]),
    row("trusted_endpoint_message", Text, UNKNOWN, Essentials, ReadOnly).when(&[ManagementIntegration(false)])
        .note("Duo writes it while there is no management integration."),
];

#[rustfmt::skip]
const USER_LOCATION: &[Field] = &[
    row("default_action", Enum(&["allow-access-no-2fa", "ignore-location", "require-mfa", "deny-access"]),
        word("ignore-location"), Advantage, By(Rule::Countries)),
    row("allow_access_no_2fa_countries_list", Countries, EMPTY, Advantage, By(Rule::Countries)),
    row("ignore_location_countries_list", Countries, EMPTY, Advantage, By(Rule::Countries)),
    row("require_mfa_countries_list", Countries, EMPTY, Advantage, By(Rule::Countries)),
    row("deny_access_countries_list", Countries, EMPTY, Advantage, By(Rule::Countries)),
    row("access_device_only", Bool, UNKNOWN, Advantage, By(Rule::OpenEnum)),
];

/// Every section, by name.
#[rustfmt::skip]
pub(super) static SECTIONS: &[Section] = &[
    section("anonymous_networks", Advantage, &[
        row("anonymous_access_behavior", Enum(&["no-action", "require-mfa", "deny"]), word("no-action"), Advantage,
            UpNarrows),
    ]),
    section("authentication_methods", Essentials, AUTHENTICATION_METHODS),
    section("authentication_policy", Essentials, &[
        row("user_auth_behavior", Enum(&["bypass", "enforce", "deny"]), word("enforce"), Essentials, UpNarrows)
            .note("`deny` locks everyone out of the applications that it reaches."),
    ]),
    section("authorized_networks", Essentials, AUTHORIZED_NETWORKS),
    section("browsers", Advantage, BROWSER_FIELDS),
    Section {
        replaced_by: Some("duo_desktop"),
        ..section("device_health_app", Essentials, DEVICE_HEALTH_APP)
    },
    section("duo_desktop", Essentials, DUO_DESKTOP),
    section("duo_mobile_app", Advantage, DUO_MOBILE_APP),
    section("full_disk_encryption", Advantage, &[
        row("require_encryption", Bool, NO, Advantage, UpNarrows),
    ]),
    section("health_checks", Advantage, &CHECKS),
    section("mobile_device_biometrics", Advantage, &[
        row("require_biometrics", Bool, NO, Advantage, UpNarrows),
    ]),
    section("new_user", Essentials, &[
        row("new_user_behavior", Enum(&["no-mfa", "enroll", "deny"]), word("enroll"), Essentials, UpNarrows)
            .note("`no-mfa` exempts users whom Duo does not know, not known users without a device."),
    ]),
    section("operating_systems", Advantage, OPERATING_SYSTEMS),
    section("plugins", Advantage, PLUGINS),
    section("remembered_devices", Essentials, REMEMBERED_DEVICES),
    section("risk_based_factor_selection", Advantage, RISK_BASED_FACTOR_SELECTION),
    section("screen_lock", Advantage, &[row("require_screen_lock", Bool, YES, Advantage, UpNarrows)]),
    section("tampered_devices", Advantage, &[row("block_tampered_devices", Bool, YES, Advantage, UpNarrows)]),
    section("trusted_endpoints", Essentials, TRUSTED_ENDPOINTS),
    section("user_location", Advantage, USER_LOCATION),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::policy::field::{UNITS, amounts};

    #[test]
    fn the_table_agrees_with_itself() {
        assert!(SECTIONS.is_sorted_by_key(|section| section.name));
        for section in SECTIONS {
            let leaves = section.leaves();
            assert!(!leaves.is_empty(), "{}", section.name);
            for leaf in &leaves {
                let (field, place) = (leaf.field().unwrap(), format!("{}.{}", section.name, leaf.path));
                assert!(fits(field), "{place}: its default is none of its values");
                assert!(leaf.edition >= section.edition, "{place}");
                let named = |name: &str| leaves.iter().any(|leaf| leaf.path.ends_with(name));
                assert!(
                    field.replaced_by.is_none_or(|name| named(name) || section.replaced_by.is_some()),
                    "{place}"
                );
                for when in leaf.fields.iter().flat_map(|field| field.applies) {
                    let names: &[&str] = match when {
                        True(name) | In(name, _) | Not(name, _) => &[name],
                        Filled(names) => names,
                        ManagementIntegration(_) => &[],
                    };
                    assert!(names.iter().all(|name| named(name)), "{place}: {when:?}");
                }
            }
        }
    }

    fn fits(field: &Field) -> bool {
        match (field.shape, field.default) {
            (Bool, Default::Bool(_))
            | (PanelDays, Default::Integer(_))
            | (Text | Version, Default::Text(_)) => true,
            (Integer { min, max }, Default::Integer(number)) => (min..=max).contains(&number),
            (OneOf(numbers), Default::Integer(number)) => numbers.contains(&number),
            (Amount, Default::Integer(number)) => amounts("days").contains(&number),
            (Enum(texts), Default::Text(text)) => texts.contains(&text),
            (Enum(texts), Default::ByEdition(low, high)) => texts.contains(&low) && texts.contains(&high),
            (Unit, Default::Text(text)) => UNITS.contains(&text),
            (Set(texts), Default::List(list)) => {
                list.is_sorted() && list.iter().all(|text| texts.contains(text))
            }
            (Tokens | Networks | Countries, Default::List(list)) => list.is_empty(),
            (_, Default::Unknown) => true,
            _ => false,
        }
    }
}
