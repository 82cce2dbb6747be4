//! Turns a raw request into a call with a verified signature (duo-api.md, sections 1 and 2.2).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::fmt::rfc2822::DateTimeParser;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::admission;
use super::application::Application;
use super::call::{Call, Caller, Reply};
use super::collections::ACCOUNTS;
use super::hosts;
use super::message::{RawRequest, bare_host, pairs};
use super::store::Store;
use super::switches::{ForeignHost, MediaType, Switches};
use crate::duo::sign::{Scheme, Signable, verify};
use crate::secret::Secret;

/// How much the client's clock may differ, in seconds (duo-api.md, correction to section 1.7).
const TOLERANCE: u64 = 60;
/// The same with the switch that allows more.
const LENIENT_TOLERANCE: u64 = 300;

/// What a request is checked against.
pub(super) struct Gate<'a> {
    /// The applications with the signing keys.
    pub(super) store: &'a Store,
    /// The account's API hostname.
    pub(super) host: &'a str,
    pub(super) switches: &'a Switches,
    /// The sandbox's clock, Unix seconds.
    pub(super) now: i64,
}

/// Verifies a request. The checks run in the order of the reference (duo-api.md, section 2.2).
pub(super) fn authenticate(gate: &Gate<'_>, request: &RawRequest) -> Result<Call, Reply> {
    let path = decode_path(request.path());
    let authority = request.header("host").unwrap_or_default().to_lowercase();
    let body = Body::of(request);
    let caller = if is_public(&request.method, &path) {
        gate.reached(bare_host(&authority), None)?;
        None
    } else {
        Some(gate.signer(request, &path, bare_host(&authority), &body)?)
    };
    Ok(Call {
        method: request.method.clone(),
        params: body.params(request, takes_json_only(request.path()))?,
        path,
        is_form: matches!(body, Body::Form(_)),
        host: bare_host(&authority).to_owned(),
        authority,
        caller,
        peer: request.peer,
        now: gate.now,
    })
}

/// Calls that need no signature; if one is sent, it is ignored.
fn is_public(method: &str, path: &[String]) -> bool {
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    matches!(
        (method, path.as_slice()),
        ("GET", ["auth", "v2", "ping"] | ["rest", "v1", "ping"] | ["oidc" | "saml2", ..])
            | (_, ["oauth", "v1", "health_check" | "authorize" | "token"])
    )
}

