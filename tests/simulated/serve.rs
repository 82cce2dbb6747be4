//! The sandbox over real HTTPS: its certificates, bytes, faults, and state.

use std::time::{Duration, Instant};

use duoctl::duo::sign::{Scheme, Signable, authorization, canonical_params, signature};
use duoctl::sandbox::account::{Account, Key, reset};
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use reqwest::{Certificate, Client, Method, Response, StatusCode};
use serde_json::{Value, json};

async fn serve(options: ServeOptions) -> (Running, Client) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running = start(options).await.unwrap();
    let ca = Certificate::from_pem(running.ca_pem().as_bytes()).unwrap();
    let names = ["api-1a2b3c4d.duosecurity.com", "sso-1a2b3c4d.sso.duosecurity.com", "api-0.duofederal.com"];
    let mut client =
        Client::builder().no_proxy().tls_certs_only([ca]).redirect(reqwest::redirect::Policy::none());
    for name in names {
        client = client.resolve(name, running.address());
    }
    (running, client.build().unwrap())
}

async fn plain() -> (Running, Client) {
    serve(ServeOptions::default()).await
}

async fn with_faults(faults: &[&str]) -> (Running, Client) {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    serve(ServeOptions { faults, ..ServeOptions::default() }).await
}

fn key(running: &Running, name: &str) -> Key {
    running.keys().into_iter().find(|key| key.name == name).unwrap()
}

/// A call as a client that follows the reference would send it.
struct Signed<'a> {
    key: &'a Key,
    scheme: Scheme,
    offset: i64,
    host: &'a str,
}

impl<'a> Signed<'a> {
    fn by(key: &'a Key) -> Self {
        Self { key, scheme: Scheme::V5, offset: 0, host: "api-1a2b3c4d.duosecurity.com" }
    }

    async fn send(
        &self,
        running: &Running,
        client: &Client,
        method: Method,
        path: &str,
        params: &[(&str, &str)],
    ) -> reqwest::Result<Response> {
        let time = Timestamp::from_second(Timestamp::now().as_second() + self.offset).unwrap();
        let date = DateTimePrinter::new().timestamp_to_string(&time).unwrap();
        let pairs: Vec<_> = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let in_body = method == Method::POST;
        let json = in_body && self.scheme == Scheme::V5;
        let body = match (in_body, json) {
            (true, true) => Value::from_iter(pairs.iter().cloned()).to_string(),
            (true, false) => canonical_params(&pairs),
            (false, _) => String::new(),
        };
        let signable = Signable {
            date: &date,
            method: method.as_str(),
            host: self.host,
            path,
            params: if json { &[] } else { &pairs },
            body: body.as_bytes(),
            duo_headers: &[],
        };
        let signature = signature(self.scheme, &self.key.secret_key, &signable);
        let port = running.address().port();
        let query = if in_body { String::new() } else { format!("?{}", canonical_params(&pairs)) };
        let media = if json { "application/json" } else { "application/x-www-form-urlencoded" };
        client
            .request(method, format!("https://{}:{port}{path}{query}", self.host))
            .header("Date", date)
            .header("Authorization", authorization(&self.key.integration_key, &signature))
            .header("Content-Type", media)
            .body(body)
            .send()
            .await
    }

