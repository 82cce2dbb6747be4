//! Applications: which create and modify calls are refused, and what has no effect.

use serde_json::{Value, json};

use super::hand::{At, Done, NotSimulated, Refused, Request, Sandbox, delete, get, post};

const LIST: &str = "/admin/v3/integrations";

fn create(properties: Value) -> Request {
    let mut body = json!({"name": "x", "type": "rdp", "user_access": "NO_USERS"});
    body.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    post(LIST, body)
}

fn named(length: usize) -> Request {
    create(json!({"name": "n".repeat(length)}))
}

fn noted(length: usize) -> Request {
    create(json!({"notes": "é".repeat(length)}))
}

fn greeted(length: usize) -> Request {
    create(json!({"greeting": "g".repeat(length)}))
}

fn invalid(detail: &'static str) -> super::hand::Expected {
    Refused(40002, Some(detail))
}

#[tokio::test]
async fn texts_have_limits() {
    Sandbox::new()
        .await
        .answers(&[
            ("a long name", named(255), Done),
            ("a longer name", named(256), invalid("name")),
            ("long notes", noted(512), Done),
            ("longer notes", noted(513), invalid("notes")),
            ("a long greeting", greeted(255), Done),
            ("a longer greeting", greeted(256), invalid("greeting")),
            ("no name", create(json!({"name": ""})), invalid("name")),
            ("a name of blanks", create(json!({"name": "   "})), invalid("name")),
            ("a name with a line break", create(json!({"name": "a\nb"})), invalid("name")),
            ("a name with a control character", create(json!({"name": "a\u{7}b"})), invalid("name")),
            ("a name with a control character of C1", create(json!({"name": "a\u{9f}b"})), invalid("name")),
            ("a name that is no text", create(json!({"name": 7})), invalid("name")),
            ("a name with everything else", create(json!({"name": " é 🔥 <b> "})), Done),
            ("notes in lines", create(json!({"notes": "a\n\tb\r\n"})), Done),
            ("notes with a bell", create(json!({"notes": "a\u{7}"})), invalid("notes")),
            ("a greeting with a null", create(json!({"greeting": "a\0"})), invalid("greeting")),
        ])
        .await;
    Sandbox::with(&["short-notes", "short-names"])
        .await
        .answers(&[
            ("a short name", named(100), Done),
            ("a name", named(101), invalid("name")),
            ("a greeting", greeted(101), invalid("greeting")),
            ("short notes", noted(255), Done),
            ("notes", noted(256), invalid("notes")),
        ])
        .await;
    Sandbox::with(&["limit-notes=off", "limit-names=off", "plain-texts=off"])
        .await
        .answers(&[
            ("a very long name", named(5000), Done),
            ("very long notes", noted(5000), Done),
            ("a name of blanks", create(json!({"name": "   "})), Done),
            ("a bell", create(json!({"name": "a\u{7}b"})), Done),
        ])
        .await;
}

#[tokio::test]
async fn a_policy_is_not_attached_on_creation() {
    for (switches, attached) in [(&[][..], false), (&["policy-on-create"][..], true)] {
        let sandbox = Sandbox::with(switches).await;
        let key = sandbox.running.account().add_policy("Strict").unwrap();
        let made = sandbox.send(&create(json!({"policy_key": key}))).await.json();
        assert_eq!(made["response"].get("policy_key").is_some(), attached, "{switches:?}");
        let path = format!("{LIST}/{}", made["response"]["integration_key"].as_str().unwrap());
        sandbox
            .answers(&[
                ("later", post(&path, json!({"policy_key": key})), At("/response/policy_key", json!(key))),
                ("detached", post(&path, json!({"policy_key": ""})), At("/response/policy_key", Value::Null)),
                ("unknown", post(&path, json!({"policy_key": "PO0"})), invalid("policy_key")),
            ])
            .await;
    }
}

#[tokio::test]
async fn an_application_leaves_itself_alone() {
    for (switches, refused) in
        [(&[][..], invalid("integration_key")), (&["forbid-self-change"], Refused(40301, None))]
    {
        let sandbox = Sandbox::with(switches).await;
        let own = format!("{LIST}/{}", sandbox.running.account().key("operator").unwrap().integration_key);
        let other = sandbox.place("adminapi");
        let network = json!({"networks_for_api_access": "192.0.2.0/24"});
        sandbox
            .answers(&[
                ("its own networks", post(&own, network.clone()), refused.clone()),
                ("none for itself", post(&own, json!({"networks_for_api_access": ""})), refused.clone()),
                ("another's networks", post(&format!("{LIST}/{other}"), network.clone()), Done),
                ("its own key", post(&own, json!({"reset_secret_key": "1"})), refused.clone()),
                ("itself", delete(&own), refused),
                ("its own notes", post(&own, json!({"notes": "x"})), Done),
            ])
            .await;
    }
    let sandbox = Sandbox::with(&["self-networks"]).await;
    let own = format!("{LIST}/{}", sandbox.running.account().key("operator").unwrap().integration_key);
    let network = json!({"networks_for_api_access": "192.0.2.0/24"});
    sandbox
        .answers(&[
            ("its own networks", post(&own, network), Done),
            ("and then nothing more", get(LIST), Refused(40301, None)),
        ])
        .await;
}

