//! The calls that check a key, by application type; logins, and the health check.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha512;

use super::hand::{At, Done, Expected, NotSimulated, Refused, Request, Sandbox, Version, form, get, post};

const CHECK: &str = "/auth/v2/check";
const REST: &str = "/rest/v1/check";
const WRONG_TYPE: Option<&str> = Some("Wrong integration type for this API.");

/// The answers of `/auth/v2/check` and `/rest/v1/check` to a valid key of each type (probes.md, section 3).
const TYPES: &[(&str, Auth, bool)] = &[
    ("authapi", Auth::Yes, false),
    ("rest", Auth::Yes, false),
    ("verify", Auth::Yes, false),
    ("partner_authapi", Auth::Yes, false),
    ("partner_websdk", Auth::Yes, false),
    ("websdk", Auth::Yes, false),
    ("bitwarden", Auth::Yes, false),
    ("unix", Auth::Yes, true),
    ("radius", Auth::Yes, true),
    ("ldapproxy", Auth::Yes, true),
    ("cisco", Auth::Yes, true),
    ("ciscoradius", Auth::Yes, true),
    ("f5bigip", Auth::Yes, true),
    ("fortinet", Auth::Yes, true),
    ("paloalto", Auth::Yes, true),
    ("vmwareview", Auth::Yes, true),
    ("openvpn", Auth::Unknown, true),
    ("openvpnas", Auth::Unknown, true),
    ("rdp", Auth::Unknown, false),
    ("macos", Auth::Unknown, false),
    ("adfs", Auth::Unknown, false),
    ("wordpress", Auth::Unknown, false),
    ("sso-generic", Auth::Unknown, false),
    ("accountsapi", Auth::Unknown, false),
    ("adminapi", Auth::No, false),
];

#[derive(Clone, Copy, PartialEq)]
enum Auth {
    Yes,
    No,
    Unknown,
}

#[tokio::test]
async fn the_check_of_the_auth_api_goes_by_the_type() {
    for (switch, unknown) in [
        ("auth-check=40301", Refused(40301, WRONG_TYPE)),
        ("auth-check=200", Done),
        ("auth-check=40102", Refused(40102, None)),
    ] {
        let sandbox = Sandbox::with(&[switch]).await;
        for (kind, auth, rest) in TYPES {
            let key: &'static str = sandbox.place(kind).leak();
            let expected: Expected = match auth {
                Auth::Yes => Done,
                Auth::No => Refused(40301, WRONG_TYPE),
                Auth::Unknown => unknown.clone(),
            };
            let v1 = if *rest { At("/response", json!("valid")) } else { NotSimulated };
            let wrong =
                |request: Request| request.key(key).secret("0123456789012345678901234567890123456789");
            sandbox
                .answers(&[
                    (kind, get(CHECK).key(key), expected.clone()),
                    (kind, get(CHECK).key(key).version(Version::TwoSha1), expected),
                    (kind, wrong(get(CHECK)), Refused(40103, None)),
                    (kind, get(REST).key(key), v1),
                    (kind, wrong(get(REST)), Refused(40103, None)),
                ])
                .await;
        }
    }
}

#[tokio::test]
async fn nobody_invents_a_login() {
    let sandbox = Sandbox::new().await;
    let login = |factor: &str| {
        post(
            "/auth/v2/auth",
            json!({"username": "ada.albrecht", "factor": factor, "device": "auto", "async": "1"}),
        )
        .key("auth")
    };
    for (factor, status, text) in [
        ("push", "deny", "Login request denied."),
        ("sms", "sent", "New SMS passcodes sent."),
        ("passcode", "deny", "Incorrect passcode. Please try again."),
    ] {
        let txid = sandbox.send(&login(factor)).await.json()["response"]["txid"].as_str().unwrap().to_owned();
        let outcome = json!({"auth_delayed": false, "result": "deny", "status": status, "status_msg": text});
        let asked = get(&format!("/auth/v2/auth_status?txid={txid}")).key("auth");
        sandbox.answers(&[(factor, asked, At("/response", outcome))]).await;
    }
    let invented = || get("/auth/v2/auth_status?txid=13eb97f2-9008-42f4-b59b-afc7a5edf6a6").key("auth");
    sandbox
        .answers(&[
            ("invented", invented(), Refused(40002, Some("txid"))),
            ("none", get("/auth/v2/auth_status").key("auth"), Refused(40001, Some("txid"))),
        ])
        .await;
    let lax = Sandbox::with(&["unknown-transaction=deny"]).await;
    lax.answers(&[("invented", invented(), At("/response/result", json!("deny")))]).await;
}

