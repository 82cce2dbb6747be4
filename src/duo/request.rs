//! Turns a call into a signed request, without I/O (duo-api.md, sections 1.3 to 1.5).

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::call::{ApiCall, Method, Signing};
use super::error::DuoError;
use super::object::Ikey;
use super::sign::{Scheme, Signable, authorization, canonical_params, signature};
use crate::secret::Secret;

/// The name that duoctl sends as its user agent.
pub const USER_AGENT: &str = concat!("duoctl/", env!("CARGO_PKG_VERSION"));

/// The key that signs.
#[derive(Clone)]
pub struct Key {
    /// The public half.
    pub ikey: Ikey,
    /// The secret half.
    pub skey: Secret,
}

/// One HTTP request, ready to send. Its fields are exactly what is signed.
#[derive(Clone)]
pub struct SignedRequest {
    /// The method.
    pub method: Method,
    /// Path and query, as sent on the request line.
    pub target: String,
    /// The `Date` header.
    pub date: String,
    /// The `Authorization` header; `None` for an unsigned call. It can be replayed for some minutes, so it is a secret.
    pub authorization: Option<Secret>,
    /// The `Content-Type` header, if there is a body.
    pub content_type: Option<&'static str>,
    /// The body; empty for GET and DELETE.
    pub body: Vec<u8>,
}

impl fmt::Debug for SignedRequest {
    /// Only method and path: bodies and queries may contain data that must not be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("path", &self.target.split('?').next().unwrap_or_default())
            .finish_non_exhaustive()
    }
}

/// The call in one line for people: `GET /admin/v1/groups`.
pub fn title(call: &ApiCall) -> String {
    format!("{} {}", call.method.as_str(), call.path)
}

/// A moment in the format of the `Date` header: RFC 2822 with `-0000` and a two-digit day, like the official clients
/// (duo-api.md, section 1.2).
pub fn date_text(moment: Timestamp) -> String {
    moment.strftime("%a, %d %b %Y %H:%M:%S -0000").to_string()
}

/// A moment shifted by the clock's offset in seconds; unchanged if the result is out of range.
pub fn shifted(moment: Timestamp, offset_seconds: i64) -> Timestamp {
    moment.checked_add(SignedDuration::from_secs(offset_seconds)).unwrap_or(moment)
}

/// Builds and signs one request.
///
/// Parameters of GET and DELETE go into the query. A version 5 body is JSON (`{}` if it is empty), a version 2 or unsigned
/// body is a form. The bytes that are sent are the bytes that are signed.
///
/// # Errors
///
/// [`DuoError::NotSent`] when the path could not be sent as signed: an empty segment, `.` or `..`, or a character that must
/// be percent-encoded.
pub fn signed_request(call: &ApiCall, host: &str, key: &Key, date: &str) -> Result<SignedRequest, DuoError> {
    check_path(call)?;
    let params = parameters(&call.params);
    let form = matches!(call.signing, Signing::By(Scheme::V2Sha1 | Scheme::V2Sha512) | Signing::Unsigned);
    let canonical = canonical_params(&params);
    let (query, body, content_type) = match (call.method.has_body(), form) {
        (false, _) => (canonical, Vec::new(), None),
        (true, true) => (String::new(), canonical.into_bytes(), Some("application/x-www-form-urlencoded")),
        (true, false) => (String::new(), json_body(&call.params), Some("application/json")),
    };
    let in_json = call.method.has_body() && !form;
    let authorization = match call.signing {
        Signing::Unsigned => None,
        Signing::By(scheme) => {
            let signable = Signable {
                date,
                method: call.method.as_str(),
                host,
                path: &call.path,
                params: if in_json { &[] } else { &params },
                body: if form { b"" } else { &body },
                duo_headers: &[],
            };
            let signed = signature(scheme, &key.skey, &signable);
            Some(Secret::new(authorization(key.ikey.as_str(), &signed)))
        }
    };
    let target = if query.is_empty() { call.path.clone() } else { format!("{}?{query}", call.path) };
    Ok(SignedRequest {
        method: call.method,
        target,
        date: date.to_owned(),
        authorization,
        content_type,
        body,
    })
}

/// A URL parser would resolve `..` and escape special characters after the path was signed.
fn check_path(call: &ApiCall) -> Result<(), DuoError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte);
    let fits = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    match call.path.strip_prefix('/') {
        Some(rest) if rest.split('/').all(fits) => Ok(()),
        _ => Err(DuoError::NotSent {
            call: call.method.as_str().to_owned(),
            reason: "its path contains an empty or invalid part; check the ids in it".to_owned(),
        }),
    }
}

fn json_body(params: &Map<String, Value>) -> Vec<u8> {
    // A map of strings and JSON values always serialises.
    serde_json::to_vec(params).unwrap_or_else(|_| b"{}".to_vec())
}