/// Paths that accept version 5 and JSON only (duo-api.md, section 1.1).
fn takes_json_only(path: &str) -> bool {
    ["/admin/v2/integrations", "/admin/v3/integrations", "/admin/v2/policies"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Methods that send their parameters in a body.
fn has_body(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

/// The body of a request, parsed by its `Content-Type`.
enum Body {
    Json,
    Form(Vec<(String, String)>),
    /// The header is missing or has another value.
    Unknown,
}

impl Body {
    fn of(request: &RawRequest) -> Self {
        let media_type = request.header("content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form(pairs(&String::from_utf8_lossy(&request.body))),
            _ => Self::Unknown,
        }
    }

    fn form(&self) -> &[(String, String)] {
        match self {
            Self::Form(pairs) => pairs,
            Self::Json | Self::Unknown => &[],
        }
    }

    /// The parameters, wherever they were sent. With a required JSON body, the query may only name the account.
    fn params(&self, request: &RawRequest, json_only: bool) -> Result<Map<String, Value>, Reply> {
        let mut query = pairs(request.query());
        if json_only && has_body(&request.method) {
            query.retain(|(key, _)| key == "account_id");
        }
        let mut params = Map::new();
        for (key, value) in query.into_iter().chain(self.form().iter().cloned()) {
            match params.get_mut(&key) {
                None => drop(params.insert(key, Value::String(value))),
                Some(Value::Array(values)) => values.push(Value::String(value)),
                Some(first) => *first = Value::Array(vec![first.take(), Value::String(value)]),
            }
        }
        let object = serde_json::from_slice::<Map<String, Value>>(&request.body);
        match (self, object) {
            (Self::Json | Self::Unknown, Ok(body)) => params.extend(body),
            (Self::Json, Err(_)) if !request.body.is_empty() => {
                return Err(Reply::invalid("body is not a JSON object"));
            }
            (Self::Json | Self::Unknown | Self::Form(_), _) => {}
        }
        Ok(params)
    }
}

fn decode_path(path: &str) -> Vec<String> {
    let decode = |part| percent_decode_str(part).decode_utf8_lossy().into_owned();
    path.split('/').skip(1).map(decode).collect()
}

impl Gate<'_> {
    fn signer(
        &self,
        request: &RawRequest,
        path: &[String],
        host: &str,
        body: &Body,
    ) -> Result<Caller, Reply> {
        let switches = self.switches;
        let (ikey, presented) = credentials(request).ok_or_else(Reply::no_credentials)?;
        let application = Application::load(self.store, &ikey).ok_or_else(|| Reply::unknown_key(switches))?;
        self.reached(host, Some(&application.kind))?;
        self.media_type(request, body)?;
        let date = request.header("x-duo-date").or_else(|| request.header("date"));
        let date = date.ok_or_else(Reply::no_timestamp)?;
        let time = DateTimeParser::new().parse_timestamp(date).map_err(|_| Reply::no_timestamp())?;
        let tolerance = if switches.lenient_clock { LENIENT_TOLERANCE } else { TOLERANCE };
        if self.now.abs_diff(time.as_second()) > tolerance {
            return Err(Reply::bad_timestamp());
        }
        let fits = || admission::check(&application.kind, path, names_account(request, body), switches);
        if switches.type_before_signature {
            fits()?;
        }
        let secret = Secret::new(application.secret_key.as_str());
        let signed = Signed { request, date, body, presented: presented.to_ascii_lowercase() };
        if !signed.schemes().iter().any(|scheme| signed.fits(*scheme, &secret)) {
            return Err(Reply::bad_signature());
        }
        fits()?;
        Ok(application.caller())
    }

    /// Refuses a request for another account's host. A child account's host needs a key for child accounts.
    fn reached(&self, host: &str, kind: Option<&str>) -> Result<(), Reply> {
        let is_its = |child: &Value| child.get("api_hostname").and_then(Value::as_str) == Some(host);
        let is_childs = || self.store.list(ACCOUNTS).any(|(_, child)| is_its(child));
        if hosts::reach(self.host, host) || (kind == Some("accountsapi") && is_childs()) {
            return Ok(());
        }
        Err(match self.switches.foreign_host {
            ForeignHost::BadSignature => Reply::bad_signature(),
            ForeignHost::UnknownKey => Reply::unknown_key(self.switches),
        })
    }

    /// Refuses a body in a format that the path does not accept (duo-api.md, correction to section 2.2).
    fn media_type(&self, request: &RawRequest, body: &Body) -> Result<(), Reply> {
        let fits = match body {
            Body::Json => true,
            Body::Form(_) => !takes_json_only(request.path()),
            Body::Unknown => false,
        };
        if fits || !has_body(&request.method) {
            return Ok(());
        }
        match self.switches.media_type {
            MediaType::NoCredentials => Err(Reply::no_credentials()),
            MediaType::BadSignature => Err(Reply::bad_signature()),
            MediaType::Any => Ok(()),
        }
    }
}

/// Whether a call names an account (duo-api.md, section 8).
fn names_account(request: &RawRequest, body: &Body) -> bool {
    body.params(request, false).is_ok_and(|params| params.contains_key("account_id"))
}

/// A request with its signature.
struct Signed<'a> {
    request: &'a RawRequest,
    date: &'a str,
    body: &'a Body,
    /// In lower case: Duo accepts both (duo-api.md, correction to section 1).
    presented: String,
}

impl Signed<'_> {
    /// A request does not carry its version; the signature's length narrows it down (duo-api.md, section 1.6).
    fn schemes(&self) -> &'static [Scheme] {
        let json_only = takes_json_only(self.request.path());
        // Version 2 does not cover a JSON body.
        let covered = !matches!(self.body, Body::Json) || self.request.body.is_empty();
        match (self.presented.len(), json_only) {
            (128, true) => &[Scheme::V5],
            (128, false) if covered => &[Scheme::V5, Scheme::V4, Scheme::V2Sha512],
            (128, false) => &[Scheme::V5, Scheme::V4],
            (40, false) if covered => &[Scheme::V2Sha1],
            _ => &[],
        }
    }

    fn fits(&self, scheme: Scheme, secret: &Secret) -> bool {
        let request = self.request;
        let covers_body = matches!(scheme, Scheme::V4 | Scheme::V5);
        let form = self.body.form().iter().filter(|_| !covers_body);
        let params: Vec<_> = pairs(request.query()).into_iter().chain(form.cloned()).collect();
        let is_duo = |name: &str| name.to_ascii_lowercase().starts_with("x-duo-");
        let duo_headers: Vec<_> = request.headers.iter().filter(|(name, _)| is_duo(name)).cloned().collect();
        let signable = Signable {
            date: self.date,
            method: &request.method,
            host: bare_host(request.header("host").unwrap_or_default()),
            path: request.path(),
            params: &params,
            body: &request.body,
            duo_headers: &duo_headers,
        };
        verify(scheme, secret, &signable, &self.presented)
    }
}

fn credentials(request: &RawRequest) -> Option<(String, String)> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (ikey, signature) = text.split_once(':')?;
    Some((ikey.to_owned(), signature.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_path_segments_take_json_only() {
        assert!(takes_json_only("/admin/v3/integrations"));
        assert!(takes_json_only("/admin/v2/policies/global"));
        assert!(!takes_json_only("/admin/v1/integrations"));
        assert!(!takes_json_only("/admin/v2/policies_of_old"));
    }
}
