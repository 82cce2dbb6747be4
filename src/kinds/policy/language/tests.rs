//! The language against Duo's table, and sections from the YAML to Duo and back.

mod round;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::names::{MAX_TIME, is_usable, short, written};
use super::*;
use crate::diagnostic::{Diagnostic, Span, has_errors};
use crate::duo::policy::{Field as DuoField, Section, sections};
use crate::language::check;
use crate::yaml::{self, Data};

const HERE: Span = Span { file: 0, start: 0, end: 0 };

fn key(section: &str) -> Key {
    FIELDS.iter().find(|field| field.name() == section).unwrap().key
}

fn findings(section: &str, yaml: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let node = yaml::parse(0, yaml, &mut found).unwrap();
    check::value(&node, &key(section), HERE, &mut found);
    found
}

fn duo(section: &str, yaml: &str) -> Option<Value> {
    let found = findings(section, yaml);
    assert!(!has_errors(&found), "{section}: {yaml}: {found:?}");
    to_duo(section, &yaml::parse(0, yaml, &mut Vec::new()).unwrap())
}

/// The shapes of the alternatives of a value.
fn alternatives(shape: Shape) -> Vec<Shape> {
    if let Shape::Either(shapes) = shape { shapes.to_vec() } else { vec![shape] }
}

fn table(shape: Shape) -> Option<&'static Object> {
    alternatives(shape)
        .into_iter()
        .find_map(|shape| if let Shape::Object(table) = shape { Some(table) } else { None })
}

fn words(choices: &[crate::language::shape::Choice]) -> Vec<&str> {
    choices.iter().map(|choice| choice.value).collect()
}

/// Whether a key of the YAML accepts what a field of Duo's holds.
fn agrees(shape: Shape, field: &DuoField) -> bool {
    use crate::duo::policy::Shape as Duo;
    alternatives(shape).into_iter().any(|shape| match (shape, field.shape) {
        (Shape::Flag, Duo::Bool) => true,
        (Shape::Whole(least, most), Duo::Integer { min, max }) => {
            (i64::from(least), i64::from(most)) == (min, max)
        }
        (Shape::Whole(..), Duo::PanelDays) => true,
        (Shape::Numbers(numbers), Duo::OneOf(all)) => {
            numbers.iter().map(|one| i64::from(*one)).eq(all.iter().copied())
        }
        (Shape::Choice(choices), Duo::Enum(all)) => words(choices) == all,
        (Shape::List(Shape::Choice(choices), 0, _), Duo::Set(all)) => words(choices) == all,
        (Shape::List(Shape::Text(rule), 0, _), Duo::Tokens) => std::ptr::eq(*rule, &texts::FILLED),
        (Shape::List(Shape::Text(rule), 0, _), Duo::Networks) => std::ptr::eq(*rule, &texts::NETWORK),
        (Shape::List(Shape::Text(rule), 0, _), Duo::Countries) => std::ptr::eq(*rule, &countries::COUNTRY),
        (Shape::Text(rule), Duo::Text) => std::ptr::eq(rule, &texts::ANY),
        (Shape::Text(rule), Duo::Version) => std::ptr::eq(rule, &texts::FILLED),
        (Shape::Object(table), Duo::Object(fields) | Duo::Branches(fields) | Duo::Optional(fields)) => {
            compare(table, fields);
            true
        }
        _ => false,
    })
}

/// Every field that can be set is a key, once.
fn compare(table: &Object, fields: &'static [DuoField]) {
    let is_pair = |field: &DuoField| matches!(field.shape, policy::Shape::Unit | policy::Shape::Amount);
    let usable: Vec<&DuoField> = fields.iter().filter(|field| is_usable(field)).collect();
    let name = |field: &&DuoField| if is_pair(field) { MAX_TIME } else { written(field) };
    let expected: BTreeSet<&str> = usable.iter().map(name).collect();
    let keys: BTreeSet<&str> = table.keys.iter().map(|key| key.name).collect();
    assert_eq!((&keys, table.keys.len()), (&expected, expected.len()), "{}", table.what);
    for field in usable.into_iter().filter(|field| !is_pair(field)) {
        let key = table.keys.iter().find(|key| key.name == written(field)).unwrap();
        assert!(agrees(key.shape, field), "{}: {} is not {:?}", table.what, key.name, field.shape);
    }
}

