//! Requests and replies as bytes and headers, before parsing and after rendering (duo-api.md, 2.1).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use super::call::Reply;
use super::switches::Switches;
use crate::duo::sign::hex;

/// An HTTP request.
#[derive(Clone)]
pub struct RawRequest {
    /// The method as sent.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Headers in the order they were sent; names in any case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Who sent it, for `networks_for_api_access`.
    pub peer: IpAddr,
}

impl RawRequest {
    /// A request from this machine.
    pub fn new(method: &str, target: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { method: method.to_owned(), target: target.to_owned(), headers, body, peer }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query, or `""`.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// An HTTP reply.
#[derive(Clone, PartialEq)]
pub struct RawReply {
    /// The status.
    pub status: u16,
    /// Headers in the order they are sent.
    pub headers: Vec<(&'static str, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl RawReply {
    /// A reply with the headers that all of Duo's replies have.
    pub fn new(status: u16, content_type: &str, body: Vec<u8>, now: i64) -> Self {
        let mut headers = vec![
            ("Server", "Duo/1.0".to_owned()),
            ("Content-Type", content_type.to_owned()),
            ("Content-Length", body.len().to_string()),
            ("Connection", "keep-alive".to_owned()),
        ];
        headers.extend(http_date(now).map(|date| ("Date", date)));
        Self { status, headers, body }
    }

    /// The exact bytes of a reply (duo-api.md, section 2.1).
    pub fn render(reply: Reply, request: &RawRequest, switches: &Switches, now: i64) -> Self {
        let (status, envelope) = match reply {
            Reply::Raw { content_type, body } => return Self::new(200, content_type, body, now),
            Reply::NotSimulated { what } => return Self::not_simulated(request, what, now),
            Reply::SoftFail(refusal) => {
                return Self { status: 200, ..Self::render(*refusal, request, switches, now) };
            }
            Reply::Ok(response) => (200, json!({"stat": "OK", "response": response})),
            Reply::Page(rows, Value::Null) => (200, json!({"stat": "OK", "response": rows})),
            Reply::Page(rows, metadata) => {
                (200, json!({"stat": "OK", "response": rows, "metadata": metadata}))
            }
            Reply::Fail { code, message, detail } => {
                (status(code), failure(code, message, detail.as_deref(), switches))
            }
        };
        let body = dumps(&envelope).into_bytes();
        let etag = (request.method == "GET").then(|| ("Etag", format!("\"{}\"", hex(&Sha1::digest(&body)))));
        let mut raw = Self::new(status, "application/json", body, now);
        if status == 200 {
            raw.headers.extend(SUCCESS.iter().map(|(name, value)| (*name, (*value).to_owned())));
            raw.headers.extend(etag);
        }
        raw
    }

    fn not_simulated(request: &RawRequest, what: &str, now: i64) -> Self {
        let text = format!(
            "the duoctl sandbox does not simulate {} {}: {what}. It is a simulator, not Duo; docs/reference/sandbox.md lists \
             what it leaves out.\n",
            request.method,
            request.path()
        );
        Self::new(501, "text/plain; charset=utf-8", text.into_bytes(), now)
    }
}

/// Headers of every successful reply in addition to those of [`RawReply::new`], as recorded (official request collection).
const SUCCESS: &[(&str, &str)] = &[
    ("Cache-Control", "no-store"),
    ("Pragma", "no-cache"),
    ("Strict-Transport-Security", "max-age=31536000"),
    (
        "Content-Security-Policy",
        "default-src 'self'; frame-src 'self' ; img-src 'self'  ; connect-src 'self'",
    ),
];

/// The HTTP status is the first three digits of the code.
fn status(code: u32) -> u16 {
    u16::try_from(code / 100).unwrap_or(500)
}

fn failure(code: u32, message: &str, detail: Option<&str>, switches: &Switches) -> Value {
    let code = if switches.code_as_string { json!(code.to_string()) } else { json!(code) };
    let mut map = Map::from_iter([
        ("stat".to_owned(), json!("FAIL")),
        ("code".to_owned(), code),
        ("message".to_owned(), json!(message)),
    ]);
    if detail.is_some() || switches.null_detail {
        map.insert("message_detail".to_owned(), json!(detail));
    }
    Value::Object(map)
}

fn http_date(now: i64) -> Option<String> {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::from_second(now).ok()?).ok()
}

/// The decoded pairs of a query or a form.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}

/// The host without its port, as covered by a signature (duo-api.md, section 1.2).
pub(super) fn bare_host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    }
}

/// JSON as Duo sends it: as Python's `json.dumps(value, sort_keys=True)` writes it.
pub fn dumps(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_text(key, out);
                out.push_str(": ");
                write_value(item, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value = json!({"b": [1, null, true, 1.5], "a": "é\u{7f}😀\"\\\n\u{1}", "": {}, "c": []});
        insta::assert_snapshot!(dumps(&value), @r#"{"": {}, "a": "\u00e9\u007f\ud83d\ude00\"\\\n\u0001", "b": [1, null, true, 1.5], "c": []}"#);
    }

    #[test]
    fn the_port_is_not_part_of_the_signed_host() {
        for (authority, host) in
            [("a.example:8443", "a.example"), ("a.example", "a.example"), ("[::1]:443", "[::1]")]
        {
            assert_eq!(bare_host(authority), host);
        }
    }

    #[test]
    fn a_refusal_has_duos_shape() {
        let request = RawRequest::new("GET", "/", Vec::new(), Vec::new());
        let render = |reply, now| RawReply::render(reply, &request, &Switches::default(), now);
        let raw = render(Reply::missing("name"), 0);
        assert_eq!(raw.status, 400);
        insta::assert_snapshot!(String::from_utf8(raw.body).unwrap(), @r#"{"code": 40001, "message": "Missing required request parameters", "message_detail": "name", "stat": "FAIL"}"#);
        let raw = render(Reply::forbidden(), 1_345_570_158);
        insta::assert_snapshot!(String::from_utf8(raw.body).unwrap(), @r#"{"code": 40301, "message": "Access forbidden", "stat": "FAIL"}"#);
        assert!(raw.headers.contains(&("Date", "Tue, 21 Aug 2012 17:29:18 GMT".to_owned())));
        assert!(raw.headers.contains(&("Server", "Duo/1.0".to_owned())));
    }
}