/// A health check as the Universal SDK sends it (duo-api.md, section 6.2).
struct Health {
    client: String,
    secret: String,
    jti: &'static str,
    /// When it expires, in seconds from now.
    ends: i64,
    host: &'static str,
}

impl Health {
    fn token(&self) -> String {
        let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let exp = jiff::Timestamp::now().as_second() + self.ends;
        let claims = json!({
            "iss": self.client, "sub": self.client, "aud": format!("https://{}/oauth/v1/health_check", self.host),
            "exp": exp, "jti": self.jti,
        });
        let signed = format!("{}.{}", encode(json!({"alg": "HS512", "typ": "JWT"})), encode(claims));
        let mac = Hmac::<Sha512>::new_from_slice(self.secret.as_bytes()).unwrap().chain_update(&signed);
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn form(&self) -> Request {
        let body = format!("client_id={}&client_assertion={}", self.client, self.token());
        form("/oauth/v1/health_check", &body).unsigned()
    }

    fn json(&self) -> Request {
        let body = json!({"client_id": self.client, "client_assertion": self.token()});
        post("/oauth/v1/health_check", body).unsigned()
    }
}

fn health(sandbox: &Sandbox, stored: Value, jti: &'static str) -> Health {
    let client = sandbox.running.account().place_application(&stored).unwrap();
    let (_, secret) = sandbox.pair(&client);
    Health { client, secret, jti, ends: 300, host: "api-1a2b3c4d.duosecurity.com" }
}

fn of_type(kind: &str) -> Value {
    json!({"kind": kind, "name": "prompt"})
}

const INVALID: Expected = Refused(40002, Some("The provided client_assertion was invalid."));

#[tokio::test]
async fn the_health_check_knows_clients_of_the_prompt() {
    let sandbox = Sandbox::new().await;
    for kind in ["websdk", "bitwarden", "partner_websdk"] {
        sandbox.answers(&[(kind, health(&sandbox, of_type(kind), "a").form(), Done)]).await;
    }
    for kind in ["wordpress", "rdp", "authapi", "adminapi"] {
        sandbox.answers(&[(kind, health(&sandbox, of_type(kind), "a").form(), INVALID)]).await;
    }
    let seen = json!({"kind": "wordpress", "name": "seen", "frameless": true});
    sandbox.answers(&[("seen without a frame", health(&sandbox, seen, "a").form(), Done)]).await;
    let lax = Sandbox::with(&["health-check=200"]).await;
    lax.answers(&[("wordpress", health(&lax, of_type("wordpress"), "a").form(), Done)]).await;
}

#[tokio::test]
async fn the_health_check_refuses_what_is_not_one() {
    let sandbox = Sandbox::new().await;
    let good = || health(&sandbox, of_type("websdk"), "once");
    let twice = good();
    sandbox
        .answers(&[
            ("a wrong secret", Health { secret: "x".repeat(40), ..good() }.form(), INVALID),
            (
                "an unknown client",
                Health { client: "DI000000000000000000".to_owned(), ..good() }.form(),
                INVALID,
            ),
            ("JSON", good().json(), INVALID),
            ("no media type", good().form().no_media(), INVALID),
            ("another audience", Health { host: "api-ffffffff.duosecurity.com", ..good() }.form(), INVALID),
            ("no jti", Health { jti: "", ..good() }.form(), INVALID),
            ("over", Health { ends: -120, ..good() }.form(), INVALID),
            ("too long", Health { ends: 900, ..good() }.form(), INVALID),
            ("once", twice.form(), Done),
            ("and again", twice.form(), INVALID),
            ("with another jti", Health { jti: "twice", ..twice }.form(), Done),
        ])
        .await;
    let lax = Sandbox::with(&["repeated-assertions"]).await;
    let again = health(&lax, of_type("websdk"), "once");
    lax.answers(&[("once", again.form(), Done), ("and again", again.form(), Done)]).await;
    let late = Sandbox::with(&["health-check-clock=200"]).await;
    let over = Health { ends: -120, ..health(&late, of_type("websdk"), "once") };
    let answer = late.send(&over.form()).await;
    assert_eq!((answer.status, &answer.json()["stat"]), (200, &json!("FAIL")));
    assert_eq!(answer.json()["code"], 40002);
}
