//! Groups, administrative units, settings, and the methods with which administrators log in (policies.md, sections 7 to 11).

use serde_json::{Value, json};

use super::hand::{At, Done, Refused, Request, Sandbox, delete, get, post};

const GROUPS: &str = "/admin/v1/groups";
const UNITS: &str = "/admin/v1/administrative_units";
const SETTINGS: &str = "/admin/v1/settings";
const METHODS: &str = "/admin/v1/admins/allowed_auth_methods";

#[tokio::test]
async fn groups_have_unique_names_and_one_of_three_states() {
    let sandbox = Sandbox::new().await;
    let id = sandbox.running.account().add_group("One").unwrap();
    let path = format!("{GROUPS}/{id}");
    sandbox
        .answers(&[
            (
                "in any case",
                post(&path, json!({"status": "BYPASS"})),
                At("/response/status", json!("Bypass")),
            ),
            ("unknown", post(&path, json!({"status": "paused"})), Refused(40002, Some("status"))),
            ("no name", post(GROUPS, json!({"desc": "x"})), Refused(40001, Some("name"))),
            ("a second one", post(GROUPS, json!({"name": "One"})), Refused(40003, None)),
            ("another name", post(GROUPS, json!({"name": "Two"})), At("/response/status", json!("Active"))),
            ("a taken name", post(&path, json!({"name": "Two"})), Refused(40003, None)),
            (
                "its own name",
                post(&path, json!({"name": "One", "desc": "d"})),
                At("/response/desc", json!("d")),
            ),
            ("deleted", delete(&path), Done),
            ("again", delete(&path), Done),
        ])
        .await;
}

#[tokio::test]
async fn units_are_unique_and_their_lists_only_add() {
    let sandbox = Sandbox::new().await;
    let groups = ["One", "Two"].map(|name| sandbox.running.account().add_group(name).unwrap());
    let admins = sandbox.send(&get("/admin/v1/admins")).await.json()["response"].clone();
    let admin = |role: &str| {
        let found = admins.as_array().unwrap().iter().find(|admin| admin["role"] == role).unwrap();
        found["admin_id"].as_str().unwrap().to_owned()
    };
    let unit = |name: &str| json!({"name": name, "description": "d"});
    let made = sandbox.send(&post(UNITS, unit("North"))).await.json();
    let id = made["response"]["admin_unit_id"].as_str().unwrap().to_owned();
    let path = format!("{UNITS}/{id}");
    let add = |property: &str, ids: Value| post(&path, json!({property: ids}));
    let refused = |detail| Refused(40002, Some(detail));
    sandbox
        .answers(&[
            ("no description", post(UNITS, json!({"name": "x"})), Refused(40001, Some("description"))),
            ("a second one", post(UNITS, unit("North")), Refused(40003, None)),
            ("another one", post(UNITS, unit("South")), Done),
            ("a taken name", post(&path, json!({"name": "South"})), Refused(40003, None)),
            ("one group", add("groups", json!([groups[0]])), At("/response/groups", json!([groups[0]]))),
            ("another one", add("groups", json!([groups[1]])), At("/response/groups", json!(groups))),
            ("none", add("groups", json!([])), At("/response/groups", json!(groups))),
            ("an unknown one", add("groups", json!(["DGX"])), refused("groups")),
            (
                "taken away",
                delete(&format!("{path}/group/{}", groups[0])),
                At("/response/groups", json!([groups[1]])),
            ),
            ("an Owner", add("admins", json!([admin("Owner")])), refused("admins")),
            ("one without restrictions", add("admins", json!([admin("Read-only")])), refused("admins")),
            (
                "the same by the other call",
                post(&format!("{path}/admin/{}", admin("Owner")), json!({})),
                refused("admins"),
            ),
            (
                "a restricted one",
                add("admins", json!([admin("Administrator")])),
                At("/response/admins", json!([admin("Administrator")])),
            ),
            (
                "a flag",
                post(&path, json!({"restrict_by_groups": "1"})),
                At("/response/restrict_by_groups", json!(true)),
            ),
            ("no flag", post(&path, json!({"restrict_by_groups": "yes"})), refused("restrict_by_groups")),
            (
                "by a group",
                get(&format!("{UNITS}?group_id={}", groups[1])),
                At("/response/0/name", json!("North")),
            ),
            (
                "by two filters",
                get(&format!("{UNITS}?group_id={}&admin_id={}", groups[1], admin("Administrator"))),
                refused("one filter at a time"),
            ),
        ])
        .await;
}

fn set(name: &str, value: Value) -> Request {
    post(SETTINGS, json!({name: value}))
}