#[test]
fn the_language_has_every_section_and_field_of_duo_with_its_values() {
    let usable: Vec<&Section> = sections().iter().filter(|section| section.replaced_by.is_none()).collect();
    let declared = FIELDS.iter().filter(|field| matches!(field.form, Form::Document(_)));
    let declared: Vec<&str> = declared.map(Field::name).collect();
    assert_eq!(declared, usable.iter().map(|section| section.name).collect::<Vec<_>>());
    for section in usable {
        let shape = key(section.name).shape;
        compare(table(shape).unwrap(), section.fields);
        let shorter = alternatives(shape).len() > 1;
        assert_eq!(shorter, short(section).is_some(), "{}", section.name);
        if let Some(field) = short(section) {
            assert!(agrees(shape, field), "{}", section.name);
        }
        for (name, now) in section.fields.iter().filter_map(|field| Some((field.name, field.replaced_by?))) {
            let problem =
                (table(shape).unwrap().foreign)().into_iter().find(|(key, _)| key == name).unwrap().1;
            assert_eq!(problem.help.text, format!("write `{now}`"));
        }
    }
}

#[test]
fn the_global_policy_has_the_sections_and_cannot_remove_them() {
    let names = |keys: &[Key]| keys.iter().map(|key| key.name).collect::<BTreeSet<_>>();
    let missing = names(KEYS).difference(&names(GLOBAL_KEYS)).copied().collect::<Vec<_>>();
    assert_eq!(missing, ["authoritative", "name", "policy_key"]);
    assert_eq!(GLOBAL_KEYS.len() + missing.len(), KEYS.len());
    assert!(GLOBAL_KEYS.iter().all(|key| !key.nullable && !key.required));
    let nullable = KEYS.iter().filter(|key| key.nullable).map(|key| key.name).collect::<BTreeSet<_>>();
    let documents = FIELDS.iter().filter(|field| matches!(field.form, Form::Document(_)));
    assert_eq!(nullable, documents.map(Field::name).collect());
}

#[test]
fn the_pattern_of_ignored_fields_is_the_table() {
    let names: BTreeSet<&str> = FIELDS.iter().filter(|field| field.is_compared()).map(Field::name).collect();
    let pattern = IGNORED_FIELD.pattern.trim_start_matches("^(").trim_end_matches(")$");
    assert_eq!(pattern.split('|').collect::<BTreeSet<&str>>(), names);
}

