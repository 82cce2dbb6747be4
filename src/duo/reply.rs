//! Turns an HTTP reply into an outcome, without I/O (duo-api.md, sections 2.1 and 2.2).
//!
//! A body is never kept: an error holds only Duo's own message, truncated and made printable.

use std::time::Duration;

use serde_json::Value;

use super::call::{ApiCall, Method, Success};
use super::error::{DuoError, Refusal};
use super::request::title;
use crate::text::printable;

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header, if it is text.
    pub content_type: Option<String>,
    /// The `Content-Encoding` header, if it is text. duoctl asks for none.
    pub content_encoding: Option<String>,
    /// The `Location` header of a redirect, if it is text.
    pub location: Option<String>,
    /// The `Retry-After` header in seconds. Duo does not send it so far (section 2.3).
    pub retry_after: Option<Duration>,
    /// The body, as far as it arrived.
    pub body: Body,
}

/// A reply's body.
#[derive(Clone)]
pub enum Body {
    /// The complete body.
    Whole(Vec<u8>),
    /// More than this many bytes; the rest was not read.
    TooLarge(usize),
    /// The connection ended first; one line for people.
    Broken(String),
}

impl std::fmt::Debug for Body {
    /// Only lengths: a body may contain a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::TooLarge(limit) => write!(f, "TooLarge({limit})"),
            Self::Broken(reason) => write!(f, "Broken({reason:?})"),
        }
    }
}

/// Reads the outcome of a call from its reply.
///
/// # Errors
///
/// - [`DuoError::Refused`]: Duo refused the call, whatever the HTTP status.
/// - [`DuoError::Lost`]: the body of a success or of a server error broke off, or is JSON that ends too early. For reads
///   and writes alike: the answer was on its way, so retry where that is safe.
/// - [`DuoError::Unexpected`]: redirects, oversized bodies, HTML, JSON in another format than Duo's.
pub fn outcome(call: &ApiCall, reply: &Reply) -> Result<Success, DuoError> {
    let status = reply.status;
    let unexpected = |reason: String| DuoError::Unexpected { call: title(call), status, reason };
    if (300..400).contains(&status) {
        return Err(unexpected(redirect(reply.location.as_deref())));
    }
    let unknown = (200..300).contains(&status) || status >= 500;
    let bytes = match &reply.body {
        Body::Whole(bytes) => bytes,
        Body::TooLarge(limit) => {
            return Err(unexpected(format!("it is larger than {} MB", limit / 1_000_000)));
        }
        Body::Broken(reason) if unknown => {
            return Err(DuoError::Lost { call: title(call), reason: reason.clone() });
        }
        Body::Broken(reason) => return Err(unexpected(reason.clone())),
    };
    match parsed(bytes) {
        Ok(Value::Object(envelope)) => envelope_outcome(call, status, Value::Object(envelope)),
        Ok(_) => Err(unexpected("it is JSON, but not an object".to_owned())),
        Err(error) if error.is_eof() && !bytes.is_empty() && unknown => {
            Err(DuoError::Lost { call: title(call), reason: "its JSON is cut off".to_owned() })
        }
        Err(_) => Err(match not_text(call, bytes) {
            Some((reason, true)) => DuoError::Incomplete { path: call.path.clone(), reason },
            Some((reason, false)) => unexpected(reason),
            None => unexpected(not_json(reply, bytes)),
        }),
    }
}

/// Parses JSON. Half of a surrogate pair, which JSON can express but text cannot, becomes U+FFFD: one badly typed name
/// must not hide the whole account.
fn parsed(bytes: &[u8]) -> serde_json::Result<Value> {
    // A byte order mark is not valid JSON, but some proxies add one.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    serde_json::from_slice(bytes).or_else(|error| {
        if error.is_eof() { Err(error) } else { serde_json::from_slice(&without_half_surrogates(bytes)) }
    })
}

