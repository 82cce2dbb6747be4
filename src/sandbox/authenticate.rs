//! From a raw request to a call whose signature was verified (duo-api.md, sections 1 and 2.2).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::fmt::rfc2822::DateTimeParser;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::application::Application;
use super::call::{Call, Caller, Reply};
use super::message::{RawRequest, bare_host, pairs};
use super::store::Store;
use super::switches::Switches;
use crate::duo::sign::{Scheme, Signable, verify};
use crate::secret::Secret;

/// How far the client's clock may be off, in seconds (duo-api.md, section 1.7, unconfirmed).
const TOLERANCE: u64 = 300;
/// The same where a switch says that it is less.
const STRICT_TOLERANCE: u64 = 60;

/// Verifies a request. The order of the checks is the reference's (duo-api.md, section 2.2).
pub(super) fn authenticate(
    store: &Store,
    switches: &Switches,
    request: &RawRequest,
    now: i64,
) -> Result<Call, Reply> {
    let tolerance = if switches.strict_clock { STRICT_TOLERANCE } else { TOLERANCE };
    let decoded = Decoded::of(request);
    let path = decode_path(request.path());
    let caller = if is_public(&request.method, &path) {
        None
    } else {
        Some(signer(store, request, &decoded, now, tolerance)?)
    };
    let authority = request.header("host").unwrap_or_default().to_lowercase();
    Ok(Call {
        method: request.method.clone(),
        path,
        params: decoded.params()?,
        host: bare_host(&authority).to_owned(),
        authority,
        caller,
        peer: request.peer,
        now,
    })
}

/// Calls that need no signature; where one is sent it is ignored.
fn is_public(method: &str, path: &[String]) -> bool {
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    matches!(
        (method, path.as_slice()),
        ("GET", ["auth", "v2", "ping"] | ["rest", "v1", "ping"] | ["oidc" | "saml2", ..])
            | ("POST", ["oauth", "v1", "health_check"])
    )
}

/// Paths that take version 5 only (duo-api.md, section 1.1).
fn needs_version_5(path: &str) -> bool {
    ["/admin/v2/integrations", "/admin/v3/integrations", "/admin/v2/policies"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The parameters of a request by where they were.
struct Decoded<'a> {
    query: Vec<(String, String)>,
    /// `None` when the body is JSON.
    form: Option<Vec<(String, String)>>,
    body: &'a [u8],
}

impl<'a> Decoded<'a> {
    fn of(request: &'a RawRequest) -> Self {
        let media_type = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let is_form = media_type.starts_with("application/x-www-form-urlencoded");
        let form = is_form.then(|| pairs(&String::from_utf8_lossy(&request.body)));
        Self { query: pairs(request.query()), form, body: &request.body }
    }

    fn params(self) -> Result<Map<String, Value>, Reply> {
        let mut params = Map::new();
        for (key, value) in self.query.into_iter().chain(self.form.iter().flatten().cloned()) {
            match params.get_mut(&key) {
                None => drop(params.insert(key, Value::String(value))),
                Some(Value::Array(values)) => values.push(Value::String(value)),
                Some(first) => *first = Value::Array(vec![first.take(), Value::String(value)]),
            }
        }
        if self.form.is_none() && !self.body.is_empty() {
            let body: Map<String, Value> =
                serde_json::from_slice(self.body).map_err(|_| Reply::invalid("body is not a JSON object"))?;
            params.extend(body);
        }
        Ok(params)
    }
}

fn decode_path(path: &str) -> Vec<String> {
    let decode = |part| percent_decode_str(part).decode_utf8_lossy().into_owned();
    path.split('/').skip(1).map(decode).collect()
}

fn signer(
    store: &Store,
    request: &RawRequest,
    decoded: &Decoded<'_>,
    now: i64,
    tolerance: u64,
) -> Result<Caller, Reply> {
    let (ikey, presented) = credentials(request).ok_or_else(Reply::no_credentials)?;
    let application = Application::load(store, &ikey).ok_or_else(Reply::unknown_key)?;
    let date = request.header("x-duo-date").or_else(|| request.header("date"));
    let date = date.ok_or_else(Reply::no_timestamp)?;
    let time = DateTimeParser::new().parse_timestamp(date).map_err(|_| Reply::no_timestamp())?;
    if now.abs_diff(time.as_second()) > tolerance {
        return Err(Reply::bad_timestamp());
    }
    let secret = Secret::new(application.secret_key.as_str());
    let fits = schemes(request.path(), &presented)
        .iter()
        .any(|scheme| is_signed(*scheme, &secret, request, decoded, date, &presented));
    if fits { Ok(application.caller()) } else { Err(Reply::bad_signature()) }
}

/// A request does not name its version; the length of the signature narrows it (duo-api.md, section 1.6).
fn schemes(path: &str, presented: &str) -> &'static [Scheme] {
    match presented.len() {
        128 if needs_version_5(path) => &[Scheme::V5],
        128 => &[Scheme::V5, Scheme::V4, Scheme::V2Sha512],
        40 if !needs_version_5(path) => &[Scheme::V2Sha1],
        _ => &[],
    }
}

fn is_signed(
    scheme: Scheme,
    secret: &Secret,
    request: &RawRequest,
    decoded: &Decoded<'_>,
    date: &str,
    presented: &str,
) -> bool {
    let covers_body = matches!(scheme, Scheme::V4 | Scheme::V5);
    let form = decoded.form.iter().flatten().filter(|_| !covers_body);
    let params: Vec<_> = decoded.query.iter().chain(form).cloned().collect();
    let is_duo = |name: &str| name.to_ascii_lowercase().starts_with("x-duo-");
    let duo_headers: Vec<_> = request.headers.iter().filter(|(name, _)| is_duo(name)).cloned().collect();
    let host = request.header("host").unwrap_or_default();
    let signable = Signable {
        date,
        method: &request.method,
        host: bare_host(host),
        path: request.path(),
        params: &params,
        body: &request.body,
        duo_headers: &duo_headers,
    };
    verify(scheme, secret, &signable, presented)
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
    fn only_whole_path_segments_need_version_5() {
        assert!(needs_version_5("/admin/v3/integrations"));
        assert!(needs_version_5("/admin/v2/policies/global"));
        assert!(!needs_version_5("/admin/v1/integrations"));
        assert!(!needs_version_5("/admin/v2/policies_of_old"));
    }
}