#[test]
fn the_yaml_of_the_design_is_what_duo_wants() {
    let time = |unit: &str, value: i64| json!({"max_time_units": unit, "max_time_value": value});
    for (section, yaml, expected) in [
        ("new_user", "deny", json!({"new_user_behavior": "deny"})),
        ("new_user", "{new_user_behavior: deny}", json!({"new_user_behavior": "deny"})),
        ("new_user", "{}", json!({})),
        ("tampered_devices", "true", json!({"block_tampered_devices": true})),
        ("trusted_endpoints", "require-trusted", json!({"trusted_endpoint_checking": "require-trusted"})),
        (
            "authentication_methods",
            "{blocked: [sms, bypass], allowed: [duo-push]}",
            json!({"blocked_auth_list": ["sms", "bypass"], "allowed_auth_list": ["duo-push"]}),
        ),
        (
            "user_location",
            "{default: deny-access, require_mfa: [DE, FR]}",
            json!({"default_action": "deny-access", "require_mfa_countries_list": ["DE", "FR"]}),
        ),
        (
            "remembered_devices",
            "{browser: {user_based: 12h}, windows_logon: off}",
            json!({
                "browser_apps": {"enabled": true, "remember_method": "user-based", "user_based": time("hours", 12)},
                "windows_logon": {"enabled": false},
            }),
        ),
        (
            "remembered_devices",
            "{browser: off, windows_logon: 30d}",
            json!({
                "browser_apps": {"enabled": false},
                "windows_logon": {"enabled": true, "max_time_units": "days", "max_time_value": 30},
            }),
        ),
        (
            "remembered_devices",
            "{browser: {risk_based: {max_time: 30d}}, windows_logon: true}",
            json!({
                "browser_apps": {"enabled": true, "remember_method": "risk-based", "risk_based": time("days", 30)},
                "windows_logon": {"enabled": true},
            }),
        ),
        (
            "remembered_devices",
            "{browser: {user_based: {confirm_per_app: true}}, windows_logon: {enabled: false}}",
            json!({
                "browser_apps": {"enabled": true, "remember_method": "user-based", "user_based": {"confirm_per_app": true}},
                "windows_logon": {"enabled": false},
            }),
        ),
        (
            "remembered_devices",
            "{browser: {remember_method: user-based}}",
            json!({"browser_apps": {"enabled": true, "remember_method": "user-based"}}),
        ),
        ("operating_systems", "{os_restrictions: {}}", json!({"os_restrictions": {}})),
    ] {
        assert_eq!(duo(section, yaml), Some(expected), "{section}: {yaml}");
    }
}

#[test]
fn duo_becomes_the_shortest_yaml_and_what_is_not_known_does_not() {
    for (section, live, expected) in [
        ("new_user", json!({"new_user_behavior": "deny"}), Some(json!("deny"))),
        ("new_user", json!({"new_user_behavior": "ask"}), None),
        ("new_user", json!({"new_user_behavior": "deny", "brand_new": 1}), None),
        ("new_user", json!({"new_user_behavior": null}), None),
        ("new_user", json!({"new_user_behavior": {"new_user_behavior": "deny"}}), None),
        ("new_user", json!("deny"), None),
        ("brand_new", json!({}), None),
        ("device_health_app", json!({"requires_DHA": []}), None),
        (
            "authentication_methods",
            json!({"allowed_auth_list": ["duo-push"], "blocked_auth_list": ["sms"]}),
            Some(json!({"blocked": ["sms"]})),
        ),
        (
            "authentication_methods",
            json!({"blocked_auth_list": "bypass,sms"}),
            Some(json!({"blocked": ["bypass", "sms"]})),
        ),
        ("authentication_methods", json!({"blocked_auth_list": ["telepathy"]}), None),
        (
            "trusted_endpoints",
            json!({"trusted_endpoint_checking": "allow-all", "trusted_endpoint_checking_mobile": "allow-all", "trusted_endpoint_message": "x"}),
            Some(json!("allow-all")),
        ),
        (
            "remembered_devices",
            json!({
                "browser_apps": {"enabled": true, "remember_method": "user-based", "user_based": {"confirm_per_app": false, "max_time_units": "hours", "max_time_value": 12}},
                "windows_logon": {"enabled": false, "max_time_units": "days", "max_time_value": 30},
            }),
            Some(
                json!({"browser": {"user_based": {"max_time": "12h", "confirm_per_app": false}}, "windows_logon": "off"}),
            ),
        ),
        (
            "remembered_devices",
            json!({"windows_logon": {"enabled": true, "max_time_units": "days", "max_time_value": 30}}),
            Some(json!({"windows_logon": "30d"})),
        ),
        (
            "remembered_devices",
            json!({"windows_logon": {"enabled": true, "max_time_units": "weeks", "max_time_value": 3}}),
            None,
        ),
        (
            "remembered_devices",
            json!({"windows_logon": {"enabled": true, "max_time_units": "days", "max_time_value": 366}}),
            None,
        ),
        (
            "remembered_devices",
            json!({"windows_logon": {"max_time_units": "days", "max_time_value": 3}}),
            None,
        ),
        ("remembered_devices", json!({"windows_logon": {"enabled": true, "max_time_value": 3}}), None),
        (
            "user_location",
            json!({"default_action": "ignore-location", "require_mfa_countries_list": ["DE"], "deny_access_countries_list": ["DE"]}),
            None,
        ),
    ] {
        assert_eq!(from_duo(section, &live), expected, "{section}: {live}");
    }
}