/// Parameters as decoded text: a list repeats its key, `null` is left out.
fn parameters(params: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut pairs = Vec::new();
    for (key, value) in params {
        match value {
            Value::Null => {}
            Value::Array(items) => pairs.extend(items.iter().map(|item| (key.clone(), text(item)))),
            other => pairs.push((key.clone(), text(other))),
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duo::call::Budget;
    use serde_json::json;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/data/signing-vectors.json")).unwrap()
    }

    fn call_of(vector: &Value) -> Option<ApiCall> {
        let method = match vector["method"].as_str()? {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            _ => return None,
        };
        let scheme = match (vector["sig_version"].as_u64()?, vector["hmac"].as_str()?) {
            (2, "HMAC-SHA1") => Scheme::V2Sha1,
            (2, "HMAC-SHA512") => Scheme::V2Sha512,
            (5, _) => Scheme::V5,
            _ => return None,
        };
        // duoctl sends no x-duo header, and non-ASCII text as UTF-8.
        let escaped = vector["body_sent"].as_str().is_some_and(|body| body.contains("\\u"));
        if escaped || !vector["x_duo_headers"].as_object()?.is_empty() {
            return None;
        }
        let params = match (method.has_body(), scheme) {
            // The order of keys is part of a JSON body.
            (true, Scheme::V5) => serde_json::from_str(vector["body_sent"].as_str()?).ok()?,
            _ => vector["params"].clone(),
        };
        let Value::Object(params) = params else { return None };
        Some(ApiCall {
            method,
            path: vector["path"].as_str()?.to_owned(),
            params,
            budget: Budget::Read,
            signing: Signing::By(scheme),
        })
    }

    #[test]
    fn the_vectors_inputs_give_the_vectors_requests() {
        let file = vectors();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = Key {
            ikey: Ikey::new(text(&file["credentials"]["ikey"])),
            skey: Secret::new(text(&file["credentials"]["skey"])),
        };
        let mut seen = Vec::new();
        for vector in file["vectors"].as_array().unwrap() {
            let Some(call) = call_of(vector) else { continue };
            let name = text(&vector["name"]);
            let request =
                signed_request(&call, &text(&vector["host"]), &key, &text(&vector["date"])).unwrap();
            let authorization = request.authorization.as_ref().map(Secret::expose);
            assert_eq!(authorization, vector["authorization"].as_str(), "{name}");
            assert_eq!(request.content_type, vector["content_type_sent"].as_str(), "{name}");
            let query = request.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
            let body = String::from_utf8(request.body.clone()).unwrap();
            let Signing::By(scheme) = call.signing else { unreachable!() };
            match (call.method.has_body(), scheme) {
                (false, _) => {
                    assert_eq!((query, body.as_str()), (text(&vector["canonical_params"]).as_str(), ""))
                }
                (true, Scheme::V5) => assert_eq!((query, body), ("", text(&vector["body_sent"]))),
                (true, _) => assert_eq!((query, body), ("", text(&vector["canonical_params"]))),
            }
            seen.push((vector["sig_version"].as_u64().unwrap(), call.method.as_str()));
        }
        for wanted in
            [(2, "GET"), (2, "POST"), (2, "DELETE"), (5, "GET"), (5, "POST"), (5, "PUT"), (5, "DELETE")]
        {
            assert!(seen.contains(&wanted), "no vector for {wanted:?}");
        }
        assert_eq!(seen.len(), 22, "{seen:?}");
    }

    #[test]
    fn the_date_has_two_digits_and_no_zone_name() {
        let moment: Timestamp = "2026-03-08T09:05:07Z".parse().unwrap();
        assert_eq!(date_text(moment), "Sun, 08 Mar 2026 09:05:07 -0000");
        assert_eq!(date_text(shifted(moment, -3600)), "Sun, 08 Mar 2026 08:05:07 -0000");
        assert_eq!(shifted(moment, i64::MAX), moment);
    }

    #[test]
    fn an_unsigned_call_carries_no_authorization() {
        let key = Key { ikey: Ikey::new("DI"), skey: Secret::new("s") };
        let call = ApiCall::get("/auth/v2/ping", &[]).signing(Signing::Unsigned);
        let request = signed_request(&call, "h", &key, "d").unwrap();
        assert!(request.authorization.is_none());
        assert_eq!(request.target, "/auth/v2/ping");
    }

    #[test]
    fn a_path_that_would_change_on_its_way_is_not_signed() {
        let key = Key { ikey: Ikey::new("DI"), skey: Secret::new("s") };
        for path in
            ["", "admin", "/admin//x", "/admin/../x", "/admin/./x", "/a b", "/a?b", "/a#b", "/é", "/a/"]
        {
            let result = signed_request(&ApiCall::get(path, &[]), "h", &key, "d");
            assert!(matches!(result, Err(DuoError::NotSent { .. })), "{path}");
        }
        assert!(signed_request(&ApiCall::get("/a/%2F%2E/b", &[]), "h", &key, "d").is_ok());
    }

    #[test]
    fn debug_shows_neither_signature_nor_parameters() {
        let key = Key { ikey: Ikey::new("DI"), skey: Secret::new("s") };
        let get = signed_request(&ApiCall::get("/x", &[("a", "hidden")]), "h", &key, "d").unwrap();
        let Value::Object(body) = json!({"a": "hidden"}) else { unreachable!() };
        let post = signed_request(&ApiCall::post("/x", body), "h", &key, "d").unwrap();
        let text = format!("{get:?}{post:?}");
        assert!(!text.contains("hidden") && !text.contains("Basic"), "{text}");
    }
}