#[tokio::test]
async fn a_secret_key_is_reset_by_a_one() {
    let sandbox = Sandbox::new().await;
    let ikey = sandbox.place("rdp");
    let path = format!("{LIST}/{ikey}");
    let skey = get(&format!("/admin/v1/integrations/{ikey}/skey"));
    for (value, resets) in [
        (json!("0"), false),
        (json!(0), false),
        (json!(false), false),
        (json!("false"), false),
        (Value::Null, false),
        (json!(""), false),
        (json!("1"), true),
        (json!(1), true),
    ] {
        let before = sandbox.send(&skey).await.text;
        let answer = sandbox.send(&post(&path, json!({"reset_secret_key": value}))).await;
        assert_eq!(answer.status, 200, "{value}");
        assert_eq!(before != sandbox.send(&skey).await.text, resets, "{value}");
    }
    for value in [json!(true), json!("yes"), json!(2), json!([1])] {
        let refused = invalid("reset_secret_key");
        sandbox.answers(&[("neither", post(&path, json!({"reset_secret_key": value})), refused)]).await;
    }
}

#[tokio::test]
async fn reading_takes_a_permission_of_its_own() {
    for (switches, expected) in [(&[][..], Refused(40301, None)), (&["applications-read"], Done)] {
        let sandbox = Sandbox::with(switches).await;
        let stored = json!({"kind": "adminapi", "name": "writer", "permissions": ["adminapi_integrations"]});
        let writer = sandbox.running.account().place_application(&stored).unwrap();
        let key: &'static str = writer.leak();
        sandbox
            .answers(&[
                ("the list", get(LIST).key(key), expected),
                ("creating", create(json!({})).key(key), Done),
            ])
            .await;
    }
}

#[tokio::test]
async fn a_permission_may_be_looked_at_after_the_object() {
    let absent = || format!("{LIST}/DI000000000000000000");
    for (switches, code) in [(&[][..], 40301), (&["existence-first"], 40401)] {
        Sandbox::with(switches)
            .await
            .answers(&[
                ("a write", post(&absent(), json!({"notes": ""})).key("plan-only"), Refused(code, None)),
                ("a removal", delete(&absent()).key("plan-only"), Refused(code, None)),
                ("a write with the permission", post(&absent(), json!({"notes": ""})), Refused(40401, None)),
            ])
            .await;
    }
}

#[tokio::test]
async fn a_type_may_be_refused_whatever_the_table_says() {
    Sandbox::with(&["refuse-type=rdp", "refuse-type=unix"])
        .await
        .answers(&[
            ("one", create(json!({})), invalid("type")),
            ("the other", create(json!({"type": "unix"})), invalid("type")),
            ("a third", create(json!({"type": "radius"})), Done),
        ])
        .await;
}

#[tokio::test]
async fn what_a_reading_shows_has_switches() {
    for (switch, pointer, expected) in [
        ("secret-mask=stars", "/response/secret_key", json!("*".repeat(40))),
        ("secret-mask=four-stars", "/response/secret_key", json!("****")),
        ("flags-everywhere=on", "/response/adminapi_info", json!(0)),
        ("flags-everywhere=off", "/response/adminapi_info", Value::Null),
        ("legacy-properties=on", "/response/trusted_device_days", json!(0)),
        ("legacy-properties=off", "/response/trusted_device_days", Value::Null),
    ] {
        let sandbox = Sandbox::with(&[switch]).await;
        let path = format!("{LIST}/{}", sandbox.place("rdp"));
        sandbox.answers(&[(switch, get(&path), At(pointer, expected))]).await;
    }
    let sandbox = Sandbox::new().await;
    let path = format!("{LIST}/{}", sandbox.place("rdp"));
    let shown = sandbox.send(&get(&path)).await.json()["response"]["secret_key"].clone();
    let shown = shown.as_str().unwrap().to_owned();
    assert!(shown.len() == 40 && shown.starts_with(&"*".repeat(36)) && !shown.ends_with('*'), "{shown}");
}

#[tokio::test]
async fn a_key_for_child_accounts_reaches_none() {
    let sandbox = Sandbox::new().await;
    let parent: &'static str = sandbox.place("accountsapi").leak();
    let child = sandbox
        .send(&post("/accounts/v1/account/create", json!({"name": "Branch"})).key(parent))
        .await
        .json();
    let id = child["response"]["account_id"].as_str().unwrap().to_owned();
    let host: &'static str = child["response"]["api_hostname"].as_str().unwrap().to_owned().leak();
    let list = format!("/admin/v1/groups?account_id={id}");
    sandbox
        .answers(&[
            ("a known child", get(&list).key(parent), NotSimulated),
            ("at its own host", get(&list).key(parent).host(host), NotSimulated),
            ("in the body", post(LIST, json!({"account_id": id})).key(parent), NotSimulated),
            ("an unknown child", get("/admin/v1/groups?account_id=DA0").key(parent), Refused(40301, None)),
            ("no child", get("/admin/v1/groups").key(parent), Refused(40102, None)),
            ("the operator at the child's host", get("/admin/v1/groups").host(host), Refused(40103, None)),
        ])
        .await;
}
