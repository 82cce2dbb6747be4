//! Request signing, without I/O (duo-api.md, section 1). Golden vectors: `tests/wire/signing_vectors.rs`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sha1::Sha1;
use sha2::{Digest, Sha512};

use crate::secret::Secret;

/// RFC 3986: escapes everything but the unreserved characters (duo-api.md, section 1.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How a request is signed (duo-api.md, section 1.1). A request does not carry the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Version 2 with HMAC-SHA1: the classic scheme of the Auth API.
    V2Sha1,
    /// Version 2 with HMAC-SHA512.
    V2Sha512,
    /// Version 4: JSON bodies, no header hash. Only the sandbox accepts it; duoctl never sends it.
    V4,
    /// Version 5: covers the body and `x-duo-` headers. duoctl uses this one.
    V5,
}

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// The exact text of the `Date` or `X-Duo-Date` header, RFC 2822.
    pub date: &'a str,
    /// The HTTP method in any case.
    pub method: &'a str,
    /// The API hostname in any case, without a port.
    pub host: &'a str,
    /// The path as sent, without a query.
    pub path: &'a str,
    /// Query parameters (all versions) or form parameters (version 2), decoded, in any order.
    pub params: &'a [(String, String)],
    /// The raw body; empty for GET and DELETE. Not covered by version 2.
    pub body: &'a [u8],
    /// Headers whose name starts with `x-duo-`. Covered by version 5 only.
    pub duo_headers: &'a [(String, String)],
}

/// The `PARAMS` line: escaped, sorted by escaped key and then value, joined (duo-api.md, section 1.3).
///
/// It is also a valid query string, which is how duoctl sends it.
pub fn canonical_params(params: &[(String, String)]) -> String {
    let escape = |text: &str| percent_encode(text.as_bytes(), ESCAPED).to_string();
    let mut pairs: Vec<_> = params.iter().map(|(key, value)| (escape(key), escape(value))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

/// The exact text that is signed (duo-api.md, section 1.2).
pub fn canonical_request(scheme: Scheme, request: &Signable<'_>) -> String {
    let mut lines = vec![
        request.date.to_owned(),
        request.method.to_uppercase(),
        request.host.to_lowercase(),
        request.path.to_owned(),
        canonical_params(request.params),
    ];
    if matches!(scheme, Scheme::V4 | Scheme::V5) {
        lines.push(hex(&Sha512::digest(request.body)));
    }
    if scheme == Scheme::V5 {
        lines.push(hex(&Sha512::digest(canonical_headers(request.duo_headers))));
    }
    lines.join("\n")
}

fn canonical_headers(headers: &[(String, String)]) -> Vec<u8> {
    let mut sorted: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str())).collect();
    sorted.sort_unstable();
    sorted.iter().map(|(name, value)| format!("{name}\0{value}")).collect::<Vec<_>>().join("\0").into_bytes()
}

/// The signature in lower-case hex: 40 characters with SHA-1, 128 with SHA-512.
pub fn signature(scheme: Scheme, secret: &Secret, request: &Signable<'_>) -> String {
    let text = canonical_request(scheme, request);
    match scheme {
        Scheme::V2Sha1 => mac::<Hmac<Sha1>>(secret, &text),
        Scheme::V2Sha512 | Scheme::V4 | Scheme::V5 => mac::<Hmac<Sha512>>(secret, &text),
    }
}

fn mac<M: Mac + KeyInit>(secret: &Secret, text: &str) -> String {
    // HMAC accepts a key of any length, so this cannot fail; an empty signature would only fail to verify.
    M::new_from_slice(secret.expose().as_bytes())
        .map(|mac| hex(&mac.chain_update(text.as_bytes()).finalize().into_bytes()))
        .unwrap_or_default()
}

/// Whether `presented` is the signature of the request, compared in constant time.
pub fn verify(scheme: Scheme, secret: &Secret, request: &Signable<'_>, presented: &str) -> bool {
    let expected = signature(scheme, secret, request);
    let difference =
        expected.bytes().zip(presented.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b));
    expected.len() == presented.len() && !expected.is_empty() && difference == 0
}

/// The `Authorization` header (duo-api.md, section 1.5).
pub fn authorization(ikey: &str, signature: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{ikey}:{signature}")))
}

/// Lower-case hex of some bytes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
