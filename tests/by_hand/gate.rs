//! Hosts, media types, signatures, the clock, and the headers of every reply.

use serde_json::json;

use super::hand::{At, Done, Refused, Sandbox, Version, delete, form, get, post, put};

const OWN: &str = "api-1a2b3c4d.duosecurity.com";
const GROUPS: &str = "/admin/v1/groups";
const V1: &str = "/admin/v1/integrations";
const V3: &str = "/admin/v3/integrations";

#[tokio::test]
async fn one_hostname_is_the_accounts() {
    let sandbox = Sandbox::new().await;
    assert_eq!(sandbox.running.api_hostname(), OWN);
    let bad = Refused(40103, None);
    sandbox
        .answers(&[
            ("its own name", get(GROUPS).host(OWN), Done),
            ("its own name, in capitals", get(GROUPS).host("API-1A2B3C4D.DUOSECURITY.COM"), Done),
            ("its own name with a port", get(GROUPS).host("api-1a2b3c4d.duosecurity.com:8443"), Done),
            ("localhost", get(GROUPS).host("localhost:8443"), Done),
            ("loopback", get(GROUPS).host("127.0.0.1:8443"), Done),
            ("loopback of version 6", get(GROUPS).host("[::1]:8443"), Done),
            ("another account", get(GROUPS).host("api-ffffffff.duosecurity.com"), bad.clone()),
            (
                "another account, written",
                post(V3, json!({})).host("api-ffffffff.duosecurity.com"),
                bad.clone(),
            ),
            ("the federal name", get(GROUPS).host("api-1a2b3c4d.duofederal.com"), bad.clone()),
            ("a foreign name", get(GROUPS).host("api.example.com"), bad.clone()),
            ("a longer name", get(GROUPS).host("api-1a2b3c4d.duosecurity.com.example.com"), bad.clone()),
            ("an address", get(GROUPS).host("192.0.2.1"), bad.clone()),
            ("unsigned, its own name", get("/auth/v2/ping").unsigned(), Done),
            (
                "unsigned, another account",
                get("/auth/v2/ping").unsigned().host("api-ffffffff.duosecurity.com"),
                bad,
            ),
        ])
        .await;
    let unknown = Refused(40102, None);
    Sandbox::with(&["foreign-host=40102"])
        .await
        .answers(&[
            ("its own name", get(GROUPS), Done),
            ("another account", get(GROUPS).host("api-ffffffff.duosecurity.com"), unknown),
        ])
        .await;
}

#[tokio::test]
async fn bodies_come_under_one_of_two_media_types() {
    let rdp = || json!({"name": "x", "type": "rdp", "user_access": "NO_USERS"});
    let table = |refused: super::hand::Expected| {
        vec![
            ("JSON", post(V3, rdp()), Done),
            ("JSON with a parameter", post(V3, rdp()).media("application/json; charset=utf-8"), Done),
            ("no media type", post(V3, rdp()).no_media(), refused.clone()),
            ("text", post(V3, rdp()).media("text/plain"), refused.clone()),
            ("a type that begins like it", post(V3, rdp()).media("application/jsonlines"), refused.clone()),
            ("a form on a path of version 3", form(V3, "name=x&type=rdp"), refused.clone()),
            (
                "a form on a path of version 2",
                form("/admin/v2/integrations", "name=x&type=rdp"),
                refused.clone(),
            ),
            ("a form for a policy", form("/admin/v2/policies", "policy_name=x"), refused.clone()),
            ("no media type on PUT", put("/admin/v2/policies/global", json!({})).no_media(), refused.clone()),
            ("no media type on version 1", post(GROUPS, json!({"name": "a"})).no_media(), refused.clone()),
            (
                "no media type for the Auth API",
                post("/auth/v2/preauth", json!({"username": "a"})).no_media().key("auth"),
                refused,
            ),
            ("JSON on version 1", post(GROUPS, json!({"name": "b"})), Done),
            ("a form on version 1", form(GROUPS, "name=c"), Done),
            ("GET needs none", get(V3), Done),
            ("GET under the type of a form", get(GROUPS).media("application/x-www-form-urlencoded"), Done),
        ]
    };
    Sandbox::new().await.answers(&table(Refused(40101, None))).await;
    Sandbox::with(&["media-type=40103"]).await.answers(&table(Refused(40103, None))).await;
    Sandbox::with(&["media-type=any"])
        .await
        .answers(&[
            ("no media type", post(V3, rdp()).no_media(), Done),
            ("text", post(V3, rdp()).media("text/plain"), Done),
        ])
        .await;
}