#[test]
fn a_mistake_is_named_with_what_is_allowed() {
    let long = "`browser` must be text or true or false or a mapping, not a number";
    for (section, yaml, message, help) in [
        ("new_user", "ask", "`new_user` cannot be `ask`", "write one of `no-mfa`, `enroll`, `deny`"),
        (
            "authentication_methods",
            "{blocked: [fax]}",
            "an item of `blocked` cannot be `fax`",
            "write one of `bypass`",
        ),
        (
            "authentication_methods",
            "{verified_push_digits: 7}",
            "`verified_push_digits` must be a whole number from 3 to 6",
            "",
        ),
        (
            "authentication_methods",
            "{blocked: [sms, sms]}",
            "`blocked` lists `sms` twice",
            "remove one of the two",
        ),
        (
            "authentication_methods",
            "{blocked: [sms], allowed: [sms]}",
            "`sms` is in `allowed` and in `blocked`",
            "",
        ),
        (
            "authentication_methods",
            "{allowed: [sms]}",
            "`allowed` alone blocks nothing: every method that is not blocked is allowed",
            "under `blocked`",
        ),
        (
            "authentication_methods",
            "{blocked_auth_list: [sms]}",
            "`blocked_auth_list` is the name in Duo's API",
            "write `blocked`",
        ),
        (
            "duo_desktop",
            "{requires_DHA: [macos]}",
            "`requires_DHA` is a former name in Duo's API",
            "write `requires_duo_desktop`",
        ),
        (
            "duo_desktop",
            "{requires_duo_desktop: true}",
            "`requires_duo_desktop` must be a list, not a boolean",
            "",
        ),
        (
            "user_location",
            "{require_mfa: [de]}",
            "an item of `require_mfa` is not a country code",
            "write `DE`",
        ),
        (
            "user_location",
            "{require_mfa: [DE], deny_access: [FR, DE]}",
            "`DE` is in `deny_access` and in `require_mfa`",
            "",
        ),
        (
            "browsers",
            "{allowed_browsers_list: [ie], blocked_browsers_list: [ie]}",
            "`ie` is in `blocked_browsers_list` and in `allowed_browsers_list`",
            "",
        ),
        (
            "operating_systems",
            "{block_os_list: [ios], os_restrictions: {ios: {}}}",
            "`ios` is in `os_restrictions` and in `block_os_list`",
            "",
        ),
        (
            "operating_systems",
            "{os_restrictions: {ios: {block_policy: less-than-version}}}",
            "`block_policy: less-than-version` needs `block_version`",
            "add `block_version`",
        ),
        (
            "operating_systems",
            "{os_restrictions: {ios: {block_policy: end-of-life, block_version: \"1\"}}}",
            "`block_version` has no effect unless `block_policy` is `less-than-version`",
            "",
        ),
        (
            "operating_systems",
            "{os_restrictions: {ios: {block_policy: less-than-version, block_version: \"\"}}}",
            "`block_version` must not be empty",
            "",
        ),
        (
            "operating_systems",
            "{os_restrictions: {ios: {warn_remediation_days: 15}}}",
            "`warn_remediation_days` must be one of 0, 14, 30, 60, 90, 180, 365",
            "",
        ),
        (
            "duo_mobile_app",
            "{block_version: \"1\"}",
            "`block_version` has no effect unless `block_policy` is `less-than-version`",
            "",
        ),
        (
            "authorized_networks",
            "{no_2fa_required: {ip_list: [office]}}",
            "an item of `ip_list` is not an address, a range or a CIDR block",
            "",
        ),
        (
            "authorized_networks",
            "{no_2fa_required: {require_enrollment: false}}",
            "`require_enrollment` has no effect unless `ip_list` has an entry",
            "",
        ),
        (
            "authorized_networks",
            "{deny_other_access: true, mfa_required: {ip_list: []}}",
            "`deny_other_access` has no effect unless `no_2fa_required.ip_list` or `mfa_required.ip_list` has an entry",
            "",
        ),
        (
            "remembered_devices",
            "{browser: {user_based: 366d}}",
            "`user_based` must be from 1h to 8760h, or from 1d to 365d",
            "e.g. `12h`",
        ),
        (
            "remembered_devices",
            "{windows_logon: 12m}",
            "`windows_logon` must be a number of hours or days",
            "or `off`",
        ),
        (
            "remembered_devices",
            "{windows_logon: {enabled: false, max_time: 30d}}",
            "`max_time` has no effect unless `enabled` is true",
            "",
        ),
        (
            "remembered_devices",
            "{windows_logon: {max_time_units: days}}",
            "`max_time_units` is the name in Duo's API",
            "write `max_time`",
        ),
        (
            "remembered_devices",
            "{browser: {user_based: 12h, risk_based: 30d}}",
            "`risk_based` has no effect unless `enabled` is true and `remember_method` is `risk-based`",
            "",
        ),
        (
            "remembered_devices",
            "{browser_apps: off}",
            "`browser_apps` is the name in Duo's API",
            "write `browser`",
        ),
        ("remembered_devices", "{browser: 12}", long, ""),
        (
            "trusted_endpoints",
            "{trusted_endpoint_checking_mobile: allow-all}",
            "`trusted_endpoint_checking_mobile` needs `trusted_endpoint_checking`",
            "",
        ),
        (
            "trusted_endpoints",
            "{trusted_endpoint_message: x}",
            "the section `trusted_endpoints` has no key `trusted_endpoint_message`",
            "",
        ),
    ] {
        let found = findings(section, yaml);
        let shown: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(shown, [message], "{section}: {yaml}");
        let given = found[0].help.clone().unwrap();
        assert!(given.contains(help), "{section}: {yaml}: {given}");
    }
}