    async fn get(&self, running: &Running, client: &Client, path: &str) -> (u16, Value) {
        let response = self.send(running, client, Method::GET, path, &[]).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn every_name_is_certified_and_its_own_reach_the_account() {
    let (running, client) = plain().await;
    let operator = key(&running, "operator");
    for (host, expected) in [
        ("api-1a2b3c4d.duosecurity.com", 200),
        ("api-0.duofederal.com", 401),
        ("localhost", 200),
        ("127.0.0.1", 200),
    ] {
        let signed = Signed { host, ..Signed::by(&operator) };
        let (status, _) = signed.get(&running, &client, "/admin/v1/info/summary").await;
        assert_eq!(status, expected, "{host}");
    }
    let port = running.address().port();
    let url = format!("https://sso-1a2b3c4d.sso.duosecurity.com:{port}/auth/v2/ping");
    assert!(client.get(url).send().await.unwrap().status().is_success());
    let untrusting = Client::builder().no_proxy().build().unwrap();
    assert!(untrusting.get(format!("https://127.0.0.1:{port}/auth/v2/ping")).send().await.is_err());
}

#[tokio::test]
async fn replies_have_duos_headers_and_bytes() {
    let (running, client) = plain().await;
    let response = client.get(format!("{}/auth/v2/ping", running.url())).send().await.unwrap();
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!((header("server"), header("cache-control")), ("Duo/1.0".to_owned(), "no-store".to_owned()));
    assert!(header("date").ends_with(" GMT") && header("etag").len() == 42);
    let text = response.text().await.unwrap();
    assert!(text.starts_with(r#"{"response": {"time": "#) && text.ends_with(r#"}, "stat": "OK"}"#), "{text}");
    let response = client.get(format!("{}/admin/v1/groups", running.url())).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.text().await.unwrap(),
        r#"{"code": 40101, "message": "Missing request credentials", "stat": "FAIL"}"#
    );
}

#[tokio::test]
async fn credentials_are_checked_in_duos_order() {
    let (running, client) = plain().await;
    let operator = key(&running, "operator");
    let code = |reply: (u16, Value)| (reply.0, reply.1["code"].as_u64().unwrap());
    let groups = "/admin/v1/groups";
    let unknown = Key { integration_key: "DIXXXXXXXXXXXXXXXXXX".to_owned(), ..operator.clone() };
    let late = Signed { offset: -61, ..Signed::by(&unknown) };
    assert_eq!(code(late.get(&running, &client, groups).await), (401, 40102));
    let wrong = Key { secret_key: duoctl::secret::Secret::new("wrong"), ..operator.clone() };
    let late = Signed { offset: -70, ..Signed::by(&wrong) };
    assert_eq!(code(late.get(&running, &client, groups).await), (401, 40105));
    assert_eq!(code(Signed::by(&wrong).get(&running, &client, groups).await), (401, 40103));
    let early = Signed { offset: 55, ..Signed::by(&operator) };
    assert_eq!(early.get(&running, &client, groups).await.0, 200);

    let auth = key(&running, "auth");
    assert_eq!(code(Signed::by(&auth).get(&running, &client, groups).await), (401, 40102));
    let check = Signed::by(&operator).get(&running, &client, "/auth/v2/check").await;
    assert_eq!(check.1["message_detail"], "Wrong integration type for this API.");
    assert_eq!(code(check), (403, 40301));
    let none = key(&running, "no-permissions");
    let refused = Signed::by(&none).get(&running, &client, groups).await;
    assert_eq!((refused.0, refused.1.get("message_detail")), (403, None));
}

#[tokio::test]
async fn older_signatures_work_where_duo_takes_them() {
    let (running, client) = plain().await;
    let (auth, operator) = (key(&running, "auth"), key(&running, "operator"));
    for scheme in [Scheme::V2Sha1, Scheme::V2Sha512, Scheme::V4, Scheme::V5] {
        let signed = Signed { scheme, ..Signed::by(&auth) };
        assert_eq!(signed.get(&running, &client, "/auth/v2/check").await.0, 200, "{scheme:?}");
        let signed = Signed { scheme, ..Signed::by(&operator) };
        let expected = if scheme == Scheme::V5 { 200 } else { 401 };
        for path in ["/admin/v3/integrations", "/admin/v2/integrations", "/admin/v2/policies"] {
            assert_eq!(signed.get(&running, &client, path).await.0, expected, "{scheme:?} {path}");
        }
    }
    let classic = Signed { scheme: Scheme::V2Sha1, ..Signed::by(&auth) };
    let params = [("username", "ada.albrecht"), ("hostname", "a b/ü")];
    let reply = classic.send(&running, &client, Method::POST, "/auth/v2/preauth", &params).await.unwrap();
    assert_eq!(reply.json::<Value>().await.unwrap()["response"]["result"], "auth");
}

#[tokio::test]
async fn networks_for_api_access_shut_out_other_callers() {
    let (running, client) = serve(ServeOptions {
        caller_address: Some("198.51.100.9".parse().unwrap()),
        ..ServeOptions::default()
    })
    .await;
    let operator = key(&running, "operator");
    let restrict = |networks: &str| {
        let body = json!({"networks_for_api_access": networks}).as_object().unwrap().clone();
        running.account().modify_application(&operator.integration_key, body).unwrap();
    };
    restrict("192.0.2.0/24");
    assert_eq!(Signed::by(&operator).get(&running, &client, "/admin/v1/groups").await.0, 403);
    restrict("192.0.2.0/24, 198.51.100.0-198.51.100.20");
    assert_eq!(Signed::by(&operator).get(&running, &client, "/admin/v1/groups").await.0, 200);
}

#[tokio::test]
async fn faults_strike_and_end() {
    let (running, client) = with_faults(&["429=1", "5xx=1", "html=1", "redirect=1"]).await;
    let ping = format!("{}/auth/v2/ping", running.url());
    let mut seen = Vec::new();
    for _ in 0..5 {
        let response = client.get(&ping).send().await.unwrap();
        let status = response.status().as_u16();
        seen.push((status, response.text().await.unwrap().starts_with('<')));
    }
    assert_eq!(seen, [(429, false), (500, false), (502, true), (302, true), (200, false)]);

    let (running, client) = with_faults(&["reset-before=1", "truncate=1"]).await;
    let ping = format!("{}/auth/v2/ping", running.url());
    assert!(client.get(&ping).send().await.is_err());
    let cut = client.get(&ping).send().await;
    assert!(match cut {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    });
    assert!(client.get(&ping).send().await.unwrap().bytes().await.is_ok());

    let (running, client) = with_faults(&["drip", "delay=30"]).await;
    let begun = Instant::now();
    let response = client.get(format!("{}/auth/v2/ping", running.url())).send().await.unwrap();
    response.json::<Value>().await.unwrap();
    assert!(begun.elapsed() > Duration::from_millis(60));
}

#[tokio::test]
async fn a_skewed_clock_refuses_and_tells_its_time() {
    let (running, client) = with_faults(&["skew=1000", "string-code"]).await;
    let operator = key(&running, "operator");
    let (status, body) = Signed::by(&operator).get(&running, &client, "/admin/v1/groups").await;
    assert_eq!((status, &body["code"]), (401, &json!("40105")));
    let ping: Value =
        client.get(format!("{}/auth/v2/ping", running.url())).send().await.unwrap().json().await.unwrap();
    let offset = ping["response"]["time"].as_i64().unwrap() - Timestamp::now().as_second();
    assert!((995..=1005).contains(&offset), "{offset}");
    let corrected = Signed { offset, ..Signed::by(&operator) };
    assert_eq!(corrected.get(&running, &client, "/admin/v1/groups").await.0, 200);
}

#[tokio::test]
async fn a_reset_after_commit_leaves_the_application() {
    let (running, client) = with_faults(&["reset-after-commit=1"]).await;
    let operator = key(&running, "operator");
    let params = [("name", "x"), ("type", "rdp"), ("user_access", "NO_USERS")];
    let before = running.account().applications().len();
    let path = "/admin/v3/integrations";
    assert!(Signed::by(&operator).send(&running, &client, Method::POST, path, &params).await.is_err());
    assert_eq!(running.account().applications().len(), before + 1);
}

#[tokio::test]
async fn state_keys_and_trust_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        || ServeOptions { state: Some(folder.path().join("deep/state")), ..ServeOptions::default() };
    let (first, _) = serve(options()).await;
    let body = json!({"name": "kept", "type": "rdp", "user_access": "NO_USERS"}).as_object().unwrap().clone();
    let made = first.account().create_application(body).unwrap();
    let (pem, secret) = (first.ca_pem().to_owned(), key(&first, "operator").secret_key.expose().to_owned());
    let refused = start(options()).await.err().unwrap().to_string();
    assert!(refused.ends_with("is in use by another process"), "{refused}");
    first.shutdown().await;

    let (second, client) = serve(options()).await;
    assert_eq!(second.ca_pem(), pem);
    assert_eq!(key(&second, "operator").secret_key.expose(), secret);
    let ikey = made["integration_key"].as_str().unwrap();
    assert_eq!(second.account().application(ikey).unwrap(), made);
    assert_eq!(Signed::by(&key(&second, "operator")).get(&second, &client, "/admin/v1/groups").await.0, 200);
    let state = folder.path().join("deep/state");
    assert!(reset(&state).unwrap_err().to_string().ends_with("is in use by another process"));
    second.shutdown().await;

    reset(&state).unwrap();
    let (third, _) = serve(options()).await;
    assert_eq!(third.ca_pem(), pem);
    assert_ne!(key(&third, "operator").secret_key.expose(), secret);
    assert!(third.account().application(ikey).is_err());
    reset(&folder.path().join("never used")).unwrap();
    assert_ne!(Account::in_memory().unwrap().key("operator").unwrap().secret_key.expose(), secret);
}

#[tokio::test]
async fn the_startup_document_names_every_key() {
    let (running, _client) = plain().await;
    let document = running.document();
    assert!(std::path::Path::new(document["ca_file"].as_str().unwrap()).exists());
    let names: Vec<_> =
        document["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["auth", "no-permissions", "operator", "plan-only"]);
    assert!(!document.to_string().contains('\n'));
}

#[tokio::test]
async fn public_documents_of_single_sign_on_are_served() {
    let (running, client) = plain().await;
    let apps = running.account().applications();
    let port = running.address().port();
    for (kind, url) in [("sso-oidc-generic", "discovery_url"), ("sso-generic", "metadata_url")] {
        let app = apps.iter().find(|app| app["type"] == kind).unwrap();
        let url = app["sso"]["idp_metadata"][url].as_str().unwrap();
        let url = url.replace(".sso.duosecurity.com", &format!(".sso.duosecurity.com:{port}"));
        let response = client.get(&url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        let text = response.text().await.unwrap();
        assert!(text.contains(app["integration_key"].as_str().unwrap()), "{text}");
    }
}