#[tokio::test]
async fn parameters_stand_where_a_path_takes_them() {
    let sandbox = Sandbox::new().await;
    let empty = |path: &str| post(path, json!({})).body("");
    sandbox
        .answers(&[
            (
                "version 1, in the query, beside nothing",
                empty(&format!("{V1}?name=x&type=rdp")),
                At("/response/type", json!("rdp")),
            ),
            ("version 1, in the query, of a group", empty(&format!("{GROUPS}?name=x")), Done),
            (
                "version 3, in the query, beside nothing",
                empty(&format!("{V3}?name=x&type=rdp")),
                Refused(40001, Some("type")),
            ),
            (
                "version 3, in the query, beside an object",
                post(&format!("{V3}?name=x&type=rdp"), json!({})),
                Refused(40001, Some("type")),
            ),
            (
                "version 2, in the query",
                empty("/admin/v2/integrations?name=x&type=rdp"),
                Refused(40001, Some("type")),
            ),
            (
                "a policy, in the query",
                empty("/admin/v2/policies?policy_name=x"),
                Refused(40001, Some("policy_name")),
            ),
            ("a list", post(V3, json!([])), Refused(40002, Some("body is not a JSON object"))),
            (
                "no JSON",
                post(V3, json!({})).body("name=x"),
                Refused(40002, Some("body is not a JSON object")),
            ),
            (
                "DELETE with an empty body",
                delete(&format!("{V3}/DI000000000000000000")),
                Refused(40401, None),
            ),
        ])
        .await;
}

#[tokio::test]
async fn signatures_of_every_version_are_verified() {
    let sandbox = Sandbox::new().await;
    let bad = Refused(40103, None);
    sandbox
        .answers(&[
            ("5", get(GROUPS), Done),
            ("5 in capitals", get(GROUPS).upper(), Done),
            ("5 with X-Duo-Date", get(GROUPS).duo_date(), Done),
            ("4", get(GROUPS).version(Version::Four), Done),
            ("2 with SHA-512", get(GROUPS).version(Version::TwoSha512), Done),
            ("2 with SHA-1", get(GROUPS).version(Version::TwoSha1), Done),
            ("2 with SHA-1 in capitals", get(GROUPS).version(Version::TwoSha1).upper(), Done),
            ("2 with a form", form(GROUPS, "name=two").version(Version::TwoSha1), Done),
            (
                "2 with JSON, which it does not cover",
                post(GROUPS, json!({"name": "x"})).version(Version::TwoSha512),
                bad.clone(),
            ),
            (
                "2 with JSON and SHA-1",
                post(GROUPS, json!({"name": "x"})).version(Version::TwoSha1),
                bad.clone(),
            ),
            ("2 where 5 is needed", get(V3).version(Version::TwoSha512), bad.clone()),
            ("4 where 5 is needed", get(V3).version(Version::Four), bad.clone()),
            ("a query that needs escapes", get("/admin/v1/users?username=a b&c/d~é*'(!"), Done),
            ("a wrong secret", get(GROUPS).secret("0123456789012345678901234567890123456789"), bad),
            ("no signature", get(GROUPS).unsigned(), Refused(40101, None)),
            ("an unknown key", get(GROUPS).key("auth").secret("x"), Refused(40103, None)),
        ])
        .await;
}