fn without_half_surrogates(bytes: &[u8]) -> Vec<u8> {
    let unit = |at: usize| -> Option<u16> {
        let escaped = bytes.get(at..at.checked_add(6)?)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(escaped).ok()?, 16).ok()
    };
    let (mut repaired, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let (taken, replaced) = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, false),
            (Some(0xd800..=0xdfff), _) => (6, true),
            // An escaped backslash, so the next byte is not part of an escape.
            _ => (if *byte == b'\\' { 2 } else { 1 }, false),
        };
        let end = (at + taken).min(bytes.len());
        if replaced {
            repaired.extend_from_slice(b"\\ufffd");
        } else {
            repaired.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    repaired
}

fn envelope_outcome(call: &ApiCall, status: u16, mut envelope: Value) -> Result<Success, DuoError> {
    let unexpected =
        |reason: &str| Err(DuoError::Unexpected { call: title(call), status, reason: reason.to_owned() });
    let stat = envelope.get("stat").and_then(Value::as_str);
    let code = envelope.get("code").and_then(whole_number).and_then(|code| u32::try_from(code).ok());
    match stat {
        Some("OK") if (200..300).contains(&status) => {
            let mut take = |key| envelope.get_mut(key).map(Value::take).unwrap_or_default();
            Ok(Success { response: take("response"), metadata: take("metadata") })
        }
        Some("OK") => unexpected("it says OK, but its HTTP status does not"),
        Some(_) => Err(refused(call, status, code, &envelope)),
        None if code.is_some() => Err(refused(call, status, code, &envelope)),
        None => unexpected("it is JSON without `stat`"),
    }
}

fn refused(call: &ApiCall, status: u16, code: Option<u32>, envelope: &Value) -> DuoError {
    let text = |key: &str| match envelope.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(printable(text)),
        Some(other) => Some(printable(&other.to_string())),
    };
    let (message, detail) = if call.hands_out_keys() {
        (Some("its reason is not shown, since it may contain the key".to_owned()), None)
    } else {
        (
            text("message").filter(|text| !text.is_empty()),
            text("message_detail").filter(|text| !text.is_empty()),
        )
    };
    DuoError::Refused(Refusal {
        call: title(call),
        status,
        code,
        message: message.unwrap_or_else(|| "no reason given".to_owned()),
        detail,
    })
}

/// A whole number given as a JSON integer, a float without a fraction, or a numeric string (trap 34).
pub fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
            format!("{float:.0}").parse().ok()
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn redirect(location: Option<&str>) -> String {
    let host = location.and_then(|location| location.split_once("//")).map(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        printable(authority.rsplit('@').next().unwrap_or_default())
    });
    match host {
        Some(host) if !host.is_empty() => format!("it redirects to {host}, which is not followed"),
        _ => "it is a redirect, which is not followed".to_owned(),
    }
}

/// A character that never occurs in text; it replaces invalid bytes.
const NO_TEXT: char = '\u{fdd0}';

/// Where Duo's JSON contains invalid UTF-8: which object of a list, and whether it is a page of one.
fn not_text(call: &ApiCall, bytes: &[u8]) -> Option<(String, bool)> {
    let at = std::str::from_utf8(bytes).err()?.valid_up_to();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(NO_TEXT);
        }
    }
    let envelope = parsed(text.as_bytes()).ok().filter(|envelope| envelope.get("stat").is_some())?;
    let offset = call.params.get("offset").and_then(whole_number);
    let objects = envelope.get("response").and_then(Value::as_array);
    let object = objects.and_then(|objects| objects.iter().position(|object| holds(object, NO_TEXT)));
    Some(match (offset, object.and_then(|object| i64::try_from(object).ok())) {
        (Some(offset), Some(object)) if call.method == Method::Get => {
            let number = offset.saturating_add(object).saturating_add(1);
            (
                format!(
                    "object {number} contains bytes that are not UTF-8 (byte {at} of the page at offset {offset})"
                ),
                true,
            )
        }
        _ => (format!("byte {at} of it is not UTF-8"), false),
    })
}

