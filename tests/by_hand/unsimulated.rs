//! Calls that are not simulated answer 501, and no others do.

use duoctl::sandbox::unsimulated::UNSIMULATED;
use serde_json::json;

use super::hand::{NotSimulated, Refused, Request, Sandbox, delete, get, post, put};

/// A key that an API accepts.
fn key_for(sandbox: &Sandbox, path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap() {
        "admin" => "operator",
        "auth" => "auth",
        "accounts" => sandbox.place("accountsapi").leak(),
        _ => sandbox.place("radius").leak(),
    }
}

fn request(method: &str, path: &str) -> Request {
    match method {
        "POST" => post(path, json!({})),
        "PUT" => put(path, json!({})),
        "DELETE" => delete(path),
        _ => get(path),
    }
}

#[tokio::test]
async fn every_row_answers_with_a_plain_text() {
    let sandbox = Sandbox::new().await;
    for row in UNSIMULATED {
        let path = row.path.replace("{}", "ID").replace("/**", "");
        let deeper = row.path.replace("{}", "ID").replace("**", "ID/more");
        let key = key_for(&sandbox, &path);
        for method in row.methods.replace('*', "GET POST PUT DELETE").split(' ') {
            for path in [&path, &deeper] {
                let asked = request(method, path).key(key);
                sandbox.answers(&[(row.path, asked.clone(), NotSimulated)]).await;
                let text = sandbox.send(&asked).await.text;
                assert!(text.contains(row.what) && text.contains(path.as_str()), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_verified_first_and_an_unknown_path_is_not_found() {
    let sandbox = Sandbox::new().await;
    let codes = || get("/admin/v1/bypass_codes");
    sandbox
        .answers(&[
            ("unsigned", codes().unsigned(), Refused(40101, None)),
            ("with a wrong secret", codes().secret("x"), Refused(40103, None)),
            ("with a key of another kind", codes().key("auth"), Refused(40102, None)),
            ("a path that Duo does not have", get("/admin/v1/nonsense"), Refused(40401, None)),
            ("a wrong verb", put("/admin/v1/groups", json!({})), Refused(40501, None)),
        ])
        .await;
}

/// Every read-only call of duo_client 5.7.0, with the ids of seeded objects: none of them looks like a missing object.
#[tokio::test]
async fn every_reading_call_of_the_official_client_is_answered_or_named() {
    let sandbox = Sandbox::new().await;
    for path in [
        "/admin/v1/administrative_units",
        "/admin/v1/admins",
        "/admin/v1/admins/activations",
        "/admin/v1/admins/allowed_auth_methods",
        "/admin/v1/admins/password_mgmt",
        "/admin/v1/billing/edition",
        "/admin/v1/billing/telephony_credits",
        "/admin/v1/bypass_codes",
        "/admin/v1/desktoptokens",
        "/admin/v1/endpoints",
        "/admin/v1/groups",
        "/admin/v1/info/authentication_attempts",
        "/admin/v1/info/summary",
        "/admin/v1/info/telephony_credits_used",
        "/admin/v1/info/user_authentication_attempts",
        "/admin/v1/logo",
        "/admin/v1/logs/administrator",
        "/admin/v1/logs/authentication",
        "/admin/v1/logs/offline_enrollment",
        "/admin/v1/logs/telephony",
        "/admin/v1/phones",
        "/admin/v1/registered_devices",
        "/admin/v1/settings",
        "/admin/v1/tokens",
        "/admin/v1/u2ftokens",
        "/admin/v1/users",
        "/admin/v1/webauthncredentials",
        "/admin/v2/passport/config",
        "/admin/v2/policies",
        "/admin/v2/policies/summary",
        "/admin/v3/integrations",
    ] {
        let answer = sandbox.send(&get(path)).await;
        assert!([200, 501].contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    }
}