#[tokio::test]
async fn the_clock_may_be_off_by_a_minute() {
    let bad = Refused(40105, None);
    let sandbox = Sandbox::new().await;
    sandbox
        .answers(&[
            ("50 seconds ahead", get(GROUPS).seconds_off(50), Done),
            ("50 seconds behind", get(GROUPS).seconds_off(-50), Done),
            ("70 seconds ahead", get(GROUPS).seconds_off(70), bad.clone()),
            ("70 seconds behind", get(GROUPS).seconds_off(-70), bad.clone()),
            ("no date that can be read", get(GROUPS).date("yesterday"), Refused(40104, None)),
            ("another time zone", get(GROUPS).date("Tue, 21 Aug 2012 17:29:18 +0100"), bad.clone()),
        ])
        .await;
    let answer = sandbox.send(&get(GROUPS).date("yesterday")).await;
    assert_eq!(answer.json()["message"], "Missing request timestamp");
    let answer = sandbox.send(&get(GROUPS).seconds_off(70)).await;
    assert_eq!(answer.json()["message"], "Bad request timestamp");
    Sandbox::with(&["lenient-clock"])
        .await
        .answers(&[
            ("280 seconds ahead", get(GROUPS).seconds_off(280), Done),
            ("310 seconds behind", get(GROUPS).seconds_off(-310), bad),
        ])
        .await;
}

#[tokio::test]
async fn a_key_of_another_kind_is_refused_as_a_switch_says() {
    for (switch, code, detail) in [
        ("wrong-kind=40102", 40102, None),
        ("wrong-kind=40301", 40301, Some("Wrong integration type for this API.")),
    ] {
        Sandbox::with(&[switch])
            .await
            .answers(&[
                ("an Auth API key on /admin", get(GROUPS).key("auth"), Refused(code, detail)),
                ("with a wrong secret", get(GROUPS).key("auth").secret("x"), Refused(40103, None)),
            ])
            .await;
    }
    for (switch, text) in [
        ("identity-text=off", "Invalid integration key in request credentials"),
        ("identity-text=on", "Invalid identity in request credentials"),
    ] {
        let answer = Sandbox::with(&[switch]).await.send(&get(GROUPS).key("auth")).await;
        assert_eq!(answer.json()["message"], text);
    }
}

#[tokio::test]
async fn the_type_of_a_key_may_be_looked_at_before_its_signature() {
    let wrong = || get("/auth/v2/check").secret("x");
    Sandbox::new().await.answers(&[("signature first", wrong(), Refused(40103, None))]).await;
    let detail = Some("Wrong integration type for this API.");
    Sandbox::with(&["type-before-signature"])
        .await
        .answers(&[
            ("type first", wrong(), Refused(40301, detail)),
            ("a type that fits", wrong().key("auth"), Refused(40103, None)),
        ])
        .await;
}

#[tokio::test]
async fn replies_carry_the_recorded_headers() {
    let sandbox = Sandbox::new().await;
    let read = sandbox.send(&get(GROUPS)).await;
    for (name, value) in [
        ("server", "Duo/1.0"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("strict-transport-security", "max-age=31536000"),
        (
            "content-security-policy",
            "default-src 'self'; frame-src 'self' ; img-src 'self'  ; connect-src 'self'",
        ),
    ] {
        assert_eq!(read.header(name), Some(value), "{name}");
    }
    assert!(read.header("etag").is_some());
    let written = sandbox.send(&post(GROUPS, json!({"name": "x"}))).await;
    assert_eq!((written.status, written.header("etag")), (200, None));
    let refused = sandbox.send(&post(GROUPS, json!({"name": "x"}))).await;
    assert_eq!((refused.status, refused.header("cache-control")), (400, None));
    let body = refused.json();
    assert_eq!((&body["code"], &body["message"]), (&json!(40003), &json!("Duplicate resource")));
    assert_eq!(body.get("message_detail"), None);
}
