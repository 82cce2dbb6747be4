//! Policies by hand: what a section accepts and contains, what a policy applies to, and which one decides (policies.md).

use duoctl::duo::policy::{self, Edition, Shape};
use duoctl::sandbox::call::Reply;
use serde_json::{Map, Value, json};

use super::hand::{At, Done, Expected, Refused, Request, Sandbox, delete, get, post, put};

pub(crate) const POLICIES: &str = "/admin/v2/policies";

/// A sandbox with these switches and an empty policy; its path.
pub(crate) async fn with_policy(switches: &[&str]) -> (Sandbox, String) {
    let sandbox = Sandbox::with(switches).await;
    let key = sandbox.running.account().add_policy("Strict").unwrap();
    (sandbox, format!("{POLICIES}/{key}"))
}

pub(crate) fn write(path: &str, sections: Value) -> Request {
    put(path, json!({"sections": sections}))
}

/// A write of one section, and the section in the answer.
fn section(path: &str, name: &str, fields: Value, expected: Value) -> (Request, Expected) {
    (write(path, json!({name: fields})), At(format!("/response/sections/{name}").leak(), expected))
}

/// The values that a field accepts, and some that it does not.
fn values(shape: Shape) -> (Vec<Value>, Vec<Value>) {
    let every = |names: &[&str]| names.iter().map(|name| json!(name)).collect::<Vec<_>>();
    match shape {
        Shape::Bool => (vec![json!(true), json!(false)], vec![json!("true"), json!(1), Value::Null]),
        Shape::Integer { min, max } => {
            (vec![json!(min), json!(max)], vec![json!(min - 1), json!(max + 1), json!(min.to_string())])
        }
        Shape::OneOf(numbers) => {
            (numbers.iter().map(|number| json!(number)).collect(), vec![json!(1), json!("30"), json!(-1)])
        }
        Shape::PanelDays => (vec![json!(30)], vec![json!(31), json!("30")]),
        Shape::Enum(names) => (every(names), vec![json!("none-of-them"), json!(true), json!([])]),
        Shape::Set(names) => (
            vec![json!([]), json!(names), json!([names[0]])],
            vec![json!(["none-of-them"]), json!(names[0]), json!({})],
        ),
        Shape::Tokens => {
            (vec![json!(["cisco-amp", "any-other"])], vec![json!("cisco-amp"), json!([""]), json!([1])])
        }
        Shape::Networks => (
            vec![json!(["192.0.2.0/24", "192.0.2.1", "198.51.100.1-198.51.100.9", "2001:db8::/32"])],
            vec![json!(["192.0.2"]), json!("192.0.2.1"), json!(["192.0.2.9-192.0.2.1"])],
        ),
        Shape::Countries => (vec![json!(["DE", "FR"])], vec![json!(["de"]), json!(["UK"]), json!("DE")]),
        Shape::Text => (vec![json!(""), json!("any text")], vec![json!(1), Value::Null]),
        Shape::Version => (vec![json!(""), json!("3.8.0")], vec![json!("three"), json!(3)]),
        Shape::Unit => (vec![json!("hours"), json!("days")], vec![json!("weeks"), json!(1)]),
        Shape::Amount => (vec![json!(1), json!(365)], vec![json!(0), json!("12"), json!(9000)]),
        Shape::Object(_) | Shape::Branches(_) | Shape::Optional(_) => (Vec::new(), Vec::new()),
    }
}

/// What has to be sent with a field so that it has an effect.
fn beside(section: &str, path: &str, value: &Value) -> Value {
    let mut sent = json!({});
    match (section, path) {
        ("authentication_methods", "allowed_auth_list") => sent = json!({"blocked_auth_list": []}),
        ("authorized_networks", "no_2fa_required.require_enrollment" | "deny_other_access") => {
            sent = json!({"no_2fa_required": {"ip_list": ["192.0.2.1"]}});
        }
        ("remembered_devices", path)
            if path.starts_with("browser_apps") && path != "browser_apps.enabled" =>
        {
            let method = if path.contains("risk") { "risk-based" } else { "user-based" };
            sent = json!({"browser_apps": {"enabled": true, "remember_method": method}});
        }
        ("remembered_devices", path) if path != "windows_logon.enabled" && path.starts_with("windows") => {
            sent = json!({"windows_logon": {"enabled": true}});
        }
        _ => {}
    }
    let mut place = &mut sent;
    for part in path.split('.') {
        place = &mut place[part];
    }
    *place = value.clone();
    if *value == json!("less-than-version") {
        let version = path.replace("_policy", "_version");
        let mut place = &mut sent;
        for part in version.split('.') {
            place = &mut place[part];
        }
        *place = json!("14.1");
    }
    sent
}