#[test]
fn what_has_no_effect_but_duo_keeps_is_accepted() {
    for (section, yaml) in [
        ("authentication_methods", "{require_verified_push: false, verified_push_digits: 6}"),
        (
            "authorized_networks",
            "{no_2fa_required: {ip_list: [], require_enrollment: true}, deny_other_access: false}",
        ),
        ("browsers", "{browser_max_ood_days: 30}"),
        ("browsers", "{blocked_browsers_list: [ie]}"),
        ("operating_systems", "{block_os_list: [ios]}"),
    ] {
        assert_eq!(findings(section, yaml), [], "{section}: {yaml}");
    }
}

#[test]
fn raw_is_only_for_what_cannot_be_written_otherwise() {
    let check = |yaml: &str| {
        let mut found = Vec::new();
        let Data::Mapping(entries) = yaml::parse(0, yaml, &mut found).unwrap().data else { panic!("{yaml}") };
        check::object(&entries, &GLOBAL_POLICY, HERE, &mut found);
        found.into_iter().map(|one| (one.message, one.help.unwrap_or_default())).collect::<Vec<_>>()
    };
    for valid in [
        "{raw: {brand_new: {a: null, b: [1, {c: d}]}}}",
        "{raw: {new_user: {new_user_behavior: ask}}}",
        "{raw: {device_health_app: {requires_DHA: []}}}",
        "{raw: {brand_new: {}}, new_user: deny}",
    ] {
        assert_eq!(check(valid), [], "{valid}");
    }
    let known = check("{raw: {new_user: {new_user_behavior: deny}}}");
    assert_eq!(known[0].0, "duoctl knows everything in `new_user`, so `raw` is not needed");
    assert_eq!(known[0].1, "write `new_user: deny` outside `raw`");
    assert_eq!(check("{raw: {ignore: {a: 1}}}")[0].0, "`ignore` is not a section");
    let twice = check("{raw: {new_user: {new_user_behavior: ask}}, new_user: deny}");
    assert_eq!(twice[0].0, "`new_user` is also set outside `raw`");
}