fn holds(value: &Value, character: char) -> bool {
    match value {
        Value::String(text) => text.contains(character),
        Value::Array(items) => items.iter().any(|item| holds(item, character)),
        Value::Object(map) => {
            map.iter().any(|(key, value)| key.contains(character) || holds(value, character))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn not_json(reply: &Reply, bytes: &[u8]) -> String {
    let encoding = reply.content_encoding.as_deref().map(|encoding| printable(encoding).to_ascii_lowercase());
    if let Some(encoding) = encoding.filter(|encoding| !matches!(encoding.as_str(), "" | "identity")) {
        return format!("it is compressed (Content-Encoding: {encoding}), which duoctl did not ask for");
    }
    match reply.content_type.as_deref().map(|kind| printable(kind.split(';').next().unwrap_or_default())) {
        _ if bytes.is_empty() => "it is empty".to_owned(),
        Some(kind) if kind == "application/json" => "its JSON is malformed".to_owned(),
        Some(kind) if !kind.is_empty() => format!("it is {kind}, not JSON"),
        _ => "it is not JSON".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            content_type: Some("application/json".to_owned()),
            content_encoding: None,
            location: None,
            retry_after: None,
            body: Body::Whole(body.as_bytes().to_vec()),
        }
    }

    fn read() -> ApiCall {
        ApiCall::get("/admin/v1/groups", &[])
    }

    fn of(status: u16, body: &str) -> Result<Success, DuoError> {
        outcome(&read(), &reply(status, body))
    }

    fn refusal(status: u16, body: &str) -> Refusal {
        match of(status, body) {
            Err(DuoError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_to_hand_out_a_key_shows_nothing_that_could_be_it() {
        let reset = Map::from_iter([("reset_secret_key".to_owned(), json!(1))]);
        for call in [
            ApiCall::get("/admin/v1/integrations/DI1/skey", &[]),
            ApiCall::get("/admin/v2/integrations/oidc/DI1/client_secret", &[]),
            ApiCall::get("/admin/v2/integrations/oauth_cc/DI1/client_secret/c", &[]),
            ApiCall::post("/admin/v2/integrations/oidc/DI1/client_secret", Map::new()),
            ApiCall::post("/admin/v3/integrations/DI1", reset),
        ] {
            for body in [
                json!({"stat": "FAIL", "code": 40301, "message": "hunter2", "message_detail": "hunter2"}),
                json!({"stat": "FAIL", "code": 40301, "message": {"secret_key": "hunter2"}}),
                json!({"code": 50000, "message": "no", "message_detail": ["hunter2"]}),
                json!({"stat": "hunter2", "message": "hunter2"}),
            ] {
                let error = outcome(&call, &reply(403, &body.to_string())).unwrap_err();
                assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
                assert!(error.to_string().contains("its reason is not shown"), "{error}");
            }
            for body in ["hunter2", "{\"hunter2\": 1}", "[\"hunter2\"]", "\"hunter2\""] {
                let error = outcome(&call, &reply(200, body)).unwrap_err();
                assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
            }
        }
        assert!(refusal(403, r#"{"stat": "FAIL", "message": "no rights"}"#).message == "no rights");
    }

    #[test]
    fn half_a_surrogate_pair_hides_nothing() {
        let body = r#"{"stat": "OK", "response": ["\ud83d\ude00", "a\ud83d", "\ude00\ud83d\ud83d\ude00", "\\ud83d\ud83d", "\u00e9"]}"#;
        let names = json!(["😀", "a\u{fffd}", "\u{fffd}\u{fffd}😀", "\\ud83d\u{fffd}", "é"]);
        assert_eq!(of(200, body).unwrap().response, names);
        assert!(matches!(of(200, r#"{"stat": "OK", "response": "\ud83"#), Err(DuoError::Lost { .. })));
        assert!(matches!(
            of(200, r#"{"stat": "OK", "response": "\uzzzz"}"#),
            Err(DuoError::Unexpected { .. })
        ));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_answer() {
        assert_eq!(of(200, "\u{feff}{\"stat\": \"OK\", \"response\": 1}").unwrap().response, json!(1));
        assert_eq!(refusal(403, "\u{feff}{\"stat\": \"FAIL\", \"code\": 40301}").code, Some(40301));
        // Only one, and only at the start.
        assert!(of(200, "\u{feff}\u{feff}{\"stat\": \"OK\"}").is_err());
    }

    #[test]
    fn compression_that_was_not_asked_for_is_named() {
        let mut gzip = reply(200, "");
        gzip.body = Body::Whole(vec![0x1f, 0x8b, 8, 0, 0]);
        gzip.content_encoding = Some("GZIP".to_owned());
        let text = outcome(&read(), &gzip).unwrap_err().to_string();
        assert!(text.contains("(Content-Encoding: gzip), which duoctl did not ask for"), "{text}");
        // A wrong header does no harm.
        gzip.body = Body::Whole(br#"{"stat": "OK", "response": 1}"#.to_vec());
        assert_eq!(outcome(&read(), &gzip).unwrap().response, json!(1));
        gzip.body = Body::Whole(b"<html>".to_vec());
        gzip.content_encoding = Some("identity".to_owned());
        gzip.content_type = Some("text/html".to_owned());
        assert!(outcome(&read(), &gzip).unwrap_err().to_string().contains("text/html, not JSON"));
    }

    #[test]
    fn bytes_that_are_no_text_are_named_with_their_place_in_the_list() {
        let page = |offset: &str| ApiCall::get("/admin/v1/groups", &[("limit", "100"), ("offset", offset)]);
        let body = |name: &[u8]| {
            let begin = br#"{"stat": "OK", "response": [{"name": "a"}, {"name": ""#;
            [begin.as_slice(), name, br#""}, {"name": "c"}]}"#].concat()
        };
        let answer = |call: &ApiCall, name: &[u8]| {
            let mut reply = reply(200, "");
            reply.body = Body::Whole(body(name));
            outcome(call, &reply)
        };
        let error = answer(&page("100"), b"Caf\xe9").unwrap_err();
        assert!(matches!(error, DuoError::Incomplete { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the list /admin/v1/groups is incomplete: object 102 contains bytes that are not UTF-8 (byte 56 of the page at \
             offset 100)"
        );
        assert!(answer(&page("100"), "Caf\u{e9} \u{fffd}".as_bytes()).is_ok());
        // A change must not be reported as refused.
        let write = ApiCall::post("/admin/v3/integrations", Map::new());
        let error = answer(&write, b"\xff").unwrap_err();
        assert!(
            error.outcome_unknown() && error.to_string().contains("byte 53 of it is not UTF-8"),
            "{error}"
        );
        assert!(matches!(answer(&page("0"), b"\xff\""), Err(DuoError::Unexpected { .. })));
    }

    #[test]
    fn a_success_keeps_response_and_metadata() {
        let success =
            of(200, r#"{"stat": "OK", "metadata": {"total_objects": 1}, "response": [{"a": 1}]}"#).unwrap();
        assert_eq!(success.response, json!([{"a": 1}]));
        assert_eq!(success.metadata, json!({"total_objects": 1}));
        assert_eq!(of(200, r#"{"stat":"OK","response":""}"#).unwrap().response, json!(""));
        assert_eq!(of(200, r#"{"stat":"OK"}"#).unwrap(), Success::default());
    }

    #[test]
    fn trap_32_codes_come_as_numbers_strings_or_not_at_all() {
        let code = |code: &str| {
            let body = format!(r#"{{"stat": "FAIL", "message": "m", "code": {code}}}"#);
            refusal(403, &body).code
        };
        assert_eq!(code("40301"), Some(40301));
        assert_eq!(code("\"40301\""), Some(40301));
        assert_eq!(code("40301.0"), Some(40301));
        assert_eq!(code("\"\""), None);
        assert_eq!(code("null"), None);
        assert_eq!(code("-1"), None);
        assert_eq!(code("[]"), None);
        assert_eq!(refusal(403, r#"{"stat": "FAIL"}"#).message, "no reason given");
    }

    #[test]
    fn trap_32_detail_may_be_null_or_of_another_kind() {
        let detail = |detail: &str| {
            let body = format!(r#"{{"stat":"FAIL","code":40002,"message":"m","message_detail":{detail}}}"#);
            refusal(400, &body).detail
        };
        assert_eq!(detail("null"), None);
        assert_eq!(detail("\"name\"").as_deref(), Some("name"));
        assert_eq!(detail("{\"name\":[1]}").as_deref(), Some("{\"name\":[1]}"));
    }

    #[test]
    fn fail_under_200_is_a_failure() {
        let refusal = refusal(200, r#"{"stat": "FAIL", "code": 40002, "message": "Invalid"}"#);
        assert_eq!((refusal.status, refusal.code), (200, Some(40002)));
    }

    #[test]
    fn ok_under_another_status_is_no_success() {
        let error = of(500, r#"{"stat": "OK", "response": 1}"#).unwrap_err();
        assert!(matches!(error, DuoError::Unexpected { status: 500, .. }), "{error}");
    }

    #[test]
    fn trap_32_a_gateways_answer_is_reported_by_kind_and_status_only() {
        let mut html = reply(502, "<html>secret-in-page</html>");
        html.content_type = Some("text/html; charset=utf-8".to_owned());
        let error = outcome(&read(), &html).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the answer to GET /admin/v1/groups is not from Duo's API: it is text/html, not JSON (HTTP 502)"
        );
        assert!(!format!("{error:?}").contains("secret-in-page"));
        for body in ["", "[]", "\"x\"", "{}", r#"{"message": "Forbidden"}"#] {
            assert!(matches!(of(403, body), Err(DuoError::Unexpected { status: 403, .. })), "{body}");
        }
    }

    #[test]
    fn json_that_breaks_off_is_lost_when_something_may_have_happened() {
        let body = r#"{"stat": "OK", "response": {"integration_key": "DI"#;
        for status in [200, 503] {
            assert!(matches!(of(status, body), Err(DuoError::Lost { .. })), "{status}");
        }
        let post = ApiCall::post("/admin/v3/integrations", Map::new());
        assert!(outcome(&post, &reply(200, body)).unwrap_err().outcome_unknown());
        let refused = outcome(&post, &reply(403, body)).unwrap_err();
        assert!(matches!(refused, DuoError::Unexpected { status: 403, .. }) && !refused.outcome_unknown());
        let mut broken = reply(200, "");
        broken.body = Body::Broken("the connection ended".to_owned());
        assert!(matches!(outcome(&post, &broken), Err(DuoError::Lost { .. })));
        broken.status = 400;
        assert!(matches!(outcome(&post, &broken), Err(DuoError::Unexpected { status: 400, .. })));
    }

    #[test]
    fn an_oversized_body_is_unexpected() {
        let mut large = reply(200, "");
        large.body = Body::TooLarge(32_000_000);
        assert!(outcome(&read(), &large).unwrap_err().to_string().contains("larger than 32 MB"));
    }

    #[test]
    fn a_redirect_names_its_target_and_nothing_more() {
        let mut moved = reply(302, "");
        for (location, expected) in [
            (
                Some("https://user:pw@evil.example:444/path?token=1"),
                "it redirects to evil.example:444, which",
            ),
            (Some("//evil.example"), "it redirects to evil.example, which"),
            (Some("/login"), "it is a redirect"),
            (None, "it is a redirect"),
        ] {
            moved.location = location.map(str::to_owned);
            let text = outcome(&read(), &moved).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains("token") && !text.contains("pw"), "{text}");
        }
    }

    #[test]
    fn texts_are_bounded_and_cannot_drive_a_terminal() {
        let body = json!({"stat": "FAIL", "code": 40002, "message": format!("\u{1b}[31m\u{202e}{}", "x".repeat(5000))});
        let message = refusal(400, &body.to_string()).message;
        assert!(message.starts_with("\\u{1b}[31m\\u{202e}xxx") && message.ends_with('…'), "{message}");
        assert!(message.chars().count() < 330);
    }
}