#[tokio::test]
async fn every_field_accepts_its_values_and_refuses_others_with_its_path() {
    let sandbox = Sandbox::new().await;
    let mut wrong = Vec::new();
    for section in policy::sections().iter().filter(|section| section.replaced_by.is_none()) {
        for leaf in section.leaves() {
            let field = leaf.field().unwrap();
            if field.replaced_by.is_some() || field.risk == policy::Risk::ReadOnly {
                continue;
            }
            let path = format!("/sections/{}/{}", section.name, leaf.path.replace('.', "/"));
            let (good, bad) = values(field.shape);
            assert!(!good.is_empty() && !bad.is_empty(), "{path}");
            let mut account = sandbox.running.account();
            let mut create = |value: &Value| {
                let body = json!({"policy_name": "x", "sections": {section.name: beside(section.name, &leaf.path, value)}});
                account.as_administrator("POST", POLICIES, body.as_object().unwrap().clone())
            };
            for value in good {
                match create(&value) {
                    // Duo sorts lists and empties a version that no rule uses.
                    Reply::Ok(made)
                        if field.shape == Shape::Version || made.pointer(&path) == Some(&value) => {}
                    Reply::Ok(made)
                        if value.is_array()
                            && made.pointer(&path).is_some_and(|shown| same(shown, &value)) => {}
                    other => wrong.push(format!("{path} = {value}: {other:?}")),
                }
            }
            let detail = format!("sections.{}.{}", section.name, leaf.path);
            for value in bad {
                match create(&value) {
                    Reply::Fail { code: 40002, detail: Some(found), .. } if found == detail => {}
                    other => wrong.push(format!("{path} = {value}: {other:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether two lists have the same items.
fn same(left: &Value, right: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut items: Vec<String> = value.as_array().unwrap().iter().map(Value::to_string).collect();
        items.sort();
        items
    };
    sorted(left) == sorted(right)
}

#[tokio::test]
async fn a_blank_section_has_duos_defaults() {
    let (sandbox, path) = with_policy(&[]).await;
    for known in policy::sections().iter().filter(|section| section.replaced_by.is_none()) {
        let answer = sandbox.send(&write(&path, json!({known.name: {}}))).await.json();
        let shown =
            answer["response"]["sections"][known.name].as_object().unwrap_or_else(|| panic!("{answer}"));
        for (name, value) in known.defaults(Edition::Advantage) {
            // An account that manages devices shows what a recorded policy has.
            if known.name != "trusted_endpoints" {
                assert_eq!(shown.get(&name), Some(&value), "{}.{name}", known.name);
            }
        }
    }
    let (request, expected) = section(
        &path,
        "remembered_devices",
        json!({}),
        json!({"browser_apps": {"enabled": false}, "windows_logon": {"enabled": false}}),
    );
    sandbox.answers(&[("disabled branches are hidden", request, expected)]).await;
}

#[tokio::test]
async fn a_write_changes_only_the_fields_that_it_sends() {
    let (sandbox, path) = with_policy(&[]).await;
    let first = json!({"require_verified_push": false, "blocked_auth_list": ["sms", "desktop"]});
    sandbox.answers(&[("a new section", write(&path, json!({"authentication_methods": first})), Done)]).await;
    let answer =
        sandbox.send(&write(&path, json!({"authentication_methods": {"verified_push_digits": 5}}))).await;
    let shown = &answer.json()["response"]["sections"]["authentication_methods"];
    assert_eq!(shown["require_verified_push"], false);
    assert_eq!(shown["verified_push_digits"], 5);
    // Sorted; what is no longer blocked is allowed.
    assert_eq!(shown["blocked_auth_list"], json!(["desktop", "sms"]));
    let allowed = shown["allowed_auth_list"].as_array().unwrap();
    assert!(allowed.contains(&json!("phonecall")) && !allowed.contains(&json!("sms")), "{allowed:?}");
}

#[tokio::test]
async fn sections_that_are_no_sections_are_refused_and_nothing_is_nothing() {
    let (sandbox, path) = with_policy(&[]).await;
    let global = format!("{POLICIES}/global");
    let keep = json!({"is_global_policy": true, "policy_key": "x", "policies_to_update": 1, "policy_name": "Strict"});
    let refused = |detail| Refused(40002, Some(detail));
    sandbox
        .answers(&[
            ("an empty text", write(&path, json!("")), Done),
            ("null", write(&path, Value::Null), Done),
            ("a list", write(&path, json!([])), refused("sections")),
            ("a text", write(&path, json!("new_user")), refused("sections")),
            ("unknown", write(&path, json!({"nonsense": {}})), refused("sections.nonsense")),
            ("null for a section", write(&path, json!({"new_user": null})), refused("sections.new_user")),
            ("a text for a section", write(&path, json!({"new_user": "deny"})), refused("sections.new_user")),
            ("an unknown field", write(&path, json!({"new_user": {"x": 1}})), refused("sections.new_user.x")),
            ("what Duo ignores", put(&path, keep), At("/response/is_global_policy", json!(false))),
            (
                "Duo's own text",
                write(&path, json!({"trusted_endpoints": {"trusted_endpoint_message": "x"}})),
                At("/response/sections/trusted_endpoints/trusted_endpoint_message", Value::Null),
            ),
            (
                "a removed section",
                put(&path, json!({"sections_to_delete": ["trusted_endpoints"]})),
                At("/response/sections", json!({})),
            ),
            (
                "unknown to remove",
                put(&path, json!({"sections_to_delete": ["x"]})),
                refused("sections_to_delete"),
            ),
            (
                "of the global policy",
                put(&global, json!({"sections_to_delete": ["new_user"]})),
                refused("sections_to_delete"),
            ),
            ("the global policy", delete(&global), refused("policy_key")),
            (
                "the global policy by its alias",
                write(&global, json!({"new_user": {"new_user_behavior": "deny"}})),
                At("/response/sections/new_user/new_user_behavior", json!("deny")),
            ),
            (
                "the former name",
                write(&path, json!({"device_health_app": {"requires_DHA": ["macos"]}})),
                At("/response/sections/duo_desktop/requires_duo_desktop", json!(["macos"])),
            ),
        ])
        .await;
}

#[tokio::test]
async fn fields_agree_with_each_other() {
    let (sandbox, path) = with_policy(&[]).await;
    let lists =
        |a: &str, b: &str| json!({"browsers": {"allowed_browsers_list": [a], "blocked_browsers_list": [b]}});
    let ios = |rule: Value| json!({"operating_systems": {"os_restrictions": {"ios": rule}}});
    let web = |apps: Value| json!({"remembered_devices": {"browser_apps": apps}});
    let days = |unit: &str, value: i64| {
        web(
            json!({"enabled": true, "remember_method": "user-based", "user_based": {"max_time_units": unit, "max_time_value": value}}),
        )
    };
    let refused = |detail| Refused(40002, Some(detail));
    const IOS: &str = "/response/sections/operating_systems/os_restrictions/ios";
    const APPS: &str = "/response/sections/remembered_devices/browser_apps";
    sandbox
        .answers(&[
            ("enrolment without networks", write(&path, json!({"authorized_networks": {"no_2fa_required": {"require_enrollment": false}}})), refused("sections.authorized_networks.no_2fa_required.require_enrollment")),
            ("denial without networks", write(&path, json!({"authorized_networks": {"deny_other_access": true}})), refused("sections.authorized_networks.deny_other_access")),
            ("denial with networks", write(&path, json!({"authorized_networks": {"deny_other_access": true, "mfa_required": {"ip_list": ["192.0.2.1"]}}})), At("/response/sections/authorized_networks/deny_other_access", json!(true))),
            ("the networks are gone", write(&path, json!({"authorized_networks": {"mfa_required": {"ip_list": []}}})), At("/response/sections/authorized_networks/deny_other_access", json!(false))),
            ("a browser in two lists", write(&path, lists("ie", "ie")), refused("sections.browsers.blocked_browsers_list")),
            ("a browser in each list", write(&path, lists("edge", "ie")), At("/response/sections/browsers/allowed_browsers_list", json!(["edge"]))),
            ("the other list gives way", write(&path, json!({"browsers": {"blocked_browsers_list": ["edge"]}})), At("/response/sections/browsers/allowed_browsers_list", json!(["ie"]))),
            ("a version is missing", write(&path, ios(json!({"block_policy": "less-than-version"}))), refused("sections.operating_systems.os_restrictions.ios.block_version")),
            ("a version that Duo fills in", write(&path, ios(json!({"block_policy": "less-than-latest"}))), At(IOS, json!({"block_policy": "less-than-latest", "block_remediation_days": 0, "block_version": "26.1", "warn_policy": "no-remediation", "warn_remediation_days": 0, "warn_version": ""}))),
            ("a system with a rule is in no list", get(&path), At("/response/sections/operating_systems/allow_unrestricted_os_list", json!(["android", "blackberry", "chromeos", "linux", "macos", "unknownos", "windows", "windowsphone"]))),
            ("a list ends the rule", write(&path, json!({"operating_systems": {"allow_unrestricted_os_list": ["ios"]}})), At(IOS, Value::Null)),
            ("both", write(&path, json!({"operating_systems": {"block_os_list": ["ios"], "os_restrictions": {"ios": {}}}})), refused("sections.operating_systems.os_restrictions.ios")),
            ("more than a year", write(&path, days("days", 366)), refused("sections.remembered_devices.browser_apps.user_based.max_time_value")),
            ("a year in hours", write(&path, days("hours", 8760)), At(&format!("{APPS}/user_based/max_time_value").leak()[..], json!(8760))),
            ("the other branch is hidden", get(&path), At(&format!("{APPS}/risk_based").leak()[..], Value::Null)),
            ("switched off, it hides all", write(&path, web(json!({"enabled": false, "remember_method": "user-based"}))), At(APPS, json!({"enabled": false}))),
            ("a country in two lists", write(&path, json!({"user_location": {"deny_access_countries_list": ["DE"], "require_mfa_countries_list": ["FR", "DE"]}})), refused("sections.user_location.deny_access_countries_list")),
            ("the phone follows", write(&path, json!({"trusted_endpoints": {"trusted_endpoint_checking": "require-trusted"}})), At("/response/sections/trusted_endpoints/trusted_endpoint_checking_mobile", json!("require-trusted"))),
        ])
        .await;
}

#[tokio::test]
async fn trusted_endpoints_wait_for_a_device_management() {
    let (sandbox, path) = with_policy(&[]).await;
    sandbox.running.account().manage_devices(false).unwrap();
    let checking =
        || write(&path, json!({"trusted_endpoints": {"trusted_endpoint_checking": "require-trusted"}}));
    const AT: &str = "/response/sections/trusted_endpoints/trusted_endpoint_checking";
    sandbox
        .answers(&[
            ("it is stuck", checking(), At(AT, json!("not-configured"))),
            ("so is the global policy", get(&format!("{POLICIES}/global")), At(AT, json!("not-configured"))),
        ])
        .await;
    let shown = sandbox.send(&get(&path)).await.json();
    assert!(
        shown["response"]["sections"]["trusted_endpoints"]["trusted_endpoint_message"].is_string(),
        "{shown}"
    );
    sandbox.running.account().manage_devices(true).unwrap();
    sandbox
        .answers(&[
            ("the write had no effect", get(&path), At(AT, json!("allow-all"))),
            ("now", checking(), At(AT, json!("require-trusted"))),
        ])
        .await;
}

#[tokio::test]
async fn the_global_policy_has_every_section_of_the_edition() {
    for (switches, edition) in [(&[][..], Edition::Advantage), (&["essentials"], Edition::Essentials)] {
        let sandbox = Sandbox::with(switches).await;
        let answer = sandbox.send(&get(&format!("{POLICIES}/global"))).await.json();
        let shown = answer["response"]["sections"].as_object().unwrap();
        let known = policy::sections().iter();
        let known = known.filter(|section| section.edition <= edition && section.replaced_by.is_none());
        let mut names: Vec<&str> = known.map(|section| section.name).collect();
        assert_eq!(names.len(), if edition == Edition::Essentials { 7 } else { 19 });
        names.sort_unstable();
        assert_eq!(shown.keys().map(String::as_str).collect::<Vec<_>>(), names);
        assert_eq!(shown["duo_desktop"].get("enforce_firewall").is_some(), edition == Edition::Advantage);
        // What it shows can be sent back.
        let body = json!({"sections": Value::Object(shown.clone())});
        sandbox
            .answers(&[(
                "sent back",
                put(&format!("{POLICIES}/global"), body),
                At("/response/sections", answer["response"]["sections"].clone()),
            )])
            .await;
    }
}

#[tokio::test]
async fn several_policies_change_together_or_not_at_all() {
    let (sandbox, path) = with_policy(&[]).await;
    let key = path.rsplit('/').next().unwrap().to_owned();
    let bulk = |selection: Value, changes: Value| {
        put(
            &format!("{POLICIES}/update"),
            json!({"policies_to_update": selection, "policy_changes": changes}),
        )
    };
    let lock = json!({"sections": {"screen_lock": {"require_screen_lock": false}}});
    sandbox
        .answers(&[
            (
                "one",
                bulk(json!({"edit_all_policies": false, "edit_list": [key]}), lock.clone()),
                At("/response/policies/0/policy_key", json!(key)),
            ),
            (
                "as in the official example",
                bulk(
                    json!({"edit_all_policies": false, "edit_list": [key]}),
                    json!({"sections": "", "sections_to_delete": ["screen_lock"]}),
                ),
                At("/response/policies/0/sections", json!({})),
            ),
            (
                "an unknown one",
                bulk(json!({"edit_all_policies": false, "edit_list": ["POX"]}), lock.clone()),
                Refused(40002, Some("edit_list")),
            ),
            (
                "all, and the global one refuses",
                bulk(
                    json!({"edit_list": [key]}),
                    json!({"sections": {"screen_lock": {}}, "sections_to_delete": ["plugins"]}),
                ),
                Refused(40002, Some("sections_to_delete")),
            ),
            ("nothing changed", get(&path), At("/response/sections", json!({}))),
            (
                "all, unless the call says otherwise",
                bulk(json!({"edit_list": [key]}), lock.clone()),
                At("/response/policies/6/sections/screen_lock/require_screen_lock", json!(false)),
            ),
            (
                "also the global one",
                get(&format!("{POLICIES}/global")),
                At("/response/sections/screen_lock/require_screen_lock", json!(false)),
            ),
            (
                "copies",
                post(
                    &format!("{POLICIES}/copy"),
                    json!({"policy_key": key, "new_policy_names_list": ["a", "b"]}),
                ),
                At("/response/policies/1/policy_name", json!("b")),
            ),
        ])
        .await;
}

/// Of every policy, in the account as it is delivered.
#[tokio::test]
async fn what_the_sandbox_shows_it_takes_back_unchanged() {
    let sandbox = Sandbox::new().await;
    let listed = sandbox.send(&get(POLICIES)).await.json()["response"].clone();
    for policy in listed.as_array().unwrap() {
        let path = format!("{POLICIES}/{}", policy["policy_key"].as_str().unwrap());
        let body: Map<String, Value> = Map::from_iter([("sections".to_owned(), policy["sections"].clone())]);
        let shown =
            sandbox.send(&put(&path, Value::Object(body))).await.json()["response"]["sections"].clone();
        for (name, fields) in policy["sections"].as_object().unwrap() {
            for (field, value) in fields.as_object().unwrap() {
                assert_eq!(&shown[name][field], value, "{}: {name}.{field}", policy["policy_name"]);
            }
        }
    }
}
