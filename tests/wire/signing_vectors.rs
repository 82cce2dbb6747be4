//! Every golden vector computed with Duo's official clients gives the same bytes here (duo-api.md, section 1.8).
//! Version 1 has vectors but is not implemented, as the reference says.

use duoctl::duo::sign::{
    Scheme, Signable, authorization, canonical_params, canonical_request, signature, verify,
};
use duoctl::secret::Secret;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/signing-vectors.json")).unwrap()
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_default()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(map) = value.as_object() else { return Vec::new() };
    map.iter()
        .flat_map(|(key, value)| match value {
            Value::Array(items) => items.iter().map(|item| (key.clone(), text(item))).collect(),
            other => vec![(key.clone(), text(other))],
        })
        .collect()
}

fn scheme(vector: &Value) -> Option<Scheme> {
    match (vector["sig_version"].as_u64()?, text(vector, "hmac")) {
        (2, "HMAC-SHA1") => Some(Scheme::V2Sha1),
        (2, "HMAC-SHA512") => Some(Scheme::V2Sha512),
        (4, _) => Some(Scheme::V4),
        (5, _) => Some(Scheme::V5),
        _ => None,
    }
}

#[test]
fn every_vector_of_an_implemented_version_matches() {
    let file = vectors();
    let (ikey, secret) =
        (text(&file["credentials"], "ikey"), Secret::new(text(&file["credentials"], "skey")));
    let mut checked = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let name = text(vector, "name");
        let Some(scheme) = scheme(vector) else {
            assert_eq!(vector["sig_version"], 1, "{name}");
            continue;
        };
        let covers_body = matches!(scheme, Scheme::V4 | Scheme::V5);
        let in_body = covers_body && !vector["body_sent"].is_null();
        let params = if in_body { Vec::new() } else { pairs(&vector["params"]) };
        let headers = pairs(&vector["x_duo_headers"]);
        let request = Signable {
            date: text(vector, "date"),
            method: text(vector, "method"),
            host: text(vector, "host"),
            path: text(vector, "path"),
            params: &params,
            body: if covers_body { text(vector, "body_sent").as_bytes() } else { b"" },
            duo_headers: &headers,
        };
        assert_eq!(canonical_params(&params), text(vector, "canonical_params"), "{name}");
        assert_eq!(canonical_request(scheme, &request), text(vector, "canonical_string"), "{name}");
        let signed = signature(scheme, &secret, &request);
        assert_eq!(signed, text(vector, "signature_hex"), "{name}");
        assert_eq!(authorization(ikey, &signed), text(vector, "authorization"), "{name}");
        assert!(verify(scheme, &secret, &request, &signed), "{name}");
        assert!(!verify(scheme, &Secret::new("another key"), &request, &signed), "{name}");
        checked += 1;
    }
    assert_eq!(checked, 30, "a vector was skipped");
}