#[tokio::test]
async fn settings_have_ranges() {
    let sandbox = Sandbox::new().await;
    let accepted = [
        ("lockout_threshold", json!("1"), json!(1)),
        ("lockout_threshold", json!(9999), json!(9999)),
        ("minimum_password_length", json!("12"), json!(12)),
        ("minimum_password_length", json!("100"), json!(100)),
        ("inactive_user_expiration", json!("30"), json!(30)),
        ("inactive_user_expiration", json!("0"), Value::Null),
        ("inactive_user_expiration", Value::Null, Value::Null),
        ("lockout_expire_duration", json!("30000"), json!(30_000)),
        ("lockout_expire_duration", json!("0"), Value::Null),
        ("log_retention_days", json!("180"), json!(180)),
        ("unenrolled_user_lockout_threshold", json!("0"), Value::Null),
        ("pending_deletion_days", json!("30"), json!(30)),
        ("helpdesk_bypass_expiration", json!("0"), Value::Null),
        ("helpdesk_message", json!("Call us"), json!("Call us")),
        ("language", json!("DE"), json!("DE")),
        ("sms_batch", json!("10"), json!(10)),
        ("sms_expiration", json!(""), Value::Null),
        ("sms_refresh", json!("1"), json!(1)),
        ("timezone", json!("Europe/Berlin"), json!("Europe/Berlin")),
        ("security_checkup_enabled", json!("0"), json!(false)),
        ("user_managers_can_put_users_in_bypass", json!("0"), json!(false)),
        ("helpdesk_can_send_enroll_email", json!("1"), json!(true)),
        ("push_activity_notification_enabled", json!("1"), json!(true)),
        // These have no effect.
        ("push_enabled", json!("1"), json!(false)),
        ("reactivation_url", json!("x"), json!("")),
    ];
    for (name, value, shown) in accepted {
        sandbox.answers(&[(name, set(name, value), At(format!("/response/{name}").leak(), shown))]).await;
    }
    for (name, values) in [
        ("lockout_threshold", vec!["0", "10000", "", "many"]),
        ("minimum_password_length", vec!["11", "101"]),
        ("inactive_user_expiration", vec!["29", "366"]),
        ("lockout_expire_duration", vec!["4", "30001"]),
        ("pending_deletion_days", vec!["0", "31"]),
        ("log_retention_days", vec!["-1"]),
        ("helpdesk_bypass", vec!["maybe", ""]),
        (
            "helpdesk_message",
            vec!["<b>", &"x".repeat(201)].into_iter().map(|text| &*String::from(text).leak()).collect(),
        ),
        ("language", vec!["en"]),
        ("sms_batch", vec!["0", "11"]),
        ("keypress_confirm", vec!["a", "12", ""]),
        ("fraud_email", vec!["nobody"]),
        ("timezone", vec!["Berlin", ""]),
        ("security_checkup_enabled", vec!["yes"]),
        ("name", vec![""]),
    ] {
        for value in values {
            sandbox.answers(&[(name, set(name, json!(value)), Refused(40002, Some(name)))]).await;
        }
    }
}

#[tokio::test]
async fn settings_depend_on_each_other() {
    let sandbox = Sandbox::new().await;
    let keys = |confirm: &str, fraud: &str| {
        post(SETTINGS, json!({"keypress_confirm": confirm, "keypress_fraud": fraud}))
    };
    sandbox
        .answers(&[
            ("nothing", post(SETTINGS, json!({})), Refused(40002, Some("no settings"))),
            ("nothing that exists", set("nonsense", json!("1")), Refused(40002, Some("no settings"))),
            ("one key", keys("#", ""), Refused(40002, Some("keypress_confirm"))),
            ("no key", keys("", ""), At("/response/keypress_fraud", json!(""))),
            (
                "a limit",
                set("helpdesk_bypass_expiration", json!("30")),
                At("/response/helpdesk_bypass_expiration", json!(30)),
            ),
            ("without limits", set("helpdesk_bypass", json!("allow")), Done),
            (
                "a limit",
                set("helpdesk_bypass_expiration", json!("30")),
                Refused(40002, Some("helpdesk_bypass_expiration")),
            ),
            (
                "no notices of fraud",
                set("fraud_email_enabled", json!("0")),
                At("/response/fraud_email", json!("")),
            ),
        ])
        .await;
}

#[tokio::test]
async fn administrators_keep_only_the_methods_that_a_call_allows() {
    let sandbox = Sandbox::new().await;
    let none = json!({
        "hardware_token_enabled": false, "mobile_otp_enabled": false, "push_enabled": true, "sms_enabled": false,
        "verified_push_enabled": true, "verified_push_length": 5, "voice_enabled": false, "webauthn_enabled": true,
        "yubikey_enabled": false,
    });
    sandbox
        .answers(&[
            ("before", get(METHODS), At("/response/yubikey_enabled", json!(true))),
            ("a reader", post(METHODS, json!({})).key("plan-only"), Refused(40301, None)),
            (
                "two of them",
                post(
                    METHODS,
                    json!({"push_enabled": "1", "verified_push_enabled": "1", "verified_push_length": 5}),
                ),
                At("/response", none.clone()),
            ),
            ("they are kept", get(METHODS), At("/response", none)),
            (
                "too many digits",
                post(METHODS, json!({"verified_push_enabled": "1", "verified_push_length": 9})),
                Refused(40002, Some("verified_push_length")),
            ),
            (
                "digits of nothing",
                post(METHODS, json!({"push_enabled": "1", "verified_push_length": 4})),
                Refused(40002, Some("verified_push_length")),
            ),
            ("no flag", post(METHODS, json!({"push_enabled": "yes"})), Refused(40002, Some("push_enabled"))),
            ("nothing", post(METHODS, json!({})), At("/response/push_enabled", json!(false))),
        ])
        .await;
}
