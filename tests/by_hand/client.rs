//! duoctl's own requests, exactly as sent, checked by a signer that shares no code with it.

use std::time::Duration;

use duoctl::duo::backoff::Backoff;
use duoctl::duo::call::{ApiCall, Method, Signing, Transport};
use duoctl::duo::https::{HttpsConfig, HttpsTransport};
use duoctl::duo::limiter::Limits;
use duoctl::duo::object::Ikey;
use duoctl::duo::sign::Scheme;
use duoctl::secret::Secret;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::hand::{Signable, Version};
use crate::support::wire_server::{Authority, HOST, Server, json as answer};

const IKEY: &str = "DITESTTESTTESTTEST01";
const SKEY: &str = "sKeYsKeYsKeYsKeYsKeYsKeYsKeYsKeYsKeYsKeY";

fn body() -> Map<String, Value> {
    let body = json!({"name": "Café \u{202e}'(!*", "sso": {"a": [1, null, true]}, "notes": "a\nb"});
    body.as_object().unwrap().clone()
}

#[tokio::test]
async fn every_request_is_signed_as_the_reference_says() {
    let authority = Authority::new();
    let ok = || answer(200, r#"{"stat": "OK", "response": {}}"#);
    let server = Server::start(authority.leaf(HOST, 2020, 2099), (0..8).map(|_| ok())).await;
    let mut config = HttpsConfig::new(HOST, Ikey::new(IKEY), Secret::new(SKEY));
    config.authorities.ca_file = Some(authority.file.path().to_owned());
    config.connect_to = Some(server.address);
    config.limits = Limits::UNLIMITED;
    config.backoff = Backoff { unit: Duration::from_millis(1), ..Backoff::default() };
    let transport = HttpsTransport::open(config).unwrap();
    let odd = [("zeta", "R&D = 50% (ä)"), ("a", ""), ("A", "x"), ("a-b", "~_.-"), ("a_b", "'*!")];
    let mut put = ApiCall::post("/admin/v2/policies/POX", body());
    put.method = Method::Put;
    let by = |scheme| Signing::By(scheme);
    let calls = [
        (ApiCall::get("/admin/v3/integrations", &odd), Version::Five),
        (ApiCall::get("/auth/v2/check", &[]), Version::Five),
        (ApiCall::post("/admin/v3/integrations", body()), Version::Five),
        (ApiCall::post("/admin/v3/integrations", Map::new()), Version::Five),
        (put, Version::Five),
        (ApiCall::delete("/admin/v3/integrations/DIX"), Version::Five),
        (ApiCall::get("/rest/v1/check", &odd).signing(by(Scheme::V2Sha1)), Version::TwoSha1),
        (ApiCall::get("/rest/v1/check", &odd).signing(by(Scheme::V2Sha512)), Version::TwoSha512),
    ];
    for (call, _) in &calls {
        transport.send(call).await.unwrap();
    }
    let received = server.received.lock().unwrap().clone();
    assert_eq!(received.len(), calls.len());
    for (request, (_, version)) in received.iter().zip(&calls) {
        let mut line = request.line.split(' ');
        let (method, target) = (line.next().unwrap(), line.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let pairs = query.split('&').filter_map(|part| part.split_once('='));
        let signable = Signable {
            version: *version,
            date: request.header("date").unwrap(),
            method,
            host: HOST,
            path,
            params: pairs.map(|(key, value)| (decoded(key), decoded(value))).collect(),
            body: &request.body,
            headers: String::new(),
        };
        let credentials = format!("{IKEY}:{}", signable.sign(SKEY));
        let expected = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, credentials);
        assert_eq!(request.header("authorization").unwrap(), format!("Basic {expected}"), "{}", request.line);
        let media = request.header("content-type");
        let writes = matches!(method, "POST" | "PUT");
        assert_eq!(media, writes.then_some("application/json"), "{}", request.line);
    }
}
